package demo

import (
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// proportion fails unless k of n is within four standard errors of the share want.
func proportion(t *testing.T, what string, k, n int, want float64) {
	t.Helper()
	got, se := float64(k)/float64(n), math.Sqrt(want*(1-want)/float64(n))
	t.Logf("%-48s %.4f of %6d, want %.4f", what, got, n, want)
	if n < 300 || !(math.Abs(got-want) <= 4*se) {
		t.Errorf("%s: %.4f of %d, want %.4f within 4 standard errors of %.4f", what, got, n, want, se)
	}
}

// A trace is a touch in the file.
type trace struct {
	when              time.Time
	channel, campaign string
}

func traces(t *testing.T, dir string) map[string][]trace {
	t.Helper()
	out := map[string][]trace{}
	eachRow(t, filepath.Join(dir, "touchpoints.csv"), func(r record) {
		out[r["customer"]] = append(out[r["customer"]], trace{parseTime(t, r["ts"]), r["channel"], r["campaign"]})
	})
	for _, ts := range out {
		slices.SortStableFunc(ts, func(a, b trace) int { return a.when.Compare(b.when) })
	}
	return out
}

// The ways to a purchase, read from the files, begin and end with the channels that the process gives them.
func TestWaysToPurchases(t *testing.T) {
	dir, truth := wholeCompany(t)
	types := map[string]Type{}
	for p := range People(truth.Options) {
		types[p.ID] = p.Type
	}
	days := map[string][]time.Time{} // of purchases, ascending
	eachRow(t, filepath.Join(dir, "orders.csv"), func(r record) {
		day := parseTime(t, r["date"]).Truncate(24 * time.Hour)
		if ds := days[r["customer"]]; len(ds) == 0 || ds[len(ds)-1] != day {
			days[r["customer"]] = append(ds, day)
		}
	})
	recent := truth.Options.AsOf.AddDate(0, 0, -89)
	var first, last [2]map[string]int // by whether the person uses stores only
	for k := range first {
		first[k], last[k] = map[string]int{}, map[string]int{}
	}
	first90, last90 := map[string]int{}, map[string]int{}
	purchases, possible, with, touches, made := 0, 0, [2]int{}, map[string]int{}, 0
	all := traces(t, dir)
	for _, ts := range all {
		for _, touch := range ts {
			touches[touch.channel]++
		}
	}
	for id, ds := range days {
		for i, day := range ds {
			purchases++
			from := day.AddDate(0, 0, -pathDays)
			if i > 0 && ds[i-1].AddDate(0, 0, 1).After(from) {
				from = ds[i-1].AddDate(0, 0, 1)
			}
			if from.Before(truth.Options.day(0)) {
				from = truth.Options.day(0)
			}
			if !from.Before(day) {
				continue
			}
			possible++
			way := slices.DeleteFunc(slices.Clone(all[id]), func(t trace) bool { return t.when.Before(from) || !t.when.Before(day) })
			if len(way) == 0 {
				continue
			}
			k := 0
			if types[id] == StoreRegular {
				k = 1
			}
			with[k]++
			made += len(way)
			opens, closes := way[0].channel, way[len(way)-1].channel
			first[k][opens]++
			last[k][closes]++
			if !day.Before(recent) {
				first90[opens]++
				last90[closes]++
			}
		}
	}
	proportion(t, "purchases with touches", with[0]+with[1], possible, pathShare)
	for k, name := range []string{"web", "store"} {
		for i, c := range channels {
			w := c.web
			if k == 1 {
				w = c.store
			}
			proportion(t, name+": opened by "+c.name, first[k][c.name], with[k], w.opens)
			proportion(t, name+": closed by "+c.name, last[k][c.name], with[k], w.closes)
			if k == 0 {
				want := truth.Channels[i]
				if got := (ChannelTruth{c.name, touches[c.name], first90[c.name], last90[c.name], want.Cents}); got != want {
					t.Errorf("the files have %+v, the truth says %+v", got, want)
				}
			}
		}
	}
	sum := 0
	for _, n := range touches {
		sum += n
	}
	if idle := float64(sum-made) / float64(sum); idle < .05 || idle > .6 {
		t.Errorf("%.2f of the touches lead nowhere", idle)
	}
}

// The costs of a day are the prices of its touches.
func TestCostsAreThoseOfTheTouches(t *testing.T) {
	dir, truth := wholeCompany(t)
	price := map[string]int{}
	for _, c := range channels {
		for _, p := range c.campaigns {
			price[c.name+p.id] = p.cents
		}
	}
	want, total := map[string]int{}, map[string]int{}
	for _, ts := range traces(t, dir) {
		for _, touch := range ts {
			cents := price[touch.channel+touch.campaign]
			want[touch.when.Format(time.DateOnly)+touch.channel+touch.campaign] += cents
			total[touch.channel] += cents
		}
	}
	eachRow(t, filepath.Join(dir, "costs.csv"), func(r record) {
		amount, err := strconv.ParseFloat(r["amount"], 64)
		if err != nil {
			t.Fatal(err)
		}
		key := r["day"] + r["channel"] + r["campaign"]
		if cents := int(math.Round(100 * amount)); cents != want[key] || cents == 0 {
			t.Errorf("%v cost %d cents, want %d", r, cents, want[key])
		}
		delete(want, key)
	})
	for key, cents := range want {
		if cents > 0 {
			t.Errorf("%s cost %d cents and has no row", key, cents)
		}
	}
	for _, c := range truth.Channels {
		if c.Cents != total[c.Channel] || c.Cents == 0 && c.Channel != "store" {
			t.Errorf("%s cost %d, the truth says %d", c.Channel, total[c.Channel], c.Cents)
		}
	}
}

// Sessions come through the channels and land on the pages of the process; who buys came another way than who looks.
func TestSessionsHaveChannels(t *testing.T) {
	dir, _ := wholeCompany(t)
	looked, bought := map[string]int{}, map[string]int{}
	landings := map[string]bool{}
	channel, buys, n := "", false, 0
	end := func() {
		if n == 0 || channel == "email" {
			return
		}
		if buys {
			bought[channel]++
		} else {
			looked[channel]++
		}
	}
	eachRow(t, filepath.Join(dir, "web_events.csv"), func(r record) {
		if r["name"] == "page_view" {
			end()
			channel, buys = r["channel"], false
			landings[r["page"]] = true
			n++
		}
		buys = buys || r["name"] == "purchase"
		if r["channel"] != channel || r["page"] == "" {
			t.Fatalf("an event of another channel, or without a page: %v", r)
		}
	})
	end()
	sum := func(of map[string]int) (s int) {
		for _, n := range of {
			s += n
		}
		return s
	}
	for _, d := range doors {
		proportion(t, "looking around from "+d.channel, looked[d.channel], sum(looked), d.looks)
		proportion(t, "buying from "+d.channel, bought[d.channel], sum(bought), d.buys)
	}
	if len(landings) != 5 {
		t.Errorf("sessions begin with %v", landings)
	}
}

// The experiment shows its effect in the two types that it has one in, and the other one shows none.
func TestExperimentsHaveTheirEffects(t *testing.T) {
	dir, truth := wholeCompany(t)
	types := map[string]Type{}
	for p := range People(truth.Options) {
		types[p.ID] = p.Type
	}
	sent := truth.Options.AsOf.AddDate(0, 0, -assignedDays)
	redeemed := map[string]bool{}
	eachRow(t, filepath.Join(dir, "conversions.csv"), func(r record) {
		if r["kind"] != kindRedeem {
			return
		}
		redeemed[r["user"]] = true
		if days := parseTime(t, r["ts"]).Sub(sent).Hours() / 24; days < 0 || days > redeemDays+1 {
			t.Errorf("an offer was taken %g days after the mail", days)
		}
	})
	found := map[string]int{}
	arms := map[string]*ArmTruth{}
	eachRow(t, filepath.Join(dir, "experiments.csv"), func(r record) {
		of := types[r["customer"]]
		key := strings.Join([]string{r["experiment"], r["variant"], of.String()}, " ")
		if arms[key] == nil {
			arms[key] = &ArmTruth{Experiment: r["experiment"], Variant: r["variant"], Type: of}
		}
		arms[key].People++
		if r["experiment"] == winback && redeemed[r["customer"]] {
			arms[key].Redeemed++
		}
		found[r["experiment"]+" "+r["variant"]]++
	})
	for _, want := range truth.Experiments {
		key := strings.Join([]string{want.Experiment, want.Variant, want.Type.String()}, " ")
		got := *arms[key]
		got.Rate = want.Rate
		if got != want {
			t.Errorf("the files have %+v, the truth says %+v", got, want)
		}
		if want.Experiment == winback {
			proportion(t, key, want.Redeemed, want.People, want.Rate)
		}
	}
	proportion(t, "treated", found[winback+" treatment"], found[winback+" treatment"]+found[winback+" control"], .5)
	proportion(t, "green", found[buttonColor+" green"], found[buttonColor+" green"]+found[buttonColor+" blue"], .5)
}

// Touches and variants are the same with and without faults.
func TestFaultsLeaveMarketingAlone(t *testing.T) {
	clean, _ := write(t, Options{Customers: 2000, Seed: 8})
	dirty, _ := write(t, Options{Customers: 2000, Seed: 8, Dirt: true})
	if !bytes.Equal(read(t, clean, "costs.csv"), read(t, dirty, "costs.csv")) {
		t.Error("the costs differ")
	}
	for _, name := range []string{"touchpoints.csv", "experiments.csv"} {
		faulty := map[string]bool{}
		for line := range strings.Lines(string(read(t, dirty, name))) {
			faulty[line] = true
		}
		for line := range strings.Lines(string(read(t, clean, name))) {
			if !faulty[line] {
				t.Fatalf("%s: %q is missing from the file with faults", name, line)
			}
		}
	}
}
