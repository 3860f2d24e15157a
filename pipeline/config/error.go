package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// An Error is a mistake in the configuration and its place.
type Error struct {
	File         string
	Key          string // the key it is about, with dots between; empty where it is about the file
	Line, Column int    // from 1, the column in characters; 0 where the whole file is meant
	Source       string // the line in the file
	Message      string

	meant []string // keys that an unknown one may stand for
}

// Error returns file:line:column: message, and the line with a mark below the place.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	s := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
	if strings.TrimSpace(e.Source) == "" {
		return s
	}
	const before, after = 80, 40 // of a long line, what is shown on either side of the place
	line := []rune(strings.ReplaceAll(e.Source, "\t", " "))
	at := max(0, min(e.Column-1, len(line)))
	if from := at - before; from > 0 {
		line = append([]rune("…"), line[from+1:]...)
		at = before
	}
	if len(line) > at+after {
		line = append(line[:at+after], '…')
	}
	return s + fmt.Sprintf("\n  %4d | %s\n       | %s^", e.Line, string(line), strings.Repeat(" ", at))
}

// Errorf returns an Error at the value of key, given with dots between; at the nearest key around it that is there
// where it is not. The message begins with the key.
func (c *Config) Errorf(key, format string, args ...any) error { return c.errorf(key, format, args...) }

func (c *Config) errorf(key, format string, args ...any) *Error {
	at := c.root
	if entry, exact := c.find(key); entry != nil {
		at = entry.Key
		if exact && !empty(entry.Value) && !isMapping(entry.Value) {
			at = entry.Value
		}
	}
	return c.about(key, at, fmt.Sprintf(format, args...))
}

// atKey returns an Error at key rather than at its value.
func (c *Config) atKey(key, msg string) *Error {
	at := c.root
	if entry, _ := c.find(key); entry != nil {
		at = entry.Key
	}
	return c.about(key, at, msg)
}

// about returns an Error about key, at n.
func (c *Config) about(key string, n ast.Node, msg string) *Error {
	e := c.at(n, key+": "+msg)
	e.Key = key
	return e
}

// find returns the last entry of the file on the way to key, nil where there is none, and whether it is key itself.
func (c *Config) find(key string) (entry *ast.MappingValueNode, exact bool) {
	for n := c.root; ; n = entry.Value {
		var next *ast.MappingValueNode
		var length int
		for _, e := range entries(n) {
			name := keyText(e)
			if (key == name || strings.HasPrefix(key, name+".")) && (next == nil || len(name) > length) {
				next, length = e, len(name)
			}
		}
		if next == nil {
			return entry, false
		}
		if entry = next; length == len(key) {
			return entry, true
		}
		key = key[length+1:]
	}
}

// entries returns the keys and values of a mapping, in the order of the file; nil for other nodes.
func entries(n ast.Node) []*ast.MappingValueNode {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}
	}
	return nil
}

func isMapping(n ast.Node) bool {
	t := n.Type()
	return t == ast.MappingType || t == ast.MappingValueType
}

func keyText(e *ast.MappingValueNode) string { return e.Key.GetToken().Value }

// at returns an Error at n; at its first key where it is a mapping, whose own token may be a colon.
func (c *Config) at(n ast.Node, msg string) *Error {
	if n == nil {
		return c.atToken(nil, msg)
	}
	t := n.GetToken()
	if es := entries(n); len(es) > 0 {
		t = es[0].Key.GetToken()
	}
	return c.atToken(t, msg)
}

func (c *Config) atToken(t *token.Token, msg string) *Error {
	if t == nil || t.Position == nil {
		return &Error{File: c.file, Message: msg}
	}
	lines := strings.Split(string(c.src), "\n")
	e := &Error{File: c.file, Message: msg, Line: max(1, min(t.Position.Line, len(lines)))}
	e.Source = lines[e.Line-1]
	e.Column = max(1, min(t.Position.Column, utf8.RuneCountInString(e.Source)+1))
	return e
}

// wrap makes an Error of what the YAML library says.
func (c *Config) wrap(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	var ye yaml.Error
	if !errors.As(err, &ye) {
		return &Error{File: c.file, Message: plain(err.Error())}
	}
	return c.atToken(ye.GetToken(), plain(ye.GetMessage()))
}

const (
	checkIndent = "this does not fit the lines above it; is it indented as they are?"
	checkColon  = `this is no "key: value"; is the colon missing, or the space after it?`
	checkQuotes = `a second "key: value" cannot stand here; is it indented as the lines above, or is it text that needs quotes?`
)

// plainWords are for what the YAML library says of files that are no YAML.
var plainWords = []struct{ contains, say string }{
	{"tab character", "there is a tab; indent with spaces"},
	{"character '\t'", "there is a tab; indent with spaces"},
	{"mapping value is not allowed in this context", checkQuotes},
	{"value is not allowed in this context", checkIndent},
	{"block sequence entries are not allowed", checkIndent},
	{"could not find expected", checkColon},
	{"non-map value is specified", checkColon},
	{"unexpected key name", checkColon},
	{"map key definition includes an implicit line break", checkColon},
	{"sequence end token ']' not found", "[ is never closed by ]"},
	{"could not find flow mapping end token '}'", "{ is never closed by }"},
	{"could not find '[' character", "there is a ] without ["},
	{"could not find '{' character", "there is a } without {"},
	{"could not find end character of", "the closing quote of this text is missing"},
	{"could not find flow map content", "{ begins a mapping, and this is none; text that begins so needs quotes"},
	{"cannot unmarshal", "is of the wrong type"},
}

var (
	definedTwice  = regexp.MustCompile(`^mapping key "(.*)" already defined at \[(\d+):`)
	reservedStart = regexp.MustCompile(`^'(.)' is a reserved character`)
	unknownEscape = regexp.MustCompile(`^found unknown escape character '(.+)'`)
)

// plain puts what the YAML library says into plain words.
func plain(msg string) string {
	msg, _, _ = strings.Cut(msg, "\n")
	if m := definedTwice.FindStringSubmatch(msg); m != nil {
		return fmt.Sprintf("%s is on line %s already; keep one of them", m[1], m[2])
	}
	if m := reservedStart.FindStringSubmatch(msg); m != nil {
		return fmt.Sprintf("a text cannot begin with %s; put it in quotes", m[1])
	}
	if m := unknownEscape.FindStringSubmatch(msg); m != nil {
		return fmt.Sprintf(`\%s means nothing between double quotes; use single quotes, or write \\ for a backslash`, m[1])
	}
	for _, w := range plainWords {
		if strings.Contains(msg, w.contains) {
			return w.say
		}
	}
	return "this is no YAML: " + msg
}
