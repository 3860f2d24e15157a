package main

import (
	"fmt"
	"maps"
)

// oracleMacros are what the oracles share: the groups with their order, people by group, and what is said of small groups.
var oracleMacros = []string{
	`CREATE TEMP TABLE people AS
	SELECT s.*, f.* EXCLUDE (as_of, customer_id, last_order_on, monetary_total, consent_email, cart_abandoned_at, hot_lead_at), d.segment_order
	FROM customer_segments s JOIN customer_features f USING (customer_id, as_of)
	JOIN segment_definitions d ON d.segmentation = 'core_segment' AND d.segment = s.core_segment
	WHERE s.as_of = {day}`,
	`CREATE TEMP TABLE worth AS
	SELECT core_segment, any_value(segment_order) AS segment_order, count(*) AS n, any_value(horizon_days) AS horizon, sum(round(clv_revenue, 4)) AS revenue,
	  sum(round(expected_orders_90d, 6)) AS orders, sum(round(expected_value_90d, 4)) AS money
	FROM people JOIN customer_clv c USING (customer_id, as_of) WHERE clv_revenue IS NOT NULL GROUP BY 1 HAVING count(*) >= 20`,
	`CREATE TEMP TABLE validated AS
	SELECT v.*, d.segment_order, v.customers >= 20 AS told, CASE WHEN v.customers < 20 THEN 'too few' ELSE
	  CASE verdict WHEN 'above' THEN 'more often' WHEN 'below' THEN 'less often' ELSE replace(verdict, '_', ' ') END END AS said
	FROM segment_validation v LEFT JOIN segment_definitions d USING (segmentation, segment) WHERE v.as_of = {day} AND v.customers > 0 AND v.main_horizon`,
	`CREATE TEMP TABLE newest AS SELECT * FROM validated WHERE conversion_kind = 'any' AND origin = (SELECT max(origin) FROM validated)`,
	`CREATE TEMP TABLE core AS SELECT * FROM newest WHERE segmentation = 'core_segment'`,
	`CREATE TEMP TABLE scored AS
	SELECT *, split_part(metric, '_', -1) AS measure, regexp_replace(metric, '_(orders|value)$', '') AS what, CASE model WHEN 'clv' THEN 'the model'
	  WHEN 'repeat_last_period' THEN 'repeating the last period' WHEN 'cohort_mean' THEN 'the mean of those who came in the same month'
	  WHEN 'rf_cell_mean' THEN 'the mean of those alike in recency and frequency' END AS named
	FROM model_validation WHERE as_of = {day}`,
	`CREATE TEMP TABLE ways AS
	SELECT *, CASE WHEN reason IN ('read', 'used') THEN reason WHEN reason IN ('duplicate', 'duplicate_key') THEN 'merged' WHEN reason IN ('later', 'not_a_purchase') THEN 'other'
	  WHEN reason IN ('refund_above_amount', 'unreadable_consent', 'other_event') THEN 'note' ELSE 'aside' END AS fate,
	  CASE reason WHEN 'duplicate' THEN 'merged with an equal row' WHEN 'duplicate_key' THEN 'merged with one of the same key' WHEN 'later' THEN 'after the as-of day'
	  WHEN 'missing_customer_id' THEN 'no customer' WHEN 'missing_time' THEN 'no time' WHEN 'bad_amount' THEN 'an amount that is no number'
	  WHEN 'consent' THEN 'no consent to profiling' WHEN 'implausible_time' THEN 'an implausible time' WHEN 'future' THEN 'in the future'
	  WHEN 'refund_above_amount' THEN 'a refund above the amount, read as the amount' WHEN 'quarantined' THEN 'known only from rows that were put aside'
	  ELSE replace(reason, '_', ' ') END AS named
	FROM run_rejects WHERE run_id = {run}`,
	`CREATE TEMP TABLE measured AS
	SELECT who AS core_segment, count(*) AS n, 90 AS days,
	  avg(days_since_last_order) AS recency, avg(purchase_days) AS purchases, sum(round(average_order_value * orders, 4)) / nullif(sum(orders), 0) AS value,
	  sum(round(value_last_horizon, 4)) / count(*) AS revenue, avg(CASE WHEN email_clicked > 0 OR web_engaged_sessions > 0 THEN 1 ELSE 0 END) AS engaged,
	  avg(CASE WHEN purchase_days_last_horizon > 0 THEN 1 ELSE 0 END) AS bought, sum(round(discount_share * orders)) / nullif(sum(orders), 0) AS discounted,
	  sum(round(store_share * orders)) / nullif(sum(orders), 0) AS in_store,
	  CASE WHEN count(last_order_on) >= 20 THEN count(*) FILTER (purchase_days > 1) / count(last_order_on) END AS again,
	  CASE WHEN count(purchase_interval_days) >= 20 THEN avg(purchase_interval_days) END AS pause, avg(web_sessions) AS visits,
	  CASE WHEN count(email_allowed) >= 20 THEN avg(email_allowed::INT) END AS mailable, place
	FROM (SELECT *, core_segment AS who, segment_order AS place FROM people UNION ALL SELECT *, 'Everybody', 99 FROM people) GROUP BY who, place`,
	`CREATE TEMP TABLE staged AS
	SELECT p.core_segment, p.journey_stage, p.segment_order, list_position(['awareness', 'consideration', 'decision', 'retention'], p.journey_stage) AS stage,
	  CASE WHEN c >= 20 THEN c END AS n, CASE WHEN c >= 20 AND e >= 20 THEN e END AS m, CASE WHEN c >= 20 AND x >= 20 THEN x END AS u, arg_max(content, place) AS content, arg_max(channel, place) AS channel
	FROM (SELECT core_segment, journey_stage, any_value(segment_order) AS segment_order, count(*) AS c, count(*) FILTER (consent_email AND email_unsubscribed_on IS NULL) AS e,
	    count(*) FILTER (email_allowed IS NULL) AS x
	  FROM people GROUP BY 1, 2) p
	LEFT JOIN (SELECT *, CASE WHEN segment = '*' THEN 0 ELSE 2 END + CASE WHEN stage = '*' THEN 0 ELSE 1 END AS place FROM read_csv('../../pipeline/report/content.csv')) t
	  ON t.segment IN ('*', p.core_segment) AND t.stage IN ('*', p.journey_stage) GROUP BY ALL`,
	`CREATE TEMP TABLE days AS
	SELECT as_of, sum(customers)::DOUBLE AS n, any_value(window_days) AS days, sum(revenue_window) AS revenue,
	  sum(conversion_rate * customers) / sum(customers) FILTER (conversion_rate IS NOT NULL) AS bought
	FROM segment_profiles WHERE segmentation = 'core_segment' AND as_of <= {day} GROUP BY 1`,
}

