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
}

// shape checks that n fits what into points to.
func (c *Config) shape(n ast.Node, into any) error {
	t := reflect.TypeOf(into).Elem()
	return shaper{c, paths(t, "")}.value(n, t, "", strings.TrimPrefix(strings.TrimPrefix(n.GetPath(), "$"), "."))
}

var (
	nodeType   = reflect.TypeFor[ast.Node]()
	ownReaders = []reflect.Type{
		reflect.TypeFor[yaml.InterfaceUnmarshaler](), reflect.TypeFor[yaml.NodeUnmarshaler](),
		reflect.TypeFor[yaml.BytesUnmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
	}
)

// value checks n, the value of key. tag is the jsonschema tag of the field that it goes to.
func (s shaper) value(n ast.Node, t reflect.Type, tag, key string) error {
	if t == nodeType || t.Kind() == reflect.Interface {
		return nil
	}
	if empty(n) {
		if t.Kind() == reflect.Struct || t.Kind() == reflect.Map {
			return nil // whoever comments out what is below a key leaves null
		}
		return s.c.Errorf(key, "has no value; give it one or leave the key out")
	}
	if slices.ContainsFunc(ownReaders, reflect.PointerTo(t).Implements) {
		if err := try(n, t); err != nil {
			return s.c.Errorf(key, "%s", err)
		}
		return nil
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
		for i, item := range list.Values {
			at := fmt.Sprintf("%s[%d]", key, i)
			if empty(item) {
				return s.c.at(item, at+": has no value")
			}
			if err := s.value(item, t.Elem(), "", at); err != nil {
				return err
			}
		}
		return nil
	}
	if want := scalar(n, t, tag); want != "" {
		return s.wrong(n, key, want)
	}
	return nil
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

// mapping checks the entries of n: those of a struct, or of a map whose values are of type elem.
func (s shaper) mapping(n ast.Node, key string, of []field, elem reflect.Type) error {
	if !isMapping(n) {
		return s.wrong(n, key, "a mapping (key: value)")
	}
	names := make([]string, len(of))
	for i, f := range of {
		names[i] = f.name
	}
	seen := map[string]bool{}
	for _, e := range entries(n) {
		name := keyText(e)
		path := strings.TrimPrefix(key+"."+name, ".")
		i := slices.Index(names, name)
		switch {
		case seen[name]:
			return s.c.at(e.Key, path+": is there twice; keep one of them")
		case elem != nil && e.Key.Type() != ast.StringType:
			return s.c.at(e.Key, path+": the key is no text; put it in quotes")
		case elem != nil && elem != nodeType && empty(e.Value) && isFlow(n):
			return s.c.at(e.Key, path+": has no value; between { and }, a text with a comma needs quotes")
		case elem == nil && i < 0:
			return s.c.at(e.Key, path+": unknown key"+suggest(name, names, s.known))
		}
		seen[name] = true
		t, tag := elem, ""
		if elem == nil {
			t, tag = of[i].t, of[i].tag
		}
		if err := s.value(e.Value, t, tag, path); err != nil {
			return err
		}
	}
	return nil
}

func isFlow(n ast.Node) bool {
	m, ok := n.(*ast.MappingNode)
	return ok && m.IsFlowStyle
}

// wrong says that n is not what is wanted.
func (s shaper) wrong(n ast.Node, key, want string) error {
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
		return s.c.at(n, "the file is no mapping; want keys such as name: shop")
	}
	return s.c.at(n, key+": "+what+", want "+want)
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
