package btyd

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// rising returns, for the ascending whole numbers ns, log Γ(base+n)/Γ(base) = Σ_{i<n} log(base+i) and its derivative by
// base, Σ_{i<n} 1/(base+i). Over wide gaps it adds a gammaRatio instead of single terms.
func rising(base float64, ns []float64) (logs, derivatives []float64) {
	const wide = 256
	logs, derivatives = make([]float64, len(ns)), make([]float64, len(ns))
	var l, d, at float64
	for i, n := range ns {
		if n-at > wide {
			gapL, gapD := gammaRatio(base+at, n-at)
			l, d, at = l+gapL, d+gapD, n
		}
		for ; at < n; at++ {
			l += math.Log(base + at)
			d += 1 / (base + at)
		}
		logs[i], derivatives[i] = l, d
	}
	return logs, derivatives
}

// gammaRatio returns log Γ(z+q)/Γ(z) and ψ(z+q) - ψ(z) for positive z and q. For large z the differences would lose all
// digits; there it takes them term by term in Stirling's series (Abramowitz & Stegun 6.1.41, 6.3.18).
func gammaRatio(z, q float64) (log, psi float64) {
	if z < 100 {
		return lgamma(z+q) - lgamma(z), mathext.Digamma(z+q) - mathext.Digamma(z)
	}
	grows := math.Log1p(q / z)
	logRest := func(v float64) float64 { return (1.0/12 - (1.0/360-1.0/1260/(v*v))/(v*v)) / v }
	psiRest := func(v float64) float64 { return (1.0/12 - (1.0/120-1.0/252/(v*v))/(v*v)) / (v * v) }
	log = (z-0.5)*grows + q*(math.Log(z+q)-1) + logRest(z+q) - logRest(z)
	psi = grows + q/(2*z*(z+q)) - psiRest(z+q) + psiRest(z)
	return log, psi
}

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// softplus returns log(1 + e^y).
func softplus(y float64) float64 {
	if y > 0 {
		return y + math.Log1p(math.Exp(-y))
	}
	return math.Log1p(math.Exp(y))
}
