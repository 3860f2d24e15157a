package bigquery

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	bq "cloud.google.com/go/bigquery"
	"cloud.google.com/go/civil"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"segments/sql"
	"segments/transforms/frame"
)

// A dataType is one of BigQuery's types: its family, and the kind that it is read as.
type dataType struct {
	family   sql.Family
	kind     frame.Kind
	readable bool
}

var dataTypes = map[bq.FieldType]dataType{
	bq.StringFieldType:     {sql.Text, frame.StringKind, true},
	bq.IntegerFieldType:    {sql.Integer, frame.Int64Kind, true},
	bq.FloatFieldType:      {sql.Float, frame.Float64Kind, true},
	bq.NumericFieldType:    {sql.Decimal, frame.Float64Kind, true},
	bq.BigNumericFieldType: {sql.Decimal, frame.Float64Kind, true},
	bq.BooleanFieldType:    {sql.Boolean, frame.BoolKind, true},
	bq.DateFieldType:       {sql.Day, frame.DateKind, true},
	bq.TimestampFieldType:  {sql.Instant, frame.TimestampKind, true},
	bq.DateTimeFieldType:   {sql.Timestamp, frame.TimestampKind, true},
}

var fieldTypes = map[frame.Kind]bq.FieldType{
	frame.Int64Kind: bq.IntegerFieldType, frame.Float64Kind: bq.FloatFieldType, frame.StringKind: bq.StringFieldType,
	frame.BoolKind: bq.BooleanFieldType, frame.DateKind: bq.DateFieldType, frame.TimestampKind: bq.TimestampFieldType,
}

// standardNames are what SQL calls the types that the API calls otherwise.
var standardNames = map[bq.FieldType]string{
	bq.IntegerFieldType: "INT64", bq.FloatFieldType: "FLOAT64", bq.BooleanFieldType: "BOOL", bq.RecordFieldType: "STRUCT",
}

// typeOf returns f's type, and what SQL calls it.
func typeOf(f *bq.FieldSchema) (dataType, string) {
	name := string(f.Type)
	if n, ok := standardNames[f.Type]; ok {
		name = n
	}
	if f.Repeated {
		return dataType{family: sql.Other}, "ARRAY<" + name + ">"
	}
	t, ok := dataTypes[f.Type]
	if !ok {
		t.family = sql.Other
	}
	return t, name
}

// schemaOf returns the schema of t's columns; what may be NULL is said only where required is true.
func schemaOf(cols []frame.Column, required bool) bq.Schema {
	out := make(bq.Schema, len(cols))
	for i, c := range cols {
		out[i] = &bq.FieldSchema{Name: c.Name, Type: fieldTypes[c.Kind], Description: sql.Description(c), Required: required && !c.Nullable}
	}
	return out
}

// parameters returns q's parameters as BigQuery takes them, sorted by name.
func parameters(q sql.Query) ([]bq.QueryParameter, error) {
	out := make([]bq.QueryParameter, 0, len(q.Params))
	for _, name := range slices.Sorted(maps.Keys(q.Params)) {
		var value any
		switch v := q.Params[name].(type) {
		case nil:
			value = bq.NullString{}
		case int64, float64, string, bool:
			value = v
		case arrow.Date32:
			value = civil.DateOf(frame.TimeOf(v))
		case arrow.Timestamp:
			value = time.UnixMicro(int64(v)).UTC()
		default:
			return nil, fmt.Errorf("query %s: the parameter %s is of type %T", q.Name, name, v)
		}
		out = append(out, bq.QueryParameter{Name: name, Value: value})
	}
	return out, nil
}

// batchOf returns rows of schema as a batch.
func batchOf(query string, schema bq.Schema, rows [][]bq.Value) (frame.Batch, error) {
	fields, arrays := make([]arrow.Field, len(schema)), make([]arrow.Array, len(schema))
	for i, f := range schema {
		t, name := typeOf(f)
		if !t.readable {
			return nil, fmt.Errorf("query %s: column %s is of type %s, which cannot be read; CAST it", query, f.Name, name)
		}
		fields[i] = arrow.Field{Name: f.Name, Type: t.kind.ArrowType(), Nullable: true}
		b := array.NewBuilder(memory.DefaultAllocator, fields[i].Type)
		for _, row := range rows {
			if err := appendValue(b, row[i]); err != nil {
				return nil, fmt.Errorf("query %s: column %s: %w", query, f.Name, err)
			}
		}
		arrays[i] = b.NewArray()
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), arrays, int64(len(rows))), nil
}

func appendValue(b array.Builder, v bq.Value) error {
	if v == nil {
		b.AppendNull()
		return nil
	}
	switch b := b.(type) {
	case *array.Int64Builder:
		if v, ok := v.(int64); ok {
			b.Append(v)
			return nil
		}
	case *array.Float64Builder:
		switch v := v.(type) {
		case float64:
			b.Append(v)
			return nil
		case *big.Rat:
			f, _ := v.Float64()
			b.Append(f)
			return nil
		}
	case *array.StringBuilder:
		if v, ok := v.(string); ok {
			b.Append(v)
			return nil
		}
	case *array.BooleanBuilder:
		if v, ok := v.(bool); ok {
			b.Append(v)
			return nil
		}
	case *array.Date32Builder:
		if v, ok := v.(civil.Date); ok {
			b.Append(frame.DayOf(v.In(time.UTC)))
			return nil
		}
	case *array.TimestampBuilder:
		switch v := v.(type) {
		case time.Time:
			b.Append(arrow.Timestamp(v.UnixMicro()))
			return nil
		case civil.DateTime:
			b.Append(arrow.Timestamp(v.In(time.UTC).UnixMicro()))
			return nil
		}
	}
	return fmt.Errorf("a value of type %T came for %s", v, b.Type())
}

// shaped returns the columns cols of r in their kinds; BigQuery's timestamps have a zone, those of frame have none.
func shaped(r arrow.Record, cols []frame.Column) (frame.Batch, error) {
	fields, arrays := make([]arrow.Field, len(cols)), make([]arrow.Array, len(cols))
	for i, c := range cols {
		at := slices.IndexFunc(r.Schema().Fields(), func(f arrow.Field) bool { return strings.EqualFold(f.Name, c.Name) })
		if at < 0 {
			return nil, fmt.Errorf("column %s did not come", c.Name)
		}
		want, a := c.Kind.ArrowType(), r.Column(at)
		if a.DataType().ID() != want.ID() || a.DataType().ID() == arrow.TIMESTAMP && a.DataType().(*arrow.TimestampType).Unit != arrow.Microsecond {
			return nil, fmt.Errorf("column %s came as %s, want %s", c.Name, a.DataType(), want)
		}
		arrays[i] = retyped(a, want)
		fields[i] = arrow.Field{Name: c.Name, Type: want, Nullable: true}
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), arrays, r.NumRows()), nil
}

// retyped returns a's values as those of type t, which has the same layout.
func retyped(a arrow.Array, t arrow.DataType) arrow.Array {
	d := a.Data()
	return array.MakeFromData(array.NewData(t, d.Len(), d.Buffers(), nil, d.NullN(), d.Offset()))
}

// oneLine is err's message in one line.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
