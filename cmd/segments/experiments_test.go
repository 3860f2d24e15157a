package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"segments/pipeline/demo"
)

// lab is a company that is large enough for experiments.
var lab = demo.Options{Customers: 3000, Days: 400, Seed: 3}

// earlier lets runs take place before the end of the data.
const earlier = "quality: {max_rejected: 1}\n"

// An identifier is no kind of conversion: with one for each customer there would be as many rows of everything.
func TestIdentifiersAsKinds(t *testing.T) {
	t.Parallel()
	data, _ := company(t, lab)
	s := newShop(t, data, quick)
	s.edit("kind: kind", "kind: concat(id, ' of ', user)")
	_, stderr := s.segments(exitRejected, "run", "--as-of", day(0))
	says(t, stderr, "the conversions are of more than 100 kinds", "is sources.conversions.columns.kind an identifier?")
}

// An experiment on published segments, with an effect planted in two of them, names these two; one without an effect
// names nobody; and whoever moved since counts where they were when they were given the variant.
func TestExperiments(t *testing.T) {
	t.Parallel()
	data, _ := company(t, lab)
	s := newShop(t, data, quick+earlier)
	s.now = lastDay.AddDate(0, 0, -59)
	s.publish(60)

	// Everybody is given a variant of both experiments in the afternoon after. One of twenty takes a gift; of the treated
	// Hibernating and About to Sleep, seven of twenty more do.
	const lot = "CAST(hash(customer_id || '%s') %% %d AS INTEGER)"
	of := func(salt string, n int) string { return fmt.Sprintf(lot, salt, n) }
	segments := "(SELECT customer_id, core_segment FROM read_parquet('" + filepath.Join(s.dir, "then.parquet") + "')"
	s.copyOut("SELECT customer_id, core_segment FROM customer_segments", filepath.Join(s.dir, "then.parquet"))
	arm := "CASE WHEN " + of("arm", 2) + " = 1 THEN 'treatment' ELSE 'control' END"
	transform(t, filepath.Join(data, "experiments.parquet"), filepath.Join(s.dir, "experiments.parquet"),
		"SELECT customer, experiment, variant, assigned FROM source UNION ALL SELECT customer_id, 'planted', "+arm+", TIMESTAMP '"+day(59)+" 15:00:00' FROM "+segments+
			") UNION ALL SELECT customer_id, 'null', CASE WHEN "+of("null", 2)+" = 1 THEN 'b' ELSE 'a' END, TIMESTAMP '"+day(59)+" 16:00:00' FROM "+segments+")")
	gifts := "SELECT concat('gift-', customer_id) AS id, customer_id AS \"user\", TIMESTAMP '" + day(50) + " 10:00:00' AS ts, 'gift' AS kind, 10 AS value FROM " + segments + ") WHERE " +
		of("gift", 20) + " < CASE WHEN core_segment IN ('Hibernating', 'About to Sleep') AND " + of("arm", 2) + " = 1 THEN 8 ELSE 1 END"
	transform(t, filepath.Join(data, "conversions.parquet"), filepath.Join(s.dir, "conversions.parquet"),
		"SELECT id, \"user\", ts, kind, value FROM source UNION ALL "+gifts)
	s.edit(filepath.Join(data, "experiments.parquet"), "experiments.parquet", filepath.Join(data, "conversions.parquet"), "conversions.parquet")
	s.now = today
	s.publish(0)

	found := s.rows("SELECT experiment, segment FROM experiment_results_current WHERE experiment IN ('null', 'planted') AND conversion_kind = 'gift' AND verdict IN ('higher', 'lower') ORDER BY ALL")
	if want := []string{"planted ", "planted About to Sleep", "planted Hibernating"}; !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
	if got := s.row("SELECT count(*) FROM experiment_results_current WHERE experiment IN ('null', 'planted') AND customers <> segment_known"); got != "0" {
		t.Errorf("%s rows have customers whose segment was not known", got)
	}
	// By hand, from what was published before and the files.
	results := "SELECT conversion_kind, variant, segment, customers, coalesce(converters, 0) FROM experiment_results_current WHERE experiment = 'planted' AND conversion_kind = 'gift' " +
		"AND segment <> '' AND customers >= 20"
	byHand := "SELECT 'gift', e.variant, p.core_segment, count(*), count(c.id) FROM customer_segments p JOIN read_parquet('" + filepath.Join(s.dir, "experiments.parquet") +
		"') e ON e.customer = p.customer_id AND e.experiment = 'planted' LEFT JOIN read_parquet('" + filepath.Join(s.dir, "conversions.parquet") +
		"') c ON c.kind = 'gift' AND c.\"user\" = p.customer_id WHERE p.as_of = '" + day(60) + "' GROUP BY ALL HAVING count(*) >= 20"
	if got := s.row("SELECT count(*) FROM ((" + results + " EXCEPT " + byHand + ") UNION ALL (" + byHand + " EXCEPT " + results + "))"); got != "0" {
		t.Errorf("%s rows differ from those counted by hand", got)
	}
	if got := s.row("SELECT count(*) > 100 FROM customer_segments a JOIN customer_segments b USING (customer_id) WHERE a.as_of = '" + day(60) +
		"' AND b.as_of = '" + day(0) + "' AND a.core_segment <> b.core_segment"); got != "true" {
		t.Error("hardly anybody moved: the test shows nothing")
	}
	if got := s.rows("SELECT check_name, subject, state FROM run_checks WHERE check_name IN ('experiment', 'sample_ratio') AND subject IN ('null', 'planted') AND state <> 'passed' " +
		"AND run_id = (SELECT run_id FROM runs WHERE as_of = '" + day(0) + "')"); got != nil {
		t.Errorf("checks: %q", got)
	}
}

