package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A document is a text file that tells people what to type: Markdown, or YAML with comments. Its name is from the root of
// the repository.
type document struct {
	name   string
	prose  string   // without its blocks
	blocks []block  // of code
	inline []inline // code within the prose
}

// A block is code as it stands in a document, without the indentation that all of it has.
type block struct {
	line     int // of its first line, from 1
	language string
	lines    []string
}

// inline is code between backquotes.
type inline struct {
	line int
	code string
}

// at says where something is, as editors read it.
func (d *document) at(line int) string { return fmt.Sprintf("%s:%d", d.name, line) }

// documents returns every page of the documentation, and every YAML file that has commands in its comments.
func documents(t testing.TB) []*document {
	t.Helper()
	var out []*document
	for _, pattern := range []string{
		"*.md", "docs/*.md", "docs/decisions/*.md", "examples/*/*.md",
		"examples/*/*.yaml", "k8s/*/*.yaml", "k8s/*/*/*.yaml", "pipeline/demo/*.yaml",
	} {
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(pattern)))
		check(t, err)
		for _, f := range files {
			text, err := os.ReadFile(f)
			check(t, err)
			name, err := filepath.Rel(filepath.Join("..", ".."), f)
			check(t, err)
			name = filepath.ToSlash(name)
			if path.Ext(name) == ".md" {
				out = append(out, readMarkdown(name, string(text)))
			} else {
				out = append(out, readComments(name, string(text)))
			}
		}
	}
	return out
}

var (
	fence      = regexp.MustCompile("^( *)```(.*)$")
	codeInLine = regexp.MustCompile("`([^`]+)`")
)

// readMarkdown knows as much of Markdown as the documents use: fenced blocks, blocks indented by four spaces or more after
// an empty line, and code in backquotes that ends on its line or the next.
func readMarkdown(name, text string) *document {
	d := &document{name: name}
	lines := strings.Split(text, "\n")
	prose := make([]string, len(lines))
	for i := 0; i < len(lines); i++ {
		begin := i
		switch m := fence.FindStringSubmatch(lines[i]); {
		case m != nil:
			b := block{line: i + 2, language: m[2]}
			if b.language == "" {
				b.language = "sh"
			}
			for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "```"; i++ {
				b.lines = append(b.lines, strings.TrimPrefix(lines[i], m[1]))
			}
			d.blocks = append(d.blocks, b)
		case strings.HasPrefix(lines[i], "    ") && strings.TrimSpace(lines[i-1]) == "":
			for i+1 < len(lines) && (strings.HasPrefix(lines[i+1], "    ") || strings.TrimSpace(lines[i+1]) == "") {
				i++
			}
			d.blocks = append(d.blocks, dedent(begin+1, lines[begin:i+1]))
		default:
			prose[i] = lines[i]
		}
	}
	d.prose = strings.Join(prose, "\n")
	for _, m := range codeInLine.FindAllStringSubmatchIndex(d.prose, -1) {
		code := strings.Join(strings.Fields(d.prose[m[2]:m[3]]), " ")
		d.inline = append(d.inline, inline{1 + strings.Count(d.prose[:m[0]], "\n"), code})
	}
	return d
}

// dedent makes a block of lines that are indented.
func dedent(line int, lines []string) block {
	b := block{line: line, language: "sh"}
	indent := len(lines[0]) - len(strings.TrimLeft(lines[0], " "))
	for _, l := range lines {
		b.lines = append(b.lines, strings.TrimPrefix(l, lines[0][:indent]))
	}
	for len(b.lines) > 0 && strings.TrimSpace(b.lines[len(b.lines)-1]) == "" {
		b.lines = b.lines[:len(b.lines)-1]
	}
	return b
}

