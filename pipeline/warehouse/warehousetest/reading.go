package warehousetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

var (
	intCol   = frame.Int64("i", "An integer.").Null()
	floatCol = frame.Float64("f", "A number.").Null()
	textCol  = frame.String("s", "A text.").Null()
	boolCol  = frame.Bool("b", "A truth.").Null()
	dateCol  = frame.Date("d", "A day.").Null()
	timeCol  = frame.Timestamp("t", "A moment.").Null()
	everyCol = frame.Table{Name: "every_kind", Doc: "Every kind.", Columns: []frame.Column{
		intCol.Column, floatCol.Column, textCol.Column, boolCol.Column, dateCol.Column, timeCol.Column,
	}}
	number  = frame.Int64("n", "A number.")
	numbers = frame.Table{Name: "numbers", Doc: "Numbers.", Columns: []frame.Column{number.Column}}
)

// count returns a batch of the table numbers: from, from+1, …, below to.
func count(from, to int) frame.Batch {
	ns := make([]int64, 0, to-from)
	for n := from; n < to; n++ {
		ns = append(ns, int64(n))
	}
	return frame.Record(number.Array(ns, nil))
}

func kinds(t *testing.T, open Place) {
	wh := claimed(t, open)
	day := func(y, m, d int) frame.Day {
		return frame.DayOf(time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC))
	}
	us := func(y int) arrow.Timestamp {
		return arrow.Timestamp(time.Date(y, 12, 31, 23, 59, 59, 999999000, time.UTC).UnixMicro())
	}
	ints := []int64{0, 1, -1, math.MaxInt64, math.MinInt64, 1<<53 + 1, 7, 8}
	floats := []float64{0, 1.5, -math.MaxFloat64, math.SmallestNonzeroFloat64, 1.0 / 3, 0.1, math.Copysign(0, -1), 2}
	texts := []string{
		"", "twelve bytes", "thirteen bytes", "ünïcödé 客户 🛒", "line\nbreak \"quoted\" 'twice' \\", strings.Repeat("long ", 20000), "\t", "NULL",
	}
	bools := []bool{true, false, true, true, false, false, true, true}
	days := []frame.Day{0, -1, day(1, 1, 1), day(9999, 12, 31), day(2024, 2, 29), day(1900, 3, 1), 1, 2}
	times := []arrow.Timestamp{0, -1, us(1), us(9999), us(2024), us(1969), 1, 2}
	valid := make([]bool, len(ints))
	for i := range valid {
		valid[i] = i != len(valid)-1
	}
	full := frame.Record(intCol.Array(ints, nil), floatCol.Array(floats, nil), textCol.Array(texts, nil),
		boolCol.Array(bools, nil), dateCol.Array(days, nil), timeCol.Array(times, nil))
	partly := frame.Record(intCol.Array(ints, valid), floatCol.Array(floats, valid), textCol.Array(texts, valid),
		boolCol.Array(bools, valid), dateCol.Array(days, valid), timeCol.Array(times, valid))
	slice := partly.NewSlice(3, 8) // an array that does not begin at its buffer's beginning
	ref := stage(t, wh, everyCol, full, partly, slice)
	equal(t, "rows", ref.Rows, 21)

	got, err := frame.Collect(wh.Scan(t.Context(), ref, everyCol.Columns...))
	ok(t, err)
	want := array.NewTableFromRecords(full.Schema(), []arrow.Record{full, partly, slice})
	have := array.NewTableFromRecords(full.Schema(), got)
	for i, c := range everyCol.Columns {
		w, h := lines1(want.Column(i)), lines1(have.Column(i))
		slices.Sort(w)
		slices.Sort(h)
		if !slices.Equal(w, h) {
			t.Errorf("column %s: got %.300q, want %.300q", c.Name, h, w)
		}
	}
	ok(t, frame.Check(got[0].Schema(), everyCol.Columns...))
	ok(t, wh.Close())
}

func lines1(c *arrow.Column) (out []string) {
	for _, a := range c.Data().Chunks() {
		for i := range a.Len() {
			out = append(out, a.ValueStr(i))
		}
	}
	return out
}

