package discover_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"segments/pipeline/config"
	"segments/pipeline/discover"
	"segments/pipeline/discover/draft"
	"segments/pipeline/discover/values"
	"segments/sql"
)

var today = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// rows is how many of a table there are.
const rows = 200

// table makes a table of columns written "name type: value", where % in a value is the number of the row, %% that modulo
// 20, and | separates values that take turns.
func table(name string, columns ...string) discover.Table {
	t := discover.Table{Name: name, From: name + ".csv", Rows: rows}
	for _, c := range columns {
		head, pattern, _ := strings.Cut(c, ": ")
		at := strings.LastIndex(head, " ")
		col := values.Column{ColumnInfo: sql.ColumnInfo{Name: head[:at], Family: sql.Family(head[at+1:])}}
		turns := strings.Split(pattern, "|")
		for i := range rows {
			v := strings.ReplaceAll(turns[i%len(turns)], "%%", strconv.Itoa(i%20))
			v = strings.ReplaceAll(v, "DAY", time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i).Format("02.01.2006"))
			col.Values = append(col.Values, strings.ReplaceAll(v, "%", strconv.Itoa(i)))
		}
		t.Columns = append(t.Columns, col)
	}
	return t
}

func propose(t testing.TB, d sql.Dialect, tables ...discover.Table) *draft.Draft {
	t.Helper()
	got, err := discover.Propose(d, tables, nil, today)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// summary returns a source's columns, one a line, with ? where there is a question.
func summary(s *draft.Source) string {
	if s == nil {
		return "nothing"
	}
	var b strings.Builder
	for _, m := range s.Columns {
		mark := ""
		if m.Ask != "" {
			mark = " ?"
		}
		fmt.Fprintf(&b, "%s: %s%s\n", m.Column, m.Value, mark)
	}
	return b.String()
}

func TestPropose(t *testing.T) {
	for _, c := range []struct {
		name, source string
		table        discover.Table
		want         string
	}{
		{
			"an identifier of its own is not the customer's", "orders",
			table("orders", "id integer: %", "customer_id integer: %%", "created_at timestamp: 2024-01-01 10:00:00", "updated_at timestamp: 2024-02-01 10:00:00", "amount decimal: %.50", "discount decimal: 0.00|1.00"),
			"order_id: id\ncustomer_id: customer_id\nordered_at: created_at\namount: amount\ndiscount_amount: discount\n",
		},
		{
			"price is not total", "orders",
			table("sales", "order_id text: o%", "user_id text: u%%", "order_date date: 2024-01-01", "price decimal: 5.00", "total decimal: %.00", "quantity integer: 1|2"),
			"order_id: order_id\ncustomer_id: user_id\nordered_at: order_date\namount: total\nquantity: quantity\n",
		},
		{
			"quantity times price", "orders",
			table("lines", "Invoice No text: %", "Customer ID integer: %%", "Invoice Date date: 2024-01-01", "Quantity integer: 1|-2", "Unit Price float: 2.5|3.5"),
			"order_id: Invoice No\ncustomer_id: Customer ID\nordered_at: Invoice Date\namount: Quantity * \"Unit Price\"\nquantity: Quantity\n",
		},
		{
			"an address is who ordered", "orders",
			table("orders", "order text: %", "email text: a%%@example.com", "date date: 2024-01-01", "total decimal: %.10"),
			"order_id: order\ncustomer_id: email\nordered_at: date\namount: total\n",
		},
		{
			"two dates are a question", "orders",
			table("orders", "order_id text: %", "customer_id text: c%%", "purchased_at timestamp: 2024-01-01 10:00:00", "order_date date: 2024-01-01", "amount decimal: %.10"),
			"order_id: order_id\ncustomer_id: customer_id\nordered_at: order_date ?\namount: amount\n",
		},
		{
			"day and month in turn", "orders",
			table("orders", "order_id text: %", "customer_id text: c%%", "order date text: 03/04/2024|05/06/2024", "amount text: 1.234,50|12,00"),
			"order_id: order_id\ncustomer_id: customer_id\nordered_at: CAST(try_strptime(\"order date\", '%d/%m/%Y') AS DATE) ?\n" +
				"amount: TRY_CAST(replace(regexp_replace(\"amount\", '[^0-9,-]', '', 'g'), ',', '.') AS DECIMAL(18, 4))\n",
		},
		{
			"seconds since 1970, and guests", "orders",
			table("orders", "order_id integer: %", "customer_id integer: 0|0|%", "ts integer: 1704067200|1706745600", "amount decimal: %.10"),
			"order_id: order_id\ncustomer_id: nullif(\"customer_id\", 0)\nordered_at: to_timestamp(\"ts\")\namount: amount\n",
		},
		{ // the header of Shopify's orders_export.csv (help.shopify.com, Exporting orders)
			"Shopify", "orders",
			table("orders_export", "Name text: #1%", "Email text: a%%@example.com", "Financial Status text: paid|refunded", "Paid at text: 2024-01-05 12:33:05 +0100",
				"Fulfillment Status text: fulfilled", "Fulfilled at text: 2024-01-07 12:33:05 +0100", "Accepts Marketing text: yes|no", "Currency text: EUR",
				"Subtotal decimal: %.00", "Shipping decimal: 4.90", "Taxes decimal: 1.00", "Total decimal: %.90", "Discount Code text: X", "Discount Amount decimal: 0.00",
				"Created at text: 2024-01-05 12:30:05 +0100", "Lineitem quantity integer: 1", "Lineitem price decimal: %.00", "Lineitem sku text: p%",
				"Billing Name text: Some Body", "Refunded Amount decimal: 0.00", "Cancelled at null: ", "Source text: web", "Id integer: 55%"),
			"order_id: Name\ncustomer_id: Email\nordered_at: try_strptime(\"Created at\", '%Y-%m-%d %H:%M:%S %z') ?\namount: Total\ncurrency: Currency\n" +
				"status: Financial Status\nrefund_amount: Refunded Amount\ndiscount_amount: Discount Amount\nchannel: Source\nproduct_id: Lineitem sku\nquantity: Lineitem quantity\n",
		},
		{ // the columns of WooCommerce's Customer/Order/Coupon Export (woocommerce.com/document/ordercustomer-csv-export)
			"WooCommerce", "orders",
			table("woocommerce_orders", "order_id integer: %", "order_number integer: 9%", "date timestamp: 2024-01-05 12:33:05", "status text: completed|cancelled",
				"shipping_total decimal: 4.90", "discount_total decimal: 0.00", "order_total decimal: %.90", "refunded_total decimal: 0.00", "order_currency text: EUR",
				"customer_id integer: 0|%", "billing_email text: a%%@example.com"),
			"order_id: order_id\ncustomer_id: nullif(\"customer_id\", 0)\nordered_at: date\namount: order_total\ncurrency: order_currency\nstatus: status\n" +
				"refund_amount: refunded_total\ndiscount_amount: discount_total\n",
		},
		{ // the columns of Mailchimp's export of an audience (mailchimp.com/help/view-export-contacts)
			"Mailchimp", "customers",
			table("subscribed_members_export", "Email Address text: a%@example.com", "First Name text: Ann|Bob", "Last Name text: A|B", "MEMBER_RATING integer: 1|2|3",
				"OPTIN_TIME timestamp: 2023-01-05 12:33:05", "CONFIRM_TIME timestamp: 2023-01-05 12:33:05", "LAST_CHANGED timestamp: 2024-01-05 12:33:05", "EUID text: x%"),
			"customer_id: Email Address\nemail: Email Address\ncreated_at: OPTIN_TIME\n",
		},
		{ // GA4's export schema (support.google.com/analytics/answer/7029846)
			"GA4", "web_events",
			table("events", "event_date text: 20240101|20240102", "event_timestamp integer: 1704067200000000|1704070800000000", "event_name text: page_view|view_item|add_to_cart|begin_checkout|purchase|scroll",
				"user_id text: u%%", "user_pseudo_id text: 12.%", "platform text: WEB"),
			"customer_id: user_id\noccurred_at: to_timestamp(\"event_timestamp\" / 1000000.0)\n" +
				"event_name: CASE WHEN lower(\"event_name\") IN ('view_item') THEN 'product_view' ELSE \"event_name\" END\ndevice: platform\n",
		},
		{ // Klaviyo's metrics (help.klaviyo.com, Guide to events and metrics)
			"Klaviyo", "email_events",
			table("klaviyo_events", "profile_id text: k%%", "datetime timestamp: 2024-01-05 12:33:05", "metric_name text: Received Email|Opened Email|Clicked Email|Bounced Email|Unsubscribed",
				"campaign_name text: c1|c2"),
			"customer_id: profile_id\noccurred_at: datetime\nevent_name: CASE WHEN lower(\"metric_name\") IN ('bounced email') THEN 'bounce' WHEN lower(\"metric_name\") IN ('clicked email') THEN 'click'" +
				" WHEN lower(\"metric_name\") IN ('received email') THEN 'delivered' WHEN lower(\"metric_name\") IN ('opened email') THEN 'open' ELSE \"metric_name\" END\ncampaign_id: campaign_name\n",
		},
		{
			"who objects is turned round", "customers",
			table("customers", "customer_id text: c%", "email text: a%@example.com", "email_opt_out boolean: true|false"),
			"customer_id: customer_id\nemail: email\nconsent_email: NOT \"email_opt_out\" ?\n",
		},
		{
			"one consent alone is a question", "customers",
			table("customers", "customer_id text: c%", "signup date text: DAY", "consent text: yes|no"),
			"customer_id: customer_id\ncreated_at: CAST(try_strptime(\"signup date\", '%d.%m.%Y') AS DATE)\nconsent_profiling: consent ?\n",
		},
		{
			"words of consent that nobody knows", "customers",
			table("contacts", "id text: c%", "email text: a%@example.com", "marketing_consent text: subscribed|gone"),
			"customer_id: id\nemail: email\nconsent_email: lower(\"marketing_consent\") IN ('true', 't', 'yes', 'y', '1', 'on', 'ja', 'opted_in', 'opt_in', 'granted', 'subscribed') ?\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			tables := []discover.Table{c.table}
			if c.source != "orders" && c.source != "customers" {
				tables = append(tables, table("orders", "order_id text: %", "customer_id text: c%%", "date date: 2024-01-01", "amount decimal: %.10"))
			}
			if got := summary(propose(t, sql.DuckDB, tables...).Source(c.source)); got != c.want {
				t.Errorf("%s is\n%swant\n%s", c.source, got, c.want)
			}
		})
	}
}

