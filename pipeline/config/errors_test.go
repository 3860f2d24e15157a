package config

import (
	"errors"
	"strings"
	"testing"
)

// Every mistake of a file is told, in the order of the file, and none that only follows from another.
func TestEveryMistake(t *testing.T) {
	const src = `nam: shop
timezone: Mars/Olympus
tint: blue
warehouse: {duckdb: {path: shop.duckdb}, bigquery: {}}
sources:
  customers:
    from: customers.csv
    columns: {customer_id: id, emial: mail}
    attributes: [age, age]
  orders:
    columns: {order_id: [1], customer: who, ordered_at: ""}
  web_events: nothing
validation: {horizon: 90, origins: 0, gate: {min_auc_lower: 3, min_converters: many}}
freshness: {wait: soon, customers: 1d}
currency: {rates: {eur: 1}}
schedule: nightly
`
	want := []string{
		`1:1: nam: unknown key; did you mean name?`,
		`2:11: timezone: "Mars/Olympus" is no time zone: want an IANA name such as Europe/Berlin`,
		`3:1: tint: unknown key; want one of name, timezone,`,
		`4:1: warehouse: there are bigquery and duckdb;`,
		`8:32: sources.customers.columns.emial: unknown column; did you mean email?`,
		`9:17: sources.customers.attributes: "age" is empty or there twice`,
		`10:3: sources.orders: want from (a table or a file) or query`,
		`11:5: sources.orders.columns.amount: is missing; it is needed.`,
		`11:25: sources.orders.columns.order_id: is a list, want text`,
		`11:30: sources.orders.columns.customer: unknown column; did you mean customer_id?`,
		`11:57: sources.orders.columns.ordered_at: is empty;`,
		`12:15: sources.web_events: "nothing" is text, want a mapping`,
		`13:23: validation.horizon: "90" is no number of days`,
		`13:36: validation.origins: 0, want 1 to 12`,
		`13:61: validation.gate.min_auc_lower: 3, want 0 to 1`,
		`13:80: validation.gate.min_converters: "many" is text, want a whole number`,
		`14:19: freshness.wait: "soon" is no duration`,
		`14:36: freshness.customers: cannot be told without`,
		`15:12: currency.rates: there are rates and no currency.code`,
		`15:20: currency.rates.eur: is no currency`,
		`16:11: schedule: "nightly" is no schedule`,
	}
	c, err := Parse("test.yml", []byte(src))
	var found Errors
	if c != nil || !errors.As(err, &found) {
		t.Fatalf("%v, %T", c, err)
	}
	var got []string
	for _, e := range found {
		line, _, _ := strings.Cut(e.Error(), "\n")
		got = append(got, strings.TrimPrefix(line, "test.yml:"))
	}
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(want):
			t.Errorf("and %s", got[i])
		case i >= len(got):
			t.Errorf("not told: %s", want[i])
		case !strings.HasPrefix(got[i], want[i]):
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
}

// What has no mistake is read, for whoever looks on.
func TestReadDespiteMistakes(t *testing.T) {
	c, err := read("test.yml", []byte(strings.Replace(minimal, "amount: d", "amount: d, status: [1]", 1)+"quality: {max_rejected: 2, max_anonymous: x}\n"))
	var found Errors
	if !errors.As(err, &found) || len(found) != 3 {
		t.Fatal(err)
	}
	if c.Name != "shop" || c.Sources.Orders.Columns["amount"] != "d" || c.Quality.MaxRejected != 2 || c.Quality.MaxAnonymous != 0.5 {
		t.Errorf("%+v", bare(c))
	}
	if c.root == nil || c.Errorf("quality.max_anonymous", "x").Error() == "" {
		t.Error("what is pruned has no place any more")
	}
}

func TestAdd(t *testing.T) {
	var es Errors
	other := errors.New("other")
	if es.Err() != nil || es.Add(nil) != nil || !errors.Is(es.Add(other), other) || es.Err() != nil {
		t.Error("there is no mistake")
	}
	one := &Error{Line: 2, Key: "b", Message: "b: no"}
	if es.Add(one) != nil || !errors.Is(es.Err(), error(one)) {
		t.Errorf("%v", es.Err())
	}
	two := &Error{Line: 1, Key: "a", Message: "a: no"}
	if es.Add(Errors{one, two, {Key: "b.c"}}) != nil || len(es) != 2 || !errors.Is(es.Err(), error(two)) {
		t.Errorf("%v", es)
	}
	if got := es.Err().Error(); got != ":1:0: a: no\n:2:0: b: no" {
		t.Errorf("%q", got)
	}
}
