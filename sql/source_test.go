package sql

import (
	"errors"
	"strings"
	"testing"
)

func TestSourceErrors(t *testing.T) {
	has := []ColumnInfo{{"id", "BIGINT", Integer}, {"Total", "VARCHAR", Text}, {"at", "VARCHAR", Text}}
	for _, c := range []struct {
		name string
		s    Source
		d    Dialect
		is   error
		want string
	}{
		{"injected table", Source{Name: "orders", From: "a; DROP TABLE b"}, DuckDB, nil, `sources.orders.from: "a; DROP TABLE b" is no table name`},
		{"file in BigQuery", Source{Name: "orders", From: "a.csv"}, BigQuery, nil, "which bigquery cannot read; load it into a table first"},
		{
			"no column",
			Source{Name: "orders", From: "a", Columns: map[string]string{"amount": "amont"}},
			DuckDB, ErrNoColumn,
			"sources.orders.columns.amount: the source has no column amont; it has id, Total, at",
		},
		{
			"text for money",
			Source{Name: "orders", From: "a", Columns: map[string]string{"amount": "total"}},
			DuckDB, ErrColumnType,
			"sources.orders.columns.amount: wrong type: total is of type VARCHAR, want a number; give an expression such as CAST(… AS …)",
		},
		{"text for time", Source{Name: "orders", From: "a", Columns: map[string]string{"ordered_at": "at"}}, BigQuery, ErrColumnType, "want a date or a timestamp"},
		{"attribute", Source{Name: "customers", From: "a", Columns: map[string]string{"customer_id": "id"}, Attributes: []string{"tier"}}, DuckDB, ErrNoColumn, "tier"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.s.All(c.d)
			if err == nil {
				var m Relation
				if m, err = c.s.Mapped(c.d, has); err == nil {
					var types []ColumnInfo
					for name := range c.s.Columns {
						types = append(types, ColumnInfo{name, "VARCHAR", Text})
					}
					_, err = c.s.Typed(c.d, m, types)
				}
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
		})
	}
}

func TestSourceRelations(t *testing.T) {
	for _, c := range []struct{ from, query, want string }{
		{"shop.orders", "", `SELECT * FROM "shop"."orders"`},
		{"data/o'rders/*.parquet", "", `SELECT * FROM read_parquet('data/o''rders/*.parquet')`},
		{"o.CSV.gz", "", `SELECT * FROM read_csv('o.CSV.gz')`},
		{"o.ndjson", "", `SELECT * FROM read_json('o.ndjson')`},
		{"", " SELECT 1 AS a; ", "SELECT * FROM (\nSELECT 1 AS a\n)"},
	} {
		r, err := Source{Name: "orders", From: c.from, Query: c.query}.All(DuckDB)
		if err != nil || r.Select != c.want || r.Name != "orders" {
			t.Errorf("%s%s gives %v, %v, want %s", c.from, c.query, r, err, c.want)
		}
	}
	s := Source{Name: "orders", From: "o", Columns: map[string]string{"order_id": "ID", "amount": "a / 100 -- cents"}}
	r, err := s.Mapped(DuckDB, []ColumnInfo{{"id", "BIGINT", Integer}, {"a", "BIGINT", Integer}})
	if want := "SELECT \"id\" AS \"order_id\", (a / 100 -- cents\n) AS \"amount\"\nFROM \"o\""; err != nil || r.Select != want {
		t.Errorf("mapped is %s, %v, want %s", r.Select, err, want)
	}
}
