package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// published is the contents of all tables, of those of the ledger without the lines of a run.
func (s shop) published(notBy string) image {
	s.Helper()
	m := s.image()
	for _, t := range ledger {
		m[t] = strings.Join(s.rows("SELECT * FROM "+t+" WHERE run_id <> '"+notBy+"' ORDER BY ALL"), "\n")
	}
	return m
}

// lastRun is the run whose line in the ledger is the newest.
func (s shop) lastRun() string {
	s.Helper()
	return s.row("SELECT run_id FROM run_events ORDER BY ended_at DESC LIMIT 1")
}

// rejects runs the job for lastDay and wants it rejected by the check, with nothing published and a report written.
func (s shop) rejects(check string) (run string) {
	s.Helper()
	before := s.published("")
	_, stderr := s.segments(exitRejected, "run", "--as-of", day(0))
	says(s, stderr, "✗ rejected "+day(0), "nothing was published. ", check, "what was published before is untouched", "report.rejected.html")
	run = s.lastRun()
	same(s, "after a rejected run", s.published(run), before)
	html, err := os.ReadFile(filepath.Join(s.dir, "report.rejected.html"))
	if err != nil || !strings.Contains(string(html), "REJECTED") {
		s.Errorf("the report of the rejected run: %d bytes, %v", len(html), err)
	}
	return run
}

// A run whose orders lost 60 % of their rows is rejected, can be looked at, compared and accepted; when the day is published, what
// was kept is gone.
func TestLostOrders(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.publish(1)
	lost := filepath.Join(s.dir, "orders.parquet")
	transform(t, filepath.Join(data, "orders.parquet"), lost, "SELECT * FROM source WHERE hash(invoice) % 10 < 4")
	s.edit(filepath.Join(data, "orders.parquet"), lost)
	s.now = s.now.Add(time.Hour)
	run := s.rejects("history of orders: ")
	if got := s.rows("SELECT check_name, subject FROM run_checks WHERE state = 'failed'"); strings.Join(got, ", ") != "history orders" {
		t.Errorf("failed: %s", got)
	}

	sheet, _ := s.segments(exitOK, "show")
	says(t, sheet, "  staged     ", " tables to look at until ", " on disk: `segments show "+run+" --table NAME`", "history of orders  ")
	rows, _ := s.segments(exitOK, "show", run, "--table", "customer_segments", "--limit", "3", "-o", "csv")
	if lines := strings.Split(strings.TrimSpace(rows), "\n"); len(lines) != 4 || !strings.HasPrefix(lines[0], "as_of,customer_id,") ||
		!strings.HasPrefix(lines[1], day(0)+",") {
		t.Errorf("rows of what is kept:\n%s", rows)
	}
	old, _ := s.segments(exitOK, "show", day(1), "--table", "segment_profiles", "-o", "csv")
	says(t, old, day(1)+",core_segment,Champions,")
	checks, _ := s.segments(exitOK, "show", "--table", "run_checks", "--limit", "1", "-o", "csv")
	says(t, checks, "run_id,check_name,subject,state,detail\n"+run+",")
	_, stderr := s.segments(exitConfig, "show", "--table", "segment_profile")
	says(t, stderr, `there is no table "segment_profile"; did you mean segment_profiles`)
	_, stderr = s.segments(exitConfig, "show", "--table", "segment_profiles", "--limit", "0")
	says(t, stderr, "--limit: 0, want 1 to 100000")

	again := filepath.Join(s.dir, "again.html")
	s.segments(exitOK, "report", run, "--file", again)
	want, err := os.ReadFile(filepath.Join(s.dir, "report.rejected.html"))
	check(t, err)
	got, err := os.ReadFile(again)
	check(t, err)
	if len(got) < 100_000 || string(withoutMoments(got)) != string(withoutMoments(want)) {
		t.Errorf("the report written again has %d bytes, the first one %d", len(got), len(want))
	}

	diff, _ := s.segments(exitOK, "diff", "-o", "csv")
	says(t, diff, "about,name,before,after,difference\n", "\nrun,state,PUBLISHED,REJECTED,\n", "\nchecks,history of orders,not_evaluated,failed,\n",
		"\nsources,orders,", "\nsegments,Champions,")
	sheet, _ = s.segments(exitOK, "diff")
	says(t, sheet, "from run "+day(1)+"-", "(PUBLISHED) to run "+run+" (REJECTED)", "\nchecks that went otherwise\n  history of orders ", " not_evaluated → failed\n", "customers by core segment")

	s.now = s.now.Add(time.Hour)
	_, stderr = s.segments(exitRejected, "run", "--as-of", day(0), "--accept", "history:customers", "--accept", "gate")
	says(t, stderr, "history of orders: ", "note       --accept gate: no such check has failed", "note       --accept history:customers: no such check")
	s.now = s.now.Add(time.Hour)
	_, stderr = s.segments(exitOK, "run", "--as-of", day(0), "--accept", "history:orders")
	says(t, stderr, "✓ published "+day(0), "1 accepted", "  accepted   history of orders: ")
	run = s.lastRun()
	if got := s.row("SELECT state, detail LIKE 'accepted by --accept history:orders: %' FROM run_checks WHERE check_name = 'history' AND subject = 'orders'" +
		" AND run_id = '" + run + "'"); got != "accepted true" {
		t.Errorf("the check is %s", got)
	}
	if got := s.row("SELECT message LIKE '%; accepted: history of orders' FROM run_events WHERE run_id = '" + run + "'"); got != "true" {
		t.Errorf("the ledger does not say what was accepted: %s", s.row("SELECT message FROM run_events WHERE run_id = '"+run+"'"))
	}
	html, err := os.ReadFile(filepath.Join(s.dir, "report.html"))
	check(t, err)
	says(t, string(html), "Use with care: a check failed, and somebody accepted that")
	sheet, _ = s.segments(exitOK, "show")
	says(t, sheet, "! 1 check failed and was accepted")
	if _, err := os.Stat(s.file() + ".staging"); !os.IsNotExist(err) {
		t.Errorf("something is still kept: %v", err)
	}
	says(t, s.publish(0, "--accept", "history:orders"), "is published already") // the same acceptance, the same digest
}

