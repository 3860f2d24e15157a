package looker

// What this file says no declaration of a table does: which tables belong together, what of a column may be added up,
// and which questions people come with. That all of it fits the declarations is checked by cmd/segments/looker_test.go.

// ledger is the table of all events of runs; its view runs has the latest of each run.
const ledger = "run_events"

// A measure is a number that Looker computes of a group of rows.
type measure struct {
	Name, Type, Format, SQL, Doc string
	Filters                      []filter
}

// A filter narrows a query to rows whose Field is as Value says, in Looker's words for filters.
type filter struct{ Field, Value string }

// An explore is a view to begin questions at, with what can be asked along with it.
type explore struct {
	View, Label, Doc string
	Always           []filter // a filter of this field is always there; this is its value at first
	Joins            []join
}

type join struct{ View, Label, Relationship, On string }

// daily returns a measure of tables that hold all of their rows anew for each day, where a sum over days would count
// everybody once a day: it is the mean of the days.
func daily(name, format, sum, doc string) measure {
	return measure{
		Name: name, Type: "number", Format: format, SQL: sum + " / NULLIF(COUNT(DISTINCT ${as_of_raw}), 0)",
		Doc: doc + " Over several days, the mean of the days.",
	}
}

// weighted returns the mean of a share over groups, by their customers.
func weighted(share, doc string) measure {
	return measure{
		Name: "mean_" + share, Type: "number", Format: "percent_1",
		SQL: "SUM(${" + share + "} * ${customers}) / NULLIF(SUM(CASE WHEN ${" + share + "} IS NOT NULL THEN ${customers} END), 0)",
		Doc: doc + " Groups count by their customers; groups without the figure do not.",
	}
}

// total returns the sum of column, for tables whose rows of several days do not overlap.
func total(column, format, doc string) measure {
	return measure{Name: "total_" + column, Type: "sum", Format: format, SQL: "${" + column + "}", Doc: doc}
}

// mean returns the mean of column over rows.
func mean(column, name, format, doc string) measure {
	return measure{Name: "mean_" + name, Type: "average", Format: format, SQL: "${" + column + "}", Doc: doc}
}

// count returns the number of rows whose state is as given; of all rows where none is.
func count(name, state, doc string) measure {
	m := measure{Name: "total_" + name, Type: "count", Format: "decimal_0", Doc: doc}
	if state != "" {
		m.Filters = []filter{{"state", state}}
	}
	return m
}

