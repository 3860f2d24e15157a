package pipeline

import (
	"fmt"
	"slices"

	"segments/pipeline/warehouse"
	"segments/transforms"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// Columns that several tables share.
var (
	segmentation = frame.String("segmentation", "The column of customer_segments that names the group.")
	segment      = frame.String("segment", "The group.")
	runID        = frame.String("run_id", "The run: as-of date and digest.")
	origin       = frame.Date("origin", "The day the forecast was made from: the job was fitted and scored as of it.")
	horizonDays  = frame.Int64("horizon_days", "The days after the origin in which conversions count.").In("days")
	mainHorizon  = frame.Bool("main_horizon", "Whether that is validation.horizon, which decides; the shorter ones stand beside it.")
)

// The tables that the job fills itself.
var (
	definitionOrder  = frame.Int64("segment_order", "The place in the segmentation, best first, from 1.")
	definitionParent = frame.String("parent", "The group of a coarser segmentation it lies in.").Null()
	definitionRule   = frame.String("rule", "Who is in it, in words.")
	definitionAction = frame.String("action", "What a marketer could do.").Null()
	validFrom        = frame.Date("valid_from", "The as-of date from which the definition has read like this.")

	definitions = frame.Table{
		Name: "segment_definitions", Doc: "What each segment means: rule in words and suggested action.",
		Key:     []string{"segmentation", "segment"},
		Columns: cols(segmentation, segment, definitionOrder, definitionParent, definitionRule, definitionAction, validFrom),
	}

	conversionKind  = frame.String("conversion_kind", "The kind of conversion; order where purchases are the conversions.")
	customers       = frame.Int64("customers", "Customers in the segment at the origin.").In("customers")
	converters      = frame.Int64("converters", "Of those, who converted within the horizon.").In("customers")
	rate            = frame.Float64("rate", "Converters by customers; NULL where there is nobody.").In("share").Null()
	rateLow         = frame.Float64("rate_low", "Lower end of the 95 % Wilson interval of the rate.").In("share").Null()
	rateHigh        = frame.Float64("rate_high", "Upper end of the 95 % Wilson interval of the rate.").In("share").Null()
	lift            = frame.Float64("lift", "The rate by everybody's rate.").Null()
	liftLow         = frame.Float64("lift_low", "Lower end of the 95 % interval of the lift: that of the rate by the rate of the rest (Katz, adjusted), seen against everybody.").Null()
	liftHigh        = frame.Float64("lift_high", "Upper end of it.").Null()
	valuePer        = frame.Float64("value_per_customer", "Value of the conversions within the horizon by customers.").In("money").Null()
	pValue          = frame.Float64("p_value", "Test of the rate against that of all others.").Null()
	qValue          = frame.Float64("q_value", "The p value after Benjamini and Hochberg over the segmentation.").Null()
	verdict         = frame.String("verdict", "What the conversions say about the segment: above or below the rest, not_proven, too_few, or not_evaluated.")
	originsAgreeing = frame.Int64("origins_agreeing", "Origins with this verdict on the segment, this one included. NULL of segments that were found in the data: those of "+
		"another origin are others.").In("origins").Null()
	originsEvaluated = frame.Int64("origins_evaluated", "Origins at which there was a verdict on the segment other than not_evaluated. NULL as origins_agreeing is.").In("origins").Null()
	mergeCandidate   = frame.String("merge_candidate", "A neighboring segment that conversions cannot tell it from.").Null()
	segmentsAUC      = frame.Float64("segmentation_auc", "How well the order of the segments ranks converters: area under the ROC curve, the same in all rows of the segmentation.").Null()
	segmentsAUCLow   = frame.Float64("segmentation_auc_low", "Lower end of its 95 % interval (DeLong).").Null()
	segmentsAUCHigh  = frame.Float64("segmentation_auc_high", "Upper end of its 95 % interval (DeLong).").Null()
	scoredBy         = frame.String("scored_by", "What ordered the segments for the AUC: their rates at an earlier origin, or their declared order.").OneOf("earlier_rates", "declared_order")

	segmentValidation = frame.Table{
		Name: "segment_validation",
		Doc: "Segments held against what happened next: the job fitted as of the origin, against the conversions of the horizon. " +
			"Where history is too short, there are no rows and run_checks says so.",
		Key: []string{"as_of", "origin", "horizon_days", "conversion_kind", "segmentation", "segment"},
		Columns: cols(customer.AsOf, origin, horizonDays, mainHorizon, conversionKind, segmentation, segment, customers, converters, rate, rateLow,
			rateHigh, lift, liftLow, liftHigh, valuePer, pValue, qValue, verdict, originsAgreeing, originsEvaluated,
			mergeCandidate, segmentsAUC, segmentsAUCLow, segmentsAUCHigh, scoredBy),
		PartitionBy: "as_of",
	}

	model     = frame.String("model", "The forecast: the model's name, or the naive one it must beat (repeat_last_period, cohort_mean, rf_cell_mean).")
	metric    = frame.String("metric", "What is measured: mean_orders (by bin), total_orders, poisson_deviance, total_bias, gini, and the same of value where it is forecast.")
	bin       = frame.Int64("bin", "1 to 10 by predicted value, lowest first; 0 for a figure over all customers.")
	binCount  = frame.Int64("customers", "Customers in the bin.").In("customers")
	predicted = frame.Float64("predicted", "The forecast; NULL where the metric is no forecast.").Null()
	actual    = frame.Float64("actual", "What happened, or the metric's value; NULL where it is not defined.").Null()

	modelValidation = frame.Table{
		Name: "model_validation",
		Doc:  "Forecasts of purchases held against what happened, with the naive forecasts beside them.",
		Key:  []string{"as_of", "origin", "horizon_days", "model", "metric", "bin"},
		Columns: cols(customer.AsOf, origin, horizonDays, model, metric, bin, binCount,
			predicted, actual),
		PartitionBy: "as_of",
	}

	step      = frame.String("step", "The transform.")
	parameter = frame.String("parameter", "What was learned; `model` is the stored model as JSON, `status` how the fit ended.")
	value     = frame.Float64("value", "The number learned; NULL where it is text.").Null()
	text      = frame.String("text", "The text; NULL where it is a number.").Null()

	modelParameters = frame.Table{
		Name:        "model_parameters",
		Doc:         "What each transform learned: enough to score again without fitting.",
		Key:         []string{"as_of", "step", "parameter"},
		Columns:     cols(customer.AsOf, step, parameter, value, text),
		PartitionBy: "as_of",
	}

	checkName    = frame.String("check_name", "What was checked.")
	checkSubject = frame.String("subject", "The table, source, segmentation or step it is about.")
	checkState   = frame.String("state", "How it went; failed forbids to publish, accepted would if nobody had accepted it.").OneOf("passed", "warned", "failed", "accepted", "not_evaluated")
	checkDetail  = frame.String("detail", "What was seen, in words and numbers.")

	runChecks = frame.Table{
		Name: "run_checks", Doc: "The audits and verdicts of each run.",
		Key:         []string{"run_id", "check_name", "subject"},
		Columns:     cols(runID, checkName, checkSubject, checkState, checkDetail),
		PartitionBy: "run_id",
	}

	rejectSource = frame.String("source", "The source; `customers_known` for people left out of segmentation.")
	rejectReason = frame.String("reason", "read and used count the rows of the source; every other reason says why rows, or people, were left out.")
	rejectRows   = frame.Int64("rows", "Rows of the source, or people.").In("rows")

	runRejects = frame.Table{
		Name: "run_rejects", Doc: "The way of every row and every customer of a run: what was read, used, merged, put aside, and why.",
		Key:         []string{"run_id", "source", "reason"},
		Columns:     cols(runID, rejectSource, rejectReason, rejectRows),
		PartitionBy: "run_id",
	}
)

// cols returns the columns of declared ones.
func cols(cs ...interface{ Decl() frame.Column }) []frame.Column {
	out := make([]frame.Column, len(cs))
	for i, c := range cs {
		out[i] = c.Decl()
	}
	return out
}

// customerSegments is the wide table: what each step gives to it, the last step's first, then the moments.
func (j *Job) customerSegments() frame.Table {
	t := frame.Table{
		Name: "customer_segments",
		Doc: "One row a customer: core segment, RFM segment, life cycle, engagement, intent, journey stage, value tier and cluster, " +
			"since when, and when silence alone would demote.",
		Key:         []string{"as_of", "customer_id"},
		Columns:     cols(customer.AsOf, customer.ID),
		PartitionBy: "as_of",
		ClusterBy:   []string{"customer_id"},
	}
	for _, s := range slices.Backward(j.Steps) {
		t.Columns = append(t.Columns, s.Wide...)
	}
	t.Columns = append(t.Columns, cols(customer.HotLeadAt, customer.CartAbandonedAt, customer.LastOrderOn, customer.MonetaryTotal, customer.ConsentEmail)...)
	return t
}

// stepTable is the table of s's own outputs; ok is false where it has none.
func stepTable(s Step, sig transforms.Signature) (frame.Table, bool) {
	return frame.Table{
		Name: s.Table, Doc: s.Doc, Key: []string{"as_of", "customer_id"},
		Columns:     append(cols(customer.AsOf, customer.ID), sig.Outputs...),
		PartitionBy: "as_of", ClusterBy: []string{"customer_id"},
	}, s.Table != ""
}

// learnedTable is t as it is published: dated.
func learnedTable(t frame.Table) frame.Table {
	t.Key = append([]string{"as_of"}, t.Key...)
	t.Columns = append(cols(customer.AsOf), t.Columns...)
	t.PartitionBy = "as_of"
	return t
}

// Tables lists every table that the job publishes, the ledger included, in the order of the documentation.
func (j *Job) Tables() ([]frame.Table, error) {
	sigs, err := j.signatures()
	if err != nil {
		return nil, err
	}
	out := []frame.Table{j.customerSegments(), customer.Features}
	for i, s := range j.Steps {
		if t, ok := stepTable(s, sigs[i]); ok {
			out = append(out, t)
		}
	}
	out = append(out, definitions, segmentProfiles, segmentTraits, segmentTransitions, segmentHistory, segmentShifts, segmentShiftValidation,
		driftTable, segmentValidation, segmentationValidation, segmentMerges, experimentResults, experimentArms, attributionTable,
		channelReturns, segmentFunnel, modelValidation, modelParameters)
	for _, sig := range sigs {
		for _, t := range sig.Learned {
			out = append(out, learnedTable(t))
		}
	}
	out = append(out, sourceWeeks, warehouse.Runs, runChecks, runRejects)
	seen := map[string]bool{}
	for _, t := range out {
		if seen[t.Name] {
			return nil, fmt.Errorf("table %s is declared twice", t.Name)
		}
		seen[t.Name] = true
	}
	return out, nil
}
