package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"segments/pipeline/config"
	"segments/pipeline/warehouse"
)

// What a warehouse says is told without its own words for it, and with what to do.
func TestHinted(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ said, want string }{
		{
			`sources.orders.from: query orders: not found: IO Error: No files found that match the pattern "/data/x.csv"`,
			`sources.orders.from: there is no file /data/x.csv; a relative path is looked for beside the configuration`,
		},
		{`sources.orders.query: query orders: Parser Error: syntax error at or near "x"`, `sources.orders.query: syntax error at or near "x"`},
		{
			`sources.orders.columns.amount: the source has no column amountt; it has id, amount, amount_net`,
			`sources.orders.columns.amount: the source has no column amountt; did you mean amount? It has id, amount, amount_net`,
		},
		{
			`sources.orders.columns.amount: the source has no column amount; it has column0, column1`,
			`sources.orders.columns.amount: the source has no column amount; it has column0, column1: its first line is not taken for names; is there a row below it?`,
		},
		{
			`sources.orders.from: query orders: not found: Not found: Dataset shop-1:crm was not found in location EU`,
			`sources.orders.from: not found: Not found: Dataset shop-1:crm was not found in location EU; is the name right, and is it in EU, ` +
				"as warehouse.bigquery.location says? `bq show shop-1:crm` tells",
		},
		{`what nobody foresaw`, `what nobody foresaw`},
	} {
		err := errors.New(tc.said)
		if strings.Contains(tc.said, "not found") {
			before, after, _ := strings.Cut(tc.said, "not found")
			err = fmt.Errorf("%s%w%s", before, warehouse.ErrNotFound, after)
		}
		if got := hinted(err); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}

func TestOddities(t *testing.T) {
	t.Parallel()
	const shop = "name: shop\nsources: {orders: {from: o.csv, columns: {order_id: a, customer_id: b, ordered_at: c, amount: d}}}\nwarehouse: "
	for _, tc := range []struct{ yaml, want string }{
		{"{duckdb: {path: x.duckdb}}", ""},
		{"{duckdb: {path: x.duckdb, memory: 100MB}}", "warehouse.duckdb.memory: 100MB is little"},
		{"{duckdb: {path: x.duckdb, memory: 5TiB}}", "warehouse.duckdb.memory: 5TiB is more than machines have"},
		{"{duckdb: {path: x.duckdb, threads: 100000}}", "warehouse.duckdb.threads: 100000 threads on "},
		{"{bigquery: {project: p-shop, location: EU, dataset: d, staging_dataset: s, read_memory: 1KiB}}", "warehouse.bigquery.read_memory: 1KiB is little"},
		{"{bigquery: {project: p-shop, location: EU, dataset: d, staging_dataset: s, read_memory: 1 TB}}", "warehouse.bigquery.read_memory: 1 TB comes on top"},
		{"{bigquery: {project: p-shop, location: EU, dataset: d, staging_dataset: s, max_bytes_billed: 10MB}}", "warehouse.bigquery.max_bytes_billed: 10MB is less"},
		{"{duckdb: {path: x.duckdb}}\nvalidation: {horizon: 3d}", "validation.horizon: 3d is short"},
		{"{duckdb: {path: x.duckdb}}\nprivacy: {min_group: 1}", "privacy.min_group: groups of 1 customer are described"},
		{"{duckdb: {path: x.duckdb}}\nquality: {max_rejected: 0.9}", "quality.max_rejected: 0.9 lets a run go on"},
		{"{duckdb: {path: x.duckdb}}\nfreshness: {wait: 48h}", "freshness.wait: 48h0m0s: the next day's run"},
		{"{duckdb: {path: x.duckdb}}\noutputs: {retention: 30d}", "outputs.retention: 30d is less"},
	} {
		c, err := config.Parse("segments.yaml", []byte(shop+tc.yaml))
		check(t, err)
		got := oddities(c)
		if tc.want == "" {
			if len(got) > 0 {
				t.Errorf("%s: %v", tc.yaml, got)
			}
			continue
		}
		if len(got) != 1 || !strings.Contains(got[0].Error(), tc.want) {
			t.Errorf("%s: %v, want %s", tc.yaml, got, tc.want)
		}
	}
}
