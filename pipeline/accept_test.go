package pipeline

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestAccept(t *testing.T) {
	r := &run{Job: &Job{}, Options: Options{Accept: []Acceptance{{Check: checkGate}, {checkHistory, "orders"}, {checkVolume, ""}}}}
	r.check(checkGate, "core_segment", Failed, "no better than chance")
	r.check(checkHistory, "orders", Failed, "4 rows")
	r.check(checkHistory, "customers", Failed, "3 rows")
	r.check(checkVolume, "customers", Passed, "fine")
	r.check(checkVolume, allCustomers, Failed, "nobody")
	var states []string
	for _, c := range r.checks {
		states = append(states, string(c.State))
	}
	if want := []string{"accepted", "accepted", "failed", "passed", "failed"}; !slices.Equal(states, want) {
		t.Errorf("states %v, want %v", states, want)
	}
	if got, want := r.checks[0].Detail, "accepted by --accept gate: no better than chance"; got != want {
		t.Errorf("detail %q, want %q", got, want)
	}
	if got, want := r.unused(), []string{"--accept volume: no such check has failed"}; !slices.Equal(got, want) {
		t.Errorf("notes %q, want %q", got, want)
	}
	if got, want := accepted(r.checks), []string{"gate of core_segment", "history of orders"}; !slices.Equal(got, want) {
		t.Errorf("accepted %q, want %q", got, want)
	}
	err := r.verdict()
	if !errors.Is(err, ErrRejected) || strings.Contains(err.Error(), "gate") || !strings.Contains(err.Error(), "history of customers: 3 rows") {
		t.Errorf("verdict %v", err)
	}
}

// What is accepted is part of what a run's result depends on, in whatever order and however often it is said.
func TestAcceptIsInTheDigest(t *testing.T) {
	mode := func(as ...Acceptance) string { return Options{Accept: as}.mode() }
	gate, orders := Acceptance{checkGate, ""}, Acceptance{checkHistory, "orders"}
	if mode() != "run" || mode(gate) == mode() || mode(gate) == mode(orders) || mode(gate, orders) != mode(orders, gate, gate) {
		t.Errorf("%q %q %q %q", mode(), mode(gate), mode(orders), mode(gate, orders))
	}
}

func TestParseAcceptance(t *testing.T) {
	for _, d := range CheckDocs() {
		a, ok, err := ParseAcceptance(d.Name + ":a subject: of two parts")
		if !ok || (err != nil) != (d.Never != "") || a.Subject != "a subject: of two parts" || a.Check != d.Name {
			t.Errorf("%s: %+v %t %v", d.Name, a, ok, err)
		}
	}
	for _, never := range []string{checkKeys, checkValues, checkConservation, checkCurrency} {
		if _, _, err := ParseAcceptance(never); err == nil || !strings.Contains(err.Error(), never+" cannot be accepted: ") {
			t.Errorf("%s: %v", never, err)
		}
	}
	if _, _, err := ParseAcceptance("history:"); err == nil || !strings.Contains(err.Error(), "history: cannot be accepted: nothing stands after the colon") {
		t.Errorf("an empty subject: %v", err)
	}
	if _, ok, err := ParseAcceptance("gates"); ok || err != nil {
		t.Error("there is a check gates", err)
	}
}
