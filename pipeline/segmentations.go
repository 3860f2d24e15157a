package pipeline

import (
	"slices"

	"segments/pipeline/validation"
	"segments/transforms/customer"
	"segments/transforms/frame"
)

// checkSegmentation is the check of each segmentation beside the gate's of the core segments.
const checkSegmentation = "segmentation"

var (
	originCustomers  = frame.Int64("customers", "Customers in any of its segments at the origin.").In("customers")
	originConverters = frame.Int64("converters", "Of those, who converted within the horizon.").In("customers")
	originRate       = frame.Float64("rate", "Converters by customers; NULL where there is nobody.").In("share").Null()
	occupied         = frame.Int64("segments", "Segments that somebody was in.").In("segments")
	differing        = frame.Int64("segments_differing", "Of those, the ones above or below the rest, by segment_validation.").In("segments")
	auc              = frame.Float64("auc", "How well the order of the segments ranks converters: the probability that the segment of one who converted "+
		"is above that of one who did not, ties counting half. One half is chance. NULL where too few converted.").Null()
	aucLow      = frame.Float64("auc_low", "Lower end of its 95 % interval (DeLong).").Null()
	aucHigh     = frame.Float64("auc_high", "Upper end of its 95 % interval (DeLong).").Null()
	gini        = frame.Float64("gini", "Twice the AUC less 1: 0 is chance, 1 perfect.").Null()
	kendall     = frame.Float64("kendall_tau", "Kendall's tau-b of the order of the segments and conversion, -1 to 1.").Null()
	information = frame.Float64("mutual_information", "What the segment tells about conversion, less what chance alone would (Miller), whatever the order "+
		"of the segments; NULL where all converted or nobody.").In("bits").Null()
	informationShare = frame.Float64("information_share", "mutual_information by all there is to tell, the entropy of conversion.").In("share").Null()
	cramersV         = frame.Float64("cramers_v", "Association of segment and conversion, 0 to 1, corrected for chance (Bergsma).").Null()
	chiSquare        = frame.Float64("chi_square", "Pearson's chi-square of segments by conversion.").Null()
	degrees          = frame.Int64("df", "Its degrees of freedom: occupied segments less 1.").Null()
	chiP             = frame.Float64("p_value", "The probability of a chi-square as large where segment and conversion have nothing to do with each other.").Null()
	rankAgreement    = frame.Float64("rank_agreement", "Kendall's tau-b of the segments' rates and their rates at the origin before, over segments "+
		"occupied at both: 1 is the same order. NULL at the oldest origin, and of segments that were found in the data.").Null()
	segmentationVerdict = frame.String("verdict", "Whether the segmentation tells who converts, by the margin that the gate asks of the core segments.").
				OneOf(string(validation.Tells), string(validation.Useless), string(validation.NotEvaluated))
	verdictReason = frame.String("reason", "Why, with the numbers.")

	segmentationValidation = frame.Table{
		Name: "segmentation_validation",
		Doc: "Each segmentation as a whole held against what happened next: how well it tells who converts, and whether it is of use. One row " +
			"for each origin, horizon and kind of conversion.",
		Key: []string{"as_of", "origin", "horizon_days", "conversion_kind", "segmentation"},
		Columns: cols(customer.AsOf, origin, horizonDays, mainHorizon, conversionKind, segmentation, originCustomers, originConverters, originRate,
			occupied, differing, auc, aucLow, aucHigh, gini, kendall, information, informationShare, cramersV, chiSquare, degrees, chiP, scoredBy, rankAgreement,
			segmentationVerdict, verdictReason),
		PartitionBy: "as_of",
	}

	mergeStep   = frame.Int64("step", "The place of the merge: the cheapest first, from 1.")
	mergeFrom   = frame.String("segment", "The segment merged, the smaller of the two, with all that was merged into it before.")
	mergeInto   = frame.String("into", "The segment it is merged into, which keeps its name.")
	mergeLeft   = frame.Int64("segments_left", "Occupied segments after the merge.").In("segments")
	mergeP      = frame.Float64("p_value", "Test of the two rates against each other; NULL where nobody of either converted, or everybody.").Null()
	mergeReason = frame.String("reason", "alike: conversions cannot tell the two apart. too_many: there are more segments than validation.max_segments.").
			OneOf("alike", "too_many")
	mergeInformation = frame.Float64("information", "What the segments tell about conversion after the merge, without a correction for chance.").In("bits")
	mergeLost        = frame.Float64("information_lost", "What the merge loses of it.").In("bits")
	mergeKept        = frame.Float64("information_kept", "What is left of what the segments told before the first merge.").In("share").Null()

	segmentMerges = frame.Table{
		Name: "segment_merges",
		Doc: "A proposal, of which nothing is done: which segments could be merged, step by step, and what information about conversions that " +
			"would lose. No rows where conversions can tell all segments apart and there are no more than validation.max_segments.",
		Key: []string{"as_of", "origin", "horizon_days", "conversion_kind", "segmentation", "step"},
		Columns: cols(customer.AsOf, origin, horizonDays, mainHorizon, conversionKind, segmentation, mergeStep, mergeFrom, mergeInto, mergeLeft, mergeP, mergeReason,
			mergeInformation, mergeLost, mergeKept),
		PartitionBy: "as_of",
	}
)

