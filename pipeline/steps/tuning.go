package steps

import (
	"math"
	"strconv"
	"strings"

	"segments/pipeline"
	"segments/pipeline/tune"
	"segments/transforms"
	"segments/transforms/behavior"
	"segments/transforms/customer"
	"segments/transforms/frame"
	"segments/transforms/rfm"
	"segments/transforms/segment"
)

// Tunables returns the segmentations whose thresholds segments tune looks for: those that are applied to the customer features as
// they are, so that a candidate needs no new features.
func Tunables() []pipeline.Tunable {
	return []pipeline.Tunable{coreSegments(), engagements(), intents()}
}

// FrequencyDays returns the window in which purchase days count towards frequency, of one of the steps; 0 where none has it.
func FrequencyDays(steps []pipeline.Step) int64 {
	for _, s := range steps {
		if e, ok := s.Estimator.(*rfm.Estimator); ok {
			if n, err := strconv.ParseInt(strings.TrimSuffix(e.Window, "d"), 10, 64); err == nil {
				return n
			}
		}
	}
	return 0
}

// smallCounts is what thresholds on counts of events may become.
var smallCounts = []float64{1, 2, 3, 4, 5, 6, 8, 10, 15}

// The measures of the core segments, and their places.
const (
	recency = iota
	frequency
	money
	webSeen
	emailSeen
)

func coreSegments() pipeline.Tunable {
	return pipeline.Tunable{
		Steps: []string{"rfm", "segment"}, Segmentation: segment.Core.Name,
		Measures: []pipeline.Measure{
			recency:   {Column: customer.DaysSinceLastOrder.Column},
			frequency: {Column: pipeline.PurchaseDaysWindow.Column},
			money:     {Column: customer.MonetaryTotal.Column},
			webSeen:   {Column: customer.WebEventsEver.Column, Edges: []float64{0}},
			emailSeen: {Column: customer.EmailActionsEver.Column, Edges: []float64{0}},
		},
		Thresholds: []pipeline.Threshold{
			{
				Name: "recency_cuts", Measure: recency, Text: list,
				Now:  cutsInForce("recency"),
				With: changed(func(e *rfm.Estimator, v []float64) { e.RecencyCuts = v }),
			},
			{
				Name: "frequency_bands", Measure: frequency, Least: true, Choices: smallCounts[1:],
				Now: func(e transforms.Estimator, _ transforms.Model) ([]float64, string) {
					r := e.(*rfm.Estimator)
					return floats(r.FrequencyBands[1:]), relative(r)
				},
				With: changed(func(e *rfm.Estimator, v []float64) { e.FrequencyBands = append([]int{1}, ints(v)...) }),
				Text: func(v []float64) string { return list(append([]float64{1}, v...)) },
			},
			{
				Name: "monetary_cuts", Measure: money, Text: list,
				Now:  cutsInForce("monetary"),
				With: changed(func(e *rfm.Estimator, v []float64) { e.MonetaryCuts = v }),
			},
		},
		Customers: buyers,
	}
}

// changed returns a function that changes a copy of an estimator, which takes over what was learned.
func changed(change func(*rfm.Estimator, []float64)) func(transforms.Estimator, []float64) transforms.Estimator {
	return func(e transforms.Estimator, v []float64) transforms.Estimator {
		c := *e.(*rfm.Estimator)
		if c.Cuts == "stored" {
			c.Refresh = "never"
		}
		change(&c, v)
		return &c
	}
}

// relative says why cuts that are relative to the buyers of the day are left alone; "" where they are not.
func relative(e *rfm.Estimator) string {
	if e.Cuts == "quantile" {
		return "with cuts: quantile the scores have no cuts of their own"
	}
	return ""
}

// cutsInForce returns the four cuts of a measure that the model has, learned or given.
func cutsInForce(measure string) func(transforms.Estimator, transforms.Model) ([]float64, string) {
	return func(e transforms.Estimator, m transforms.Model) ([]float64, string) {
		var at []float64
		for _, p := range m.Report().Params {
			if strings.HasPrefix(p.Name, measure+"_cut_") {
				at = append(at, p.Value)
			}
		}
		if len(at) == 0 {
			return nil, "nobody has bought: there are no cuts"
		}
		return at, relative(e.(*rfm.Estimator))
	}
}

