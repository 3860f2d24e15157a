package btyd_test

import (
	"context"
	"math"
	"testing"

	"segments/transforms/clv/btyd"
)

// Reference figures for CDNOW come from Fader, Hardie & Lee (2005), Fader & Hardie's notes 004 and 025, and from other
// implementations: R's BTYD (its walkthrough) and CLVTools, Python's lifetimes and PyMC-Marketing (their tests). Each of
// those is at the end of its own search, which agrees with an exact optimum to five digits or so: hence tolerances that
// are wider than the printed digits. "Computed apart" is from the formulas, by a program that shares no code with this
// one.

// Maximum likelihood on the CDNOW 1/10 sample in weeks. BG/NBD and Gamma-Gamma (note 025 prints 6.25, 3.74, 15.44) are
// published, MBG/NBD is computed apart.
var (
	cdnowBG  = btyd.BGNBD(0.2425945, 4.4136019, 0.7929199, 2.4258881)
	cdnowMBG = btyd.MBGNBD(0.5248432, 6.1830858, 0.8913593, 1.6140020)
	cdnowGG  = btyd.GammaGamma{P: 6.24957, Q: 3.74422, Gamma: 15.44352}
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.10g, want %.10g within %g", what, got, want, tolerance)
	}
}

func TestSingleLikelihoods(t *testing.T) {
	bg, mbg := btyd.BGNBD(0.25, 4, 0.8, 2.5), btyd.MBGNBD(0.25, 4, 0.8, 2.5)
	// PyMC-Marketing, test_numerically_stable_logp, after Fader & Hardie's note 027; MBG/NBD computed apart.
	near(t, "BG/NBD (0, 0, 40)", bg.LogLikelihood(0, 0, 40), -0.59947382, 5e-9)
	near(t, "BG/NBD (200, 38, 40)", bg.LogLikelihood(200, 38, 40), 100.7957, 5e-5)
	near(t, "MBG/NBD (0, 0, 40)", mbg.LogLikelihood(0, 0, 40), -0.41792826, 5e-9)
	near(t, "MBG/NBD (200, 38, 40)", mbg.LogLikelihood(200, 38, 40), 100.7869, 5e-5)
}

func TestExpectedOfNewCustomers(t *testing.T) {
	// Fader & Hardie's spreadsheet (note 004), at parameters of four digits.
	for _, c := range []struct{ weeks, want float64 }{
		{0.1429, 0.0078}, {1, 0.0532}, {3, 0.1506}, {31.8571, 1.0405}, {32, 1.0437}, {78, 1.8576},
	} {
		near(t, "E[X(t)]", cdnowBG.Expected(c.weeks), c.want, 5e-4)
	}
	near(t, "BG/NBD E[X(52)]", cdnowBG.Expected(52), 1.444004, 1e-5)
	near(t, "MBG/NBD E[X(52)]", cdnowMBG.Expected(52), 1.418885, 5e-7) // computed apart
}

func TestCustomer1516(t *testing.T) {
	const x, tx, age = 26, 30.857, 31
	// BG/NBD published, MBG/NBD computed apart with t_x exact (216 days).
	near(t, "BG/NBD E[Y(52)]", cdnowBG.ConditionalExpected(x, tx, age, 52), 25.75659, 1e-3)
	near(t, "BG/NBD P(alive)", cdnowBG.PAlive(x, tx, age), 0.9688523, 2e-6)
	near(t, "MBG/NBD E[Y(52)]", cdnowMBG.ConditionalExpected(x, 216.0/7, age, 52), 23.99819, 5e-6)
	near(t, "MBG/NBD P(alive)", cdnowMBG.PAlive(x, 216.0/7, age), 0.965485, 5e-7)
	// Customer 1: Fader & Hardie's spreadsheet for BG/NBD, MBG/NBD computed apart.
	near(t, "BG/NBD E[Y(39)]", cdnowBG.ConditionalExpected(2, 30.43, 38.86, 39), 1.226, 5e-4)
	near(t, "MBG/NBD E[Y(39)]", cdnowMBG.ConditionalExpected(2, 30.43, 38.86, 39), 1.262669, 5e-7)
}

