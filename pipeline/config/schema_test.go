package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"segments/sql"
	"segments/transforms/behavior"
	"segments/transforms/cluster"
	"segments/transforms/clv"
	"segments/transforms/rfm"
	"segments/transforms/segment"
)

// fileWarehouse stands for a warehouse: the test binary shall not link a database.
type fileWarehouse struct {
	Path    string `yaml:"path" jsonschema:"required" jsonschema_description:"The database file."`
	Memory  string `yaml:"memory" jsonschema_description:"What it may use."`
	Threads int    `yaml:"threads" jsonschema:"minimum=1" jsonschema_description:"Threads of a query; the number of CPUs where it is not set."`
	Sync    bool   `yaml:"sync"`
}

func testSchema(t *testing.T) []byte {
	t.Helper()
	s, err := Schema(
		map[string]any{"duckdb": fileWarehouse{Memory: "3GB"}},
		map[string]any{"rfm": rfm.New(), "clv": clv.New(), "cluster": cluster.New(), "behavior": behavior.New(), "segment": segment.New()},
	)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate holds a YAML file against the schema.
func validate(t *testing.T, schema, src []byte) error {
	t.Helper()
	doc, err := validator.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	c.DefaultDraft(validator.Draft7) // so that it is the schema itself that asks for 2020-12
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if compiled.DraftVersion != 2020 {
		t.Fatalf("draft %d, want 2020", compiled.DraftVersion)
	}
	js, err := yaml.YAMLToJSON(src)
	if err != nil {
		return err
	}
	v, err := validator.UnmarshalJSON(bytes.NewReader(js))
	if err != nil {
		return err
	}
	return compiled.Validate(v)
}

func TestSchemaAccepts(t *testing.T) {
	schema := testSchema(t)
	for _, file := range []string{"testdata/good.yml", "../demo/segments.yaml"} {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, schema, src); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, more := range []string{
		"", "validation:\n", "transforms: {cluster: , segment: {}, rfm: {recency_cuts: learned, segments: []}}",
		"currency: {code: EUR, rates: }\nfreshness: {wait: 1.5h30m}",
	} {
		if err := validate(t, schema, []byte(minimal+more)); err != nil {
			t.Errorf("%s: %v", more, err)
		}
		parse(t, minimal+more)
	}
	if got := load(t, "../demo/segments.yaml"); got.Name != "demo" {
		t.Errorf("the demo's name is %s", got.Name)
	}
}

// TestSchemaRefuses holds every testdata/NAME.bad.yml against the schema. Those that say so in the second line have a
// mistake that a schema cannot tell.
func TestSchemaRefuses(t *testing.T) {
	const cannotTell = "# An editor cannot see this one.\n"
	schema := testSchema(t)
	files, err := filepath.Glob("testdata/*.bad.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(src), "\n")
		if err := validate(t, schema, src); (err == nil) != strings.HasPrefix(rest, cannotTell) {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, section := range []string{
		"transforms: {rfm: {cuts: others}}", "transforms: {rfm: {frequency_bands: [1, 2]}}", "transforms: {rfm: {recency_cuts: 30}}",
		"transforms: {rfm: {recency_cuts: [a]}}", "transforms: {rfm: {segments: [{r: [1]}]}}",
		"transforms: {rfm: {segments: [{name: a, r: [6]}]}}",
		"transforms: {cluster: {k: [4]}}", "transforms: {cluster: {k_max: 51}}", "transforms: {clv: {horizon: 365}}",
		"transforms: {behavior: {refresh: sometimes}}", "transforms: {segment: {any: 1}}", "transforms: {other: {}}",
		"freshness: {wait: 2 hours}", "freshness: {wait: -1h}",
	} {
		if err := validate(t, schema, []byte(minimal+section)); err == nil {
			t.Errorf("%s: no error", section)
		}
	}
	for _, w := range []string{
		"{other: {}}", "{duckdb: {}}", "{duckdb: }", "{duckdb: {path: a, threads: 0}}", "{duckdb: {path: a, sync: 1}}",
	} {
		if err := validate(t, schema, []byte(strings.Replace(minimal, "{duckdb: {path: shop.duckdb}}", w, 1))); err == nil {
			t.Errorf("warehouse: %s: no error", w)
		}
	}
}

func TestSchemaIsDeterministic(t *testing.T) {
	a, b := testSchema(t), testSchema(t)
	if !bytes.Equal(a, b) {
		t.Error("twice is not the same")
	}
	begin := []byte("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n")
	if !bytes.HasPrefix(a, begin) || !bytes.HasSuffix(a, []byte("\n}\n")) {
		t.Errorf("%.100s", a)
	}
}

func TestSchemaWantsTaggedStructs(t *testing.T) {
	for name, tc := range map[string]struct {
		v    any
		want string
	}{
		"number":   {7, "transforms.it: int, want a struct or a pointer to one"},
		"nothing":  {nil, "transforms.it: <nil>, want a struct or a pointer to one"},
		"untagged": {struct{ A int }{}, "transforms.it: field A has no yaml tag"},
	} {
		if _, err := Schema(nil, map[string]any{"it": tc.v}); err == nil || err.Error() != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

// walk calls f with every key of the schema, as Describe takes it.
func walk(t *testing.T, schema []byte, f func(key string)) {
	t.Helper()
	var root jsonschema.Schema
	if err := json.Unmarshal(schema, &root); err != nil {
		t.Fatal(err)
	}
	for _, key := range schemaPaths(&root) {
		f(key)
	}
}

// TestEveryKeyIsDescribed also proves that good.yml has every key that does not belong to a component or a column.
func TestEveryKeyIsDescribed(t *testing.T) {
	t.Setenv("SEGMENTS_TEST_FOLDER", "more")
	t.Setenv("SEGMENTS_TEST_SCHEMA", "crm")
	schema, good := testSchema(t), load(t, "testdata/good.yml")
	n := 0
	walk(t, schema, func(key string) {
		n++
		text, err := Describe(schema, key)
		if err != nil {
			t.Error(err)
		}
		lines := strings.Split(text, "\n")
		if key != "warehouse.duckdb.sync" && (len(lines) < 3 || !strings.HasSuffix(lines[2], ".")) {
			t.Errorf("%s has no description:\n%s", key, text)
		}
		if strings.HasSuffix(lines[0], ": ") || strings.Contains(text, "<nil>") {
			t.Errorf("%s:\n%s", key, text)
		}
		parts := strings.Split(key, ".")
		component := len(parts) > 1 && (parts[0] == "warehouse" || parts[0] == "transforms")
		source := len(parts) > 2 && parts[0] == "sources" && slices.Contains([]string{"columns", "query", "from"}, parts[2])
		if _, ok := good.find(key); !ok && !component && !source {
			t.Errorf("good.yml has no %s", key)
		}
	})
	if n < 130 {
		t.Errorf("%d keys", n)
	}
	for _, source := range sql.SourceNames() {
		for _, c := range sql.SourceColumns(source) {
			text, err := Describe(schema, "sources."+source+".columns."+c.Name)
			if err != nil || !strings.Contains(text, c.Doc) || strings.Contains(text, "text, needed") != c.Needed {
				t.Errorf("%s.%s: %s, %v", source, c.Name, text, err)
			}
		}
	}
}

func TestDescribe(t *testing.T) {
	schema := testSchema(t)
	for _, tc := range []struct{ key, want string }{
		{"validation.gate.min_auc_lower", `validation.gate.min_auc_lower: number

The lower bound of the 95 % interval of the core segments' AUC must reach this.

Default: 0.52
Accepted: 0 to 1
`},
		{"validation", `validation: mapping

How segments are held against what customers did next.

Keys:
  horizon       The days after an origin in which conversions count, 1d to 3650d. (default 90d)
  horizons      Shorter horizons that conversions are counted within too. They are published, and decide nothing. Left out, 30d where the horizon is longer.
  origins       How many earlier dates, a horizon apart, the backtest goes back to. (default 3)
  max_segments  Of a segmentation with more segments, merges are proposed until there are so many; see the table segment_merges. Nothing is merged. (default 12)
  gate          When the conversions forbid to publish.
`},
		{"sources.orders.columns.amount", `sources.orders.columns.amount: text, needed

The money of the row, before refunds. A negative amount is a refund of that day.
`},
		{"freshness.wait", `freshness.wait: duration, such as 2h or 30m

How long to wait for a source that is too old.

Default: 0s
Example: 2h
`},
		{"currency.rates.USD", `currency.rates.USD: number

Accepted: above 0
`},
		{"warehouse.duckdb", `warehouse.duckdb: mapping

The settings of duckdb.

Keys:
  path     The database file. (needed)
  memory   What it may use. (default 3GB)
  threads  Threads of a query; the number of CPUs where it is not set.
  sync     (default false)
`},
		{"transforms.segment", `transforms.segment: mapping

The settings of segment.

There is nothing to set.
`},
		{"transforms.rfm.frequency_bands", `transforms.rfm.frequency_bands: list of whole numbers

The least number of purchase days in the window for each frequency score, 1 to 5.

Default: [1, 2, 3, 4, 6]
`},
		{"transforms.rfm.recency_cuts", `transforms.rfm.recency_cuts: text or list of numbers

The most days since the last purchase for the recency scores 5, 4, 3 and 2; or learned, for quintiles of the buyers.

Default: learned
`},
		{"transforms.rfm.segments.name", `transforms.rfm.segments.name: text, needed

The name of the segment.
`},
		{"transforms.clv.model", `transforms.clv.model: text

The counting model; auto fits both and takes the likelier one.

Default: mbgnbd
Accepted: mbgnbd, bgnbd, auto
`},
		{"transforms.behavior.lapse_quantile", `transforms.behavior.lapse_quantile: number

Buyers with too few intervals of their own lapse after this quantile of the purchase intervals of all.

Default: 0.9
Accepted: between 0 and 1
`},
		{"transforms.rfm.segments.r", `transforms.rfm.segments.r: list of whole numbers

The recency scores, 1 to 5; any where left out.

Accepted: 1 to 5
`},
		{"transforms.cluster.k", `transforms.cluster.k: text or whole number

The number of clusters, 2 to 50; or auto, for the number whose clusters are the most distinct.

Default: auto
`},
	} {
		if got, err := Describe(schema, tc.key); err != nil || got != tc.want {
			t.Errorf("%s: %v, got\n%s\nwant\n%s", tc.key, err, got, tc.want)
		}
	}
	whole, err := Describe(schema, "")
	if err != nil || !strings.HasPrefix(whole, "the configuration: mapping\n\nKeys:\n  name         Names") {
		t.Errorf("%v\n%s", err, whole)
	}
}

func TestDescribeUnknown(t *testing.T) {
	schema := testSchema(t)
	for key, want := range map[string]string{
		"validaton":                     "validaton: there is no key validaton; did you mean validation?",
		"validation.min_auc_lower":      "validation.min_auc_lower: there is no key min_auc_lower; did you mean validation.gate.min_auc_lower?",
		"k_max":                         "k_max: there is no key k_max; did you mean transforms.cluster.k_max?",
		"sources.orders.columns.amonut": "sources.orders.columns.amonut: there is no key amonut; did you mean amount?",
		"sources.order.from":            "sources.order.from: there is no key order; did you mean orders?",
		"validation.gate.":              "validation.gate.: there is no key ; want one of min_auc_lower, min_converters",
		"name.first.name":               "name.first.name: there is no key first; nothing can be set here",
	} {
		if got, err := Describe(schema, key); err == nil || err.Error() != want {
			t.Errorf("%s: %q, %v, want %s", key, got, err, want)
		}
	}
	if _, err := Describe([]byte("{"), "name"); err == nil || !strings.HasPrefix(err.Error(), "schema: ") {
		t.Errorf("no schema: %v", err)
	}
}

func TestDistance(t *testing.T) {
	// The optimal string alignment distances that the Wikipedia article on the Damerau-Levenshtein distance works out.
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"ca", "abc", 3}, {"kitten", "sitting", 3}, {"form", "from", 1}, {"orders", "order", 1}} {
		for _, pair := range [][2]string{{tc.a, tc.b}, {tc.b, tc.a}} {
			if got := distance(pair[0], pair[1]); got != tc.want {
				t.Errorf("%q, %q: %d, want %d", pair[0], pair[1], got, tc.want)
			}
		}
	}
	got := nearest("ordres", []string{"sources.orders", "freshness.orders", "name"})
	if !slices.Equal(got, []string{"sources.orders", "freshness.orders"}) {
		t.Errorf("nearest: %s", got)
	}
}
