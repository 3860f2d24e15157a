package discover

import (
	"cmp"
	"slices"
	"strings"

	"segments/pipeline/discover/draft"
	"segments/pipeline/discover/values"
	"segments/pipeline/discover/words"
	"segments/sql"
)

// A fit is a table as a source.
type fit struct {
	table   *Table
	source  draft.Source
	score   int
	id      string   // the column that identifies customers, unquoted; empty where an expression does
	missing []string // canonical columns that are needed and not there
	oneEach bool     // of orders: no order has a number, and no customer is there twice
}

// A candidate is a column for a canonical one.
type candidate struct {
	canonical, column int // canonical is its place in sql.SourceColumns
	draft.Guess
}

// A reader is a table, looked at as one source.
type reader struct {
	d      sql.Dialect
	source string
	t      *Table
	nouns  []string // words that columns repeat of what a row is
	hinted bool     // the name of the table says that it is that source
	shapes []values.Shape
	words  [][]string
}

func newReader(d sql.Dialect, source string, t *Table) *reader {
	r := &reader{d: d, source: source, t: t}
	for _, n := range words.Of(t.Name) { // sales have sale_date
		if words.NameTable(source, n) {
			r.hinted = true
			r.nouns = append(r.nouns, n, strings.TrimSuffix(n, "s"))
		}
	}
	r.nouns = append(r.nouns, map[string][]string{
		"orders": {"order", "invoice"}, "customers": {"customer", "user", "contact", "member", "default"}, "web_events": {"event"},
		"email_events": {"event", "email"}, "conversions": {"conversion"}, "experiments": {"experiment"},
	}[source]...)
	for _, c := range t.Columns {
		r.shapes, r.words = append(r.shapes, values.ShapeOf(c)), append(r.words, words.Of(c.Name))
	}
	return r
}

// value says how column i is read as the canonical column c; ok is false where its values forbid it.
func (r *reader) value(c string, i int) (g draft.Guess, ok bool) {
	col, s := r.t.Columns[i], r.shapes[i]
	if empty := s.Filled == 0; col.Family == sql.Other || empty && (col.Family == sql.Text || col.Family == sql.Null) {
		return draft.Guess{}, false // nothing is known of it
	}
	switch c {
	case "created_at", "ordered_at", "occurred_at", "converted_at", "deleted_at", "refunded_at", "birth_date", "assigned_at", "spent_on":
		return values.Moment(r.d, col)
	case "amount", "refund_amount", "discount_amount", "value", "quantity", "duration_seconds", "employees":
		return values.Amount(r.d, col)
	case "consent_profiling", "consent_email":
		return values.Consent(r.d, col, s)
	case "event_name":
		return values.Event(r.d, col, s, r.source), col.Family == sql.Text
	case "email":
		return draft.Guess{Value: col.Name}, s.Email
	case "customer_id", "order_id", "event_id", "message_id", "conversion_id", "session_id", "product_id", "campaign_id", "store_id":
		switch col.Family {
		case sql.Text, sql.Integer:
			return draft.Guess{Value: col.Name}, true
		case sql.Float, sql.Decimal:
			return draft.Guess{Value: col.Name}, s.Integer
		}
		return draft.Guess{}, false
	}
	return draft.Guess{Value: col.Name}, col.Family == sql.Text || col.Family == sql.Integer && s.Distinct <= 200
}