// buyers makes customers of the cells of the core segments. Purchases in the window are all of the last day: silence does
// not matter here.
func buyers(e transforms.Estimator, cells []tune.Cell) frame.Batch {
	const today = 20_000
	n := len(cells)
	asOf, first := make([]frame.Day, n), make([]frame.Day, n)
	since, days, web, email := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	bought, spent := make([]bool, n), make([]float64, n)
	knownWeb, knownEmail := make([]bool, n), make([]bool, n)
	var bands [4][]bool
	for k := range bands {
		bands[k] = make([]bool, n)
	}
	for i, c := range cells {
		asOf[i], first[i] = today, today
		since[i], bought[i] = whole(c.Values[recency])
		days[i], _ = whole(c.Values[frequency])
		spent[i] = c.Values[money]
		web[i], knownWeb[i] = whole(c.Values[webSeen])
		email[i], knownEmail[i] = whole(c.Values[emailSeen])
		for k := range bands {
			bands[k][i] = days[i] >= int64(e.(*rfm.Estimator).FrequencyBands[k+1])
		}
	}
	return frame.Record(
		customer.AsOf.Array(asOf, nil), customer.DaysSinceLastOrder.Array(since, bought), customer.FirstOrderOn.Array(first, bought),
		customer.PurchaseDays.Array(days, nil), customer.Band2On.Array(asOf, bands[0]), customer.Band3On.Array(asOf, bands[1]),
		customer.Band4On.Array(asOf, bands[2]), customer.Band5On.Array(asOf, bands[3]), customer.MonetaryTotal.Array(spent, nil),
		customer.WebEventsEver.Array(web, knownWeb), customer.EmailActionsEver.Array(email, knownEmail),
		frame.NullsOf(customer.PreviousCoreSegment.Column, n), frame.NullsOf(customer.PreviousSince.Column, n),
	)
}

func engagements() pipeline.Tunable {
	columns := []frame.Column{
		customer.WebEventsEver.Column, customer.EmailEventsEver.Column, customer.WebEngagedSessions.Column,
		customer.EmailClicked.Column, customer.WebSessions.Column, customer.EmailOpened.Column,
	}
	return pipeline.Tunable{
		Steps: []string{"behavior"}, Segmentation: behavior.Engagement.Name, Measures: seen(columns, 2),
		Thresholds: []pipeline.Threshold{
			least("engagement_high_sessions", 2, func(e *behavior.Estimator) *int { return &e.EngagementHighSessions }),
			least("engagement_high_clicks", 3, func(e *behavior.Estimator) *int { return &e.EngagementHighClicks }),
			least("engagement_medium_sessions", 4, func(e *behavior.Estimator) *int { return &e.EngagementMediumSessions }),
			withZero(least("engagement_medium_opens", 5, func(e *behavior.Estimator) *int { return &e.EngagementMediumOpens })),
		},
		Customers: visitors(columns),
	}
}

func intents() pipeline.Tunable {
	columns := []frame.Column{
		customer.WebEventsEver.Column, customer.IntentCartAdds.Column, customer.IntentCheckouts.Column,
		customer.IntentProductViews.Column, customer.IntentForms.Column, customer.IntentSessions.Column,
	}
	hot := least("hot_lead_views", 3, func(e *behavior.Estimator) *int { return &e.HotLeadViews })
	hot.Fixed = true // the features query reads it too
	return pipeline.Tunable{
		Steps: []string{"behavior"}, Segmentation: behavior.Intent.Name, Measures: seen(columns, 1),
		Thresholds: []pipeline.Threshold{
			least("intent_high_cart_adds", 1, func(e *behavior.Estimator) *int { return &e.IntentHighCartAdds }),
			least("intent_high_checkouts", 2, func(e *behavior.Estimator) *int { return &e.IntentHighCheckouts }),
			least("intent_medium_product_views", 3, func(e *behavior.Estimator) *int { return &e.IntentMediumProductViews }),
			least("intent_medium_forms", 4, func(e *behavior.Estimator) *int { return &e.IntentMediumForms }),
			least("intent_medium_sessions", 5, func(e *behavior.Estimator) *int { return &e.IntentMediumSessions }),
			hot,
		},
		Customers: visitors(columns),
	}
}

