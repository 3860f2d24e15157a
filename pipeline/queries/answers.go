package queries

import (
	"fmt"
	"strings"

	"segments/pipeline/steps"
	"segments/transforms/frame"
)

// An answer is what a query gives: its columns, and a value in each where it has a row.
type answer struct {
	columns []frame.Column
	rows    []map[string]any // the values that are not the usual ones
}

// given says which columns each query gives that the job reads row by row: those of a table, or a list of its own.
// The job reads them from the recorder under these types, and the type checker holds the SQL against the same.
var given = map[string]string{
	"previous_run":  "run_events: run_id as_of",
	"generations":   "run_events: run_id as_of",
	"current_day":   "run_events: as_of",
	"runs_from":     "n INT64",
	"runs_behind":   "run_events: run_id",
	"history_state": "known_from TIMESTAMP, next_on DATE",

	"customer_history": "segment_history: true_from known_from core_segment previous_segment cause",

	"runs":          "run_events: run_id as_of state backfill started_at ended_at customers left_out message previous_run bytes_billed snapshot code_version",
	"run_checks":    "run_checks: check_name subject state detail",
	"run_rejects":   "run_rejects: source reason rows",
	"stored_models": "model_parameters: step text",

	"source_weeks_before": "source_weeks: source week used_rows amount",

	"customer_row": "customer_features:",

	"diff_sizes":              "segment_profiles: segment customers",
	"diff_parameters":         "model_parameters: step parameter value text",
	"diff_validation":         "segmentation_validation: segmentation conversion_kind auc",
	"diff_rules":              "segment_definitions: segmentation segment rule",
	"diff_moves":              "segment_transitions: cause customers",
	"run_rows":                "customer_segments:",
	"explain_segment":         "segment_definitions: segmentation segment segment_order parent rule action valid_from",
	"explain_segment_profile": "segment_profiles:",
	"explain_segment_validation": "segment_validation: segmentation conversion_kind origin horizon_days customers converters rate rate_low " +
		"rate_high lift q_value verdict merge_candidate",

	"audience_list": "as_of DATE, segmentation STRING, segment STRING, customers INT64, mailable INT64, held_out INT64, share FLOAT64, " +
		"rule STRING, action STRING",
	"audience_members":   "customer_id STRING, segmentation STRING, segment STRING, as_of DATE",
	"audience_addresses": "customer_id STRING, segmentation STRING, segment STRING, as_of DATE, email STRING, phone STRING",

	"segment_profiles":    "segment_profiles:",
	"segment_transitions": "segment_transitions:",
	"shift_counts":        "horizon_days INT64, ended INT64, from_segment STRING, to_segment STRING, customers INT64",
	"drift_features":      "generation INT64, feature STRING, bucket INT64, value STRING, customers INT64",
	"drift_segments":      "segment_profiles: as_of segmentation segment customers",
	"drift_parameters":    "model_parameters: as_of step parameter value",
	"segment_traits": "segmentation STRING, segment STRING, trait STRING, kind STRING, value STRING, customers INT64, known INT64, " +
		"everybody INT64, known_everybody INT64",

	"experiment_counts": "experiment STRING, variant STRING, segment STRING, conversion_kind STRING, customers INT64, waiting INT64, known INT64, " +
		"reconstructed INT64, first_day INT64, last_day INT64, converters INT64, value_e4 INT64, c0 INT64, c1 INT64, c2 INT64, c3 INT64, c4 INT64, " +
		"crossed_over INT64, left_out INT64",

	"attribution_credits": "conversion_kind STRING, channel STRING, segment STRING, customers INT64, first_credit INT64, last_credit INT64, " +
		"linear_credit INT64, decay_credit INT64, position_credit INT64, first_e4 INT64, last_e4 INT64, linear_e4 INT64, decay_e4 INT64, position_e4 INT64",
	"attribution_transitions": "conversion_kind STRING, from_channel STRING, to_channel STRING, converted BOOL, journeys INT64",
	"channel_touches":         "channel STRING, segment STRING, touches INT64",
	"channel_costs":           "channel STRING, currency STRING, rated BOOL, cost_e4 INT64",
	"funnel_steps": "segment STRING, dimension STRING, value STRING, furthest INT64, customers INT64, sessions_1 INT64, sessions_2 INT64, " +
		"sessions_3 INT64, sessions_4 INT64, sessions_5 INT64",

	"report_definitions": "segment_definitions: segmentation segment segment_order parent rule action valid_from",
	"report_history":     "segment_profiles: as_of segment customers share revenue_window window_days conversion_rate engagement_rate",
	"report_scores":      "r_score INT64, f_score INT64, rfm_segment STRING, customers INT64",
	"report_stages":      "core_segment STRING, journey_stage STRING, customers INT64, mailable INT64, unknown INT64",
	"report_drops":       "core_segment STRING, drops_to STRING, within_7_days INT64, within_30_days INT64",
	"report_worth": "core_segment STRING, forecast_customers INT64, horizon_days INT64, clv_revenue FLOAT64, clv_revenue_mean FLOAT64, " +
		"expected_orders_90d FLOAT64, expected_value_90d FLOAT64",
	"report_everybody": "customers INT64, revenue_per_customer FLOAT64, average_order_value FLOAT64, engagement_rate FLOAT64, conversion_rate FLOAT64, " +
		"days_since_last_order_mean FLOAT64, purchase_days_mean FLOAT64, discount_share FLOAT64, store_share FLOAT64, " +
		"repeat_rate FLOAT64, purchase_interval_days_mean FLOAT64, web_sessions_mean FLOAT64, mailable_share FLOAT64",

	"source_rows":       "source STRING, reason STRING, rows INT64, note BOOL",
	"source_weeks":      "source STRING, week INT64, span INT64, used_rows INT64, earlier_rows INT64, amount_e4 INT64, earlier_amount_e4 INT64",
	"currencies":        "currency STRING, rows INT64",
	"unmatched_refunds": "unmatched INT64, ordered INT64",
	"newest_order":      "n INT64",
	"population":        "reason STRING, rows INT64",
	"segment_sizes":     "segment STRING, customers INT64",
	"segment_outcomes": "segmentation STRING, segment STRING, conversion_kind STRING, horizon_days INT64, customers INT64, converters INT64, " +
		"value FLOAT64",
	"table_rows":   "n INT64",
	"customers":    "n INT64", // the newest day of the source
	"orders":       "n INT64",
	"web_events":   "n INT64",
	"email_events": "n INT64",
	"conversions":  "n INT64",
	"experiments":  "n INT64",
	"touchpoints":  "n INT64",
	"costs":        "n INT64",
}