// measures are what Looker computes of the columns, by table.
var measures = map[string][]measure{
	"customer_segments": {
		daily("total_customers", "decimal_0", "COUNT(${customer_id})", "Customers."),
		daily("total_revenue", "decimal_2", "SUM(${monetary_total})", "Net revenue so far of the customers."),
		mean("monetary_total", "revenue", "decimal_2", "Net revenue so far by customers."),
		daily("total_buyers", "decimal_0", "COUNT(${last_order_raw})", "Customers who have ever bought."),
		daily("total_with_consent", "decimal_0", "COUNT(CASE WHEN ${consent_email} = 'yes' THEN 1 END)", "Customers who agreed to e-mail."),
		daily("total_hot_leads", "decimal_0", "COUNT(${hot_lead_raw})", "Customers who looked at many products within a day."),
		daily("total_carts_abandoned", "decimal_0", "COUNT(${cart_abandoned_raw})", "Customers who left a cart without buying."),
		daily("total_dropping_30d", "decimal_0", "COUNT(CASE WHEN ${drops_raw} <= DATE_ADD(${as_of_raw}, INTERVAL 30 DAY) THEN 1 END)",
			"Customers whom 30 days of silence move to another RFM segment."),
	},
	"customer_features": {
		daily("total_orders", "decimal_0", "SUM(${orders})", "Purchases so far of the customers."),
		mean("orders", "orders", "decimal_2", "Purchases so far by customers."),
		mean("days_since_last_order", "days_since_last_order", "decimal_1", "Mean recency of the buyers."),
		mean("discount_share", "discount_share", "percent_1", "Mean share of purchases made at a discount, of those of whom it is known."),
	},
	"customer_clv": {
		daily("total_clv", "decimal_2", "SUM(${clv_revenue})", "Expected revenue within the horizon, discounted, of the customers with a forecast."),
		mean("clv_revenue", "clv", "decimal_2", "Mean CLV: expected revenue within the horizon, discounted, by customers with a forecast."),
		daily("total_expected_orders_90d", "decimal_1", "SUM(${expected_orders_90d})", "Orders expected in the 90 days after the as-of day."),
		daily("total_expected_value_90d", "decimal_2", "SUM(${expected_value_90d})", "Value expected of the orders of those 90 days."),
		mean("p_purchase_90d", "p_purchase_90d", "percent_1", "Mean probability of an order in the 90 days after the as-of day."),
	},
	"segment_profiles": {
		daily("total_customers", "decimal_0", "SUM(${customers})", "Customers; sensible within one segmentation."),
		daily("total_share", "percent_1", "SUM(${share})", "Share of the customers of the segmentation; sensible within one."),
		daily("total_revenue", "decimal_2", "SUM(${revenue_total})", "Net revenue so far, without that of small groups; sensible within one segmentation."),
		daily("total_revenue_window", "decimal_2", "SUM(${revenue_window})",
			"Net revenue of the last window_days, without that of small groups; sensible within one segmentation."),
		weighted("conversion_rate", "Share with a purchase in the last window_days."),
		weighted("engagement_rate", "Share with a click or an engaged session in the behavior window."),
	},
	"segment_traits": {
		daily("total_customers", "decimal_0", "SUM(${customers})", "Customers with the value; sensible within one segmentation and trait."),
		{
			Name: "mean_share", Type: "number", Format: "percent_1", SQL: "SUM(${customers}) / NULLIF(SUM(${known}), 0)",
			Doc: "Customers with the value by those of whom the trait is known; sensible within one segmentation, trait and value.",
		},
		mean("lift", "lift", "decimal_2", "Mean of the lifts: the share by everybody's share."),
	},
	"segment_transitions": {
		total("customers", "decimal_0", "Customers, those who stayed included; sensible within one segmentation."),
		{
			Name: "total_moved", Type: "sum", Format: "decimal_0", SQL: "${customers}", Filters: []filter{{"cause", "-none"}},
			Doc: "Customers who came, left or changed the segment; sensible within one segmentation.",
		},
		total("value", "decimal_2", "What they spent within the last validation horizon; sensible within one segmentation."),
	},
	"segment_validation": {
		total("customers", "decimal_0", "Customers at the origins; sensible within one segmentation and kind."),
		total("converters", "decimal_0", "Of those, who converted; sensible within one segmentation and kind."),
		{
			Name: "conversion_rate", Type: "number", Format: "percent_1", SQL: "SUM(${converters}) / NULLIF(SUM(${customers}), 0)",
			Doc: "Converters by customers, all origins together; sensible within one segmentation and kind.",
		},
		mean("lift", "lift", "decimal_2", "Mean of the lifts of the origins: the rate by everybody's rate."),
	},
	"segmentation_validation": {
		mean("auc", "auc", "decimal_3", "Mean AUC of the origins; sensible within one segmentation and kind."),
		mean("cramers_v", "cramers_v", "decimal_3", "Mean of Cramer's V of the origins; sensible within one segmentation and kind."),
		mean("information_share", "information_share", "percent_1",
			"Mean share of what there is to tell that the segments tell; sensible within one segmentation and kind."),
	},
	"segment_merges": {
		mean("information_kept", "information_kept", "percent_1", "Mean of what is left of the information; sensible within one step."),
	},
	"segment_history": {
		{Name: "total_changes", Type: "count", Format: "decimal_0", Doc: "Changes that became known."},
		{Name: "total_customers", Type: "count_distinct", Format: "decimal_0", SQL: "${customer_id}", Doc: "Customers with a change."},
	},
	"segment_shifts": {
		daily("total_expected_customers", "decimal_0", "SUM(${expected_customers})", "Customers expected; sensible within one horizon."),
		daily("total_customers", "decimal_0", "SUM(${customers})", "Customers who went that way; sensible within one horizon."),
	},
	"segment_shift_validation": {
		mean("error", "error", "percent_1", "Mean share of customers that the forecast sizes put in the wrong segment; sensible within one horizon."),
		mean("naive_error", "naive_error", "percent_1", "The same of the forecast that the sizes stay."),
	},
	"drift": {
		count("watched", "", "What is watched."),
		count("warned", "warned", "Of that, what has moved beyond its threshold."),
		mean("psi", "psi", "decimal_3", "Mean population stability index."),
	},
	"experiment_results": {
		daily("total_customers", "decimal_0", "SUM(${customers})", "Customers whose horizon is over; sensible within one experiment, kind and segment."),
		daily("total_converters", "decimal_0", "SUM(${converters})", "Of those, who converted; sensible within one experiment, kind and segment."),
		mean("difference", "difference", "percent_1", "Mean of the differences to the control; sensible within one experiment, kind and segment."),
	},
	"experiment_arms": {
		daily("total_customers", "decimal_0", "SUM(${customers})", "Customers whose horizon is over; sensible within one experiment."),
		daily("total_waiting", "decimal_0", "SUM(${waiting})", "Customers whose horizon is not over; sensible within one experiment."),
	},
	"attribution": {
		daily("total_conversions", "decimal_1", "SUM(${conversions})",
			"Conversions; sensible within one model and kind, and with the rows of all segments together or without them."),
		daily("total_value", "decimal_2", "SUM(${value})", "Value of the conversions; sensible likewise."),
		daily("total_touches", "decimal_0", "SUM(${touches})", "Touches; sensible likewise."),
	},
	"channel_returns": {
		daily("total_cost", "decimal_2", "SUM(${cost})", "What was spent; sensible with the rows of all segments together or without them."),
		daily("total_value", "decimal_2", "SUM(${value})", "Value of the purchases; sensible likewise."),
		{
			Name: "return_on_spend_of_all", Type: "number", Format: "decimal_2", SQL: "SUM(${value}) / NULLIF(SUM(${cost}), 0)",
			Doc: "Value by cost; sensible likewise.",
		},
	},
	"segment_funnel": {
		daily("total_sessions", "decimal_0", "SUM(${sessions})",
			"Sessions that came to the step; sensible within one dimension, and with the rows of all segments together or without them."),
	},
	"source_weeks": {
		daily("total_used_rows", "decimal_0", "SUM(${used_rows})", "Rows used; sensible within one source."),
		daily("total_amount", "decimal_2", "SUM(${amount})", "Amounts of the orders before refunds."),
	},
	"model_validation": {
		mean("predicted", "predicted", "decimal_4", "Mean forecast of the origins; sensible within one metric and model."),
		mean("actual", "actual", "decimal_4", "Mean of what happened; sensible within one metric and model."),
	},
	ledger: {
		count("events", "", "Lines of the ledger; of the view runs, runs."),
		count("published", "PUBLISHED", "Those that published."),
		count("rejected", "REJECTED", "Those that an audit or the gate rejected."),
		total("bytes_billed", "decimal_0", "What the warehouse billed for."),
	},
	"run_checks": {
		count("checks", "", "Checks."),
		count("warned", "warned", "Checks that warned."),
		count("failed", "failed", "Checks that failed."),
	},
	"run_rejects": {
		total("rows", "decimal_0", "Rows, or people; sensible within one source and reason."),
	},
}

