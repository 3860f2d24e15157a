package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// An example is a configuration in examples and what comes out of it. docs/real-data.md says what the data are and where
// the numbers are from: all of them were counted from the raw files by SQL that shares nothing with this program.
type example struct {
	name, asOf string
	needs      string         // a file below SEGMENTS_DATA
	sizes      map[string]int // customers by core segment
	rejects    []string       // source, reason and rows
	gate       string         // how the check went, and how its detail begins
	more       map[string]string
}

var examples = []example{
	{
		name: "online_retail", asOf: "2011-12-09", needs: "online_retail/online_retail.parquet",
		sizes: map[string]int{
			"Champions": 595, "Loyal": 630, "Potential Loyalist": 518, "New": 80, "Can't Lose": 49, "At Risk": 304,
			"Need Attention": 114, "Promising": 167, "About to Sleep": 497, "Hibernating": 1374, "Prospect": 44,
		},
		// The file has 541,909 lines, of them 135,080 without a customer. 5,270 are alike in every mapped column, 43 of
		// those without a customer: 135,080 - 43 = 135,037, and 541,909 - 135,037 - 5,270 = 401,602.
		rejects: []string{
			"customers read 4372", "customers used 4372", "customers_known read 4372", "customers_known used 4372",
			"orders duplicate 5270", "orders missing_customer_id 135037", "orders read 541909", "orders used 401602",
		},
		gate: "passed The order of the segments has an AUC of 0.7250",
		more: map[string]string{
			// What all distinct lines with a customer sum up to, and the cancellations among them.
			"SELECT round(sum(monetary_total), 2), round(sum(refund_total), 2) FROM customer_features": "8277967.57 608689.47",
			// 80,995 and 74,215 pieces, ordered and cancelled within minutes: no purchase, and no fortune forecast.
			"SELECT orders, monetary_total, refund_total FROM customer_features WHERE customer_id = '16446'":  "1 2.9 168469.6",
			"SELECT orders, monetary_total, refund_total FROM customer_features WHERE customer_id = '12346'":  "0 0.0 77183.6",
			"SELECT max(expected_value_90d) < 1000 FROM customer_clv WHERE customer_id IN ('12346', '16446')": "true",
		},
	},
	{
		name: "cdnow", asOf: "1998-06-30", needs: "cdnow_master/CDNOW_master.txt",
		sizes: map[string]int{
			"Champions": 1271, "Loyal": 2518, "Potential Loyalist": 742, "Can't Lose": 482, "At Risk": 2363,
			"Need Attention": 408, "About to Sleep": 435, "Hibernating": 15351,
		},
		rejects: []string{"customers_known read 23570", "customers_known used 23570", "orders read 69659", "orders used 69659"},
		gate:    "passed The order of the segments has an AUC of 0.8102",
		more: map[string]string{
			// SOURCE of the file: 69,659 rows, 67,591 customer-days, $2,500,315.63.
			"SELECT sum(orders), sum(purchase_days), round(sum(monetary_total), 2) FROM customer_features": "69659 67591 2500315.63",
			// MBG/NBD fitted with scipy's L-BFGS-B to the same histories: .689416 9.889356 .491600 .858519, -173294.442.
			"SELECT round(max(value) FILTER (parameter = 'mbgnbd_r'), 3), round(max(value) FILTER (parameter = 'mbgnbd_alpha'), 3)," +
				" round(max(value) FILTER (parameter = 'mbgnbd_a'), 3), round(max(value) FILTER (parameter = 'mbgnbd_b'), 3)," +
				" round(max(value) FILTER (parameter = 'mbgnbd_log_likelihood'), 1) FROM model_parameters": "0.689 9.889 0.492 0.859 -173294.4",
		},
	},
	{
		name: "complete_journey", asOf: "2017-12-31", needs: "completejourney/transactions_sample.csv.gz",
		sizes: map[string]int{
			"Champions": 481, "Loyal": 907, "Potential Loyalist": 25, "New": 1, "Can't Lose": 548, "At Risk": 193,
			"Need Attention": 14, "Promising": 3, "About to Sleep": 10, "Hibernating": 195, "Prospect": 2,
		},
		rejects: []string{
			"conversions read 2102", "conversions used 2102", "customers read 801", "customers used 801", "customers_known read 2379",
			"customers_known used 2379", "email_events read 7737", "email_events used 7737", "orders read 75000", "orders used 75000",
		},
		gate: "passed The order of the segments has an AUC of 0.7137",
		more: map[string]string{
			// Two households were sent campaigns and have no basket in the sample.
			"SELECT string_agg(customer_id, ' ' ORDER BY customer_id) FROM customer_segments WHERE core_segment = 'Prospect'": "572 834",
			"SELECT sum(orders) FROM customer_features": "47243",
		},
	},
	{
		name: "hillstrom", asOf: "2008-03-17", needs: "hillstrom/hillstrom_data.csv",
		sizes: map[string]int{"New": 16489, "Promising": 10981, "About to Sleep": 13193, "Hibernating": 23337},
		rejects: []string{
			"conversions read 9972", "conversions used 9972", "customers read 64000", "customers used 64000", "customers_known read 64000",
			"customers_known used 64000", "email_events read 42694", "email_events used 42694", "experiments read 64000", "experiments used 64000",
			"orders read 64000", "orders used 64000", "web_events read 9394", "web_events used 9394",
		},
		gate: "passed The order of the segments has an AUC of 0.5596", // of visits: every purchase began with one
		more: map[string]string{
			"SELECT sum(converters), round(sum(value_per_customer * customers), 2), round(any_value(segmentation_auc), 4) FROM segment_validation " +
				"WHERE segmentation = 'core_segment' AND main_horizon AND conversion_kind = 'purchase'": "578 67258.13 0.5718",
			// What experiment_results has of everybody and not from the raw file, and the other way round.
			"SELECT count(*) FROM ((" + mailingResults + " EXCEPT " + mailingByHand + ") UNION ALL (" + mailingByHand + " EXCEPT " + mailingResults + "))": "0",
			"SELECT count(*), count(DISTINCT arm), count(DISTINCT of) FROM (" + mailingByHand + ")":                                                        "30 3 5",
			"SELECT string_agg(DISTINCT clv_status, ' ') FROM customer_clv":                                                                                "no_model", // nobody is known to have bought twice
		},
	},
}

