package duckdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	duck "github.com/duckdb/duckdb-go-bindings"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms/frame"
)

// A dataType is one of DuckDB's types: its name, its family, and the physical type that it is cast to for reading.
type dataType struct {
	name   string
	family sql.Family
	read   string
}

var dataTypes = map[duck.Type]dataType{
	duck.TypeBoolean:     {"BOOLEAN", sql.Boolean, "BOOLEAN"},
	duck.TypeTinyInt:     {"TINYINT", sql.Integer, "BIGINT"},
	duck.TypeSmallInt:    {"SMALLINT", sql.Integer, "BIGINT"},
	duck.TypeInteger:     {"INTEGER", sql.Integer, "BIGINT"},
	duck.TypeBigInt:      {"BIGINT", sql.Integer, "BIGINT"},
	duck.TypeHugeInt:     {"HUGEINT", sql.Integer, "BIGINT"},
	duck.TypeUTinyInt:    {"UTINYINT", sql.Integer, "BIGINT"},
	duck.TypeUSmallInt:   {"USMALLINT", sql.Integer, "BIGINT"},
	duck.TypeUInteger:    {"UINTEGER", sql.Integer, "BIGINT"},
	duck.TypeUBigInt:     {"UBIGINT", sql.Integer, "BIGINT"},
	duck.TypeUHugeInt:    {"UHUGEINT", sql.Integer, "BIGINT"},
	duck.TypeDecimal:     {"DECIMAL", sql.Decimal, "DOUBLE"},
	duck.TypeFloat:       {"FLOAT", sql.Float, "DOUBLE"},
	duck.TypeDouble:      {"DOUBLE", sql.Float, "DOUBLE"},
	duck.TypeVarchar:     {"VARCHAR", sql.Text, "VARCHAR"},
	duck.TypeEnum:        {"ENUM", sql.Text, "VARCHAR"},
	duck.TypeUUID:        {"UUID", sql.Text, "VARCHAR"},
	duck.TypeDate:        {"DATE", sql.Day, "DATE"},
	duck.TypeTimestamp:   {"TIMESTAMP", sql.Timestamp, "TIMESTAMP"},
	duck.TypeTimestampS:  {"TIMESTAMP_S", sql.Timestamp, "TIMESTAMP"},
	duck.TypeTimestampMS: {"TIMESTAMP_MS", sql.Timestamp, "TIMESTAMP"},
	duck.TypeTimestampNS: {"TIMESTAMP_NS", sql.Timestamp, "TIMESTAMP"},
	duck.TypeTimestampTZ: {"TIMESTAMP WITH TIME ZONE", sql.Instant, "TIMESTAMP"},
	duck.TypeSQLNull:     {"NULL", sql.Null, "BIGINT"},
	duck.TypeTime:        {"TIME", sql.Other, ""},
	duck.TypeTimeTZ:      {"TIME WITH TIME ZONE", sql.Other, ""},
	duck.TypeInterval:    {"INTERVAL", sql.Other, ""},
	duck.TypeBlob:        {"BLOB", sql.Other, ""},
	duck.TypeBit:         {"BIT", sql.Other, ""},
	duck.TypeList:        {"LIST", sql.Other, ""},
	duck.TypeArray:       {"ARRAY", sql.Other, ""},
	duck.TypeStruct:      {"STRUCT", sql.Other, ""},
	duck.TypeMap:         {"MAP", sql.Other, ""},
	duck.TypeUnion:       {"UNION", sql.Other, ""},
}

func nativeName(id duck.Type) string {
	if t, ok := dataTypes[id]; ok {
		return t.name
	}
	return fmt.Sprintf("number %d of DuckDB's types", id)
}

// A column is one of a query's result.
type column struct {
	sql.ColumnInfo
	read string // what it is cast to for reading; empty where it cannot be read
}

// describe returns the columns of q's result without running it.
func (c *conn) describe(ctx context.Context, q sql.Query) (cols []column, err error) {
	none := q
	none.Text = "SELECT * FROM (" + q.Text + "\n) LIMIT 0"
	err = c.run(ctx, none, func(r *duck.Result) error {
		for i := range duck.ColumnCount(r) {
			id := duck.ColumnType(r, i)
			t := dataTypes[id]
			info := sql.ColumnInfo{Name: duck.ColumnName(r, i), Native: nativeName(id), Family: t.family}
			switch {
			case id == duck.TypeDecimal:
				lt := duck.ColumnLogicalType(r, i)
				info.Native = fmt.Sprintf("DECIMAL(%d,%d)", duck.DecimalWidth(lt), duck.DecimalScale(lt))
				duck.DestroyLogicalType(&lt)
			case t.family == "":
				info.Family = sql.Other
			}
			cols = append(cols, column{info, t.read})
		}
		return nil
	})
	return cols, err
}

