package call

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// The pauses before another try: a share of the longest, at random, which doubles ("full jitter": M. Brooker,
// "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
const (
	firstPause = 200 * time.Millisecond
	mostPause  = 20 * time.Second
)

// backoff waits before the try number n, counted from 1.
func (c *Client) backoff(ctx context.Context, n int) error {
	return c.o.Pause(ctx, c.pause(n))
}

func (c *Client) pause(n int) time.Duration {
	return time.Duration(c.o.Rand() * float64(min(firstPause<<min(n-1, 10), mostPause)))
}

// patience bounds how often and how long the outcome of one step goes unknown.
type patience struct {
	c     *Client
	what  string
	since time.Time // when the outcome was last known
	tries int       // that have failed since
}

func (c *Client) patience(what string) *patience {
	return &patience{c: c, what: what, since: c.o.Now()}
}

// known says that the outcome is known for now: the job is there, and runs.
func (p *patience) known() { p.since, p.tries = p.c.o.Now(), 0 }

// again pauses before another try, err being what became of this one. It fails where that has been enough.
func (p *patience) again(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ended(ctx, p.what)
	}
	p.tries++
	d := p.c.pause(p.tries)
	took := p.c.o.Now().Sub(p.since)
	if p.tries >= p.c.o.Attempts || took+d > p.c.o.Patience {
		return temporary(p.what, fmt.Sprintf("no answer to %d calls in %s", p.tries, took.Round(time.Second)), err)
	}
	p.c.o.Log.LogAttrs(ctx, slog.LevelWarn, "calling BigQuery again", slog.String("for", p.what), slog.Int("try", p.tries+1),
		slog.Duration("pause", d), slog.String("error", line(faultOf(err).message)))
	if p.c.o.Pause(ctx, d) != nil {
		return ended(ctx, p.what)
	}
	return nil
}

// exchange makes one call, which ends after Options.Timeout. That covers the tries which the client library makes for
// itself: it repeats what failed with 5xx, a rate limit or a reset connection for as long as its context lives.
func (c *Client) exchange(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	return f(ctx)
}

// repeat makes a call that may be made any number of times until it is answered.
func (c *Client) repeat(ctx context.Context, what string, f func(context.Context) error) error {
	for p := c.patience(what); ; {
		err := c.exchange(ctx, f)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ended(ctx, what)
		case !lost(err):
			return explain(what, err)
		}
		if err := p.again(ctx, err); err != nil {
			return err
		}
	}
}

// outlive returns a context that ends so long after ctx.
func outlive(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		late := time.AfterFunc(by, cancel)
		context.AfterFunc(out, func() { late.Stop() })
	})
	return out, func() {
		stop()
		cancel()
	}
}
