package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A counter is a shop whose sources are three small files: lines of customers (id, created, consent, deleted), orders
// (id, customer, day, amount, refund, refunded) and visits (customer, day).
type counter struct {
	shop
	customers, orders, visits map[string]string // by a name of the line's own
}

const counterYAML = `name: shop
warehouse: {duckdb: {path: shop.duckdb, threads: 1}}
sources:
  customers:
    from: customers.csv
    columns: {customer_id: id, created_at: created, consent_profiling: consent, deleted_at: CAST(deleted AS DATE)}
  orders:
    from: orders.csv
    columns: {order_id: id, customer_id: customer, ordered_at: day, amount: amount, refund_amount: refund, refunded_at: CAST(refunded AS DATE)}
  web_events: {from: visits.csv, columns: {customer_id: customer, occurred_at: day, event_name: name}}
quality: {max_rejected: 1, max_anonymous: 1}
validation: {origins: 1}
transforms:
  rfm: {recency_cuts: [30, 60, 90, 120], monetary_cuts: [10, 20, 30, 40]}
`

func newCounter(t *testing.T) counter {
	t.Helper()
	c := counter{shop{t, t.TempDir(), today}, map[string]string{}, map[string]string{}, map[string]string{}}
	check(t, os.WriteFile(c.config(), []byte(counterYAML), 0o644))
	add(c.customers, "idle,2025-01-01,true,") // no source is empty
	add(c.visits, "idle,2025-06-01,page_view")
	return c
}

// run writes the sources and publishes a day. The clock goes on by an hour each time.
func (c *counter) run(day string, args ...string) {
	c.Helper()
	for name, f := range map[string]struct {
		head  string
		lines map[string]string
	}{
		"customers": {"id,created,consent,deleted", c.customers},
		"orders":    {"id,customer,day,amount,refund,refunded", c.orders},
		"visits":    {"customer,day,name", c.visits},
	} {
		text := f.head + "\n"
		for _, key := range slices.Sorted(maps.Keys(f.lines)) {
			text += f.lines[key] + "\n"
		}
		check(c, os.WriteFile(filepath.Join(c.dir, name+".csv"), []byte(text), 0o644))
	}
	c.now = c.now.Add(time.Hour)
	c.segments(exitOK, append([]string{"run", "--as-of", day}, args...)...)
}

// add adds a line for each of the texts, of which the first word is its name.
func add(to map[string]string, lines ...string) {
	for _, l := range lines {
		name, _, _ := strings.Cut(l, ",")
		to[name] = l
	}
}

// causes lists who moved, as from, to and why.
func (c *counter) causes(day string) map[string]string {
	c.Helper()
	out := map[string]string{}
	for _, row := range c.rows("SELECT concat(customer_id, ': ', coalesce(previous_segment, '-'), ' > ', coalesce(core_segment, '-'), ', ', cause) AS row" +
		" FROM segment_history WHERE true_from = '" + day + "'") {
		id, what, _ := strings.Cut(row, ": ")
		out[id] = what
	}
	if c.row("SELECT count(DISTINCT as_of) FROM customer_segments") != "1" {
		c.addUp(day)
	}
	return out
}

// addUp wants the transitions of a day to add up to the sizes of the segments before and after, and those with a cause to
// be those that moved.
func (c *counter) addUp(day string) {
	c.Helper()
	if bad := c.rows(addsUp(day)); bad != nil {
		c.Errorf("%s: does not add up: %v", day, bad)
	}
}

// addsUp is the query of what does not add up in the transitions of a day.
func addsUp(day string) string {
	return strings.ReplaceAll(`WITH moves AS (SELECT * FROM segment_transitions WHERE as_of = DATE 'DAY'),
		days AS (SELECT max(as_of) AS before FROM customer_segments WHERE as_of < DATE 'DAY'),
		sizes AS (
			SELECT 'before' AS at, core_segment AS segment, count(*) AS n FROM customer_segments, days WHERE as_of = before GROUP BY ALL
			UNION ALL SELECT 'now', core_segment, count(*) FROM customer_segments WHERE as_of = DATE 'DAY' GROUP BY ALL
		),
		sums AS (
			SELECT 'before' AS at, from_segment AS segment, sum(customers) AS n FROM moves GROUP BY ALL
			UNION ALL SELECT 'now', to_segment, sum(customers) FROM moves GROUP BY ALL
		)
		SELECT coalesce(a.at, b.at), coalesce(a.segment, b.segment), a.n, b.n
		FROM (SELECT * FROM sizes WHERE segment IS NOT NULL) AS a FULL JOIN (SELECT * FROM sums WHERE segment <> '') AS b ON a.at = b.at AND a.segment = b.segment
		WHERE a.n IS DISTINCT FROM b.n
		UNION ALL
		SELECT 'cause', cause, customers, NULL FROM moves WHERE (cause = 'none') <> (from_segment = to_segment)`, "DAY", day)
}

