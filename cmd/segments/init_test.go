package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"segments/pipeline/config"
	"segments/pipeline/demo"
	"segments/pipeline/discover/draft"
)

// realData returns the folder of the real data; it skips where the file called needs is not in there.
func realData(t testing.TB, needs string) string {
	t.Helper()
	data, err := filepath.Abs(cmp.Or(os.Getenv("SEGMENTS_DATA"), filepath.Join("..", "..", "..", "shared", "data")))
	check(t, err)
	if _, err := os.Stat(filepath.Join(data, needs)); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the real data are needed in CI: set SEGMENTS_DATA: %v", err)
		}
		t.Skipf("SKIPPED, REAL DATA WERE NOT LOOKED AT: set SEGMENTS_DATA to the folder that has %s: %v", needs, err)
	}
	return data
}

// A drafted is a configuration that init wrote.
type drafted struct {
	testing.TB
	dir string
	err string // what init printed
}

// initiated runs init in a folder of its own; name is that of the configuration.
func initiated(t testing.TB, code int, name string, args ...string) drafted {
	t.Helper()
	d := drafted{TB: t, dir: t.TempDir()}
	d.err = d.segments(code, append([]string{"init", "--name", name, "--file", d.file()}, args...)...)
	return d
}

func (d drafted) file() string { return filepath.Join(d.dir, "segments.yaml") }

func (d drafted) segments(code int, args ...string) string {
	d.Helper()
	var out, log strings.Builder
	a := &app{out: &out, err: &log, now: func() time.Time { return today }}
	if got := a.main(context.Background(), args); got != code {
		d.Fatalf("%s: exit code %d, want %d\n%s\n%s", strings.Join(args, " "), got, code, withoutLog(log.String()), d.yaml())
	}
	return log.String()
}

func (d drafted) yaml() string {
	text, _ := os.ReadFile(d.file()) // it may not be there
	return string(text)
}

// answer replaces text, which must be a question's: on one of the lines that follow it, or everywhere once it was asked.
func (d drafted) answer(oldnew ...string) {
	d.Helper()
	text := d.yaml()
	for i := 0; i < len(oldnew); i += 2 {
		asked := false
		lines := strings.Split(text, "\n")
		for k, l := range lines {
			asked = asked || strings.Contains(l, "# ANSWER: ") && strings.Contains(strings.Join(lines[k:min(k+7, len(lines))], "\n"), oldnew[i])
		}
		if !asked {
			d.Fatalf("nothing asks for %q:\n%s", oldnew[i], text)
		}
		text = strings.ReplaceAll(text, oldnew[i], oldnew[i+1])
	}
	check(d, os.WriteFile(d.file(), []byte(text), 0o644))
}

// bare is what publish adds to the configuration: models that are quickly fitted, and no report.
const bare = quick + "report: {file: none}\n"

// publish runs the configuration, which init has checked, with what bare adds.
func (d drafted) publish(asOf string) {
	d.Helper()
	check(d, os.WriteFile(d.file(), []byte(d.yaml()+bare), 0o644))
	d.segments(exitOK, "run", "-c", d.file(), "--as-of", asOf)
}

func (d drafted) row(name, query string) string {
	d.Helper()
	lines, err := queryFile(filepath.Join(d.dir, name+".duckdb"), query)
	check(d, err)
	return strings.Join(lines, "\n")
}

