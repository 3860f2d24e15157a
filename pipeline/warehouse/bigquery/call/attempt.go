package call

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/bigquery"

	"segments/pipeline/warehouse"
)

// ErrUnknown is wrapped, with ErrTemporary, the error of the context, or that of looking the job up, where a job may have
// taken effect, or may yet.
var ErrUnknown = errors.New("whether it took effect is not known")

const (
	firstPoll = 50 * time.Millisecond
	mostPoll  = 2 * time.Second

	grace = 5 * time.Second // for the answer to a job just sent, and once more for canceling it, when the context has ended
)

// A result is how a job ended.
type result struct {
	status *bigquery.JobStatus
	ours   bool // this call started it, as far as it knows
}

// attempt runs the job id, unless it has been run, and waits for its end.
func (c *Client) attempt(ctx context.Context, w work, id string, p *patience) (result, error) {
	job, ours, err := c.start(ctx, w, id, p)
	var status *bigquery.JobStatus
	there := err == nil
	if there {
		status, err = c.wait(ctx, w, job, p)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return c.abandon(ctx, w, id)
	case err != nil && (there || ours) || errors.Is(err, warehouse.ErrTemporary):
		return result{}, fmt.Errorf("%w; %w", err, ErrUnknown)
	}
	return result{status, ours}, err
}

// start sees to it that the job id is there: sends it, and looks it up before sending it again. ours is false where the
// first answer was that the job is there already.
func (c *Client) start(ctx context.Context, w work, id string, p *patience) (job *bigquery.Job, ours bool, err error) {
	send, taken := true, false
	for {
		if send {
			job, err = w.submit(ctx, id)
		} else {
			job, err = c.find(ctx, id)
		}
		switch {
		case err == nil && send:
			return job, true, nil
		case err == nil:
			return job, ours, w.recognize(job)
		case ctx.Err() != nil:
			return nil, ours, ended(ctx, w.what)
		case send && exists(err):
			send, taken = false, true
			continue
		case !send && missing(err) && !taken:
			send = true
			continue
		case !send && missing(err): // though it was said to exist
			send, taken = true, false
		case lost(err):
			ours = ours || send
			send, taken = false, false
		default:
			return nil, ours, c.explainJob(w, err)
		}
		if err := p.again(ctx, err); err != nil {
			return nil, ours, err
		}
	}
}

// find looks the job id up.
func (c *Client) find(ctx context.Context, id string) (job *bigquery.Job, err error) {
	err = c.exchange(ctx, func(ctx context.Context) (err error) {
		job, err = c.bq.JobFromIDLocation(ctx, id, c.o.Location)
		return err
	})
	return job, err
}

// recognize checks that job does w: its id has but a part of the digest, and others may make jobs of that id.
func (w work) recognize(job *bigquery.Job) error {
	config, err := job.Config()
	if err != nil {
		return fmt.Errorf("%s: job %s: %w", w.what, job.ID(), err)
	}
	var labels map[string]string
	switch config := config.(type) {
	case *bigquery.QueryConfig:
		labels = config.Labels
	case *bigquery.LoadConfig:
		labels = config.Labels
	}
	if have, want := labels["digest"], w.digest[:maxLabel]; have != want {
		return fmt.Errorf("%s: the job %s is there with the digest %q, want %q: something else made it", w.what, job.ID(), have, want)
	}
	return nil
}

// wait polls until the job has ended, however long that takes as long as the server answers. Job.Wait would return the
// error of an HTTP call for a query that failed, not the job's own.
func (c *Client) wait(ctx context.Context, w work, job *bigquery.Job, p *patience) (*bigquery.JobStatus, error) {
	status := job.LastStatus()
	for pause := firstPoll; status == nil || !status.Done(); pause = min(pause*3/2, mostPoll) {
		if c.o.Pause(ctx, pause) != nil {
			return nil, ended(ctx, w.what)
		}
		err := c.exchange(ctx, func(ctx context.Context) (err error) {
			status, err = job.Status(ctx)
			return err
		})
		switch {
		case err == nil:
			p.known()
		case ctx.Err() != nil:
			return nil, ended(ctx, w.what)
		case lost(err), missing(err):
			if err := p.again(ctx, err); err != nil {
				return nil, err
			}
		default:
			return nil, explain(w.what, err)
		}
	}
	return status, nil
}

func done(job *bigquery.Job) bool { return job.LastStatus() != nil && job.LastStatus().Done() }

// abandon cancels the job id, ctx having ended, and finds out what became of it.
func (c *Client) abandon(ctx context.Context, w work, id string) (result, error) {
	failed := ended(ctx, w.what)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	p := c.patience(w.what)
	for cancelled := false; ; {
		job, err := c.find(ctx, id)
		switch {
		case err == nil && w.recognize(job) != nil, missing(err):
			return result{}, failed
		case err == nil && !cancelled && !done(job):
			err = c.exchange(ctx, job.Cancel)
			cancelled = err == nil
		}
		if err == nil {
			status, err := c.wait(ctx, w, job, p)
			switch {
			case err != nil:
				return result{}, fmt.Errorf("%w; job %s: %w", failed, id, ErrUnknown)
			case status.Err() != nil:
				return result{}, failed
			}
			return result{status, true}, nil
		}
		if !lost(err) || p.again(ctx, err) != nil {
			return result{}, fmt.Errorf("%w; job %s: %w", failed, id, ErrUnknown)
		}
	}
}
