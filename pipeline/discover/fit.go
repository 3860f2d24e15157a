package discover

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"segments/sql"
)

// A fit is a table as a source.
type fit struct {
	table   *Table
	source  Source
	score   int
	missing []string // canonical columns that are needed and not there
	oneEach bool     // of orders: no order has a number, and no customer is there twice
}

// A candidate is a column for a canonical one.
type candidate struct {
	canonical, column int // canonical is its place in sql.SourceColumns
	Guess
}

// A reader is a table, looked at as one source.
type reader struct {
	d      sql.Dialect
	source string
	t      *Table
	nouns  []string // words that columns repeat of what a row is
	hinted bool     // the name of the table says that it is that source
	shapes []shape
	words  [][]string
}

func newReader(d sql.Dialect, source string, t *Table) *reader {
	r := &reader{d: d, source: source, t: t}
	for _, n := range words(t.Name) { // sales have sale_date
		if slices.Contains(tableWords[source], n) {
			r.hinted = true
			r.nouns = append(r.nouns, n, strings.TrimSuffix(n, "s"))
		}
	}
	r.nouns = append(r.nouns, map[string][]string{
		"orders": {"order", "invoice"}, "customers": {"customer", "user", "contact", "member", "default"}, "web_events": {"event"},
		"email_events": {"event", "email"}, "conversions": {"conversion"},
	}[source]...)
	for _, c := range t.Columns {
		r.shapes, r.words = append(r.shapes, shapeOf(c)), append(r.words, words(c.Name))
	}
	return r
}

// value says how column i is read as the canonical column c; ok is false where its values forbid it.
func (r *reader) value(c string, i int) (g Guess, ok bool) {
	col, s := r.t.Columns[i], r.shapes[i]
	if empty := s.filled == 0; col.Family == sql.Other || empty && (col.Family == sql.Text || col.Family == sql.Null) {
		return Guess{}, false // nothing is known of it
	}
	switch c {
	case "created_at", "ordered_at", "occurred_at", "converted_at", "deleted_at", "refunded_at", "birth_date":
		return moment(r.d, col)
	case "amount", "refund_amount", "discount_amount", "value", "quantity", "duration_seconds", "employees":
		return amount(r.d, col)
	case "consent_profiling", "consent_email":
		return consent(r.d, col, s)
	case "event_name":
		names := webEvents
		if r.source == "email_events" {
			names = emailEvents
		}
		return event(r.d, col, s, names), col.Family == sql.Text
	case "email":
		return Guess{Value: col.Name}, s.email
	case "customer_id", "order_id", "event_id", "message_id", "conversion_id", "session_id", "product_id", "campaign_id", "store_id":
		switch col.Family {
		case sql.Text, sql.Integer:
			return Guess{Value: col.Name}, true
		case sql.Float, sql.Decimal:
			return Guess{Value: col.Name}, s.integer
		}
		return Guess{}, false
	}
	return Guess{Value: col.Name}, col.Family == sql.Text || col.Family == sql.Integer && s.distinct <= 200
}

// candidates lists what columns may be which canonical ones, by name and values, the best first.
func (r *reader) candidates() (out []candidate) {
	v := vocabularies[r.source]
	for k, c := range sql.SourceColumns(r.source) {
		for i := range r.t.Columns {
			score := v.score(c.Name, r.words[i], r.nouns)
			if c.Name == "consent_email" && score == 0 && (contains(r.words[i], []string{"opt", "out"}) || slices.Contains(r.words[i], "unsubscribed")) {
				score = 75
			}
			if score == 0 {
				continue
			}
			g, ok := r.value(c.Name, i)
			if !ok {
				continue
			}
			if c.Name == "customer_id" && slices.Contains(r.words[i], "email") && !r.shapes[i].email ||
				c.Name == "customer_id" && r.source == "customers" && !r.shapes[i].unique() ||
				c.Name == "order_id" && slices.Equal(r.words[i], []string{"name"}) && !r.numbered(i) {
				continue
			}
			if g.Reason == "" {
				g.Reason = "by its name"
			} else {
				g.Reason = "by its name; " + g.Reason
			}
			g.Confidence = score
			out = append(out, candidate{k, i, g})
		}
	}
	slices.SortStableFunc(out, func(a, b candidate) int { return cmp.Compare(b.Confidence, a.Confidence) })
	return out
}