// What init drafts of the real data sets runs once the marked lines are answered, and finds the customers and the money
// that the examples find, which were counted from the raw files.
func TestInitOnRealData(t *testing.T) {
	const money = "SELECT count(*), round(sum(monetary_total), 2) FROM customer_features"
	for _, c := range []struct {
		name, needs string
		files       []string
		answers     []string
		asOf        string
		says        []string // of the drafted file
		query, want string
	}{
		{
			name: "online_retail", needs: "online_retail/online_retail.parquet", files: []string{"online_retail/online_retail.parquet"},
			answers: []string{"timezone: UTC", "timezone: Europe/London", "# currency: {code: EUR}", "currency: {code: GBP}"},
			asOf:    "2011-12-09", says: []string{"amount: Quantity * UnitPrice ", "product_id: StockCode ", "segments run --as-of 2011-12-09"},
			query: money, want: "4372 8277967.57", // as in TestExamples
		},
		{
			name: "invoices", needs: "online_retail/online_retail_invoices.csv", files: []string{"online_retail/online_retail_invoices.csv"},
			answers: []string{"timezone: UTC", "timezone: Europe/London", "# currency: {code: EUR}", "currency: {code: GBP}"},
			asOf:    "2011-12-09", says: []string{"amount: amount "},
			query: "SELECT count(*) FROM customer_features", want: "4372",
		},
		{
			name: "cdnow", needs: "cdnow_master/CDNOW_master.txt", files: []string{"cdnow_master"},
			answers: []string{"# currency: {code: EUR}", "currency: {code: USD}"},
			asOf:    "1998-06-30", says: []string{"segments run --as-of 1998-06-30"},
			query: "SELECT count(*), sum(orders), round(sum(monetary_total), 2) FROM customer_features", want: "23570 69659 2500315.63",
		},
		{
			name: "complete_journey", needs: "completejourney/transactions_sample.csv.gz", files: []string{"completejourney"},
			answers: []string{"timezone: UTC", "timezone: America/New_York", "# currency: {code: EUR}", "currency: {code: USD}"},
			asOf:    "2017-12-31", says: []string{"campaigns: ", "attributes: [age, income, ", "coalesce(retail_disc, 0) + coalesce(coupon_disc, 0)"},
			query: "SELECT count(*), sum(orders) FROM customer_features", want: "2377 47243",
		},
		{
			name: "hillstrom", needs: "hillstrom/hillstrom_data.csv", files: []string{"hillstrom/hillstrom_data.csv"},
			answers: []string{"'" + today.Format(time.DateOnly) + "'", "'2008-03-03'", "# currency: {code: EUR}", "currency: {code: USD}"},
			asOf:    "2008-03-17", says: []string{
				"one row a customer and no dates", "segments run --as-of DAY  ", "attributes: [mens, womens, newbie, channel]\n",
				"or groupings: history_segment, segment, visit, conversion\n", "# A path in a query is not relative to this file",
			},
			query: money, want: "64000 15493481.97",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			data := realData(t, c.needs)
			var args []string
			for _, f := range c.files {
				args = append(args, filepath.Join(data, f))
			}
			d := initiated(t, exitOK, c.name, args...)
			says(t, d.yaml(), c.says...)
			d.answer(c.answers...)
			d.publish(c.asOf)
			if got := d.row(c.name, c.query); got != c.want {
				t.Errorf("%s gives %s, want %s", c.query, got, c.want)
			}
		})
	}
}

// Of the demo's files init finds everything that its own configuration says.
func TestInitOnTheDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := demo.Write(dir, demo.Options{Customers: 400, Seed: 1, AsOf: lastDay, Dirt: true})
	check(t, err)
	own, err := config.Load(filepath.Join(dir, "segments.yaml"))
	check(t, err)
	d := initiated(t, exitOK, "drafted", dir)
	found, err := config.Load(d.file())
	check(t, err)
	for i, s := range own.SQLSources() {
		if i >= len(found.SQLSources()) {
			t.Fatalf("source %s was not found:\n%s", s.Name, d.yaml())
		}
		f := found.SQLSources()[i]
		if f.From != s.From {
			t.Errorf("%s is from %s, want %s", s.Name, f.From, s.From)
		}
		for column, value := range s.Columns {
			if column == "refunded_at" {
				continue // a CAST with quotes
			}
			if f.Columns[column] != value {
				t.Errorf("%s.%s is %q, want %q", s.Name, column, f.Columns[column], value)
			}
		}
	}
	says(t, d.err, "segments run -c ", "segments check -c ", "timezone: which time zone")
}

