package demo

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// recount finds the faults by reading the files.
func recount(t *testing.T, dir string) (d Dirt, unique map[string]map[string]bool) {
	t.Helper()
	unique = map[string]map[string]bool{}
	for file, twice := range map[string]*int{
		"customers.csv": &d.DuplicateCustomers, "orders.csv": &d.DuplicateOrders, "web_events.csv": &d.DuplicateWebEvents,
		"email_events.csv": &d.DuplicateEmailEvents, "conversions.csv": &d.DuplicateConversions,
		"touchpoints.csv": &d.DuplicateTouchpoints, "experiments.csv": &d.DuplicateAssignments,
	} {
		f, err := os.Open(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		unique[file] = map[string]bool{}
		for _, r := range rows[1:] {
			line := strings.Join(r, ",")
			if unique[file][line] {
				*twice++
			}
			unique[file][line] = true
		}
	}
	known, addresses := map[string]bool{}, map[string]bool{}
	for line := range unique["customers.csv"] {
		r := strings.Split(line, ",")
		known[r[0]] = true
		if r[7] == "false" {
			d.OptedOut++
		}
		if a := strings.ToLower(r[1]); addresses[a] {
			d.SharedEmails++
		} else {
			addresses[a] = true
		}
	}
	unknown := map[string]bool{}
	for line := range unique["orders.csv"] {
		r := strings.Split(line, ",")
		if r[1] == "" {
			d.OrdersWithoutCustomer++
			continue
		}
		if !known[r[1]] && !unknown[r[1]] {
			unknown[r[1]] = true
			d.UnknownToCRM++
		}
		switch {
		case r[2] == "":
			d.OrdersWithoutTime++
			continue
		case r[3] == "NaN":
			d.OrdersWithoutAmount++
			continue
		case strings.HasSuffix(r[2], " 00:00:00"):
			d.MidnightOrders++
		}
		total, err := strconv.ParseFloat(r[3], 64)
		if err != nil || total <= 0 {
			t.Fatalf("total of %s: %v", line, err)
		}
		refund, err := strconv.ParseFloat(r[5], 64)
		if err != nil || (refund > 0) != (r[6] != "") {
			t.Fatalf("refund of %s: %v", line, err)
		}
		switch {
		case refund > total:
			d.ExcessRefunds++
		case refund == total:
			d.FullRefunds++
		case refund > 0:
			d.PartialRefunds++
		}
		if refund > 0 && parseTime(t, r[6]).Sub(parseTime(t, r[2])) >= 28*24*time.Hour {
			d.LateRefunds++
		}
	}
	for line := range unique["web_events.csv"] {
		if strings.HasPrefix(line, ",") {
			d.WebEventsWithoutCustomer++
		}
	}
	for line := range unique["touchpoints.csv"] {
		if strings.HasPrefix(line, ",") {
			d.TouchpointsWithoutCustomer++
		}
	}
	variants := map[string]string{}
	for line := range unique["experiments.csv"] {
		r := strings.Split(line, ",")
		if of := r[0] + r[2]; variants[of] == "" {
			variants[of] = r[1]
		} else {
			d.InBothVariants++
		}
	}
	return d, unique
}

func TestFaultsAreCounted(t *testing.T) {
	dir, truth := write(t, Options{Customers: 20_000, Seed: 11, Dirt: true})
	found, unique := recount(t, dir)
	if found != truth.Dirt {
		t.Errorf("the files have\n%+v\nthe truth says\n%+v", found, truth.Dirt)
	}
	d := truth.Dirt
	for name, n := range map[string]int{
		"duplicate customers": d.DuplicateCustomers, "duplicate conversions": d.DuplicateConversions,
		"orders without a time": d.OrdersWithoutTime, "orders without an amount": d.OrdersWithoutAmount,
		"excess refunds": d.ExcessRefunds, "late refunds": d.LateRefunds, "midnight orders": d.MidnightOrders,
		"opted out": d.OptedOut, "unknown to the CRM": d.UnknownToCRM, "shared e-mails": d.SharedEmails,
		"duplicate touchpoints": d.DuplicateTouchpoints, "duplicate assignments": d.DuplicateAssignments,
		"touchpoints without a customer": d.TouchpointsWithoutCustomer, "people in both variants": d.InBothVariants,
	} {
		if n < 5 {
			t.Errorf("%s: %d, too few to test anything with", name, n)
		}
	}
	invalid := d.OrdersWithoutCustomer + d.OrdersWithoutTime + d.OrdersWithoutAmount + d.DuplicateOrders
	if share := float64(invalid) / float64(truth.Rows["orders.csv"]); share < 0.015 || share > 0.03 {
		t.Errorf("%.3f of the orders are invalid, want about .02", share)
	}
	kinds := map[string]int{}
	for line := range unique["conversions.csv"] {
		kinds[strings.Split(line, ",")[3]]++
	}
	for kind, n := range truth.Conversions {
		if kinds[kind] != n || n == 0 {
			t.Errorf("%d conversions of kind %s, the truth says %d", kinds[kind], kind, n)
		}
	}
	for line := range unique["customers.csv"] {
		if email := strings.ToLower(strings.Split(line, ",")[1]); !strings.HasSuffix(email, "@example.com") {
			t.Fatalf("e-mail address %s", email)
		}
	}
}

func TestWithoutDirtThereIsNone(t *testing.T) {
	dir, truth := write(t, Options{Customers: 3000, Seed: 11})
	if found, _ := recount(t, dir); found != (Dirt{}) || truth.Dirt != (Dirt{}) {
		t.Errorf("the files have %+v, the truth says %+v", found, truth.Dirt)
	}
}