// readComments reads a YAML file: comments indented by two spaces or more are blocks.
func readComments(name, text string) *document {
	d := &document{name: name}
	begin := 0
	var at []string
	end := func() {
		if at != nil {
			d.blocks = append(d.blocks, dedent(begin, at))
		}
		at = nil
	}
	for i, l := range strings.Split(text, "\n") {
		_, comment, _ := strings.Cut(l, "#")
		for _, m := range codeInLine.FindAllStringSubmatch(comment, -1) {
			d.inline = append(d.inline, inline{i + 1, m[1]})
		}
		if !strings.HasPrefix(l, "#   ") {
			end()
			continue
		}
		if at == nil {
			begin = i + 1
		}
		at = append(at, l[len("# "):])
	}
	end()
	return d
}

// What the first word of a block says of it. Blocks of our own command, and of what every POSIX system has, are run in the
// document's sandbox; foreign ones need an account, a cluster or the source tree.
var (
	runnable = words("segments bin/segments awk cat cd cp cut export grep head ls mkdir mv printf rm sed sort tail")
	foreign  = words("bash bq bin/on-emulator docker gcloud git go grant kubectl node npm")
	queries  = words("SELECT WITH FROM")
)

func words(s string) []string { return strings.Fields(s) }

// kind says what a block of language sh is: run, make, foreign or sql.
func (b block) kind() (string, error) {
	first := strings.Fields(b.lines[0] + " .")[0]
	if slices.Contains(queries, first) {
		return "sql", nil
	}
	all := b.commands()
	has := func(names []string) bool {
		return slices.ContainsFunc(all, func(c command) bool { return slices.Contains(names, c.words[0]) })
	}
	ours := has(words("segments bin/segments"))
	switch {
	case has(foreign) && ours:
		return "", errors.New("commands of ours beside those that need an account or a cluster: make two blocks of them")
	case has(foreign) || len(all) == 0:
		return "foreign", nil
	case first == "make" && !ours:
		return "make", nil
	case ours || slices.Contains(runnable, first):
		return "run", nil
	}
	return "", fmt.Errorf("%q is no command that is known here: fence output as text, or name the command in docs_text_test.go", first)
}

// A command is a simple command of a block.
type command struct {
	line  int
	words []string
}

var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=\S*$`)

// commands lists the simple commands of a block, as far as a shell's words can be told without a shell. What stands in
// a here-document is none.
func (b block) commands() (out []command) {
	var here string
	for i := 0; i < len(b.lines); i++ {
		line, begin := b.lines[i], b.line+i
		if here != "" {
			if line == here {
				here = ""
			}
			continue
		}
		for strings.HasSuffix(line, "\\") && i+1 < len(b.lines) {
			i++
			line = strings.TrimSuffix(line, "\\") + " " + b.lines[i]
		}
		if m := regexp.MustCompile(`<<-?\s*'?(\w+)'?`).FindStringSubmatch(line); m != nil {
			here, line = m[1], strings.Replace(line, m[0], "", 1)
		}
		out = append(out, commandsOf(line, begin)...)
	}
	return out
}

// commandsOf splits a line into commands and these into words; quotes hold words together, redirections are left out.
func commandsOf(line string, at int) (out []command) {
	var words []string
	word, inWord, quote, redirected := "", false, rune(0), false
	endWord := func() {
		if inWord && !redirected && !(len(words) == 0 && assignment.MatchString(word)) {
			words = append(words, word)
		}
		if inWord {
			redirected = false
		}
		word, inWord = "", false
	}
	endCommand := func() {
		if endWord(); len(words) > 0 {
			out = append(out, command{at, words})
		}
		words, redirected = nil, false
	}
loop:
	for _, r := range line {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word += string(r)
			}
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == '#' && !inWord:
			break loop
		case r == ' ' || r == '\t':
			endWord()
		case r == '|' || r == '&' || r == ';':
			endCommand()
		case r == '>' || r == '<':
			if word == "2" {
				word, inWord = "", false
			}
			endWord()
			redirected = true
		default:
			word, inWord = word+string(r), true
		}
	}
	endCommand()
	return out
}