// The same proposals in BigQuery's words.
func TestProposeBigQuery(t *testing.T) {
	got := summary(propose(t, sql.BigQuery, table("sales", "customer text: c%%", "day text: DAY", "at integer: 1704067200", "amount text: 12,50")).Source("orders"))
	want := "order_id: order_key\ncustomer_id: customer\nordered_at: SAFE.PARSE_DATE('%d.%m.%Y', `day`)\n" +
		"amount: SAFE_CAST(replace(REGEXP_REPLACE(`amount`, r'[^0-9,-]', ''), ',', '.') AS NUMERIC)\n"
	if got != want {
		t.Errorf("orders are\n%swant\n%s", got, want)
	}
}

// Tables of products, of stocks and of campaigns are neither orders nor customers.
func TestNothing(t *testing.T) {
	for _, c := range []discover.Table{
		table("products", "id integer: %", "name text: p%", "price decimal: %.50", "created_at date: 2024-01-01"),
		table("stores", "store_id integer: %", "city text: a|b", "revenue decimal: %.50"),
		table("campaigns", "campaign_id integer: %", "start date: 2024-01-01", "budget decimal: %.50"),
	} {
		_, err := discover.Propose(sql.DuckDB, []discover.Table{c}, nil, today)
		if !errors.Is(err, discover.ErrNothing) {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

// What came of something, arms of tests, groupings and consents are no attributes.
func TestOutcomes(t *testing.T) {
	got := propose(t, sql.DuckDB, table("customers", "customer_id text: c%", "age_group text: 20s|30s", "customer_segment text: a|b", "group text: a|b",
		"test_group text: a|b", "treatment_arm text: a|b", "visited boolean: true|false", "has_churned boolean: true|false", "response_flag integer: 0|1",
		"orders_count integer: 1|2", "target integer: 0|1", "target_region text: N|S", "sms consent text: yes|no", "visitor_type text: a|b", "label text: x|y")).Source("customers")
	if want := []string{"age_group", "target_region", "visitor_type"}; !slices.Equal(got.Attributes, want) {
		t.Errorf("attributes are %q, want %q", got.Attributes, want)
	}
	want := []string{"customer_segment", "group", "test_group", "treatment_arm", "visited", "has_churned", "response_flag", "orders_count", "target", "label"}
	if !slices.Equal(got.Outcomes, want) {
		t.Errorf("outcomes are %q, want %q", got.Outcomes, want)
	}
}

// Customers are made of orders that say who agreed to e-mail, in either dialect; of those that say the country only, they
// are a proposal. Of who objects the newest order's objection counts.
func TestBuyers(t *testing.T) {
	orders := []string{"order_id text: %", "customer_id text: c%%", "date date: 2024-01-01", "amount decimal: %.10", "Country text: DE|AT"}
	for _, c := range []struct {
		d             sql.Dialect
		consent, want string
		mapped        string
	}{
		{sql.DuckDB, "Accepts Marketing text: yes|no", "last(consent_email ORDER BY ordered, consent_email DESC)", "consent_email"},
		{sql.DuckDB, "email_opt_out boolean: true|false", "last(consent_email ORDER BY ordered, consent_email ASC)", "NOT consent_email"},
		{sql.BigQuery, "Accepts Marketing text: yes|no", "ARRAY_AGG(consent_email IGNORE NULLS ORDER BY ordered DESC, consent_email ASC LIMIT 1)[SAFE_OFFSET(0)]", "consent_email"},
	} {
		d := propose(t, c.d, table("orders", append(slices.Clone(orders), c.consent)...))
		s := d.Source("customers")
		if s == nil || d.Traits != nil {
			t.Fatalf("%s: no customers are made of the orders", c.consent)
		}
		if m := s.Columns[len(s.Columns)-1]; !strings.Contains(s.Query, c.want) || !slices.ContainsFunc(s.Columns, func(m draft.Mapping) bool {
			return m.Column == "consent_email" && m.Value == c.mapped
		}) {
			t.Errorf("%s: %+v of\n%s", c.consent, m, s.Query)
		}
	}
	if d := propose(t, sql.DuckDB, table("orders", orders...)); d.Source("customers") != nil || d.Traits == nil {
		t.Error("customers of whom only the country is known are no proposal")
	}
}

// Values decide where names mislead: the customers of the events are those of the orders.
func TestOverlap(t *testing.T) {
	tables := []discover.Table{
		table("orders", "order_id text: %", "customer_id text: c%%", "date date: 2024-01-01", "amount decimal: %.10"),
		table("web_events", "user_id text: x%", "client_id text: c%%", "event_name text: page_view", "ts timestamp: 2024-01-01 10:00:00"),
	}
	overlap := func(of *discover.Table, a string, _ *discover.Table, _ string) (float64, bool) {
		if of.Name == "web_events" && a == "client_id" {
			return 0.98, true
		}
		return 0, true
	}
	got, err := discover.Propose(sql.DuckDB, tables, overlap, today)
	if err != nil {
		t.Fatal(err)
	}
	m := got.Source("web_events").Columns[0]
	if m.Value != "client_id" || !strings.Contains(m.Reason, "98 %") || m.Ask != "" || m.Others[0].Value != "user_id" {
		t.Errorf("the customer of an event is %+v", m)
	}
}

// Whatever columns and files are called, the draft is a configuration that reads back as what was meant.
func TestWriteReadsBack(t *testing.T) {
	names := rapid.StringOfN(rapid.RuneFrom([]rune("aB9 _'\"`\\#:,{}[]-$%@&*!|>?\n\t\r\u202e\u2028ü€🛒</")), 1, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		extra, file := names.Draw(t, "column"), names.Draw(t, "file")
		if strings.Contains(file, "${") || strings.TrimSpace(extra) == "" {
			return
		}
		orders := table("orders", "order_id text: %", "customer_id text: c%%", "date date: 2024-01-01", "amount decimal: %.10")
		orders.From = "/" + file + ".csv"
		if _, err := sql.DuckDB.Quote(extra); err == nil {
			orders.Columns[0].Name = extra // by its name alone nobody knows it, so that it is not used or numbered
		}
		got, err := discover.Propose(sql.DuckDB, []discover.Table{orders}, nil, today)
		if err != nil {
			t.Fatal(err)
		}
		got.Name.Value = "shop"
		text := got.Write([]string{"duckdb: {path: " + draft.Scalar(file) + "}"}, "2026-01-01")
		c, err := config.Parse("segments.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		s := c.SQLSources()[0]
		if got.Sources[0].From != "" && s.From != orders.From {
			t.Fatalf("from is %q, want %q\n%s", s.From, orders.From, text)
		}
		for _, m := range got.Sources[0].Columns {
			if s.Columns[m.Column] != m.Value {
				t.Fatalf("%s is %q, want %q\n%s", m.Column, s.Columns[m.Column], m.Value, text)
			}
		}
	})
}

// No values but the words of events and consents are written.
func TestNothingPersonalIsWritten(t *testing.T) {
	got := propose(
		t, sql.DuckDB,
		table("customers", "customer_id text: SECRET%", "email text: SECRET%@example.com", "first_name text: SECRET", "city text: SECRET", "religion text: SECRETa|SECRETb"),
		table("orders", "order_id text: SECRET%", "customer_id text: SECRET%%", "date date: 2024-01-01", "amount decimal: %.10", "note text: SECRET"),
	)
	text := string(got.Write([]string{"duckdb: {path: shop.duckdb}"}, ""))
	if strings.Contains(text, "SECRET") || strings.Contains(text, "attributes: [religion") {
		t.Errorf("the draft is\n%s", text)
	}
}

func TestAnswer(t *testing.T) {
	got := propose(t, sql.DuckDB, table("crm", "recency integer: 1|2|3", "history decimal: %.50", "zip text: a|b"))
	for _, c := range []struct{ key, value, fails string }{
		{"timezone", "Europe/Nowhere", "no time zone"},
		{"timezone", "Europe/Berlin", ""},
		{"timezone", "Europe/Berlin", "is no question"},
		{"currency.code", "euro", "no currency"},
		{"currency.code", "EUR", ""},
		{"sources.orders", "yesterday", "no date"},
		{"sources.orders", "2008-03-03", ""},
	} {
		err := got.Answer(c.key, c.value)
		if (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: %s: %v, want %q", c.key, c.value, err, c.fails)
		}
	}
	if keys, _ := got.Questions(); len(keys) > 0 {
		t.Errorf("left are %q", keys)
	}
	text := string(got.Write([]string{"duckdb: {path: shop.duckdb}"}, ""))
	for _, want := range []string{"timezone: Europe/Berlin", "currency: {code: EUR}", "DATE '2008-03-03'"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "ANSWER:") || strings.Contains(text, "2026-11-22'") {
		t.Errorf("something is left to answer in\n%s", text)
	}
}
