package stats

// A TwoByTwo is who converted among the customers of two sides, such as a variant and its control.
type TwoByTwo struct {
	Converters1, Customers1 int64
	Converters2, Customers2 int64
}

// Homogeneity tests whether the difference of the two sides' rates is the same in all strata, such as segments: Cochran's Q,
// the sum of squared distances of the strata's differences from their mean, both weighted by the inverse variance, against
// chi-square with one degree of freedom less than strata (Cochran, "The Combination of Estimates from Different
// Experiments", Biometrics 10, 1954; for risk differences DerSimonian & Laird, "Meta-Analysis in Clinical Trials", Controlled
// Clinical Trials 7, 1986). Variances are those of the rates with a half added to converters and others, so that a stratum
// in which nobody converted has no infinite weight.
//
// Strata of which one side expects fewer than [MinExpected] converters or others, both sides taken together, are left out. It is
// not ok where fewer than two remain.
func Homogeneity(strata []TwoByTwo) (t Test, ok bool) {
	var differences, weights []float64
	var all, mean float64
	for _, s := range strata {
		if s.Customers1 <= 0 || s.Customers2 <= 0 {
			continue
		}
		n, k := s.Customers1+s.Customers2, s.Converters1+s.Converters2
		if float64(min(s.Customers1, s.Customers2))*float64(min(k, n-k))/float64(n) < MinExpected {
			continue
		}
		d := float64(s.Converters1)/float64(s.Customers1) - float64(s.Converters2)/float64(s.Customers2)
		w := 1 / (smoothed(s.Converters1, s.Customers1) + smoothed(s.Converters2, s.Customers2))
		differences, weights = append(differences, d), append(weights, w)
		all, mean = all+w, mean+w*d
	}
	if len(differences) < 2 {
		return Test{}, false
	}
	mean /= all
	for i, d := range differences {
		t.Statistic += weights[i] * (d - mean) * (d - mean)
	}
	t.DF = len(differences) - 1
	t.P = survival(t.Statistic, t.DF)
	return t, true
}

// smoothed is the variance of the rate k/n, with a half added to both outcomes.
func smoothed(k, n int64) float64 {
	p := (float64(k) + .5) / (float64(n) + 1)
	return p * (1 - p) / float64(n)
}
