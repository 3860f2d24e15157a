package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"segments/pipeline/demo"
)

// Twelve runs, a month apart: every move has a cause, causes add up, and the history says of every day what was
// published.
func TestTwelveRuns(t *testing.T) {
	t.Parallel()
	data, _ := company(t, demo.Options{Customers: 400, Days: 500, Seed: 11})
	s := newShop(t, data, quick)
	for n := 11; n >= 0; n-- {
		s.now = s.now.AddDate(0, 0, 1)
		s.publish(30 * n)
		if n < 11 {
			if bad := s.rows(addsUp(day(30 * n))); bad != nil {
				t.Errorf("%s does not add up: %v", day(30*n), bad)
			}
		}
	}
	s.historyIsPublished()
	causes := s.rows("SELECT cause, sum(customers) FROM segment_transitions GROUP BY ALL ORDER BY ALL")
	t.Logf("causes: %s", strings.Join(causes, ", "))
	for _, want := range []string{"activity", "new", "none", "purchase", "silence"} {
		if !slices.ContainsFunc(causes, func(row string) bool { return strings.HasPrefix(row, want+" ") }) {
			t.Errorf("nobody has the cause %s", want)
		}
	}
	for _, row := range causes { // the demo's data are whole and its cuts are kept
		if cause, _, _ := strings.Cut(row, " "); cause == "cut" || cause == "rule" || cause == "corrected" || cause == "identity" {
			t.Errorf("without reason: %s", row)
		}
	}
	// Only changes are written.
	if got := s.row("SELECT (SELECT count(*) FROM segment_history) = (SELECT count(*) FROM customer_segments WHERE as_of = '" + day(330) + "')" +
		" + (SELECT sum(customers) FROM segment_transitions WHERE from_segment <> to_segment)"); got != "true" {
		t.Error("the history has other rows than the first run's customers and the moves")
	}
}

// historyIsPublished wants the history to say of every published day who was where, and of those who stayed since when.
func (s shop) historyIsPublished() {
	s.Helper()
	bad := s.rows(`WITH days AS (SELECT DISTINCT as_of FROM customer_segments),
		said AS (
			SELECT d.as_of, h.customer_id, h.core_segment
			FROM days AS d JOIN segment_history AS h ON h.true_from <= d.as_of
			QUALIFY row_number() OVER (PARTITION BY d.as_of, h.customer_id ORDER BY h.true_from DESC, h.known_from DESC, h.run_id DESC) = 1
		)
		SELECT coalesce(p.as_of, s.as_of), coalesce(p.customer_id, s.customer_id), p.core_segment, s.core_segment
		FROM (SELECT * FROM customer_segments WHERE core_segment IS NOT NULL) AS p
		FULL JOIN (SELECT * FROM said WHERE core_segment IS NOT NULL) AS s ON s.as_of = p.as_of AND s.customer_id = p.customer_id
		WHERE p.core_segment IS DISTINCT FROM s.core_segment`)
	if bad != nil {
		s.Errorf("the history says otherwise of %d customers and days than what was published, first %s", len(bad), bad[0])
	}
}