// candidates lists what columns may be which canonical ones, by name and values, the best first.
func (r *reader) candidates() (out []candidate) {
	for k, c := range sql.SourceColumns(r.source) {
		for i := range r.t.Columns {
			score := words.Score(r.source, c.Name, r.words[i], r.nouns)
			if c.Name == "consent_email" && score == 0 && (words.Contain(r.words[i], []string{"opt", "out"}) || slices.Contains(r.words[i], "unsubscribed")) {
				score = 75
			}
			if score == 0 {
				continue
			}
			g, ok := r.value(c.Name, i)
			if !ok {
				continue
			}
			if c.Name == "customer_id" && slices.Contains(r.words[i], "email") && !r.shapes[i].Email ||
				c.Name == "customer_id" && r.source == "customers" && !r.shapes[i].Unique() ||
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
	for v, times := range r.shapes[i].Values {
		if last := v[len(v)-1]; last >= '0' && last <= '9' && len(v) <= 24 && !strings.Contains(v, " ") {
			n += times
		}
	}
	return values.Most(n, r.shapes[i].Filled)
}

const enough = 40 // the least score of a name that counts

// fit makes the source of the table.
func (r *reader) fit() fit {
	f := fit{table: r.t, source: draft.Source{Name: r.source, Table: r.t.Name, From: r.t.From, Query: r.t.Query}}
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
		f.oneEach = has && chosen["order_id"].column < 0 && id.column >= 0 && r.shapes[id.column].Unique()
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
			f.source.Columns = append(f.source.Columns, draft.Mapping{Column: c.Name, Guess: m.Guess})
		}
		if ok && c.Name == "customer_id" && m.column >= 0 {
			f.id = r.t.Columns[m.column].Name
		}
	}
	f.score += needed / max(1, neededOf(columns)) / 2
	f.score += r.character(chosen)
	r.rest(&f.source, used)
	return f
}

func isProfiling(word string) bool { return word == "profiling" || word == "tracking" }

// neededOf counts the columns that a source cannot do without.
func neededOf(columns []sql.SourceColumn) (n int) {
	for _, c := range columns {
		if c.Needed {
			n++
		}
	}
	return n
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
			c.Others = append(c.Others, draft.Other{Value: other.Value, Why: other.Reason})
			if slices.Contains(unsettled, columns[k].Name) && other.Confidence >= c.Confidence-8 && c.Ask == "" {
				c.Ask = "this column, or " + draft.Safe(r.t.Columns[other.column].Name) + "?"
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
					g.Others = append(g.Others, draft.Other{Value: o.Value, Why: "of the same kind"})
				}
			}
		}
		chosen[c], used[found[0]] = candidate{column: found[0], Guess: g}, true
	}
	never := func(i int, c string) bool { return words.Never(r.source, c, r.words[i]) }
	dated := func(c string) func(i int) bool {
		return func(i int) bool {
			switch r.t.Columns[i].Family {
			case sql.Day, sql.Timestamp, sql.Instant, sql.Text:
				_, ok := values.Moment(r.d, r.t.Columns[i])
				return ok && r.shapes[i].Filled > 0 && !never(i, c)
			}
			return false
		}
	}
	for _, c := range []string{"ordered_at", "occurred_at", "converted_at"} {
		if slices.ContainsFunc(sql.SourceColumns(r.source), func(sc sql.SourceColumn) bool { return sc.Name == c }) {
			only(c, "the values are dates", dated(c))
		}
	}
	only("customer_id", "e-mail addresses, for want of a number", func(i int) bool { return r.shapes[i].Email })
	if e, ok := chosen["email"]; ok {
		if _, has := chosen["customer_id"]; !has && r.shapes[e.column].Unique() {
			chosen["customer_id"] = candidate{column: e.column, Guess: draft.Guess{Value: e.Value, Confidence: 70, Reason: "e-mail addresses, for want of a number"}}
		}
	}
	if r.source == "orders" {
		only("amount", "the values are money, by their form", func(i int) bool {
			f := r.t.Columns[i].Family
			_, ok := values.Amount(r.d, r.t.Columns[i])
			return ok && !r.shapes[i].Integer && f != sql.Integer && !never(i, "amount") && r.shapes[i].Filled*2 > r.shapes[i].Rows &&
				!slices.Contains(r.words[i], "price")
		})
	}
	if r.source == "web_events" {
		if _, named := chosen["event_name"]; !named {
			if _, paged := chosen["page"]; paged {
				chosen["event_name"] = candidate{column: -1, Guess: draft.Guess{Value: "'page_view'", Confidence: 60, Reason: "there are pages and no names of events"}}
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
			score += int(60*r.shapes[e.column].Understood(r.source)) - 30
		}
	case "conversions", "experiments", "touchpoints", "costs":
		// Only its name tells such a table from others with a date, but for columns that are called experiment and variant.
		if score == 0 && min(chosen["experiment"].Confidence, chosen["variant"].Confidence) < plain {
			score = -100
		}
		if r.source == "costs" && r.ofMany() { // what customers spend is no cost
			score = -100
		}
	}
	return score
}

