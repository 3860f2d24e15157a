package bigquery

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/bigquerytest"
)

// A fault is something that goes wrong once, and passes.
type fault struct {
	name    string
	rest    bigquerytest.Fault
	session bigquerytest.SessionFault
	message bigquerytest.ReadFault
	fails   error // what a life may end with all the same
}

// faultsOf are those of the call with a key.
func faultsOf(key string) (out []fault) {
	grpcError := func(code codes.Code) error { return status.Error(code, "not now") }
	switch {
	case strings.HasPrefix(key, "session "):
		out = []fault{
			{name: "UNAVAILABLE", session: bigquerytest.SessionFault{Error: grpcError(codes.Unavailable)}},
			{name: "RESOURCE_EXHAUSTED", session: bigquerytest.SessionFault{Error: grpcError(codes.ResourceExhausted)}},
			{name: "INTERNAL", session: bigquerytest.SessionFault{Error: grpcError(codes.Internal)}},
			{name: "no answer", session: bigquerytest.SessionFault{Hang: true}},
			{name: "no streams", session: bigquerytest.SessionFault{NoStreams: true}},
		}
	case strings.HasPrefix(key, "rows "), strings.HasPrefix(key, "end of rows "):
		out = []fault{
			{name: "UNAVAILABLE", message: bigquerytest.ReadFault{Error: grpcError(codes.Unavailable)}},
			{name: "RESOURCE_EXHAUSTED", message: bigquerytest.ReadFault{Error: grpcError(codes.ResourceExhausted)}},
			{name: "INTERNAL", message: bigquerytest.ReadFault{Error: grpcError(codes.Internal)}},
			{name: "connection cut", message: bigquerytest.ReadFault{Reset: true}},
			{name: "no answer", message: bigquerytest.ReadFault{Hang: true}},
		}
		if strings.HasPrefix(key, "rows ") {
			out = append(out,
				fault{name: "half a message", message: bigquerytest.ReadFault{Bytes: 100}},
				fault{name: "wrong number of rows", message: bigquerytest.ReadFault{Rows: 7}},
				fault{name: "rows kept back", message: bigquerytest.ReadFault{End: true}, fails: warehouse.ErrBadData},
			)
		}
	default:
		for _, f := range bigquerytest.Passing() {
			out = append(out, fault{name: f.String(), rest: f})
		}
	}
	return out
}

// A mishap is a fault of the call with the key; then, if there is a second one, of the next call that comes.
type mishap struct {
	key    string
	fault  fault
	second *fault
}

func (m mishap) String() string {
	s := m.key + ": " + m.fault.name
	if m.second != nil {
		s += ", then " + m.second.name
	}
	return s
}

// strike makes m happen in w.
func (m mishap) strike(w *world) {
	var mu sync.Mutex
	struck, again := false, false
	w.fault = func(key string) bigquerytest.Fault {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case key == m.key:
			struck = true
			return m.fault.rest
		case struck && !again && m.second != nil:
			again = true
			return m.second.rest
		}
		return bigquerytest.NoFault
	}
	w.session = func(key string) (f bigquerytest.SessionFault) {
		if key == m.key {
			f = m.fault.session
		}
		return f
	}
	w.message = func(key string) (f bigquerytest.ReadFault) {
		if key == m.key {
			f = m.fault.message
		}
		return f
	}
}

// try lives through m in a world like shop, and says what is not as in a clean life.
func (m mishap) try(t testing.TB, shop *world, want clean) error {
	w := newWorld(t, shop)
	defer w.t.end()
	m.strike(w)
	got, err := w.lives(t.Context())
	var wrong []string
	is := func(what string, same bool, got any) {
		if !same {
			wrong = append(wrong, fmt.Sprintf("%s: %v", what, got))
		}
	}
	if err != nil && m.fault.fails != nil {
		is("the error", errors.Is(err, m.fault.fails), err)
		is("readers see", slices.Contains([]string{before, after, recorded}, w.summary()), w.summary())
		is("staging has", slices.Equal(slices.DeleteFunc(w.left(), func(name string) bool { return name == staging+"."+leftover }), nil), w.left())
	} else {
		is("error", err == nil, err)
		is("took effect", slices.Equal(got.effects, want.effects), difference(got.effects, want.effects))
		is("read", slices.Equal(got.read, want.read), difference(got.read, want.read))
		is("billed", got.billed == want.billed, got.billed)
		is("readers see", w.summary() == recorded, w.summary())
		is("staging has", len(w.left()) == 0, w.left())
		for _, said := range w.warns {
			is("logged", said == "calling BigQuery again" || said == "reading again", said)
		}
	}
	if wrong != nil {
		return fmt.Errorf("%s; calls: %s", strings.Join(wrong, "; "), strings.Join(got.calls, ", "))
	}
	return nil
}

