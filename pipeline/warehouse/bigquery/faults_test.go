package bigquery

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/bigquerytest"
	"segments/pipeline/warehouse/bigquery/call"
)

// cleanLife returns a shop, and what a life there does when nothing goes wrong.
func cleanLife(t *testing.T) (*world, clean) {
	t.Helper()
	shop := newShop(t)
	w := newWorld(t, shop)
	defer w.t.end()
	c, err := w.lives(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return shop, c
}

// same fails unless readers see want.
func (w *world) same(t *testing.T, want string) {
	t.Helper()
	if got := w.summary(); got != want {
		t.Errorf("readers see\n%s, want\n%s", got, want)
	}
}

// within reports where an error arose: the step of a life.
func within(err error) string {
	var at *stop
	if errors.As(err, &at) {
		return at.step
	}
	return ""
}

// sees says what is wrong with what readers see in w after a life that ended with err.
func (w *world) sees(err error) error {
	want := before
	switch within(err) {
	case "query", "record":
		want = after
	case "sweep", "close", "":
		want = recorded
	}
	if seen := w.summary(); seen != want {
		return fmt.Errorf("readers see %s after %s", seen, fmt.Sprint(err))
	}
	return nil
}

// converges lives once more, with nothing in the way, when a lease that was not given back has ended.
func (w *world) converges() error {
	w.fault, w.session, w.message = nil, nil, nil
	w.clock = func() time.Time { return time.Now().Add(3 * time.Minute) }
	done := w.summary() != before
	_, err := w.lives(context.Background())
	if done && errors.Is(err, warehouse.ErrDone) || !done && err == nil && w.summary() == recorded {
		return nil
	}
	return fmt.Errorf("readers see %s, error %s", w.summary(), fmt.Sprint(err))
}

// A refusal is what the server answers to a call from some time on.
type refusal struct {
	key   string
	fault bigquerytest.Fault
}

func (r refusal) String() string { return r.key + ": " + r.fault.String() + " from now on" }

// strike makes r happen in w, and returns how often it did.
func (r refusal) strike(w *world) *atomic.Int32 {
	kind := func(key string) string { return key[:strings.LastIndex(key, " #")] }
	var on atomic.Bool
	var times atomic.Int32
	hit := func(key string) bool {
		if key == r.key {
			on.Store(true)
		}
		if !on.Load() || kind(key) != kind(r.key) {
			return false
		}
		times.Add(1)
		return true
	}
	w.fault = func(key string) (f bigquerytest.Fault) {
		if hit(key) {
			f = r.fault
		}
		return f
	}
	w.session = func(key string) (f bigquerytest.SessionFault) {
		if hit(key) {
			f.Error = status.Error(codes.PermissionDenied,
				"request failed: the user does not have 'bigquery.readsessions.create' permission for 'projects/"+project+"'")
		}
		return f
	}
	return &times
}

// What will not pass is not tried again and again: the error says at once what to do, and nothing has been published.
func TestFaultsThatStay(t *testing.T) {
	shop, c := cleanLife(t)
	var every []refusal
	for _, key := range c.calls {
		session := strings.HasPrefix(key, "session ")
		if session || strings.Contains(key, ".") {
			every = append(every, refusal{key, bigquerytest.Denied})
		}
		if !session && strings.Contains(key, ".") {
			every = append(every, refusal{key, bigquerytest.OverQuota})
		}
	}
	forgiven := func(key string) bool { // what tidies up, and what reads back
		return strings.HasPrefix(key, "tables.delete") || strings.Contains(key, " verify_") || slices.Index(c.calls, key) >= c.steps["close"]
	}
	all := drawn(t, every, 40)
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, r := range all {
		group.Go(func() error {
			w := newWorld(t, shop)
			defer w.t.end()
			times := r.strike(w)
			_, err := w.lives(t.Context())
			switch kind := map[bigquerytest.Fault]error{bigquerytest.Denied: warehouse.ErrPermission, bigquerytest.OverQuota: warehouse.ErrBudget}[r.fault]; {
			case err == nil && forgiven(r.key):
			case !errors.Is(err, kind):
				t.Errorf("%s: error %v, want one of the kind %q", r, err, kind)
			case r.fault == bigquerytest.Denied && !grants.MatchString(err.Error()):
				t.Errorf("%s: the error %q does not say what to do", r, err)
			}
			if wrong := w.sees(err); wrong != nil {
				t.Errorf("%s: %v", r, wrong)
			}
			if n := times.Load(); n > 3 {
				t.Errorf("%s: tried %d times", r, n)
			}
			if err := w.converges(); err != nil {
				t.Errorf("%s: afterwards: %v", r, err)
			}
			return nil
		})
	}
	_ = group.Wait()
	t.Logf("%d of %d refusals", len(all), len(every))
}

// grants finds in an error who lacks which role, and the command that grants it.
var grants = regexp.MustCompile(`serviceAccount:\S+ lacks roles/bigquery\.\w+ on the (project|data set) \S+: (gcloud projects add-iam-policy-binding|bq query) `)

// However little may be billed, no more is, and what is published is whole.
func TestEveryBudget(t *testing.T) {
	shop, c := cleanLife(t)
	const each = 10 << 20 // what every query bills
	queries := c.billed / each
	const told = 2 // the last ones tell the ledger of a run that failed, whatever is left
	for n := range queries - told {
		w := newWorld(t, shop)
		w.budget = fmt.Sprintf("%dMiB", 10*n+5)
		_, err := w.lives(t.Context())
		if !errors.Is(err, warehouse.ErrBudget) && len(w.warns) == 0 { // the last query reads back: without it there is a warning
			t.Errorf("%s: %v", w.budget, err)
		}
		if wrong := w.sees(err); wrong != nil {
			t.Errorf("%s: %v", w.budget, wrong)
		}
		w.t.end()
	}
	t.Logf("%d budgets", queries)
}

// The scripts of others.
func TestPublishThatFails(t *testing.T) {
	shop, _ := cleanLife(t)
	const aborted = "Transaction is aborted due to concurrent update against table acme-shop:segments.run_lock. Transaction ID: 1"
	for _, c := range []struct {
		name            string
		times           int
		reason, message string
		want            error
		tries           int
		sees            string
	}{
		{"two others", 2, "invalidQuery", aborted, nil, 3, recorded},
		{"three others", 3, "invalidQuery", aborted, warehouse.ErrTemporary, 3, before},
		{"backend errors", 5, "backendError", "try again", nil, 6, recorded},
		{"too many backend errors", 6, "backendError", "try again", warehouse.ErrTemporary, 6, before},
		{"no permission", 9, "accessDenied", "Access Denied: Table acme-shop:segments.dated: User does not have permission", warehouse.ErrPermission, 1, before},
		{"over quota", 9, "quotaExceeded", "Quota exceeded: Your project exceeded quota for DML", warehouse.ErrBudget, 1, before},
		{"over budget", 9, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed", warehouse.ErrBudget, 1, before},
		{"counted", 9, "invalidQuery", badCount + "dated has 3 rows of this run, want 30 at [9:1]", warehouse.ErrBadData, 1, before},
		{"moved", 9, "invalidQuery", ledgerMoved + " at [3:1]", warehouse.ErrMoved, 1, before},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, shop)
			defer w.t.end()
			tries := 0
			w.fails = func(step string) (string, string) {
				if step != "publish" {
					return "", ""
				}
				if tries++; tries <= c.times {
					return c.reason, c.message
				}
				return "", ""
			}
			_, err := w.lives(t.Context())
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("error %v, want one of the kind %v", err, c.want)
			}
			if tries != c.tries {
				t.Errorf("%d tries, want %d", tries, c.tries)
			}
			w.same(t, c.sees)
			if left := w.left(); err != nil && !slices.Equal(left, []string{staging + "." + leftover}) {
				t.Errorf("staging has %s", left)
			}
		})
	}
}