// The mailing of Hillstrom by everybody and by segment, as the job has it and from the raw file: customers, converters, what they
// spent, and by how much the rate differs from that without a mail.
const (
	mailingResults = "SELECT conversion_kind, variant, segment, customers, converters, round(value_per_customer * customers, 2) AS spent, difference FROM experiment_results"
	mailingByHand  = `(
		WITH mailed AS (
			SELECT *, unnest(['', CASE WHEN recency <= 2 THEN 'New' WHEN recency <= 4 THEN 'Promising' WHEN recency <= 7 THEN 'About to Sleep' ELSE 'Hibernating' END]) AS of
			FROM read_csv('{data}/hillstrom/hillstrom_data.csv')
		),
		arms AS (
			SELECT 'visit' AS kind, segment AS arm, of, count(*) AS n, sum(visit) AS k, 0.0 AS spent FROM mailed GROUP BY ALL
			UNION ALL SELECT 'purchase', segment, of, count(*), sum(conversion), round(sum(spend), 2) FROM mailed GROUP BY ALL
		)
		SELECT a.kind, a.arm, a.of, a.n, a.k, a.spent, CASE WHEN a.arm <> 'No E-Mail' THEN a.k / a.n - c.k / c.n END
		FROM arms a JOIN arms c ON c.arm = 'No E-Mail' AND c.kind = a.kind AND c.of = a.of)`
)