// Exports of orders such as people have them.
func TestInitOnExports(t *testing.T) {
	t.Parallel()
	// orders writes 400 orders of 100 customers, the i-th through row.
	orders := func(header string, row func(i, customer, day int) string) string {
		var b strings.Builder
		b.WriteString(header + "\n")
		for i := range 400 {
			b.WriteString(row(i, i%100, i/2) + "\n")
		}
		return b.String()
	}
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	german := orders("Bestellnummer;Kunde;Bestelldatum;Gesamtbetrag", func(i, c, d int) string {
		return fmt.Sprintf("B-%04d;K%03d;%s;1.%03d,50", i, c, start.AddDate(0, 0, d).Format("02.01.2006"), i)
	})
	const total = 400*1000.5 + 399*400/2
	for _, c := range []struct {
		name, file, text string
		says             []string
		want             string // customers and money
	}{
		{name: "german", file: "bestellungen.csv", text: german, says: []string{"order_id: Bestellnummer", "customer_id: Kunde", "decimal comma"}},
		{name: "bom, crlf", file: "orders.csv", text: "\ufeff" + strings.ReplaceAll(german, "\n", "\r\n"), says: []string{"order_id: Bestellnummer"}},
		{
			name: "latin1", file: "orders.csv",
			text: strings.ReplaceAll(strings.Replace(german, "Kunde", "K\xe4ufer", 1), ";K0", ";K\xfc0"),
			says: []string{"the file is not UTF-8", `customer_id: "Käufer"`},
		},
		{
			name: "hostile", file: "or'd\"ers <script> \u202e🛒.csv",
			text: orders(`"order ""id""","user","date # x: y","group","Größe </script>","`+"two\nlines"+`"`, func(i, c, d int) string {
				return fmt.Sprintf(`o%d,"u'%d",%s,%d.5,x,y`, i, c, start.AddDate(0, 0, d).Format(time.DateOnly), 1000+i)
			}),
			says: []string{"group", "date # x: y"},
		},
		{
			name: "no number", file: "sales.csv",
			text: orders("customer,date,amount", func(i, c, d int) string {
				return fmt.Sprintf("c%d,%s,%d.5", c, start.AddDate(0, 0, d).Format(time.DateOnly), 1000+i)
			}),
			says: []string{"row_number() OVER (PARTITION BY t)"},
		},
		{
			name: "american", file: "orders.csv",
			text: orders("Order ID,Customer Email,Order Date,Updated At,Order Total", func(i, c, d int) string {
				return fmt.Sprintf(`%d,c%d@example.com,"%s",2025-01-01,"$1,%03d.50"`, i, c, start.AddDate(0, 0, d).Format("Jan 2, 2006"), i)
			}),
			says: []string{"customer_id: Customer Email", "not used: Updated At", "decimal point"},
		},
		{
			name: "either way", file: "orders.csv",
			text: orders("order id,customer,date,amount", func(i, c, _ int) string {
				return fmt.Sprintf("%d,c%d,%02d/%02d/2024,%d.5", i, c, 1+i%6, 1+i%7, 1000+i)
			}),
			says: []string{"types = {'date': 'VARCHAR'}", "# ANSWER: does the day or the month come first?"},
		},
		{
			name: "repeated totals", file: "lines.csv",
			text: orders("order_id,customer_id,created_at,total,product_id", func(i, c, d int) string {
				line := fmt.Sprintf("o%d,c%d,%s,%d.5,", i, c, start.AddDate(0, 0, d).Format(time.DateTime), 1000+i)
				return line + "p1\n" + line + "p2"
			}),
			says: []string{"# ANSWER: is it the total of the whole order", "count(*) OVER (PARTITION BY"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			check(t, os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o644))
			d := initiated(t, exitOK, "shop", dir)
			says(t, d.yaml(), c.says...)
			if strings.Contains(d.yaml(), "@example.com") {
				t.Errorf("an address stands in the draft:\n%s", d.yaml())
			}
			if strings.Contains(d.err, "\x1b") {
				t.Errorf("a control character reached the terminal: %q", d.err)
			}
			d.publish("2024-07-18")
			want := cmp.Or(c.want, fmt.Sprintf("100 %.1f", total))
			if got := d.row("shop", "SELECT count(*), round(sum(monetary_total), 1) FROM customer_features"); got != want {
				t.Errorf("customers and money: %s, want %s\n%s", got, want, d.yaml())
			}
		})
	}
}

