package notify

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Message is what is told of a run. Its texts are taken as they are: nothing in them is obeyed, nobody is called by them.
type Message struct {
	Title string // one line: what happened
	Facts []Fact // what to know of it, at most ten
	Text  string // what else there is to say: what changed, or what to do
	Link  string // where the report is, http or https; empty where there is none
}

// A Fact is a number or a word under its name.
type Fact struct{ Name, Value string }

// How many characters a header, a name, its value and a text may have, escapes counted. Slack takes 150, 2,000 for name and
// value together, and 3,000 (https://docs.slack.dev/reference/block-kit/blocks).
const (
	titleMost = 140
	nameMost  = 200
	valueMost = 1000
	textMost  = 2500
	factsMost = 10
)

// The parts of a message, as Slack's reference has them.
type (
	payload struct {
		Text        string  `json:"text"` // what notifications show, and who does not know blocks
		Blocks      []block `json:"blocks"`
		UnfurlLinks bool    `json:"unfurl_links"`
		UnfurlMedia bool    `json:"unfurl_media"`
	}
	block struct {
		Type   string `json:"type"`
		Text   *text  `json:"text,omitempty"`
		Fields []text `json:"fields,omitempty"`
	}
	text struct {
		Type     string `json:"type"`
		Text     string `json:"text"`
		Verbatim bool   `json:"verbatim,omitempty"` // addresses and @names in it stay text
	}
)

// payload returns m in JSON.
func (m Message) payload() ([]byte, error) {
	title := cut(clean(m.Title), titleMost, same)
	p := payload{Text: cut(clean(m.Title), textMost, escape), Blocks: []block{{Type: "header", Text: &text{Type: "plain_text", Text: title}}}}
	var fields []text
	for _, f := range m.Facts[:min(len(m.Facts), factsMost)] {
		name, value := cut(clean(f.Name), nameMost, escape), cut(clean(f.Value), valueMost, escape)
		fields = append(fields, mrkdwn("*"+name+"*\n"+value))
		p.Text += "\n" + name + ": " + value
	}
	if fields != nil {
		p.Blocks = append(p.Blocks, block{Type: "section", Fields: fields})
	}
	section := func(s string) {
		t := mrkdwn(s)
		p.Blocks = append(p.Blocks, block{Type: "section", Text: &t})
		p.Text += "\n" + s
	}
	if m.Text != "" {
		section(cut(clean(m.Text), textMost, escape))
	}
	if m.Link != "" {
		section("<" + linked(m.Link) + "|Open the report>")
	}
	return json.Marshal(p)
}

func mrkdwn(s string) text { return text{Type: "mrkdwn", Text: s, Verbatim: true} }

// escape writes the three characters that mean something in Slack's texts so that they are only seen
// (https://docs.slack.dev/messaging/formatting-message-text#escaping).
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

// linked is an address as it may stand in a link.
func linked(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C", " ", "%20", "\n", "").Replace(s)
}

// cut returns s written by f, a character at a time, of which it keeps as many as fit into most characters.
func cut(s string, most int, f func(string) string) string {
	var b strings.Builder
	n, fits := 0, 0 // characters in b, and bytes of it that leave room for the mark of what was cut
	for _, r := range s {
		c := f(string(r))
		if n += utf8.RuneCountInString(c); n > most {
			return b.String()[:fits] + "…"
		}
		b.WriteString(c)
		if n < most {
			fits = b.Len()
		}
	}
	return b.String()
}

func same(s string) string { return s }

// clean returns s without what is not seen but obeyed. Mattermost calls people by a plain @channel: the sign gets its wide
// form, as the marks of bold text and code get another one.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		const joiner, nonJoiner = '\u200d', '\u200c' // of emoji and scripts
		switch {
		case r == '@':
			return '＠'
		case r == '`':
			return '\''
		case r == '*':
			return '∗'
		case r == joiner || r == nonJoiner:
			return r
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}
