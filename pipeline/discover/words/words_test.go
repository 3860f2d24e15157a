package words_test

import (
	"strings"
	"testing"

	"segments/pipeline/discover/words"
)

func TestOf(t *testing.T) {
	for name, want := range map[string]string{
		"InvoiceNo":       "invoice number",
		"customer_id":     "customer id",
		"HTTPStatus":      "http status",
		"Kundennummer":    "customer number",
		"KdNr":            "customer number",
		"Kd-Nr.":          "customer number",
		"Gesamtbetrag":    "total",
		"E-Mail":          "email",
		"Größe (cm)":      "grosse cm",
		"Order #":         "order number",
		"":                "",
		"\u202e </script": "script",
	} {
		if got := strings.Join(words.Of(name), " "); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// Plainer names score higher, and words that a column's names never have rule it out.
func TestScore(t *testing.T) {
	score := func(name string) int { return words.Score("orders", "ordered_at", words.Of(name), []string{"order"}) }
	if a, b := score("ordered at"), score("date"); a <= b || b == 0 {
		t.Errorf("ordered at has %d, date %d", a, b)
	}
	if got := score("updated at"); got != 0 {
		t.Errorf("updated at has %d", got)
	}
	if !words.NameTable("orders", "orders") || words.NameTable("orders", "customers") {
		t.Error("orders are not told from customers")
	}
}
