package discover

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"segments/pipeline/discover/draft"
	"segments/pipeline/discover/words"
	"segments/sql"
)

// Overlap returns the share of the sampled values of column a of table of that column b of table in has; ok is false where
// nobody looked.
type Overlap func(of *Table, a string, in *Table, b string) (share float64, ok bool)

// Propose drafts the configuration from tables. today stands in for days that nobody can know. It wraps ErrNothing where
// there are neither orders nor customers, and says what is missing.
func Propose(d sql.Dialect, tables []Table, overlap Overlap, today time.Time) (*draft.Draft, error) {
	var fits []fit
	for i := range tables {
		for _, source := range sql.SourceNames() {
			f := newReader(d, source, &tables[i]).fit()
			if source == "orders" {
				f.score += 15
				if f.oneEach {
					f.score -= 45 // a row a customer, with a date and money: that is customers
				}
			}
			fits = append(fits, f)
		}
	}
	slices.SortStableFunc(fits, func(a, b fit) int { return cmp.Compare(b.score, a.score) })
	chosen, taken := map[string]fit{}, map[string]bool{}
	for _, f := range fits {
		if _, done := chosen[f.source.Name]; !done && !taken[f.table.key()] && len(f.missing) == 0 && f.score >= 45 && !f.anonymous() {
			chosen[f.source.Name], taken[f.table.key()] = f, true
		}
	}
	if _, ok := chosen["orders"]; !ok {
		for i := range tables {
			if fs := summary(d, &tables[i], today); fs != nil && len(chosen) == 0 {
				for _, f := range fs {
					chosen[f.source.Name], taken[f.table.key()] = f, true
				}
			}
		}
	}
	_, hasOrders := chosen["orders"]
	if _, hasCustomers := chosen["customers"]; !hasOrders && !hasCustomers {
		return nil, fmt.Errorf("%w%s", ErrNothing, lacking(fits))
	}
	match(d, chosen, overlap)
	matchChannels(chosen, overlap)

	out := &draft.Draft{
		Timezone: draft.Guess{Value: "UTC", Ask: "which time zone are days counted in? an IANA name such as Europe/Berlin"},
		Currency: currency(chosen),
	}
	for _, name := range sql.SourceNames() {
		f, ok := chosen[name]
		if !ok {
			continue
		}
		for _, other := range fits {
			rival := other.source.Name == name && len(other.missing) == 0 && !taken[other.table.key()] && other.score >= f.score-40
			if name == "orders" && rival && f.source.Note.Ask == "" {
				f.source.Note.Ask = "are these the orders? " + draft.Safe(other.table.Name) + " looks like orders too; given alone, init drafts from that"
			}
		}
		if f.source.Query != "" {
			f.source.Place = f.table.At
		}
		out.Sources = append(out.Sources, f.source)
	}
	if f, ok := chosen["orders"]; ok && out.Source("customers") == nil {
		made, consent := buyers(d, f)
		if consent {
			out.Sources = append([]draft.Source{*made}, out.Sources...)
		} else {
			out.Traits = made
		}
	}
	for i := range tables {
		if !taken[tables[i].key()] {
			out.Unused = append(out.Unused, draft.Other{Value: tables[i].Name, Why: why(fits, &tables[i], chosen)})
		}
	}
	return out, nil
}

func (t *Table) key() string { return t.From + "\x00" + t.Query }

func mapped(s draft.Source, column string) (draft.Mapping, bool) {
	for _, m := range s.Columns {
		if m.Column == column {
			return m, true
		}
	}
	return draft.Mapping{}, false
}

// anonymous says whether nothing but a column id makes the table one of customers: so have tables of anything.
func (f fit) anonymous() bool {
	if f.source.Name != "customers" || !slices.Equal(words.Of(f.id), []string{"id"}) {
		return false
	}
	for _, w := range words.Of(f.table.Name) {
		if words.NameTable("customers", w) {
			return false
		}
	}
	for _, telling := range []string{"email", "phone", "birth_date", "gender", "consent_email", "consent_profiling"} {
		if _, ok := mapped(f.source, telling); ok {
			return false
		}
	}
	return true
}