// Each cause alone, of somebody to whom nothing else has happened.
func TestCauses(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	crm := func(ids ...string) {
		for _, id := range ids {
			add(c.customers, id+",2025-01-01,true,")
		}
	}
	crm("buys", "returns", "waits", "loses", "looked", "looks", "lookslate", "deleted", "vanishes", "late")
	add(c.customers, "refuses,2025-01-01,true,", "agrees,2025-01-01,false,")
	add(c.orders, "o1,buys,2025-05-15,25,0,", "o2,returns,2025-06-25,20,0,", "o3,waits,2025-05-30,15,0,", "o4,loses,2025-06-25,20,0,",
		"o5,refuses,2025-06-20,35,0,", "o6,agrees,2025-06-20,35,0,", "o7,late,2025-05-01,20,0,", "o8,stays,2025-06-20,35,0,")
	add(c.visits, "looked,2025-06-01,page_view")
	c.run("2025-06-29")
	first := c.causes("2025-06-29")
	for id, what := range first {
		if !strings.HasSuffix(what, ", new") || !strings.HasPrefix(what, "- > ") {
			t.Errorf("on the first day %s: %s", id, what)
		}
	}
	if len(first) != 13 || first["agrees"] != "" {
		t.Errorf("on the first day: %v", first)
	}

	add(c.orders, "n1,buys,2025-06-30,25,0,", "o2,returns,2025-06-25,20,20,2025-06-30", "n2,late,2025-06-20,20,0,", "n3,stranger,2025-06-30,20,0,",
		"n4,latestranger,2025-06-20,20,0,")
	delete(c.orders, "o4")
	add(c.visits, "looks,2025-06-30,page_view", "lookslate,2025-06-28,page_view")
	add(c.customers, "refuses,2025-01-01,false,", "agrees,2025-01-01,true,", "deleted,2025-01-01,true,2025-06-30", "newcomer,2025-06-30,true,")
	delete(c.customers, "vanishes")
	c.run("2025-06-30")
	want := map[string]string{
		"buys":         "Promising > Potential Loyalist, purchase",
		"returns":      "New > Prospect, purchase",
		"waits":        "New > Promising, silence",
		"loses":        "New > Prospect, corrected",
		"late":         "Promising > Potential Loyalist, corrected",
		"looks":        "Prospect > Browser, activity",
		"lookslate":    "Prospect > Browser, corrected",
		"refuses":      "New > -, consent",
		"agrees":       "- > New, consent",
		"deleted":      "Prospect > -, consent",
		"vanishes":     "Prospect > -, identity",
		"stranger":     "- > New, new",
		"latestranger": "- > New, corrected",
		"newcomer":     "- > Prospect, new",
	}
	if got := c.causes("2025-06-30"); !maps.Equal(got, want) {
		t.Errorf("causes:\n%v\nwant\n%v", got, want)
	}
}

// Whether cuts or the map moved somebody is found by scoring again with either; what they did themselves counts rather.
func TestCausesOfModels(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	add(c.orders, "o1,edge,2025-06-05,15,0,", "o2,old,2025-03-20,15,0,", "o3,buys,2025-06-05,15,0,", "o4,fresh,2025-06-28,15,0,",
		"o5,twice,2025-06-20,15,0,", "o6,twice,2025-06-21,15,0,")
	c.run("2025-06-29")

	c.edit("[30, 60, 90, 120]", "[20, 60, 90, 120]")
	add(c.orders, "n1,buys,2025-06-30,15,0,")
	c.run("2025-06-30")
	want := map[string]string{"edge": "New > Promising, cut moved", "buys": "New > Potential Loyalist, purchase"}
	if got := c.causes("2025-06-30"); !maps.Equal(got, want) {
		t.Errorf("cuts moved:\n%v\nwant\n%v", got, want)
	}

	// Bands ask for other purchase days than those that were published.
	c.edit("rfm: {", "rfm: {frequency_bands: [1, 3, 4, 5, 6], ")
	c.run("2025-07-01")
	want = map[string]string{"twice": "Potential Loyalist > New, cut moved", "buys": "Potential Loyalist > New, cut moved"}
	if got := c.causes("2025-07-01"); !maps.Equal(got, want) {
		t.Errorf("bands moved:\n%v\nwant\n%v", got, want)
	}

	// The map and the cuts, both at once: edge is New again by the cut, everybody else of R 5 is renamed.
	c.edit("[20, 60, 90, 120]", "[40, 60, 90, 120]", "rfm: {", "rfm: {map: custom, segments: [{name: Fresh, r: [5], f: [1, 2], action: x}, "+
		"{name: Loyal, r: [5], f: [3, 4, 5]}, {name: Promising, r: [4]}, {name: Away, r: [1, 2, 3]}], ")
	c.run("2025-07-02")
	want = map[string]string{
		"edge": "Promising > Fresh, cut moved", "fresh": "New > Fresh, rule changed", "twice": "New > Fresh, rule changed",
		"buys": "New > Fresh, rule changed", "old": "At Risk > Away, rule changed",
	}
	got := c.causes("2025-07-02")
	want["old"] = got["old"] // whatever it was called
	if !maps.Equal(got, want) || !strings.HasSuffix(got["old"], "> Away, rule changed") {
		t.Errorf("map and cuts changed:\n%v\nwant\n%v", got, want)
	}
}

// Cuts that are learned anew by every fit move people who did nothing.
func TestCausesOfLearnedCuts(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.edit("rfm: {recency_cuts: [30, 60, 90, 120], monetary_cuts: [10, 20, 30, 40]}", "rfm: {refresh: always}")
	for _, o := range []string{"a,2025-06-28", "b,2025-06-20", "c,2025-06-10", "d,2025-05-01", "e,2025-03-01", "f,2025-02-01"} {
		id, day, _ := strings.Cut(o, ",")
		add(c.orders, "o"+id+","+id+","+day+",15,0,")
	}
	c.run("2025-06-29")
	for _, id := range []string{"u", "v", "w", "x", "y", "z"} {
		add(c.orders, "n"+id+","+id+",2025-06-30,15,0,")
	}
	c.run("2025-06-30")
	var cut int
	for id, what := range c.causes("2025-06-30") {
		switch {
		case id >= "u" && !strings.HasSuffix(what, ", new"):
			t.Errorf("%s: %s", id, what)
		case id < "u" && strings.HasSuffix(what, ", cut moved"):
			cut++
		case id < "u" && !strings.HasSuffix(what, ", silence"):
			t.Errorf("%s: %s", id, what)
		}
	}
	if cut == 0 {
		t.Error("nobody was moved by cuts")
	}
}
