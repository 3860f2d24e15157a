package pipeline

import (
	"segments/pipeline/experiment"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

var (
	experimentName = frame.String("experiment", "The experiment; holdout is the always-on one.")
	variantName    = frame.String("variant", "The variant.")
	controlName    = frame.String("control", "The variant that the others are held against.")
	experimentKind = frame.String("conversion_kind", "The kind of conversion; order where purchases are meant.")
	experimentDays = frame.Int64("horizon_days", "The days after the assignment in which conversions count.").In("days")
	segmentBefore  = frame.String("segment", "The core segment before the assignment; empty for all customers, those without one included.")

	armCustomers = frame.Int64("customers", "Customers whose horizon is over.").In("customers")
	armKnown     = frame.Int64("segment_known", "Of those, whose segment a run had published before the assignment.").In("customers")
	armRebuilt   = frame.Int64("segment_reconstructed", "Of those, whose segment was found out later, from nothing newer than the day before the "+
		"assignment. The others had none yet.").In("customers")
	armConverters = frame.Int64("converters", "Of the customers, who converted within the horizon; NULL where they are fewer than privacy.min_group.").
			In("customers").Null()
	armRate     = frame.Float64("rate", "Converters by customers; NULL where customers are fewer than privacy.min_group.").In("share").Null()
	armRateLow  = frame.Float64("rate_low", "Lower end of the 95 % Wilson interval of the rate.").In("share").Null()
	armRateHigh = frame.Float64("rate_high", "Upper end of the 95 % Wilson interval of the rate.").In("share").Null()

	controlCustomers  = frame.Int64("control_customers", "Customers of the control in the same segment; NULL for the control itself.").In("customers").Null()
	controlConverters = frame.Int64("control_converters", "Of those, who converted within the horizon.").In("customers").Null()
	controlRate       = frame.Float64("control_rate", "Their rate.").In("share").Null()
	difference        = frame.Float64("difference", "rate less control_rate; NULL where there is nothing to compare.").In("share").Null()
	differenceLow     = frame.Float64("difference_low", "Lower end of the 95 % interval of the difference (Newcombe).").In("share").Null()
	differenceHigh    = frame.Float64("difference_high", "Upper end of the 95 % interval of the difference (Newcombe).").In("share").Null()
	armLift           = frame.Float64("lift", "rate by control_rate, with a half added to each count.").Null()
	armLiftLow        = frame.Float64("lift_low", "Lower end of the 95 % interval of the lift.").Null()
	armLiftHigh       = frame.Float64("lift_high", "Upper end of the 95 % interval of the lift.").Null()
	armP              = frame.Float64("p_value", "Test of the two rates: z, or Fisher's exact test where fewer than five are expected.").Null()
	armQ              = frame.Float64("q_value", "The p value after Benjamini and Hochberg: over the segments and variants of the experiment and "+
		"kind, or, for all customers, over its variants.").Null()
	detectable = frame.Float64("minimum_detectable_effect", "The least rise above control_rate that so many customers would have shown with a "+
		"probability of 80 %: what is smaller was not to be seen.").In("share").Null()

	armValue        = frame.Float64("value_per_customer", "Value of the conversions within the horizon by customers.").In("money").Null()
	controlValue    = frame.Float64("control_value_per_customer", "The same of the control.").In("money").Null()
	valueDifference = frame.Float64("value_difference", "value_per_customer less that of the control; NULL also where no values differ.").
			In("money").Null()
	valueDifferenceLow  = frame.Float64("value_difference_low", "Lower end of its 95 % interval (Welch).").In("money").Null()
	valueDifferenceHigh = frame.Float64("value_difference_high", "Upper end of its 95 % interval (Welch).").In("money").Null()
	homogeneityP        = frame.Float64("homogeneity_p_value", "For all customers: test of whether the difference is the same in all segments "+
		"(Cochran's Q); NULL for segments, and with fewer than two that are large enough.").Null()
	armVerdict = frame.String("verdict", "What the experiment proves: a rate higher or lower than the control's, where q_value is at most 0.05; "+
		"not_proven; too_few, where one of the two has fewer customers than privacy.min_group; not_evaluated, where nothing could be compared; "+
		"control for the control itself.").
		OneOf(string(experiment.Higher), string(experiment.Lower), string(experiment.NotProven), string(experiment.TooFew),
			string(experiment.NotEvaluated), string(experiment.IsControl))

	experimentResults = frame.Table{
		Name: "experiment_results",
		Doc: "What the variants of each experiment did, for all customers and by the core segment of before the assignment: rates with " +
			"intervals, differences to the control, value. Only customers whose horizon is over count.",
		Key: []string{"as_of", "experiment", "conversion_kind", "variant", "segment"},
		Columns: cols(customer.AsOf, experimentName, experimentKind, variantName, segmentBefore, controlName, experimentDays,
			armCustomers, armKnown, armRebuilt, armConverters, armRate, armRateLow, armRateHigh, controlCustomers, controlConverters, controlRate,
			difference, differenceLow, differenceHigh, armLift, armLiftLow, armLiftHigh, armP, armQ, detectable,
			armValue, controlValue, valueDifference, valueDifferenceLow, valueDifferenceHigh, homogeneityP, armVerdict),
		PartitionBy: "as_of",
	}

	isControl     = frame.Bool("is_control", "Whether the others are held against it.")
	armWaiting    = frame.Int64("waiting", "Customers whose horizon is not over: what they did so far counts nowhere.").In("customers")
	armShare      = frame.Float64("share", "customers and waiting, by those of all variants.").In("share").Null()
	expectedShare = frame.Float64("expected_share", "The share it should have: experiments.expected, or the same for all variants; NULL for "+
		"the always-on holdout, which is drawn by hash.").In("share").Null()
	ratioP = frame.Float64("sample_ratio_p_value", "Test of whether the customers were shared out as expected (chi-square), the same in all rows "+
		"of the experiment: below 0.001 the results are not to be trusted.").Null()
	crossedOver = frame.Int64("crossed_over", "Customers who were given several variants, and are in none; the same in all rows of the experiment.").
			In("customers")
	armLeftOut = frame.Int64("left_out", "Customers who object to profiling or are deleted, and are in no variant; the same in all rows of the experiment.").
			In("customers")
	firstAssigned = frame.Date("first_assigned_on", "The first day of an assignment.")
	lastAssigned  = frame.Date("last_assigned_on", "The last day of an assignment, up to the as-of day.")

	experimentArms = frame.Table{
		Name: "experiment_arms",
		Doc:  "Who takes part in each experiment, by variant: how many, how many still wait, and whether they were shared out as expected.",
		Key:  []string{"as_of", "experiment", "variant"},
		Columns: cols(customer.AsOf, experimentName, variantName, isControl, armCustomers, armWaiting, armShare, expectedShare, ratioP, crossedOver,
			armLeftOut, firstAssigned, lastAssigned),
		PartitionBy: "as_of",
	}
)
