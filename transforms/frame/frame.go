// Package frame declares table columns as typed values and is the only door to Arrow.
//
// A column is declared once, as a package-level value. The same value gives the typed read from a batch, the typed
// write into one, the DDL type, the description in the warehouse and the generated documentation.
//
// Every batch lives in Go's memory and is immutable: it may be kept as long as anybody likes, and nobody calls Release.
package frame

import (
	"fmt"
	"iter"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// A Batch is some rows of a table, column by column.
type Batch = arrow.Record

// Batches is a stream of batches. It is replayable: it may be ranged over more than once and gives the same rows each
// time. It ends after the first error. A range that is left early frees what the stream holds.
type Batches = iter.Seq2[Batch, error]

// A Kind is the type of a column. The set is closed, since every warehouse must have all of them.
type Kind int

// The kinds. A Date is days since 1970-01-01, a Timestamp microseconds since 1970-01-01 00:00 UTC.
const (
	Int64Kind Kind = iota
	Float64Kind
	StringKind
	BoolKind
	DateKind
	TimestampKind
)

var arrowTypes = [...]arrow.DataType{
	Int64Kind:     arrow.PrimitiveTypes.Int64,
	Float64Kind:   arrow.PrimitiveTypes.Float64,
	StringKind:    arrow.BinaryTypes.String,
	BoolKind:      arrow.FixedWidthTypes.Boolean,
	DateKind:      arrow.FixedWidthTypes.Date32,
	TimestampKind: &arrow.TimestampType{Unit: arrow.Microsecond},
}

// ArrowType returns the Arrow type of columns of kind k.
func (k Kind) ArrowType() arrow.DataType { return arrowTypes[k] }

// String returns the name of k: int64, float64, string, bool, date or timestamp.
func (k Kind) String() string {
	return [...]string{"int64", "float64", "string", "bool", "date", "timestamp"}[k]
}

// A Column describes one column of a table. It is data only.
type Column struct {
	Name     string
	Doc      string   // one sentence for people who query the table
	Unit     string   // days, orders, money, share, …; empty where there is none
	Kind     Kind     //
	Nullable bool     // whether NULL is allowed; Doc says what NULL means
	Values   []string // the accepted values of a String column; nil means any
	Current  bool     // an attribute without history: as known now, whatever the as-of date. Never fitted in a backtest
}

// A Table describes one table in the warehouse. It is data only.
type Table struct {
	Name    string
	Doc     string
	Key     []string // the columns that identify a row; none of them is nullable
	Columns []Column

	// PartitionBy says what a publish replaces: "as_of" the rows of its date, "run_id" those of the run,
	// and "" the whole table, unless a newer date has been published.
	PartitionBy string
	ClusterBy   []string // the columns that most queries filter on
}

// Column returns the column called name.
func (t Table) Column(name string) (Column, bool) {
	for _, c := range t.Columns {
		if c.Name == name {
			return c, true
		}
	}
	return Column{}, false
}

// Schema returns the Arrow schema of cols.
func Schema(cols ...Column) *arrow.Schema {
	fs := make([]arrow.Field, len(cols))
	for i, c := range cols {
		fs[i] = arrow.Field{Name: c.Name, Type: arrowTypes[c.Kind], Nullable: c.Nullable}
	}
	return arrow.NewSchema(fs, nil)
}

// Check reports the first of cols that schema lacks, has twice, or has with another type.
// It does not look at nullability, which engines do not report reliably.
func Check(schema *arrow.Schema, cols ...Column) error {
	for _, c := range cols {
		switch idx := schema.FieldIndices(c.Name); len(idx) {
		case 0:
			return fmt.Errorf("column %s is missing", c.Name)
		case 1:
			if f := schema.Field(idx[0]); !arrow.TypeEqual(f.Type, arrowTypes[c.Kind]) {
				return fmt.Errorf("column %s is of type %s, want %s", c.Name, f.Type, c.Kind)
			}
		default:
			return fmt.Errorf("column %s is there %d times, want once", c.Name, len(idx))
		}
	}
	return nil
}

// Of returns a stream over batches.
func Of(batches ...Batch) Batches {
	return func(yield func(Batch, error) bool) {
		for _, b := range batches {
			if !yield(b, nil) {
				return
			}
		}
	}
}

// Fail returns a stream that gives err and nothing else.
func Fail(err error) Batches {
	return func(yield func(Batch, error) bool) { yield(nil, err) }
}

// Map returns the stream of f over the batches of in. It ends after f's first error.
func Map(in Batches, f func(Batch) (Batch, error)) Batches {
	return func(yield func(Batch, error) bool) {
		for b, err := range in {
			if err == nil {
				b, err = f(b)
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// Collect reads in to its end and returns its batches.
func Collect(in Batches) ([]Batch, error) {
	var bs []Batch
	for b, err := range in {
		if err != nil {
			return nil, err
		}
		bs = append(bs, b)
	}
	return bs, nil
}

// Zip returns the columns of a followed by those of b, which has as many rows.
func Zip(a, b Batch) Batch {
	if a.NumRows() != b.NumRows() {
		panic(fmt.Sprintf("frame: zip of %d and %d rows", a.NumRows(), b.NumRows()))
	}
	fs := append(append([]arrow.Field{}, a.Schema().Fields()...), b.Schema().Fields()...)
	as := append(append([]arrow.Array{}, a.Columns()...), b.Columns()...)
	return array.NewRecord(arrow.NewSchema(fs, nil), as, a.NumRows())
}

// Select returns the columns cols of b, in that order. It panics when b lacks one: Check a stream's schema first.
func Select(b Batch, cols ...Column) Batch {
	as := make([]arrow.Array, len(cols))
	for i, c := range cols {
		as[i] = b.Column(index(b, c.Name))
	}
	return array.NewRecord(Schema(cols...), as, b.NumRows())
}

// Rename returns b with the columns cols, of the same kinds in the same order, in place of its own.
func Rename(b Batch, cols ...Column) Batch {
	return array.NewRecord(Schema(cols...), b.Columns(), b.NumRows())
}

func index(b Batch, name string) int {
	idx := b.Schema().FieldIndices(name)
	if len(idx) != 1 {
		panic(fmt.Sprintf("frame: column %q is %d times in the batch, want once", name, len(idx)))
	}
	return idx[0]
}
