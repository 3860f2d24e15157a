package discover_test

import (
	"slices"
	"strings"
	"testing"

	"segments/pipeline/discover"
	"segments/pipeline/discover/draft"
	"segments/sql"
)

// sold are the orders of a shop, which must be there.
func sold() discover.Table {
	return table("orders", "order_id text: %", "customer_id text: c%%", "date date: 2024-01-01", "amount decimal: %.10")
}

// Lists of tests, touches and costs are found by whatever tools and people call them.
func TestMarketing(t *testing.T) {
	for _, c := range []struct {
		name, source string
		table        discover.Table
		want         string
	}{
		{
			"a list of an A/B test", "experiments",
			table("ab_test_list", "KdNr text: c%%", "test_name text: autumn", "test_group text: A|B", "start_date date: 2024-01-01"),
			"customer_id: KdNr\nexperiment: test_name\nvariant: test_group\nassigned_at: start_date\n",
		},
		{
			"columns that can mean nothing else", "experiments",
			table("export_17", "user_id text: c%%", "experiment_id text: e1|e2", "variation_id integer: 0|1", "timestamp timestamp: 2024-01-01 10:00:00"),
			"customer_id: user_id\nexperiment: experiment_id\nvariant: variation_id\nassigned_at: timestamp\n",
		},
		{
			"clicks with parameters of a campaign", "touchpoints",
			table("utm_clicks", "customer_id text: c%%", "clicked_at timestamp: 2024-01-01 10:00:00", "utm_medium text: cpc|email", "utm_campaign text: spring|autumn"),
			"customer_id: customer_id\noccurred_at: clicked_at\nchannel: utm_medium\ncampaign_id: utm_campaign\n",
		},
		{ // the names of Google Ads' reports (support.google.com/google-ads, About metrics in Google Ads)
			"an advertiser's report", "costs",
			table("ad spend", "Customer ID text: 123-456|789-012", "Day date: 2024-01-01", "Campaign text: a|b", "Network text: Search|Display", "Clicks integer: %", "Impressions integer: 5%", "Cost decimal: %.10", "Avg. CPC decimal: 0.10"),
			"channel: Network\nspent_on: Day\namount: Cost\ncampaign_id: Campaign\n",
		},
		{
			"costs in German", "costs",
			table("werbekosten", "Datum text: DAY", "Kanal text: google|meta", "Kosten text: 12,50|1.000,00", "Kampagne text: a|b"),
			"channel: Kanal\nspent_on: CAST(try_strptime(\"Datum\", '%d.%m.%Y') AS DATE)\n" +
				"amount: TRY_CAST(replace(regexp_replace(\"Kosten\", '[^0-9,-]', '', 'g'), ',', '.') AS DECIMAL(18, 4))\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := summary(propose(t, sql.DuckDB, sold(), c.table).Source(c.source)); got != c.want {
				t.Errorf("%s is\n%swant\n%s", c.source, got, c.want)
			}
		})
	}
}

// Which variant is the control nobody can know of a list: the draft says how to name it, where there is one.
func TestControlIsToBeNamed(t *testing.T) {
	list := table("ab_test_list", "customer text: c%%", "test text: autumn", "variant text: A|B", "assigned date: 2024-01-01")
	for _, c := range []struct {
		tables []discover.Table
		want   bool
	}{{[]discover.Table{sold(), list}, true}, {[]discover.Table{sold()}, false}} {
		text := string(propose(t, sql.DuckDB, c.tables...).Write([]string{"duckdb: {path: shop.duckdb}"}, ""))
		if got := strings.Contains(text, "# experiments: {control: [control]}"); got != c.want {
			t.Errorf("of %d tables, that a control can be named is said: %v\n%s", len(c.tables), got, text)
		}
	}
}

// Tables that ordinary shops have and that are called alike are none of them.
func TestNoMarketing(t *testing.T) {
	for _, c := range []discover.Table{
		table("clicks", "session text: s%", "product_id text: p%%", "clicks integer: 1|2", "day date: 2024-01-01"),
		table("clicks", "user_id text: c%%", "clicked_at timestamp: 2024-01-01 10:00:00", "button text: buy|search"),
		table("impressions", "date date: 2024-01-01", "channel text: google|meta", "campaign text: a|b", "impressions integer: 5%"),
		table("budgets_2026", "department text: it|hr", "month date: 2024-01-01", "budget decimal: %.00", "channel text: web|store"),
		table("budget", "channel text: web|store", "date date: 2024-01-01", "amount decimal: %.00"),
		table("assignments", "employee_id integer: %%", "project text: a|b", "assigned_at date: 2024-01-01", "role text: dev|lead"),
		table("assignments", "customer_id text: c%%", "account_manager text: ann|bob", "team text: a|b", "assigned_at date: 2024-01-01"),
		table("interactions", "customer_id text: c%%", "date date: 2024-01-01", "channel text: phone|chat", "agent text: ann|bob"),
		table("customer_spend", "customer_id text: c%%", "day date: 2024-01-01", "channel text: web|store", "spend decimal: %.10"),
		table("shipping_costs", "order_id text: %", "date date: 2024-01-01", "carrier text: dhl|ups", "cost decimal: %.10"),
		table("test_results", "product_id text: p%%", "test text: heat|cold", "result text: pass|fail", "date date: 2024-01-01"),
	} {
		d := propose(t, sql.DuckDB, sold(), c)
		for _, s := range d.Sources {
			if s.Name != "orders" || s.Table != "orders" {
				t.Errorf("%s is taken for %s:\n%s", c.Name, s.Name, summary(&s))
			}
		}
	}
}

// Costs name channels as touches do: values decide where names mislead, and where none agree that is a question.
func TestChannels(t *testing.T) {
	tables := []discover.Table{
		sold(),
		table("touchpoints", "customer_id text: c%%", "time timestamp: 2024-01-01 10:00:00", "utm_medium text: cpc|social", "utm_source text: google|meta"),
		table("ad_costs", "day date: 2024-01-01", "source text: google|meta", "cost decimal: %.10"),
	}
	agree := func(share float64) discover.Overlap {
		return func(of *discover.Table, a string, in *discover.Table, b string) (float64, bool) {
			if a == "source" && b == "utm_source" {
				return share, true
			}
			return 0, of.Name != "ad_costs" || in.Name == "touchpoints"
		}
	}
	channel := func(share float64, source string) draft.Mapping {
		t.Helper()
		d, err := discover.Propose(sql.DuckDB, tables, agree(share), today)
		if err != nil {
			t.Fatal(err)
		}
		s := d.Source(source)
		if share == 1 && slices.Contains(s.Unused, "utm_source") || slices.Contains(s.Unused, "") {
			t.Errorf("of %s are not used %q", source, s.Unused)
		}
		return s.Columns[slices.IndexFunc(s.Columns, func(m draft.Mapping) bool { return m.Column == "channel" })]
	}
	if m := channel(1, "touchpoints"); m.Value != "utm_source" || m.Ask != "" || len(m.Others) != 1 || m.Others[0].Value != "utm_medium" {
		t.Errorf("the channel of a touch is %+v", m)
	}
	if m := channel(1, "costs"); m.Value != "source" || m.Ask != "" {
		t.Errorf("the channel of costs is %+v", m)
	}
	if m := channel(0, "costs"); m.Value != "source" || m.Ask == "" {
		t.Errorf("without a channel in common, that of costs is %+v", m)
	}
}
