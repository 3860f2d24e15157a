package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"segments/pipeline/config"
)

// TestDocumentsRun runs every command in the documents, document by document, in the order in which they stand there.
func TestDocumentsRun(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, d := range documents(t) {
		script, queries := d.script(t)
		if script == "" && queries == nil || runElsewhere[d.name] != "" {
			continue
		}
		found[d.name] = true
		prepare := sandboxes[d.name]
		if prepare == nil {
			t.Errorf("%s has commands or queries, and sandboxes has no line for it", d.name)
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := &sandbox{T: t, dir: t.TempDir(), now: theDay.Add(33 * time.Hour)}
			prepare(s)
			s.run(d, script)
			for _, q := range queries {
				s.query(d, q)
			}
		})
	}
	for name := range sandboxes {
		if !found[name] {
			t.Errorf("sandboxes has a line for %s, which has no commands", name)
		}
	}
}

// A query of a document.
type query struct {
	line int
	sql  string
}

// script returns the commands of d as a script for sh, and its queries.
func (d *document) script(t testing.TB) (string, []query) {
	t.Helper()
	var script []string
	var queries []query
	for _, b := range d.blocks {
		if len(b.lines) == 0 {
			continue
		}
		kind := b.language
		if kind == "sh" || kind == "" {
			var err error
			if kind, err = b.kind(); err != nil {
				t.Errorf("%s: %v", d.at(b.line), err)
			}
		}
		switch kind {
		case "run":
			script = append(script, b.script()...)
		case "sql":
			for _, q := range strings.SplitAfter(strings.Join(b.lines, "\n"), ";\n") {
				queries = append(queries, query{b.line, q})
			}
		}
	}
	for _, i := range d.inline {
		if strings.HasPrefix(i.code, "SELECT ") {
			queries = append(queries, query{i.line, i.code})
		}
	}
	return strings.Join(script, "\n"), queries
}

// script returns the lines of b for sh, which are told before they are run.
func (b block) script() []string {
	out := slices.Clone(b.lines)
	for i := range out {
		out[i] = expectation(out[i])
	}
	for _, c := range b.commands() {
		if told := fmt.Sprintf(": @%d; ", c.line); !strings.HasPrefix(out[c.line-b.line], told) {
			out[c.line-b.line] = told + out[c.line-b.line]
		}
	}
	return out
}

var (
	exits    = regexp.MustCompile(`^(\S.*?)\s*#.*\bexit (\d+)\b.*$`)
	endless  = regexp.MustCompile(`^(\S*segments schedule\b[^#]*?)\s*(#.*)?$`)
	makeLine = regexp.MustCompile(`^make\b`)
)

// expectation is a line of a script that ends where the line of a document does not end as it should: with the exit code
// that its comment names, else 0. A schedule is given a second, and a SIGTERM. What make does is not done.
func expectation(line string) string {
	if makeLine.MatchString(line) {
		return ":"
	}
	if m := endless.FindStringSubmatch(line); m != nil {
		return fmt.Sprintf("%s & sleep 1; kill $!; wait $! && exit 99 || test $? = 143", m[1])
	}
	if m := exits.FindStringSubmatch(line); m != nil {
		return fmt.Sprintf("{ %s; } && exit 99 || test $? = %s", m[1], m[2])
	}
	return line
}

// TestDocumentsParse parses every command that a document names, in its prose too: the command is there, its flags are, and
// it takes that many arguments. Targets of make are there as well.
func TestDocumentsParse(t *testing.T) {
	t.Parallel()
	targets := map[string]string{}
	parsed := 0
	for _, d := range documents(t) {
		var all []command
		for _, b := range d.blocks {
			if b.language == "sh" {
				all = append(all, b.commands()...)
			}
		}
		for _, i := range d.inline {
			all = append(all, commandsOf(i.code, i.line)...)
		}
		for _, c := range all {
			switch {
			case (c.words[0] == "segments" || c.words[0] == "bin/segments") && len(c.words) > 1:
				parsed++
				if err := parses(c.words[1:]); err != nil {
					t.Errorf("%s: %s: %v", d.at(c.line), strings.Join(c.words, " "), err)
				}
			case c.words[0] == "make" && len(c.words) > 1:
				targets[strings.Join(c.words[1:], " ")] = d.at(c.line)
			}
		}
	}
	if parsed < 50 {
		t.Errorf("only %d commands were found", parsed)
	}
	for words, at := range targets {
		c := exec.Command("make", append([]string{"-n", "-C", filepath.Join("..", "..")}, strings.Fields(words)...)...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: make %s: %v\n%s", at, words, err, out)
		}
	}
}

