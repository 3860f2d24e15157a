package demo

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
)

// A buyer is what the orders file says of one, as BTYD models read it: purchase days after the first, in weeks since the
// first, and the spend of each purchase day.
type buyer struct {
	weeks []float64
	age   float64 // weeks from the first purchase day to AsOf
	spend []float64
}

func (b buyer) x() float64  { return float64(len(b.weeks) - 1) }
func (b buyer) tx() float64 { return b.weeks[len(b.weeks)-1] }

// whole is a company of 50,000 people without faults, written once for the tests that only read it.
var whole = sync.OnceValues(func() (Truth, error) {
	return Write(wholeDir, Options{Customers: 50_000, Seed: 20261031})
})

var wholeDir string

func wholeCompany(t *testing.T) (string, Truth) {
	t.Helper()
	truth, err := whole()
	if err != nil {
		t.Fatal(err)
	}
	return wholeDir, truth
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "demo")
	if err != nil {
		panic(err)
	}
	wholeDir = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

func buyers(t *testing.T) map[string]*buyer {
	t.Helper()
	dir, truth := wholeCompany(t)
	all, last := map[string]*buyer{}, map[string]string{}
	first := map[string]time.Time{}
	eachRow(t, filepath.Join(dir, "orders.csv"), func(r record) {
		id, day := r["customer"], r["date"][:10]
		total, err := strconv.ParseFloat(r["total"], 64)
		if err != nil {
			t.Fatal(err)
		}
		date, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		b := all[id]
		if b == nil {
			b = &buyer{age: truth.Options.AsOf.Sub(date).Hours() / 24 / 7}
			all[id], first[id] = b, date
		}
		if last[id] == day { // the file has the orders of a person in the order of the days
			b.spend[len(b.spend)-1] += total
			return
		}
		last[id] = day
		b.weeks = append(b.weeks, date.Sub(first[id]).Hours()/24/7)
		b.spend = append(b.spend, total)
	})
	return all
}

// within fails unless the mean of the values is within four standard errors of want.
func within(t *testing.T, what string, values []float64, want float64) {
	t.Helper()
	n, sum, squares := float64(len(values)), 0.0, 0.0
	for _, v := range values {
		sum += v
	}
	mean := sum / n
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	se := math.Sqrt(squares / (n - 1) / n)
	t.Logf("%-42s %9.5f, want %9.5f, z %+.2f", what, mean, want, (mean-want)/se)
	if n < 1000 || !(math.Abs(mean-want) <= 4*se) {
		t.Errorf("%s: mean %g of %g values, want %g within 4 standard errors of %g", what, mean, n, want, se)
	}
}

// expectedRepeats is E[X(t)], the expected number of repeat purchases in t weeks: Fader, Hardie and Lee 2005, equation 9.
func expectedRepeats(p Process, t float64) float64 {
	c := p.A + p.B - 1
	return c / (p.A - 1) * (1 - math.Pow(p.Alpha/(p.Alpha+t), p.R)*mathext.Hypergeo(p.R, p.B, c, t/(p.Alpha+t)))
}

func TestRepeatPurchasesAreThoseOfBGNBD(t *testing.T) {
	_, truth := wholeCompany(t)
	p := truth.Process
	all := buyers(t)
	var none, repeats []float64
	for _, b := range all {
		// P(X(t) = 0) = (alpha / (alpha + t))^r: Fader, Hardie and Lee 2005, equation 8.
		zero := 0.0
		if b.x() == 0 {
			zero = 1
		}
		none = append(none, zero-math.Pow(p.Alpha/(p.Alpha+b.age), p.R))
		repeats = append(repeats, b.x()-expectedRepeats(p, b.age))
	}
	within(t, "one-time buyers, found less expected", none, 0)
	within(t, "repeat purchases, found less expected", repeats, 0)
	for _, weeks := range []int{1, 4, 13, 26, 52, 70} {
		var counts []float64
		for _, b := range all {
			if b.age < float64(weeks) {
				continue
			}
			n := 0.0
			for _, w := range b.weeks[1:] {
				if w <= float64(weeks) {
					n++
				}
			}
			counts = append(counts, n)
		}
		within(t, "repeat purchases in "+strconv.Itoa(weeks)+" weeks", counts, expectedRepeats(p, float64(weeks)))
	}
}