// judgeSegmentations says of each segmentation whether the conversions after the newest origin show it to be of use.
func (r *run) judgeSegmentations(all []Backtest) {
	newest := r.newest(all)
	if newest == nil {
		r.check(checkSegmentation, "all", NotEvaluated, "%s", r.noHistory())
		return
	}
	done := map[string]bool{}
	for _, s := range newest.Segmentations {
		if done[s.Segmentation] {
			continue // the kinds together come first, or the only one
		}
		done[s.Segmentation] = true
		state := map[validation.Verdict]CheckState{validation.Tells: Passed, validation.Useless: Warned, validation.NotEvaluated: NotEvaluated}
		r.check(checkSegmentation, s.Segmentation, state[s.Finding.Verdict], "%s", s.Finding.Reason)
	}
}

// results are all that was found at an origin.
func (b Backtest) results() []SegmentationResult { return slices.Concat(b.Segmentations, b.Shorter) }

// same finds what b says of what s is about; nil where it says nothing.
func (b Backtest) same(s SegmentationResult) *SegmentationResult {
	for _, o := range b.results() {
		if o.Kind == s.Kind && o.Segmentation == s.Segmentation && o.HorizonDays == s.HorizonDays {
			return &o
		}
	}
	return nil
}

// segmentationRows are the rows of segmentation_validation.
func (r *run) segmentationRows(all []Backtest) []frame.Batch {
	var out []frame.Batch
	for i, b := range all {
		for _, s := range b.results() {
			var before *SegmentationResult
			if i+1 < len(all) {
				before = all[i+1].same(s)
			}
			out = append(out, r.segmentationRow(b, s, before))
		}
	}
	return out
}

func (r *run) segmentationRow(b Backtest, s SegmentationResult, before *SegmentationResult) frame.Batch {
	differ, _ := s.Differing()
	var rate, a, low, high, g, tau, mi, share, v, chi, p, rank floats
	rate.add(s.BaseRate)
	estimate(s.AUC, &a, &low, &high)
	if s.Gini != nil {
		g.add(&s.Gini.Value)
	} else {
		g.add(nil)
	}
	tau.add(s.KendallTau)
	mi.add(s.MutualInformation)
	share.add(s.InformationShare)
	v.add(s.CramersV)
	chi.add(s.ChiSquare)
	p.add(s.PValue)
	rank.add(nil)
	if before != nil && !s.Fitted {
		rank.set(validation.RankAgreement(s.Segments, before.Segments))
	}
	cells := append(r.keyCells(b, s, 1), originCustomers.Array([]int64{s.Customers}, nil), originConverters.Array([]int64{s.Converters}, nil),
		rate.of(originRate), occupied.Array([]int64{int64(s.Occupied())}, nil), differing.Array([]int64{int64(differ)}, nil),
		a.of(auc), low.of(aucLow), high.of(aucHigh), g.of(gini), tau.of(kendall), mi.of(information), share.of(informationShare), v.of(cramersV),
		chi.of(chiSquare), degrees.Array([]int64{int64(s.DF)}, []bool{s.ChiSquare != nil}), p.of(chiP), scoredBy.Array([]string{s.scoredBy()}, nil),
		rank.of(rankAgreement), segmentationVerdict.Array([]string{string(s.Finding.Verdict)}, nil),
		verdictReason.Array([]string{s.Finding.Reason}, nil))
	return frame.Record(cells...)
}

// keyCells are the columns that n rows about s share.
func (r *run) keyCells(b Backtest, s SegmentationResult, n int) []frame.Data {
	return []frame.Data{
		customer.AsOf.Array(repeat(frame.DayOf(r.AsOf), n), nil), origin.Array(repeat(frame.DayOf(b.Origin), n), nil),
		horizonDays.Array(repeat(int64(s.HorizonDays), n), nil), mainHorizon.Array(repeat(s.HorizonDays == r.HorizonDays, n), nil),
		conversionKind.Array(repeat(s.Kind, n), nil),
		segmentation.Array(repeat(s.Segmentation, n), nil),
	}
}

