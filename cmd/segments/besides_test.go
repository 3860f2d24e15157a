package main

import (
	"slices"
	"testing"
)

// Sources that no segment is made of may have no rows, at first or any more: that does not stop the job. Where there were
// some, it warns.
func TestEmptySourcesBesides(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	add(c.orders, "1,idle,2025-05-01,10,,", "2,idle,2025-05-20,10,5,2025-05-21")
	const (
		tests   = "SELECT 'idle' AS id, 'mail' AS test, 'a' AS arm, DATE '2025-05-02' AS day FROM range(30) AS r WHERE range < "
		touches = "SELECT 'idle' AS id, 'search' AS channel, TIMESTAMP '2025-05-02 10:00:00' + INTERVAL (range) MINUTE AS at FROM range(30) AS r WHERE range < "
		costs   = "SELECT 'search' AS channel, DATE '2025-05-02' - CAST(range AS INTEGER) AS day, 1.5 AS amount FROM range(30) AS r WHERE range < "
		none    = "0"
		thirty  = "30"
	)
	c.edit("quality: {max_rejected", "  experiments: {query: \""+tests+none+"\", columns: {customer_id: id, experiment: test, variant: arm, assigned_at: day}}\n"+
		"  touchpoints: {query: \""+touches+none+"\", columns: {customer_id: id, channel: channel, occurred_at: at}}\n"+
		"  costs: {query: \""+costs+none+"\", columns: {channel: channel, spent_on: day, amount: amount}}\n"+
		"quality: {max_rejected")
	c.run("2025-06-01")
	c.segments(exitOK, "check")
	c.edit(touches+none, touches+thirty, costs+none, costs+thirty)
	c.run("2025-06-02")
	c.edit(touches+thirty, touches+none, costs+thirty, costs+none)
	c.run("2025-06-03")
	if got, want := c.rows("SELECT subject FROM run_checks WHERE check_name = 'history' AND state = 'warned' AND subject IN ('experiments', 'touchpoints', 'costs') ORDER BY ALL"),
		[]string{"costs", "touchpoints"}; !slices.Equal(got, want) {
		t.Errorf("warned of %q, want %q", got, want)
	}
	if got := c.rows("SELECT as_of, count(*) > 0 FROM channel_returns GROUP BY ALL"); !slices.Equal(got, []string{"2025-06-02 true"}) {
		t.Errorf("returns %q, want some of the day with costs", got)
	}
}
