package report

import (
	"cmp"
	"slices"
	"strings"
)

var provenancePanel = panel{id: "provenance", question: "How was it made?", build: buildProvenance}

// buildProvenance says which run this is, what it learned, and what the measures mean.
func buildProvenance(d *data) (*section, error) {
	run := d.provenanceRun()
	s := &section{
		Title: say("This is run {}, of the program's version {}", run.Rows[0][1], run.Rows[2][1]), Tone: neutral, Tables: []*table{run},
		Notes: []string{"The same sources, configuration and version give the same tables again, to the byte: the digest stands for all of them."},
	}
	for _, t := range []*table{d.provenanceModels(), d.provenanceCuts(), d.provenanceThresholds(), d.provenanceMeasures()} {
		if len(t.Rows) > 0 {
			s.Tables = append(s.Tables, t)
		}
	}
	if models := s.Tables[1:]; len(models) > 0 && models[0].ID == "provenance-models" {
		s.Lead = d.provenanceLead(models[0])
	}
	return s, nil
}

// The lines of the ledger that the report shows, and what they are called.
var ledgerLines = []struct{ column, title string }{
	{"previous_run", "Builds on run"},
	{"started_at", "Began"},
	{"ended_at", "Ended"},
	{"snapshot", "Sources as of"},
	{"customers", "Customers segmented"},
	{"left_out", "Customers left out"},
	{"bytes_billed", "Bytes billed"},
	{"digest", "Digest"},
	{"message", "Headline"},
}

// provenanceRun is what is known of the run itself, of the ledger where the run is in it.
func (d *data) provenanceRun() *table {
	t := &table{
		ID: "provenance-run", Caption: "The run", From: "run_events", Key: 1,
		Columns: []column{
			{Name: "item", Title: "What", Format: formatText, Doc: "What is known of the run."},
			{Name: "value", Title: "Value", Format: formatText, Doc: "As the ledger has it; times are in UTC."},
		},
	}
	t.add("", "Run", d.Run.ID)
	t.add("", "As of", d.day())
	t.add("", "Version", d.Run.CodeVersion)
	t.add("", "State", string(d.Run.State))
	if d.Run.Why != "" {
		t.add("", "Why", d.Run.Why)
	}
	var event record
	for _, e := range where(d.rows("run_events"), "run_id", d.Run.ID) {
		if e.text("ended_at") > event.text("ended_at") {
			event = e
		}
	}
	for _, l := range ledgerLines {
		if v := event[l.column]; v != nil {
			c := t.add("", l.title, v)
			if _, ok := c[1].number(); ok {
				c[1].Format = formatCount
			}
		}
	}
	return t
}

// provenanceModels are the parameters that were learned, without the stored models.
func (d *data) provenanceModels() *table {
	t := &table{
		ID: "provenance-models", Caption: "What was learned", From: "model_parameters", Key: 2,
		Columns: []column{
			d.shows("model_parameters", "step", "Step", formatText), d.shows("model_parameters", "parameter", "Parameter", formatText),
			{Name: "value", Title: "Value", Format: formatRate, Doc: "The number or the text that was learned; status is how the fit ended."},
		},
	}
	rows := slices.DeleteFunc(slices.Clone(d.rows("model_parameters")), func(r record) bool { return r.text("parameter") == "model" })
	status := func(r record) int {
		if r.text("parameter") == "status" {
			return 0
		}
		return 1
	}
	slices.SortFunc(rows, func(a, b record) int {
		return cmp.Or(strings.Compare(a.text("step"), b.text("step")), cmp.Compare(status(a), status(b)), strings.Compare(a.text("parameter"), b.text("parameter")))
	})
	for _, r := range rows {
		v := r["value"]
		if v == nil {
			v = r["text"]
		}
		t.add("", r["step"], r["parameter"], v)
	}
	return t
}

// provenanceLead names the steps whose fit ended otherwise than well, and what the run warned of.
func (d *data) provenanceLead(models *table) []sentence {
	var lead []sentence
	for _, r := range models.Rows {
		if r[1].Value == "status" && r[2].Value != "ok" {
			lead = append(lead, stopped(say("{}: {}", stepIn(r[0]), inFitWords(r[2]))))
		}
	}
	for _, c := range d.checks(runWarnings) {
		lead = append(lead, warning(&cell{Value: c["subject"]}, &cell{Value: c["detail"]}))
	}
	if len(lead) == 0 {
		return []sentence{say("Every step was fitted as it should be.")}
	}
	return append([]sentence{say("Not every step was fitted without reservations:")}, lead...)
}

// provenanceCuts are the classes that scores and tiers stand for.
func (d *data) provenanceCuts() *table {
	of := func(name, title string, f format) column { return d.shows("rfm_cuts", name, title, f) }
	t := &table{
		ID: "provenance-cuts", Caption: "The classes of scores and value tiers", From: "rfm_cuts", Key: 2,
		Columns: []column{
			of("measure", "Measure", formatText), of("label", "Class", formatText), of("above", "Above", formatMoney), of("up_to", "At most", formatMoney),
			of("unit", "Unit", formatText), of("source", "Source", formatText), of("learned_on", "Learned on", formatDate), of("buyers", "From buyers", formatCount),
		},
	}
	rows := slices.SortedFunc(slices.Values(d.rows("rfm_cuts")), func(a, b record) int {
		return cmp.Or(strings.Compare(a.text("measure"), b.text("measure")), strings.Compare(a.text("label"), b.text("label")))
	})
	for _, r := range rows {
		t.add("", r.values(t.names()...)...)
	}
	return t
}

// provenanceThresholds are those of the life cycle.
func (d *data) provenanceThresholds() *table {
	t := &table{
		ID: "provenance-thresholds", Caption: "The thresholds of the life cycle", From: "behavior_thresholds", Key: 1,
		Columns: []column{
			d.shows("behavior_thresholds", "measure", "Threshold", formatText), d.shows("behavior_thresholds", "value", "Value", formatMoney),
			d.shows("behavior_thresholds", "learned_on", "Learned on", formatDate),
		},
	}
	for _, r := range slices.SortedFunc(slices.Values(d.rows("behavior_thresholds")), func(a, b record) int {
		return strings.Compare(a.text("measure"), b.text("measure"))
	}) {
		row := t.add("", r.values("measure", "value", "learned_on")...)
		if r.text("measure") == "lapse_days" {
			row[1].Format = formatDays
		} else {
			row[1].Unit = d.Currency
		}
	}
	return t
}

// defined are the tables whose measures the report explains.
var defined = []string{"segment_profiles", "segment_validation", "model_validation", "customer_clv"}

// provenanceMeasures says what the measures in the report mean, as the warehouse does.
func (d *data) provenanceMeasures() *table {
	t := &table{
		ID: "provenance-measures", Caption: "What the measures mean", From: "the declarations of the published tables", Key: 2,
		Columns: []column{
			{Name: "table", Title: "Table", Format: formatText, Doc: "The published table."},
			{Name: "column", Title: "Measure", Format: formatText, Doc: "The column."},
			{Name: "unit", Title: "Unit", Format: formatText, Doc: "Its unit, where it has one."},
			{Name: "meaning", Title: "Meaning", Format: formatText, Doc: "What it means."},
		},
	}
	for _, name := range defined {
		for _, declared := range d.Declared {
			if declared.Name != name {
				continue
			}
			for _, c := range declared.Columns {
				if c.Unit == "" {
					continue
				}
				t.add("", name, c.Name, c.Unit, c.Doc)
			}
		}
	}
	return t
}