// execFile executes a statement on a DuckDB file.
func execFile(file, statement string) error {
	db, err := sql.Open("duckdb", file)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // what counts is whether it could be executed
	_, err = db.Exec(statement)
	return err
}

// Where there are no orders init says what is missing, and writes nothing.
func TestInitFindsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "products.csv"), []byte("product_id,price,added\np1,2.5,2024-01-01\np2,3.5,2024-01-02\n"), 0o644))
	d := initiated(t, exitConfig, "shop", dir)
	says(t, d.err, "no orders and no customers were found", "products: as orders it lacks", "customer_id")
	if d.yaml() != "" {
		t.Errorf("it wrote\n%s", d.yaml())
	}
	says(t, initiated(t, exitConfig, "shop", t.TempDir()).err, "there is no CSV, Parquet or JSON file that could be read")

	excel := t.TempDir() // the euro sign of Windows-1252 is none of Latin-1
	check(t, os.WriteFile(filepath.Join(excel, "umsatz.csv"), []byte("Nr;Kunde;Datum;Betrag\n1;M\xfcller;01.02.2024;5,00 \x80\n"), 0o644))
	says(t, initiated(t, exitConfig, "shop", excel).err, "umsatz cannot be read: it is not UTF-8: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW\n")
}

// What init writes of countries in the orders is a source of customers once it is uncommented.
func TestInitProposesCustomersOfOrders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("order_id,customer_id,date,amount,country\n")
	for i := range 300 {
		fmt.Fprintf(&b, "%d,c%d,2024-01-%02d,10.5,%s\n", i, i%60, 1+i%28, []string{"DE", "AT", "CH"}[i%3])
	}
	check(t, os.WriteFile(filepath.Join(dir, "orders.csv"), []byte(b.String()), 0o644))
	d := initiated(t, exitOK, "shop", dir)
	text := d.yaml()
	from := strings.Index(text, "  # customers:")
	if from < 0 {
		t.Fatalf("no customers are proposed:\n%s", text)
	}
	lines := strings.SplitAfter(text[from:], "\n")
	for i := 0; strings.HasPrefix(lines[i], "  # "); i++ {
		lines[i] = "  " + strings.TrimPrefix(lines[i], "  # ")
	}
	check(t, os.WriteFile(d.file(), []byte(text[:from]+strings.Join(lines, "")), 0o644))
	d.publish("2024-01-31")
	if got := d.row("shop", "SELECT \"rows\" FROM run_rejects WHERE source = 'customers' AND reason = 'used'"); got != "60" {
		t.Errorf("%s customers were made of the orders, want 60", got)
	}
}

// shopify are 300 orders of 60 people as Shopify exports them: what is said of an order stands on the first of its lines.
// Every third one took the newsletter with the newest order, and every other one only with an older one.
func shopify() string {
	var b strings.Builder
	b.WriteString("Name,Email,Financial Status,Accepts Marketing,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem sku,Billing Country\n")
	start := time.Date(2024, 1, 1, 9, 0, 0, 0, time.UTC)
	for i := range 300 {
		accepts := map[bool]string{true: "yes", false: "no"}[i%3 == 0 || i < 60 && i%2 == 0]
		day := start.AddDate(0, 0, i).Format("2006-01-02 15:04:05 -0700")
		fmt.Fprintf(&b, "#%d,c%d@example.com,paid,%s,EUR,%d.50,%s,1,Schal,s1,%s\n", 1000+i, i%60, accepts, 20+i%7, day, []string{"DE", "AT"}[i%2])
		if i%25 == 0 { // few orders have several lines
			fmt.Fprintf(&b, "#%d,c%d@example.com,,,,,%s,2,Hut,s2,\n", 1000+i, i%60, day)
		}
	}
	return b.String()
}

