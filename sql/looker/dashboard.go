package looker

import "strings"

// A tile is one chart of the dashboard, 24 columns wide at most. Fields, Pivots and Sorts are lists with commas; a field
// without a view is of the explore's.
type tile struct {
	Title, Note, Explore, Type string
	Fields, Pivots, Sorts      string
	Filters                    []filter
	Limit                      string
	Width, Height              int
	All                        bool // whether the tile has all segmentations, rather than the one that is picked above
}

// A section is a question with the tiles that answer it.
type section struct {
	Question, Help string
	Tiles          []tile
}

const (
	customersNow  = "customer_segments_current"
	profilesNow   = "segment_profiles_current"
	traitsNow     = "segment_traits_current"
	movementsNow  = "segment_transitions_current"
	validationNow = "segment_validation_current"
	forecastsNow  = "model_validation_current"
	shiftsNow     = "segment_shifts_current"
	resultsNow    = "experiment_results_current"
	creditsNow    = "attribution_current"
	returnsNow    = "channel_returns_current"
	funnelNow     = "segment_funnel_current"
)

// sections are the dashboard, in the order of the report.
var sections = []section{
	{"Can I trust this?", "The newest run, and what came of it.", []tile{
		{
			Title: "Newest run", Explore: "runs", Type: "looker_grid", Limit: "1", Width: 16, Height: 4, All: true,
			Fields: "as_of_date, state, message, customers, left_out, ended_time", Sorts: "ended_time desc", Filters: []filter{{"backfill", "No"}},
		},
		{Title: "Customers", Explore: customersNow, Type: "single_value", Fields: "total_customers", Width: 4, Height: 4, All: true},
		{Title: "Revenue so far", Explore: customersNow, Type: "single_value", Fields: "total_revenue", Width: 4, Height: 4, All: true},
	}},
	{"Who are my customers?", "The groups of the newest published day.", []tile{
		{
			Title: "Share of customers by segment", Explore: profilesNow, Type: "looker_bar", Width: 12, Height: 8,
			Fields: "segment, total_share", Sorts: "total_share desc",
		},
		{
			Title: "Revenue by segment", Explore: profilesNow, Type: "looker_bar", Width: 12, Height: 8,
			Fields: "segment, total_revenue", Sorts: "total_revenue desc",
		},
		{
			Title: "Life cycle by value tier", Explore: customersNow, Type: "looker_column", Width: 12, Height: 8, All: true,
			Fields: "life_cycle, value_tier, total_customers", Pivots: "value_tier", Sorts: "life_cycle",
		},
		{
			Title: "Journey stage by engagement", Explore: customersNow, Type: "looker_column", Width: 12, Height: 8, All: true,
			Fields: "journey_stage, engagement, total_customers", Pivots: "engagement", Sorts: "journey_stage",
		},
	}},
	{"What is each group like, and what could I do?", "Rules and actions in words. Groups too small to be described have their size alone.", []tile{{
		Title: "Segments", Explore: profilesNow, Type: "looker_grid", Width: 24, Height: 10,
		Fields: "segment_definitions.segment_order, segment, customers, share, sets_apart, segment_definitions.rule, segment_definitions.action, " +
			"average_order_value, conversion_rate, engagement_rate, retention_90d, growth",
		Sorts: "segment_definitions.segment_order",
	}}},
	{"What sets them apart?", "Attributes and habits that a test found more or less common than with all others.", []tile{{
		Title: "Proven differences", Explore: traitsNow, Type: "looker_grid", Limit: "100", Width: 24, Height: 10,
		Fields:  "segment_definitions.segment_order, segment, kind, trait, value, customers, share, share_everybody, lift, verdict",
		Filters: []filter{{"verdict", "-not^_proven"}}, Sorts: "segment_definitions.segment_order, lift desc",
	}}},
	{"Do they convert differently?", "What members did after the day they were segmented on. not_proven: chance may explain the difference.", []tile{
		{
			Title: "Conversion rate by segment", Note: "All origins together.", Explore: validationNow, Type: "looker_bar", Width: 10, Height: 10,
			Fields: "segment, conversion_kind, conversion_rate", Pivots: "conversion_kind", Sorts: "conversion_kind, conversion_rate desc 0",
		},
		{
			Title: "Verdicts", Explore: validationNow, Type: "looker_grid", Width: 14, Height: 10,
			Fields: "origin_date, conversion_kind, segment, customers, converters, rate, rate_low, rate_high, lift, q_value, verdict, merge_candidate",
			Sorts:  "origin_date desc, rate desc",
		},
	}},
	{"What worked for whom?", "Variants of experiments held against their control, by the segment of before the assignment.", []tile{{
		Title: "Experiments", Explore: resultsNow, Type: "looker_grid", Limit: "200", Width: 24, Height: 8, All: true,
		Fields: "experiment, conversion_kind, variant, segment, customers, rate, control_rate, difference, difference_low, difference_high, q_value, " +
			"minimum_detectable_effect, verdict",
		Sorts: "experiment, conversion_kind, variant, segment",
	}}},
	{"Which channels bring it, and at what price?", "Observed, not caused: an experiment proves what a channel does.", []tile{
		{
			Title: "Conversions by channel", Note: "By the model that gives 40 % to the first touch, 40 % to the last and 20 % to those between.", Explore: creditsNow,
			Type: "looker_bar", Width: 12, Height: 8, All: true, Fields: "channel, conversion_kind, total_conversions", Pivots: "conversion_kind",
			Filters: []filter{{"model", "position"}, {"segment", "EMPTY"}}, Sorts: "conversion_kind, total_conversions desc 0",
		},
		{
			Title: "Cost and return", Explore: returnsNow, Type: "looker_grid", Width: 12, Height: 8, All: true,
			Fields:  "channel, cost, touches, conversions, acquisitions, value, cost_per_conversion, cost_per_acquisition, return_on_spend",
			Filters: []filter{{"segment", "EMPTY"}}, Sorts: "cost desc",
		},
	}},
	{"Where do they drop off?", "Sessions on the web, from the first page to the purchase.", []tile{
		{
			Title: "Sessions by step", Explore: funnelNow, Type: "looker_column", Width: 12, Height: 8, All: true,
			Fields: "step_order, step, total_sessions", Filters: []filter{{"dimension", "all"}, {"segment", "EMPTY"}}, Sorts: "step_order",
		},
		{
			Title: "Steps by segment", Explore: funnelNow, Type: "looker_grid", Width: 12, Height: 8, All: true, Limit: "100",
			Fields:  "segment, step_order, step, sessions, share_of_first, share_of_before",
			Filters: []filter{{"dimension", "all"}, {"segment", "-EMPTY"}}, Sorts: "segment, step_order",
		},
	}},
	{"What are they worth?", "Forecasts for customers who have bought; none where a naive forecast was as good.", []tile{
		{
			Title: "Mean CLV by core segment", Explore: customersNow, Type: "looker_bar", Width: 12, Height: 8, All: true,
			Fields: "core_segment, customer_clv_current.mean_clv", Sorts: "customer_clv_current.mean_clv desc",
		},
		{
			Title: "Value expected in 90 days by value tier", Explore: customersNow, Type: "looker_bar", Width: 12, Height: 8, All: true,
			Fields: "value_tier, customer_clv_current.total_expected_value_90d", Sorts: "customer_clv_current.total_expected_value_90d desc",
		},
	}},
	{"Who moved?", "Since the run before; empty after the first run.", []tile{
		{
			Title: "Movements", Explore: movementsNow, Type: "looker_grid", Limit: "20", Width: 16, Height: 8,
			Fields:  "from_segment, to_segment, cause, total_moved, total_value",
			Filters: []filter{{"cause", "-none"}}, Sorts: "total_moved desc",
		},
		{
			Title: "Dropping within 30 days of silence", Explore: customersNow, Type: "looker_bar", Width: 8, Height: 8, All: true,
			Fields: "rfm_segment, total_dropping_30d", Sorts: "total_dropping_30d desc",
		},
	}},
	{"Where are they going?", "Sizes expected in 30, 60 and 90 days, if customers go on moving as they did.", []tile{{
		Title: "Expected customers", Explore: shiftsNow, Type: "looker_grid", Width: 24, Height: 8, All: true,
		Fields: "to_segment, horizon_days, total_expected_customers", Pivots: "horizon_days", Sorts: "horizon_days, to_segment",
	}}},
	{"Are the forecasts right?", "Forecasts from an earlier day against what happened, with the naive ones they must beat.", []tile{
		{
			Title: "Orders by customer: forecast and actual, by tenth of the forecast", Explore: forecastsNow, Type: "looker_column", Width: 12, Height: 8,
			Fields: "bin, model, mean_predicted, mean_actual", Pivots: "model", Sorts: "model, bin", All: true,
			Filters: []filter{{"metric", "mean^_orders"}},
		},
		{
			Title: "Measures of the forecasts", Explore: forecastsNow, Type: "looker_grid", Width: 12, Height: 8, All: true,
			Fields: "metric, model, mean_predicted, mean_actual", Filters: []filter{{"bin", "0"}}, Sorts: "metric, model",
		},
	}},
	{"How is it going?", "The published days of the last 90.", []tile{
		{
			Title: "Customers by segment", Explore: "segment_profiles", Type: "looker_line", Width: 12, Height: 8,
			Fields: "as_of_date, segment, total_customers", Pivots: "segment", Sorts: "segment, as_of_date",
		},
		{
			Title: "Conversion rate by segment", Explore: "segment_profiles", Type: "looker_line", Width: 12, Height: 8,
			Note:   "Share with a purchase in the last window_days: it looks back.",
			Fields: "as_of_date, segment, mean_conversion_rate", Pivots: "segment", Sorts: "segment, as_of_date",
		},
	}},
	{"How good are the data?", "Of every run, newest first.", []tile{
		{
			Title: "Checks that did not pass", Explore: "run_checks", Type: "looker_grid", Limit: "50", Width: 12, Height: 8, All: true,
			Fields:  "runs.ended_time, check_name, subject, state, detail",
			Filters: []filter{{"state", "-passed"}}, Sorts: "runs.ended_time desc, state",
		},
		{
			Title: "Rows and people left out", Explore: "run_rejects", Type: "looker_grid", Limit: "50", Width: 12, Height: 8, All: true,
			Fields: "runs.ended_time, source, reason, total_rows", Sorts: "runs.ended_time desc, source, total_rows desc",
		},
		{
			Title: "Runs", Explore: "runs", Type: "looker_grid", Limit: "20", Width: 24, Height: 8, All: true,
			Fields: "as_of_date, run_id, state, backfill, customers, left_out, started_time, ended_time, code_version, message", Sorts: "ended_time desc",
		},
	}},
}