// Where BigQuery gives no account of a publish any more, the ledger is asked. Where that is of no use either, the next
// run sees what has become of it.
func TestPublishWithoutAnswer(t *testing.T) {
	shop, _ := cleanLife(t)
	const ends = "jobs.get publish_a1 #1" // the job ends with this look
	unknown := []error{warehouse.ErrTemporary, call.ErrUnknown}
	for _, c := range []struct {
		name          string
		acts          bool               // the script takes effect
		looks         bigquerytest.Fault // what becomes of looking it up from then on
		ledgerAnswers bool
		want          []error
		sees          string
	}{
		{"it took effect", true, bigquerytest.TooMany, true, nil, recorded},
		{"it took effect, and looking is denied", true, bigquerytest.Denied, true, nil, recorded},
		{"it took effect, and nobody answers", true, bigquerytest.TooMany, false, unknown, after},
		{"it never arrived", false, bigquerytest.TooMany, true, unknown, before},
		{"it never arrived, and nobody answers", false, bigquerytest.TooMany, false, unknown, before},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shop)
			defer w.t.end()
			var gone atomic.Bool
			w.fault = func(key string) bigquerytest.Fault {
				switch {
				case key == ends && c.acts:
					gone.Store(true)
					return bigquerytest.LostClosed
				case strings.HasPrefix(key, "jobs.get publish_"), strings.HasPrefix(key, "jobs.insert publish_") && !c.acts:
					gone.Store(true)
					return c.looks
				case gone.Load() && !c.ledgerAnswers && strings.HasPrefix(key, "tables.get segments.run_events "):
					return bigquerytest.TooMany
				}
				return bigquerytest.NoFault
			}
			_, err := w.lives(t.Context())
			if (err == nil) != (c.want == nil) || err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v", err)
			}
			for _, want := range c.want {
				if !errors.Is(err, want) {
					t.Errorf("error %v, want one of the kind %q", err, want)
				}
			}
			w.same(t, c.sees)
			if err := w.converges(); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// What is read back is not what was written: the ledger says so, and the date may be published again.
