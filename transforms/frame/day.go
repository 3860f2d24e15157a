package frame

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

// A Day is the value of a Date column: days since 1970-01-01.
type Day = arrow.Date32

// DayOf returns the calendar day of t in its own location.
func DayOf(t time.Time) Day {
	y, m, d := t.Date()
	return Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// TimeOf returns midnight UTC of the day d.
func TimeOf(d Day) time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// A Moment is a timestamp's value: microseconds since 1970-01-01 00:00 UTC.
type Moment = arrow.Timestamp

// MomentOf returns t, to the microsecond.
func MomentOf(t time.Time) Moment { return Moment(t.UnixMicro()) }