// full returns the fields of a list by their full names: those without a view are of the tile's explore.
func (t tile) full(list string) []string {
	if list == "" {
		return nil
	}
	return mapSlice(strings.Split(list, ", "), func(f string) string {
		if strings.Contains(f, ".") {
			return f
		}
		return t.Explore + "." + f
	})
}

// dashboard returns the LookML dashboard, which is YAML.
func dashboard() string {
	w := &lookml{}
	w.line("- dashboard: customer_segments")
	w.depth++
	w.line("title: Customer segments")
	w.line("description: %s", yamlString("Who the customers are, what they are worth, and whether the segments hold, by the newest published run."))
	w.line("layout: newspaper")
	w.line("preferred_viewer: dashboards-next")
	w.line("filters:")
	w.line("- name: Segmentation")
	w.depth++
	w.line("title: Segmentation")
	w.line("type: field_filter")
	w.line("default_value: %s", yamlString("core^_segment"))
	w.line("allow_multiple_values: false")
	w.line("required: true")
	w.line("model: segments")
	w.line("explore: %s", profilesNow)
	w.line("field: %s.segmentation", profilesNow)
	w.depth--
	w.line("elements:")
	row := 0
	for _, s := range sections {
		w.line("- name: %s", yamlString(s.Question))
		w.depth++
		w.line("type: text")
		w.line("title_text: %s", yamlString(s.Question))
		w.line("subtitle_text: %s", yamlString(s.Help))
		w.place(row, 0, 24, 2)
		w.depth--
		row += 2
		col, tallest := 0, 0
		for _, t := range s.Tiles {
			if col+t.Width > 24 {
				row, col, tallest = row+tallest, 0, 0
			}
			w.tile(s.Question, t)
			w.place(row, col, t.Width, t.Height)
			w.depth--
			col, tallest = col+t.Width, max(tallest, t.Height)
		}
		row += tallest
	}
	return w.String()
}

