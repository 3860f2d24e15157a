package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What sets segments apart is what can be counted in the published tables, of no group under privacy.min_group, with a
// verdict that follows from its numbers, and sets_apart says nothing else.
func TestTraits(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick+"privacy: {min_group: 5}\n")
	s.publish(0)
	const counted = `
		WITH m AS (
			UNPIVOT (SELECT customer_id, core_segment, rfm_segment, life_cycle, engagement, intent, journey_stage, value_tier, cluster FROM customer_segments_current)
			ON COLUMNS(* EXCLUDE customer_id) INTO NAME segmentation VALUE segment
		), f AS (
			UNPIVOT (SELECT customer_id, gender, acquisition_channel AS "acquired through", preferred_day_part AS "day part", preferred_channel AS "sales channel",
				CASE WHEN age_years < 18 THEN 'under 18' WHEN age_years < 65 THEN 'other' WHEN age_years >= 65 THEN '65 and over' END AS age FROM customer_features_current)
			ON COLUMNS(* EXCLUDE customer_id) INTO NAME trait VALUE value
		), n AS (SELECT segmentation, segment, trait, value, count(*) AS customers FROM m JOIN f USING (customer_id) GROUP BY ALL),
		s AS (
			SELECT *, sum(customers) OVER (PARTITION BY segmentation, segment, trait) AS known,
				sum(customers) OVER (PARTITION BY segmentation, trait, value) / sum(customers) OVER (PARTITION BY segmentation, trait) AS share_everybody
			FROM n
		)
		SELECT segmentation, segment, trait, value, customers, CAST(known AS BIGINT), round(customers / known, 9), round(share_everybody, 9), round(customers / known / share_everybody, 9)
		FROM s WHERE customers >= 5 AND value != 'other' ORDER BY ALL`
	want := s.rows(counted)
	got := s.rows(`SELECT segmentation, segment, trait, value, customers, known, round(share, 9), round(share_everybody, 9), round(lift, 9) FROM segment_traits_current
		WHERE trait IN ('gender', 'acquired through', 'day part', 'sales channel') OR trait = 'age' AND value IN ('under 18', '65 and over') ORDER BY ALL`)
	if len(want) < 100 || !slices.Equal(got, want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("%s\nwant\n%s", got[i], want[i])
			}
		}
	}
	for what, query := range map[string]string{
		"of a small group": "SELECT trait, value, customers FROM segment_traits WHERE customers < 5",
		"verdicts": `SELECT segmentation, segment, trait, value, lift, q_value, verdict FROM segment_traits
			WHERE verdict != CASE WHEN q_value <= 0.05 AND lift >= 1.2 - 1e-12 THEN 'more' WHEN q_value <= 0.05 AND lift <= 1 / 1.2 + 1e-12 THEN 'less' ELSE 'not_proven' END`,
		"kinds": "SELECT DISTINCT trait, kind FROM segment_traits WHERE (kind = 'habit') != (trait IN ('weekday', 'day part', 'sales channel', 'category', 'device'))",
		"many":  "SELECT segmentation, trait, count(DISTINCT value) FROM segment_traits GROUP BY ALL HAVING count(DISTINCT value) > 20",
		"not in sets_apart": `SELECT p.segmentation, p.segment, p.sets_apart FROM segment_profiles AS p JOIN segment_traits AS t USING (segmentation, segment)
			WHERE sets_apart IS NOT NULL GROUP BY ALL
			HAVING len(string_split(sets_apart, 'x)')) - 1 != count(*) FILTER (kind = 'attribute' AND lift >= 1.2 AND contains(sets_apart, concat(trait, ' ', value, ' (')))`,
	} {
		if rows := s.rows(query); rows != nil {
			t.Errorf("%s: %d, such as %s", what, len(rows), rows[0])
		}
	}
}

// Names and values of attributes may be anything; what is very long is left out, and the run says so.
func TestHostileTraits(t *testing.T) {
	t.Parallel()
	s := shop{t, t.TempDir(), today}
	check(t, os.WriteFile(s.config(), []byte(ordersOnly+`privacy: {min_group: 5}
`), 0o644))
	s.edit("sources:\n", `sources:
  customers:
    from: customers.parquet
    columns: {customer_id: customer, created_at: made}
    attributes: ["</script><b>\"'", motto]
`)
	copyToParquet(t, "SELECT concat(c, '-', k) AS invoice, concat('c', c) AS customer, DATE '"+day(0)+"' - CAST(c % 100 + 17 * k AS INTEGER) AS date, 20 + c % 7 AS total"+
		" FROM range(400) AS r(c), range(12) AS k(k) WHERE k <= c % 12", filepath.Join(s.dir, "orders.parquet"))
	copyToParquet(t, "SELECT concat('c', c) AS customer, DATE '2020-01-01' AS made, CASE c % 3 WHEN 0 THEN '</script>' WHEN 1 THEN '=1+1' END AS \"</script><b>\"\"'\","+
		" CASE WHEN c < 100 THEN repeat('x', 10000) WHEN c < 200 THEN '\u202e𝄞 \"''\\' ELSE '' END AS motto FROM range(400) AS r(c)", filepath.Join(s.dir, "customers.parquet"))
	says(t, s.publish(0), "✓ published", `the trait "motto" of 100 customers has more than 120 characters`)
	got := s.rows("SELECT trait, value, sum(customers) FROM segment_traits WHERE segmentation = 'life_cycle' AND kind = 'attribute' GROUP BY ALL ORDER BY ALL")
	if len(got) != 3 || s.row("SELECT max(length(value)) FROM segment_traits") > "9" {
		t.Errorf("%q", got)
	}
	if got := s.rows("SELECT segment FROM segment_profiles WHERE contains(sets_apart, 'xxx')"); got != nil {
		t.Errorf("sets_apart tells long values of %v", got)
	}
}
