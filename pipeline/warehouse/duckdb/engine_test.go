package duckdb

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// asked returns the rows of a query, as text.
func asked(t *testing.T, d *db, text string) string {
	t.Helper()
	var out []string
	for b, err := range d.Query(t.Context(), sql.Query{Name: "asked", Text: text}) {
		if err != nil {
			return err.Error()
		}
		for i := range int(b.NumRows()) {
			for _, c := range b.Columns() {
				out = append(out, c.ValueStr(i))
			}
		}
	}
	return strings.Join(out, " ")
}

func TestTypes(t *testing.T) {
	d := openAt(t, filepath.Join(t.TempDir(), "w.duckdb"))
	for text, want := range map[string]string{
		"SELECT 1::TINYINT, 2::SMALLINT, 3::INTEGER, 4::BIGINT, 5::UTINYINT, 6::USMALLINT, 7::UINTEGER, 8::UBIGINT": "1 2 3 4 5 6 7 8",
		"SELECT 9::HUGEINT, 10::UHUGEINT, sum(i) FROM range(5) t(i)":                                                "9 10 10",
		"SELECT 1.25::DECIMAL(4,2), -12345678901234.5678::DECIMAL(18,4), 0.1::DECIMAL(38,10), 2.5::FLOAT":           "1.25 -1.2345678901234568e+13 0.1 2.5",
		"SELECT 'a'::ENUM('a', 'b'), 'f47ac10b-58cc-4372-a567-0e02b2c3d479'::UUID, NULL":                            "a f47ac10b-58cc-4372-a567-0e02b2c3d479 (null)",
		"SELECT '2024-02-29 12:00:00'::TIMESTAMP_S, '2024-02-29 12:00:00.5'::TIMESTAMP_MS":                          "2024-02-29 12:00:00Z 2024-02-29 12:00:00.5Z",
		"SELECT '2024-02-29 12:00:00+02'::TIMESTAMPTZ, '2024-02-29 12:00:00.1234567'::TIMESTAMP_NS":                 "2024-02-29 10:00:00Z 2024-02-29 12:00:00.123456Z",
		"SELECT 1 AS a, 2 AS a, 3.5 AS \"q\"\"q\"":                                                                  "1 2 3.5",
		"SELECT [1] AS the_list":                            "query asked: column the_list is of type LIST, which cannot be read; CAST it",
		"SELECT INTERVAL 1 DAY AS span, '\\x00'::BLOB AS b": "query asked: column span is of type INTERVAL, which cannot be read; CAST it",
		"SELECT 1; SELECT 2":                                "query asked: Parser Error: syntax error at or near \";\"",
		"SELECT 9223372036854775808::HUGEINT AS big": "query asked: bad data: Conversion Error: Type INT128 with a value " +
			"can't be cast because the value is out of range for the destination type INT64 when casting from source column big",
	} {
		if got := asked(t, d, text); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestErrorInTheMiddleOfAStream(t *testing.T) {
	d := openAt(t, filepath.Join(t.TempDir(), "w.duckdb"))
	q := sql.Query{Name: "late", Text: "SELECT CASE WHEN i = 900000 THEN error('boom') ELSE i::VARCHAR END AS s FROM range(1000000) t(i)"}
	rows := int64(0)
	var last error
	for b, err := range d.Query(t.Context(), q) {
		if last = err; err == nil {
			rows += b.NumRows()
		}
	}
	if last == nil || rows >= 900_000 || !strings.Contains(last.Error(), "boom") {
		t.Errorf("got %d rows and the error %v, want an error", rows, last)
	}
}

func TestOrderAndMemoryOfAScan(t *testing.T) {
	c := Defaults()
	c.Path, c.Threads, c.Memory = filepath.Join(t.TempDir(), "w.duckdb"), 4, "500MB"
	d, err := open(t.Context(), warehouse.Env{}, c)
	check(t, err)
	defer d.Close() //nolint:errcheck // checked elsewhere
	check(t, d.Claim(t.Context(), crashRun(1)))
	table := frame.Table{Name: "big", Columns: []frame.Column{value.Column, label.Column}}
	ref, err := d.Materialize(t.Context(), table, sql.Query{
		Name: "big", Text: "SELECT i AS value, repeat('x', (i % 50)::INT) AS label FROM range(2000000) t(i) ORDER BY hash(i)",
	})
	check(t, err)
	var first uint64
	for pass := range 3 {
		at, sum := uint64(0), uint64(14695981039346656037)
		for b, err := range d.Scan(t.Context(), ref, table.Columns...) {
			check(t, err)
			for i, v := range value.Of(b).Int64Values() {
				if len(label.Of(b).Value(i)) != int(v%50) {
					t.Fatalf("row %d: the label of %d has %d bytes", at, v, len(label.Of(b).Value(i)))
				}
				sum = (sum ^ uint64(v)) * 1099511628211
				at++
			}
		}
		if pass == 0 {
			first = sum
		}
		if at != 2_000_000 || sum != first {
			t.Errorf("pass %d: %d rows in another order", pass, at)
		}
	}
}

func TestUsersTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	d := openAt(t, path)
	check(t, d.write(t.Context(), func(c *conn) error {
		return c.do(t.Context(), "user", "CREATE TABLE "+publishedName("my_table")+" AS SELECT 1 AS x",
			"CREATE SCHEMA "+quote(publishedDB)+".staging", "CREATE TABLE "+quote(publishedDB)+".staging.orders AS SELECT 2 AS x",
			"CREATE TABLE "+publishedName("totals")+" AS SELECT 3 AS x")
	}))
	for range 2 {
		if got := asked(t, d, `SELECT * FROM "my_table" UNION ALL SELECT * FROM "staging"."orders"`); got != "1 2" {
			t.Errorf("got %s", got)
		}
		if d.claim == nil {
			check(t, d.Claim(t.Context(), crashRun(1)))
		}
	}
	if _, there, err := d.Published(t.Context(), crashWhole); there || err != nil {
		t.Errorf("a table without a ledger is taken for a published one: %v", err)
	}
	check(t, d.Close())
	d = openAt(t, path)
	err := publishGeneration(d, 1, func() {})
	if !errors.Is(err, warehouse.ErrOwner) || !strings.Contains(err.Error(), "totals") {
		t.Errorf("got %v, want a refusal to replace the user's table", err)
	}
	if got := asked(t, d, `SELECT string_agg(table_name, ' ' ORDER BY table_name) FROM information_schema.tables
		WHERE table_catalog = 'segments_published' AND table_schema = 'main'`); got != "my_table totals" {
		t.Errorf("after the refusal there are the tables %s", got)
	}
}

func TestBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	d := openAt(t, path)
	d.env.Now = func() time.Time { return crashRun(1).AsOf.AddDate(1, 0, 0) }
	d.reached = func(point string) {
		if point == "checkpointed" {
			check(t, d.write(t.Context(), func(c *conn) error {
				return c.do(t.Context(), "loss", "DELETE FROM "+publishedName("seg")+" WHERE label LIKE '%9 of%'")
			}))
		}
	}
	if err := publishGeneration(d, 1, func() {}); !errors.Is(err, warehouse.ErrBroken) || !strings.Contains(err.Error(), "seg has 27000 rows") {
		t.Errorf("got %v, want the rows that are missing", err)
	}
	if got := asked(t, d, "SELECT state FROM run_events ORDER BY ended_at"); got != "PUBLISHED BROKEN" {
		t.Errorf("the ledger has %s", got)
	}
	check(t, d.Close())
	d = openAt(t, path)
	check(t, publishGeneration(d, 1, func() {})) // may be published again, and is
	check(t, d.Close())
}