// Days filled in behind others, and published again: the history is what is published, and who is since when where follows it.
func TestHistoryOfBackfills(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	add(c.orders, "o1,ann,2025-06-01,15,0,", "o2,bob,2025-06-01,15,0,", "o3,cat,2025-06-12,15,0,")
	c.run("2025-06-10")
	c.run("2025-06-20")
	since := func() string {
		return strings.Join(c.rows("SELECT customer_id, core_segment, core_segment_since FROM customer_segments_current"+
			" WHERE customer_id IN ('ann', 'bob') ORDER BY ALL"), ", ")
	}
	if got, want := since(), "ann New 2025-06-10, bob New 2025-06-10"; got != want {
		t.Errorf("since: %s, want %s", got, want)
	}
	// An order of the 14th is there when the 15th is filled in, and gone again when the 21st comes.
	add(c.orders, "o4,ann,2025-06-14,15,0,")
	c.run("2025-06-15")
	c.historyIsPublished()
	delete(c.orders, "o4")
	c.run("2025-06-21")
	c.historyIsPublished()
	if got, want := since(), "ann New 2025-06-20, bob New 2025-06-10"; got != want {
		t.Errorf("since, after a day behind: %s, want %s", got, want)
	}
	if got, want := strings.Join(c.rows("SELECT true_from, core_segment, previous_segment, cause FROM segment_history WHERE customer_id = 'ann' ORDER BY ALL"), "; "),
		"2025-06-10 New NULL new; 2025-06-15 Potential Loyalist New purchase; 2025-06-20 New Potential Loyalist restated"; got != want {
		t.Errorf("the history of ann: %s\nwant %s", got, want)
	}
	add(c.orders, "o5,bob,2025-06-19,15,0,")
	c.run("2025-06-20")
	c.historyIsPublished()
	c.run("2025-06-05", "--backfill")
	c.historyIsPublished()
	c.run("2025-06-22")
	c.historyIsPublished()
	if got, want := since(), "ann New 2025-06-20, bob Potential Loyalist 2025-06-22"; got != want {
		t.Errorf("since, after a day published again: %s, want %s", got, want)
	}
	if got := c.row("SELECT count(*) FROM (SELECT 1 FROM segment_history GROUP BY run_id, customer_id, true_from, known_from HAVING count(*) > 1)"); got != "0" {
		t.Errorf("%s keys are there twice", got)
	}
}

// foretold wants silence to have moved those, and only those, of whom the day before said so, over all the days published; and
// of those on a list a week before whom nothing else has moved since, silence to have moved each on the day and to where it said.
func (s shop) foretold(last string) {
	s.Helper()
	bad := s.rows(`WITH silent AS (
			SELECT true_from, customer_id, core_segment FROM segment_history WHERE cause = 'silence'
		),
		foretold AS (
			SELECT s.as_of + 1 AS true_from, s.customer_id, s.drops_to AS core_segment
			FROM customer_segments AS s JOIN segment_history AS h ON h.customer_id = s.customer_id AND h.true_from = s.drops_on
			WHERE s.drops_on = s.as_of + 1 AND h.cause = 'silence'
		)
		SELECT * FROM ((FROM silent EXCEPT FROM foretold) UNION ALL (FROM foretold EXCEPT FROM silent))`)
	if bad != nil {
		s.Errorf("silence moved %d otherwise than foretold, first %s", len(bad), bad[0])
	}
	week := s.row(`WITH lists AS (
			SELECT as_of, customer_id, drops_on, drops_to FROM customer_segments
			WHERE drops_on <= as_of + 7 AND drops_on <= DATE '` + last + `'
		),
		first AS (
			SELECT l.*, h.true_from, h.core_segment, h.cause FROM lists AS l
			JOIN segment_history AS h ON h.customer_id = l.customer_id AND h.true_from > l.as_of
			QUALIFY row_number() OVER (PARTITION BY l.as_of, l.customer_id ORDER BY h.true_from) = 1
		)
		SELECT count(*) FILTER (cause = 'silence') AS silent,
			count(*) FILTER (cause = 'silence' AND (true_from <> drops_on OR core_segment <> drops_to)) AS otherwise
		FROM first`)
	var silent, otherwise int
	_, err := fmt.Sscan(week, &silent, &otherwise)
	check(s, err)
	s.Logf("of those on the lists of the weeks before, silence moved %d, all as foretold", silent)
	if silent < 100 || otherwise != 0 {
		s.Errorf("of those on a list, silence moved %d, %d of them otherwise than foretold", silent, otherwise)
	}
	if got := s.row("SELECT count(*) FROM (SELECT customer_id, drops_on, drops_to FROM customer_segments_current WHERE drops_on <= as_of + 7" +
		" EXCEPT SELECT customer_id, drops_on, drops_to FROM drops_next_week)"); got != "0" {
		s.Errorf("%s customers are not in drops_next_week", got)
	}
	if s.row("SELECT count(*) > 0, count(*) FILTER (drops_on NOT BETWEEN as_of + 1 AND as_of + 7) FROM drops_next_week") != "true 0" {
		s.Error("drops_next_week has nobody, or others")
	}
}