func (s SegmentationResult) scoredBy() string {
	if s.ByEarlierRates {
		return "earlier_rates"
	}
	return "declared_order"
}

// mergeRows are the rows of segment_merges.
func (r *run) mergeRows(all []Backtest) []frame.Batch {
	var out []frame.Batch
	for _, b := range all {
		for _, s := range b.results() {
			if n := len(s.Merges); n > 0 {
				out = append(out, frame.Record(append(r.keyCells(b, s, n), mergeCells(s.Merges)...)...))
			}
		}
	}
	return out
}

func mergeCells(ms []validation.Merge) []frame.Data {
	n := len(ms)
	steps, left := make([]int64, n), make([]int64, n)
	from, into, why := make([]string, n), make([]string, n), repeat("too_many", n)
	bits, lost := make([]float64, n), make([]float64, n)
	var ps, kept floats
	for i, m := range ms {
		steps[i], left[i], from[i], into[i], bits[i], lost[i] = int64(i+1), int64(m.Left), m.Segment, m.Into, m.Information, m.Lost
		if m.Alike {
			why[i] = "alike"
		}
		ps.add(m.PValue)
		kept.add(m.Kept)
	}
	return []frame.Data{
		mergeStep.Array(steps, nil), mergeFrom.Array(from, nil), mergeInto.Array(into, nil), mergeLeft.Array(left, nil), ps.of(mergeP),
		mergeReason.Array(why, nil), mergeInformation.Array(bits, nil), mergeLost.Array(lost, nil), kept.of(mergeKept),
	}
}

// segmentRows are the rows of segment_validation.
func (r *run) segmentRows(all []Backtest) []frame.Batch {
	var out []frame.Batch
	for _, b := range all {
		for _, s := range b.results() {
			if len(s.Segments) > 0 {
				out = append(out, r.segmentBatch(all, b, s))
			}
		}
	}
	return out
}

func (r *run) segmentBatch(all []Backtest, b Backtest, s SegmentationResult) frame.Batch {
	n := len(s.Segments)
	names, merges, verdicts := make([]string, n), make([]string, n), make([]string, n)
	members, conv, agreeing, evaluated := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	var rates, low, high, lifts, liftsLow, liftsHigh, values, ps, qs, area, areaLow, areaHigh floats
	hasMerge := make([]bool, n)
	for i, g := range s.Segments {
		names[i], members[i], conv[i], verdicts[i] = g.Segment, g.Customers, g.Converters, string(g.Verdict)
		merges[i], hasMerge[i] = g.MergeCandidate, g.MergeCandidate != ""
		agreeing[i], evaluated[i] = stability(all, s, g)
		estimate(g.Rate, &rates, &low, &high)
		estimate(s.AUC, &area, &areaLow, &areaHigh)
		lifts.add(g.Lift)
		estimate(g.LiftRange, &floats{}, &liftsLow, &liftsHigh)
		values.add(g.ValuePerCustomer)
		ps.add(g.PValue)
		qs.add(g.QValue)
	}
	named := repeat(!s.Fitted, n)
	return frame.Record(append(r.keyCells(b, s, n), segment.Array(names, nil), customers.Array(members, nil), converters.Array(conv, nil),
		rates.of(rate), low.of(rateLow), high.of(rateHigh), lifts.of(lift), liftsLow.of(liftLow), liftsHigh.of(liftHigh), values.of(valuePer), ps.of(pValue),
		qs.of(qValue), verdict.Array(verdicts, nil), originsAgreeing.Array(agreeing, named), originsEvaluated.Array(evaluated, named),
		mergeCandidate.Array(merges, hasMerge), area.of(segmentsAUC), areaLow.of(segmentsAUCLow), areaHigh.of(segmentsAUCHigh),
		scoredBy.Array(repeat(s.scoredBy(), n), nil))...)
}

// stability counts the origins at which a segment of s was evaluated, and those with the verdict of g.
func stability(all []Backtest, s SegmentationResult, g validation.Segment) (agreeing, evaluated int64) {
	for _, b := range all {
		o := b.same(s)
		if o == nil {
			continue
		}
		for _, h := range o.Segments {
			if h.Segment != g.Segment || h.Verdict == validation.NotEvaluated {
				continue
			}
			evaluated++
			if h.Verdict == g.Verdict {
				agreeing++
			}
		}
	}
	return agreeing, evaluated
}