// Of orders alone that say who takes the newsletter init makes customers, with the consent of their newest order, and no
// products, since those would be those of the lines that bear the totals.
func TestInitOnShopifysOrders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "orders_export.csv"), []byte(shopify()), 0o644))
	d := initiated(t, exitOK, "shop", dir)
	says(t, d.yaml(), "\n  customers:\n", "consent_email: consent_email ", "country: country ", "the total stands on one line", "# not used: Accepts Marketing, Lineitem quantity")
	if strings.Contains(d.yaml(), "product_id:") || strings.Contains(d.yaml(), "quantity:") {
		t.Errorf("products are taken from the first lines:\n%s", d.yaml())
	}
	says(t, d.err, "--as-of 2024-10-26")
	d.publish("2024-10-26")
	const query = "SELECT count(*), count(*) FILTER (consent_email), round(sum(monetary_total), 2) FROM customer_segments"
	if got := d.row("shop", query); got != "60 20 7047.0" {
		t.Errorf("customers, consents and money: %s", got)
	}
}

// What customers agreed to, did or were counted for is no attribute of theirs, and a file without the day they came
// says what that costs.
func TestInitOnACustomersFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var orders, customers strings.Builder
	orders.WriteString("id;Kunde;Datum;Summe\n")
	for i := range 150 {
		fmt.Fprintf(&orders, "%d;%d;%s;%d,%02d\n", i, i%40, time.Date(2023, 1, 1+2*i, 0, 0, 0, 0, time.UTC).Format("02.01.2006"), 10+i%9, i%100)
	}
	customers.WriteString("Customer ID,First Name,Accepts Email Marketing,Default Address Country Code,Accepts SMS Marketing,Total Orders,age_group,test_group\n")
	for c := range 60 {
		fmt.Fprintf(&customers, "%d,A,%s,DE,yes,%d,%d0s,%d\n", c, []string{"yes", "no"}[c%2], c%4, 2+c%3, c%2)
	}
	check(t, os.WriteFile(filepath.Join(dir, "bestellungen.csv"), []byte(orders.String()), 0o644))
	check(t, os.WriteFile(filepath.Join(dir, "customers_export.csv"), []byte(customers.String()), 0o644))
	d := initiated(t, exitOK, "shop", dir)
	says(
		t, d.yaml(), "customer_id: Customer ID ", "customer_id: Kunde ", "consent_email: Accepts Email Marketing ", "attributes: [age_group]\n",
		"or groupings: Total Orders, test_group\n", "# not used: First Name, Accepts SMS Marketing\n", "# created_at is not there: ",
	)
	d.answer("timezone: UTC", "timezone: Europe/Berlin", "# currency: {code: EUR}", "currency: {code: EUR}")
	d.segments(exitOK, "check", "-c", d.file())
	d.publish("2023-10-26")
	if got := d.row("shop", "SELECT count(*), count(*) FILTER (consent_email) FROM customer_segments"); got != "60 30" {
		t.Errorf("customers and consents: %s, want 60 30", got)
	}
	d.segments(exitOK, "report", "-c", d.file(), "--file", filepath.Join(d.dir, "report.html"))
	report, err := os.ReadFile(filepath.Join(d.dir, "report.html"))
	check(t, err)
	says(t, string(report), ">PUBLISHED<", "<h1><bdi>shop</bdi></h1>")
	if strings.Contains(string(report), "Accepts ") {
		t.Error("the report names a column of consents")
	}
}

