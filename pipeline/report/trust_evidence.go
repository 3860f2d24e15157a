package report

import (
	"slices"
	"strings"
	"time"
)

// runTable says which run this is.
func (d *data) runTable() *table {
	t := &table{ID: "trust-run", Caption: "The run", From: "runs", Key: 1, Columns: []column{
		{Name: "run_id", Title: "Run", Format: formatText},
		{Name: "as_of", Title: "As of", Format: formatDate, Doc: "The day at whose end everything in this report was true."},
		{Name: "state", Title: "State", Format: formatText},
		{Name: "ended_on", Title: "Made on", Format: formatDate},
		{Name: "age", Title: "Days between", Format: formatDays, Doc: "From the day that the report is about to the day on which the run was made."},
		{Name: "why", Title: "Why it was not published", Format: formatText},
	}}
	var ended, age, why any
	if !d.Run.EndedAt.IsZero() {
		day := d.Run.EndedAt.UTC().Truncate(24 * time.Hour)
		ended, age = day.Format(time.DateOnly), int64(max(0, day.Sub(d.Run.AsOf).Hours()/24))
	}
	if d.Run.Why != "" {
		why = d.Run.Why
	}
	t.add("", d.Run.ID, d.day(), string(d.Run.State), ended, age, why)
	return t
}

// checkTables count the checks by how they went, and list those that did not pass, failed ones first.
func (d *data) checkTables() (counts, troubles *table) {
	counts = &table{ID: "trust-checks", Caption: "Checks of the run", From: "run_checks", Columns: []column{
		{Name: checkPassed, Title: "Passed", Format: formatCount},
		{Name: checkWarned, Title: "Warned", Format: formatCount, Doc: "Odd, but no reason not to publish."},
		{Name: checkFailed, Title: "Failed", Format: formatCount, Doc: "One is enough to publish nothing."},
		{Name: checkNotEvaluated, Title: "Not evaluated", Format: formatCount, Doc: "There was too little to judge by."},
		{Name: checkAccepted, Title: "Accepted", Format: formatCount, Doc: "They failed, and whoever ran the job accepted that."},
	}}
	troubles = &table{ID: "trust-troubles", Caption: "Checks that did not pass", From: "run_checks", Key: 2, Columns: []column{
		d.shows("run_checks", "check_name", "Check", formatText),
		d.shows("run_checks", "subject", "About", formatText),
		d.shows("run_checks", "state", "State", formatText),
		d.shows("run_checks", "detail", "What was seen", formatText),
	}}
	n := map[string]int64{}
	rows := d.query("run_checks", map[string]string{"run_checks": "run_checks"})
	for _, r := range rows {
		n[r.text("state")]++
		if r.text("state") != checkPassed {
			troubles.add("", r.values("check_name", "subject", "state", "detail")...)
		}
	}
	if len(rows) == 0 { // nothing is known: dashes, not zeros
		counts.add("", nil, nil, nil, nil, nil)
		return counts, troubles
	}
	counts.add("", n[checkPassed], n[checkWarned], n[checkFailed], n[checkNotEvaluated], n[checkAccepted])
	return counts, troubles
}

// outcomes are the rows of segment_validation for a segmentation at the newest origin: of any conversion where they are
// told apart, else of orders, else of the only or first kind there is.
func (d *data) outcomes(segmentation string) []record {
	rows := longest(where(d.rows("segment_validation"), "segmentation", segmentation))
	kinds := distinct(rows, "conversion_kind")
	if len(kinds) == 0 {
		return nil
	}
	kind := kinds[0]
	for _, k := range []string{"order", "any"} {
		if slices.Contains(kinds, k) {
			kind = k
		}
	}
	rows = where(rows, "conversion_kind", kind)
	return d.byOrder(segmentation, "segment", where(rows, "origin", newest(rows)))
}

