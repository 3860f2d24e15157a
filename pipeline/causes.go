package pipeline

import (
	"context"
	"slices"

	"segments/pipeline/warehouse"
	"segments/sql"
	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// Why somebody is in another core segment than in the previous generation: the last input that changed the label, when one
// after the other is changed from what it was then to what it is now. Everybody who moved has one cause, so causes add up.
//
// What the warehouse holds while a run finds them is a few rows for each customer who moved; the program holds batches.
const (
	causeNone      = "none"
	causeNew       = "new"
	causeConsent   = "consent"
	causeIdentity  = "identity"
	causeRule      = "rule changed"
	causeCut       = "cut moved"
	causeSilence   = "silence"
	causeCorrected = "corrected"
	causePurchase  = "purchase"
	causeActivity  = "activity"
	causeRestated  = "restated" // of the history alone
)

// causeDoc says what the causes mean.
const causeDoc = "Why: the last of these inputs that changed the segment, when they are changed one after the other. " +
	"rule changed: the segment map, or the program. cut moved: cut points, bands or windows. silence: time passed and nothing else happened. " +
	"corrected: what the sources say of the days up to the previous run: late, lost or corrected rows. purchase: bought, or got money back. " +
	"activity: web or e-mail. new: not known before. consent: refused profiling or was deleted, or no longer so. identity: no source knows the id " +
	"any more."

var causes = []string{
	causeNew, causeConsent, causeIdentity, causeRule, causeCut, causeSilence, causeCorrected, causePurchase, causeActivity,
}

// Staged tables on the way to the causes.
var (
	variant = frame.String("variant", "Which inputs are those of today: see cause_inputs.")

	moversTable = frame.Table{
		Name: "segment_movers", Key: []string{"customer_id"},
		Columns: cols(customer.ID, frame.Bool("was_there", ""), frame.Bool("is_there", ""), moveFrom, moveTo),
	}
	causesTable = frame.Table{
		Name: "segment_causes", Key: []string{"customer_id"},
		Columns: cols(customer.ID, moveFrom, moveTo, frame.String("cause", "").OneOf(causes...)),
	}
	labelsTable = frame.Table{Key: []string{"customer_id", "variant"}, Columns: cols(customer.ID, variant, segment.Null())}
)

// causes stages why each customer is in another core segment than in the previous generation: the relation segment_causes.
// previous and now are the relations of who is where.
func (r *run) causes(ctx context.Context, c *chain, features warehouse.Ref, previous, now sql.Relation) (sql.Relation, error) {
	d := r.Warehouse.Dialect()
	none := sql.Empty(causesTable, d)
	core, ok := frame.Table{Columns: c.outputs()}.Column(r.CoreSegment)
	published, before, err := r.Warehouse.Published(ctx, customer.Features)
	if err != nil || !ok || !before || r.prev.runID == "" {
		return none, err
	}
	ctx = r.step(ctx, "find causes")
	params := r.params(r.AsOf)
	params["previous_as_of"], params["elapsed_days"] = frame.DayOf(r.prev.asOf), int64(frame.DayOf(r.AsOf)-frame.DayOf(r.prev.asOf))
	q, err := r.resolve(moversTable.Name, params, []sql.Relation{previous, now})
	if err != nil {
		return none, err
	}
	movers, err := r.Warehouse.Materialize(ctx, moversTable, q)
	if err != nil || movers.Rows == 0 {
		return none, err
	}
	then, err := r.coreInputsOf(ctx, r.prev.asOf, "_movers", only(movers, r.relations())...)
	if err != nil {
		return none, err
	}
	ctx = r.step(ctx, "score causes")
	m, err := r.modelsMoved(ctx, c, core)
	if err != nil {
		return none, err
	}
	leftOut, err := r.leftOutThen(ctx)
	if err != nil {
		return none, err
	}
	params["cut_moved"], params["hybrid"], params["left_out_then"] = m.cut, m.hybrid != nil, leftOut
	have := append(r.relations(), movers.As("movers"), then.As("core_inputs"), features.As("customer_features"),
		published.As("previous_features").Where(d, "as_of", "previous_as_of").Pick(d, causeColumns(c, core)...))

	scored, ruled, err := r.scoreVariants(ctx, c, m.hybrid, core, params, have)
	if err != nil {
		return none, err
	}
	q, err = r.resolve(causesTable.Name, params, append(have, scored, ruled))
	if err != nil {
		return none, err
	}
	ref, err := r.Warehouse.Materialize(ctx, causesTable, q)
	return ref.As(causesTable.Name), err
}

// only returns the inputs among have, restricted to the customers of movers.
func only(movers warehouse.Ref, have []sql.Relation) []sql.Relation {
	inputs := []string{"orders", "late_lines", "refunds"}
	for _, name := range []string{"customers", "web_events", "email_events", "conversions"} {
		inputs = append(inputs, sql.Canonical(name).Name)
	}
	var out []sql.Relation
	for _, h := range have {
		if slices.Contains(inputs, h.Name) {
			out = append(out, sql.Relation{
				Name:   h.Name,
				Select: "SELECT * FROM (" + h.Select + ") AS t WHERE customer_id IN (SELECT customer_id FROM " + movers.Name + ")",
			})
		}
	}
	return out
}

// causeColumns are what variants are made of: the columns of core_inputs, and what else the chain c needs.
func causeColumns(c *chain, core frame.Column) []frame.Column {
	_, needed := c.needs(core)
	out := slices.Clone(coreInputsTable.Columns)
	for _, col := range needed {
		if !has(out, col.Name) {
			out = append(out, col)
		}
	}
	return out
}

// scoreVariants labels the variants of the inputs: by the chain c, and by hybrid, of which there may be none.
func (r *run) scoreVariants(
	ctx context.Context, c, hybrid *chain, core frame.Column, params map[string]any, have []sql.Relation,
) (scored, ruled sql.Relation, err error) {
	t := frame.Table{Name: "cause_inputs", Key: []string{"customer_id", "variant"}, Columns: append(cols(variant), causeColumns(c, core)...)}
	q, err := r.resolve(t.Name, params, have)
	if err != nil {
		return scored, ruled, err
	}
	inputs, err := r.Warehouse.Materialize(ctx, t, q)
	if err != nil {
		return scored, ruled, err
	}
	label := func(c *chain, name string) (sql.Relation, error) {
		t := labelsTable
		t.Name = name
		ref, err := r.stageLabels(ctx, t, c.stream(ctx, r.Warehouse, inputs, append(cols(customer.ID, variant), core)))
		return ref.As(name), err
	}
	if scored, err = label(c, "cause_labels"); err != nil {
		return scored, ruled, err
	}
	if hybrid == nil {
		rules := labelsTable
		rules.Name = "rule_labels"
		return scored, sql.Empty(rules, r.Warehouse.Dialect()), nil
	}
	ruled, err = label(hybrid, "rule_labels")
	return scored, ruled, err
}

// modelsMoved is what has become of the models behind the core segment since the previous generation.
type modelsMoved struct {
	cut    bool   // cuts have moved
	hybrid *chain // where rules have changed too: today's rules with the cuts of the previous generation
}

func (r *run) modelsMoved(ctx context.Context, c *chain, core frame.Column) (modelsMoved, error) {
	var m modelsMoved
	steps, _ := c.needs(core)
	rule := false
	for _, i := range steps {
		report := c.models[i].Report()
		m.cut, rule = m.cut || report.CutMoved, rule || report.RuleChanged
	}
	if !rule && m.cut {
		return m, nil
	}
	before, _, err := r.storedModels(ctx, r.prev)
	if err != nil {
		return m, err
	}
	hybrid := *c
	hybrid.models = slices.Clone(c.models)
	for _, i := range steps {
		old := before[c.steps[i].Name]
		m.cut = m.cut || old == nil // learned anew
		if re, ok := c.models[i].(transforms.Recutter); ok && old != nil {
			if recut := re.Recut(old); recut != nil {
				hybrid.models[i] = recut
			}
		}
	}
	if rule && m.cut {
		m.hybrid = &hybrid
	}
	return m, nil
}

// leftOutThen says whether the previous run left anybody out because they had refused, or had been deleted.
func (r *run) leftOutThen(ctx context.Context) (bool, error) {
	for b, err := range r.Rejects(ctx, r.prev.runID) {
		if err != nil {
			return false, err
		}
		for i := range int(b.NumRows()) {
			source, reason := rejectSource.Of(b).Value(i), rejectReason.Of(b).Value(i)
			if source == populationSource && (reason == "consent" || reason == "deleted") && rejectRows.Of(b).Value(i) > 0 {
				return true, nil
			}
		}
	}
	return false, nil
}
