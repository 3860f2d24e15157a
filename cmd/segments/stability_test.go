package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"segments/pipeline/demo"
)

// days is how many days in a row the labels are watched.
const days = 32

// moved counts, of the customers who bought nothing, gave nothing back, visited nothing and read no e-mail from one
// published day to the next, those whose labels do not do what the day before said that silence would do.
const moved = `
WITH d AS (
	SELECT s.as_of, s.customer_id, core_segment, core_segment_since, rfm_segment, drops_on, drops_to, life_cycle, lapses_on,
		(f.orders, f.last_order_on, f.monetary_total, f.refund_total, f.web_events_ever, f.email_actions_ever) AS deeds
	FROM customer_segments AS s JOIN customer_features AS f USING (as_of, customer_id)
),
silent AS (
	SELECT b.*, n.as_of AS today, n.core_segment AS core, n.core_segment_since AS since, n.rfm_segment AS rfm, n.drops_on AS drop_on,
		n.drops_to AS drop_to, n.life_cycle AS life, n.lapses_on AS lapse_on,
		coalesce(b.drops_on = n.as_of, FALSE) AS drops, coalesce(b.lapses_on = n.as_of, FALSE) AS lapses
	FROM d AS b JOIN d AS n ON n.customer_id = b.customer_id AND n.as_of = b.as_of + 1
	WHERE n.deeds IS NOT DISTINCT FROM b.deeds
)
SELECT
	count(*) AS pairs, count(*) FILTER (drops) AS drops, count(*) FILTER (lapses) AS lapses,
	count(*) FILTER (rfm IS DISTINCT FROM CASE WHEN drops THEN drops_to ELSE rfm_segment END) AS bad_rfm,
	count(*) FILTER (core IS DISTINCT FROM CASE WHEN drops THEN drops_to ELSE core_segment END) AS bad_core,
	count(*) FILTER (since IS DISTINCT FROM CASE WHEN drops THEN today ELSE core_segment_since END) AS bad_since,
	count(*) FILTER (NOT drops AND (drop_on IS DISTINCT FROM drops_on OR drop_to IS DISTINCT FROM drops_to)) AS bad_drops,
	count(*) FILTER (CASE WHEN lapses THEN life NOT LIKE '%lapsed' ELSE life IS DISTINCT FROM life_cycle END) AS bad_life,
	count(*) FILTER (lapse_on IS DISTINCT FROM CASE WHEN lapses THEN NULL ELSE lapses_on END) AS bad_lapses
FROM silent`

// watch publishes days in a row and holds the labels of the silent against what was said the day before.
func (s shop) watch(last time.Time) {
	s.Helper()
	s.now = last.AddDate(0, 0, 1)
	for d := days - 1; d >= 0; d-- {
		s.segments(exitOK, "run", "--as-of", last.AddDate(0, 0, -d).Format(time.DateOnly))
	}
	var pairs, drops, lapses int
	var bad [6]int
	_, err := fmt.Sscan(s.row(moved), &pairs, &drops, &lapses, &bad[0], &bad[1], &bad[2], &bad[3], &bad[4], &bad[5])
	check(s, err)
	s.Logf("of %d silences from a day to the next, %d end in another segment and %d in a lapse, as foretold", pairs, drops, lapses)
	if dates := s.row("SELECT count(DISTINCT as_of) FROM customer_segments"); dates != strconv.Itoa(days) {
		s.Errorf("%s days are published, want %d", dates, days)
	}
	if pairs < 1000 || drops == 0 || lapses == 0 {
		s.Errorf("%d silences, %d drops, %d lapses: too few to test anything with", pairs, drops, lapses)
	}
	if bad != [6]int{} {
		s.Errorf("wrong: rfm_segment %d, core_segment %d, core_segment_since %d, drops_on %d, life_cycle %d, lapses_on %d",
			bad[0], bad[1], bad[2], bad[3], bad[4], bad[5])
	}
}

func TestLabelsOfTheSilentAreStable(t *testing.T) {
	t.Parallel()
	data, _ := company(t, demo.Options{Customers: 800, Days: 400, Seed: 7})
	s := newShop(t, data, quick)
	s.watch(lastDay)
	s.foretold(day(0))
	s.historyIsPublished()
}

// The real data: UCI Online Retail, and CDNOW (Fader and Hardie 2001). Where CI=true all customers, else, for time, every
// fourth and every sixteenth.
func TestLabelsOfTheSilentAreStableInRealData(t *testing.T) {
	for _, c := range []struct {
		name, file, query string
		every             int
		last              string
	}{
		{
			"Online Retail", "online_retail/online_retail.parquet",
			"SELECT InvoiceNo AS invoice, CustomerID AS customer, CAST(InvoiceDate AS DATE) AS date, sum(Quantity * UnitPrice) AS total" +
				" FROM read_parquet('%s') WHERE hash(CustomerID) %% %d = 0 GROUP BY ALL", 4, "2011-12-09",
		},
		{
			"CDNOW", "cdnow_master/CDNOW_master.txt",
			`SELECT row_number() OVER () AS invoice, r[1] AS customer, CAST(strptime(r[2], '%%Y%%m%%d') AS DATE) AS date, CAST(r[4] AS DECIMAL(10, 2)) AS total
			FROM (SELECT regexp_extract_all(line, '\S+') AS r FROM read_csv('%s', delim = chr(1), header = false, skip = 1, columns = {'line': 'VARCHAR'}))
			WHERE len(r) = 4 AND hash(r[1]) %% %d = 0`, 16, "1998-06-30",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := sharedData(t, c.file)
			if os.Getenv("CI") == "true" {
				c.every = 1
			}
			s := shop{t, t.TempDir(), today}
			check(t, os.WriteFile(s.config(), []byte(ordersOnly), 0o644))
			copyToParquet(t, strings.ReplaceAll(fmt.Sprintf(c.query, file, c.every), "\n", " "), filepath.Join(s.dir, "orders.parquet"))
			last, err := time.Parse(time.DateOnly, c.last)
			check(t, err)
			s.watch(last)
		})
	}
}

// sharedData returns the path of a file of the real data, or skips the test where it is not there.
func sharedData(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("SEGMENTS_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	dir, err := filepath.Abs(dir)
	check(t, err)
	file := filepath.Join(dir, name)
	if _, err := os.Stat(file); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v: set SEGMENTS_DATA to the folder of the real data", err)
		}
		t.Skipf("%v: set SEGMENTS_DATA to the folder of the real data", err)
	}
	return file
}
