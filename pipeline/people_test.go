package pipeline

import (
	"errors"
	"strings"
	"testing"

	"segments/pipeline/warehouse"
	"segments/sql"
)

// speaks is a warehouse that says which SQL it speaks, and nothing else.
type speaks struct {
	warehouse.Warehouse
	dialect sql.Dialect
}

func (s speaks) Dialect() sql.Dialect { return s.dialect }

// BigQuery reads a view's tables in the view's own project, so that the source must say which one it is in.
func TestAddressesSayTheirProject(t *testing.T) {
	has := []sql.ColumnInfo{{Name: "customer_id", Native: "STRING", Family: sql.Text}}
	source := sql.Source{Name: "customers", From: "crm.customers", Columns: map[string]string{"customer_id": "customer_id"}}
	full, query := source, source
	full.From = "project.crm.customers"
	query.From, query.Query = "", "SELECT * FROM project.crm.customers"
	for _, c := range []struct {
		dialect sql.Dialect
		source  sql.Source
		people  bool
		there   bool
		wrong   bool
	}{
		{sql.BigQuery, source, true, false, true},
		{sql.BigQuery, source, false, false, false},
		{sql.BigQuery, full, true, true, false},
		{sql.BigQuery, query, true, true, false},
		{sql.DuckDB, source, true, true, false},
		{sql.DuckDB, sql.Source{Name: "orders", From: "o"}, true, false, false},
	} {
		j := &Job{Warehouse: speaks{dialect: c.dialect}, People: c.people}
		got, err := j.addresses(c.source, has, has)
		if (err != nil) != c.wrong || c.wrong && (!errors.Is(err, ErrConfig) || !strings.HasPrefix(err.Error(), "sources.customers.from: ")) {
			t.Errorf("%s %s%s: %v", c.dialect, c.source.From, c.source.Query, err)
		}
		if (got.Select != "") != c.there || strings.Contains(got.Select, "@") {
			t.Errorf("%s %s%s: the relation is %q", c.dialect, c.source.From, c.source.Query, got.Select)
		}
	}
}

// A view that nobody asked for is one to be dropped.
func TestPeopleIsGone(t *testing.T) {
	for want, r := range map[bool]*run{
		true:  {sources: []source{{Source: sql.Source{Name: "customers"}}}},
		false: {sources: []source{{Source: sql.Source{Name: "customers"}, addresses: sql.Relation{Name: "addresses", Select: "SELECT 1"}}}},
	} {
		for _, v := range r.views() {
			if v.Gone != (want && v.Name == "people") || (len(v.Over) > 0) != (!want && v.Name == "people") {
				t.Errorf("view %s: gone %v, over %v", v.Name, v.Gone, v.Over)
			}
		}
	}
}