// conversionColumns are those of every table about conversions.
const conversionColumns = `segment, customers, CASE WHEN told THEN converters END, CASE WHEN told THEN rate END, CASE WHEN told THEN rate_low END,
	CASE WHEN told THEN rate_high END, said, CASE WHEN told THEN lift END, CASE WHEN told THEN q_value END, CASE WHEN told THEN value_per_customer END,
	CASE WHEN told THEN merge_candidate END, CASE WHEN told THEN lift_low END, CASE WHEN told THEN lift_high END,
	CASE WHEN told THEN origins_agreeing END, CASE WHEN told THEN origins_evaluated END`

const checkColumns = `SELECT replace(check_name, '_', ' '), %s, replace(state, '_', ' '), detail FROM run_checks WHERE run_id = {run} AND `

const checkOrder = ` CASE state WHEN 'failed' THEN 0 WHEN 'accepted' THEN 1 WHEN 'warned' THEN 2 WHEN 'not_evaluated' THEN 3 ELSE 4 END, check_name, subject`

var forecastChecksOracle = fmt.Sprintf(checkColumns, "subject") +
	`(check_name = 'forecast_beats_naive' OR check_name = 'fit' AND subject = 'clv') ORDER BY check_name = 'fit',` + checkOrder

// otherOracle is the table of a segmentation.
func otherOracle(name string) string {
	return fmt.Sprintf(`SELECT replace(p.segment, '_', ' '), d.rule, n, n / sum(n) OVER (), CASE WHEN v.told THEN v.rate END, v.said
	FROM (SELECT %[1]s AS segment, count(*) AS n FROM customer_segments WHERE as_of = {day} AND %[1]s IS NOT NULL GROUP BY 1) p
	JOIN segment_definitions d ON d.segmentation = '%[1]s' AND d.segment = p.segment
	LEFT JOIN newest v ON v.segmentation = '%[1]s' AND v.segment = p.segment AND '%[1]s' <> 'cluster' ORDER BY d.segment_order`, name)
}