// seen makes measures of columns; of the first of them it matters only whether there is anything.
func seen(columns []frame.Column, first int) []pipeline.Measure {
	out := make([]pipeline.Measure, len(columns))
	for i, c := range columns {
		out[i].Column = c
		if i < first {
			out[i].Edges = []float64{0}
		}
	}
	return out
}

// least is a threshold that is reached by as many events.
func least(name string, measure int, field func(*behavior.Estimator) *int) pipeline.Threshold {
	return pipeline.Threshold{
		Name: name, Measure: measure, Least: true, Choices: smallCounts,
		Now: func(e transforms.Estimator, _ transforms.Model) ([]float64, string) {
			return []float64{float64(*field(e.(*behavior.Estimator)))}, ""
		},
		With: func(e transforms.Estimator, v []float64) transforms.Estimator {
			c := *e.(*behavior.Estimator)
			c.Refresh = "never"
			*field(&c) = int(v[0])
			return &c
		},
		Text: func(v []float64) string { return number(v[0]) },
	}
}

// withZero lets t become 0 too, which looks away.
func withZero(t pipeline.Threshold) pipeline.Threshold {
	t.Choices = append([]float64{0}, t.Choices...)
	return t
}

// visitors makes customers of cells whose measures are columns of counts. They never bought.
func visitors(columns []frame.Column) func(transforms.Estimator, []tune.Cell) frame.Batch {
	others := []frame.Column{
		customer.WebEventsEver.Column, customer.WebSessions.Column, customer.WebEngagedSessions.Column, customer.IntentSessions.Column,
		customer.IntentProductViews.Column, customer.IntentCartAdds.Column, customer.IntentCheckouts.Column, customer.IntentForms.Column,
		customer.EmailEventsEver.Column, customer.EmailActionsEver.Column, customer.EmailOpened.Column, customer.EmailClicked.Column,
	}
	return func(_ transforms.Estimator, cells []tune.Cell) frame.Batch {
		n := len(cells)
		data := []frame.Data{
			customer.AsOf.Array(make([]frame.Day, n), nil), frame.NullsOf(customer.DaysSinceLastOrder.Column, n),
			customer.PurchaseDays.Array(make([]int64, n), nil), frame.NullsOf(customer.IntervalDays.Column, n),
			customer.MonetaryTotal.Array(make([]float64, n), nil),
		}
		for _, c := range others {
			at := place(columns, c)
			if at < 0 {
				data = append(data, frame.NullsOf(c, n))
				continue
			}
			counts, known := make([]int64, n), make([]bool, n)
			for i, cell := range cells {
				counts[i], known[i] = whole(cell.Values[at])
			}
			data = append(data, frame.Int64(c.Name, c.Doc).Null().Array(counts, known))
		}
		return frame.Record(data...)
	}
}

func place(columns []frame.Column, c frame.Column) int {
	for i, o := range columns {
		if o.Name == c.Name {
			return i
		}
	}
	return -1
}

// whole returns v as an integer; false where it is not known.
func whole(v float64) (int64, bool) {
	if math.IsNaN(v) {
		return 0, false
	}
	return int64(v), true
}

func floats(vs []int) []float64 {
	out := make([]float64, len(vs))
	for i, v := range vs {
		out[i] = float64(v)
	}
	return out
}

func ints(vs []float64) []int {
	out := make([]int, len(vs))
	for i, v := range vs {
		out[i] = int(v)
	}
	return out
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// list writes numbers as a list in YAML.
func list(vs []float64) string {
	words := make([]string, len(vs))
	for i, v := range vs {
		words[i] = number(v)
	}
	return "[" + strings.Join(words, ", ") + "]"
}