// named returns the relation of q's result and the quoted names of its columns in it: their own ones, which DuckDB's
// messages then speak of, unless two are alike.
func named(q sql.Query, cols []column) (relation string, names []string) {
	seen := map[string]bool{}
	for _, c := range cols {
		seen[strings.ToLower(c.Name)] = true
		names = append(names, quote(c.Name))
	}
	if len(seen) < len(cols) {
		for i := range names {
			names[i] = "c" + strconv.Itoa(i)
		}
	}
	return "(" + q.Text + "\n) AS q(" + strings.Join(names, ", ") + ")", names
}

// list joins f of the numbers below n with commas.
func list(n int, f func(i int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = f(i)
	}
	return strings.Join(parts, ", ")
}

// described gives f a session, for as long as it takes, and the columns of q's result.
func (d *db) described(ctx context.Context, q sql.Query, f func(c *conn, cols []column) error) error {
	c, err := d.session(ctx)
	if err != nil {
		return fmt.Errorf("query %s: %w", q.Name, err)
	}
	defer d.release(c)
	cols, err := c.describe(ctx, q)
	if err != nil {
		return err
	}
	return f(c, cols)
}

// Query casts columns whose types no kind has the layout of, in SQL.
func (d *db) Query(ctx context.Context, q sql.Query) frame.Batches {
	return func(yield func(frame.Batch, error) bool) {
		err := d.described(ctx, q, func(c *conn, cols []column) error {
			readable := q
			for _, col := range cols {
				if col.read == "" {
					return fmt.Errorf("query %s: column %s is of type %s, which cannot be read; CAST it", q.Name, col.Name, col.Native)
				}
				if col.read != col.Native {
					readable.Text = cast(q, cols)
				}
			}
			c.stream(ctx, readable, yield)
			return nil
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

// cast returns the query of q's result in types that can be read.
func cast(q sql.Query, cols []column) string {
	relation, names := named(q, cols)
	return "SELECT " + list(len(cols), func(i int) string {
		return fmt.Sprintf("CAST(%s AS %s) AS %s", names[i], cols[i].read, quote(cols[i].Name))
	}) + " FROM " + relation
}

// Estimate knows no bytes: nobody charges for them.
func (d *db) Estimate(ctx context.Context, q sql.Query) (est warehouse.Estimate, err error) {
	err = d.described(ctx, q, func(c *conn, cols []column) error {
		relation, names := named(q, cols)
		types, err := c.rows(ctx, q.Name, "SELECT "+list(len(cols), func(i int) string { return "typeof(any_value(" + names[i] + "))" })+
			" FROM (SELECT * FROM "+relation+" LIMIT 0)", q.Params)
		if err != nil {
			return err
		}
		for i, col := range cols {
			if types[0][i] == `"NULL"` { // a result has INTEGER in its place
				col.Native, col.Family = "NULL", sql.Null
			}
			est.Columns = append(est.Columns, col.ColumnInfo)
		}
		return nil
	})
	return est, err
}

// Fingerprint adds up the 64-bit hashes of the rows as integers of 128 bits: a sum, since equal rows would cancel in an
// exclusive or.
func (d *db) Fingerprint(ctx context.Context, q sql.Query) (out warehouse.Fingerprint, err error) {
	err = d.described(ctx, q, func(c *conn, cols []column) error {
		relation, names := named(q, cols)
		sum := "SELECT count(*), CAST(coalesce(sum(hash(" + strings.Join(names, ", ") + ")), 0) AS VARCHAR) FROM " + relation
		rows, err := c.rows(ctx, q.Name, sum, q.Params)
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(rows[0][0], 10, 64)
		if err != nil {
			return fmt.Errorf("query %s: %w", q.Name, err)
		}
		h := sha256.New()
		for _, col := range cols {
			fmt.Fprintf(h, "%q %q\n", col.Name, col.Native)
		}
		fmt.Fprintf(h, "%d %s\n", n, rows[0][1])
		out = warehouse.Fingerprint{Rows: n, Digest: hex.EncodeToString(h.Sum(nil))}
		return nil
	})
	return out, err
}

// Scan gives the rows in the order in which the table has them, as preserve_insertion_order, which is on, makes it.
func (d *db) Scan(ctx context.Context, ref warehouse.Ref, cols ...frame.Column) frame.Batches {
	if len(cols) == 0 {
		cols = ref.Table.Columns
	}
	q := sql.Query{Name: "scan " + ref.Table.Name, Text: "SELECT " + casts(cols) + " FROM " + ref.Name}
	return func(yield func(frame.Batch, error) bool) {
		c, err := d.session(ctx)
		if err != nil {
			yield(nil, fmt.Errorf("query %s: %w", q.Name, err))
			return
		}
		defer d.release(c)
		rows, ended := int64(0), false
		c.stream(ctx, q, func(b frame.Batch, err error) bool {
			if err == nil {
				rows += b.NumRows()
			}
			ended = !yield(b, err) || err != nil
			return !ended
		})
		if !ended && ref.Rows >= 0 && rows != ref.Rows {
			yield(nil, fmt.Errorf("%s: %w: it has %d rows, want %d", q.Name, warehouse.ErrBadData, rows, ref.Rows))
		}
	}
}

// casts returns the select list of cols in their declared kinds.
func casts(cols []frame.Column) string {
	return list(len(cols), func(i int) string {
		return fmt.Sprintf("CAST(%[1]s AS %[2]s) AS %[1]s", quote(cols[i].Name), sql.DuckDB.Type(cols[i].Kind))
	})
}

func (d *db) Materialize(ctx context.Context, t frame.Table, q sql.Query) (warehouse.Ref, error) {
	if _, err := d.claimed(); err != nil {
		return warehouse.Ref{}, err
	}
	ref := warehouse.Ref{Name: stagingName(t.Name), Table: t}
	err := d.described(ctx, q, func(c *conn, has []column) error {
		for _, col := range t.Columns {
			if !slices.ContainsFunc(has, func(h column) bool { return strings.EqualFold(h.Name, col.Name) }) {
				return fmt.Errorf("query %s: it gives no column %s, which the table %s has", q.Name, col.Name, t.Name)
			}
		}
		return c.transaction(ctx, func() (err error) {
			create := q
			create.Text = "CREATE OR REPLACE TABLE " + ref.Name + " AS SELECT " + casts(t.Columns) + " FROM (" + q.Text + "\n) AS q"
			if err := c.exec(ctx, create); err != nil {
				return err
			}
			ref.Rows, err = c.audit(ctx, ref)
			return err
		})
	})
	return ref, err
}

// audit counts the rows of a staged table and refuses NULL, NaN and infinities where they may not be.
func (c *conn) audit(ctx context.Context, ref warehouse.Ref) (rows int64, err error) {
	counts := []string{"count(*)"}
	for _, col := range ref.Table.Columns {
		finite := "TRUE"
		if col.Kind == frame.Float64Kind || col.Kind == frame.DateKind || col.Kind == frame.TimestampKind {
			finite = "isfinite(" + quote(col.Name) + ")"
		}
		counts = append(counts, "count(*) - count("+quote(col.Name)+")", "count(*) FILTER (WHERE NOT "+finite+")")
	}
	out, err := c.rows(ctx, "audit "+ref.Table.Name, "SELECT "+strings.Join(counts, ", ")+" FROM "+ref.Name, nil)
	if err != nil {
		return 0, err
	}
	if rows, err = strconv.ParseInt(out[0][0], 10, 64); err != nil {
		return 0, err
	}
	var bad []error
	for i, col := range ref.Table.Columns {
		nulls, infinite := out[0][1+2*i], out[0][2+2*i]
		if !col.Nullable && nulls != "0" {
			bad = append(bad, fmt.Errorf("%w: %s.%s is NULL in %s of %d rows", warehouse.ErrBadData, ref.Table.Name, col.Name, nulls, rows))
		}
		if infinite != "0" {
			bad = append(bad, fmt.Errorf("%w: %s.%s is NaN or infinite in %s of %d rows",
				warehouse.ErrBadData, ref.Table.Name, col.Name, infinite, rows))
		}
	}
	return rows, errors.Join(bad...)
}

func (d *db) Published(ctx context.Context, t frame.Table) (warehouse.Ref, bool, error) {
	c, err := d.session(ctx)
	if err != nil {
		return warehouse.Ref{}, false, err
	}
	defer d.release(c)
	ledger, err := c.columns(ctx, warehouse.Runs.Name)
	if err != nil || ledger == nil {
		return warehouse.Ref{}, false, err
	}
	has, err := c.columns(ctx, t.Name)
	if err != nil || has == nil {
		return warehouse.Ref{}, false, err
	}
	ref := warehouse.Ref{Name: publishedName(t.Name), Table: t, Rows: -1}
	cols := list(len(t.Columns), func(i int) string {
		c := t.Columns[i]
		if _, ok := has[c.Name]; ok {
			return quote(c.Name)
		}
		ref.Lacking = append(ref.Lacking, c.Name)
		return fmt.Sprintf("CAST(NULL AS %s) AS %s", sql.DuckDB.Type(c.Kind), quote(c.Name))
	})
	if ref.Lacking != nil {
		ref.Name = "(SELECT " + cols + " FROM " + ref.Name + ")"
	}
	return ref, true, nil
}

// quote quotes a name that the program declared or the warehouse gave.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func publishedName(name string) string { return quote(publishedDB) + `."main".` + quote(name) }
func stagingName(name string) string   { return quote(stagingDB) + `."main".` + quote(name) }