// wayOracle is the way of the rows of a source.
func wayOracle(source string) string {
	return fmt.Sprintf(`WITH w AS (SELECT *, (SELECT "rows" FROM ways r WHERE r.source = '%[1]s' AND fate = 'read') AS n FROM ways WHERE source = '%[1]s' AND fate <> 'note')
	SELECT 'read', n, 1, n FROM w WHERE fate = 'read'
	UNION ALL SELECT * FROM (SELECT named, "rows", "rows" / n, n - sum("rows") OVER (ORDER BY "rows" DESC, reason ROWS UNBOUNDED PRECEDING)
	  FROM w WHERE fate NOT IN ('read', 'used') ORDER BY "rows" DESC, reason)
	UNION ALL SELECT 'used', "rows", "rows" / n, "rows" FROM w WHERE fate = 'used'`, source)
}

// contentOracle is the matrix with the stages that have columns.
func contentOracle(columns []string) string {
	query := "SELECT core_segment"
	for _, c := range columns[1:] {
		query += fmt.Sprintf(`, coalesce(format('{:,}', max(n) FILTER ('%[1]s' LIKE '%%' || journey_stage || '%%')::BIGINT), '–') || ' · ' ||
			any_value(content || ' (' || channel || ')') FILTER ('%[1]s' LIKE '%%' || journey_stage || '%%')`, c)
	}
	return query + " FROM staged GROUP BY core_segment ORDER BY any_value(segment_order)"
}

// oracles are the tables of the report, by id, as SQL that has nothing in common with the report's: those below, and those of the
// topics that have files of their own.
var oracles = joinedOracles(tableOracles, validationOracles, kpiOracles, channelOracles, experimentOracles)

func joinedOracles(topics ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, t := range topics {
		maps.Copy(out, t)
	}
	return out
}

