package drift

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"segments/pipeline/validation/stats"
)

// minShare is the least share of the customers, before and now together, that a bin of a distribution has: the buckets of
// neighbors are put together until they have it. With many small bins chance alone would look like drift.
const minShare = 0.05

// A Kind is that of a feature's values.
type Kind int

// The kinds.
const (
	Number Kind = iota
	Flag
	Text
)

// A Bucket is how many customers had values of a feature in it, before and now.
type Bucket struct {
	Number int64  // of numbers, as sql.Buckets counts them: half octaves; of flags 0 and 1
	Text   string // of texts
	Null   bool   // not known

	Before, Now int64
}

// octaveZero is the bucket of 1 up to the square root of 2; those of negative numbers mirror it.
const octaveZero = 3000

// value is a number in the middle of the bucket.
func (b Bucket) value() float64 {
	switch {
	case b.Number > 0:
		return math.Exp2((float64(b.Number-octaveZero) + 0.5) / 2)
	case b.Number < 0:
		return -math.Exp2((float64(-b.Number-octaveZero) + 0.5) / 2)
	}
	return 0
}

// Feature judges how the values of a feature are distributed, those of nobody known included. Before and Now are the
// median of numbers, within a fifth: it is known to half an octave; the share of flags that are set; and nothing of texts.
// ok is false where nobody has a value at either time.
func Feature(name string, kind Kind, buckets []Bucket) (f Finding, ok bool) {
	var nulls, known Bucket
	var values []Bucket
	for _, b := range buckets {
		if b.Null {
			nulls.Before, nulls.Now = nulls.Before+b.Before, nulls.Now+b.Now
			continue
		}
		known.Before, known.Now = known.Before+b.Before, known.Now+b.Now
		values = append(values, b)
	}
	if known.Before+known.Now == 0 {
		return Finding{}, false
	}
	slices.SortFunc(values, func(a, b Bucket) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Text, b.Text))
	})
	before, now := known.Before+nulls.Before, known.Now+nulls.Now
	f = Finding{Name: name, NullBefore: share(nulls.Before, before), NullNow: share(nulls.Now, now)}
	f.Before, f.Now = typical(kind, values, func(b Bucket) int64 { return b.Before }), typical(kind, values, func(b Bucket) int64 { return b.Now })
	if before < MinCustomers || now < MinCustomers {
		f.State, f.Reason = NotEvaluated, fmt.Sprintf("fewer than %d customers", MinCustomers)
		return f, true
	}
	bins := merged(kind, values, float64(before+now)*minShare)
	var was, is []int64
	for _, b := range append(bins, nulls) {
		was, is = append(was, b.Before), append(is, b.Now)
	}
	psi, _ := stats.PSI(was, is) // ok: there are customers at both times
	f.PSI = &psi
	return f.judged(psi/MaxPSI, f.meaning(kind, values, before, now)), true
}

// merged puts neighbors together until each bin has at least so many customers, before and now together. Texts have no
// neighbors: those that are too rare are one bin.
func merged(kind Kind, values []Bucket, least float64) []Bucket {
	var out []Bucket
	var rest Bucket
	for _, b := range values {
		if kind == Text && float64(b.Before+b.Now) >= least {
			out = append(out, b)
			continue
		}
		rest.Before, rest.Now = rest.Before+b.Before, rest.Now+b.Now
		if kind != Text && float64(rest.Before+rest.Now) >= least {
			out, rest = append(out, rest), Bucket{}
		}
	}
	if n := len(out); kind != Text && n > 0 { // what is left goes to the last
		out[n-1].Before, out[n-1].Now = out[n-1].Before+rest.Before, out[n-1].Now+rest.Now
		return out
	}
	return append(out, rest)
}

// typical is the median of numbers and the share of flags that are set; nil where nobody has a value.
func typical(kind Kind, values []Bucket, count func(Bucket) int64) *float64 {
	var n, set int64
	for _, b := range values {
		n += count(b)
		if b.Number == 1 {
			set += count(b)
		}
	}
	if n == 0 || kind == Text {
		return nil
	}
	if kind == Flag {
		return share(set, n)
	}
	var seen int64
	for _, b := range values {
		if seen += count(b); 2*seen >= n {
			v := b.value()
			return &v
		}
	}
	return nil
}

// meaning says what moved most.
func (f Finding) meaning(kind Kind, values []Bucket, before, now int64) string {
	nulls := math.Abs(*f.NullNow - *f.NullBefore)
	moved := fmt.Sprintf("the share of customers of whom it is not known went from %s to %s", percent(*f.NullBefore), percent(*f.NullNow))
	switch {
	case *f.NullBefore == 1:
		return "it is new: before, it was known of nobody"
	case *f.NullNow == 1:
		return "it is known of nobody any more: a source or a column may be missing"
	case kind == Flag && math.Abs(*f.Now-*f.Before) > nulls:
		moved = fmt.Sprintf("the share of yes went from %s to %s", percent(*f.Before), percent(*f.Now))
	case kind == Number && nulls < minShare:
		moved = fmt.Sprintf("the distribution moved; the middle customer has about %s, before about %s", short(*f.Now), short(*f.Before))
		if *f.Before == *f.Now {
			moved = "the distribution moved, though not its middle"
		}
	case kind == Text:
		for _, b := range values {
			was, is := float64(b.Before)/float64(before), float64(b.Now)/float64(now)
			if math.Abs(is-was) > nulls {
				nulls = math.Abs(is - was)
				moved = fmt.Sprintf("the share of %q went from %s to %s", b.Text, percent(was), percent(is))
				if b.Text == "" {
					moved = fmt.Sprintf("the share of rare texts went from %s to %s", percent(was), percent(is))
				}
			}
		}
	}
	return moved + ": customers are others, or behave otherwise, or what is recorded of them has changed"
}

func share(n, of int64) *float64 {
	if of == 0 {
		return nil
	}
	v := float64(n) / float64(of)
	return &v
}

func percent(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }

// Shares judges how customers are distributed over the segments of the segmentation called name. Nothing is put together.
func Shares(name string, segments []Bucket) (f Finding, ok bool) {
	var was, is []int64
	var before, now int64
	for _, b := range segments {
		was, is, before, now = append(was, b.Before), append(is, b.Now), before+b.Before, now+b.Now
	}
	psi, ok := stats.PSI(was, is)
	if !ok {
		return f, false
	}
	f = Finding{Name: name, PSI: &psi}
	if before < MinCustomers || now < MinCustomers {
		f.State, f.Reason = NotEvaluated, fmt.Sprintf("fewer than %d customers", MinCustomers)
		return f, true
	}
	var most float64
	var moved string
	for _, b := range segments {
		was, is := float64(b.Before)/float64(before), float64(b.Now)/float64(now)
		if d := math.Abs(is - was); d > most {
			most, moved = d, fmt.Sprintf("the share of %s went from %s to %s", b.Text, percent(was), percent(is))
		}
	}
	return f.judged(psi/MaxPSI, moved+": customers are spread over the segments otherwise than before"), true
}
