package pipeline_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"segments/pipeline"
	"segments/pipeline/config"
	"segments/pipeline/demo"
	"segments/pipeline/steps"
	"segments/pipeline/validation"
	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/duckdb"
	"segments/sql"
	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// asOf is the day of the demo.
var asOf = time.Date(2026, time.October, 31, 0, 0, 0, 0, time.UTC)

const horizon = 90

// aShop writes a made-up company into a folder.
func aShop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := demo.Write(dir, demo.Options{Customers: 2000, AsOf: asOf}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestBacktests makes a company and holds the job on it against what came; the parts ask what that says, and the last of them changes
// the company.
func TestBacktests(t *testing.T) {
	dir := aShop(t)
	plain := validate(t, dir)
	t.Run("segmentations are judged", func(t *testing.T) { segmentationsAreJudged(t, dir, plain) })
	t.Run("shuffled labels are rejected", func(t *testing.T) { shuffledLabels(t, plain.Backtests) })
	t.Run("the future is not seen", func(t *testing.T) { backtestsDoNotSeeTheFuture(t, dir, plain.Backtests) })
}

// validate holds the job on the company in dir against what came, with further steps.
func validate(t *testing.T, dir string, more ...pipeline.Step) *pipeline.Result {
	t.Helper()
	return validateOn(t, dir, nil, more...)
}

// validateOn is validate where customers have a plan, an SQL expression over the columns of customers.csv.
func validateOn(t *testing.T, dir string, plan []string, more ...pipeline.Step) *pipeline.Result {
	t.Helper()
	c, err := config.Read(filepath.Join(dir, "segments.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	silent := slog.New(slog.DiscardHandler)
	now := func() time.Time { return asOf.AddDate(0, 0, 1) }
	w, err := duckdb.Open(t.Context(), warehouse.Env{Now: now, Log: silent}, func(into any) error {
		into.(*duckdb.Config).Path = filepath.Join(t.TempDir(), "shop.duckdb")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	sources := c.SQLSources()
	if plan != nil {
		who := slices.IndexFunc(sources, func(s sql.Source) bool { return s.Name == "customers" })
		sources[who].Columns["plan"] = "CASE WHEN id IN ('" + strings.Join(plan, "', '") + "') THEN 'will buy' ELSE 'none' END"
	}
	f := steps.Forecast()
	j := &pipeline.Job{
		Name: "shop", Location: time.UTC, Warehouse: w, Sources: sources, Steps: append(steps.All(), more...), Forecast: &f,
		CoreSegment: steps.CoreSegment(), HorizonDays: horizon, Horizons: []int{30}, Origins: 2, MaxSegments: 12, Gate: validation.DefaultGate(),
		MaxRejected: 1, MaxAnonymous: 1, MinGroup: 20, Now: now, Log: silent,
	}
	res, err := j.Run(t.Context(), pipeline.Options{AsOf: asOf, ValidateOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Backtests) != 2 {
		t.Fatalf("%d origins, want 2", len(res.Backtests))
	}
	return res
}

// A labeler is a step that puts customers into groups by one text that is known of them.
type labeler struct {
	column frame.Column
	groups []string // best first
	from   string   // a customer feature
	of     func(text string) string
}

func (l labeler) Signature() (transforms.Signature, error) {
	in, _ := customer.Features.Column(l.from)
	return transforms.Signature{Inputs: []frame.Column{in}, Outputs: []frame.Column{l.column}}, nil
}

func (l labeler) Fit(context.Context, frame.Batches, transforms.Model) (transforms.Model, error) {
	return l, nil
}
func (l labeler) Load(json.RawMessage) (transforms.Model, error) { return l, nil }
func (l labeler) MarshalJSON() ([]byte, error)                   { return []byte("{}"), nil }
func (l labeler) Learned() []frame.Batch                         { return nil }
func (l labeler) Report() transforms.Report                      { return transforms.Report{Status: "ok"} }

func (l labeler) Apply(_ context.Context, b frame.Batch) (frame.Batch, error) {
	texts, out := frame.String(l.from, "").Of(b), make([]string, b.NumRows())
	for i := range out {
		out[i] = l.of(texts.Value(i)) // empty where it is NULL
	}
	return frame.Record(frame.String(l.column.Name, l.column.Doc).Array(out, nil)), nil
}

func (l labeler) Segmentations() []transforms.Segmentation {
	s := transforms.Segmentation{Name: l.column.Name, Doc: l.column.Doc}
	for _, g := range l.groups {
		s.Segments = append(s.Segments, transforms.Segment{Name: g, Rule: g})
	}
	return []transforms.Segmentation{s}
}

func (l labeler) step() pipeline.Step {
	return pipeline.Step{Name: l.column.Name, Estimator: l, Wide: []frame.Column{l.column}}
}

// lots are groups drawn by lot.
var lots = labeler{
	column: frame.String("lots", "A group drawn by lot.").Column, groups: []string{"a", "b", "c", "d"}, from: customer.ID.Name,
	of: func(id string) string {
		h := fnv.New32a()
		fmt.Fprintf(h, "%s drawn", id)
		return "abcd"[h.Sum32()%4:][:1]
	},
}

// buyers are the customers who will convert after the newest origin.
func buyers(t *testing.T, dir string) []string {
	t.Helper()
	since := asOf.AddDate(0, 0, -horizon).Format(time.DateOnly)
	var out []string
	rows := table(t, filepath.Join(dir, "conversions.csv"))
	user, at := slices.Index(rows[0], "user"), slices.Index(rows[0], "ts")
	for _, r := range rows[1:] {
		if r[at][:len(since)] > since && !slices.Contains(out, r[user]) {
			out = append(out, r[user])
		}
	}
	return out
}

// tariff is a segmentation of those who will buy and those who will not.
func tariff(from string, of func(text string) bool) labeler {
	return labeler{
		column: frame.String("tariff", "The tariff.").Column, groups: []string{"will buy", "none"}, from: from,
		of: func(text string) string {
			if of(text) {
				return "will buy"
			}
			return "none"
		},
	}
}

func table(t *testing.T, file string) [][]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// without are the backtests without what they say of some segmentations.
func without(bs []pipeline.Backtest, names ...string) []pipeline.Backtest {
	strip := func(s pipeline.SegmentationResult) bool { return slices.Contains(names, s.Segmentation) }
	out := slices.Clone(bs)
	for i := range out {
		out[i].Segmentations = slices.DeleteFunc(slices.Clone(out[i].Segmentations), strip)
		out[i].Shorter = slices.DeleteFunc(slices.Clone(out[i].Shorter), strip)
	}
	return out
}

// states are how the check called name went, by subject.
func states(res *pipeline.Result, name string) map[string]pipeline.CheckState {
	out := map[string]pipeline.CheckState{}
	for _, c := range res.Checks {
		if c.Name == name {
			out[c.Subject] = c.State
		}
	}
	return out
}

// Of the demo's eight segmentations each tells who converts. One that is drawn by lot is named, and only that one. What is
// known only today, such as a plan that a salesman set when somebody had bought, is not evaluated, and changes nothing else;
// known at the origin it would tell everything.
func segmentationsAreJudged(t *testing.T, dir string, plain *pipeline.Result) {
	bought := buyers(t, dir)
	if got := states(plain, "segmentation"); len(got) != 8 {
		t.Errorf("the demo has the segmentations %v", got)
	}
	current := tariff(customer.Plan.Name, func(plan string) bool { return plan == "will buy" })
	res := validateOn(t, dir, bought, lots.step(), current.step())
	for name, state := range states(res, "segmentation") {
		want := map[string]pipeline.CheckState{"lots": pipeline.Warned, "tariff": pipeline.NotEvaluated}[name]
		if want == "" {
			want = pipeline.Passed
		}
		if state != want {
			t.Errorf("%s: %s, want %s", name, state, want)
		}
	}
	if got := without(res.Backtests, "lots", "tariff"); !reflect.DeepEqual(got, plain.Backtests) {
		t.Error("further segmentations, or the plan, change what is found of the others")
	}
	for _, s := range slices.Concat(res.Backtests[0].Segmentations, res.Backtests[0].Shorter) {
		if s.Segmentation == "tariff" && (!s.Current || s.Customers != 0 || s.AUC != nil || s.Finding.Verdict != validation.NotEvaluated) {
			t.Errorf("the plan of today was held against what came: %+v", s)
		}
	}
	early := tariff(customer.ID.Name, func(id string) bool { return slices.Contains(bought, id) })
	for _, s := range validate(t, dir, early.step()).Backtests[0].Segmentations {
		if s.Segmentation == "tariff" && s.Kind == "any" && !(s.AUC.Value > .95) {
			t.Errorf("known at the origin, the plan has an AUC of %v: the test plants nothing", s.AUC)
		}
	}
}

// What happens after an origin decides who converted, and nothing else: who is in which segment, how segments are ordered and
// what is forecast are the same without it, to the bit.
func backtestsDoNotSeeTheFuture(t *testing.T, dir string, before []pipeline.Backtest) {
	plant(t, dir, asOf.AddDate(0, 0, 1-horizon))
	after := validate(t, dir).Backtests
	if reflect.DeepEqual(converted(after[0]), converted(before[0])) {
		t.Error("nobody more has converted: the test plants nothing")
	}
	if got, want := known(after[0]), known(before[0]); got != want {
		t.Errorf("the newest origin knows what came after it:\n%s\nand without it\n%s", got, want)
	}
	if !reflect.DeepEqual(after[1], before[1]) {
		t.Error("the origin before, whose horizon had ended, is another one")
	}
}

// plant adds orders, visits, e-mails and conversions of every tenth customer from the day first on.
func plant(t *testing.T, dir string, first time.Time) {
	t.Helper()
	rows := table(t, filepath.Join(dir, "customers.csv"))
	id := slices.Index(rows[0], "id")
	for file, values := range map[string]map[string]string{
		"orders.csv":       {"invoice": "planted %d", "customer": "%s", "date": "%s", "total": "900"},
		"web_events.csv":   {"user_id": "%s", "ts": "%s", "name": "product_view", "session": "planted %d"},
		"email_events.csv": {"user_id": "%s", "ts": "%s", "kind": "click", "campaign": "planted"},
		"conversions.csv":  {"id": "planted %d", "user": "%s", "ts": "%s", "kind": "order", "value": "900"},
	} {
		name := filepath.Join(dir, file)
		header := table(t, name)[0]
		f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		w := csv.NewWriter(f)
		for i, r := range rows[1:] {
			if i%10 > 0 {
				continue
			}
			line := make([]string, len(header))
			for k, column := range header {
				v := values[column]
				switch {
				case strings.HasSuffix(v, "%d"):
					v = fmt.Sprintf(v, i)
				case column == "date" || column == "ts":
					v = first.AddDate(0, 0, i%60).Format(time.DateOnly) + " 10:00:00"
				case v == "%s":
					v = r[id]
				}
				line[k] = v
			}
			if err := w.Write(line); err != nil {
				t.Fatal(err)
			}
		}
		w.Flush()
		if err := f.Close(); w.Error() != nil || err != nil {
			t.Fatal(w.Error(), err)
		}
	}
}

// known is all that a backtest knew on its origin's day, in words.
func known(b pipeline.Backtest) string {
	var out strings.Builder
	for _, s := range b.Segmentations {
		fmt.Fprintln(&out, s.Kind, s.Segmentation, s.Order, s.Customers)
		for _, g := range s.Segments {
			fmt.Fprintln(&out, g.Segment, g.Customers)
		}
	}
	for _, f := range b.Forecasts {
		fmt.Fprintln(&out, f.Model, f.Orders.Customers, f.Orders.Predicted, f.Value.Predicted)
		for _, bin := range f.Orders.Bins {
			fmt.Fprintln(&out, bin.Customers, bin.Predicted)
		}
	}
	return out.String()
}

// converted are the converters by segment.
func converted(b pipeline.Backtest) []int64 {
	var out []int64
	for _, s := range b.Segmentations {
		for _, g := range s.Segments {
			out = append(out, g.Converters)
		}
	}
	return out
}