var tableOracles = map[string]string{
	"scores": `SELECT r_score, f_score, rfm_segment, CASE WHEN count(*) >= 20 THEN count(*) END FROM customer_rfm
	WHERE as_of = {day} AND r_score > 0 AND f_score > 0 GROUP BY ALL ORDER BY 1, 2, 3`,
	"scores-segments": `SELECT p.rfm_segment, count(*), count(*) / sum(count(*)) OVER (), any_value(d.rule) FROM customer_segments p
	JOIN segment_definitions d ON d.segmentation = 'rfm_segment' AND d.segment = p.rfm_segment WHERE p.as_of = {day} GROUP BY 1 ORDER BY any_value(d.segment_order)`,

	"worth-groups": `SELECT * FROM (
	  SELECT core_segment, n, horizon, revenue, revenue / sum(revenue) OVER (), revenue / n, orders, money FROM worth ORDER BY segment_order)
	UNION ALL SELECT 'Everybody', sum(n), max(horizon), sum(revenue), 1, sum(revenue) / sum(n), sum(orders), sum(money) FROM worth`,
	"worth-tenths": `SELECT origin, horizon_days, bin, customers, predicted, actual, customers * actual / sum(customers * actual) OVER ()
	FROM scored WHERE model = 'clv' AND metric = 'mean_value' AND origin = (SELECT max(origin) FROM scored) ORDER BY bin`,
	"worth-last":   `SELECT origin, 'value', actual, abs(actual) FROM scored WHERE model = 'clv' AND metric = 'total_bias_value' AND origin = (SELECT max(origin) FROM scored)`,
	"worth-checks": forecastChecksOracle,

	"calibration-bins": `SELECT origin, bin, customers, predicted, actual FROM scored WHERE model = 'clv' AND metric = 'mean_orders' ORDER BY 1, 2`,
	"calibration-models": `SELECT origin, measure, named, horizon, n, predicted, actual, bias, abs(bias), deviance,
	  CASE WHEN model <> 'clv' THEN 1 - max(deviance) FILTER (model = 'clv') OVER (PARTITION BY origin, measure) / deviance END, gini
	FROM (SELECT origin, measure, model, any_value(named) AS named, max(horizon_days) AS horizon, max(customers) AS n, max(predicted) FILTER (what = 'total') AS predicted,
	    max(actual) FILTER (what = 'total') AS actual, max(actual) FILTER (what = 'total_bias') AS bias, max(actual) FILTER (what = 'poisson_deviance') AS deviance,
	    max(actual) FILTER (what = 'gini') AS gini
	  FROM scored WHERE bin = 0 GROUP BY 1, 2, 3)
	ORDER BY origin DESC, measure, model <> 'clv', model`,
	"calibration-checks": forecastChecksOracle,

	"differences": `SELECT * EXCLUDE place FROM (SELECT core_segment, n, days, CASE WHEN n >= 20 THEN recency END, CASE WHEN n >= 20 THEN purchases END,
	  CASE WHEN n >= 20 THEN value END, CASE WHEN n >= 20 THEN revenue END, CASE WHEN n >= 20 THEN engaged END, CASE WHEN n >= 20 THEN bought END,
	  CASE WHEN n >= 20 THEN discounted END, CASE WHEN n >= 20 THEN in_store END, CASE WHEN n >= 20 THEN again END, CASE WHEN n >= 20 THEN pause END,
	  CASE WHEN n >= 20 THEN visits END, CASE WHEN n >= 20 THEN mailable END, place FROM measured) ORDER BY place`,
	"differences-relative": `SELECT m.core_segment, m.n, m.days, m.recency / e.recency, m.purchases / e.purchases, m.value / e.value, m.revenue / e.revenue,
	  m.engaged / e.engaged, m.bought / e.bought, m.discounted / e.discounted, m.in_store / e.in_store, m.again / nullif(e.again, 0), m.pause / e.pause,
	  m.visits / e.visits, m.mailable / e.mailable
	FROM (SELECT core_segment, n, days, place, CASE WHEN n >= 20 THEN recency END AS recency, CASE WHEN n >= 20 THEN purchases END AS purchases,
	  CASE WHEN n >= 20 THEN value END AS value, CASE WHEN n >= 20 THEN revenue END AS revenue, CASE WHEN n >= 20 THEN engaged END AS engaged,
	  CASE WHEN n >= 20 THEN bought END AS bought, CASE WHEN n >= 20 THEN discounted END AS discounted, CASE WHEN n >= 20 THEN in_store END AS in_store, CASE WHEN n >= 20 THEN again END AS again,
	  CASE WHEN n >= 20 THEN pause END AS pause, CASE WHEN n >= 20 THEN visits END AS visits, CASE WHEN n >= 20 THEN mailable END AS mailable FROM measured) m,
	  measured e WHERE e.place = 99 AND m.place < 99 ORDER BY m.place`,

	"conversions": `SELECT ` + conversionColumns + ` FROM core ORDER BY segment_order`,
	"conversions-base": `SELECT max(origin), max(horizon_days), 'any', sum(customers), sum(converters), sum(converters) / sum(customers), count(*),
	  count(*) FILTER (said LIKE '%often'), count(*) FILTER (said LIKE '%often' AND (SELECT count(*) FROM validated v
	    WHERE v.segmentation = 'core_segment' AND v.conversion_kind = 'any' AND v.segment = core.segment AND v.verdict = core.verdict) = 2),
	  2, max(segmentation_auc), max(segmentation_auc_low), max(segmentation_auc_high) FROM core`,
	"conversions-origins": `SELECT origin, conversion_kind, ` + conversionColumns + ` FROM validated
	WHERE segmentation = 'core_segment' AND conversion_kind = 'any' ORDER BY origin DESC, segment_order`,
	"conversions-kinds": `SELECT origin, replace(conversion_kind, '_', ' '), ` + conversionColumns + ` FROM validated
	WHERE segmentation = 'core_segment' AND origin = (SELECT max(origin) FROM validated) ORDER BY conversion_kind, segment_order`,

	"others-cluster": otherOracle("cluster"), "others-engagement": otherOracle("engagement"), "others-intent": otherOracle("intent"),
	"others-journey_stage": otherOracle("journey_stage"), "others-life_cycle": otherOracle("life_cycle"), "others-value_tier": otherOracle("value_tier"),
	"others-candidates":         `SELECT k, customers, inertia, silhouette, CASE WHEN chosen THEN 'yes' ELSE 'no' END FROM cluster_candidates WHERE as_of = {day} ORDER BY k`,
	"others-clusters-at-origin": `SELECT ` + conversionColumns + ` FROM newest WHERE segmentation = 'cluster' ORDER BY segment_order NULLS LAST, segment`,

	"trend": `SELECT as_of, n, days, revenue, bought, CASE WHEN as_of > min(as_of) OVER () THEN revenue / first_value(revenue) OVER (ORDER BY as_of) - 1 END,
	  CASE WHEN as_of > min(as_of) OVER () THEN n / first_value(n) OVER (ORDER BY as_of) - 1 END FROM days ORDER BY 1`,
	"trend-groups": `SELECT p.segment, p.as_of, p.customers, p.share FROM segment_profiles p JOIN segment_definitions d USING (segmentation, segment)
	WHERE segmentation = 'core_segment' ORDER BY segment_order, as_of`,
	"trend-changes": `SELECT segment, min(min(as_of)) OVER (), max(customers) FILTER (as_of < {day}), max(customers) FILTER (as_of = {day}),
	  CASE WHEN min(customers) >= 20 AND count(*) = 2 THEN max(customers) FILTER (as_of = {day}) / max(customers) FILTER (as_of < {day}) - 1 END
	FROM segment_profiles JOIN segment_definitions d USING (segmentation, segment) WHERE segmentation = 'core_segment' GROUP BY segment ORDER BY any_value(segment_order)`,

	"quality": `SELECT replace(source, '_', ' '), max("rows") FILTER (fate = 'read'), coalesce(sum("rows") FILTER (fate = 'merged'), 0), coalesce(sum("rows") FILTER (fate = 'other'), 0),
	  coalesce(sum("rows") FILTER (fate = 'aside'), 0), max("rows") FILTER (fate = 'used'), coalesce(sum("rows") FILTER (fate = 'aside'), 0) / max("rows") FILTER (fate = 'read'),
	  arg_max(named, "rows") FILTER (fate = 'aside'), max("rows") FILTER (fate = 'aside'), max("rows") FILTER (fate = 'aside') / max("rows") FILTER (fate = 'read')
	FROM ways GROUP BY source ORDER BY source`,
	"quality-checks":          fmt.Sprintf(checkColumns, "replace(subject, '_', ' ')") + `state <> 'passed' ORDER BY` + checkOrder,
	"quality-notes":           `SELECT replace(source, '_', ' '), named, "rows" FROM ways WHERE fate = 'note' ORDER BY source, reason`,
	"quality-orders":          wayOracle("orders"),
	"quality-web_events":      wayOracle("web_events"),
	"quality-customers_known": wayOracle("customers_known"),

	"provenance-run": `SELECT item, value FROM (
	  SELECT unnest(['Run', 'As of', 'Version', 'State', 'Builds on run', 'Began', 'Ended', 'Sources as of', 'Customers segmented', 'Customers left out', 'Digest', 'Headline']) AS item,
	    unnest([run_id, CAST(as_of AS VARCHAR), code_version, state, previous_run, strftime(started_at, '%Y-%m-%dT%H:%M:%SZ'), strftime(ended_at, '%Y-%m-%dT%H:%M:%SZ'),
	      strftime(snapshot, '%Y-%m-%dT%H:%M:%SZ'), CAST(customers AS VARCHAR), CAST(left_out AS VARCHAR), digest, message]) AS value
	  FROM run_events WHERE run_id = {run}) WHERE value IS NOT NULL`,
	"provenance-models": `SELECT step, parameter, coalesce(CAST(value AS VARCHAR), text) FROM model_parameters WHERE as_of = {day} AND parameter <> 'model'
	ORDER BY step, parameter <> 'status', parameter`,
	"provenance-cuts":       `SELECT measure, label, above, up_to, unit, source, learned_on, buyers FROM rfm_cuts WHERE as_of = {day} ORDER BY measure, label`,
	"provenance-thresholds": `SELECT measure, value, learned_on FROM behavior_thresholds WHERE as_of = {day} ORDER BY measure`,
	"provenance-measures": `SELECT table_name, column_name, regexp_extract(comment, ' Unit: (.*)\.$', 1), regexp_replace(comment, ' Unit: [^.]*\.$', '')
	FROM duckdb_columns() WHERE table_name IN ('segment_profiles', 'segment_validation', 'model_validation', 'customer_clv') AND comment LIKE '% Unit: %'
	ORDER BY list_position(['segment_profiles', 'segment_validation', 'model_validation', 'customer_clv'], table_name), column_index`,

	"trust-run": `SELECT run_id, as_of, state, CAST(ended_at AS DATE), date_diff('day', as_of, CAST(ended_at AS DATE)), NULL FROM run_events WHERE run_id = {run}`,
	"trust-checks": `SELECT count(*) FILTER (state = 'passed'), count(*) FILTER (state = 'warned'), count(*) FILTER (state = 'failed'), count(*) FILTER (state = 'not_evaluated'), count(*) FILTER (state = 'accepted')
	FROM run_checks WHERE run_id = {run}`,
	"trust-troubles": `SELECT check_name, subject, state, detail FROM run_checks WHERE run_id = {run} AND state <> 'passed' ORDER BY` + checkOrder,
	"trust-order": `SELECT 'any', max(origin), max(horizon_days), sum(customers), sum(converters), max(segmentation_auc), max(segmentation_auc_low), max(segmentation_auc_high),
	  count(*), count(*) FILTER (verdict IN ('above', 'below')), sum(customers) FILTER (verdict IN ('above', 'below')) / sum(customers) FROM core`,
	"trust-people": `SELECT reason, "rows", "rows" / max("rows") FILTER (reason = 'read') OVER () FROM ways WHERE source = 'customers_known'
	ORDER BY CASE reason WHEN 'read' THEN 0 WHEN 'used' THEN 1 ELSE 2 END, reason`,
	"trust-rows": `SELECT source, reason, "rows", "rows" / (SELECT "rows" FROM ways r WHERE r.source = ways.source AND r.reason = 'read') FROM ways
	WHERE fate = 'aside' AND source <> 'customers_known' ORDER BY source, reason`,
	"trust-forecast": `SELECT measure, state, origin, actual, detail FROM scored JOIN run_checks ON run_id = {run} AND check_name = 'forecast_beats_naive' AND subject = 'clv ' || measure
	WHERE what = 'total_bias' AND model = 'clv' AND origin = (SELECT max(origin) FROM scored) ORDER BY` + checkOrder,

	"customers-base": `SELECT count(*), count(*) FILTER (core_segment IN ('Browser', 'Prospect')), count(*) FILTER (core_segment IN ('Browser', 'Prospect')) / count(*), 90,
	  (SELECT sum(revenue * n) FROM measured WHERE place < 99 AND n >= 20), (SELECT count(*) FROM measured WHERE place < 99),
	  (SELECT count(*) FROM measured WHERE place < 99 AND n < 20), (SELECT coalesce(sum(n), 0) FROM measured WHERE place < 99 AND n < 20),
	  (SELECT coalesce(sum(n), 0) FROM measured WHERE place < 99 AND n < 20) / count(*), 20 FROM people`,
	"customers-first": `SELECT m.core_segment, m.n, (SELECT sum(m) FROM staged s WHERE s.core_segment = m.core_segment), c.origin, c.horizon_days, 'any', c.rate, 'above', w.revenue
	FROM measured m JOIN core c ON c.segment = m.core_segment LEFT JOIN worth w USING (core_segment)
	WHERE place < 99 AND m.n >= 20 AND c.told AND c.verdict = 'above' ORDER BY w.revenue DESC NULLS LAST, place`,
	"customers-groups": `SELECT core_segment, n, n / all_n, money, money / sum(money) OVER (), money / n, (money / n) / (sum(money) OVER () / sum(n) FILTER (money IS NOT NULL) OVER ()),
	  CASE WHEN money IS NOT NULL THEN sum(n) OVER w / all_n END, CASE WHEN money IS NOT NULL THEN sum(money) OVER w / sum(money) OVER () END
	FROM (SELECT core_segment, n, place, CASE WHEN n >= 20 THEN revenue * n END AS money, (SELECT count(*) FROM people) AS all_n FROM measured WHERE place < 99)
	WINDOW w AS (ORDER BY money / n DESC NULLS LAST, place ROWS UNBOUNDED PRECEDING) ORDER BY money / n DESC NULLS LAST, place`,

	"content-list":   `SELECT core_segment, journey_stage, n, m, content, channel FROM staged ORDER BY segment_order, stage`,
	"content-stages": `SELECT journey_stage, sum(n), sum(m), sum(u) FROM staged GROUP BY ALL HAVING sum(n) > 0 ORDER BY any_value(stage)`,

	"moves-totals": `SELECT (SELECT min(as_of) FROM days), sum(customers) FILTER (f.segment = t.segment), coalesce(sum(customers) FILTER (t.segment_order < f.segment_order), 0),
	  coalesce(sum(customers) FILTER (t.segment_order > f.segment_order), 0), coalesce(sum(customers) FILTER (from_segment = ''), 0), coalesce(sum(customers) FILTER (to_segment = ''), 0)
	FROM segment_transitions m LEFT JOIN segment_definitions f ON f.segmentation = 'core_segment' AND f.segment = from_segment
	LEFT JOIN segment_definitions t ON t.segmentation = 'core_segment' AND t.segment = to_segment WHERE m.segmentation = 'core_segment' AND as_of = {day}`,
	"moves-why": `SELECT cause, sum(customers) AS n FROM segment_transitions WHERE as_of = {day} AND segmentation = 'core_segment' AND from_segment <> to_segment
	GROUP BY ALL HAVING n >= 20 ORDER BY n DESC, 1`,
	"moves-causes": `SELECT from_segment, to_segment, cause, sum(customers) AS n FROM segment_transitions WHERE as_of = {day} AND segmentation = 'core_segment'
	AND from_segment <> '' AND to_segment <> '' AND from_segment <> to_segment GROUP BY ALL HAVING n >= 20 ORDER BY n DESC, 1, 2, 3`,
	"moves-flows": `SELECT from_segment, to_segment, sum(customers) AS n FROM segment_transitions WHERE as_of = {day} AND segmentation = 'core_segment'
	AND from_segment <> '' AND to_segment <> '' AND from_segment <> to_segment GROUP BY ALL HAVING n >= 20 ORDER BY n DESC, 1, 2`,
	"moves-drops": `SELECT core_segment, drops_to, CASE WHEN count(*) FILTER (drops_on <= {day} + 7) >= 20 THEN count(*) FILTER (drops_on <= {day} + 7) END, count(*) AS n
	FROM people WHERE drops_on <= {day} + 30 GROUP BY ALL HAVING count(*) >= 20 ORDER BY n DESC, core_segment, drops_to`,
}