// parses says what is wrong with a command line; nothing is run.
func parses(args []string) error {
	a := &app{out: io.Discard, err: io.Discard, now: time.Now}
	root := a.root()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	c, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if err := c.ParseFlags(rest); errors.Is(err, pflag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if !c.Runnable() {
		return errors.New("it wants a command below it")
	}
	return cmp.Or(c.ValidateArgs(c.Flags().Args()), c.ValidateRequiredFlags())
}

// TestDocumentsLink follows every link within the repository, also to a heading, and wants every page of docs to be reached
// from the README.
func TestDocumentsLink(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	pages := map[string]*document{}
	for _, d := range documents(t) {
		pages[d.name] = d
	}
	reached, next := map[string]bool{}, []string{"README.md"}
	for len(next) > 0 {
		name := next[0]
		next = next[1:]
		if reached[name] || pages[name] == nil {
			continue
		}
		reached[name] = true
		for _, m := range link.FindAllStringSubmatch(pages[name].prose, -1) {
			to, heading, _ := strings.Cut(m[1], "#")
			if strings.Contains(to, ":") {
				continue // elsewhere
			}
			to = cmp.Or(to, path.Base(name))
			to = path.Join(path.Dir(name), to)
			if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(to))); err != nil {
				t.Errorf("%s: a link leads to %s, which is not there", name, m[1])
			}
			if heading != "" && pages[to] != nil && !slices.Contains(pages[to].headings(), heading) {
				t.Errorf("%s: a link leads to %s, and there is no such heading", name, m[1])
			}
			next = append(next, to)
		}
	}
	for name := range pages {
		if path.Dir(name) == "docs" && !reached[name] {
			t.Errorf("no link leads from the README to %s", name)
		}
	}
}

// headings are the anchors of the headings of d, as GitHub makes them.
func (d *document) headings() (out []string) {
	punctuation := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, l := range strings.Split(d.prose, "\n") {
		if m := regexp.MustCompile(`^#+ (.*)$`).FindStringSubmatch(l); m != nil {
			out = append(out, strings.ReplaceAll(punctuation.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
		}
	}
	return out
}

// TestDocumentsConfigure reads every piece of a configuration that a document shows, with a plain one around it.
func TestDocumentsConfigure(t *testing.T) {
	t.Parallel()
	section := regexp.MustCompile(`(?m)^[a-z]+:`)
	plain := map[string]string{
		"name:": "name: shop", "warehouse:": "warehouse: {duckdb: {path: shop.duckdb}}",
		"sources:": "sources: {orders: {from: o.csv, columns: {order_id: a, customer_id: b, ordered_at: c, amount: d}}}",
	}
	read := 0
	for _, d := range documents(t) {
		for _, b := range d.blocks {
			text := strings.Join(b.lines, "\n")
			if b.language != "yaml" || strings.HasPrefix(text, "- ") || strings.Contains(text, "apiVersion") {
				continue
			}
			read++
			for key, line := range plain {
				if !slices.Contains(section.FindAllString(text, -1), key) {
					text += "\n" + line
				}
			}
			if _, err := config.Parse("segments.yaml", []byte(strings.ReplaceAll(text, "PROJECT", "your-project")+"\n")); err != nil {
				t.Errorf("%s: %v", d.at(b.line), err)
			}
		}
	}
	if read < 5 {
		t.Errorf("only %d pieces were found", read)
	}
}

// What is not a command, and what cannot be told, is found.
func TestDocumentsAreRead(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{
		"rum", "run --asof 2026-10-31", "show a b", "export", "explain segment", "status now", "run -c", "tables sql",
	} {
		if parses(strings.Fields(wrong)) == nil {
			t.Errorf("segments %s is taken for a command", wrong)
		}
	}
	d := readMarkdown("page.md", strings.Join([]string{
		"Say `segments run` or", "`make it so`:", "", "    segments run --as-of 2026-10-31 \\", "      --quiet > log   # comment",
		"    cat > a.csv <<'END'", "    segments rum", "    END", "", "1. In a list", "",
		"       export A=b && bin/segments show \"a b\" | head -3", "",
		"```text", "segments rum", "```", "", "    gcloud projects list", "", "and", "", "    SELECT 1", "", "and", "", "    make test   # nothing else", "",
		"```sh", "segments check   # exit 64", "```",
	}, "\n"))
	var got []string
	for _, b := range d.blocks {
		kind := b.language
		if kind == "sh" {
			var err error
			kind, err = b.kind()
			check(t, err)
			for _, c := range b.commands() {
				got = append(got, fmt.Sprintf("%d %s", c.line, strings.Join(c.words, ",")))
			}
		}
		got = append(got, fmt.Sprintf("%d %s", b.line, kind))
	}
	equal(t, "blocks", got, []string{
		"4 segments,run,--as-of,2026-10-31,--quiet", "6 cat", "4 run",
		"12 export,A=b", "12 bin/segments,show,a b", "12 head,-3", "12 run", "15 text",
		"18 gcloud,projects,list", "18 foreign", "22 SELECT,1", "22 sql", "26 make,test", "26 make", "29 segments,check", "29 run",
	})
	if fmt.Sprint(d.inline) != "[{1 segments run} {2 make it so}]" {
		t.Errorf("in prose %v", d.inline)
	}
	for line, want := range map[string]string{
		"segments check   # exit 64":        "{ segments check; } && exit 99 || test $? = 64",
		"segments run     # ends with code": "segments run     # ends with code",
		"make test":                         ":",
	} {
		if got := expectation(line); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	for _, b := range []block{{lines: []string{"✓ published"}}, {lines: []string{"segments run", "gcloud projects list"}}} {
		if kind, err := b.kind(); err == nil {
			t.Errorf("%q is of the kind %s", b.lines, kind)
		}
	}
}