// A log that the writer of another file has left behind must not be replayed into this one.
func TestStaleLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "w.duckdb")
	p := start(t, "publish", path, "1", "")
	check(t, p.Wait())
	p = start(t, "publish", path, "2", "committed") // dies with its generation in the log
	_ = p.Wait()
	if _, err := os.Stat(path + ".wal"); err != nil {
		t.Fatalf("there is no log: %v", err)
	}
	check(t, os.Remove(path))
	if err := openAt(t, path).Record(t.Context(), warehouse.Entry{Run: crashRun(3)}); err == nil || !strings.Contains(err.Error(), ".wal") {
		t.Errorf("a log without a file: got %v", err)
	}
	other := filepath.Join(dir, "other.duckdb")
	check(t, start(t, "publish", other, "1", "").Wait())
	data, err := os.ReadFile(other)
	check(t, err)
	check(t, os.WriteFile(path, data, 0o644))
	if _, _, err := openAt(t, path).Published(t.Context(), crashDated); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("a log of another file: got %v", err)
	}
}

func TestNothingLeaks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	openFiles := func() (n int) {
		fds, _ := os.ReadDir("/proc/self/fd")
		for _, fd := range fds {
			if to, _ := os.Readlink(filepath.Join("/proc/self/fd", fd.Name())); strings.HasPrefix(to, path) {
				n++
			}
		}
		return n
	}
	before := runtime.NumGoroutine()
	d := openAt(t, path)
	check(t, publishGeneration(d, 1, func() {}))
	for range 20 {
		for _, err := range d.Query(t.Context(), sql.Query{Name: "part", Text: "SELECT * FROM seg, totals"}) {
			check(t, err)
			break
		}
		_ = asked(t, d, "SELECT error('x')")
	}
	w, err := d.Stage(t.Context(), crashWhole)
	check(t, err)
	check(t, w.Abort())
	if len(d.idle) > 8 || d.users != 0 {
		t.Errorf("%d idle connections and %d users are left", len(d.idle), d.users)
	}
	check(t, d.Close())
	for range 100 {
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines are left of %d", n, before)
	}
	if runtime.GOOS == "linux" && openFiles() > 0 {
		t.Errorf("%d files are still open", openFiles())
	}
	if got := asked(t, d, "SELECT 1"); !strings.Contains(got, "closed") {
		t.Errorf("after Close: %s", got)
	}

	// Nor is the file kept open between two uses.
	d = openAt(t, path)
	_ = asked(t, d, "SELECT 1")
	if runtime.GOOS == "linux" && openFiles() > 0 {
		t.Errorf("%d files are still open between two uses", openFiles())
	}
}