// explores are where questions begin: what is true now, then how it came to be, then the evidence.
var explores = []explore{
	{
		View: "customer_segments_current", Label: "Customers", Doc: "The customers of the newest published day, with all that is known and forecast of each.",
		Joins: append(
			ofCustomers("customer_features_current", "customer_rfm_current", "customer_clv_current", "customer_clusters_current"),
			meaning("'core_segment'", "${customer_segments_current.core_segment}"),
		),
	},
	{
		View: "segment_profiles_current", Label: "Segments", Doc: "What each segment is like on the newest published day, and what it means.",
		Always: []filter{{"segment_profiles_current.segmentation", "core^_segment"}},
		Joins:  []join{meaning("${segment_profiles_current.segmentation}", "${segment_profiles_current.segment}")},
	},
	{
		View: "segment_traits_current", Label: "What sets segments apart", Doc: "How common attributes and habits are in each segment, and whether that is proven.",
		Always: []filter{{"segment_traits_current.segmentation", "core^_segment"}},
		Joins:  []join{meaning("${segment_traits_current.segmentation}", "${segment_traits_current.segment}")},
	},
	{
		View: "segment_transitions_current", Label: "Movements", Doc: "Who moved between segments on the newest published day, and why.",
		Always: []filter{{"segment_transitions_current.segmentation", "core^_segment"}},
	},
	{
		View: "segment_validation_current", Label: "Do segments convert differently?", Doc: "Segments held against what their members did next.",
		Always: []filter{{"segment_validation_current.segmentation", "core^_segment"}, {"segment_validation_current.main_horizon", "Yes"}},
		Joins:  []join{meaning("${segment_validation_current.segmentation}", "${segment_validation_current.segment}")},
	},
	{
		View: "segmentation_validation_current", Label: "Which segmentations are of use?", Doc: "Each segmentation as a whole held against what customers did next.",
		Always: []filter{{"segmentation_validation_current.main_horizon", "Yes"}},
	},
	{
		View: "segment_merges_current", Label: "Which segments could be merged?",
		Doc:    "A proposal: which segments conversions cannot tell apart, and what a merge would lose.",
		Always: []filter{{"segment_merges_current.segmentation", "core^_segment"}, {"segment_merges_current.main_horizon", "Yes"}},
	},
	{
		View: "segment_shifts_current", Label: "Where are customers going?",
		Doc: "How customers moved between core segments within 30, 60 and 90 days, and how many are expected to.",
	},
	{View: "segment_shift_validation_current", Label: "Are expected sizes right?", Doc: "Foreseen sizes of core segments held against those that came."},
	{View: "experiment_results_current", Label: "Experiments", Doc: "What variants did, for all customers and by segment, with intervals and a verdict."},
	{View: "experiment_arms_current", Label: "Experiments: who takes part", Doc: "Customers by variant, and whether they were shared out as expected."},
	{
		View: "attribution_current", Label: "Channels", Doc: "Which channels conversions came through, by six models. Observed, not caused.",
		Always: []filter{{"attribution_current.model", "position"}, {"attribution_current.segment", "EMPTY"}},
	},
	{
		View: "channel_returns_current", Label: "What channels cost and bring", Doc: "Cost, conversions and value by channel and segment.",
		Always: []filter{{"channel_returns_current.segment", "EMPTY"}},
	},
	{
		View: "segment_funnel_current", Label: "Funnel", Doc: "How far sessions come on the way to a purchase, by segment, channel and landing page.",
		Always: []filter{{"segment_funnel_current.dimension", "all"}, {"segment_funnel_current.segment", "EMPTY"}},
	},
	{View: "segment_history", Label: "History of customers", Doc: "Who was in which core segment, from when on it was true and from when on it was known."},
	{View: "drift_current", Label: "Drift", Doc: "What has moved since earlier runs: features, segments, cuts, parameters."},
	{View: "source_weeks_current", Label: "Rows of the sources by week", Doc: "What the newest run used of each source."},
	{View: "model_validation_current", Label: "Are forecasts right?", Doc: "Forecasts of purchases held against what happened, with naive ones beside them."},
	daybyday("customer_segments", "Customers, day by day", "Every published day of every customer."),
	daybyday("segment_profiles", "Segments, day by day", "What each segment was like on every published day."),
	daybyday("segment_traits", "What sets segments apart, day by day", "How common attributes and habits were in each segment on every published day."),
	daybyday("segment_transitions", "Movements, day by day", "Who moved between segments on every published day, and why."),
	daybyday("segment_validation", "Do segments convert differently? Day by day", "Segments held against what their members did next, by every run."),
	daybyday("model_validation", "Are forecasts right? Day by day", "Forecasts held against what happened, by every run."),
	{View: "runs", Label: "Runs", Doc: "What became of each run."},
	{View: "run_checks", Label: "Checks", Doc: "The audits and verdicts of each run.", Joins: []join{ofRun("run_checks")}},
	{View: "run_rejects", Label: "Rows and people left out", Doc: "The way of every row and every customer of a run.", Joins: []join{ofRun("run_rejects")}},
	{View: "rfm_cuts_current", Label: "RFM cuts", Doc: "The borders of scores and value tiers."},
	{View: "behavior_thresholds_current", Label: "Life-cycle thresholds", Doc: "The thresholds of the life cycle that were learned."},
	{View: "cluster_candidates_current", Label: "Cluster candidates", Doc: "The numbers of clusters that were tried."},
	{View: "model_parameters_current", Label: "Model parameters", Doc: "What each transform learned."},
	{View: ledger, Label: "Ledger", Doc: "Every line of the ledger: runs has the latest of each run."},
}

