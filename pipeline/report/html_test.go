package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// rendered parses what d is rendered to.
func rendered(t *testing.T, d *document) (root *html.Node, text string) {
	t.Helper()
	var b bytes.Buffer
	if err := d.render(&b); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return root, b.String()
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func content(n *html.Node) string {
	var b strings.Builder
	for n := range n.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return b.String()
}

// elements returns those called tag, of the class if one is given.
func elements(root *html.Node, tag, class string) []*html.Node {
	var out []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == tag && (class == "" || slices.Contains(strings.Fields(attr(n, "class")), class)) {
			out = append(out, n)
		}
	}
	return out
}

// checkPage wants names that are unique, links that lead somewhere, and cells that say what cites them. It returns the
// elements by name, and how often a cell is cited.
func checkPage(t *testing.T, root *html.Node) (ids map[string]*html.Node, cited int) {
	t.Helper()
	ids = map[string]*html.Node{}
	for n := range root.Descendants() {
		if id := attr(n, "id"); id != "" {
			if ids[id] != nil {
				t.Errorf("two elements are called %s", id)
			}
			ids[id] = n
		}
	}
	for _, a := range elements(root, "a", "") {
		href, err := url.PathUnescape(strings.TrimPrefix(attr(a, "href"), "#"))
		if err != nil || ids[href] == nil {
			t.Errorf("a link leads to %q", attr(a, "href"))
		}
	}
	for _, v := range elements(root, "data", "") {
		at := attr(v, "data-cell")
		cell := ids["cell-"+at]
		if cell == nil {
			t.Errorf("%q cites no cell", content(v))
			continue
		}
		cited++
		if attr(v, "value") != attr(cell, "data-value") || !strings.HasPrefix(content(cell), strings.TrimSuffix(content(v), "…")) {
			t.Errorf("%s: %q (%s) is %q (%s) in its table", at, content(v), attr(v, "value"), content(cell), attr(cell, "data-value"))
		}
	}
	return ids, cited
}

func TestPage(t *testing.T) {
	root, text := rendered(t, fixture(Published, plainNames))
	if n := len(text); n > 1_500_000 {
		t.Errorf("%d bytes, want at most 1,500,000", n)
	}
	if got := spaced(content(elements(root, "p", "verdict")[0])); got != "✓ Good Trust it: Champions bought again in 45 % of cases" {
		t.Errorf("verdict %q", got)
	}
	if got := len(elements(root, "p", "stamp")); got != 0 {
		t.Errorf("%d stamps on a published run", got)
	}
	ids, cited := checkPage(t, root)
	if cited < 60 {
		t.Errorf("%d citations", cited)
	}
	if got, want := attr(ids["cell-groups:0:2"], "data-value"), fmt.Sprint(81234.5*0.45); got != want {
		t.Errorf("raw revenue %s, want %s", got, want)
	}
	if _, known := findAttr(ids["cell-groups:3:2"], "data-value"); known {
		t.Error("what is not known has a value")
	}
	if ids["cell-groups:0:7"] != nil {
		t.Error("a cell that is not cited has an id")
	}
	wantOrder := []string{
		"Champions shop", "trust", "customers", "groups", "moves", "scores", "conversions", "For analysts", "quality", "provenance",
	}
	var order []string
	for n := range elements(root, "body", "")[0].Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "h1":
			order = append(order, strings.TrimSpace(content(n)))
		case n.Data == "section":
			order = append(order, strings.TrimPrefix(attr(n, "id"), "panel-"))
		}
	}
	if !slices.Equal(order, wantOrder) {
		t.Errorf("order %q, want %q", order, wantOrder)
	}
}