func TestExpectedSpend(t *testing.T) {
	// The first ten customers, from the tests of lifetimes. They are at the fit to means rounded to cents, which moves
	// the parameters in the fourth digit: hence the tolerance here, and TestCDNOWRounded.
	want := []float64{24.6586, 18.9115, 35.1710, 35.1710, 35.1710, 71.4628, 18.9115, 35.1710, 27.2824, 35.1710}
	xs := []int64{2, 1, 0, 0, 0, 7, 1, 0, 2, 0}
	means := []float64{22.345, 11.77, 0, 0, 0, 73.74, 11.77, 0, 25.55, 0}
	for i, x := range xs {
		near(t, "E[M]", cdnowGG.ConditionalExpected(x, means[i]), want[i], 6e-3)
	}
	near(t, "E[M] of everybody", cdnowGG.Mean(), 6.24957*15.44352/2.74422, 1e-9)
	rounded := btyd.GammaGamma{P: 6.25, Q: 3.74, Gamma: 15.44}
	near(t, "E[M] by hand", rounded.ConditionalExpected(2, 22.345), (6.25*15.44+2*6.25*22.345)/(2*6.25+3.74-1), 1e-12)
}

// TestCDNOWPerCustomer holds each customer's numbers at the rounded parameters of the literature against a reference
// that was computed apart from any optimiser. It prints ten digits of results and of times: 2e-8 relative.
func TestCDNOWPerCustomer(t *testing.T) {
	bg, mbg := btyd.BGNBD(0.243, 4.414, 0.793, 2.426), btyd.MBGNBD(0.525, 6.183, 0.891, 1.614)
	gg := btyd.GammaGamma{P: 6.25, Q: 3.74, Gamma: 15.44}
	rows := readCSV(t, "golden/cdnow_customer_predictions.csv")
	if len(rows) != 2357 {
		t.Fatalf("%d customers, want 2357", len(rows))
	}
	worst := 0.0
	for _, r := range rows {
		x, tx, age := int64(r[1]), r[2], r[3]
		got := []float64{
			bg.LogLikelihood(x, tx, age), bg.PAlive(x, tx, age), bg.ConditionalExpected(x, tx, age, 39),
			mbg.LogLikelihood(x, tx, age), mbg.PAlive(x, tx, age), mbg.ConditionalExpected(x, tx, age, 39),
			gg.ConditionalExpected(x, r[5]),
		}
		want := append(append([]float64{}, r[6:12]...), r[16])
		for i, name := range []string{"bg_ll", "bg_palive", "bg_cet39", "mbg_ll", "mbg_palive", "mbg_cet39", "gg_espend"} {
			d := math.Abs(got[i]/want[i] - 1)
			worst = max(worst, d)
			if !(d < 2e-8) {
				t.Errorf("customer %v: %s is %.10g, want %.10g", r[0], name, got[i], want[i])
			}
		}
	}
	t.Logf("worst relative difference %.1g", worst)
}