// ofCustomers joins views that have a row for each customer and day.
func ofCustomers(views ...string) []join {
	out := make([]join, len(views))
	for i, v := range views {
		out[i] = join{
			View: v, Relationship: "one_to_one",
			On: "${" + v + ".as_of_raw} = ${customer_segments_current.as_of_raw} AND ${" + v + ".customer_id} = ${customer_segments_current.customer_id}",
		}
	}
	return out
}

// meaning joins what the segment called segment means.
func meaning(segmentation, segment string) join {
	return join{
		View: "segment_definitions", Relationship: "many_to_one",
		On: "${segment_definitions.segmentation} = " + segmentation + " AND ${segment_definitions.segment} = " + segment,
	}
}

// ofRun joins the run that a row of view is about.
func ofRun(view string) join {
	return join{View: "runs", Relationship: "many_to_one", On: "${runs.run_id} = ${" + view + ".run_id}"}
}

// daybyday returns the explore of a table that holds every day: to ask it without days would read all of it.
func daybyday(table, label, doc string) explore {
	e := explore{View: table, Label: label, Doc: doc, Always: []filter{{table + ".as_of_date", "90 days"}}}
	if table != "customer_segments" && table != "model_validation" {
		e.Always = append(e.Always, filter{table + ".segmentation", "core^_segment"})
	}
	if table == "segment_validation" {
		e.Always = append(e.Always, filter{table + ".main_horizon", "Yes"})
	}
	return e
}