const plain = 90 // the least score of a name that can mean nothing else

// ofMany says whether a column names customers. Accounts of an advertiser are called alike, and are few.
func (r *reader) ofMany() bool {
	for i, name := range r.words {
		if words.Score("orders", "customer_id", name, nil) >= enough && r.shapes[i].Distinct > 10 {
			return true
		}
	}
	return false
}

// sensitive are words of what is not to be proposed as an attribute (GDPR, article 9), and of who somebody is.
var sensitive = strings.Fields("religion religious ethnicity ethnic race health disease political politics union orientation biometric genetic " +
	"name firstname lastname surname forename first last vorname nachname email phone street address strasse zip postcode plz iban ip token password hash ssn tax")

// consents are words of what somebody agreed to, which says what may be done and not who they are.
var consents = strings.Fields("accepts consent opt opted subscribed unsubscribed newsletter einwilligung")

// What is no trait of a customer, though it has few values: what came of something, the arm of a test, and groupings that
// others have made. Groups that are described by it seem to be explained by what they are to foretell.
var (
	outcomes = strings.Fields("conversion conversions converted converter converts churn churned churner response responded responder " +
		"outcome outcomes treatment treated arm uplift orders purchases recency rfm ltv clv")
	wholeOutcomes = strings.Fields("visit visited visits spend spent target label variant bucket clicked opened purchased bought ordered group segment")
	outcomeFiller = strings.Fields("is has did was flag test control experiment ab mail mailing email campaign customer group post")
)

// outcome says whether name, cut into words, is that of an outcome or of a grouping: by a word that says so wherever it
// stands, by words that say so alone, as test_group does and age_group does not, or by being somebody's segment.
func outcome(name []string) bool {
	in := func(list []string) func(string) bool { return func(w string) bool { return slices.Contains(list, w) } }
	if slices.ContainsFunc(name, in(outcomes)) || len(name) > 0 && name[len(name)-1] == "segment" {
		return true
	}
	return slices.ContainsFunc(name, in(wholeOutcomes)) &&
		!slices.ContainsFunc(name, func(w string) bool { return !in(wholeOutcomes)(w) && !in(outcomeFiller)(w) })
}

// rest proposes attributes and notes what is not used.
func (r *reader) rest(s *draft.Source, used map[int]bool) {
	for i, c := range r.t.Columns {
		if used[i] {
			continue
		}
		f := r.shapes[i]
		few := f.Distinct >= 2 && f.Distinct <= 20 && f.Distinct*10 <= f.Filled && f.Filled*2 >= f.Rows
		kind := c.Family == sql.Text || c.Family == sql.Boolean || c.Family == sql.Integer && f.Distinct <= 12
		never := slices.ContainsFunc(r.words[i], func(w string) bool { return slices.Contains(sensitive, w) || slices.Contains(consents, w) })
		if _, dated := values.Moment(r.d, c); r.source == "customers" && few && kind && !never && !dated && !f.Email {
			if outcome(r.words[i]) {
				s.Outcomes = append(s.Outcomes, c.Name)
			} else {
				s.Attributes = append(s.Attributes, c.Name)
			}
			continue
		}
		s.Unused = append(s.Unused, c.Name)
	}
}
