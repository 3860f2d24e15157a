package main

import "fmt"

// channelOracles are those of the panels about channels and about where sessions end.
var channelOracles = map[string]string{
	"channels": `WITH a AS (SELECT *, customers > 0 AND customers < 20 AS few FROM attribution WHERE as_of = {day} AND conversion_kind = 'order' AND segment = '')
	SELECT replace(channel, '_', ' '), any_value(touches), CASE WHEN NOT any_value(few) THEN any_value(customers) END, max(share) FILTER (model = 'position' AND NOT few),
	  max(value) FILTER (model = 'position' AND NOT few), max(conversions) FILTER (model = 'first' AND NOT few), max(conversions) FILTER (model = 'last' AND NOT few),
	  max(conversions) FILTER (model = 'linear' AND NOT few), max(conversions) FILTER (model = 'time_decay' AND NOT few),
	  max(conversions) FILTER (model = 'position' AND NOT few), max(conversions) FILTER (model = 'markov' AND NOT few)
	FROM a GROUP BY channel ORDER BY channel = '(none)', max(conversions) FILTER (model = 'position') DESC, channel`,
	"channels-groups": `WITH a AS (SELECT * FROM attribution JOIN segment_definitions d USING (segment) WHERE d.segmentation = 'core_segment'
	    AND as_of = {day} AND conversion_kind = 'order' AND model = 'position' AND channel <> '(none)'),
	  best AS (SELECT *, conversions / sum(conversions) OVER (PARTITION BY segment) AS part, row_number() OVER (PARTITION BY segment ORDER BY conversions DESC, channel) AS place FROM a)
	SELECT segment, replace(channel, '_', ' '), customers, conversions, part FROM best WHERE place = 1 AND customers >= 20 ORDER BY segment_order`,
	"channels-costs": `SELECT replace(channel, '_', ' '), cost, value, CASE WHEN cost > 0 THEN value / cost END, conversions, CASE WHEN cost > 0 AND conversions > 0 THEN cost / conversions END,
	  acquisitions, CASE WHEN cost > 0 AND acquisitions > 0 THEN cost / acquisitions END, touches
	FROM channel_returns WHERE as_of = {day} AND segment = '' ORDER BY cost DESC, channel`,

	"quality-touchpoints": wayOracle("touchpoints"),

	"funnel": `SELECT step, sessions, customers, sessions / first_value(sessions) OVER w, sessions / lag(sessions) OVER w, 1 - sessions / lag(sessions) OVER w
	FROM segment_funnel WHERE as_of = {day} AND segment = '' AND dimension = 'all' WINDOW w AS (ORDER BY step_order) ORDER BY step_order`,
	"funnel-channels": fmt.Sprintf(funnelOracle, "value", "segment = '' AND dimension = 'channel'", "value"),
	"funnel-pages":    fmt.Sprintf(funnelOracle, "value", "segment = '' AND dimension = 'landing_page'", "value"),
	"funnel-groups":   fmt.Sprintf(funnelOracle, "segment", "dimension = 'all' AND segment IN (SELECT core_segment FROM people)", "(SELECT any_value(segment_order) FROM people WHERE core_segment = segment)"),
}

// funnelOracle is a table of funnels beside each other.
const funnelOracle = `SELECT %[1]s, max(sessions), max(customers), max(sessions) FILTER (step = 'product') / max(sessions), max(sessions) FILTER (step = 'cart') / max(sessions),
	  max(sessions) FILTER (step = 'checkout') / max(sessions), max(sessions) FILTER (step = 'purchase') / max(sessions)
	FROM segment_funnel WHERE as_of = {day} AND %[2]s GROUP BY %[1]s HAVING max(customers) >= 20 ORDER BY %[3]s`