func TestCloseInterrupts(t *testing.T) {
	d := openAt(t, filepath.Join(t.TempDir(), "w.duckdb"))
	time.AfterFunc(100*time.Millisecond, func() { _ = d.Close() })
	if got := asked(t, d, "SELECT sum(hash(a.i) % 7 + hash(b.i) % 7) FROM range(1000000) a(i), range(1000000) b(i)"); !strings.Contains(got, "closed") {
		t.Errorf("got %s", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	good := Defaults()
	good.Path = filepath.Join(dir, "w.duckdb")
	for want, change := range map[string]func(*Config){
		"path: missing":                          func(c *Config) { c.Path = "" },
		"path: the folder " + dir + "/no is not": func(c *Config) { c.Path = dir + "/no/w.duckdb" },
		"threads: 0":                             func(c *Config) { c.Threads = 0 },
		"lock_wait: \"soon\" is no duration":     func(c *Config) { c.LockWait = "soon" },
		"memory":                                 func(c *Config) { c.Memory = "plenty" },
	} {
		c := good
		change(&c)
		if _, err := open(t.Context(), warehouse.Env{}, c); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	check(t, os.WriteFile(good.Path, []byte("This is no database, though it is long enough to be one."), 0o644))
	if got := asked(t, openAt(t, good.Path), "SELECT 1"); !strings.Contains(got, "not a valid DuckDB database file") {
		t.Errorf("got %s", got)
	}
	d, err := Open(t.Context(), warehouse.Env{ReadOnly: true}, func(into any) error {
		into.(*Config).Path = filepath.Join(dir, "other.duckdb")
		return nil
	})
	check(t, err)
	if err := d.Claim(context.Background(), crashRun(1)); err == nil {
		t.Error("a warehouse opened for reading only is claimed")
	}
	check(t, d.Close())
	if left, _ := filepath.Glob(filepath.Join(dir, "other*")); len(left) > 0 {
		t.Errorf("reading left %v", left)
	}
	if _, err := Open(t.Context(), warehouse.Env{}, func(any) error { return errors.New("line 3: bad") }); err == nil {
		t.Error("the decoder's error is lost")
	}
}

// A fingerprint depends on the rows alone: not on their order, nor on the table they are in.
func TestFingerprint(t *testing.T) {
	d := openAt(t, filepath.Join(t.TempDir(), "w.duckdb"))
	of := func(text string) string {
		f, err := d.Fingerprint(t.Context(), sql.Query{Name: "test", Text: text})
		if err != nil {
			t.Fatal(err)
		}
		return f.Digest
	}
	base := of("SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (2, 'b')) AS v(n, s)")
	if of("SELECT * FROM (VALUES (2, 'b'), (1, 'a'), (2, 'b')) AS v(n, s)") != base {
		t.Error("the order of the rows changes the digest")
	}
	for _, other := range []string{
		"SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(n, s)", "SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (2, 'c')) AS v(n, s)",
		"SELECT * FROM (VALUES (1, 'a'), (1, 'a'), (2, 'b')) AS v(n, s)", "SELECT * FROM (VALUES (1, 'a')) AS v(n, s)",
	} {
		if of(other) == base {
			t.Errorf("%s: the digest is the same", other)
		}
	}
}