func batches(t *testing.T, open Place) {
	wh := claimed(t, open)
	const n = 200_001
	ref := stage(t, wh, numbers, count(0, 1), count(1, 1), count(1, 70_000), count(70_000, 70_003), count(70_003, n))
	equal(t, "rows", ref.Rows, n)
	stream := wh.Scan(t.Context(), ref, number.Column)
	for pass := range 3 {
		seen := make([]bool, n)
		for b, err := range stream {
			ok(t, err)
			for _, v := range number.Of(b).Int64Values() {
				if v < 0 || v >= n || seen[v] {
					t.Fatalf("pass %d: %d is there twice, or was never staged", pass, v)
				}
				seen[v] = true
			}
		}
		if missing := slices.Index(seen, false); missing >= 0 {
			t.Errorf("pass %d: %d is missing", pass, missing)
		}
	}

	// Only the columns asked for, in the order asked for.
	r := newRun(0, "a", "")
	two := stage(t, wh, dated, data(dated, r, 10, 1))
	for b, err := range wh.Scan(t.Context(), two, valueCol.Column, idCol.Column) {
		ok(t, err)
		equal(t, "columns", b.NumCols(), 2)
		equal(t, "the first column", b.ColumnName(0), "value")
	}
	// Staging a table again replaces it.
	again := stage(t, wh, numbers, count(5, 6))
	equal(t, "staged again", strings.Join(sorted(t, wh.Scan(t.Context(), again, number.Column)), ","), "5")
	ok(t, wh.Close())
}

func empty(t *testing.T, open Place) {
	wh := claimed(t, open)
	ref := stage(t, wh, numbers)
	equal(t, "rows", ref.Rows, 0)
	equal(t, "rows read", len(lines(t, wh.Scan(t.Context(), ref, number.Column))), 0)
	ref, err := wh.Materialize(t.Context(), numbers, query(t, wh, "SELECT n FROM "+ref.Name, nil))
	ok(t, err)
	equal(t, "rows", ref.Rows, 0)
	f, err := wh.Fingerprint(t.Context(), query(t, wh, "SELECT n FROM "+ref.Name, nil))
	ok(t, err)
	equal(t, "rows", f.Rows, 0)
	ok(t, wh.Close())
}

func early(t *testing.T, open Place) {
	wh := claimed(t, open)
	ref := stage(t, wh, numbers, count(0, 300_000))
	for range 50 {
		for _, err := range wh.Scan(t.Context(), ref, number.Column) {
			ok(t, err)
			break
		}
	}
	for b, err := range wh.Scan(t.Context(), ref, number.Column) { // one stream inside of another
		ok(t, err)
		equal(t, "the inner stream", len(lines(t, wh.Query(t.Context(), query(t, wh, "SELECT 1 AS one", nil)))), 1)
		if number.Of(b).Value(0) > 0 {
			break
		}
	}
	e := new(clock).entry(newRun(0, "a", ""), warehouse.Published)
	ok(t, wh.Publish(t.Context(), e, time.Time{}, nil)) // needs everything to be free
	ok(t, wh.Close())
}

func parameters(t *testing.T, open Place) {
	wh := open(t)
	params := map[string]any{
		"i": int64(math.MinInt64), "f": 0.1, "s": "it's \"@i\" $i 客户", "b": true,
		"d": arrow.Date32(19782), "t": arrow.Timestamp(1_700_000_000_123_456), "unused": "x",
	}
	q := query(t, wh, "SELECT @i AS i, @f AS f, @s AS s, @b AS b, @d AS d, @t AS t, '@i' AS quoted, @i AS i2 -- @nothing", params)
	for b, err := range wh.Query(t.Context(), q) {
		ok(t, err)
		ok(t, frame.Check(b.Schema(), everyCol.Columns...))
		equal(t, "i", intCol.Of(b).Value(0), math.MinInt64)
		equal(t, "f", floatCol.Of(b).Value(0), 0.1)
		equal(t, "s", textCol.Of(b).Value(0), "it's \"@i\" $i 客户")
		equal(t, "b", boolCol.Of(b).Value(0), true)
		equal(t, "d", dateCol.Of(b).Value(0), 19782)
		equal(t, "t", timeCol.Of(b).Value(0), 1_700_000_000_123_456)
		equal(t, "quoted", b.Column(6).ValueStr(0), "@i")
	}
	ok(t, wh.Close())
}

func results(t *testing.T, open Place) {
	wh := claimed(t, open)
	ref := stage(t, wh, numbers, count(0, 100_000))
	sums := query(t, wh, "SELECT sum(n) AS total, CAST(sum(n) AS NUMERIC) / 1000 AS thousands, count(*) AS rows_, max(n) AS n FROM "+ref.Name, nil)
	for b, err := range wh.Query(t.Context(), sums) {
		ok(t, err)
		ok(t, frame.Check(b.Schema(), frame.Int64("total", "").Column, frame.Float64("thousands", "").Column, number.Column))
		equal(t, "the sums", fmt.Sprint(lines(t, frame.Of(b))), "[4999950000 | 4.99995e+06 | 100000 | 99999]")
	}
	// The order that a query asks for survives whatever makes its columns readable.
	want := int64(100_000)
	q := query(t, wh, "SELECT CAST(n AS NUMERIC) AS f, n FROM "+ref.Name+" ORDER BY n DESC", nil)
	for b, err := range wh.Query(t.Context(), q) {
		ok(t, err)
		for i, n := range number.Of(b).Int64Values() {
			want--
			if n != want || floatCol.Of(b).Value(i) != float64(want) {
				t.Fatalf("got %d, want %d", n, want)
			}
		}
	}
	equal(t, "the last row", want, 0)
	for _, err := range wh.Query(t.Context(), sql.Query{Name: "broken", Text: "SELECT FROM WHERE"}) {
		if err == nil || !strings.Contains(err.Error(), "broken") || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want an error of one line that names the query", err)
		}
	}
	ok(t, wh.Close())
}

