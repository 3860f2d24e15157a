package pipeline

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"segments/transforms/frame"
)

var parallelColumn = frame.Int64("v", "")

// numbered streams n batches of one row, the i-th of which has i. ended is set when nobody reads it any more.
func numbered(n int, fail error, ended *bool) frame.Batches {
	return func(yield func(frame.Batch, error) bool) {
		defer func() { *ended = true }()
		for i := range n {
			if !yield(frame.Record(parallelColumn.Array([]int64{int64(i)}, nil)), nil) {
				return
			}
		}
		if fail != nil {
			yield(nil, fail)
		}
	}
}

func TestParallelKeepsTheOrder(t *testing.T) {
	var ended bool
	out := parallel(numbered(50, nil, &ended), func(b frame.Batch) (frame.Batch, error) {
		v := parallelColumn.Of(b).Value(0)
		time.Sleep(time.Duration(50-v) * 20 * time.Microsecond) // the first take the longest
		return frame.Record(parallelColumn.Array([]int64{2 * v}, nil)), nil
	})
	for range 2 { // it can be read again
		bs, err := frame.Collect(out)
		if err != nil || len(bs) != 50 || !ended {
			t.Fatalf("%d batches, error %v, input ended: %t", len(bs), err, ended)
		}
		for i, b := range bs {
			if got := parallelColumn.Of(b).Value(0); got != int64(2*i) {
				t.Fatalf("batch %d has %d", i, got)
			}
		}
	}
}

func TestParallelEnds(t *testing.T) {
	bad := errors.New("bad")
	same := func(b frame.Batch) (frame.Batch, error) { return b, nil }
	for name, tc := range map[string]struct {
		fail error
		f    func(frame.Batch) (frame.Batch, error)
		read int // batches that the consumer takes
		want string
	}{
		"input fails": {bad, same, 99, "10 batches, bad"},
		"f fails": {nil, func(b frame.Batch) (frame.Batch, error) {
			if parallelColumn.Of(b).Value(0) >= 4 {
				return nil, fmt.Errorf("at %d: %w", parallelColumn.Of(b).Value(0), bad)
			}
			return b, nil
		}, 99, "4 batches, at 4: bad"},
		"consumer stops": {nil, same, 3, "3 batches, <nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			var ended bool
			n, failed := 0, error(nil)
			for _, err := range parallel(numbered(10, tc.fail, &ended), tc.f) {
				if failed = err; err != nil {
					continue // after an error nothing comes
				}
				if n++; n == tc.read {
					break
				}
			}
			if got := fmt.Sprintf("%d batches, %v", n, failed); got != tc.want || !ended {
				t.Errorf("%s, input ended: %t; want %s", got, ended, tc.want)
			}
		})
	}
}