// difference says what got has more and less than want.
func difference(got, want []string) []string {
	n := map[string]int{}
	for _, s := range got {
		n[s]++
	}
	for _, s := range want {
		n[s]--
	}
	var out []string
	for s, n := range n {
		if n != 0 {
			out = append(out, fmt.Sprintf("%s %+d", s, n))
		}
	}
	slices.Sort(out)
	return out
}

// Whatever happens once to any one message of a run, the run succeeds and everything has been done once. And so it is when
// a second thing happens to the message that follows, while the run publishes.
//
// All mishaps are tried where CI=true, else a share of them. SEGMENTS_SEED=n draws the share again, SEGMENTS_MISHAP=text tries
// those alone whose name has the text.
func TestEveryMishapOfARun(t *testing.T) {
	shop := newShop(t)
	if got := shop.summary(); got != before {
		t.Fatalf("at first readers see %s", got)
	}
	w := newWorld(t, shop)
	want, err := w.lives(t.Context())
	w.t.end()
	if err != nil {
		t.Fatalf("nothing goes wrong, and yet: %v", err)
	}
	if got := w.summary(); got != recorded {
		t.Fatalf("readers see %s", got)
	}
	if left := w.left(); len(left) > 0 {
		t.Fatalf("staging has %s", left)
	}
	every := mishaps(want)
	all := drawn(t, every, 100)
	table := newTable()
	start := time.Now()
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, m := range all {
		group.Go(func() error {
			err := m.try(t, shop, want)
			table.add(m, err)
			if err != nil {
				t.Errorf("SEGMENTS_MISHAP='%s': %v", m, err)
			}
			return nil
		})
	}
	_ = group.Wait()
	t.Logf("%d calls; %d of %d mishaps in %s\n%s", len(want.calls), len(all), len(every), time.Since(start).Round(time.Second), table)
}

// mishaps are all that can happen to the calls of a clean life once, and twice while it publishes.
func mishaps(c clean) (out []mishap) {
	for i, key := range c.calls {
		faults := faultsOf(key)
		for _, f := range faults {
			out = append(out, mishap{key: key, fault: f})
			if i < c.steps["publish"] || i >= c.steps["query"] {
				continue
			}
			for _, second := range faults {
				out = append(out, mishap{key, f, &second})
			}
		}
	}
	return out
}

// drawn returns n of all, or all of them, as the environment says.
func drawn[T fmt.Stringer](t *testing.T, all []T, n int) []T {
	t.Helper()
	all = slices.Clone(all)
	if name := os.Getenv("SEGMENTS_MISHAP"); name != "" {
		return slices.DeleteFunc(all, func(m T) bool { return !strings.Contains(m.String(), name) })
	}
	if os.Getenv("CI") == "true" || len(all) <= n {
		return all
	}
	seed := rand.Uint64()
	if s := os.Getenv("SEGMENTS_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SEGMENTS_SEED=%d draws %d of %d; CI=true takes all", seed, n, len(all))
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:n]
}

// A tally counts mishaps by kind of call and fault.
type tally struct {
	mu                sync.Mutex
	rows, columns     []string
	tried, violations map[[2]string]int
}

func newTable() *tally { return &tally{tried: map[[2]string]int{}, violations: map[[2]string]int{}} }

func (y *tally) add(m mishap, err error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	kind, name := strings.Fields(m.key)[0], m.fault.name
	if kind == "end" {
		kind = "end of rows"
	}
	if m.second != nil {
		kind += ", and the next"
	}
	at := [2]string{kind, name}
	if y.tried[at]++; err != nil {
		y.violations[at]++
	}
	for _, s := range []struct {
		in   *[]string
		what string
	}{{&y.rows, kind}, {&y.columns, name}} {
		if !slices.Contains(*s.in, s.what) {
			*s.in = append(*s.in, s.what)
		}
	}
}

// String is the table: how many were tried of which how many went wrong.
func (y *tally) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', tabwriter.Debug)
	slices.Sort(y.rows)
	slices.Sort(y.columns)
	fmt.Fprintln(w, "call\t"+strings.Join(y.columns, "\t")+"\tall\tviolations")
	for _, row := range y.rows {
		fmt.Fprint(w, row)
		sum, wrong := 0, 0
		for _, column := range y.columns {
			at := [2]string{row, column}
			sum, wrong = sum+y.tried[at], wrong+y.violations[at]
			if y.tried[at] == 0 {
				fmt.Fprint(w, "\t")
				continue
			}
			fmt.Fprintf(w, "\t%d", y.tried[at])
		}
		fmt.Fprintf(w, "\t%d\t%d\n", sum, wrong)
	}
	_ = w.Flush()
	return b.String()
}