func findAttr(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

func TestPolicy(t *testing.T) {
	root, _ := rendered(t, fixture(Published, plainNames))
	var policy string
	for _, m := range elements(root, "meta", "") {
		if attr(m, "http-equiv") == "Content-Security-Policy" {
			policy = attr(m, "content")
		}
	}
	hash := func(n *html.Node) string {
		sum := sha256.Sum256([]byte(content(n)))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	var script *html.Node
	for _, s := range elements(root, "script", "") {
		if attr(s, "type") != "application/json" {
			if script != nil {
				t.Error("there are two scripts")
			}
			script = s
		}
	}
	style := elements(root, "style", "")
	if len(style) != 1 {
		t.Fatalf("%d styles", len(style))
	}
	want := "default-src 'none'; script-src " + hash(script) + "; style-src " + hash(style[0]) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
	if policy != want {
		t.Errorf("policy %s\nwant   %s", policy, want)
	}
}

func TestStamps(t *testing.T) {
	for _, state := range []State{Rejected, DryRun} {
		d := fixture(state, plainNames[:3])
		root, _ := rendered(t, d)
		for _, s := range elements(root, "section", "") {
			if stamps := elements(s, "p", "stamp"); len(stamps) != 1 || content(stamps[0]) != string(state) {
				t.Errorf("section %s of a %s run has no stamp", attr(s, "id"), state)
			}
		}
		if got, want := len(elements(root, "p", "stamp")), len(d.Sections)+2; got != want {
			t.Errorf("%s: %d stamps, want %d: on every section, and on both sheets of paper", state, got, want)
		}
		banner := elements(root, "div", "banner")
		if len(banner) != 1 || !strings.Contains(content(banner[0]), "Nothing was published") ||
			!strings.Contains(content(banner[0]), d.Run.Why) {
			t.Errorf("%s: no banner that says why", state)
		}
	}
}

func TestHostileNames(t *testing.T) {
	plain, _ := rendered(t, fixture(DryRun, plainNames))
	root, text := rendered(t, fixture(DryRun, hostile))
	count := func(root *html.Node) map[string]int {
		tags := map[string]int{}
		for n := range root.Descendants() {
			if n.Type == html.ElementNode {
				tags[n.Data]++
				for _, a := range n.Attr {
					if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
						t.Errorf("<%s> has an attribute %s", n.Data, a.Key)
					}
				}
			}
		}
		return tags
	}
	if got, want := fmt.Sprint(count(root)), fmt.Sprint(count(plain)); got != want {
		t.Errorf("names made elements: %s, without them %s", got, want)
	}
	if n := len(text); n > 1_500_000 {
		t.Errorf("%d bytes, want at most 1,500,000", n)
	}
	for _, bad := range []string{"\u202e", "\u2028", "\u2029", "\x00"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is in the page", bad)
		}
	}
	for _, s := range elements(root, "script", "") {
		var specs []map[string]any
		if attr(s, "type") == "application/json" && json.Unmarshal([]byte(content(s)), &specs) != nil {
			t.Error("the charts' data is no JSON")
		}
	}
	names := elements(root, "bdi", "")
	for _, n := range hostile[:4] {
		if !slices.ContainsFunc(names, func(b *html.Node) bool { return content(b) == n }) {
			t.Errorf("%q is not shown as it is", n)
		}
	}
	for _, n := range names {
		if len([]rune(content(n))) > cellRunes+1 {
			t.Errorf("a name of %d characters is shown", len(content(n)))
		}
	}
}

func TestSameBytes(t *testing.T) {
	_, first := rendered(t, fixture(Published, plainNames))
	for range 3 {
		if _, again := rendered(t, fixture(Published, plainNames)); again != first {
			t.Fatal("the same document gives other bytes")
		}
	}
}

func TestNoNumberThatIsNone(t *testing.T) {
	d := fixture(Published, plainNames)
	d.Sections[1].Charts[0].Option["series"] = math.NaN()
	if err := d.render(&bytes.Buffer{}); err == nil {
		t.Error("a chart of NaN is rendered")
	}
}

