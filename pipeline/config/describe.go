package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
)

// Describe says in words what schema, of Schema, says of key, given with dots between as in validation.gate: what it
// does, its type, its default, what it accepts, and the keys below it. An empty key is the whole file. The error for a
// key that is not there names the nearest ones.
func Describe(schema []byte, key string) (string, error) {
	var root jsonschema.Schema
	if err := json.Unmarshal(schema, &root); err != nil {
		return "", fmt.Errorf("schema: %w", err)
	}
	s, needed, err := lookUp(&root, key)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	kind := kindWords(s)
	if needed {
		kind += ", needed"
	}
	if key == "" {
		key = "the configuration"
	}
	fmt.Fprintf(&b, "%s: %s\n", key, kind)
	if s.Description != "" {
		fmt.Fprintf(&b, "\n%s\n", s.Description)
	}
	var facts []string
	if s.Default != nil {
		facts = append(facts, "Default: "+written(s.Default))
	}
	if a := accepted(s); a != "" {
		facts = append(facts, "Accepted: "+a)
	}
	for _, e := range s.Examples {
		facts = append(facts, "Example: "+written(e))
	}
	if facts != nil {
		fmt.Fprintf(&b, "\n%s\n", strings.Join(facts, "\n"))
	}
	keysBelow(&b, s)
	return b.String(), nil
}

// lookUp finds the schema of key and whether its parent needs it.
func lookUp(root *jsonschema.Schema, key string) (s *jsonschema.Schema, needed bool, err error) {
	s = root
	if key == "" {
		return s, false, nil
	}
	for _, name := range strings.Split(key, ".") {
		in := container(s)
		child := prop(in, name)
		if other := in.AdditionalProperties; child == nil && open(other) {
			child = other
		}
		if child == nil {
			var here []string
			if in.Properties != nil {
				for p := in.Properties.Oldest(); p != nil; p = p.Next() {
					here = append(here, p.Key)
				}
			}
			return nil, false, fmt.Errorf("%s: there is no key %s%s", key, name, suggest(name, here, schemaPaths(root)))
		}
		needed = slices.Contains(in.Required, name)
		s = plainSchema(child)
	}
	return s, needed, nil
}

// plainSchema returns s, or of a choice between it and null, it.
func plainSchema(s *jsonschema.Schema) *jsonschema.Schema {
	if len(s.OneOf) == 2 && s.OneOf[1].Type == "null" {
		return s.OneOf[0]
	}
	return s
}

// container returns what has the keys: s, or of a list, its items.
func container(s *jsonschema.Schema) *jsonschema.Schema {
	if s.Items != nil {
		return plainSchema(s.Items)
	}
	return s
}

// open says whether s, the schema of keys that are not listed, lets any in.
func open(s *jsonschema.Schema) bool { return s != nil && s.Type != "" }

// schemaPaths returns the keys below s, with dots between.
func schemaPaths(s *jsonschema.Schema) []string {
	var out []string
	for _, k := range keysOf(s, "") {
		out = append(out, k.Name)
	}
	return out
}

// kindWords says of what type s is.
func kindWords(s *jsonschema.Schema) string {
	words := map[string]string{
		"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "object": "mapping", "null": "nothing",
	}
	switch {
	case s.Pattern == daysForm.String():
		return "days, such as 90d"
	case s.Pattern == durationPattern:
		return "duration, such as 2h or 30m"
	case s.Type == "array" && s.Items != nil:
		plural := map[string]string{"string": "texts", "integer": "whole numbers", "number": "numbers", "object": "mappings"}
		return "list of " + plural[s.Items.Type]
	case s.Type == "":
		var kinds []string
		for _, o := range s.OneOf {
			if o.Type == "array" {
				o = &jsonschema.Schema{Type: "array", Items: s.Items}
			}
			kinds = append(kinds, kindWords(o))
		}
		return strings.Join(kinds, " or ")
	}
	return words[s.Type]
}

// accepted says which values s takes.
func accepted(s *jsonschema.Schema) string {
	if s.Items != nil {
		s = s.Items
	}
	var values []string
	for _, e := range s.Enum {
		values = append(values, written(e))
	}
	switch {
	case values != nil:
	case s.Minimum != "" && s.Maximum != "":
		values = []string{fmt.Sprintf("%s to %s", s.Minimum, s.Maximum)}
	case s.ExclusiveMinimum != "" && s.ExclusiveMaximum != "":
		values = []string{fmt.Sprintf("between %s and %s", s.ExclusiveMinimum, s.ExclusiveMaximum)}
	case s.Minimum != "":
		values = []string{s.Minimum.String() + " or more"}
	case s.ExclusiveMinimum != "":
		values = []string{"above " + s.ExclusiveMinimum.String()}
	}
	return strings.Join(values, ", ")
}

// written returns v as a configuration has it.
func written(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return strings.ReplaceAll(string(text), ",", ", ")
}

// keysBelow lists the keys of a mapping, or of the mappings of a list.
func keysBelow(b *strings.Builder, s *jsonschema.Schema) {
	in := container(s)
	if in.Properties == nil || in.Properties.Len() == 0 {
		if in.Type == "object" && !open(in.AdditionalProperties) {
			b.WriteString("\nThere is nothing to set.\n")
		}
		return
	}
	width := 0
	for p := in.Properties.Oldest(); p != nil; p = p.Next() {
		width = max(width, len(p.Key))
	}
	b.WriteString("\nKeys:\n")
	for p := in.Properties.Oldest(); p != nil; p = p.Next() {
		child := plainSchema(p.Value)
		text := child.Description
		switch {
		case slices.Contains(in.Required, p.Key):
			text += " (needed)"
		case child.Default != nil:
			text += " (default " + written(child.Default) + ")"
		}
		fmt.Fprintln(b, strings.TrimRight(fmt.Sprintf("  %-*s  %s", width, p.Key, strings.TrimSpace(text)), " "))
	}
}

// A Key is a key of the configuration.
type Key struct {
	Name    string // with dots between
	Kind    string // what it takes, in words
	Default string // empty where there is none
	Doc     string
	Needed  bool
	Section bool // it has keys below it
}

// Keys lists the keys of schema, of Schema, each before those below it.
func Keys(schema []byte) ([]Key, error) {
	var root jsonschema.Schema
	if err := json.Unmarshal(schema, &root); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return keysOf(&root, ""), nil
}

func keysOf(s *jsonschema.Schema, above string) []Key {
	in := container(plainSchema(s))
	if in.Properties == nil {
		return nil
	}
	var out []Key
	for p := in.Properties.Oldest(); p != nil; p = p.Next() {
		child := plainSchema(p.Value)
		k := Key{Name: above + p.Key, Kind: kindWords(child), Doc: child.Description, Needed: slices.Contains(in.Required, p.Key)}
		if child.Default != nil {
			k.Default = written(child.Default)
		}
		below := keysOf(child, k.Name+".")
		k.Section = len(below) > 0
		out = append(append(out, k), below...)
	}
	return out
}