// cardOracle is all that could be said of the group {n}: what, value, here, everybody, times, verdict.
const cardOracle = `
WITH me AS (SELECT * EXCLUDE place FROM (SELECT *, row_number() OVER (ORDER BY place) AS nth FROM measured WHERE place < 99) WHERE nth = {n}),
mail AS (SELECT sum(m) AS n FROM (SELECT count(*) FILTER (consent_email AND email_unsubscribed_on IS NULL) AS m FROM people JOIN me USING (core_segment)
  GROUP BY journey_stage HAVING count(*) >= 20) WHERE m >= 20),
said AS (
  SELECT unnest(['customers', 'share', 'purchase_days_mean', 'days_since_last_order_mean', 'average_order_value', 'discount_share', 'store_share', 'engagement_rate',
      'mailable', 'mailable_share', 'revenue_window', 'window_days', 'revenue_share']) AS what,
    unnest([me.n, me.n / (SELECT count(*) FROM people), purchases, recency, value, discounted, in_store, engaged, mail.n, mail.n / me.n, revenue * me.n, days,
      revenue * me.n / (SELECT sum(revenue * n) FROM measured WHERE place < 99 AND n >= 20)]) AS here
  FROM me, mail
  UNION ALL SELECT unnest(['clv_revenue_mean', 'horizon_days', 'clv_revenue']), unnest([w.revenue / w.n, horizon, w.revenue]) FROM worth w JOIN me USING (core_segment)
  UNION ALL SELECT 'horizon_days after', horizon_days FROM core JOIN me ON me.core_segment = core.segment
)
SELECT what, NULL, CAST(here AS VARCHAR), NULL, NULL, NULL FROM said
UNION ALL SELECT 'conversion_kind', NULL, 'any', NULL, NULL, NULL
UNION ALL SELECT 'rate', CAST(origin AS VARCHAR), CAST(rate AS VARCHAR), CAST((SELECT sum(converters) / sum(customers) FROM core) AS VARCHAR), CAST(lift AS VARCHAR), verdict
  FROM core JOIN me ON me.core_segment = core.segment
UNION ALL SELECT trait, t.value, CAST(share AS VARCHAR), CAST(share_everybody AS VARCHAR), CAST(lift AS VARCHAR), verdict
  FROM segment_traits t JOIN me ON me.core_segment = t.segment WHERE t.segmentation = 'core_segment' AND t.as_of = {day}`
