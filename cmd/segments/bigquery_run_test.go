package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"segments/pipeline/demo"
)

// few is the company of the tests here, of which they read the orders.
var few = demo.Options{Customers: 400, Days: 200}

// onlyLooks fails where one of the steps of jobs is more than a look at the ledger and the sources.
func onlyLooks(t testing.TB, steps []string) {
	t.Helper()
	for _, step := range steps {
		if strings.HasPrefix(step, "materialize") || strings.HasPrefix(step, "stage") || step == "publish" || step == "record" || step == "views" {
			t.Errorf("a job was made for the step %s; there are %q", step, steps)
		}
	}
}

// One thing after the other on the same data sets: the same slot again, a source that has changed, runs that are killed, a day that comes
// late, and one that is rejected. Under all that _current shows whole generations.
func TestBigQueryRuns(t *testing.T) {
	t.Parallel()
	p := onEmulator(t)
	p.fillOrders(few)
	s := p.orders(noBacktest)
	began := time.Now()
	says(t, s.child("run", "--as-of", day(1)).exits(exitOK), "✓ published "+day(1))
	took := time.Since(began)
	first, err := p.current()
	check(t, err)

	p.nothingToDo(s)
	if left := p.staged(); left != nil {
		t.Errorf("left in staging: %v", left)
	}

	// Whether a table that was made anew has the same rows, BigQuery does not say. Here it has not: one customer is gone.
	p.exec("CREATE OR REPLACE TABLE SOURCE.orders AS SELECT * FROM SOURCE.orders WHERE customer != (SELECT min(customer) FROM SOURCE.orders)")
	r := p.read(viewsOf(first))
	p.killed(s, took)
	s.child("run", "--as-of", day(1)).exits(exitOK) // brings what was undisturbed, unless that is there
	second, err := p.current()
	check(t, err)
	r.saw(t, first, second)
	if second == first {
		t.Errorf("the day was not published anew:\n%s", second)
	}
	if left := p.staged(); left != nil {
		t.Errorf("left in staging after the run that followed a kill: %v", left)
	}
	if got := p.rows("SELECT count(*), count(DISTINCT run_id), count(DISTINCT as_of) FROM OUT.run_events WHERE state = 'PUBLISHED'"); got[0] != "2 2 1" {
		t.Errorf("lines, runs and days in the ledger: %v, want 2 2 1", got)
	}

	// An older day that comes late is history.
	says(t, s.child("run", "--as-of", day(9)).exits(exitOK), "✓ published "+day(9))
	p.shows(second)
	if got := p.rows("SELECT DISTINCT as_of FROM OUT.customer_segments ORDER BY 1"); !slices.Equal(got, []string{day(9), day(1)}) {
		t.Errorf("the days %v are there", got)
	}

	// What the staged tables say forbids to publish: nobody is what he was.
	s.edit("cluster: {k: 4}", "cluster: {k: 4}, rfm: {map: custom, segments: [{name: Buyer}]}")
	says(t, s.child("run", "--as-of", day(0)).exits(exitRejected), "✗ rejected "+day(0), "collapse of core_segment: Buyer has 100.0 %", "nothing was published", "`segments show` has the checks")
	p.shows(second)
	if got := p.rows("SELECT state, message != '' FROM OUT.runs WHERE as_of = '" + day(0) + "'"); !slices.Equal(got, []string{"REJECTED true"}) {
		t.Errorf("the ledger says %v", got)
	}
	out, _ := s.segments(exitOK, "show", "-o", "csv")
	says(t, out, "REJECTED", "collapse,core_segment,failed", "table,until\n", "\nsegment_profiles,")
	out, _ = s.segments(exitOK, "show", "--table", "segment_profiles", "-o", "csv") // of what is kept in the staging data set
	says(t, out, "\n"+day(0)+",core_segment,Buyer,")
	s.child("run", "--as-of", day(0)).exits(exitRejected) // once more: what was kept of it is replaced
	if kept := slices.DeleteFunc(p.staged(), func(name string) bool { return !strings.HasSuffix(name, "_segment_profiles") }); len(kept) != 1 {
		t.Errorf("kept after a second rejection: %v", kept)
	}
	out, _ = s.segments(exitOK, "status", "-o", "csv")
	says(t, out, day(1)+",", "REJECTED")
}

// nothingToDo runs the current slot again: there is nothing to do, and nothing is paid for but looks.
func (p place) nothingToDo(s shop) {
	p.Helper()
	events := p.rows("SELECT count(*) FROM OUT.run_events")
	since := time.Now()
	says(p, s.child("run", "--as-of", day(1)).exits(exitOK), day(1)+" is published already", "nothing was done")
	steps := p.jobs(since)
	onlyLooks(p, steps)
	if len(steps) == 0 {
		p.Error("not even a look was taken")
	}
	if got := p.rows("SELECT count(*) FROM OUT.run_events"); !slices.Equal(got, events) {
		p.Errorf("%v lines in the ledger, want %v", got, events)
	}
}

// killed kills runs, one at any moment and one about its publish. Each leaves its lease, which ends after two minutes: it is
// taken away here as time would.
func (p place) killed(s shop, took time.Duration) {
	p.Helper()
	seed := uint64(time.Now().UnixNano())
	p.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	left := 0
	for n := range 2 {
		c := s.child("run", "--as-of", day(1))
		if n == 0 {
			time.Sleep(took/4 + time.Duration(random.Int64N(int64(took/3))))
		} else {
			c.reaches("audit")
			time.Sleep(time.Duration(random.Int64N(int64(took / 5))))
		}
		_ = c.Process.Kill() // it may have ended
		<-c.ended
		left += len(p.staged())
		p.Logf("kill %d left %d staged tables; published: %v", n, len(p.staged()), p.rows("SELECT count(*) FROM OUT.runs WHERE state = 'PUBLISHED'"))
		lease := p.lease()
		if lease == "" {
			continue
		}
		if n == 0 {
			says(p, s.child("run", "--as-of", day(1)).exits(exitTemporary), "another run is at work", "run "+day(1)+"-", "(lease until ", "try again")
			s.segments(exitOK, "status") // reading is free
		}
		check(p, p.client.Dataset(p.Staging).Table(lease).Delete(p.Context()))
	}
	if left == 0 {
		p.Error("the kills hit nothing")
	}
}

// shows fails where the _current views show something else.
func (p place) shows(want string) {
	p.Helper()
	got, err := p.current()
	check(p, err)
	if got != want {
		p.Errorf("_current shows\n%s\nwant\n%s", got, want)
	}
}

// lease is the table of the lease; empty where there is none.
func (p place) lease() string {
	p.Helper()
	return strings.Join(p.rows("SELECT table_name FROM STAGING.INFORMATION_SCHEMA.TABLES WHERE ends_with(table_name, '_claim')"), " ")
}
