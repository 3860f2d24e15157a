package main

import "fmt"

// effectColumns are those of every table about what an experiment did.
const effectColumns = `replace(experiment, '_', ' '), replace(conversion_kind, '_', ' '), variant, CASE segment WHEN '' THEN 'everybody' ELSE segment END,
	CASE verdict WHEN 'higher' THEN 'more' WHEN 'lower' THEN 'less' ELSE replace(verdict, '_', ' ') END, customers, rate, control, control_customers, control_rate,
	difference, difference_low, difference_high, q_value, minimum_detectable_effect, homogeneity_p_value, value_difference`

// experimentOracles are the tables about experiments.
var experimentOracles = map[string]string{
	"experiments": `SELECT replace(experiment, '_', ' '), variant, customers, waiting, share, expected_share, sample_ratio_p_value, crossed_over, first_assigned_on, last_assigned_on
	FROM experiment_arms WHERE as_of = {day} ORDER BY experiment, variant`,
	"experiments-everybody": `SELECT ` + effectColumns + ` FROM experiment_results WHERE as_of = {day} AND segment = '' AND verdict <> 'control'
	ORDER BY experiment, conversion_kind, variant`,
	"quality-experiments": wayOracle("experiments"),
	"experiments-1":       effectsOracle(1), "experiments-2": effectsOracle(2),
}

// effectsOracle is the table by group of the experiment that has the place by its customers, of the kind of which most is proven.
func effectsOracle(place int) string {
	return fmt.Sprintf(`WITH
	  results AS (SELECT * FROM experiment_results WHERE as_of = {day} AND segment <> ''),
	  places AS (SELECT experiment, row_number() OVER (ORDER BY sum(customers) DESC, experiment) AS place FROM experiment_arms WHERE as_of = {day} GROUP BY 1),
	  kinds AS (SELECT experiment, conversion_kind FROM results GROUP BY 1, 2
	    QUALIFY row_number() OVER (PARTITION BY experiment ORDER BY count(*) FILTER (verdict IN ('higher', 'lower')) DESC, sum(converters) DESC NULLS LAST, conversion_kind) = 1)
	SELECT %s FROM results JOIN kinds USING (experiment, conversion_kind) JOIN places USING (experiment)
	LEFT JOIN (SELECT segment, segment_order FROM segment_definitions WHERE segmentation = 'core_segment') USING (segment)
	WHERE place = %d AND verdict <> 'control' ORDER BY segment_order NULLS LAST, segment, variant`, effectColumns, place)
}