// auditAnswer is that of every audit: it finds nothing.
var auditAnswer = answer{columns: []frame.Column{
	frame.String("check_name", "").Column, frame.String("column_name", "").Column, frame.Int64("bad_rows", "").Column,
}}

// answersOf returns the answers that let a run come to its end: what was read is what was used, and everybody is known.
func answersOf(tables []frame.Table, sources []string) (map[string]answer, error) {
	out := map[string]answer{}
	for query, what := range given {
		cs, err := listed(what)
		if name, columns, ok := strings.Cut(what, ":"); ok {
			cs, err = pick(tables, name, strings.Fields(columns))
		}
		if err != nil {
			return nil, fmt.Errorf("what %s gives: %w", query, err)
		}
		out[query] = answer{cs, []map[string]any{nil}}
	}
	set := func(query string, rows ...map[string]any) { out[query] = answer{out[query].columns, rows} }
	var rows []map[string]any
	for _, s := range sources {
		rows = append(rows, map[string]any{"source": s, "reason": "read"}, map[string]any{"source": s, "reason": "used"})
	}
	set("source_rows", rows...)
	set("currencies", map[string]any{"currency": "EUR"})
	set("population", map[string]any{"reason": "known"})
	set("customer_row") // of somebody unknown: the stored models are not looked for
	set("report_definitions", map[string]any{"segmentation": steps.CoreSegment()})
	for _, newest := range append(sources, "newest_order") {
		set(newest, map[string]any{"n": int64(frame.DayOf(asOf()))})
	}
	return out, nil
}

// pick returns the named columns of the table called name, or all of them.
func pick(tables []frame.Table, name string, columns []string) ([]frame.Column, error) {
	for _, t := range tables {
		if t.Name != name {
			continue
		}
		if len(columns) == 0 {
			return t.Columns, nil
		}
		out := make([]frame.Column, len(columns))
		for i, c := range columns {
			var ok bool
			if out[i], ok = t.Column(c); !ok {
				return nil, fmt.Errorf("%s has no column %s", name, c)
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("there is no table %s", name)
}

// listed returns the columns of a list such as "n INT64, name STRING".
func listed(s string) ([]frame.Column, error) {
	var out []frame.Column
	for part := range strings.SplitSeq(s, ", ") {
		name, kind, _ := strings.Cut(part, " ")
		switch kind {
		case "INT64":
			out = append(out, frame.Int64(name, "").Column)
		case "FLOAT64":
			out = append(out, frame.Float64(name, "").Column)
		case "STRING":
			out = append(out, frame.String(name, "").Column)
		case "BOOL":
			out = append(out, frame.Bool(name, "").Column)
		case "TIMESTAMP":
			out = append(out, frame.Timestamp(name, "").Column)
		case "DATE":
			out = append(out, frame.Date(name, "").Column)
		default:
			return nil, fmt.Errorf("%q is no column", part)
		}
	}
	return out, nil
}

// batch returns the rows of a. A value is 1, x, false or the day before, and a moment NULL, unless the row says otherwise.
func (a answer) batch() frame.Batch {
	data := make([]frame.Data, len(a.columns))
	for i, c := range a.columns {
		switch c.Kind {
		case frame.Int64Kind:
			data[i] = frame.Int64(c.Name, "").Array(values(a.rows, c.Name, int64(1)), nil)
		case frame.Float64Kind:
			data[i] = frame.Float64(c.Name, "").Array(values(a.rows, c.Name, 1.0), nil)
		case frame.StringKind:
			data[i] = frame.String(c.Name, "").Array(values(a.rows, c.Name, "x"), nil)
		case frame.BoolKind:
			data[i] = frame.Bool(c.Name, "").Array(values(a.rows, c.Name, false), nil)
		case frame.DateKind:
			data[i] = frame.Date(c.Name, "").Array(values(a.rows, c.Name, frame.DayOf(asOf())-1), nil)
		default:
			data[i] = frame.NullsOf(frame.Timestamp(c.Name, "").Null().Column, len(a.rows))
		}
	}
	return frame.Record(data...)
}

func values[V any](rows []map[string]any, name string, usual V) []V {
	out := make([]V, len(rows))
	for i, row := range rows {
		out[i] = usual
		if v, ok := row[name].(V); ok {
			out[i] = v
		}
	}
	return out
}