// withoutMoments is a report without what the clock decides.
func withoutMoments(html []byte) []byte {
	for _, mark := range []string{`datetime="`, `"ended_on"`} {
		html = []byte(strings.ReplaceAll(string(html), mark, ""))
	}
	return html
}

// A run whose rules put everybody into one group is rejected.
func TestSwallowed(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := shop{t, t.TempDir(), today}
	transform(t, filepath.Join(data, "orders.parquet"), filepath.Join(s.dir, "orders.parquet"), "SELECT invoice, customer, date, total FROM source")
	check(t, os.WriteFile(s.config(), []byte(ordersOnly), 0o644))
	s.publish(1)
	s.edit("transforms: {cluster: {k: 4}}", "transforms: {cluster: {k: 4}, rfm: {map: custom, segments: [{name: Everybody, r: [1, 2, 3, 4, 5]}]}}")
	s.now = s.now.Add(time.Hour)
	s.rejects("collapse of core_segment: Everybody has 100.0 % of all customers, 0.0 % before")
	s.segments(exitRejected, "run", "--as-of", day(0), "--accept", "gate") // that alone is not enough
	_, stderr := s.segments(exitOK, "run", "--as-of", day(0), "--accept", "collapse", "--accept", "gate")
	says(t, stderr, "✓ published "+day(0), "accepted   collapse of core_segment: ")
}

// A source that is a window of the last days is no loss, however far runs are apart; nor is it one when nothing comes any more.
func TestSlidingSources(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	web := filepath.Join(s.dir, "web_events.parquet")
	s.edit(filepath.Join(data, "web_events.parquet"), web)
	for _, daysBefore := range []int{38, 37, 30, 0} { // 1, 7 and 30 days apart
		transform(t, filepath.Join(data, "web_events.parquet"), web, fmt.Sprintf(
			"SELECT * FROM source WHERE CAST(ts AS DATE) BETWEEN DATE '%s' - 59 AND DATE '%s'", day(daysBefore), day(daysBefore)))
		s.publish(daysBefore)
	}
	for _, c := range s.rows(`SELECT run_id[:10], subject, state, detail FROM run_checks
		WHERE check_name = 'history' AND state <> 'passed' AND NOT detail LIKE 'there is no run before%'`) {
		t.Error(c)
	}
	from := s.rows(`SELECT run_id[:10] FROM run_checks WHERE check_name = 'history' AND subject = 'web_events' AND detail LIKE 'from %, since it begins later now%' ORDER BY 1`)
	if strings.Join(from, " ") != day(30)+" "+day(0) && strings.Join(from, " ") != day(37)+" "+day(30)+" "+day(0) {
		t.Errorf("the window slid in the runs of %v", from)
	}
	if got := s.row("SELECT count(*) > 100, sum(used_rows) = (SELECT sum(\"rows\") FROM run_rejects WHERE source <> 'customers_known' AND reason = 'used') FROM source_weeks"); got != "true true" {
		t.Errorf("source_weeks does not add up to run_rejects: %s", got)
	}
}

// What cannot be accepted, and what is no check, is told at once.
func TestAcceptRefuses(t *testing.T) {
	t.Parallel()
	s := shop{t, t.TempDir(), today}
	for name, want := range map[string]string{
		"unique_keys":        "--accept: unique_keys cannot be accepted: who reads the table would count customers twice",
		"accepted_values:x":  "--accept: accepted_values cannot be accepted: ",
		"conservation":       "--accept: conservation cannot be accepted: ",
		"one_currency":       "--accept: one_currency cannot be accepted: ",
		"volum":              `--accept: there is no check "volum"; did you mean volume?`,
		"history of orders":  `--accept: there is no check "history of orders"`,
		"Gate:core_segment ": `--accept: there is no check "Gate"; did you mean gate?`,
	} {
		for _, args := range [][]string{{"run"}, {"backfill", "--from", day(1), "--to", day(0)}} {
			_, stderr := s.segments(exitConfig, append(args, "--accept", name)...)
			says(t, stderr, want)
		}
	}
}
