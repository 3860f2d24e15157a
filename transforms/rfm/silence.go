package rfm

import (
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
)

// recencyScore returns the score of that many days since the last purchase.
func (m *model) recencyScore(days int64) int { return 5 - m.Recency.class(float64(days)) }

// frequencyScore returns the score that c has on a day from the as-of day on, if nothing is bought until then. A purchase
// day counts while it is less than the window ago; who has none left keeps score 1.
func (m *model) frequencyScore(c buyer, day int64) int {
	if m.Relative {
		return 1 + m.Frequency.class(float64(c.purchaseDays))
	}
	for score := 5; score > 1; score-- {
		if c.bands[score-2] > day-m.WindowDays {
			return score
		}
	}
	return 1
}

// purchaseDays returns how many purchase days of c count towards frequency: exactly where all of them are in the window,
// else the least number that the score allows.
func (m *model) purchaseDays(c buyer, score int) int64 {
	start := c.asOf - m.WindowDays
	switch {
	case m.Relative || c.first > start:
		return c.purchaseDays
	case score > 1:
		return int64(m.Frequency.At[score-2]) + 1
	case c.asOf-c.recency > start:
		return 1
	default:
		return 0
	}
}

// silence returns the first day on which c's segment changes if c buys nothing more, and the segment of that day.
// Between the days on which a score falls nothing can change, so those are all that it looks at: at most four cuts of
// recency and four purchase days that leave the window.
func (m *model) silence(c buyer, money int) (on arrow.Date32, to string, ok bool) {
	var room [8]int64
	days := room[:0]
	for _, cut := range m.Recency.At {
		if cut := int64(cut); cut >= c.recency {
			days = append(days, c.asOf+cut+1-c.recency)
		}
	}
	for _, band := range c.bands {
		if day := band + m.WindowDays; day > c.asOf && !m.Relative {
			days = append(days, day)
		}
	}
	slices.Sort(days)
	now := m.segmentOn(c, c.asOf, money)
	for _, day := range days {
		if then := m.segmentOn(c, day, money); then != now && day <= math.MaxInt32 {
			return arrow.Date32(day), then, true
		}
	}
	return 0, "", false
}

// segmentOn returns the segment that c is in on a day from the as-of day on, if nothing is bought until then.
func (m *model) segmentOn(c buyer, day int64, money int) string {
	return m.grid.at(m.recencyScore(c.recency+day-c.asOf), m.frequencyScore(c, day), money)
}
