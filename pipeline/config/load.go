package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxSize and maxDepth are beyond every configuration that a person writes. The YAML library takes time that grows with
// the square of the size, and memory that grows with the square of the depth: gigabytes for a file of hyphens.
const (
	maxSize  = 128 << 10
	maxDepth = 64
)

// Load reads the configuration in file. Every error is an Error, or Errors where there are several mistakes.
func Load(file string) (*Config, error) {
	c, err := Read(file)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Read is Load for whoever looks for further mistakes: where there are some, it returns with them what could be read,
// unless the file is no YAML mapping at all.
func Read(file string) (*Config, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{File: file, Message: "there is no such file"}
	}
	if err != nil {
		return nil, &Error{File: file, Message: whyNot(err)}
	}
	defer func() { _ = f.Close() }() // it is only read
	src, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, &Error{File: file, Message: whyNot(err)}
	}
	return read(file, src)
}

// whyNot says why a file cannot be read, without its name.
func whyNot(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return "it cannot be read: " + at.Err.Error()
	}
	return err.Error()
}

// Parse is Load of a file's content. Relative paths in it are relative to the folder of file.
func Parse(file string, src []byte) (*Config, error) {
	c, err := read(file, src)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func read(file string, src []byte) (*Config, error) {
	c := Default()
	c.file = file
	if len(src) > maxSize {
		return nil, &Error{File: file, Message: fmt.Sprintf("the file is larger than %d KiB; is it a configuration?", maxSize>>10)}
	}
	if err := c.text(src); err != nil {
		return nil, err
	}
	if err := c.parse(); err != nil {
		return nil, err
	}
	found := c.decode(c.root, &c)
	if !isMapping(c.root) {
		return nil, found.Err()
	}
	c.check(&found)
	c.resolve(&found)
	return &c, found.Err()
}

// text keeps src as lines that end with \n, without a byte order mark. It refuses what is not text.
func (c *Config) text(src []byte) error {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	c.src = bytes.ReplaceAll(src, []byte("\r"), []byte("\n"))
	line, column := 1, 1
	for at := 0; at < len(c.src); {
		r, size := utf8.DecodeRune(c.src[at:])
		switch {
		case r == utf8.RuneError && size == 1:
			return &Error{File: c.file, Line: line, Column: column, Message: fmt.Sprintf(
				"the file is not UTF-8: there is a byte %#02x; save it as UTF-8", c.src[at])}
		case unicode.IsControl(r) && r != '\n' && r != '\t':
			return &Error{File: c.file, Line: line, Column: column, Message: fmt.Sprintf(
				"the file is not plain text: there is a control character %U", r)}
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
		at += size
	}
	return nil
}

// parse finds the one mapping that the file is.
func (c *Config) parse() error {
	var doc *ast.File
	err := guarded(func() (err error) {
		tokens := lexer.Tokenize(string(c.src))
		if t := tooDeep(tokens); t != nil {
			return c.atToken(t, "this is nested too deeply")
		}
		doc, err = parser.Parse(tokens, 0)
		return err
	})
	if err != nil {
		return c.wrap(err)
	}
	for _, d := range doc.Docs {
		switch {
		case d.Body == nil, d.Body.Type() == ast.DirectiveType, d.Body.Type() == ast.CommentType:
		case c.root != nil:
			return c.at(d.Body, "a second YAML document begins here; want one")
		default:
			c.root = d.Body
		}
	}
	if empty(c.root) {
		return &Error{File: c.file, Message: "the file is empty; want name, warehouse and sources at least"}
	}
	var refused error
	ast.Walk(visitor(func(n ast.Node) {
		if refused != nil {
			return
		}
		if what := refusedNodes[n.Type()]; what != "" {
			refused = c.at(n, what+" are not taken: write the value out")
		}
		if t := n.GetToken(); t != nil && t.Type == token.StringType && strings.Contains(strings.TrimSpace(t.Origin), "\t") {
			refused = c.at(n, "there is a tab in this text; use spaces, or put it in quotes") // the YAML library would drop it
		}
	}), c.root)
	return refused
}

// tooDeep returns the token below which a file is nested deeper than maxDepth, by brackets or by hyphens on one line;
// indentation takes so much space that maxSize limits it.
func tooDeep(tokens token.Tokens) *token.Token {
	brackets, hyphens, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			hyphens, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			brackets++
		case token.MappingEndType, token.SequenceEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType:
			hyphens++
		}
		if brackets > maxDepth || hyphens > maxDepth {
			return t
		}
	}
	return nil
}

// guarded returns what f returns, or an error where f panics: the YAML library has had panics on malformed files
// (https://github.com/goccy/go-yaml/issues/890).
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the YAML library gave up (%v)", r)
		}
	}()
	return f()
}

var refusedNodes = map[ast.NodeType]string{
	ast.AnchorType: "anchors (&) and aliases (*)", ast.AliasType: "anchors (&) and aliases (*)",
	ast.MergeKeyType: "merge keys (<<)", ast.TagType: "tags (!)", ast.MappingKeyType: "complex keys (?)",
}

type visitor func(ast.Node)

// Visit implements ast.Visitor.
func (v visitor) Visit(n ast.Node) ast.Visitor { v(n); return v }

// empty says whether n is nothing or null.
func empty(n ast.Node) bool { return n == nil || n.Type() == ast.NullType }