// What is printed is two sheets, however much there is.
func TestDigest(t *testing.T) {
	d := fixture(Published, plainNames)
	p := digest(d.Sections)
	if len(p.Charts) != 4 || len(p.Cards) != 12 || p.More != 0 || len(p.Findings) != 6 {
		t.Errorf("%d charts, %d cards and %d more, %d findings", len(p.Charts), len(p.Cards), p.More, len(p.Findings))
	}
	p = digest(append(d.Sections, d.Sections...))
	if len(p.Charts) != printedCharts || len(p.Cards) != printedCards || p.More != 12 {
		t.Errorf("%d charts, %d cards and %d more", len(p.Charts), len(p.Cards), p.More)
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"abc", "abc"},
		{"abcd", "abc…"},
		{"äöü", "äöü"},
		{"äöüß", "äöü…"},
		{"a\u202eb\u0000c", "abc"},
		{"ab cd", "ab…"},
		{"a\nb", "a b"},
	} {
		if got := cut(tt.in, 3); got != tt.want {
			t.Errorf("cut(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// Cases of testdata/formats.json are the script's, too.
func TestFormats(t *testing.T) {
	b, err := os.ReadFile("testdata/formats.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Format format
		Value  any
		Unit   string
		Want   string
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for _, tt := range cases {
		c := cell{Value: tt.Value, Format: tt.Format, Unit: tt.Unit}
		if got := c.String(); got != tt.Want {
			t.Errorf("%s %v: %q, want %q", tt.Format, tt.Value, got, tt.Want)
		}
	}
}

// TestContrast computes the contrast of text and of graphics as WCAG 2.2 defines it (1.4.3, 1.4.11).
func TestContrast(t *testing.T) {
	for i, scheme := range []string{"light", "dark"} {
		colors := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z0-9-]+): ?light-dark\(([^,]+),([^)]+)\)`).FindAllStringSubmatch(styles, -1) {
			colors[m[1]] = strings.TrimSpace(m[2+i])
		}
		enough := func(a, b string, want float64) {
			if got := contrast(t, colors[a], colors[b]); got < want {
				t.Errorf("%s: contrast of %s on %s is %.2f, want %.1f", scheme, a, b, got, want)
			}
		}
		for _, text := range []string{"ink", "muted", "accent", "good", "caution", "bad", "neutral"} {
			enough(text, "surface", 4.5)
			enough(text, "page", 4.5)
		}
		for i := range 8 {
			enough(fmt.Sprintf("cat%d", i), "surface", 3)
		}
		for i := range 7 {
			enough(fmt.Sprintf("ink-on-seq%d", i), fmt.Sprintf("seq%d", i), 4.5)
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(color string) float64 {
		color = strings.TrimPrefix(color, "#")
		if named := map[string]string{"white": "fff", "black": "000"}[color]; named != "" {
			color = named
		}
		if len(color) == 3 {
			color = string([]byte{color[0], color[0], color[1], color[1], color[2], color[2]})
		}
		rgb, err := strconv.ParseUint(color, 16, 32)
		if err != nil || len(color) != 6 {
			t.Fatalf("color %q", color)
		}
		linear := func(v uint64) float64 {
			c := float64(v&0xff) / 255
			if c <= 0.04045 {
				return c / 12.92
			}
			return math.Pow((c+0.055)/1.055, 2.4)
		}
		return 0.2126*linear(rgb>>16) + 0.7152*linear(rgb>>8) + 0.0722*linear(rgb)
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// What a section says first stands open, and no single sentence is folded away.
func TestFolded(t *testing.T) {
	for _, test := range []struct{ said, told, open int }{{0, 0, 0}, {4, 0, 4}, {5, 0, 5}, {6, 0, 4}, {9, 7, 7}, {8, 7, 8}} {
		s := pageSection{section: &section{Lead: make([]sentence, test.said), Told: test.told}}
		if len(s.Said()) != test.open || len(s.More()) != test.said-test.open {
			t.Errorf("of %d sentences %d stand open and %d are folded", test.said, len(s.Said()), len(s.More()))
		}
	}
}
