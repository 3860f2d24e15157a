package validation

import "segments/pipeline/validation/stats"

// RankAgreement is Kendall's tau-b of the rates of segments at two origins, over those that have customers at both: 1 says that
// they are in the same order. It is not ok with fewer than two, or where all have one rate.
func RankAgreement(now, before []Segment) (tau float64, ok bool) {
	earlier := map[string]float64{}
	for _, s := range before {
		if s.Rate != nil {
			earlier[s.Segment] = s.Rate.Value
		}
	}
	var xs, ys []float64
	for _, s := range now {
		if rate, was := earlier[s.Segment]; was && s.Rate != nil {
			xs, ys = append(xs, s.Rate.Value), append(ys, rate)
		}
	}
	return stats.KendallTauB(xs, ys)
}
