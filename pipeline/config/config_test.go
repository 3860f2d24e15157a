package config

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite what testdata/*.bad.yml want")

// parseError parses src, which has one mistake.
func parseError(t *testing.T, file string, src []byte) *Error {
	t.Helper()
	c, err := Parse(file, src)
	if err == nil {
		t.Fatalf("%s: no error; got %+v", file, c)
	}
	var e *Error
	var es Errors
	switch {
	case !errors.As(err, &e) || c != nil:
		t.Fatalf("%s: %T and a configuration %v, want an Error alone", file, err, c != nil)
	case errors.As(err, &es):
		t.Fatalf("%s: %d mistakes, want one:\n%v", file, len(es), err)
	}
	return e
}

// TestBad parses every testdata/NAME.bad.yml, which has one mistake. Its first line says which and where.
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yml")
	if err != nil || len(files) < 80 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".bad.yml"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, rest, _ := strings.Cut(string(src), "\n")
			e := parseError(t, file, src)
			got := e.Message
			if e.Line > 0 {
				got = fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message)
			}
			if *update {
				if err := os.WriteFile(file, []byte("# want: "+got+"\n"+rest), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := strings.TrimPrefix(first, "# want: "); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

const minimal = `
name: shop
warehouse: {duckdb: {path: shop.duckdb}}
sources: {orders: {from: orders, columns: {order_id: a, customer_id: b, ordered_at: c, amount: d}}}
`

func parse(t *testing.T, src string) *Config {
	t.Helper()
	c, err := Parse("folder/test.yml", []byte(src))
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return c
}

func load(t *testing.T, file string) *Config {
	t.Helper()
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// bare returns the exported fields of c without the sections of components.
func bare(c *Config) Config {
	b := *c
	b.Warehouse, b.Transforms, b.file, b.src, b.root = nil, nil, "", nil, nil
	return b
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	p, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestGood(t *testing.T) {
	t.Setenv("SEGMENTS_TEST_FOLDER", "more")
	t.Setenv("SEGMENTS_TEST_SCHEMA", "crm")
	c := load(t, "testdata/good.yml")
	want := Config{
		Name: "shop", Timezone: "Europe/Berlin",
		Sources: Sources{
			Customers: &Source{
				From:       absolute(t, "testdata/data/customers.csv"),
				Columns:    map[string]string{"customer_id": "id", "email": "email", "country": "upper(land)", "created_at": "made"},
				Attributes: []string{"plan", "age group"},
			},
			Orders: &Source{
				From:    absolute(t, "testdata/more/orders/*.parquet"),
				Columns: map[string]string{"order_id": "invoice", "customer_id": "customer", "ordered_at": "date", "amount": "total"},
			},
			WebEvents: &Source{
				From:    "web.events",
				Columns: map[string]string{"customer_id": "user_id", "occurred_at": "ts", "event_name": "name"},
			},
			EmailEvents: &Source{
				Query:   "SELECT * FROM crm.email\nWHERE NOT test\n",
				Columns: map[string]string{"customer_id": "user_id", "occurred_at": "ts", "event_name": "kind"},
			},
			Conversions: &Source{
				From:    "/absolute/conversions.json",
				Columns: map[string]string{"customer_id": "user", "converted_at": "ts"},
			},
			Experiments: &Source{
				From:    "lab.assignments",
				Columns: map[string]string{"customer_id": "user", "experiment": "test", "variant": "arm", "assigned_at": "ts"},
			},
			Touchpoints: &Source{
				From:    "ads.touches",
				Columns: map[string]string{"customer_id": "user", "occurred_at": "ts", "channel": "medium"},
			},
			Costs: &Source{
				From:    "ads.costs",
				Columns: map[string]string{"channel": "medium", "spent_on": "day", "amount": "spend"},
			},
		},
		Validation:  Validation{Horizon: 60, Horizons: []Days{7, 30}, Origins: 2, MaxSegments: 10, Gate: Gate{MinAUCLower: 0.55, MinConverters: 50}},
		Attribution: Attribution{Window: 14, Days: 60, HalfLife: 3, Model: "markov"},
		Experiments: Experiments{
			Control: []string{"standard"}, Horizon: 14, Expected: map[string]map[string]float64{"winter mail": {"mail": 9, "standard": 1}},
		},
		Freshness: Freshness{Customers: 1, Orders: 2, WebEvents: 3, EmailEvents: 4, Wait: Duration(90 * time.Minute)},
		Currency:  Currency{Code: "EUR", Rates: map[string]float64{"USD": 0.92, "GBP": 1}},
		Quality:   Quality{MaxRejected: 0.01, MaxAnonymous: 1},
		Privacy:   Privacy{KeyFile: "/var/run/segments/key", MinGroup: 5},
		Outputs:   Outputs{Retention: 400, People: true},
		Report:    Report{File: "out/report.html", Content: "content.csv"},
		Notify:    Notify{WebhookFile: "/var/run/segments/webhook", Link: "https://intranet.example/report.html"},
		Schedule:  "0 3 * * 1-5",
	}
	if got := bare(c); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if c.Location().String() != "Europe/Berlin" {
		t.Errorf("location %v", c.Location())
	}
	days := map[string]int{"customers": 1, "orders": 2, "web_events": 3, "email_events": 4}
	if got := c.FreshnessDays(); !reflect.DeepEqual(got, days) {
		t.Errorf("freshness %v, want %v", got, days)
	}
	var names []string
	for _, s := range c.SQLSources() {
		names = append(names, s.Name)
	}
	if want := []string{"customers", "orders", "web_events", "email_events", "conversions", "experiments", "touchpoints", "costs"}; !reflect.DeepEqual(names, want) {
		t.Errorf("sources %v, want %v", names, want)
	}
	if got := c.SQLSources()[0]; got.From != want.Sources.Customers.From || len(got.Columns) != 4 || len(got.Attributes) != 2 {
		t.Errorf("customers %+v", got)
	}
	if got, want := c.Path("shop.duckdb"), absolute(t, "testdata/shop.duckdb"); got != want {
		t.Errorf("path %s, want %s", got, want)
	}
}

func TestDefaults(t *testing.T) {
	want := Default()
	want.Name = "shop"
	want.Sources.Orders = &Source{
		From: "orders", Columns: map[string]string{"order_id": "a", "customer_id": "b", "ordered_at": "c", "amount": "d"},
	}
	for name, src := range map[string]string{
		"minimal":           minimal,
		"commented out":     minimal + "validation:\n  # origins: 5\nfreshness:\ncurrency: {rates: }\nquality: {}\ntransforms:\n",
		"byte order mark":   "\ufeff" + strings.TrimPrefix(minimal, "\n"),
		"carriage returns":  strings.ReplaceAll(minimal, "\n", "\r\n"),
		"document begin":    "---" + minimal + "...\n",
		"directive":         "%YAML 1.2\n---" + minimal,
		"quoted keys":       strings.Replace(minimal, "name:", `"name":`, 1),
		"null, then absent": minimal + "privacy: ~\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got := bare(parse(t, src)); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// TestNoPlace is about mistakes that a file in testdata cannot show.
func TestNoPlace(t *testing.T) {
	for _, tc := range []struct{ name, src, want string }{
		{"empty", "", "test.yml: the file is empty; want name, warehouse and sources at least"},
		{"blank", " \n\n", "test.yml: the file is empty; want name, warehouse and sources at least"},
		{"null", "null\n", "test.yml: the file is empty; want name, warehouse and sources at least"},
		{"huge", minimal + strings.Repeat("# long\n", maxSize/7), "test.yml: the file is larger than 128 KiB; is it a configuration?"},
		{
			"hyphens", strings.Repeat("- ", maxSize/2),
			"test.yml:1:129: this is nested too deeply\n     1 | … " + strings.Repeat("- ", 59) + "…\n       | " +
				strings.Repeat(" ", 80) + "^",
		},
		{"brackets", strings.Repeat("[\n", maxSize/2), "test.yml:65:1: this is nested too deeply\n    65 | [\n       | ^"},
		{"program", "\x7fELF\x02\x01\x01\x00\x00", "test.yml:1:1: the file is not plain text: there is a control character U+007F"},
		{"archive", "PK\x03\x04", "test.yml:1:3: the file is not plain text: there is a control character U+0003"},
		{"UTF-16", "\xff\xfen\x00a\x00", "test.yml:1:1: the file is not UTF-8: there is a byte 0xff; save it as UTF-8"},
		{
			"mark below wide letters and tabs", strings.Replace(minimal, "\nname: shop", "name: 'ä\tö'", 1),
			"test.yml:1:7: name: \"ä\\tö\" is no name: want a lower-case letter, then letters, digits, _ and -, at most 63\n" +
				"     1 | name: 'ä ö'\n       |       ^",
		},
		{
			"long line", "name: " + strings.Repeat("x", 200) + " " + strings.Repeat("y", 200) + ": z",
			"test.yml:1:7: " + checkQuotes + "\n     1 | name: " + strings.Repeat("x", 40) + "…\n       |       ^",
		},
		{
			"text in a long line", "a: " + strings.Repeat("x", 300) + ": y",
			"test.yml:1:4: " + checkQuotes + "\n     1 | a: " + strings.Repeat("x", 40) + "…\n       |    ^",
		},
		{
			"end of a long line", "{name: shop, warehouse: {duckdb: {}}, sources: {orders: {from: " + strings.Repeat("x", 300) + ", columns: " +
				"{order_id: a, customer_id: b, ordered_at: c, amount: d}}}, zone: UTC}",
			"test.yml:1:434: zone: unknown key; did you mean timezone?\n     1 | …xxxxxxxxx, columns: {order_id: a, customer_id: b, " +
				"ordered_at: c, amount: d}}}, zone: UTC}\n       | " + strings.Repeat(" ", 80) + "^",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := parseError(t, "test.yml", []byte(tc.src)).Error(); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	for file, want := range map[string]string{
		"testdata/absent.yml": "testdata/absent.yml: there is no such file",
		"testdata":            "testdata: it cannot be read: is a directory",
	} {
		if _, err := Load(file); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := Load("/dev/zero"); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("an endless file: %v", err)
	}
}

func TestGuarded(t *testing.T) {
	err := guarded(func() error { panic("index out of range") })
	if err == nil || err.Error() != "the YAML library gave up (index out of range)" {
		t.Errorf("%v", err)
	}
}

func TestErrorf(t *testing.T) {
	c := parse(t, minimal+"transforms:\n  rfm: {cuts: stored, frequency_bands: [1]}\n  clv:\n")
	for key, want := range map[string]string{
		"transforms.rfm.cuts":            "6:15",
		"transforms.rfm.frequency_bands": "6:40",
		"transforms.rfm.window":          "6:3", // it is not there: the section
		"transforms.clv.model":           "7:3",
		"transforms":                     "5:1",
		"transforms.other.key":           "5:1",
		"timezone":                       "2:1", // nothing of it is there: the file
	} {
		var e *Error
		if err := c.Errorf(key, "is %s", "bad"); !errors.As(err, &e) || fmt.Sprintf("%d:%d", e.Line, e.Column) != want {
			t.Errorf("%s: %v, want %s", key, err, want)
		} else if e.Message != key+": is bad" {
			t.Errorf("%s: %s", key, e.Message)
		}
	}
}

func TestSection(t *testing.T) {
	type part struct {
		On bool `yaml:"on"`
	}
	type component struct {
		K     string   `yaml:"k" jsonschema:"oneof_type=string;integer"`
		Count uint8    `yaml:"count"`
		Share float32  `yaml:"share"`
		Parts []part   `yaml:"parts"`
		After Duration `yaml:"after"`
		Any   any      `yaml:"any"`
	}
	start := component{K: "auto", Count: 7, After: 1}
	for _, tc := range []struct {
		section, wrong string
		want           component
	}{
		{"{}", "", start},
		{"", "", start},
		{"{k: 4}", "", component{K: "4", Count: 7, After: 1}},
		{"{k: auto, count: 8, share: 5e-1, parts: [{on: true}, {}], after: 1m, any: [1, a]}", "", component{
			"auto", 8, 0.5, []part{{true}, {}}, Duration(time.Minute), []any{uint64(1), "a"},
		}},
		{"{parts: [{on: yes}]}", `transforms.test.parts[0].on: "yes" is text, want true or false`, start},
		{"{parts: [{off: true}]}", `transforms.test.parts[0].off: unknown key; want one of on`, start},
		{"{parts: [~]}", `transforms.test.parts[0]: has no value`, start},
		{"{on: true}", `transforms.test.on: unknown key; want one of k, count, share, parts, after, any`, start},
		{"{counts: 3}", `transforms.test.counts: unknown key; did you mean count?`, start},
		{"{count: 300}", `transforms.test.count: 300, want a number nearer to 0`, start},
		{"{count: -1}", `transforms.test.count: -1, want a number nearer to 0`, start},
		{"{after: {h: 2}}", `transforms.test.after: is a mapping, want a duration such as 2h or 30m`, start},
		{"{k: 2.5}", `transforms.test.k: 2.5, want text; put it in quotes`, start},
		{"{after: }", `transforms.test.after: has no value; give it one or leave the key out`, start},
		{"[a]", `transforms.test: is a list, want a mapping (key: value)`, start},
	} {
		c := parse(t, minimal+"transforms:\n  test: "+tc.section+"\n")
		got := start
		err := c.Section(c.Transforms["test"])(&got)
		var e *Error
		switch {
		case tc.wrong != "" && (!errors.As(err, &e) || e.Message != tc.wrong || e.Line != 6):
			t.Errorf("%s: %v, want %s", tc.section, err, tc.wrong)
		case tc.wrong == "" && (err != nil || !reflect.DeepEqual(got, tc.want)):
			t.Errorf("%s: %+v, %v; want %+v", tc.section, got, err, tc.want)
		}
	}
	c, got := parse(t, minimal), start
	if err := c.Section(c.Transforms["absent"])(&got); err != nil || !reflect.DeepEqual(got, start) {
		t.Errorf("absent: %+v, %v", got, err)
	}
}

// FuzzParse looks for what makes Parse panic or fail with anything but an Error at a place in the file.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Add([]byte(minimal))
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := Parse("fuzz.yml", src)
		var e *Error
		switch {
		case err == nil && c != nil:
			c.Location()
			c.SQLSources()
			for _, section := range c.Transforms {
				var v struct {
					A any               `yaml:"a"`
					B []int             `yaml:"b"`
					C map[string]string `yaml:"c"`
				}
				if err := c.Section(section)(&v); err != nil && !errors.As(err, &e) {
					t.Errorf("%T: %v", err, err)
				}
			}
		case c != nil || !errors.As(err, &e):
			t.Errorf("%T: %v", err, err)
		case e.Message == "" || e.Line < 0 || e.Line > strings.Count(string(src), "\n")+strings.Count(string(src), "\r")+1 || e.Error() == "":
			t.Errorf("%+v", e)
		}
	})
}
