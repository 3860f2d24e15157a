package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"segments/pipeline/demo"
)

// A tuned is a row of what tune lists.
type tuned struct {
	Parameter, Segmentation, Now, Proposed, Verdict, Reason string
	Movers                                                  *int64
	AUCNow                                                  *float64 `json:"auc_now"`
	AUCThen                                                 *float64 `json:"auc_then"`
	Gain                                                    *float64
	GainLow                                                 *float64 `json:"gain_low"`
}

func (s shop) tune(args ...string) (all map[string]tuned, out string) {
	s.Helper()
	out, _ = s.segments(exitOK, append([]string{"tune", "--as-of", day(0), "-o", "json"}, args...)...)
	var rows []tuned
	check(s, json.Unmarshal([]byte(out), &rows))
	all = map[string]tuned{}
	for _, r := range rows {
		all[r.Parameter] = r
	}
	return all, out
}

// Thresholds far off are found and proposed; what is proposed can be put into the configuration, and then nothing is left to
// propose of them.
func TestTuneFindsWhatIsFarOff(t *testing.T) {
	t.Parallel()
	data, _ := company(t, demo.Options{Customers: 8000, Seed: 5})
	s := newShop(t, data, "\n"+farOff)
	first, out := s.tune("--out", filepath.Join(s.dir, "suggestion.yaml"))
	for _, name := range []string{"rfm.recency_cuts", "behavior.engagement_medium_sessions"} {
		p := first[name]
		if p.Verdict != "better" || p.GainLow == nil || *p.GainLow <= 0 || *p.AUCThen <= *p.AUCNow || *p.Movers == 0 {
			t.Errorf("%s: %+v, want something better", name, p)
		}
	}
	if p := first["rfm.monetary_cuts"]; p.Verdict != "no proposal" || !strings.Contains(p.Reason, "no value that was tried puts anybody") {
		t.Errorf("monetary cuts, which this segment map does not look at: %+v", p)
	}
	suggestion, err := os.ReadFile(filepath.Join(s.dir, "suggestion.yaml"))
	check(t, err)
	says(t, string(suggestion), "    recency_cuts: "+first["rfm.recency_cuts"].Proposed, "was [1, 2, 3, 400]", "moved cut")
	for _, p := range first {
		if p.Verdict != "better" && strings.Contains(string(suggestion), "    "+strings.TrimPrefix(p.Parameter, "rfm.")+":") {
			t.Errorf("%s is proposed, though %s", p.Parameter, p.Verdict)
		}
	}

	s.edit("threads: 1", "threads: 2")
	if _, again := s.tune(); again != out {
		t.Errorf("with two threads:\n%s\nwith one:\n%s", again, out)
	}

	s.edit(farOff, string(suggestion))
	s.segments(exitOK, "check")
	second, _ := s.tune()
	for _, name := range []string{"rfm.recency_cuts", "behavior.engagement_medium_sessions"} {
		p, now := first[name], second[name]
		if now.Now != p.Proposed || now.Verdict == "better" && *now.Gain > *p.Gain/4 {
			t.Errorf("%s was adopted, and next comes %+v", name, now)
		}
	}
	s.publish(0)
}

const farOff = "transforms: {cluster: {k: 4}, rfm: {recency_cuts: [1, 2, 3, 400]}, behavior: {engagement_medium_sessions: 1000}}\n"

// Tune changes nothing of what is published, and the cuts in force are those that were published.
func TestTuneChangesNothing(t *testing.T) {
	t.Parallel()
	data, _ := company(t, demo.Options{Customers: 4000, Seed: 3, Dirt: true})
	s := newShop(t, data, quick)
	s.publish(0)
	before := s.image()
	all, _ := s.tune()
	same(t, "after tune", s.image(), before)
	want := s.row(`SELECT '[' || string_agg(CAST(CAST(up_to AS INT) AS VARCHAR), ', ' ORDER BY up_to) || ']' FROM rfm_cuts
		WHERE measure = 'recency' AND up_to IS NOT NULL`)
	if got := all["rfm.recency_cuts"].Now; got != want {
		t.Errorf("the cuts in force are %s, tune says %s", want, got)
	}
}

// Whatever the configuration, the customers that stand for the cells are where the customers are: tune fails otherwise.
func TestTuneOfEveryMap(t *testing.T) {
	t.Parallel()
	data, _ := company(t, demo.Options{Customers: 4000, Seed: 3, Dirt: true})
	for name, c := range map[string]struct{ more, verdict, reason string }{
		"money too":    {"rfm: {map: rfxm, frequency_bands: [1, 3, 4, 7, 9]}", "", ""},
		"a window":     {"rfm: {map: rxfm, window: 120d, refresh: always}, behavior: {hot_lead_views: 7, engagement_medium_opens: 2}", "", ""},
		"of quantiles": {"rfm: {cuts: quantile}", "not evaluated", "with cuts: quantile the scores have no cuts of their own"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, data, "\ntransforms: {cluster: {k: 4}, "+c.more+"}\n")
			all, _ := s.tune()
			if len(all) < 12 {
				t.Errorf("%d parameters, want 12", len(all))
			}
			for name, p := range all {
				switch {
				case strings.HasPrefix(name, "rfm.") && c.verdict != "":
					if p.Verdict != c.verdict || p.Reason != c.reason || p.AUCNow != nil {
						t.Errorf("%s: %+v", name, p)
					}
				case p.AUCNow == nil:
					t.Errorf("%s has no AUC: %+v", name, p)
				}
			}
		})
	}
}
