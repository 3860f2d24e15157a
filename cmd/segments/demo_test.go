package main

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"segments/pipeline/demo"
)

// What is wrong with the demo's data is found and counted, reason by reason.
func TestDemoRejectsAreThoseInjected(t *testing.T) {
	t.Parallel()
	data, truth := company(t, demo.Options{Customers: 4000, Seed: 3, Dirt: true})
	s := newShop(t, data, quick)
	s.publish(0)
	got := map[string]string{}
	for _, r := range s.rows(`SELECT concat(source, '.', reason), "rows" FROM run_rejects`) {
		name, n, _ := strings.Cut(r, " ")
		got[name] = n
	}
	d := truth.Dirt
	people := 0
	for _, p := range truth.Types {
		people += p.People
	}
	want := map[string]int{
		"customers.duplicate": d.DuplicateCustomers, "orders.duplicate": d.DuplicateOrders, "web_events.duplicate": d.DuplicateWebEvents,
		"email_events.duplicate": d.DuplicateEmailEvents, "conversions.duplicate": d.DuplicateConversions,
		"orders.missing_customer_id": d.OrdersWithoutCustomer, "orders.missing_time": d.OrdersWithoutTime,
		"orders.bad_amount": d.OrdersWithoutAmount, "orders.refund_above_amount": d.ExcessRefunds,
		"web_events.missing_customer_id": d.WebEventsWithoutCustomer,
		"customers_known.consent":        d.OptedOut,
		"touchpoints.duplicate":          d.DuplicateTouchpoints, "touchpoints.missing_customer_id": d.TouchpointsWithoutCustomer,
		"experiments.duplicate": d.DuplicateAssignments, "experiments.several_variants": 2 * d.InBothVariants,
	}
	for _, name := range []string{"customers", "orders", "web_events", "email_events", "conversions", "touchpoints", "costs", "experiments"} {
		read := truth.Rows[name+".csv"]
		want[name+".read"], want[name+".used"] = read, read
	}
	for name, n := range maps.Clone(want) {
		source, reason, _ := strings.Cut(name, ".")
		switch {
		case source == "customers_known", reason == "read", reason == "used", reason == "refund_above_amount":
		default:
			want[source+".used"] -= n
		}
	}
	for name, n := range want {
		if got[name] != strconv.Itoa(n) || n == 0 {
			t.Errorf("%s: %q rows, want %d", name, got[name], n)
		}
		delete(got, name)
	}
	known, used := got["customers_known.read"], got["customers_known.used"]
	delete(got, "customers_known.read")
	delete(got, "customers_known.used")
	if len(got) > 0 {
		t.Errorf("also counted: %v", got)
	}
	var k, u int
	_, err := fmt.Sscan(known, &k)
	check(t, err)
	_, err = fmt.Sscan(used, &u)
	check(t, err)
	if k != u+d.OptedOut || k > people+d.SharedEmails || s.row("SELECT count(*) FROM customer_segments") != used {
		t.Errorf("%d known, %d used, %d opted out of %d people", k, u, d.OptedOut, people)
	}
}

// The fitted parameters are those of the process that made the purchases, within four of their standard errors.
func TestDemoParametersAreRecovered(t *testing.T) {
	t.Parallel()
	data, truth := company(t, demo.Options{Customers: 8000, Seed: 5})
	s := newShop(t, data, "\ntransforms: {clv: {model: bgnbd}, cluster: {k: 4}}\nvalidation: {origins: 1}\n")
	s.publish(0)
	p := truth.Process
	for name, want := range map[string]float64{
		"bgnbd_r": p.R, "bgnbd_alpha": p.Alpha, "bgnbd_a": p.A, "bgnbd_b": p.B, "gammagamma_p": p.P, "gammagamma_q": p.Q, "gammagamma_gamma": p.Gamma,
	} {
		var got, se float64
		_, err := fmt.Sscan(s.row(`SELECT max(value) FILTER (parameter = '`+name+`'), max(value) FILTER (parameter = '`+name+`_se')
			FROM model_parameters_current WHERE step = 'clv'`), &got, &se)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Logf("%-16s %7.3f ± %.3f, true %.3f", name, got, se, want)
		if !(math.Abs(got-want) <= 4*se) || se > 0.25*want {
			t.Errorf("%s: %g with standard error %g, true is %g", name, got, se, want)
		}
	}
}

// The command makes the company and runs the job on it.
func TestDemoCommand(t *testing.T) {
	t.Parallel()
	s := shop{t, t.TempDir(), today.AddDate(3, 0, 0)}
	_, stderr := s.segments(exitOK, "demo", "--dir", s.dir, "--customers", "1000")
	says(t, stderr, "made a company of 1,000 people", "✓ published 2026-10-31", "validated  Champions", "queries to try", filepath.Join(s.dir, "shop.duckdb"))
	for _, line := range strings.Split(stderr, "\n") {
		if q, ok := strings.CutPrefix(line, "  SELECT"); ok {
			if len(s.rows("SELECT"+strings.TrimSuffix(q, ";"))) == 0 {
				t.Errorf("nothing comes of SELECT%s", q)
			}
		}
	}
	out, _ := s.segments(exitOK, "explain", "segment", "Champions")
	says(t, out, "Champions")
	says(t, first(s.segments(exitOK, "status", "-o", "csv")), "2026-10-31,2026-10-31-")
}
