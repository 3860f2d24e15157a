package btyd

import "math"

// meanUntilLeaving returns E[(1 - (1 + p·u)^-s) / p] for p from a beta distribution (a, b): the expected number of
// purchases, within a time of u in units of the rate's scale, of somebody alive with a Gamma(s) rate and leaving
// probability p. It lies between 0 and s·u.
//
// The papers write it with z = u/(1+u) and c = a+b-1 as c/(a-1)·[1 - (1-z)^s·2F1(s, b; c; z)], which overflows for
// large s, divides zero by zero at a = 1, and loses all digits around it. Euler's transformation (Abramowitz & Stegun
// 15.3.3) turns it, with e = a-1 and d = c-s, into
//
//	c·(1-(1-z)^e)/e - (1-z)^e·Σ_{n≥1} (d)_n (1+e)_{n-1} / ((c+1)_{n-1} n!) z^n
//
// where e no longer divides anything but expm1. Where rounding could still spoil the difference, or the series is
// slow, the expectation is integrated instead.
func meanUntilLeaving(s, a, b, u float64) float64 {
	if u <= 0 {
		return 0
	}
	const (
		maxTerms  = 2000
		tolerance = 1e-10 // relative, of the result
		rounding  = 4e-16 // of a term
	)
	z := u / (1 + u)
	logQ := -math.Log1p(u) // log(1-z)
	e := a - 1
	c := e + b
	d := c - s
	head := -c * logQ
	if e != 0 {
		head = -c * math.Expm1(e*logQ) / e
	}
	sum, largest, term := 0.0, 0.0, d*z
	for n := 1.0; n <= maxTerms; n++ {
		sum += term
		largest = max(largest, math.Abs(term))
		if n > -d && math.Abs(term)*(1+u) <= rounding*math.Abs(sum) { // what remains is below term/(1-z)
			tail := math.Exp(e * logQ)
			v := head - tail*sum
			if math.Abs(head)+tail*(largest+math.Abs(sum)) < tolerance/(10*rounding)*v {
				return v
			}
			break
		}
		term *= (d + n) * (e + n) / ((c + n) * (n + 1)) * z
	}
	return integrateUntilLeaving(s, a, b, u)
}

// integrateUntilLeaving is meanUntilLeaving by the trapezoidal rule in v, where log(p/(1-p)) = mode + width·sinh(v):
// the density falls off double exponentially there (Takahasi & Mori 1974). Dividing by the sum of the weights makes
// the result an average, which no parameters can drive out of its bounds.
func integrateUntilLeaving(s, a, b, u float64) float64 {
	const (
		step   = 1.0 / 32
		ignore = -45 // log of a weight, relative to that of the mode, that no longer counts
	)
	mode := math.Log(a / b)
	width := min(1, math.Sqrt(1/a+1/b))
	logDensity := func(y float64) float64 { // of log(p/(1-p)), up to a constant
		return -a*softplus(-y) - b*softplus(y)
	}
	top := logDensity(mode)
	var sum, weights float64
	add := func(v float64) bool {
		y := mode + width*math.Sinh(v)
		logWeight := logDensity(y) - top + math.Log(math.Cosh(v))
		w := math.Exp(logWeight)
		g := s * u
		if p := 1 / (1 + math.Exp(-y)); p*u*s > 1e-14 {
			g = -math.Expm1(-s*math.Log1p(p*u)) / p
		}
		sum += w * g
		weights += w
		return logWeight > ignore
	}
	add(0)
	for i := 1.0; add(i*step) && i < 1e4; i++ {
	}
	for i := 1.0; add(-i*step) && i < 1e4; i++ {
	}
	return sum / weights
}