// orderTable says how well the order of the groups ranks who converted; nil where that was not evaluated.
func (d *data) orderTable() *table {
	rows := d.outcomes(d.CoreSegment)
	if len(rows) == 0 {
		return nil
	}
	if _, ok := rows[0].number("segmentation_auc"); !ok {
		return nil
	}
	var people, converters, groups, differ, inThem int64
	for _, r := range rows {
		n, _ := r.number("customers")
		c, _ := r.number("converters")
		people, converters = people+int64(n), converters+int64(c)
		if n == 0 {
			continue
		}
		groups++
		if v := r.text("verdict"); v == "above" || v == "below" {
			differ++
			inThem += int64(n)
		}
	}
	t := &table{ID: "trust-order", Caption: "The groups held against what happened next", From: "segment_validation", Key: 1, Columns: []column{
		d.shows("segment_validation", "conversion_kind", "Conversion", formatText),
		d.shows("segment_validation", "origin", "Groups as of", formatDate),
		d.shows("segment_validation", "horizon_days", "Days after", formatDays),
		{Name: "customers", Title: "Customers", Format: formatCount, Doc: "Everybody on that day."},
		{Name: "converters", Title: "Converted", Format: formatCount, Doc: "Of those, who converted within the days after."},
		d.shows("segment_validation", "segmentation_auc", "AUC", formatRate),
		{Name: "segmentation_auc_low", Title: "from", Format: formatRate, Doc: "Lower end of its 95 % interval."},
		{Name: "segmentation_auc_high", Title: "to", Format: formatRate, Doc: "Upper end of its 95 % interval."},
		{Name: "groups", Title: "Groups", Format: formatCount, Doc: "Groups that anybody was in on that day."},
		{Name: "differ", Title: "Proven to differ", Format: formatCount, Doc: "Of those, groups whose rate is proven to lie above or below that of the others."},
		{Name: "share", Title: "People in these", Format: formatShare, Doc: "Share of the customers who were in groups that are proven to differ."},
	}}
	r := rows[0]
	t.add("", r["conversion_kind"], r["origin"], r["horizon_days"], people, converters,
		r["segmentation_auc"], r["segmentation_auc_low"], r["segmentation_auc_high"], groups, differ, ratio(inThem, people))
	return t
}

// peopleSource stands in run_rejects for people instead of rows.
const peopleSource = "customers_known"

// peopleTable says who is known and not in the report; nil where nobody counted.
func (d *data) peopleTable() *table {
	rows := where(d.query("run_rejects", map[string]string{"run_rejects": "run_rejects"}), "source", peopleSource)
	known := find(rows, "reason", "read")["rows"]
	if known == nil {
		return nil
	}
	t := &table{ID: "trust-people", Caption: "People known, and what became of them", From: "run_rejects", Key: 1, Columns: []column{
		{Name: "reason", Title: "What became of them", Format: formatText, Doc: "read: known. used: in the groups. Else, why they were left out."},
		d.shows("run_rejects", "rows", "People", formatCount),
		{Name: "share", Title: "Share", Format: formatShare, Doc: "Of all people known."},
	}}
	for _, r := range rows {
		t.add("", r["reason"], r["rows"], ratio(r["rows"], known))
	}
	return t
}

// rowsTable has the rows of the sources that count for nobody, or not at all, by reason; nil where there are none.
func (d *data) rowsTable() *table {
	t := &table{ID: "trust-rows", Caption: "Rows that were put aside", From: "run_rejects", Key: 2, Columns: []column{
		d.shows("run_rejects", "source", "Source", formatText),
		d.shows("run_rejects", "reason", "Why", formatText),
		d.shows("run_rejects", "rows", "Rows", formatCount),
		{Name: "share", Title: "Share", Format: formatShare, Doc: "Of the rows that were read."},
	}}
	all := d.query("run_rejects", map[string]string{"run_rejects": "run_rejects"})
	for _, r := range all {
		if r.text("source") == peopleSource || !aside(r.text("reason")) {
			continue
		}
		read := find(where(all, "source", r.text("source")), "reason", "read")
		t.add("", r["source"], r["reason"], r["rows"], ratio(r["rows"], read["rows"]))
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

// forecastTable has the forecasts as far as they were held against naive ones; nil where there are none.
func (d *data) forecastTable() *table {
	t := &table{ID: "trust-forecast", Caption: "Forecasts held against what came", From: "run_checks, model_validation", Key: 1, Columns: []column{
		{Name: "forecast", Title: "Forecast", Format: formatText},
		{Name: "state", Title: "Against naive forecasts", Format: formatText, Doc: "passed: better. warned: withheld, or far off in all."},
		{Name: "origin", Title: "Forecast of", Format: formatDate, Doc: "The day it was made from."},
		{Name: "total_bias", Title: "Off in all", Format: formatDelta, Doc: "All that was forecast by all that came, less one."},
		{Name: "detail", Title: "What was seen", Format: formatText},
	}}
	mine := own(d.forecasts())
	mine = where(mine, "origin", newest(mine))
	for _, c := range d.checks(forecastChecks) {
		what := c.text("subject")
		for _, kind := range []string{"orders", "value"} {
			if strings.HasSuffix(what, " "+kind) {
				what = kind
			}
		}
		bias := find(mine, "metric", "total_bias_"+what)
		t.add("", what, c["state"], bias["origin"], bias["actual"], c["detail"])
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}
