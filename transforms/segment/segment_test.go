package segment

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
	"segments/transforms/rfm"
	"segments/transforms/transformstest"
)

const today = 20_000

// A person is a row of the sample. Empty strings and negative numbers stand for NULL.
type person struct {
	segment  string
	r, f     int64
	recency  int64
	web      int64
	email    int64
	previous string
	since    int64
}

// stranger is a person of whom nothing is known.
var stranger = person{recency: -1, web: -1, email: -1, since: -1}

func rows(people ...person) frame.Batch {
	n := len(people)
	asOf := make([]arrow.Date32, n)
	segment, previous := make([]string, n), make([]string, n)
	var numbers [5][]int64
	var since []arrow.Date32
	var named, before, dated []bool
	var valid [5][]bool
	for i, p := range people {
		asOf[i], segment[i], previous[i] = today, p.segment, p.previous
		named, before, dated = append(named, p.segment != ""), append(before, p.previous != ""), append(dated, p.since >= 0)
		since = append(since, arrow.Date32(p.since))
		for k, v := range []int64{p.r, p.f, p.recency, p.web, p.email} {
			numbers[k] = append(numbers[k], v)
			valid[k] = append(valid[k], v >= 0 && (k > 1 || p.segment != ""))
		}
	}
	return frame.Record(
		customer.AsOf.Array(asOf, nil), rfm.SegmentColumn.Array(segment, named),
		rfm.RScore.Array(numbers[0], valid[0]), rfm.FScore.Array(numbers[1], valid[1]),
		customer.DaysSinceLastOrder.Array(numbers[2], valid[2]),
		customer.WebEventsEver.Array(numbers[3], valid[3]), customer.EmailActionsEver.Array(numbers[4], valid[4]),
		customer.PreviousCoreSegment.Array(previous, before), customer.PreviousSince.Array(since, dated),
	)
}

func fit(t *testing.T, b frame.Batch) transforms.Model {
	t.Helper()
	m, err := New().Fit(t.Context(), frame.Of(b), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func names(m transforms.Model) []string {
	var ns []string
	for _, s := range m.Segmentations()[0].Segments {
		ns = append(ns, s.Name)
	}
	return ns
}

func TestContract(t *testing.T) {
	for _, of := range [][]string{
		{"Champions", "New", "Hibernating"},
		{"Here", "There", "Gone"}, // a map of the user's own
	} {
		var people []person
		for i := range 3000 {
			p := stranger
			switch i % 4 {
			case 0, 1:
				k := i / 4 % 3
				p = person{segment: of[k], r: int64(5 - k), f: int64(1 + i%5), recency: int64(i % 300), web: int64(i % 3), email: -1, since: -1}
			case 2:
				p.web, p.email = int64(i%3-1), int64(i%5-1)
			}
			if i%11 == 0 {
				p.previous, p.since = of[i%3], int64(today-i)
			}
			people = append(people, p)
		}
		t.Run(of[0], func(t *testing.T) { transformstest.Run(t, New(), rows(people...)) })
	}
}

func TestApply(t *testing.T) {
	as := func(change func(p *person)) person {
		p := stranger
		change(&p)
		return p
	}
	for name, c := range map[string]struct {
		person
		want  string
		since int64
	}{
		"buyer":                        {person{segment: "Loyal", r: 4, f: 4, recency: 10, web: 5, email: 5, since: -1}, "Loyal", today},
		"buyer as before":              {person{segment: "Loyal", r: 4, f: 4, recency: 10, previous: "Loyal", since: 19_000}, "Loyal", 19_000},
		"buyer who was a prospect":     {person{segment: "New", r: 5, f: 1, recency: 0, previous: "Prospect", since: 19_000}, "New", today},
		"as before, since unknown":     {person{segment: "New", r: 5, f: 1, recency: 0, previous: "New", since: -1}, "New", today},
		"buyer that cannot be scored":  {as(func(p *person) { p.recency, p.web = 3, 7 }), "", 0},
		"nothing known":                {stranger, prospect, today},
		"sources there, nothing done":  {as(func(p *person) { p.web, p.email = 0, 0 }), prospect, today},
		"web":                          {as(func(p *person) { p.web = 1 }), browser, today},
		"e-mail, no web source":        {as(func(p *person) { p.email = 1 }), browser, today},
		"e-mail, web without events":   {as(func(p *person) { p.web, p.email = 0, 2 }), browser, today},
		"a browser that stays one":     {as(func(p *person) { p.web, p.previous, p.since = 9, browser, 18_000 }), browser, 18_000},
		"a prospect that stays one":    {as(func(p *person) { p.previous, p.since = prospect, 17_000 }), prospect, 17_000},
		"cannot be scored, was before": {as(func(p *person) { p.recency, p.previous, p.since = 3, "Loyal", 17_000 }), "", 0},
	} {
		b := rows(c.person)
		out, err := fit(t, b).Apply(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		core, since := Core.Of(out), CoreSince.Of(out)
		if core.IsValid(0) != (c.want != "") || core.IsValid(0) && core.Value(0) != c.want {
			t.Errorf("%s: core segment %s, want %q", name, core.ValueStr(0), c.want)
		}
		if since.IsValid(0) != (c.want != "") || since.IsValid(0) && int64(since.Value(0)) != c.since {
			t.Errorf("%s: since %s, want day %d", name, since.ValueStr(0), c.since)
		}
	}
}

func TestDefinitions(t *testing.T) {
	buyer := func(segment string, r, f int64) person { return person{segment: segment, r: r, f: f} }
	twelve := []string{
		"Champions", "Loyal", "Potential Loyalist", "New", "Can't Lose", "At Risk", "Need Attention", "Promising",
		"About to Sleep", "Hibernating", "Browser", "Prospect",
	}
	for name, c := range map[string]struct {
		b    frame.Batch
		want []string
	}{
		"default map, whoever is there": {rows(buyer("Hibernating", 1, 1), stranger), twelve},
		"no buyers":                     {rows(stranger), twelve},
		"no rows":                       {rows(), twelve},
		"by money": {rows(buyer("Rising Star", 4, 2)), []string{
			"Champions", "Rising Star", "Loyal", "Potential Loyalist", "New Big Spender", "Can't Lose", "Need Attention", "New",
			"Lapsed Big Spender", "At Risk", "About to Sleep", "Hibernating", "Browser", "Prospect",
		}},
		"a map of the user's own, best first": {
			rows(buyer("B", 5, 5), buyer("B", 1, 1), buyer("A", 1, 2), buyer("Champions", 5, 4), buyer("C", 3, 3)),
			[]string{"Champions", "B", "C", "A", "Browser", "Prospect"},
		},
	} {
		m := fit(t, c.b)
		if got := names(m); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		for _, s := range m.Segmentations()[0].Segments {
			if !strings.HasSuffix(s.Rule, ".") {
				t.Errorf("%s: rule of %s: %q", name, s.Name, s.Rule)
			}
		}
	}
	if r := fit(t, rows(stranger)).Report(); r.Status != "no_buyers" {
		t.Errorf("status without buyers: %s", r.Status)
	}
	if _, err := New().Load([]byte(`{}`)); err == nil {
		t.Error("Load took a model without segments")
	}
}
