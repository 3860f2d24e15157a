package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A run writes its report; the command writes the same again, and says which runs have none.
func TestReportCommand(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.segments(exitConfig, "report")
	says(t, s.publish(0), "report     "+s.report(""))
	first := s.read("")
	says(t, first, "<!doctype html>", "Content-Security-Policy", day(0), s.run())

	file := filepath.Join(s.dir, "again.html")
	for _, name := range []string{s.run(), day(0)} {
		out, _ := s.segments(exitOK, "report", name, "--file", file)
		if again, err := os.ReadFile(file); out != file+"\n" || err != nil || string(again) != first {
			t.Errorf("report %s: says %q, %v; the file is the same: %t", name, out, err, string(again) == first)
		}
	}
	if out, _ := s.segments(exitOK, "report", "--file", "-"); out != first {
		t.Error("--file - writes another report")
	}

	// Published already: the report is left alone, unless it is gone.
	check(t, os.WriteFile(s.report(""), []byte("mine"), 0o644))
	s.publish(0)
	if got := s.read(""); got != "mine" {
		t.Errorf("the report was written again: %.40q", got)
	}
	check(t, os.Remove(s.report("")))
	s.publish(0)
	if s.read("") != first {
		t.Error("the report that was gone is another one")
	}

	// Another day goes before; a run whose rows have been replaced has no report.
	old := s.run()
	s.edit("origins: 1", "origins: 2")
	s.now = s.now.Add(time.Hour)
	s.publish(0)
	_, stderr := s.segments(exitConfig, "report", old)
	says(t, stderr, "the rows of run "+old+" have been replaced by those of run "+s.run())
	_, stderr = s.segments(exitConfig, "report", "2020-01-01")
	says(t, stderr, "there is no published run 2020-01-01")

	// A backfill is history: it has no report of its own. An older day that is run late does not take the newest one's place.
	now := s.read("")
	s.publish(100, "--backfill")
	if s.read("") != now {
		t.Error("a backfill has written a report")
	}
	says(t, s.publish(101), "is left with the newest day; segments report "+day(101))
	if s.read("") != now {
		t.Error("an older day has taken the place of the newest one")
	}
	s.segments(exitOK, "report", day(100), "--file", file)
}

// What was not published stands beside the last good report, not in its place.
func TestReportOfWhatWasNotPublished(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	s.publish(1)
	good := s.read("")
	_, stderr := s.segments(exitOK, "run", "--as-of", day(0), "--dry-run")
	says(t, stderr, "report     "+s.report("dry-run"))
	says(t, s.read("dry-run"), "DRY RUN", day(0))
	s.edit("origins: 1", "origins: 1, gate: {min_auc_lower: 0.99}")
	_, stderr = s.segments(exitRejected, "run", "--as-of", day(0))
	says(t, stderr, "✗ rejected", "report     "+s.report("rejected"))
	rejected := s.read("rejected")
	says(t, rejected, "REJECTED", "0.99")
	if sections, stamps := strings.Count(rejected, "<section"), strings.Count(rejected, ">REJECTED<"); sections < 8 || stamps < sections {
		t.Errorf("%d sections, REJECTED stands %d times", sections, stamps)
	}
	if s.read("") != good {
		t.Error("the report of what is published has changed")
	}
	id := s.row("SELECT run_id FROM runs WHERE state = 'REJECTED'")
	check(t, os.Remove(s.report("rejected")))
	s.segments(exitOK, "report", id)
	says(t, s.read("rejected"), "REJECTED", "0.99")
	if s.read("") != good {
		t.Error("the report of what is published has changed")
	}
}

// What goes wrong with a report changes nothing; but what is wrong with the suggested content is said before anything is done.
func TestReportThatFails(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick+"\nreport: {file: not/there/report.html}\n")
	says(t, s.publish(0), "✓ published", "report     not written: ", "not/there")
	s.edit("report: {file: not/there/report.html}", "report: {file: none}")
	if stderr := s.publish(1); strings.Contains(stderr, "report ") {
		t.Errorf("there is to be no report:\n%s", stderr)
	}
	_, stderr := s.segments(exitConfig, "report")
	says(t, stderr, "report.file is none")
	_, stderr = s.segments(exitConfig, "report", "--file", filepath.Join(s.dir, "nowhere", "report.html"))
	says(t, stderr, "there is no folder "+filepath.Join(s.dir, "nowhere"))
	_, stderr = s.segments(exitConfig, "report", "--file", s.dir)
	says(t, stderr, s.dir+" is a folder")

	content := filepath.Join(s.dir, "content.csv")
	out, _ := s.segments(exitOK, "report", "--print-content")
	check(t, os.WriteFile(content, []byte(out+"Champions,decision,\"Your own words, and an <b>\",phone\n"), 0o644))
	s.edit("report: {file: none}", "report: {content: content.csv}")
	_, stderr = s.segments(exitConfig, "check")
	says(t, stderr, "segments.yaml:", "report", "content.csv: line ", "Champions in stage decision is there twice")
	check(t, os.WriteFile(content, []byte("segment,stage,content,channel\nChampions,decision,\"Your own words, and an <b>\",phone\n"), 0o644))
	s.segments(exitOK, "report")
	says(t, s.read(""), "Your own words, and an &lt;b&gt;")
}

// report is the report's file; of a run in a state, that one's.
func (s shop) report(state string) string {
	if state != "" {
		state = "." + state
	}
	return filepath.Join(s.dir, "report"+state+".html")
}

func (s shop) read(state string) string {
	s.Helper()
	b, err := os.ReadFile(s.report(state))
	check(s, err)
	return string(b)
}

// run is the run that is published.
func (s shop) run() string {
	s.Helper()
	return s.row("SELECT arg_max(run_id, ended_at) FROM runs WHERE state = 'PUBLISHED'")
}