// Questions are asked one after the other: an empty line takes the guess, a number an alternative, nonsense is asked again.
func TestInitAsks(t *testing.T) {
	t.Parallel()
	d := &draft.Draft{
		Name:     draft.Guess{Value: "shop", Ask: "what is it called?"},
		Timezone: draft.Guess{Value: "UTC", Ask: "which zone?"},
		Currency: draft.Guess{Ask: "which currency?"},
		Sources: []draft.Source{{Name: "orders", Columns: []draft.Mapping{{Column: "ordered_at", Guess: draft.Guess{
			Value: "a", Ask: "a or b?", Others: []draft.Other{{Value: "b\x1b[31m", Why: "another"}},
		}}}}},
	}
	var out strings.Builder
	check(t, answer(d, strings.NewReader("\nBerlin\nEurope/Berlin\n1\n\n"), &out))
	says(t, out.String(), "name: what is it called?\n  [shop] ", `"Berlin" is no time zone`, "[leave it open]", `1) b\x1b[31m (another)`)
	if keys, _ := d.Questions(); d.Name.Value != "shop" || d.Timezone.Value != "Europe/Berlin" || d.Sources[0].Columns[0].Value != "b\x1b[31m" ||
		len(keys) != 1 || keys[0] != "currency.code" {
		t.Errorf("the draft is %+v, open are %q", d, keys)
	}
}

// The tables of a DuckDB file are looked at like files, but for those that a run publishes.
func TestInitOnTables(t *testing.T) {
	t.Parallel()
	dir, _ := company(t, demo.Options{Customers: 1500, Seed: 1})
	d := drafted{TB: t, dir: t.TempDir()}
	file := filepath.Join(d.dir, "shop.duckdb")
	for _, table := range []string{"customers", "orders"} {
		check(t, execFile(file, fmt.Sprintf("CREATE TABLE %s AS SELECT * FROM read_parquet('%s')", table, filepath.Join(dir, table+".parquet"))))
	}
	d.segments(exitOK, "init", "--duckdb", file, "--name", "shop", "--file", d.file())
	says(t, d.yaml(), "duckdb: {path: shop.duckdb}", "from: orders", "from: customers")
	d.publish(day(0))
	first := d.yaml()
	d.segments(exitConfig, "init", "--duckdb", file, "--name", "shop", "--file", d.file())
	d.segments(exitOK, "init", "--duckdb", file, "--name", "shop", "--file", d.file(), "--force")
	if d.yaml()+bare != first {
		t.Errorf("what the run published was taken for sources:\n%s", d.yaml())
	}
}

// Files that differ in a number are parts of one table, unless their columns differ.
func TestInitOnParts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, f := range [][2]string{
		{"orders-2023.csv", "order_id,customer_id,date,amount\n1,a,2023-02-03,10.5\n2,b,2023-02-03,11.5\n"},
		{"orders-2024.csv", "order_id,customer_id,date,amount\n3,a,2024-02-03,12.5\n4,b,2024-02-04,13.5\n"},
		{"orders-old.csv", "nothing,of,the,kind\n1,2,3,4\n"},
		{"list1.csv", "customer_id,email\na,a@example.com\nb,b@example.com\n"},
		{"list2.csv", "sku,shape,size\n1,red,4\n"},
		{"empty.csv", ""},
	} {
		check(t, os.WriteFile(filepath.Join(dir, f[0]), []byte(f[1]), 0o644))
	}
	d := initiated(t, exitOK, "shop", dir)
	says(t, d.yaml(), "orders-[0-9]*.csv", "list1.csv", "as-of 2024-02-04")
	says(t, d.err, "orders       orders, 4 rows", "customers    list1, 2 rows")
}

// On BigQuery init looks at the tables of a data set, and what it drafts passes the check.
func TestInitOnBigQuery(t *testing.T) {
	p := onEmulator(t)
	dir, _ := company(t, demo.Options{Customers: 1500, Seed: 1})
	p.fill(dir)
	d := drafted{TB: t, dir: t.TempDir()}
	d.segments(exitOK, "init", "--bigquery", p.project+"."+p.Source, "--output-dataset", p.Results, "--staging-dataset", p.Staging,
		"--name", "shop", "--file", d.file())
	for _, source := range []string{"customers", "orders", "web_events", "email_events", "conversions"} {
		says(t, d.yaml(), "from: "+p.Source+"."+source+"\n")
	}
	d.segments(exitOK, "check", "-c", d.file())
}
