package btyd

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// An objective returns the negative mean log-likelihood at the logarithms theta of the parameters, and writes its
// gradient into grad.
type objective func(theta, grad []float64) float64

// A Fit is where the maximization of a likelihood ended.
type Fit struct {
	Params         []float64 `json:"params"`
	StandardErrors []float64 `json:"standard_errors"` // from the Hessian; nil where the likelihood is too flat to tell
	LogLikelihood  float64   `json:"log_likelihood"`
	Evaluations    int       `json:"evaluations"` // of the likelihood and its gradient
	Converged      bool      `json:"converged"`   // whether Params are a maximum: the gradient vanishes there
}

const (
	// limit bounds the logarithms of the parameters. The likelihoods have suprema at infinity (no heterogeneity, no
	// leaving), which are as good as reached there.
	limit = 25

	gradientThreshold = 1e-6 // per customer, in log parameters; gonum's line search fails a little below
	searches          = 2
)

// maximize searches f, the objective of n observations, from the best of starts (parameters, not logarithms) by BFGS,
// polishes the best end by Newton steps, and reads the standard errors from the Hessian there.
func maximize(ctx context.Context, f objective, starts [][]float64, n float64) (Fit, error) {
	var evaluations int
	counted := func(theta, grad []float64) float64 {
		evaluations++
		value := f(theta, grad)
		for i, v := range theta {
			if math.Abs(v) > limit {
				grad[i] = 0 // as f, which is constant there
			}
		}
		return value
	}
	type point struct {
		theta []float64
		value float64
	}
	byValue := func(a, b point) int { return cmp.Compare(a.value, b.value) }
	var from, ends []point
	for _, s := range starts {
		theta := make([]float64, len(s))
		for i, v := range s {
			theta[i] = clip(math.Log(v))
		}
		from = append(from, point{theta, counted(theta, make([]float64, len(s)))})
	}
	slices.SortStableFunc(from, byValue)
	for _, p := range from[:min(searches, len(from))] {
		theta := bfgs(ctx, counted, p.theta)
		ends = append(ends, point{theta, counted(theta, make([]float64, len(theta)))})
	}
	if err := ctx.Err(); err != nil {
		return Fit{}, err
	}
	slices.SortStableFunc(ends, byValue)
	fit := newton(counted, ends[0].theta, n)
	fit.Evaluations = evaluations
	return fit, ctx.Err()
}

// bfgs returns where a search from theta ends. Whether that is a minimum is for the gradient there to say: a line
// search that can find nothing better is the usual end.
func bfgs(ctx context.Context, f objective, theta []float64) []float64 {
	x, g, v := make([]float64, len(theta)), make([]float64, len(theta)), math.NaN()
	at := func(theta []float64) {
		if math.IsNaN(v) || !slices.Equal(x, theta) { // gonum asks for value and gradient one after the other
			copy(x, theta)
			v = f(x, g)
		}
	}
	problem := optimize.Problem{
		Func: func(theta []float64) float64 { at(theta); return v },
		Grad: func(grad, theta []float64) { at(theta); copy(grad, g) },
		Status: func() (optimize.Status, error) {
			if err := ctx.Err(); err != nil {
				return optimize.Failure, err
			}
			return optimize.NotTerminated, nil
		},
	}
	settings := &optimize.Settings{
		GradientThreshold: gradientThreshold, MajorIterations: 300, FuncEvaluations: 1000, Converger: optimize.NeverTerminate{},
	}
	res, err := optimize.Minimize(problem, theta, settings, &optimize.BFGS{})
	if res == nil || err != nil && !finite(res.X...) {
		return theta
	}
	for i, v := range res.X {
		res.X[i] = clip(v)
	}
	return res.X
}

// newton improves theta by Newton steps as long as they shrink the gradient: at most a few, since BFGS ends close by.
// The Hessian is the central difference of the gradient.
func newton(f objective, theta []float64, observations float64) Fit {
	const (
		maxSteps = 8
		exact    = 1e-11
		flat     = 100 // standard errors, relative to the parameter, that say nothing
	)
	n := len(theta)
	theta = slices.Clone(theta)
	grad := make([]float64, n)
	value := f(theta, grad)
	var chol mat.Cholesky
	curved := false
	for range maxSteps {
		curved = chol.Factorize(hessian(f, theta)) && chol.Cond() < 1e14
		if !curved || maxAbs(grad) < exact {
			break
		}
		var step mat.VecDense
		if err := chol.SolveVecTo(&step, mat.NewVecDense(n, slices.Clone(grad))); err != nil {
			break
		}
		next, nextGrad := make([]float64, n), make([]float64, n)
		for i := range next {
			next[i] = clip(theta[i] - step.AtVec(i))
		}
		nextValue := f(next, nextGrad)
		if !(maxAbs(nextGrad) < maxAbs(grad)) || nextValue > value+1e-9*math.Abs(value) {
			break
		}
		theta, grad, value = next, nextGrad, nextValue
	}
	fit := Fit{
		Params: expAll(theta), LogLikelihood: -value * observations, Converged: finite(value) && maxAbs(grad) < gradientThreshold,
	}
	for _, v := range theta {
		fit.Converged = fit.Converged && math.Abs(v) < limit
	}
	var inverse mat.SymDense
	if !curved || chol.InverseTo(&inverse) != nil {
		return fit
	}
	errs := make([]float64, n)
	for i, p := range fit.Params {
		relative := math.Sqrt(inverse.At(i, i) / observations) // of the logarithm
		if !(relative < flat) {
			return fit
		}
		errs[i] = p * relative
	}
	fit.StandardErrors = errs
	return fit
}

func hessian(f objective, theta []float64) *mat.SymDense {
	const h = 1e-4
	n := len(theta)
	rows := make([][]float64, n)
	at := slices.Clone(theta)
	up, down := make([]float64, n), make([]float64, n)
	for i := range theta {
		at[i] = theta[i] + h
		f(at, up)
		at[i] = theta[i] - h
		f(at, down)
		at[i] = theta[i]
		rows[i] = make([]float64, n)
		for j := range up {
			rows[i][j] = (up[j] - down[j]) / (2 * h)
		}
	}
	sym := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			sym.SetSym(i, j, (rows[i][j]+rows[j][i])/2)
		}
	}
	return sym
}

// sumChunks adds f over [0, n) in chunks of a fixed length, in parallel. The chunks' sums are added in their order, so
// that the bits do not depend on the number of threads.
func sumChunks(n int, f func(lo, hi int) [5]float64) (sum [5]float64) {
	const length = 8192
	parts := make([][5]float64, (n+length-1)/length)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(parts)) {
		wg.Go(func() {
			for c := int(next.Add(1)) - 1; c < len(parts); c = int(next.Add(1)) - 1 {
				parts[c] = f(c*length, min((c+1)*length, n))
			}
		})
	}
	wg.Wait()
	for _, p := range parts {
		for i, v := range p {
			sum[i] += v
		}
	}
	return sum
}

func clip(logParam float64) float64 { return min(max(logParam, -limit), limit) }

func expAll(theta []float64) []float64 {
	out := make([]float64, len(theta))
	for i, v := range theta {
		out[i] = math.Exp(clip(v))
	}
	return out
}

func maxAbs(vs []float64) (m float64) {
	for _, v := range vs {
		m = max(m, math.Abs(v))
	}
	return m
}

func finite(vs ...float64) bool {
	for _, v := range vs {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
