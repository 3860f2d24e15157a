// Package call makes calls to BigQuery's REST API that take effect exactly once, however often their answers are lost.
//
// A job's id follows from what the job does, so that sending it again cannot start it again; before anything is sent
// again, it is looked up. Tables are recognized by the description that their maker gave them. Every wait is bounded:
// what is still unknown then is warehouse.ErrTemporary. The other errors of package warehouse that calls wrap are
// ErrPermission, ErrNotFound and ErrBudget. Messages are one line.
package call

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"cloud.google.com/go/bigquery"
	gax "github.com/googleapis/gax-go/v2"
)

// Options say how to call. The zero value is good for production, except for the location and a budget.
type Options struct {
	Location string            // of the datasets: jobs run there; empty leaves it to BigQuery (US, EU)
	Labels   map[string]string // on every job, besides `step` and `digest`; made to fit BigQuery's rules
	Default  *bigquery.Dataset // where SQL finds tables that it names without a dataset; nil: nowhere
	Log      *slog.Logger      // nil discards

	// Attempts is how many jobs are started for one step when BigQuery says to try again, and how often in a row one
	// call may go unanswered. 0 means 6.
	Attempts int
	// Patience is how long the outcome of one step may stay unknown. A job that is known to run may take its time.
	// 0 means 15 minutes.
	Patience time.Duration
	// Timeout ends one call to the server that hangs; an upload, when it has not moved for so long. 0 means a minute.
	Timeout time.Duration
	// Budget is the most bytes that all jobs of the Client together may be billed for. 0 means no limit.
	Budget int64

	Now   func() time.Time                                 // measures patience; nil is time.Now
	Pause func(ctx context.Context, d time.Duration) error // nil sleeps; it fails when ctx ends
	Rand  func() float64                                   // in [0,1), the jitter of pauses; nil is random
}

// A Client makes calls. Its methods may be called from several goroutines.
type Client struct {
	bq *bigquery.Client
	o  Options

	oneRequest int64 // as the constants
	chunk      int

	one chan struct{} // holds the one query at work, where there is a budget

	mu     sync.Mutex
	billed map[string]int64 // bytes, by job id
}

// New returns a Client that calls through bq, which stays the caller's to close.
func New(bq *bigquery.Client, o Options) *Client {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Attempts <= 0 {
		o.Attempts = 6
	}
	if o.Patience <= 0 {
		o.Patience = 15 * time.Minute
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Pause == nil {
		o.Pause = gax.Sleep
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	return &Client{bq: bq, o: o, oneRequest: oneRequest, chunk: chunk, one: make(chan struct{}, 1), billed: map[string]int64{}}
}

// Billed returns the bytes that the Client's jobs were billed for, as far as they have ended. A job that an earlier
// process started and this one found done counts too.
func (c *Client) Billed() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum int64
	for _, bytes := range c.billed {
		sum += bytes
	}
	return sum
}

// bill notes what the job id was billed for.
func (c *Client) bill(id string, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.billed[id] = bytes
}
