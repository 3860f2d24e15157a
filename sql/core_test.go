package sql_test

import (
	"strings"
	"testing"

	"segments/sql"
)

// What the core segment is scored from is, in every case of TestFeatures, what customer_features has, also where web and
// e-mail are only counted.
func TestCoreInputs(t *testing.T) {
	const columns = "customer_id, as_of, orders, purchase_days, first_order_on, last_order_on, days_since_last_order, band2_on, band3_on," +
		" band4_on, band5_on, monetary_total, web_events_ever, email_actions_ever"
	customers := 0
	for _, file := range cases(t) {
		t.Run(file.name, func(t *testing.T) {
			w := parseWorld(t, file.archive, "SELECT * FROM (%s) AS source")
			for _, f := range file.archive.Files {
				if name, ok := strings.CutPrefix(f.Name, "table/"); ok {
					name = strings.TrimSuffix(name, ".sql")
					w.have[name] = sql.Relation{Name: name, Select: string(f.Data)}
				}
			}
			w.features()
			features := w.have["customer_features"].Select
			w.stage(sql.CustomerActions)
			w.have["customer_web"] = sql.Relation{Name: "customer_web", Select: "SELECT customer_id, web_events AS events FROM customer_actions WHERE web_events > 0"}
			w.have["customer_email"] = sql.Relation{
				Name: "customer_email", Select: "SELECT customer_id, email_actions AS actions FROM customer_actions WHERE email_events > 0",
			}
			q := w.bind("core_inputs")
			w.exec(sql.Query{Text: "CREATE OR REPLACE TABLE core AS " + q.Text, Params: q.Params})
			both := []string{"SELECT " + columns + " FROM (" + features + ")", "SELECT " + columns + " FROM core"}
			if _, rows := w.rows(sql.Query{Text: "(" + strings.Join(both, " EXCEPT ") + ") UNION ALL (" + both[1] + " EXCEPT " + both[0] + ")"}); rows != nil {
				t.Errorf("customers are otherwise: %v", rows)
			}
			_, rows := w.rows(sql.Query{Text: "SELECT * FROM core"})
			customers += len(rows)
		})
	}
	if customers < 100 {
		t.Errorf("only %d customers were compared", customers)
	}
}
