package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
)

// Markdown returns the reference page of what schema, of Schema, describes: a section for each key of the file, with the
// keys below it.
func Markdown(schema []byte) (string, error) {
	var root jsonschema.Schema
	if err := json.Unmarshal(schema, &root); err != nil {
		return "", fmt.Errorf("schema: %w", err)
	}
	var b strings.Builder
	b.WriteString("# Configuration\n\nOne YAML file, strict: unknown keys are refused, and every mistake is told with file, line and column.\n" +
		"`segments explain config KEY` says the same as this page, which is generated; `docs/config.schema.json` is for editors.\n")
	for p := root.Properties.Oldest(); p != nil; p = p.Next() {
		s := plainSchema(p.Value)
		needed := ""
		if slices.Contains(root.Required, p.Key) {
			needed = " Needed."
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s%s\n", p.Key, s.Description, needed)
		if leaf(s) {
			if facts := factsOf(s); facts != "" {
				fmt.Fprintf(&b, "\n%s\n", capital(facts))
			}
			continue
		}
		b.WriteString("\n| key | type | default | what it does |\n|---|---|---|---|\n")
		markdownRows(&b, s, p.Key+".")
	}
	return b.String(), nil
}

// leaf says whether s has no keys of its own to list.
func leaf(s *jsonschema.Schema) bool {
	in := container(s)
	return in.Properties == nil || in.Properties.Len() == 0
}

// factsOf says the type, the default and the accepted values of s.
func factsOf(s *jsonschema.Schema) string {
	facts := []string{kindWords(s)}
	if s.Default != nil {
		facts = append(facts, "default `"+written(s.Default)+"`")
	}
	if a := accepted(s); a != "" {
		facts = append(facts, "accepted: "+a)
	}
	for _, e := range s.Examples {
		facts = append(facts, "for example `"+written(e)+"`")
	}
	return strings.Join(facts, "; ") + "."
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// markdownRows writes a row for each key below s, those of mappings after their own.
func markdownRows(b *strings.Builder, s *jsonschema.Schema, above string) {
	in := container(s)
	for p := in.Properties.Oldest(); p != nil; p = p.Next() {
		child := plainSchema(p.Value)
		kind, byDefault, text := kindWords(child), "", child.Description
		if slices.Contains(in.Required, p.Key) {
			kind += ", needed"
		}
		if child.Default != nil {
			byDefault = "`" + written(child.Default) + "`"
		}
		if a := accepted(child); a != "" {
			text = strings.TrimSpace(text + " Accepted: " + a + ".")
		}
		for _, e := range child.Examples {
			text = strings.TrimSpace(text + " Example: `" + written(e) + "`.")
		}
		fmt.Fprintf(b, "| `%s%s` | %s | %s | %s |\n", above, p.Key, kind, byDefault, strings.NewReplacer("|", "\\|", "\n", " ").Replace(text))
		if !leaf(child) {
			markdownRows(b, child, above+p.Key+".")
		}
	}
}
