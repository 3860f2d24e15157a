package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// A shaper compares nodes with the Go types that they are about to be decoded into. The YAML library would read 2.7 as 2
// and "3" as 3, overlook a whole mapping that has a number among its keys, and not name the key in what it says.
type shaper struct {
	c     *Config
	known []string // the keys of the whole type, to say where a misplaced one belongs
	found Errors
	bad   map[*ast.MappingValueNode]bool // the entries that do not fit
}

// shape returns what of n does not fit what into points to, and the rest of n.
func (c *Config) shape(n ast.Node, into any) (found Errors, fits ast.Node) {
	t := reflect.TypeOf(into).Elem()
	s := shaper{c: c, known: paths(t, ""), bad: map[*ast.MappingValueNode]bool{}}
	if !s.value(n, t, "", strings.TrimPrefix(strings.TrimPrefix(n.GetPath(), "$"), ".")) {
		return s.found, nil
	}
	return s.found, s.without(n)
}

// without returns n without the entries that do not fit.
func (s *shaper) without(n ast.Node) ast.Node {
	if len(s.bad) == 0 {
		return n
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		m := *n
		m.Values = nil
		for _, e := range n.Values {
			if kept := s.without(e); kept != nil {
				m.Values = append(m.Values, kept.(*ast.MappingValueNode))
			}
		}
		return &m
	case *ast.MappingValueNode:
		if s.bad[n] {
			return nil
		}
		e := *n
		e.Value = s.without(n.Value)
		return &e
	}
	return n
}

// refuse says that n, the value or the entry of key, does not fit.
func (s *shaper) refuse(key string, n ast.Node, msg string) bool {
	s.found.add(s.c.about(key, n, msg))
	return false
}

var (
	nodeType   = reflect.TypeFor[ast.Node]()
	ownReaders = []reflect.Type{
		reflect.TypeFor[yaml.InterfaceUnmarshaler](), reflect.TypeFor[yaml.NodeUnmarshaler](),
		reflect.TypeFor[yaml.BytesUnmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
	}
)

// value says whether n, the value of key, fits t. tag is the jsonschema tag of the field that it goes to.
func (s *shaper) value(n ast.Node, t reflect.Type, tag, key string) bool {
	if t == nodeType || t.Kind() == reflect.Interface {
		return true
	}
	if empty(n) {
		if t.Kind() == reflect.Struct || t.Kind() == reflect.Map {
			return true // whoever comments out what is below a key leaves null
		}
		s.found.add(s.c.errorf(key, "has no value; give it one or leave the key out"))
		return false
	}
	if slices.ContainsFunc(ownReaders, reflect.PointerTo(t).Implements) {
		if err := try(n, t); err != nil {
			s.found.add(s.c.errorf(key, "%s", err))
			return false
		}
		return true
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.value(n, t.Elem(), tag, key)
	case reflect.Struct:
		return s.mapping(n, key, fields(t), nil)
	case reflect.Map:
		return s.mapping(n, key, nil, t.Elem())
	case reflect.Slice:
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			return s.wrong(n, key, "a list such as [a, b]")
		}
		fits := true
		for i, item := range list.Values {
			at := fmt.Sprintf("%s[%d]", key, i)
			if empty(item) {
				fits = s.refuse(at, item, "has no value")
			} else {
				before := len(s.bad)
				fits = s.value(item, t.Elem(), "", at) && len(s.bad) == before && fits
			}
		}
		return fits
	}
	if want := scalar(n, t, tag); want != "" {
		return s.wrong(n, key, want)
	}
	return true
}

// try reads n into a new value of type t.
func try(n ast.Node, t reflect.Type) error {
	err := yaml.NodeToValue(n, reflect.New(t).Interface(), yaml.Strict())
	var ye yaml.Error
	if errors.As(err, &ye) {
		return errors.New(plain(ye.GetMessage()))
	}
	return err
}

// mapping looks at the entries of n: those of a struct, or of a map whose values are of type elem. It says whether n is a
// mapping at all; entries that do not fit are bad.
func (s *shaper) mapping(n ast.Node, key string, of []field, elem reflect.Type) bool {
	if !isMapping(n) {
		return s.wrong(n, key, "a mapping (key: value)")
	}
	seen := map[string]bool{}
	for _, e := range entries(n) {
		name := keyText(e)
		if !s.entry(n, e, strings.TrimPrefix(key+"."+name, "."), seen[name], of, elem) {
			s.bad[e] = true
		}
		seen[name] = true
	}
	return true
}