// match sees to it that the sources name customers alike: by the columns whose values are found in the other source.
func match(d sql.Dialect, chosen map[string]fit, overlap Overlap) {
	if overlap == nil {
		return
	}
	for _, name := range []string{"customers", "web_events", "email_events", "conversions", "experiments", "touchpoints"} {
		f, ok := chosen[name]
		base, has := chosen["orders"]
		if !has {
			base, has = chosen["customers"]
		}
		if !ok || !has || base.source.Name == name || f.id == "" || base.id == "" {
			continue
		}
		best, column := -1.0, ""
		for _, c := range append([]string{f.id}, identifiers(d, f)...) {
			share := -1.0
			if name == "customers" { // there may be many who never ordered
				if s, ok := overlap(base.table, base.id, f.table, c); ok {
					share = s
				}
			} else if s, ok := overlap(f.table, c, base.table, base.id); ok {
				share = s
			}
			if share > best && (column == "" || share > best+0.3) {
				best, column = share, c
			}
			if best >= 0.5 {
				break
			}
		}
		if best < 0 {
			continue
		}
		for i, m := range f.source.Columns {
			if m.Column != "customer_id" {
				continue
			}
			g := &f.source.Columns[i].Guess
			if column != f.id {
				g.Others = append([]draft.Other{{Value: g.Value, Why: "by its name"}}, g.Others...)
				g.Value, g.Reason, f.id = column, "its values are those of "+base.source.Name, column
				f.source.Unused = slices.DeleteFunc(f.source.Unused, func(u string) bool { return u == column })
			}
			g.Reason += fmt.Sprintf("; %.0f %% of the sampled ones of %s are in %s", 100*best, ofIn(name, base.source.Name), inOf(name, base.source.Name))
			g.Confidence = max(g.Confidence/2, min(99, g.Confidence+int(20*best)))
			if best >= 0.5 {
				g.Ask = "" // the values have settled it
			}
			if best < 0.05 {
				g.Ask = "hardly any of them are in " + inOf(name, base.source.Name) + ": do both number customers alike?"
			}
		}
		chosen[name] = f
	}
}

func ofIn(name, base string) string {
	if name == "customers" {
		return base
	}
	return name
}

func inOf(name, base string) string {
	if name == "customers" {
		return name
	}
	return base
}

// identifiers lists the other columns of f's table that may identify customers.
func identifiers(d sql.Dialect, f fit) (out []string) {
	r := newReader(d, f.source.Name, f.table)
	for i, c := range f.table.Columns {
		if c.Name == f.id {
			continue
		}
		named := words.Score(f.source.Name, "customer_id", r.words[i], r.nouns) >= enough
		if _, ok := r.value("customer_id", i); ok && (named || r.shapes[i].Email) {
			out = append(out, c.Name)
		}
	}
	return out[:min(len(out), 4)]
}

var inName = regexp.MustCompile(`(?i)(?:^|[^a-z])(eur|usd|gbp|chf|sek|dkk|nok|pln|czk|cad|aud|jpy)(?:$|[^a-z])`)

// currency looks for a sign in the values of the amount or a code in its name.
func currency(chosen map[string]fit) draft.Guess {
	f, ok := chosen["orders"]
	if _, given := mapped(f.source, "currency"); !ok || given {
		return draft.Guess{}
	}
	paid, _ := mapped(f.source, "amount")
	for _, c := range f.table.Columns {
		if !strings.Contains(paid.Value, c.Name) {
			continue
		}
		if m := inName.FindStringSubmatch(c.Name); m != nil {
			return draft.Guess{Value: strings.ToUpper(m[1]), Confidence: 90, Reason: "in the name of the column"}
		}
		for sign, code := range map[string]string{"€": "EUR", "£": "GBP"} { // a dollar sign is many currencies'
			if slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, sign) }) {
				return draft.Guess{Value: code, Confidence: 90, Reason: "the sign is in the amounts"}
			}
		}
	}
	return draft.Guess{Ask: "which currency are the amounts in? an ISO 4217 code such as EUR"}
}

// why says why nothing is taken from t.
func why(fits []fit, t *Table, chosen map[string]fit) string {
	for _, f := range fits {
		if f.table == t && len(f.missing) == 0 && f.score >= 45 && !f.anonymous() {
			if c, ok := chosen[f.source.Name]; ok {
				return "could be " + f.source.Name + " too; " + draft.Safe(c.table.Name) + " was taken"
			}
		}
	}
	best := fit{score: -1000}
	for _, f := range fits {
		if f.table == t && (len(best.missing) == 0 || len(f.missing) < len(best.missing)) && len(f.missing) > 0 {
			best = f
		}
	}
	if len(best.missing) > 0 && best.score > 0 && len(best.missing) < neededOf(sql.SourceColumns(best.source.Name)) {
		return "as " + best.source.Name + " it lacks " + strings.Join(best.missing, " and ")
	}
	return "it resembles no source"
}

// lacking says what each table lacks to be orders or customers, for the few that come nearest.
func lacking(fits []fit) string {
	near := slices.DeleteFunc(slices.Clone(fits), func(f fit) bool { return f.source.Name != "orders" || len(f.missing) == 0 })
	slices.SortStableFunc(near, func(a, b fit) int { return cmp.Compare(len(a.missing), len(b.missing)) })
	var b strings.Builder
	if len(near) == 0 {
		return ": no table looks enough like one of orders"
	}
	for _, f := range near[:min(len(near), 5)] {
		names := make([]string, len(f.table.Columns))
		for i, c := range f.table.Columns {
			names[i] = draft.Safe(c.Name)
		}
		fmt.Fprintf(&b, "\n  %s: as orders it lacks %s (who ordered, when, for how much); its columns are %s",
			draft.Safe(f.table.Name), strings.Join(f.missing, ", "), strings.Join(names[:min(len(names), 20)], ", "))
	}
	return b.String()
}