func estimate(t *testing.T, open Place) {
	wh := claimed(t, open)
	ref := stage(t, wh, everyCol)
	est, err := wh.Estimate(t.Context(), query(t, wh, "SELECT *, CAST(@p AS NUMERIC) AS p FROM "+ref.Name, map[string]any{"p": int64(1)}))
	ok(t, err)
	var got []string
	for _, c := range est.Columns {
		got = append(got, c.Name+" "+string(c.Family))
		if c.Native == "" {
			t.Errorf("column %s has no native type", c.Name)
		}
	}
	moment := string(sql.Timestamp) // BigQuery's TIMESTAMP is an instant
	if wh.Dialect() == sql.BigQuery {
		moment = string(sql.Instant)
	}
	equal(t, "columns", strings.Join(got, ", "), "i integer, f float, s text, b boolean, d date, t "+moment+", p decimal")
	_, err = wh.Estimate(t.Context(), query(t, wh, "SELECT nothing FROM "+ref.Name, nil))
	fails(t, err, warehouse.ErrNotFound, "nothing")
	_, err = wh.Estimate(t.Context(), query(t, wh, "SELECT * FROM no_such_table", nil))
	fails(t, err, warehouse.ErrNotFound, "no_such_table")
	ok(t, wh.Close())
}

func fingerprint(t *testing.T, open Place) {
	wh := claimed(t, open)
	r := newRun(0, "a", "")
	first, second := data(perRun, r, 3, 1), data(perRun, r, 3, 2)
	of := func(ref warehouse.Ref, cols string) warehouse.Fingerprint {
		f, err := wh.Fingerprint(t.Context(), query(t, wh, "SELECT "+cols+" FROM "+ref.Name, nil))
		ok(t, err)
		return f
	}
	ref := stage(t, wh, perRun, first, second)
	base := of(ref, "*")
	equal(t, "rows", base.Rows, 6)
	equal(t, "asked again", of(ref, "*"), base)
	for what, f := range map[string]warehouse.Fingerprint{
		"other names": of(ref, "run_id, id AS key, value"), "a column less": of(ref, "run_id, id"),
		"other types": of(ref, "run_id, id, CAST(value AS NUMERIC) AS value"),
	} {
		if f.Digest == base.Digest || f.Digest == "" {
			t.Errorf("%s: the digest is the same, or empty", what)
		}
	}
	digests := map[string]string{}
	for what, batches := range map[string][]frame.Batch{
		"the rows": {first, second}, "all rows twice": {first, second, first, second}, "two more rows alike": {first, second, first, first},
		"a row less": {first, second.NewSlice(0, 2)}, "other values": {first, data(perRun, r, 3, 3)}, "no rows": nil,
		"some rows twice": {first, first}, "the others twice": {second, second},
	} {
		f := of(stage(t, wh, perRun, batches...), "*")
		if same, is := digests[f.Digest]; is {
			t.Errorf("%s and %s have the same digest", what, same)
		}
		digests[f.Digest] = what
	}
	ok(t, wh.Close())
}

func cancel(t *testing.T, open Place) {
	wh := claimed(t, open)
	ref := stage(t, wh, numbers, count(0, 5000))
	endless := query(t, wh, strings.ReplaceAll("SELECT count(*) AS n FROM @ a, @ b, @ c, @ d WHERE a.n * b.n + c.n * d.n = -1", "@", ref.Name), nil)
	for name, call := range map[string]func(context.Context) error{
		"Query": func(ctx context.Context) error {
			for _, err := range wh.Query(ctx, endless) {
				return err
			}
			return nil
		},
		"Materialize": func(ctx context.Context) error { _, err := wh.Materialize(ctx, numbers, endless); return err },
		"Fingerprint": func(ctx context.Context) error { _, err := wh.Fingerprint(ctx, endless); return err },
	} {
		ctx, end := context.WithTimeout(t.Context(), 200*time.Millisecond)
		began := time.Now()
		err := call(ctx)
		end()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want the context's error", name, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
	}
	ctx, end := context.WithCancel(t.Context())
	end()
	for _, err := range wh.Scan(ctx, ref, number.Column) {
		fails(t, err, context.Canceled)
	}
	equal(t, "after all that", len(lines(t, wh.Scan(t.Context(), ref, number.Column))), 5000)
	ok(t, wh.Close())
}
