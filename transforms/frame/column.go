package frame

import (
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// A Col is a Column whose arrays are of type A and whose values are of type V.
type Col[A arrow.Array, V any] struct {
	Column
	build func(vs []V, valid []bool) arrow.Array
}

// Float64 declares a double-precision column. It never holds NaN or an infinity: what is not known is NULL.
func Float64(name, doc string) Col[*array.Float64, float64] {
	return Col[*array.Float64, float64]{Column{Name: name, Doc: doc, Kind: Float64Kind}, func(vs []float64, valid []bool) arrow.Array {
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		b.AppendValues(vs, valid)
		return b.NewArray()
	}}
}

// Int64 declares an integer column.
func Int64(name, doc string) Col[*array.Int64, int64] {
	return Col[*array.Int64, int64]{Column{Name: name, Doc: doc, Kind: Int64Kind}, func(vs []int64, valid []bool) arrow.Array {
		b := array.NewInt64Builder(memory.DefaultAllocator)
		b.AppendValues(vs, valid)
		return b.NewArray()
	}}
}

// String declares a text column.
func String(name, doc string) Col[*array.String, string] {
	return Col[*array.String, string]{Column{Name: name, Doc: doc, Kind: StringKind}, func(vs []string, valid []bool) arrow.Array {
		b := array.NewStringBuilder(memory.DefaultAllocator)
		b.AppendValues(vs, valid)
		return b.NewArray()
	}}
}

// Bool declares a true-or-false column.
func Bool(name, doc string) Col[*array.Boolean, bool] {
	return Col[*array.Boolean, bool]{Column{Name: name, Doc: doc, Kind: BoolKind}, func(vs []bool, valid []bool) arrow.Array {
		b := array.NewBooleanBuilder(memory.DefaultAllocator)
		b.AppendValues(vs, valid)
		return b.NewArray()
	}}
}

// Date declares a column of calendar days.
func Date(name, doc string) Col[*array.Date32, arrow.Date32] {
	return Col[*array.Date32, arrow.Date32]{Column{Name: name, Doc: doc, Kind: DateKind}, func(vs []arrow.Date32, valid []bool) arrow.Array {
		b := array.NewDate32Builder(memory.DefaultAllocator)
		b.AppendValues(vs, valid)
		return b.NewArray()
	}}
}

// Timestamp declares a column of instants, in UTC.
func Timestamp(name, doc string) Col[*array.Timestamp, arrow.Timestamp] {
	return Col[*array.Timestamp, arrow.Timestamp]{
		Column{Name: name, Doc: doc, Kind: TimestampKind},
		func(vs []arrow.Timestamp, valid []bool) arrow.Array {
			b := array.NewTimestampBuilder(memory.DefaultAllocator, arrowTypes[TimestampKind].(*arrow.TimestampType))
			b.AppendValues(vs, valid)
			return b.NewArray()
		},
	}
}

// Null returns c as a nullable column.
func (c Col[A, V]) Null() Col[A, V] { c.Nullable = true; return c }

// In returns c measured in unit.
func (c Col[A, V]) In(unit string) Col[A, V] { c.Unit = unit; return c }

// OneOf returns c with its accepted values.
func (c Col[A, V]) OneOf(values ...string) Col[A, V] { c.Values = values; return c }

// Now returns c marked as an attribute without history.
func (c Col[A, V]) Now() Col[A, V] { c.Current = true; return c }

// Of returns c's array in b. It panics when b has no such column of that type: Check a stream's schema once, before
// reading from it.
func (c Col[A, V]) Of(b Batch) A {
	arr := b.Column(index(b, c.Name))
	a, ok := arr.(A)
	if !ok {
		panic(fmt.Sprintf("frame: column %q is of type %s, want %s", c.Name, arr.DataType(), c.Kind))
	}
	return a
}

// Array makes c's array of values; where valid is not nil, values[i] is NULL unless valid[i].
// It panics when the lengths differ or a NULL is given for a column that is not nullable.
func (c Col[A, V]) Array(values []V, valid []bool) Data {
	if valid != nil && len(valid) != len(values) {
		panic(fmt.Sprintf("frame: column %q has %d values and %d flags", c.Name, len(values), len(valid)))
	}
	if !c.Nullable {
		for i, ok := range valid {
			if !ok {
				panic(fmt.Sprintf("frame: column %q is not nullable, row %d is NULL", c.Name, i))
			}
		}
	}
	return Data{c.Column, c.build(values, valid)}
}

// Data is a column with its values.
type Data struct {
	Column
	arr arrow.Array
}

// Record makes a batch of columns of equal length. It panics when the lengths differ.
func Record(cols ...Data) Batch {
	cs, as := make([]Column, len(cols)), make([]arrow.Array, len(cols))
	n := 0
	for i, c := range cols {
		if i == 0 {
			n = c.arr.Len()
		}
		if c.arr.Len() != n {
			panic(fmt.Sprintf("frame: column %q has %d rows, want %d", c.Name, c.arr.Len(), n))
		}
		cs[i], as[i] = c.Column, c.arr
	}
	return array.NewRecord(Schema(cs...), as, int64(n))
}

// Decl returns the declaration of c, without its types.
func (c Col[A, V]) Decl() Column { return c.Column }

// NullsOf returns n NULLs of column c, which is nullable.
func NullsOf(c Column, n int) Data {
	return Data{c, array.MakeArrayOfNull(memory.DefaultAllocator, arrowTypes[c.Kind], n)}
}

// With returns b with the arrays of cols in place of its own of the same names. It panics when b lacks one.
func With(b Batch, cols ...Data) Batch {
	as := append([]arrow.Array{}, b.Columns()...)
	for _, c := range cols {
		as[index(b, c.Name)] = c.arr
	}
	return array.NewRecord(b.Schema(), as, b.NumRows())
}

// Value returns the value of column name in row i as int64, float64, string or bool; days and instants as text
// (2026-11-20, 2026-11-20T03:00:00Z); NULL as nil. It is for showing single values.
func Value(b Batch, name string, i int) any {
	switch a := b.Column(index(b, name)).(type) {
	case *array.Int64:
		if a.IsValid(i) {
			return a.Value(i)
		}
	case *array.Float64:
		if a.IsValid(i) {
			return a.Value(i)
		}
	case *array.String:
		if a.IsValid(i) {
			return a.Value(i)
		}
	case *array.Boolean:
		if a.IsValid(i) {
			return a.Value(i)
		}
	case *array.Date32:
		if a.IsValid(i) {
			return TimeOf(a.Value(i)).Format("2006-01-02")
		}
	case *array.Timestamp:
		if a.IsValid(i) {
			return time.UnixMicro(int64(a.Value(i))).UTC().Format("2006-01-02T15:04:05Z")
		}
	}
	return nil
}
