package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"segments/pipeline"
	"segments/pipeline/config"
	"segments/pipeline/notify"
)

// notify tells the configured webhook how a run ended that gave res, if anything, and err. It changes nothing of how it
// ended: what goes wrong is a warning. Days of a backfill are told of only where they fail, dry runs and runs that a
// signal stopped not at all, nor a command that was mistyped or what was published before.
func (a *app) notify(ctx context.Context, o pipeline.Options, res *pipeline.Result, err error) {
	how := outcome(exitCode(ctx, err, a.running), o, res, err)
	var usage usageError
	if errors.As(err, &usage) { // of whoever typed it
		return
	}
	if a.config == nil || o.DryRun || how == "already_published" || how == "stopped" || how == "published" && o.Backfill {
		return
	}
	j, bad := a.job(a.config)
	if bad != nil { // then nothing has run, and err says so
		j = &pipeline.Job{}
	}
	a.send(ctx, runMessage(a.config, j, o, res, err, how))
}

// notifyBackfill tells of a backfill of several days that has come to its end.
func (a *app) notifyBackfill(ctx context.Context, first, last time.Time) {
	if a.config == nil || !first.Before(last) {
		return
	}
	days := int(last.Sub(first)/(24*time.Hour)) + 1
	a.send(ctx, notify.Message{
		Title: fmt.Sprintf("✓ %s: history from %s to %s is published", a.config.Name, first.Format(time.DateOnly), last.Format(time.DateOnly)),
		Facts: []notify.Fact{{Name: "Days", Value: thousands(int64(days))}},
	})
}

// send sends m to the webhook, if there is one. It takes up to notify.Timeout, also where ctx has come to its end.
func (a *app) send(ctx context.Context, m notify.Message) {
	if a.config.Notify.WebhookFile == "" {
		return
	}
	w, err := notify.Read(a.config.Path(a.config.Notify.WebhookFile))
	if err == nil {
		err = w.Send(context.WithoutCancel(ctx), m)
	}
	if err != nil {
		a.logger().Warn("nobody was notified; the run itself is as it was", "error", err.Error())
	}
}

// checkNotify looks at what a notification needs. Its errors are of type config.Error.
func checkNotify(c *config.Config) (wrong []error) {
	if l := c.Notify.Link; l != "" && !isLink(l) {
		wrong = append(wrong, c.Errorf("notify.link", "%q is no address: want for example https://intranet.example/report.html", l))
	}
	if f := c.Notify.WebhookFile; f != "" {
		if _, err := notify.Read(c.Path(f)); err != nil {
			wrong = append(wrong, c.Errorf("notify.webhook_file", "%v", err))
		}
	}
	return wrong
}

func isLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && u.User == nil
}

// runMessage is what is told of a run.
func runMessage(c *config.Config, j *pipeline.Job, o pipeline.Options, res *pipeline.Result, err error, how string) notify.Message {
	day := ""
	if !o.AsOf.IsZero() {
		day = " " + o.AsOf.Format(time.DateOnly)
	}
	m := notify.Message{Title: fmt.Sprintf("✗ %s%s failed; nothing was published", c.Name, day)}
	switch how {
	case "published":
		m.Title = fmt.Sprintf("✓ %s%s is published", c.Name, day)
	case "rejected":
		m.Title = fmt.Sprintf("✗ %s%s was rejected; nothing was published", c.Name, day)
	case "broken":
		m.Title = fmt.Sprintf("✗ %s%s is published, but what was read back is not what was written", c.Name, day)
	}
	if res != nil {
		m.Facts = facts(res, j)
	}
	m.Text = whatToDo(how, res, err)
	if (how == "published" || how == "rejected") && isLink(c.Notify.Link) {
		m.Link = c.Notify.Link
	}
	return m
}

// facts are the figures of a run, as far as it came.
func facts(res *pipeline.Result, j *pipeline.Job) (out []notify.Fact) {
	add := func(name, value string) {
		if value != "" {
			out = append(out, notify.Fact{Name: name, Value: value})
		}
	}
	if res.Customers > 0 {
		add("Customers", fmt.Sprintf("%s in %d segments", thousands(res.Customers), len(res.Segments)))
	}
	headline, _, _ := strings.Cut(validated(res, j), " · ")
	add("Validated", headline)
	if res.Customers > 0 {
		left := strings.TrimSpace(leftOut(res))
		if left = strings.TrimPrefix(left, "left out "); left == "" {
			left = "nobody"
		}
		add("Left out", left)
	}
	if m := res.Moved; m != nil && res.Published {
		add("Largest move", fmt.Sprintf("%s customers from %s to %s (%s)", thousands(m.Customers), m.From, m.To, m.Cause))
	}
	return out
}

// whatToDo says what happened and what to do, without what an error quotes: a warehouse's message may hold a customer's
// values, and the log has it.
func whatToDo(how string, res *pipeline.Result, err error) string {
	switch how {
	case "published":
		warned := 0
		for _, c := range res.Checks {
			if c.State == pipeline.Warned {
				warned++
			}
		}
		text := ""
		if taken := acceptedChecks(res); len(taken) > 0 {
			text = "Published although a check failed, since it was accepted: " + strings.Join(taken, ", ") + ". "
		}
		if warned == 0 {
			return strings.TrimSpace(text)
		}
		return text + fmt.Sprintf("%s warned; segments show %s has them.", plural(int64(warned), "check"), res.Run.ID)
	case "rejected":
		return failedChecks(res) + "What was published before is untouched; segments show has the checks."
	case "broken":
		return "Publish the date again: segments run."
	case "permission":
		return "Permission was denied; the log names the role, or the table."
	case "budget":
		return "It is over the budget, or a quota is used up; segments plan has the bytes."
	case "not_ready":
		if errors.Is(err, pipeline.ErrNotReady) {
			return sentence(err.Error()) + "Run again when the source has been loaded."
		}
	case "configuration":
		return "The configuration does not fit; segments check says where."
	case "temporary":
		return "Another run is at work, a file is in use, the disk is full, or the warehouse is away. Nothing was changed; it can be run again."
	}
	return "This is not an error we foresaw; the log has it, and --debug says more."
}

// quotesData are the checks whose details repeat what is in the data.
var quotesData = []string{"one_currency"}

// acceptedChecks are the checks that were accepted, three of them at most.
func acceptedChecks(res *pipeline.Result) []string {
	var out []string
	for _, c := range res.Checks {
		if c.State == pipeline.Accepted {
			out = append(out, c.Name+" of "+c.Subject)
		}
	}
	if len(out) > 3 {
		out = append(out[:3], "and others")
	}
	return out
}

// failedChecks says which checks failed, three of them at most.
func failedChecks(res *pipeline.Result) string {
	const most = 3
	var b strings.Builder
	n := 0
	if res == nil {
		return ""
	}
	for _, c := range res.Checks {
		if c.State != pipeline.Failed {
			continue
		}
		if n++; n > most {
			continue
		}
		detail := c.Name + " of " + c.Subject
		if !slices.Contains(quotesData, c.Name) {
			detail += ": " + c.Detail
		}
		b.WriteString(sentence(detail))
	}
	if n > most {
		fmt.Fprintf(&b, "%s more failed. ", plural(int64(n-most), "check"))
	}
	return b.String()
}

// sentence is s with a full stop and a space after it.
func sentence(s string) string { return strings.TrimRight(s, ". ") + ". " }