func TestExamples(t *testing.T) {
	data := cmp.Or(os.Getenv("SEGMENTS_DATA"), filepath.Join("..", "..", "..", "shared", "data"))
	data, err := filepath.Abs(data)
	check(t, err)
	t.Setenv("SEGMENTS_DATA", data)
	shipped, err := filepath.Glob(filepath.Join("..", "..", "examples", "*", "segments.yaml"))
	check(t, err)
	if more := 1; len(shipped) != len(examples)+more { // TestBigQuery runs that on BigQuery
		t.Errorf("%d examples are shipped, %d are tested", len(shipped), len(examples)+more)
	}
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat(filepath.Join(data, e.needs)); err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatalf("the real data are needed in CI: set SEGMENTS_DATA: %v", err)
				}
				t.Skipf("SKIPPED, THE EXAMPLE WAS NOT RUN: set SEGMENTS_DATA to the folder that has %s: %v", e.needs, err)
			}
			e.run(t)
		})
	}
}

// run runs a copy of the example and looks at what it published.
func (e example) run(t *testing.T) {
	dir := t.TempDir()
	yaml, err := os.ReadFile(filepath.Join("..", "..", "examples", e.name, "segments.yaml"))
	check(t, err)
	config := filepath.Join(dir, "segments.yaml")
	check(t, os.WriteFile(config, yaml, 0o644))
	says(t, string(yaml), fmt.Sprintf("segments run -c examples/%s/segments.yaml --as-of %s\n", e.name, e.asOf), "export SEGMENTS_DATA=")

	var out, log strings.Builder
	a := &app{out: &out, err: &log, now: func() time.Time { return today }}
	if code := a.main(context.Background(), []string{"run", "-c", config, "--as-of", e.asOf}); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, withoutLog(log.String()))
	}

	file := filepath.Join(dir, e.name+".duckdb")
	rows := func(query string) []string {
		t.Helper()
		lines, err := queryFile(file, query)
		if err != nil {
			t.Errorf("%v: %s", err, query)
		}
		return lines
	}
	want := make([]string, 0, len(e.sizes))
	for _, s := range slices.Sorted(maps.Keys(e.sizes)) {
		want = append(want, fmt.Sprintf("%s %d", s, e.sizes[s]))
	}
	equal(t, "sizes", rows("SELECT core_segment, count(*) FROM customer_segments_current GROUP BY 1 ORDER BY 1"), want)
	equal(t, "run_rejects", rows("SELECT source, reason, \"rows\" FROM run_rejects ORDER BY 1, 2"), e.rejects)
	if got := rows("SELECT state, detail FROM run_checks WHERE check_name = 'gate'"); len(got) != 1 || !strings.HasPrefix(got[0], e.gate+" ") {
		t.Errorf("gate: %q, want %q", got, e.gate)
	}
	equal(t, "failed checks", rows("SELECT check_name, subject, detail FROM run_checks WHERE state = 'failed'"), nil)
	for query, want := range e.more {
		query = strings.ReplaceAll(query, "{data}", os.Getenv("SEGMENTS_DATA"))
		equal(t, query, rows(query), []string{want})
	}

	equal(t, "tables and columns without a comment", rows(`
		SELECT table_name, '' FROM duckdb_tables() WHERE coalesce(comment, '') = ''
		UNION ALL SELECT view_name, '' FROM duckdb_views() WHERE NOT internal AND coalesce(comment, '') = ''
		UNION ALL SELECT table_name, column_name FROM duckdb_columns()
		WHERE NOT internal AND table_name IN (SELECT table_name FROM duckdb_tables()) AND coalesce(comment, '') = ''`), nil)
	floats := rows("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND data_type IN ('DOUBLE', 'FLOAT') ORDER BY ALL")
	if len(floats) < 50 {
		t.Errorf("only %d columns of floats", len(floats))
	}
	var notFinite []string
	for _, f := range floats {
		table, column, _ := strings.Cut(f, " ")
		notFinite = append(notFinite, fmt.Sprintf("SELECT '%s' AS c, count(*) AS n FROM %s WHERE NOT isfinite(%s)", f, table, column))
	}
	equal(t, "floats that are not finite", rows("SELECT * FROM ("+strings.Join(notFinite, " UNION ALL ")+") WHERE n > 0"), nil)
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}
