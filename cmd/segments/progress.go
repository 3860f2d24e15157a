package main

import (
	"log/slog"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"segments/pipeline"
)

// A progress shows how far a run is: a bar on a terminal, else a log line a step.
type progress struct {
	mu    sync.Mutex
	bar   *progressbar.ProgressBar
	log   *slog.Logger
	step  string
	since time.Time
	now   func() time.Time
	show  func(step string, total int64) *progressbar.ProgressBar
}

func (a *app) startProgress() *progress {
	p := &progress{log: a.logger(), now: a.now}
	if a.terminal {
		p.show = func(step string, total int64) *progressbar.ProgressBar {
			if total == 0 {
				total = -1
			}
			return progressbar.NewOptions64(total, progressbar.OptionSetWriter(a.err), progressbar.OptionSetDescription(step),
				progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("rows"),
				progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionFullWidth())
		}
	}
	return p
}

func (p *progress) update(u pipeline.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u.Step != p.step {
		p.end()
		p.step, p.since = u.Step, p.now()
		if p.show != nil {
			p.bar = p.show(u.Step, u.Total)
		}
	}
	if p.bar != nil {
		_ = p.bar.Set64(u.Rows) // a bar that cannot be drawn changes nothing
	}
}

// end closes the step that is shown.
func (p *progress) end() {
	switch {
	case p.step == "":
	case p.bar != nil:
		_ = p.bar.Finish() // a bar that cannot be drawn changes nothing
	case p.show == nil:
		p.log.Info("step", "step", p.step, "seconds", p.now().Sub(p.since).Seconds())
	}
	p.bar, p.step = nil, ""
}

func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end()
}