// entry says whether e, an entry of n whose key is path, fits. twice says that there was one of its name before.
func (s *shaper) entry(n ast.Node, e *ast.MappingValueNode, path string, twice bool, of []field, elem reflect.Type) bool {
	name := keyText(e)
	names := make([]string, len(of))
	for i, f := range of {
		names[i] = f.name
	}
	i := slices.Index(names, name)
	switch {
	case twice:
		return s.refuse(path, e.Key, "is there twice; keep one of them")
	case elem != nil && e.Key.Type() != ast.StringType:
		return s.refuse(path, e.Key, "the key is no text; put it in quotes")
	case elem != nil && elem != nodeType && empty(e.Value) && isFlow(n):
		return s.refuse(path, e.Key, "has no value; between { and }, a text with a comma needs quotes")
	case elem == nil && i < 0:
		unknown := s.c.about(path, e.Key, "unknown key"+suggest(name, names, s.known))
		for _, near := range Nearest(name, names) {
			unknown.meant = append(unknown.meant, strings.TrimSuffix(path, name)+near)
		}
		s.found.add(unknown)
		return false
	}
	t, tag := elem, ""
	if elem == nil {
		t, tag = of[i].t, of[i].tag
	}
	return s.value(e.Value, t, tag, path)
}

func isFlow(n ast.Node) bool {
	m, ok := n.(*ast.MappingNode)
	return ok && m.IsFlowStyle
}

// wrong says that n is not what is wanted.
func (s *shaper) wrong(n ast.Node, key, want string) bool {
	what := n.GetToken().Value
	switch n.Type() {
	case ast.MappingType, ast.MappingValueType:
		what = "is a mapping"
	case ast.SequenceType:
		what = "is a list"
	case ast.LiteralType:
		what = "is text"
	case ast.StringType:
		if unquoted(n) && wholeForm.MatchString(what) {
			break // so large that the library takes it for text
		}
		if r := []rune(what); len(r) > 40 {
			what = string(r[:40]) + "…"
		}
		what = strconv.Quote(what) + " is text"
	default:
		if want == "text" {
			want += "; put it in quotes"
		}
	}
	if key == "" {
		s.found.add(s.c.at(n, "the file is no mapping; want keys such as name: shop"))
		return false
	}
	return s.refuse(key, n, what+", want "+want)
}

func unquoted(n ast.Node) bool { return n.GetToken().Type == token.StringType }

// isNumber says whether n is a finite decimal number, as a person writes it.
func isNumber(n ast.Node) bool {
	switch n.Type() {
	case ast.IntegerType, ast.FloatType:
	case ast.StringType:
		if !unquoted(n) { // 5e-2 is a number that the library takes for text
			return false
		}
	default:
		return false
	}
	text := n.GetToken().Value
	f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	return numberForm.MatchString(text) && err == nil && !math.IsInf(f, 0)
}

var (
	wholeForm  = regexp.MustCompile(`^[-+]?(0|[1-9][0-9_]*)$`)
	numberForm = regexp.MustCompile(`^[-+]?(0|[1-9][0-9_]*)?(\.[0-9]*)?([eE][-+]?[0-9]+)?$`)
)

// scalar returns what is wanted in place of n where it is no value of type t.
func scalar(n ast.Node, t reflect.Type, tag string) string {
	kind, text := n.Type(), n.GetToken().Value
	whole := kind == ast.IntegerType && wholeForm.MatchString(text)
	switch t.Kind() {
	case reflect.String:
		if kind != ast.StringType && kind != ast.LiteralType && (!whole || !strings.Contains(tag, "integer")) {
			return "text"
		}
	case reflect.Bool:
		if kind != ast.BoolType {
			return "true or false"
		}
	case reflect.Float32, reflect.Float64:
		if !isNumber(n) {
			return "a number"
		}
	default:
		switch {
		case unquoted(n) && wholeForm.MatchString(text), whole && try(n, t) != nil:
			return "a number nearer to 0"
		case !whole:
			return "a whole number"
		}
	}
	return ""
}

// A field is a key that a struct reads.
type field struct {
	name string
	t    reflect.Type
	tag  string // its jsonschema tag
}

func fields(t reflect.Type) []field {
	var out []field
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if f.IsExported() && name != "" && name != "-" {
			out = append(out, field{name, f.Type, f.Tag.Get("jsonschema")})
		}
	}
	return out
}

// paths returns the keys of t and of the structs in it, with dots between.
func paths(t reflect.Type, above string) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var out []string
	for _, f := range fields(t) {
		out = append(out, above+f.name)
		out = append(out, paths(f.t, above+f.name+".")...)
	}
	return out
}
