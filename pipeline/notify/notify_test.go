package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the files in testdata anew")

// secret is in the path of every address: no error may show it.
const secret = "T0SECRET/B0SECRET/xyzzy"

// A server answers as it is told, one answer after the other, and keeps what it got.
type server struct {
	mu      sync.Mutex
	answers []http.HandlerFunc
	got     []string
	at      []time.Time
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.got, s.at = append(s.got, string(body)), append(s.at, time.Now())
	answer := s.answers[min(len(s.got), len(s.answers))-1]
	s.mu.Unlock()
	answer(w, r)
}

func status(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// post sends a message to a server that gives the answers, and returns what it got and the error.
func post(t *testing.T, answers ...http.HandlerFunc) (*server, error) {
	t.Helper()
	s := &server{answers: answers}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	w, err := parse(web.URL + "/services/" + secret)
	if err != nil {
		t.Fatal(err)
	}
	err = w.Send(t.Context(), Message{Title: "✓ shop is published"})
	if err != nil && (strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), web.Listener.Addr().String())) {
		t.Errorf("the error shows the address: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &server{got: slices.Clone(s.got), at: slices.Clone(s.at)}, err
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []http.HandlerFunc
		posts   int
		err     string
	}{
		{"ok", []http.HandlerFunc{status(200, "ok")}, 1, ""},
		{"no content", []http.HandlerFunc{status(204, "")}, 1, ""},
		{"500 then ok", []http.HandlerFunc{status(500, "oops"), status(200, "ok")}, 2, ""},
		{"429 then ok", []http.HandlerFunc{status(429, "rate_limited", "Retry-After", "0"), status(200, "ok")}, 2, ""},
		{"500 twice", []http.HandlerFunc{status(503, "")}, 2, "the webhook answers 503"},
		{"429 for long", []http.HandlerFunc{status(429, "", "Retry-After", "30")}, 1, "the webhook answers 429, and wants longer to be waited for than there is time"},
		{"a word of Slack's", []http.HandlerFunc{status(404, "no_service\n")}, 1, "the webhook answers 404 (no_service)"},
		{"refused", []http.HandlerFunc{status(400, "invalid_payload")}, 1, "the webhook answers 400 (invalid_payload)"},
		{"the address comes back", []http.HandlerFunc{status(404, "no /services/"+secret+" here")}, 1, "the webhook answers 404"},
		{"redirect", []http.HandlerFunc{status(302, "", "Location", "http://127.0.0.1:1/services/"+secret)}, 1, "the webhook answers with a redirect (302), which is not followed"},
		{"cut off", []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
			c, _, _ := w.(http.Hijacker).Hijack()
			_ = c.Close()
		}}, 1, "the connection to the webhook broke"},
		{"garbage", []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
			c, _, _ := w.(http.Hijacker).Hijack()
			_, _ = io.WriteString(c, "\x00\x01garbage "+secret+"\n\n")
			_ = c.Close()
		}}, 1, "the connection to the webhook broke"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, err := post(t, c.answers...)
			if len(s.got) != c.posts || fmt.Sprint(err) != c.err && (err != nil || c.err != "") {
				t.Errorf("%d posts and the error %v, want %d and %s", len(s.got), err, c.posts, c.err)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	s, err := post(t, status(429, "", "Retry-After", "1"), status(200, "ok"))
	if err != nil || len(s.at) != 2 || s.at[1].Sub(s.at[0]) < time.Second {
		t.Errorf("posts at %v with the error %v, want a second between them", s.at, err)
	}
	synctest.Test(t, func(t *testing.T) {
		for header, want := range map[string]time.Duration{
			"": pause, "soon": pause, "-1": pause, "3": 3 * time.Second, "99999999999999999999": pause,
			time.Now().UTC().Add(2 * time.Second).Format(http.TimeFormat): 2 * time.Second,
			"Sat, 02 Jan 1999 15:04:05 GMT":                               0,
		} {
			if got := retryAfter(header); got.Truncate(time.Second) != want.Truncate(time.Second) && got != want {
				t.Errorf("Retry-After: %s is %s, want %s", header, got, want)
			}
		}
	})
}

// A server that does not answer costs Timeout and no more.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close() //nolint:errcheck // nobody is at the other end by then
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return ours, nil }}
		was := client.Transport
		client.Transport = transport
		defer func() { client.Transport = was; transport.CloseIdleConnections() }()
		w, err := parse("http://localhost/services/" + secret)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		err = w.Send(t.Context(), Message{Title: "x"})
		if took := time.Since(began); took != Timeout || err == nil || err.Error() != "the webhook did not answer within 5s" {
			t.Errorf("it took %s and gave %v", took, err)
		}
	})
}