func TestBroken(t *testing.T) {
	shop, _ := cleanLife(t)
	w := newWorld(t, shop)
	defer w.t.end()
	w.spoil = true
	_, err := w.lives(t.Context())
	if !errors.Is(err, warehouse.ErrBroken) || within(err) != "publish" || !strings.Contains(err.Error(), "dated has 0 rows of this run, want 30") {
		t.Errorf("error %v", err)
	}
	if seen := w.summary(); !strings.Contains(seen, "2024-02-28-c BROKEN, 2024-02-28-c PUBLISHED") {
		t.Errorf("readers see %s", seen)
	}
	w.spoil = false
	if err := w.generation(second, 7); err != nil {
		t.Error(err)
	}
	if seen := w.summary(); !strings.Contains(seen, "dated: 2024-02-27-b x10, 2024-02-28-c x7;") {
		t.Errorf("readers see %s", seen)
	}
}

// An ending is that of the context, when a call comes, to which something may happen too.
type ending struct {
	key   string
	fault bigquerytest.Fault
}

func (e ending) String() string { return "the end at " + e.key + ": " + e.fault.String() }

// strike makes e happen in w; it calls end.
func (e ending) strike(w *world, end func()) {
	at := func(key string) bool {
		if key == e.key {
			end()
		}
		return key == e.key
	}
	w.fault = func(key string) (f bigquerytest.Fault) {
		if at(key) {
			f = e.fault
		}
		return f
	}
	w.session = func(key string) (f bigquerytest.SessionFault) {
		f.Hang = at(key) && e.fault == bigquerytest.Hang
		return f
	}
	w.message = func(key string) (f bigquerytest.ReadFault) {
		f.Hang = at(key) && e.fault == bigquerytest.Hang
		return f
	}
}

// Whenever a run is told to end, it does: with nothing published or everything, no job at work, the lease given back, and
// staging empty. The next run does what is left to do.
func TestEndInEveryCall(t *testing.T) {
	shop, c := cleanLife(t)
	var every []ending
	for _, key := range c.calls[:c.steps["close"]] {
		for _, f := range []bigquerytest.Fault{bigquerytest.NoFault, bigquerytest.Hang, bigquerytest.LostClosed} {
			every = append(every, ending{key, f})
		}
	}
	all := drawn(t, every, 50)
	var group errgroup.Group
	group.SetLimit(atOnce)
	var published atomic.Int32
	for _, e := range all {
		group.Go(func() error {
			w := newWorld(t, shop)
			defer w.t.end()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			e.strike(w, cancel)
			start := time.Now()
			_, err := w.lives(ctx)
			if took := time.Since(start); took > 15*time.Second {
				t.Errorf("%s: took %s", e, took)
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", e, err)
			}
			if wrong := w.sees(err); wrong != nil {
				t.Errorf("%s: %v", e, wrong)
			}
			if w.summary() != before {
				published.Add(1)
			}
			if jobs := w.rest.Running(); len(jobs) > 0 {
				t.Errorf("%s: still running: %s", e, jobs)
			}
			for _, left := range w.left() {
				if left != staging+"."+leftover {
					t.Errorf("%s: after %v staging has %s", e, err, left)
				}
			}
			if err := w.converges(); err != nil {
				t.Errorf("%s: afterwards: %v", e, err)
			}
			return nil
		})
	}
	_ = group.Wait()
	t.Logf("%d of %d ends, %d of them after the publish", len(all), len(every), published.Load())
}
