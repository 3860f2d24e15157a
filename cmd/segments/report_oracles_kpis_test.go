package main

// driftKind are the kinds of drift in words.
const driftKind = `CASE kind WHEN 'feature' THEN 'what is known of customers' WHEN 'segment_share' THEN 'how customers are spread over groups'
	WHEN 'segment_size' THEN 'the size of a group' WHEN 'cut' THEN 'a border between groups' WHEN 'parameter' THEN 'what a model learned' END`

// kpiOracles are the tables about where customers go and what has drifted.
var kpiOracles = map[string]string{
	"shifts": `SELECT from_segment, to_segment, horizon_days, sum(customers) OVER (PARTITION BY from_segment), customers, probability, probability_low, probability_high
	FROM (SELECT * FROM segment_shifts WHERE as_of = {day} AND horizon_days = 90)
	JOIN segment_definitions f ON f.segmentation = 'core_segment' AND f.segment = from_segment
	JOIN segment_definitions t ON t.segmentation = 'core_segment' AND t.segment = to_segment
	WHERE from_segment <> '' QUALIFY sum(customers) OVER (PARTITION BY from_segment) >= 20 AND to_segment <> '' AND customers >= 20
	ORDER BY f.segment_order, t.segment_order`,
	"shifts-sizes": `WITH
	  moves AS (SELECT * FROM segment_shifts WHERE as_of = {day} AND horizon_days = 90),
	  known AS (SELECT from_segment, sum(customers) AS n FROM moves GROUP BY 1 HAVING sum(customers) >= 20),
	  sizes AS (SELECT core_segment AS segment, any_value(segment_order) AS place, count(*) AS customers FROM people GROUP BY 1),
	  expected AS (
	    SELECT to_segment AS segment, sum(m.customers / k.n * CASE WHEN k.from_segment = '' THEN k.n ELSE coalesce(s.customers, 0) END) AS n
	    FROM moves m JOIN known k USING (from_segment) LEFT JOIN sizes s ON s.segment = k.from_segment GROUP BY 1
	    UNION ALL SELECT segment, customers FROM sizes WHERE segment NOT IN (SELECT from_segment FROM known))
	SELECT segment, 90, any_value(customers), sum(e.n), CASE WHEN any_value(customers) >= 20 THEN sum(e.n) / any_value(customers) - 1 END
	FROM sizes LEFT JOIN expected e USING (segment) GROUP BY segment ORDER BY any_value(place)`,
	"shifts-tests": `SELECT horizon_days, sum(abs(predicted_customers / p - actual_customers / a)) / 2, sum(abs(naive_customers / n - actual_customers / a)) / 2,
	  any_value(moves_error), any_value(moved_share)
	FROM (SELECT *, sum(predicted_customers) OVER w AS p, sum(naive_customers) OVER w AS n, sum(actual_customers) OVER w AS a
	  FROM segment_shift_validation WHERE as_of = {day} WINDOW w AS (PARTITION BY horizon_days))
	GROUP BY horizon_days ORDER BY horizon_days DESC`,
	"shifts-foreseen": `SELECT v.segment, horizon_days, n, predicted_customers, predicted_low, predicted_high,
	  CASE WHEN n < predicted_low THEN 'fewer' WHEN n > predicted_high THEN 'more' ELSE 'as foreseen' END
	FROM segment_shift_validation v JOIN (SELECT core_segment AS segment, segment_order, count(*) AS n FROM people GROUP BY ALL) p USING (segment)
	WHERE as_of = {day} AND horizon_days = 90 ORDER BY segment_order`,

	"drift-summary": `SELECT compared_with, ` + driftKind + `, count(*), count(*) FILTER (state = 'warned'), count(*) FILTER (state = 'expected')
	FROM drift WHERE as_of = {day} GROUP BY compared_with, kind ORDER BY compared_with DESC, kind`,
	"drift-features": `SELECT replace(name, '_', ' '), compared_with, psi, state FROM drift WHERE as_of = {day} AND kind = 'feature' AND psi IS NOT NULL
	AND compared_with = (SELECT max(compared_with) FROM drift WHERE as_of = {day}) ORDER BY psi DESC, name LIMIT 12`,
}

// movedOracle is the table of what drifted, which a calm run does not have.
const movedOracle = `SELECT replace(CASE WHEN kind = 'segment_share' THEN 'the mix by ' || name WHEN kind = 'segment_size' THEN 'the size of ' || split_part(name, '/', 2)
	WHEN kind IN ('cut', 'parameter') THEN split_part(name, '.', 2) || ' of ' || CASE split_part(name, '.', 1) WHEN 'behavior' THEN 'the life cycle' WHEN 'clv' THEN 'the forecasts'
	  WHEN 'cluster' THEN 'the clusters' WHEN 'rfm' THEN 'the scores' END ELSE name END, '_', ' '), ` + driftKind + `, compared_with, before, now, psi, state, reason FROM drift
	WHERE as_of = {day} AND state IN ('warned', 'expected') ORDER BY state DESC, coalesce(psi, 0) DESC, compared_with DESC, kind, name`