func TestUnreached(t *testing.T) {
	web := httptest.NewTLSServer(&server{answers: []http.HandlerFunc{status(200, "")}})
	defer web.Close()
	web.Config.ErrorLog = nil
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	_ = l.Close()
	for address, want := range map[string]string{
		closed:  "no connection to the webhook's host",
		web.URL: "the webhook's host has no certificate that is trusted",
	} {
		w, err := parse(address + "/services/" + secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Send(t.Context(), Message{}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", address, err, want)
		}
	}
	w, _ := parse(closed)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Send(ctx, Message{}); err == nil || err.Error() != "the webhook was not waited for" {
		t.Errorf("canceled: %v", err)
	}
}

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		"https://hooks.slack.com/services/" + secret + "\n": "",
		"http://127.0.0.1:8065/hooks/" + secret:             "",
		"http://[::1]/" + secret:                            "",
		"http://localhost/" + secret:                        "",
		"":                                                  "the file is empty; want the address of a webhook",
		"\n":                                                "the file is empty; want the address of a webhook",
		"http://hooks.slack.com/services/" + secret:     "the address does not begin with https://, so that everybody on the way could read it",
		"http://localhost.example.com/" + secret:        "the address does not begin with https://, so that everybody on the way could read it",
		"ftp://localhost/" + secret:                     "the address does not begin with https://, so that everybody on the way could read it",
		"hooks.slack.com/services/" + secret:            "what is in the file is no address; want one line such as https://hooks.slack.com/services/…",
		"https://a/" + secret + "\nhttps://b/" + secret: "what is in the file is no address; want one line such as https://hooks.slack.com/services/…",
		"https://a:port/" + secret:                      "what is in the file is no address; want one line such as https://hooks.slack.com/services/…",
		strings.Repeat("\xff", 100_000):                 "what is in the file is no address; want one line such as https://hooks.slack.com/services/…",
	} {
		file := filepath.Join(t.TempDir(), "webhook")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if want != "" {
			want = file + ": " + want
		}
		if _, err := Read(file); err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("%.50q: %v, want %s", text, err, want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "nothing")); !os.IsNotExist(err) {
		t.Errorf("without a file: %v", err)
	}
	if _, err := Read(os.DevNull); err == nil || err.Error() != os.DevNull+" is not a regular file" {
		t.Errorf("of a device: %v", err)
	}
}

var messages = map[string]Message{
	"published": {
		Title: "✓ shop 2026-10-31 is published",
		Facts: []Fact{
			{"Customers", "18,369 in 12 segments"},
			{"Validated", "Champions: 69 % converted within 90 days, everybody 21 %"},
			{"Left out", "359 (consent 359)"},
			{"Largest move", "310 customers from Champions to At Risk (silence)"},
		},
		Link: "https://intranet.example/report.html?a=1&b=2",
	},
	"rejected": {
		Title: "✗ shop 2026-10-31 was rejected; nothing was published",
		Text:  "gate of core_segment: the lower bound is below 0.52. What was published before is untouched; segments show has the checks.",
	},
	"hostile": {
		Title: "<!channel> @here & `rm` *bold* \x1b[31mred\u202eevil",
		Facts: []Fact{
			{"<@U123>", "<https://evil.example|click> @channel\r\n" + strings.Repeat("😀", 3)},
			{"</script>", "https://evil.example/login \x00\x9b1m \xff\xfe &lt;!here&gt;"},
		},
		Text: "<!subteam^S1> " + "<|>",
		Link: "https://x.example/a|b>c d",
	},
}

// The messages as Slack gets them.
func TestPayload(t *testing.T) {
	for name, m := range messages {
		got, err := m.payload()
		if err != nil {
			t.Fatal(err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, got, "", "  "); err != nil {
			t.Fatal(err)
		}
		pretty.WriteByte('\n')
		file := filepath.Join("testdata", name+".json")
		if *update {
			if err := os.WriteFile(file, pretty.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, pretty.Bytes()) {
			t.Errorf("%s is another message by now; look at it, and run: go test ./pipeline/notify -update\n%s", file, pretty.Bytes())
		}
	}
}

// Whatever the texts are, nobody is called, nothing is a link, and Slack's limits hold.
func TestHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{"<!channel>", "<@U1>", "<http://e|x>", "@here", "@channel", "&", "\u202e", "\x1b[0m", "\xff", "😀", "*", "`", "a", "\n"})
		words := rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(piece, 0, 20).Draw(t, "pieces"), "") + rapid.String().Draw(t, "text") + strings.Repeat("<", rapid.IntRange(0, 5000).Draw(t, "long"))
		})
		m := Message{Title: words.Draw(t, "title"), Text: words.Draw(t, "text")}
		for range rapid.IntRange(0, 12).Draw(t, "facts") {
			m.Facts = append(m.Facts, Fact{words.Draw(t, "name"), words.Draw(t, "value")})
		}
		body, err := m.payload()
		if err != nil {
			t.Fatal(err)
		}
		var p payload
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatal(err)
		}
		within := func(s string, most int) {
			if n := utf8.RuneCountInString(s); n > most {
				t.Fatalf("%d characters, %d are allowed", n, most)
			}
			if strings.ContainsAny(s, "@\x1b\u202e\x00") {
				t.Fatalf("%q has what is not only seen", s)
			}
		}
		plain := func(s string, most int) {
			within(s, most)
			if strings.ContainsAny(s, "<>") {
				t.Fatalf("%q has what Slack obeys", s)
			}
		}
		plain(p.Text, 40_000)
		within(p.Blocks[0].Text.Text, 150)
		for _, b := range p.Blocks[1:] {
			if len(b.Fields) > 10 {
				t.Fatalf("%d fields", len(b.Fields))
			}
			for _, f := range b.Fields {
				plain(f.Text, 2000)
			}
			if b.Text != nil {
				plain(b.Text.Text, 3000)
			}
		}
	})
}