// logLikelihood is that of one buyer: Fader, Hardie and Lee 2005, equation 6, with r, alpha, a, b in p.
func logLikelihood(p [4]float64, b buyer) float64 {
	r, alpha, a, bb := p[0], p[1], p[2], p[3]
	lg := func(v float64) float64 { l, _ := math.Lgamma(v); return l }
	x := b.x()
	l := lg(r+x) - lg(r) + r*math.Log(alpha) + lg(a+bb) + lg(bb+x) - lg(bb) - lg(a+bb+x)
	alive := -(r + x) * math.Log(alpha+b.age)
	if x == 0 {
		return l + alive
	}
	lost := math.Log(a/(bb+x-1)) - (r+x)*math.Log(alpha+b.tx())
	return l + max(alive, lost) + math.Log1p(math.Exp(-math.Abs(alive-lost)))
}

// One step of scoring from the true parameters estimates them as well as a fit does, and gives standard errors.
func TestLikelihoodRecoversBGNBD(t *testing.T) {
	_, truth := wholeCompany(t)
	p := [4]float64{truth.Process.R, truth.Process.Alpha, truth.Process.A, truth.Process.B}
	information, score := mat.NewSymDense(4, nil), mat.NewVecDense(4, nil)
	for _, b := range buyers(t) {
		s := mat.NewVecDense(4, nil)
		for i := range p {
			up, down, h := p, p, 1e-4*p[i]
			up[i] += h
			down[i] -= h
			s.SetVec(i, (logLikelihood(up, *b)-logLikelihood(down, *b))/(2*h))
		}
		score.AddVec(score, s)
		information.SymRankOne(information, 1, s)
	}
	var covariance mat.Dense
	if err := covariance.Inverse(information); err != nil {
		t.Fatal(err)
	}
	var step mat.VecDense
	step.MulVec(&covariance, score)
	for i, name := range []string{"r", "alpha", "a", "b"} {
		se := math.Sqrt(covariance.At(i, i))
		t.Logf("%-6s %.4f, estimate %.4f, standard error %.4f", name, p[i], p[i]+step.AtVec(i), se)
		if !(math.Abs(step.AtVec(i)) <= 4*se) || se > 0.1*p[i] {
			t.Errorf("%s: estimate %g, standard error %g, true %g", name, p[i]+step.AtVec(i), se, p[i])
		}
	}
}

// The logarithm of a Gamma(k, rate v) variable has mean digamma(k) - log v and variance trigamma(k) = zeta(2, k), from
// which the moments below follow; the mean is that of Fader, Hardie and Lee 2005 (RFM and CLV), equation 3.
func TestSpendIsThatOfGammaGamma(t *testing.T) {
	_, truth := wholeCompany(t)
	p := truth.Process
	var spend, logs, squares, differences, products []float64
	mean := mathext.Digamma(p.P) + math.Log(p.Gamma) - mathext.Digamma(p.Q)
	rate := 0.0
	all := buyers(t)
	for _, b := range all {
		rate += b.x() / float64(len(all))
	}
	for _, b := range all {
		first := math.Log(b.spend[0])
		spend = append(spend, b.spend[0])
		logs = append(logs, first)
		squares = append(squares, (first-mean)*(first-mean))
		products = append(products, (first-mean)*(b.x()-rate))
		if len(b.spend) > 1 {
			d := first - math.Log(b.spend[1])
			differences = append(differences, d*d/2)
		}
	}
	within(t, "mean spend", spend, p.P*p.Gamma/(p.Q-1))
	within(t, "mean log spend", logs, mean)
	within(t, "variance of log spend", squares, mathext.Zeta(2, p.P)+mathext.Zeta(2, p.Q))
	within(t, "variance of log spend within buyers", differences, mathext.Zeta(2, p.P))
	within(t, "covariance of log spend and frequency", products, 0)
}

func TestSizeOfACompany(t *testing.T) {
	dir, truth := wholeCompany(t)
	total := int64(0)
	for _, name := range files {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 150_000_000 {
		t.Errorf("%d bytes, want at most 150 MB", total)
	}
	if n := truth.Rows["web_events.csv"]; n < 1_000_000 || n > 1_500_000 {
		t.Errorf("%d web events, want 1 to 1.5 million", n)
	}
}
