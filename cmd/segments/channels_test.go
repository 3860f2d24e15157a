package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

// What channels are given adds up to all that came, by every model; equal parts and last touches are those counted by
// hand from the files; and costs are divided without a rest.
func TestChannels(t *testing.T) {
	t.Parallel()
	data, _ := company(t, lab)
	s := newShop(t, data, quick)
	s.publish(0)
	for what, query := range map[string]string{
		"kinds and models whose credits do not add up to the conversions": `SELECT count(*) FROM (SELECT conversion_kind, model, sum(conversions) AS n, sum(share) AS whole FROM attribution
			WHERE segment = '' GROUP BY ALL) WHERE abs(whole - 1) > 1e-9 OR abs(n - round(n)) > 1e-6`,
		"channels whose segments do not add up to them": `SELECT count(*) FROM (SELECT conversion_kind, model, channel, sum(conversions) FILTER (segment = '') AS n,
			sum(conversions) FILTER (segment <> '') AS parts, max(touches) FILTER (segment = '') AS t, sum(touches) FILTER (segment <> '') AS ts
			FROM attribution GROUP BY ALL) WHERE abs(n - parts) > 1e-6 OR t <> ts OR parts IS NULL`,
		"models by which the purchases are not worth what they were": `SELECT count(*) FROM (SELECT model, sum(value) AS v, count(*) - count(value) AS hidden FROM attribution WHERE segment = ''
			AND conversion_kind = 'order' GROUP BY ALL) WHERE hidden > 0 OR abs(v - (SELECT sum(value_last_horizon) FROM customer_features)) > 1e-3`,
		"models by which acquisitions are not first purchases": `SELECT count(*) FROM (SELECT model, sum(conversions) AS n FROM attribution WHERE segment = ''
			AND conversion_kind = 'acquisition' GROUP BY ALL) WHERE abs(n - (SELECT count(*) FROM customer_features WHERE first_order_on > as_of - 90)) > 1e-6`,
		"credits below nothing": `SELECT count(*) FROM attribution WHERE conversions < 0`,
		"values told of few":    `SELECT count(*) FROM attribution WHERE value IS NOT NULL AND customers BETWEEN 1 AND 19`,
		"channels whose cost is not divided": fmt.Sprintf(`SELECT count(*) FROM (SELECT channel, sum(cost) FILTER (segment = '') AS c, sum(cost) FILTER (segment <> '') AS parts
			FROM channel_returns GROUP BY ALL) r LEFT JOIN (SELECT channel, sum(amount) AS spent FROM '%s' WHERE day > DATE '%s' - 90 GROUP BY ALL) USING (channel)
			WHERE abs(c - parts) > 1e-6 OR abs(c - coalesce(spent, 0)) > 1e-6`, filepath.Join(data, "costs.parquet"), day(0)),
		"steps that more come to than to the one before": `SELECT count(*) FROM (SELECT sessions - lag(sessions) OVER w AS more, customers - lag(customers) OVER w AS people FROM segment_funnel
			WINDOW w AS (PARTITION BY segment, dimension, value ORDER BY step_order)) WHERE more > 0 OR people > 0`,
		"dimensions whose sessions are not all": `SELECT count(*) FROM (SELECT segment, dimension, sum(sessions) AS n FROM segment_funnel WHERE step = 'view' GROUP BY ALL)
			JOIN (SELECT segment, sessions AS whole FROM segment_funnel WHERE step = 'view' AND dimension = 'all') USING (segment) WHERE n <> whole`,
	} {
		if got := s.row(query); got != "0" {
			t.Errorf("%s %s", got, what)
		}
	}

	paths := fmt.Sprintf(`WITH paths AS (
		SELECT c.id, t.channel, count(t.channel) OVER (PARTITION BY c.id) AS n, row_number() OVER (PARTITION BY c.id ORDER BY t.ts DESC, t.channel DESC) AS from_end
		FROM '%s' c JOIN customer_segments s ON s.customer_id = c."user" LEFT JOIN '%s' t ON t.customer = c."user" AND t.ts BETWEEN c.ts - INTERVAL 30 DAY AND c.ts
		WHERE c.kind = 'newsletter_offer' AND CAST(c.ts AS DATE) BETWEEN DATE '%s' - 89 AND DATE '%[3]s')`,
		filepath.Join(data, "conversions.parquet"), filepath.Join(data, "touchpoints.parquet"), day(0))
	for model, credit := range map[string]string{"linear": "1 / greatest(n, 1)", "last": "CASE WHEN from_end = 1 THEN 1 ELSE 0 END"} {
		given := s.rows(fmt.Sprintf("SELECT channel, round(conversions, 6) FROM attribution WHERE model = '%s' AND conversion_kind = 'newsletter_offer' AND segment = '' AND conversions > 0 ORDER BY 1", model))
		byHand := s.rows(fmt.Sprintf("%s SELECT coalesce(channel, '(none)'), round(CAST(sum(%s) AS DOUBLE), 6) AS n FROM paths GROUP BY 1 HAVING n > 0 ORDER BY 1", paths, credit))
		if !slices.Equal(given, byHand) || len(given) < 3 {
			t.Errorf("%s gives %q, by hand it is %q", model, given, byHand)
		}
	}
}

// Costs in a currency that nobody gave a rate for are left out rather than added to others.
func TestCostsInForeignMoney(t *testing.T) {
	t.Parallel()
	data, _ := company(t, lab)
	s := newShop(t, data, quick)
	costs := filepath.Join(data, "costs.parquet")
	transform(t, costs, filepath.Join(s.dir, "costs.parquet"), "SELECT *, CASE WHEN channel = 'email' THEN 'XTS' END AS currency FROM source")
	s.edit(costs, "costs.parquet", "      spent_on: day\n", "      spent_on: day\n      currency: currency\n")
	s.publish(0)
	if got := s.row("SELECT count(*) FROM channel_returns"); got != "0" {
		t.Errorf("channel_returns has %s rows", got)
	}
	if got := s.row("SELECT state FROM run_checks WHERE check_name = 'cost_currency'"); got != "warned" {
		t.Errorf("the check is %q", got)
	}
	if got := s.row("SELECT count(*) > 0 FROM attribution"); got != "true" {
		t.Error("attribution is empty, too")
	}
}