// copyOut writes the result of a query on the published file to the file to.
func (s shop) copyOut(query, to string) {
	s.Helper()
	db, err := sql.Open("duckdb", s.file()+"?access_mode=READ_ONLY")
	check(s, err)
	defer db.Close() //nolint:errcheck // it was only read
	_, err = db.Exec(fmt.Sprintf("COPY (%s) TO '%s' (FORMAT parquet)", query, to))
	check(s, err)
}

// The holdout is the same people from run to run, gets no mail, and is held against everybody else.
func TestHoldout(t *testing.T) {
	t.Parallel()
	data, _ := company(t, lab)
	s := newShop(t, data, "\ntransforms: {cluster: {k: 4}, holdout: {share: 0.1, salt: \"2025\"}}\nvalidation: {origins: 1}\noutputs: {people: true}\n"+earlier)
	s.now = lastDay.AddDate(0, 0, -34)
	s.publish(35)
	s.now = today
	s.publish(0)
	if got := s.row("SELECT count(*) FILTER (a.in_holdout <> b.in_holdout), count(*) FILTER (a.in_holdout) BETWEEN 200 AND 350, count(*) > 2000 FROM customer_segments a " +
		"JOIN customer_segments b USING (customer_id) WHERE a.as_of = '" + day(35) + "' AND b.as_of = '" + day(0) + "'"); got != "0 true true" {
		t.Errorf("moved in or out, about a tenth, customers: %s", got)
	}
	for _, view := range []string{"audience_memberships", "people"} {
		if got := s.row("SELECT count(*), (SELECT count(*) > 100 FROM " + view + ") FROM " + view + " JOIN customer_segments_current USING (customer_id) WHERE in_holdout"); got != "0 true" {
			t.Errorf("%s of the holdout are in %s", got, view)
		}
	}
	held := s.row("SELECT sum(held_out) FROM audiences WHERE segmentation = 'core_segment'")
	if want := s.row("SELECT count(*) FROM customer_segments_current JOIN customer_features_current USING (customer_id) WHERE in_holdout AND email_allowed"); held != want || held == "0" {
		t.Errorf("held out are %s, want %s", held, want)
	}
	_, stderr := s.segments(exitOK, "export", "Hibernating")
	says(t, stderr, "more might be, but are in the holdout")

	rows := "SELECT variant, control, customers, segment_known, coalesce(converters, 0) FROM experiment_results_current WHERE experiment = 'holdout' AND conversion_kind = 'order' AND segment = ''"
	byHand := "SELECT CASE WHEN in_holdout THEN 'holdout' ELSE 'everybody else' END, 'holdout', count(*), count(core_segment), count(*) FILTER (customer_id IN (" +
		"SELECT trim(customer) FROM read_parquet('" + filepath.Join(data, "orders.parquet") + "') WHERE CAST(date AS DATE) BETWEEN '" + day(34) + "' AND '" + day(5) + "' AND " +
		"(coalesce(refund, 0) < total OR CAST(refunded AS DATE) > '" + day(0) + "'))) FROM customer_segments WHERE as_of = '" + day(35) + "' GROUP BY ALL"
	got, want := s.rows(rows+" ORDER BY 1"), s.rows(byHand+" ORDER BY 1")
	if !slices.Equal(got, want) || len(got) != 2 {
		t.Errorf("the holdout is %q, want %q", got, want)
	}
	if got := s.rows("SELECT variant, is_control, expected_share FROM experiment_arms_current WHERE experiment = 'holdout' ORDER BY 1"); !slices.Equal(got,
		[]string{"everybody else false NULL", "holdout true NULL"}) {
		t.Errorf("arms: %q", got)
	}

	check(t, os.WriteFile(s.config(), []byte(strings.ReplaceAll(string(read(t, s.config())), ", salt: \"2025\"", "")), 0o644))
	_, stderr = s.segments(exitConfig, "check")
	says(t, stderr, "transforms.holdout.salt", "is needed where a share is above 0")
}