// numbered says whether the values of column i are numbers with a prefix, like #1001.
func (r *reader) numbered(i int) bool {
	n := 0
	for v, times := range r.shapes[i].values {
		if last := v[len(v)-1]; last >= '0' && last <= '9' && len(v) <= 24 && !strings.Contains(v, " ") {
			n += times
		}
	}
	return most(n, r.shapes[i].filled)
}

const enough = 40 // the least score of a name that counts

// fit makes the source of the table.
func (r *reader) fit() fit {
	f := fit{table: r.t, source: Source{Name: r.source, Table: r.t.Name, From: r.t.From, Query: r.t.Query}}
	if r.t.Note != "" {
		f.source.Note.Reason = r.t.Note
	}
	columns := sql.SourceColumns(r.source)
	got, used := map[int]candidate{}, map[int]bool{}
	all := r.candidates()
	for _, c := range all {
		if _, done := got[c.canonical]; !done && !used[c.column] && c.Confidence >= enough {
			got[c.canonical], used[c.column] = c, true
		}
	}
	r.alternatives(all, got, used)
	chosen := map[string]candidate{}
	for k, c := range got {
		chosen[columns[k].Name] = c
	}
	r.fallbacks(chosen, used)
	if c, ok := chosen["consent_profiling"]; ok && c.Ask == "" && !slices.ContainsFunc(r.words[c.column], isProfiling) {
		if _, ok := chosen["consent_email"]; !ok {
			c.Ask = "who has not consented here is left out of segmentation altogether; or is it consent to e-mail only (consent_email)?"
			chosen["consent_profiling"] = c
		}
	}
	if r.source == "orders" {
		r.orders(&f.source, chosen, used)
		id, has := chosen["customer_id"]
		f.oneEach = has && chosen["order_id"].column < 0 && id.column >= 0 && r.shapes[id.column].unique()
	}
	needed := 0
	for _, c := range columns {
		m, ok := chosen[c.Name]
		switch {
		case ok && c.Needed:
			needed += m.Confidence
		case c.Needed:
			f.missing = append(f.missing, c.Name)
		case ok:
			f.score += 3
		}
		if ok {
			f.source.Columns = append(f.source.Columns, Mapping{c.Name, m.Guess})
		}
		if ok && c.Name == "customer_id" && m.column >= 0 {
			f.source.id = r.t.Columns[m.column].Name
		}
	}
	f.score += needed / max(1, len(slices.Collect(neededOf(columns)))) / 2
	f.score += r.character(chosen)
	r.rest(&f.source, used)
	return f
}

func isProfiling(word string) bool { return word == "profiling" || word == "tracking" }

func neededOf(columns []sql.SourceColumn) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, c := range columns {
			if c.Needed && !yield(c.Name) {
				return
			}
		}
	}
}

// unsettled are the columns of which the wrong one is a wrong result, so that two that are as good are a question.
var unsettled = []string{"customer_id", "ordered_at", "amount", "converted_at"}

// alternatives notes what else may be meant, and asks where the names do not settle it.
func (r *reader) alternatives(all []candidate, got map[int]candidate, used map[int]bool) {
	columns := sql.SourceColumns(r.source)
	for k, c := range got {
		for _, other := range all {
			if other.canonical != k || other.column == c.column || used[other.column] || other.Confidence < max(enough, c.Confidence-35) {
				continue
			}
			c.Others = append(c.Others, Other{other.Value, other.Reason})
			if slices.Contains(unsettled, columns[k].Name) && other.Confidence >= c.Confidence-8 && c.Ask == "" {
				c.Ask = "this column, or " + safe(r.t.Columns[other.column].Name) + "?"
			}
		}
		if len(c.Others) > 3 {
			c.Others = c.Others[:3]
		}
		got[k] = c
	}
}

