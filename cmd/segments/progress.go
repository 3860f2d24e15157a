package main

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"segments/cmd/segments/terminal"
	"segments/pipeline"
)

// A phase is a part of a run as people are told of it: one or more steps of the job.
type phase struct {
	words  string
	weight float64 // about what it takes of a run
}

// phases are those of a run in order. The weights are what a run over a million customers took on two CPUs, rounded.
func phases(origins int) []phase {
	out := []phase{{"reading the sources", 15}, {"making the inputs", 20}}
	for i := range origins {
		out = append(out, phase{fmt.Sprintf("testing on the past, day %d of %d", i+1, origins), 12})
	}
	return append(out, phase{"fitting", 12}, phase{"scoring", 8}, phase{"describing the segments", 6}, phase{"auditing", 3}, phase{"publishing", 5})
}

// A progress shows how far a run is: a bar on a terminal, else a log line a step.
type progress struct {
	mu        sync.Mutex
	log       *slog.Logger
	now       func() time.Time
	step      string
	since     time.Time
	bar       *progressbar.ProgressBar // nil: there is none
	phases    []phase
	origins   int
	backtests int    // begun
	day       string // of the backtest at work
	at        int    // the phase at work
	room      int    // for words, beside the bar
}

// barSteps are the parts that a bar is divided into.
const barSteps = 1000

// startProgress begins to show a run of the configuration.
func (a *app) startProgress() *progress {
	p := &progress{log: a.logger(), now: a.now}
	if a.config != nil {
		p.origins = a.config.Validation.Origins
	}
	p.phases = phases(p.origins)
	if a.terminal && !a.quiet && a.env("TERM") != "dumb" {
		const barAndTimes = 48
		if p.room = terminal.UsualWidth - barAndTimes; a.screen != nil && a.screen() > 0 {
			p.room = max(a.screen()-barAndTimes, 0)
		}
		p.bar = progressbar.NewOptions(barSteps, progressbar.OptionSetWriter(a.err), progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(20),
			progressbar.OptionSetRenderBlankState(true))
	}
	return p
}

// onlyBacktest says that the run ends with the backtest.
func (p *progress) onlyBacktest() { p.phases = p.phases[:2+p.origins] }

// update shows u.
func (p *progress) update(u pipeline.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u.Step != p.step {
		p.end()
		p.step, p.since = u.Step, p.now()
		p.at = min(max(p.at, p.phaseOf(u.Step)), len(p.phases)-1)
	}
	if p.bar != nil {
		p.bar.Describe(terminal.Clipped(p.words(u), p.room))
		_ = p.bar.Set(p.filled(u)) // a bar that cannot be drawn changes nothing
	}
}

// phaseOf is the phase that step belongs to: where it is in none of its own, the one at work. Of a backtest the steps are
// those of a run, as of its own day.
func (p *progress) phaseOf(step string) int {
	name, day, dated := strings.Cut(step, " as of ")
	kind, _, _ := strings.Cut(name, " ")
	fitting := 2 + p.origins
	switch {
	case name == "backtest":
		p.backtests, p.day = p.backtests+1, day
		return 1 + p.backtests
	case dated && day == p.day:
		return p.at
	case dated:
		return fitting
	}
	switch kind {
	case "check", "read":
		return 0
	case "stage", "prepare":
		return 1
	case "apply":
		return fitting + 1
	case "find", "write", "profile", "test":
		return fitting + 2
	case "audit":
		return fitting + 3
	case "publish":
		return fitting + 4
	}
	return p.at
}

// filled is how much of the bar is.
func (p *progress) filled(u pipeline.Progress) int {
	var all, done float64
	for i, ph := range p.phases {
		if all += ph.weight; i < p.at {
			done += ph.weight
		}
	}
	if u.Total > 0 {
		done += p.phases[p.at].weight * min(1, float64(u.Rows)/float64(u.Total))
	}
	return int(barSteps * done / all)
}

// words say what is being done: the phase, and the rows where they are counted.
func (p *progress) words(u pipeline.Progress) string {
	s := fmt.Sprintf("step %d of %d · %s", p.at+1, len(p.phases), p.phases[p.at].words)
	if took := p.now().Sub(p.since).Seconds(); u.Total > 0 && took > 0 {
		s += fmt.Sprintf(" · %s of %s, %s a second", thousands(u.Rows), plural(u.Total, "row"), thousands(int64(float64(u.Rows)/took)))
	}
	return s
}

// end closes the step that is shown.
func (p *progress) end() {
	if p.step != "" && p.bar == nil {
		p.log.Info("step", "step", p.step, "seconds", p.now().Sub(p.since).Seconds())
	}
	p.step = ""
}

// done takes the bar away.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end()
	if p.bar != nil {
		_ = p.bar.Finish() // as in update
	}
}
