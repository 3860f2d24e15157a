// Package notify tells people how a run went, through an incoming webhook that takes Slack's messages: Slack itself,
// Mattermost, Rocket.Chat. The address of a webhook is a secret: it is in no error and in no log.
package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Timeout is how long Send takes at most, tries and waits together.
const Timeout = 5 * time.Second

// pause is the time between two tries, where the server does not say.
const pause = 500 * time.Millisecond

// A Webhook is where messages go.
type Webhook struct {
	address *url.URL
}

// Read reads the address of a webhook from a file, which has nothing else in it.
func Read(file string) (Webhook, error) {
	if at, err := os.Stat(file); err != nil {
		return Webhook{}, err
	} else if !at.Mode().IsRegular() { // who opens a pipe waits for a writer, for ever
		return Webhook{}, fmt.Errorf("%s is not a regular file", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return Webhook{}, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	const most = 4096
	text, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return Webhook{}, err
	}
	w, err := parse(strings.TrimSpace(string(text)))
	if err != nil {
		return Webhook{}, fmt.Errorf("%s: %w", file, err)
	}
	return w, nil
}

// parse makes a webhook of its address, which no error repeats.
func parse(text string) (Webhook, error) {
	if text == "" {
		return Webhook{}, errors.New("the file is empty; want the address of a webhook")
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || strings.ContainsAny(text, " \t\r\n") {
		return Webhook{}, errors.New("what is in the file is no address; want one line such as https://hooks.slack.com/services/…")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return Webhook{}, errors.New("the address does not begin with https://, so that everybody on the way could read it")
	}
	return Webhook{u}, nil
}

// loopback says whether host is this machine, to which nobody else listens.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Send sends m. It tries again once, where the server is away or asks for patience, and is done within Timeout.
func (w Webhook) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	body, err := m.payload()
	if err != nil {
		return err
	}
	wait, err := w.post(ctx, body)
	if err == nil || wait < 0 {
		return err
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= wait {
		return fmt.Errorf("%w, and wants longer to be waited for than there is time", err)
	}
	select {
	case <-ctx.Done():
		return err
	case <-time.After(wait):
	}
	_, err = w.post(ctx, body)
	return err
}

// client goes to no other address than it is told to, whatever the answer says.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// never is the wait before a try that makes no sense.
const never = -1

// post sends body once. wait is how long to wait before it is sent again.
func (w Webhook) post(ctx context.Context, body []byte) (wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.address.String(), bytes.NewReader(body))
	if err != nil {
		return never, errors.New("the webhook's address cannot be asked")
	}
	req.Close = true // the next message is a day away: a connection that is kept may be dead by then
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "segments")
	res, err := client.Do(req)
	if err != nil {
		return never, unreached(err) // it may have been taken all the same: a second message would be one too many
	}
	defer res.Body.Close() //nolint:errcheck // nothing hangs on it
	const most = 512
	answer, _ := io.ReadAll(io.LimitReader(res.Body, most)) // what lacks of it changes nothing
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return never, nil
	case code >= 300 && code < 400:
		return never, fmt.Errorf("the webhook answers with a redirect (%d), which is not followed", code)
	case code == http.StatusTooManyRequests, code >= 500:
		return retryAfter(res.Header.Get("Retry-After")), fmt.Errorf("the webhook answers %d%s", code, reason(answer))
	default:
		return never, fmt.Errorf("the webhook answers %d%s", code, reason(answer))
	}
}

// slackReason matches what Slack says of a message that it does not take, such as invalid_payload or no_service.
var slackReason = regexp.MustCompile(`^[a-z_]{1,40}$`)

// reason is what a server says of its answer; of what is not one of Slack's words, nothing, since it could repeat the address.
func reason(answer []byte) string {
	s := strings.TrimSpace(string(answer))
	if !slackReason.MatchString(s) {
		return ""
	}
	return " (" + s + ")"
}

// retryAfter reads the header of that name, in seconds or as a date.
func retryAfter(s string) time.Duration {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && n < 1e6 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, time.Until(at))
	}
	return pause
}

// unreached says why there was no answer, without the address, which the errors of package http have.
func unreached(err error) error {
	var (
		dns *net.DNSError
		op  *net.OpError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("the webhook was not waited for")
	case errors.Is(err, context.DeadlineExceeded), os.IsTimeout(err):
		return fmt.Errorf("the webhook did not answer within %s", Timeout)
	case errors.As(err, &dns):
		return errors.New("the webhook's host has no address")
	case errors.As(err, &op) && op.Op == "dial":
		return errors.New("no connection to the webhook's host")
	case strings.Contains(err.Error(), "tls:"), strings.Contains(err.Error(), "x509:"):
		return errors.New("the webhook's host has no certificate that is trusted")
	}
	return errors.New("the connection to the webhook broke")
}
