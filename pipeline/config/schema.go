package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/invopop/jsonschema"

	"segments/sql"
)

// Schema returns the JSON Schema (draft 2020-12) of a configuration file, for editors and for Describe. warehouses and
// transforms are the components by name, each the struct of defaults that its section is decoded into, or a pointer to
// it. Their fields need yaml tags; jsonschema and jsonschema_description tags are taken over. A default is the field's
// value in the struct, unless that is empty or below the field's own minimum: such a value stands for one that is found
// out later.
func Schema(warehouses, transforms map[string]any) ([]byte, error) {
	s := reflected(Default())
	s.Version, s.Title = jsonschema.Version, "Configuration of segments"
	prop(s, "name").Pattern = nameForm.String()
	prop(s, "currency", "code").Pattern = currencyForm.String()
	prop(s, "schedule").Pattern = `^\S+( \S+){4}$`

	prop(s, "currency").DependentRequired = map[string][]string{"rates": {"code"}}
	rates := prop(s, "currency", "rates")
	rates.PropertyNames = &jsonschema.Schema{Pattern: currencyForm.String()}
	rates.AdditionalProperties.ExclusiveMinimum = "0"

	one := uint64(1)
	w := prop(s, "warehouse")
	w.MinProperties, w.MaxProperties = &one, &one
	if err := components(w, "warehouse", warehouses); err != nil {
		return nil, err
	}
	if err := components(prop(s, "transforms"), "transforms", transforms); err != nil {
		return nil, err
	}

	src := prop(s, "sources")
	src.AnyOf = []*jsonschema.Schema{{Required: []string{"orders"}}, {Required: []string{"customers"}}}
	for _, name := range sql.SourceNames() {
		source(prop(src, name), name)
	}
	nullable(s)

	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	err := enc.Encode(s)
	return out.Bytes(), err
}

// reflected returns the schema of v, a struct, with the values in v as defaults.
func reflected(v any) *jsonschema.Schema {
	r := jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, ExpandedStruct: true, FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if t == reflect.TypeFor[map[string]ast.Node]() {
				return &jsonschema.Schema{Type: "object", AdditionalProperties: jsonschema.FalseSchema}
			}
			return nil
		},
	}
	s := r.Reflect(v)
	s.Version = ""
	defaults(s, reflect.ValueOf(v))
	return s
}

// defaults puts the values in v, a struct, into its schema s.
func defaults(s *jsonschema.Schema, v reflect.Value) {
	for _, f := range reflect.VisibleFields(v.Type()) {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		p := prop(s, name)
		if p == nil || f.Type == reflect.TypeFor[map[string]ast.Node]() {
			continue
		}
		value := v.FieldByIndex(f.Index)
		if f.Type.Kind() == reflect.Struct {
			defaults(p, value)
			continue
		}
		text, err := json.Marshal(value.Interface())
		unset := slices.Contains([]string{`""`, "null", "[]", "{}"}, string(text)) || slices.Contains(s.Required, name)
		if err == nil && !unset && !(value.IsZero() && p.Minimum != "" && p.Minimum != "0") {
			p.Default = json.RawMessage(text)
		}
	}
}

// prop returns the property at the path below s, nil where there is none.
func prop(s *jsonschema.Schema, path ...string) *jsonschema.Schema {
	for _, name := range path {
		if s == nil || s.Properties == nil {
			return nil
		}
		s, _ = s.Properties.Get(name)
	}
	return s
}

// components makes the structs in them properties of s.
func components(s *jsonschema.Schema, key string, them map[string]any) error {
	s.Properties = jsonschema.NewProperties()
	for _, name := range sortedKeys(them) {
		v := reflect.Indirect(reflect.ValueOf(them[name]))
		if v.Kind() != reflect.Struct {
			return fmt.Errorf("%s.%s: %T, want a struct or a pointer to one", key, name, them[name])
		}
		for _, f := range reflect.VisibleFields(v.Type()) {
			if f.IsExported() && f.Tag.Get("yaml") == "" {
				return fmt.Errorf("%s.%s: field %s has no yaml tag", key, name, f.Name)
			}
		}
		c := reflected(v.Interface())
		c.Description = fmt.Sprintf("The settings of %s.", name)
		s.Properties.Set(name, c)
	}
	return nil
}

// source completes the schema of the source called name.
func source(s *jsonschema.Schema, name string) {
	s.OneOf = []*jsonschema.Schema{{Required: []string{"from"}}, {Required: []string{"query"}}}
	columns := prop(s, "columns")
	columns.AdditionalProperties = jsonschema.FalseSchema
	columns.Properties = jsonschema.NewProperties()
	for _, c := range sql.SourceColumns(name) {
		columns.Properties.Set(c.Name, &jsonschema.Schema{Type: "string", Pattern: `\S`, Description: c.Doc})
		if c.Needed {
			columns.Required = append(columns.Required, c.Name)
		}
	}
	if name != "customers" {
		s.Properties.Delete("attributes")
		return
	}
	attributes := prop(s, "attributes")
	attributes.UniqueItems, attributes.Items.Pattern = true, `\S`
}

// nullable lets every mapping below s that needs no key be null: what a key is when all below it is commented out.
func nullable(s *jsonschema.Schema) {
	if s.Properties == nil {
		return
	}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		nullable(p.Value)
		if v := p.Value; v.Type == "object" && v.Required == nil && v.OneOf == nil && !slices.Contains(s.Required, p.Key) {
			p.Value = &jsonschema.Schema{OneOf: []*jsonschema.Schema{v, {Type: "null"}}}
		}
	}
}
