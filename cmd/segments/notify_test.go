package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A channel is a webhook that keeps the messages it gets.
type channel struct {
	mu       sync.Mutex
	messages []string
	answer   int
}

const channelSecret = "B0SECRET"

func (c *channel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	var m struct{ Text string }
	if err := json.Unmarshal(body, &m); err != nil || r.URL.Path != "/services/"+channelSecret {
		m.Text = "garbage: " + string(body)
	}
	c.messages = append(c.messages, m.Text)
	w.WriteHeader(c.answer)
	_, _ = io.WriteString(w, "no "+r.URL.Path)
}

// got returns the messages since it was last asked.
func (c *channel) got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.messages
	c.messages = nil
	return out
}

// listen makes the shop tell a channel how its runs end.
func (s shop) listen() *channel {
	s.Helper()
	c := &channel{answer: http.StatusOK}
	web := httptest.NewServer(c)
	s.Cleanup(web.Close)
	check(s, os.WriteFile(filepath.Join(s.dir, "webhook"), []byte(web.URL+"/services/"+channelSecret+"\n"), 0o600))
	check(s, os.WriteFile(s.config(), append(read(s, s.config()), "notify: {webhook_file: webhook, link: 'https://intranet.example/report.html'}\n"...), 0o644))
	return c
}

// told fails where c did not get one message, or it lacks one of the parts.
func (s shop) told(c *channel, parts ...string) {
	s.Helper()
	got := c.got()
	if len(got) != 1 {
		s.Fatalf("%d messages, want 1: %q", len(got), got)
	}
	says(s, got[0], parts...)
}

// all runs the command and returns all that it prints, the log included.
func (s shop) all(args ...string) string {
	var out strings.Builder
	a := &app{out: &out, err: &out, now: func() time.Time { return s.now }}
	a.main(context.Background(), append(args, "-c", s.config()))
	return out.String()
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	c := s.listen()
	s.segments(exitOK, "check")
	s.publish(0, "--dry-run")
	s.segments(exitConfig, "run", "--as-of", "2025-13-01")
	if got := c.got(); got != nil {
		t.Errorf("check, a dry run and a mistyped day are told of: %q", got)
	}
	s.publish(1)
	s.told(c, "✓ demo "+day(1)+" is published\nCustomers: ", " segments\nValidated: ", "% converted within 90 days, everybody ", "\nLeft out: ",
		"<https://intranet.example/report.html|Open the report>")
	s.publish(1)
	if got := c.got(); got != nil {
		t.Errorf("what is published already is told of: %q", got)
	}
	s.publish(0)
	s.told(c, "✓ demo "+day(0)+" is published")
	s.segments(exitOK, "backfill", "--from", day(3), "--to", day(2))
	s.told(c, "✓ demo: history from "+day(3)+" to "+day(2)+" is published\nDays: 2")

	s.edit("validation: {origins: 1}", "validation: {origins: 1, gate: {min_auc_lower: 0.999}}")
	s.segments(exitRejected, "run", "--as-of", day(0))
	s.told(c, "✗ demo "+day(0)+" was rejected; nothing was published", "gate of core_segment: ", "What was published before is untouched")
	s.segments(exitRejected, "backfill", "--from", day(5), "--to", day(4))
	s.told(c, "✗ demo "+day(5)+" was rejected") // once, and not of the rest
	s.edit("min_auc_lower: 0.999", "min_auc_lower: 0.5")

	s.edit("validation: {origins: 1, gate: {min_auc_lower: 0.5}}", "")
	s.edit("from: "+filepath.Join(data, "orders.parquet"), "from: orders.parquet")
	s.segments(exitConfig, "run", "--as-of", day(0))
	s.told(c, "✗ demo "+day(0)+" failed; nothing was published\nThe configuration does not fit; segments check says where.")
}

// A webhook that does not work changes nothing but a line of the log, which does not show the address.
func TestNotificationFails(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	c := s.listen()
	c.answer = http.StatusForbidden
	log := s.all("run", "--as-of", day(0), "--debug")
	says(t, log, "✓ published "+day(0), "nobody was notified", "the webhook answers 403")
	if len(c.got()) != 1 {
		t.Error("the webhook was not asked once")
	}
	if strings.Contains(log, channelSecret) || strings.Contains(s.all("show"), channelSecret) {
		t.Errorf("the address is shown: %s", log)
	}
	check(t, os.WriteFile(filepath.Join(s.dir, "webhook"), []byte("https://hooks.example/ "+channelSecret), 0o600))
	log = s.all("run", "--as-of", day(1))
	says(t, log, "✓ published "+day(1), "nobody was notified", "what is in the file is no address")
	_, stderr := s.segments(exitConfig, "check")
	says(t, stderr, "notify.webhook_file: ", "what is in the file is no address")
	if strings.Contains(log+stderr, channelSecret) {
		t.Errorf("the address is shown: %s%s", log, stderr)
	}
	check(t, os.Remove(filepath.Join(s.dir, "webhook")))
	log = s.all("run", "--as-of", day(2), "--backfill")
	says(t, log, "✓ published "+day(2))
	if strings.Contains(log, "nobody was notified") { // there was nothing to say
		t.Errorf("a day of a backfill is told of: %s", log)
	}
	s.edit("https://intranet.example/report.html", "javascript:alert(1)")
	_, stderr = s.segments(exitConfig, "check")
	says(t, stderr, `notify.link: "javascript:alert(1)" is no address`, "webhook: no such file or directory")
}

// What the data hold is not told to the channel, though a check and an error repeat it.
func TestNotificationKeepsValues(t *testing.T) {
	t.Parallel()
	data, _ := company(t, small)
	s := newShop(t, data, quick)
	c := s.listen()
	copyToParquet(t, "SELECT *, CASE WHEN random() < 0.5 THEN 'EUR' ELSE 'ann@example.com' END AS money FROM read_parquet('"+filepath.Join(data, "orders.parquet")+"')",
		filepath.Join(s.dir, "orders.parquet"))
	s.edit("from: "+filepath.Join(data, "orders.parquet"), "from: orders.parquet", "      amount: total\n", "      amount: total\n      currency: money\n")
	_, stderr := s.segments(exitRejected, "run", "--as-of", day(0))
	says(t, strings.ToLower(stderr), "ann@example.com")
	got := c.got()
	if len(got) != 1 {
		t.Fatalf("%d messages, want 1: %q", len(got), got)
	}
	says(t, got[0], "one_currency of orders. What was published before is untouched")
	if strings.Contains(strings.ToLower(got[0]), "ann") {
		t.Errorf("a value is told: %s", got[0])
	}
}
