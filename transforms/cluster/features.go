package cluster

import (
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"segments/transforms/customer"
	"segments/transforms/frame"
)

// A feature is one thing that customers are compared by: the logarithm of a column, since counts, days and money are
// skewed. The texts name it: what many and few of it make a customer, and how to say a value. A name speaks of a topic
// once.
type feature struct {
	column    frame.Column
	open      func(frame.Batch) func(row int) float64
	log, exp  func(float64) float64
	topic     string
	many, few string
	say       string
}

// The indexes of the features that order the clusters and decide on actions.
const (
	recency = iota
	frequency
	orderValue
	tenure
)

// features are complementary on purpose. Money is that of an order: the total is frequency times order value, and would
// count frequency twice. E-mail opens are not looked at, since privacy features fake them, nor are attributes without
// history, which a backtest may not see.
var features = [...]feature{
	recency: {
		customer.DaysSinceLastOrder.Column, reader(customer.DaysSinceLastOrder), math.Log1p, math.Expm1,
		"recency", "lapsed", "recent", "last order %s days ago",
	},
	frequency: {
		customer.PurchaseDays.Column, reader(customer.PurchaseDays), logOfDays, math.Exp,
		"frequency", "frequent", "occasional", "purchase days %s",
	},
	orderValue: {
		customer.AverageOrderValue.Column, reader(customer.AverageOrderValue), math.Log1p, math.Expm1,
		"money", "big orders", "small orders", "order value %s",
	},
	tenure: {
		customer.BtydAge.Column, reader(customer.BtydAge), math.Log1p, math.Expm1,
		"tenure", "long known", "new", "first order %s days ago",
	},
	{
		customer.WebSessions.Column, reader(customer.WebSessions), math.Log1p, math.Expm1,
		"web", "often on the web", "rarely on the web", "web sessions %s",
	},
	{
		customer.WebProductViews.Column, reader(customer.WebProductViews), math.Log1p, math.Expm1,
		"web", "many product views", "few product views", "product views %s",
	},
	{
		customer.EmailClicked.Column, reader(customer.EmailClicked), math.Log1p, math.Expm1,
		"e-mail", "many e-mail clicks", "few e-mail clicks", "e-mail clicks %s",
	},
}

// logOfDays is the logarithm of a number of purchase days, which is 1 at least.
func logOfDays(v float64) float64 { return math.Log(max(v, 1)) }

// inputs returns the columns of the features.
func inputs() []frame.Column {
	cs := make([]frame.Column, len(features))
	for i, f := range features {
		cs[i] = f.column
	}
	return cs
}

// reader returns how to read c as numbers that are not negative. NULL, and what is not finite, is NaN.
func reader[A interface {
	arrow.Array
	Value(int) V
}, V int64 | float64](c frame.Col[A, V]) func(frame.Batch) func(int) float64 {
	return func(b frame.Batch) func(int) float64 {
		a := c.Of(b)
		return func(i int) float64 {
			if v := float64(a.Value(i)); a.IsValid(i) && !math.IsInf(v, 0) {
				return max(v, 0)
			}
			return math.NaN()
		}
	}
}

// readers opens all features of b.
func readers(b frame.Batch) (read [len(features)]func(int) float64) {
	for j, f := range features {
		read[j] = f.open(b)
	}
	return read
}

// A scale is how the model sees a feature: (log of the value - Center) / Scale, bounded to ±maxScaled. Center is the
// median, which also stands for NULL. Scale is the interquartile range over that of the standard normal, or where that
// is 0 the standard deviation; but never less than minScale.
type scale struct {
	Column string  `json:"column"`
	Center float64 `json:"center"`
	Scale  float64 `json:"scale"`
	Nulls  float64 `json:"nulls"` // share of the sample that is NULL

	feature int
}

// A dropped column is one that tells no customers apart.
type dropped struct {
	Column string `json:"column"`
	Reason string `json:"reason"` // null or constant
}

const (
	maxScaled = 4                  // keeps a few odd customers from being a cluster of their own
	minScale  = .25                // of logarithms: keeps differences of some percent from counting like large ones
	minSpread = 1e-9               // of logarithms: a billionth of the value is no difference at all
	normalIQR = 1.3489795003921634 // of the standard normal distribution: 2 × its 75 % quantile
)

// fitScales learns the scales of the features from the sample.
func fitScales(sample []member) (scales []scale, out []dropped) {
	for j, f := range features {
		vs := make([]float64, 0, len(sample))
		for i := range sample {
			if v := sample[i].values[j]; !math.IsNaN(v) {
				vs = append(vs, f.log(v))
			}
		}
		slices.Sort(vs)
		switch {
		case len(vs) == 0:
			out = append(out, dropped{f.column.Name, "null"})
		case vs[len(vs)-1]-vs[0] < minSpread:
			out = append(out, dropped{f.column.Name, "constant"})
		default:
			s := scale{Column: f.column.Name, Center: quantile(vs, .5), feature: j}
			s.Nulls = float64(len(sample)-len(vs)) / float64(len(sample))
			if s.Scale = (quantile(vs, .75) - quantile(vs, .25)) / normalIQR; s.Scale < minSpread {
				s.Scale = deviation(vs)
			}
			s.Scale = max(s.Scale, minScale)
			scales = append(scales, s)
		}
	}
	return scales, out
}

// of returns the scaled feature of the value v, which is NaN for NULL.
func (s *scale) of(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return max(-maxScaled, min(maxScaled, (features[s.feature].log(v)-s.Center)/s.Scale))
}

// undo returns the value that scales to x: of a mean of scaled values, a geometric mean.
func (s *scale) undo(x float64) float64 {
	return min(features[s.feature].exp(s.Center+s.Scale*x), math.MaxFloat64)
}

// scaled returns the sample as points.
func scaled(sample []member, scales []scale) points {
	p := points{x: make([]float64, 0, len(sample)*len(scales)), dim: len(scales), n: len(sample)}
	for i := range sample {
		for j := range scales {
			p.x = append(p.x, scales[j].of(sample[i].values[scales[j].feature]))
		}
	}
	return p
}

// quantile returns the q-quantile of vs, which is sorted and not empty: definition 7 of Hyndman & Fan (The American
// Statistician 50, 1996).
func quantile(vs []float64, q float64) float64 {
	at := q * float64(len(vs)-1)
	i := int(at)
	if i+1 == len(vs) {
		return vs[i]
	}
	return vs[i] + (at-float64(i))*(vs[i+1]-vs[i])
}

// mean returns the mean of vs, which is not empty.
func mean(vs []float64) float64 {
	sum := 0.0
	for _, v := range vs {
		sum += v
	}
	return sum / float64(len(vs))
}

// deviation returns the root of the mean squared distance of vs to their mean.
func deviation(vs []float64) float64 {
	m, sum := mean(vs), 0.0
	for _, v := range vs {
		sum += (v - m) * (v - m)
	}
	return math.Sqrt(sum / float64(len(vs)))
}
