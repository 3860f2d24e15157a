package main

import (
	"strings"
	"testing"
	"time"

	"segments/pipeline"
)

// The phases of a run follow one another to the last, whatever its steps are called, and the bar never goes back.
func TestPhases(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, "\ntransforms: {cluster: {k: 4}}\nvalidation: {origins: 2}\n")
	a := &app{out: &strings.Builder{}, err: &strings.Builder{}, alarm: &strings.Builder{}, now: func() time.Time { return s.now }, configFile: s.config(), format: "table"}
	j, _, err := a.open(t.Context(), false)
	check(t, err)
	defer func() { check(t, j.Warehouse.Close()) }()
	p := a.startProgress()
	var seen []string
	filled := 0
	j.Progress = func(u pipeline.Progress) {
		p.update(u)
		if words, _, _ := strings.Cut(p.words(u), " · "); len(seen) == 0 || seen[len(seen)-1] != words {
			seen = append(seen, words)
		}
		if now := p.filled(u); now < filled || now > barSteps {
			t.Errorf("%s: %d of %d after %d", u.Step, now, barSteps, filled)
		} else {
			filled = now
		}
	}
	_, err = j.Run(t.Context(), pipeline.Options{AsOf: lastDay})
	check(t, err)
	p.done()
	want := "step 1 of 9, step 2 of 9, step 3 of 9, step 4 of 9, step 5 of 9, step 6 of 9, step 7 of 9, step 8 of 9, step 9 of 9"
	if got := strings.Join(seen, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// On a terminal there is a bar; not on a dumb one, nor where it is to be quiet. Colors are for terminals that want them.
func TestTerminal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		terminal   bool
		quiet      bool
		env        map[string]string
		bar, color bool
	}{
		{name: "terminal", terminal: true, bar: true, color: true},
		{name: "no terminal"},
		{name: "dumb", terminal: true, env: map[string]string{"TERM": "dumb"}},
		{name: "no color", terminal: true, env: map[string]string{"NO_COLOR": "1"}, bar: true},
		{name: "quiet", terminal: true, quiet: true, color: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var err strings.Builder
			now := lastDay
			a := &app{
				err: &err, alarm: &err, terminal: tc.terminal, quiet: tc.quiet, getenv: func(name string) string { return tc.env[name] },
				now: func() time.Time { return now }, screen: func() int { return 60 },
			}
			p := a.startProgress()
			p.update(pipeline.Progress{Step: "check orders"})
			now = now.Add(2 * time.Second)
			p.update(pipeline.Progress{Step: "apply", Rows: 1000, Total: 4000})
			p.update(pipeline.Progress{Step: "apply", Rows: 2000, Total: 4000})
			if got := p.bar != nil; got != tc.bar || strings.Contains(err.String(), "%") != tc.bar {
				t.Errorf("bar %t: %q", got, err.String())
			}
			for line := range strings.SplitSeq(err.String(), "\r") {
				if tc.bar && len([]rune(line)) > 60 {
					t.Errorf("%d characters on a terminal of 60: %q", len([]rune(line)), line)
				}
			}
			p.done()
			if got := a.mark(markBad) != markBad; got != tc.color {
				t.Errorf("color %t", got)
			}
			if got := a.marked("✓ done"); strings.Contains(got, "\x1b") != tc.color || !strings.HasSuffix(got, " done") {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestMeasured(t *testing.T) {
	for _, tc := range []struct {
		v          any
		unit, want string
	}{
		{nil, "days", ""},
		{int64(1), "orders", "1 order"},
		{int64(1234), "orders", "1,234 orders"},
		{0.47, "share", "47 %"},
		{0.013, "probability", "1.3 %"},
		{1234567.891, "money", "1,234,567.89"},
		{-0.5, "money", "-0.50"},
		{-0.001, "money", "0.00"},
		{12.5, "money an order", "12.50 an order"},
		{15.349, "days", "15.3 days"},
		{0.05461, "orders", "0.0546 orders"},
		{true, "", "yes"},
		{"2026-10-31T00:00:00Z", "", "2026-10-31"},
		{"x", "", "x"},
	} {
		if got := measured(tc.v, tc.unit); got != tc.want {
			t.Errorf("%v %s: %q, want %q", tc.v, tc.unit, got, tc.want)
		}
	}
}