// fallbacks finds needed columns that no name gives away.
func (r *reader) fallbacks(chosen map[string]candidate, used map[int]bool) {
	only := func(c string, why string, is func(i int) bool) {
		if _, ok := chosen[c]; ok {
			return
		}
		var found []int
		for i := range r.t.Columns {
			if !used[i] && is(i) {
				found = append(found, i)
			}
		}
		if len(found) == 0 {
			return
		}
		g, ok := r.value(c, found[0])
		if !ok {
			return
		}
		g.Confidence, g.Reason = 45, why
		if len(found) > 1 {
			g.Ask = "its name does not say so; is it this column?"
			for _, i := range found[1:min(len(found), 4)] {
				if o, ok := r.value(c, i); ok {
					g.Others = append(g.Others, Other{o.Value, "of the same kind"})
				}
			}
		}
		chosen[c], used[found[0]] = candidate{column: found[0], Guess: g}, true
	}
	never := func(i int, c string) bool {
		return slices.ContainsFunc(r.words[i], func(w string) bool {
			return slices.Contains(vocabularies[r.source][c].never, w)
		})
	}
	dated := func(c string) func(i int) bool {
		return func(i int) bool {
			switch r.t.Columns[i].Family {
			case sql.Day, sql.Timestamp, sql.Instant, sql.Text:
				_, ok := moment(r.d, r.t.Columns[i])
				return ok && r.shapes[i].filled > 0 && !never(i, c)
			}
			return false
		}
	}
	for _, c := range []string{"ordered_at", "occurred_at", "converted_at"} {
		if slices.ContainsFunc(sql.SourceColumns(r.source), func(sc sql.SourceColumn) bool { return sc.Name == c }) {
			only(c, "the values are dates", dated(c))
		}
	}
	only("customer_id", "e-mail addresses, for want of a number", func(i int) bool { return r.shapes[i].email })
	if e, ok := chosen["email"]; ok {
		if _, has := chosen["customer_id"]; !has && r.shapes[e.column].unique() {
			chosen["customer_id"] = candidate{column: e.column, Guess: Guess{Value: e.Value, Confidence: 70, Reason: "e-mail addresses, for want of a number"}}
		}
	}
	if r.source == "orders" {
		only("amount", "the values are money, by their form", func(i int) bool {
			f := r.t.Columns[i].Family
			_, ok := amount(r.d, r.t.Columns[i])
			return ok && !r.shapes[i].integer && f != sql.Integer && !never(i, "amount") && r.shapes[i].filled*2 > r.shapes[i].rows &&
				!slices.Contains(r.words[i], "price")
		})
	}
	if r.source == "web_events" {
		if _, named := chosen["event_name"]; !named {
			if _, paged := chosen["page"]; paged {
				chosen["event_name"] = candidate{column: -1, Guess: Guess{Value: "'page_view'", Confidence: 60, Reason: "there are pages and no names of events"}}
			}
		}
	}
}

// character is what the rows say for or against the table being that source.
func (r *reader) character(chosen map[string]candidate) (score int) {
	if r.hinted {
		score += 25
	}
	e, hasEvent := chosen["event_name"]
	switch r.source {
	case "customers":
		score += 20 // their identifier is unique
		if len(chosen) < 2 && score < 40 {
			score -= 20
		}
	case "web_events", "email_events":
		if hasEvent && e.column >= 0 {
			names := map[string]map[string]string{"web_events": webEvents, "email_events": emailEvents}[r.source]
			score += int(60*r.shapes[e.column].understood(names)) - 30
		}
	case "conversions":
		if score == 0 { // only its name tells a table of conversions from others with a date
			score = -100
		}
	}
	return score
}

// sensitive are words of what is not to be proposed as an attribute (GDPR, article 9), and of who somebody is.
var sensitive = strings.Fields("religion religious ethnicity ethnic race health disease political politics union orientation biometric genetic " +
	"name firstname lastname surname forename first last vorname nachname email phone street address strasse zip postcode plz iban ip token password hash ssn tax")

// rest proposes attributes and notes what is not used.
func (r *reader) rest(s *Source, used map[int]bool) {
	for i, c := range r.t.Columns {
		if used[i] {
			continue
		}
		f := r.shapes[i]
		few := f.distinct >= 2 && f.distinct <= 20 && f.distinct*10 <= f.filled && f.filled*2 >= f.rows
		kind := c.Family == sql.Text || c.Family == sql.Boolean || c.Family == sql.Integer && f.distinct <= 12
		who := slices.ContainsFunc(r.words[i], func(w string) bool { return slices.Contains(sensitive, w) })
		if _, dated := moment(r.d, c); r.source == "customers" && few && kind && !who && !dated && !f.email {
			s.Attributes = append(s.Attributes, c.Name)
			continue
		}
		s.Unused = append(s.Unused, c.Name)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