// tile writes t, but for its place; its name says which question it answers, since a dashboard has each name once.
func (w *lookml) tile(question string, t tile) {
	list := func(param, in string) {
		if in != "" {
			w.line("%s: [%s]", param, strings.Join(t.full(in), ", "))
		}
	}
	w.line("- name: %s", yamlString(question+" "+t.Title))
	w.depth++
	w.line("title: %s", yamlString(t.Title))
	if t.Note != "" {
		w.line("note_text: %s", yamlString(t.Note))
		w.line("note_display: hover")
	}
	w.line("model: segments")
	w.line("explore: %s", t.Explore)
	w.line("type: %s", t.Type)
	list("fields", t.Fields)
	list("pivots", t.Pivots)
	list("sorts", t.Sorts)
	if len(t.Filters) > 0 {
		w.line("filters:")
		for _, f := range t.Filters {
			w.line("  %s: %s", t.full(f.Field)[0], yamlString(f.Value))
		}
	}
	if !t.All {
		w.line("listen:")
		w.line("  Segmentation: %s.segmentation", t.Explore)
	}
	if t.Limit != "" {
		w.line("limit: %s", t.Limit)
	}
}

func (w *lookml) place(row, col, width, height int) {
	w.line("row: %d", row)
	w.line("col: %d", col)
	w.line("width: %d", width)
	w.line("height: %d", height)
}
