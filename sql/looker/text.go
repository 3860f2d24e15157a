package looker

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// A File is one of a generated project. Path is relative to the project and has forward slashes.
type File struct{ Path, Text string }

// lookmlName is what a name has to be like to name a view or a field: Looker knows no quoted names.
var lookmlName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// proseText returns s as a line of text that means nothing but itself to Looker and dbt: control characters become
// spaces, marks that turn the direction of writing around are dropped, and a space parts what would begin a template, a
// reference or a comment, or end a block of SQL: {{, {%, {#, ${, @{ and ;;.
func proseText(s string) string {
	var b strings.Builder
	var last rune
	for _, r := range strings.ToValidUTF8(s, "\ufffd") {
		if unicode.Is(unicode.Bidi_Control, r) {
			continue
		}
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			r = ' '
		}
		switch string([]rune{last, r}) {
		case "{{", "{%", "{#", "${", "@{", ";;":
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

// lookmlString returns s as a quoted string of LookML.
func lookmlString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(proseText(s)) + `"`
}

// yamlString returns s as a double-quoted scalar of YAML.
func yamlString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\ufeff", `\ufeff`).Replace(proseText(s)) + `"`
}

// abbreviations are the words that a label does not write as names do.
var abbreviations = map[string]string{
	"auc": "AUC", "btyd": "BTYD", "clv": "CLV", "crm": "CRM", "id": "ID", "rfm": "RFM",
	"24h": "24 hours", "30d": "30 days", "60d": "60 days", "90d": "90 days",
}

// title returns name as people read it: value_per_customer is Value per customer.
func title(name string) string {
	words := strings.Split(name, "_")
	for i, w := range words {
		if full, ok := abbreviations[w]; ok {
			words[i] = full
		}
	}
	s := strings.Join(words, " ")
	return strings.ToUpper(s[:1]) + s[1:]
}

// A lookml is LookML being written, block by block.
type lookml struct {
	strings.Builder
	depth int
}

func (w *lookml) line(format string, args ...any) {
	w.WriteString(strings.Repeat("  ", w.depth))
	fmt.Fprintf(w, format+"\n", args...)
}

// block writes what body writes within "head {" and "}", after an empty line where it is not the first of its parent.
func (w *lookml) block(head string, body func()) {
	if !strings.HasSuffix(w.String(), "{\n") {
		w.WriteByte('\n')
	}
	w.line("%s {", head)
	w.depth++
	body()
	w.depth--
	w.line("}")
}

// text writes a parameter that holds prose, and nothing where there is none.
func (w *lookml) text(param, s string) {
	if s != "" {
		w.line("%s: %s", param, lookmlString(s))
	}
}

// sql writes a parameter that holds SQL of the program's own.
func (w *lookml) sql(param, s string) { w.line("%s: %s ;;", param, s) }

// lookmlList returns in as a list of strings.
func lookmlList(in []string) string {
	return "[" + strings.Join(mapSlice(in, lookmlString), ", ") + "]"
}

// lookmlFilters returns in as the list of filters that Looker takes: [field: "value"].
func lookmlFilters(in []filter) string {
	out := make([]string, len(in))
	for i, f := range in {
		out[i] = f.Field + ": " + lookmlString(f.Value)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func mapSlice(in []string, f func(string) string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = f(s)
	}
	return out
}