func TestCDNOWFit(t *testing.T) {
	h, s := btyd.Histories{}, btyd.Spends{}
	rows := cbs(t)
	for _, r := range rows {
		h.Add(r.x, r.txDays, r.ageDays)
		if r.x > 0 {
			s.Add(r.x, r.mean)
		}
	}
	bg, mbg, gg := fit(t, h, 7, false), fit(t, h, 7, true), fitSpend(t, s)

	// The published optimum of BG/NBD is the end of a search: it is exact to five digits.
	params(t, "BG/NBD", bg, []float64{0.2425945, 4.4136019, 0.7929199, 2.4258881}, 1e-5)
	params(t, "MBG/NBD", mbg, []float64{0.5248432, 6.1830858, 0.8913593, 1.6140020}, 5e-7)
	params(t, "Gamma-Gamma", gg, []float64{6.24957, 3.74422, 15.44352}, 2e-6)
	near(t, "BG/NBD log-likelihood", bg.LogLikelihood, -9582.4292, 5e-5)
	near(t, "MBG/NBD log-likelihood", mbg.LogLikelihood, -9582.1357, 5e-5)
	near(t, "Gamma-Gamma log-likelihood", gg.LogLikelihood, -4055.9177, 5e-5)
	for i, want := range []float64{0.012557, 0.378221, 0.185719, 0.705345} { // published
		near(t, "BG/NBD standard error", bg.StandardErrors[i], want, 2e-4*want)
	}

	fittedBG := btyd.BGNBD(bg.Params[0], bg.Params[1], bg.Params[2], bg.Params[3])
	fittedMBG := btyd.MBGNBD(mbg.Params[0], mbg.Params[1], mbg.Params[2], mbg.Params[3])
	var sumBG, sumMBG float64
	var n, expected, actual [8]float64 // by frequency, the last 7 and more
	for _, r := range rows {
		y := fittedBG.ConditionalExpected(r.x, r.tx, r.age, 39)
		sumBG += y
		sumMBG += fittedMBG.ConditionalExpected(r.x, r.tx, r.age, 39)
		k := min(r.x, 7)
		n[k]++
		expected[k] += y
		actual[k] += r.holdout
	}
	near(t, "BG/NBD sum of E[Y(39)]", sumBG, 1653.41, 5e-3)
	near(t, "MBG/NBD sum of E[Y(39)]", sumMBG, 1576.73, 5e-3)
	// The BTYD walkthrough's table of holdout purchases by frequency.
	for k, want := range []struct{ n, actual, expected float64 }{
		{1411, 0.2367, 0.2251},
		{439, 0.6970, 0.5231},
		{214, 1.3925, 1.0441},
		{100, 1.5600, 1.5203},
		{62, 2.5323, 2.1638},
		{38, 2.9474, 2.6538},
		{29, 3.8621, 3.5040},
		{64, 6.3594, 6.1570},
	} {
		near(t, "customers", n[k], want.n, 0)
		near(t, "actual", actual[k]/n[k], want.actual, 5e-5)
		near(t, "expected", expected[k]/n[k], want.expected, 3e-4)
	}
}

// TestCDNOWRounded fits the copy of the sample that lifetimes comes with, with times in hundredths of a week and means
// in cents, as the figures below were.
func TestCDNOWRounded(t *testing.T) {
	h, s := btyd.Histories{}, btyd.Spends{}
	rows := readCSV(t, "cdnow_summary/cdnow_customers_summary_with_transactions.csv")
	for _, r := range rows {
		h.Add(int64(r[1]), int64(math.Round(100*r[2])), int64(math.Round(100*r[3])))
		if r[1] > 0 {
			s.Add(int64(r[1]), r[4])
		}
	}
	p, q := fit(t, h, 100, false).Params, fitSpend(t, s).Params
	bg, gg := btyd.BGNBD(p[0], p[1], p[2], p[3]), btyd.GammaGamma{P: q[0], Q: q[1], Gamma: q[2]}
	// Spend: tests of lifetimes. Lifetime value over 12 months of 4.345 weeks at 1 % a month: computed apart.
	spend := []float64{24.6586, 18.9115, 35.1710, 35.1710, 35.1710, 71.4628, 18.9115, 35.1710, 27.2824, 35.1710}
	value := []float64{36.2785, 4.6375, 8.3441, 8.3441, 8.3441, 283.5236, 6.8814, 8.3441, 43.3536, 8.3441}
	for i, r := range rows[:10] {
		x, tx, age := int64(r[1]), r[2], r[3]
		m := gg.ConditionalExpected(x, r[4])
		near(t, "E[M]", m, spend[i], 6e-5)
		orders := btyd.Discounted(func(t float64) float64 { return bg.ConditionalExpected(x, tx, age, t) }, 12*4.345, 4.345, 0.01)
		near(t, "CLV", m*orders, value[i], 2e-6*value[i]+5e-5)
	}
}

func fit(t *testing.T, h btyd.Histories, unit float64, leavesAtFirst bool) btyd.Fit {
	t.Helper()
	f, err := h.Fit(context.Background(), unit, leavesAtFirst)
	if err != nil || !f.Converged || f.StandardErrors == nil {
		t.Fatalf("fit %+v, %v", f, err)
	}
	return f
}

func fitSpend(t *testing.T, s btyd.Spends) btyd.Fit {
	t.Helper()
	f, err := s.Fit(context.Background())
	if err != nil || !f.Converged || f.StandardErrors == nil {
		t.Fatalf("fit %+v, %v", f, err)
	}
	return f
}

func params(t *testing.T, name string, f btyd.Fit, want []float64, relative float64) {
	t.Helper()
	for i, w := range want {
		near(t, name+" parameter", f.Params[i], w, relative*w)
	}
}
