package pipeline

import (
	"runtime"

	"segments/transforms/frame"
)

// parallel is frame.Map with f at work on as many batches at a time as there are CPUs. Batches come out in the order in
// which they go in. It holds two batches more than there are CPUs, and reads in from a goroutine of its own, which has
// ended when the stream has.
func parallel(in frame.Batches, f func(frame.Batch) (frame.Batch, error)) frame.Batches {
	type result struct {
		b   frame.Batch
		err error
	}
	return func(yield func(frame.Batch, error) bool) {
		pending, stop := make(chan chan result, runtime.GOMAXPROCS(0)), make(chan struct{})
		go func() {
			defer close(pending)
			for b, err := range in {
				done := make(chan result, 1)
				if err != nil {
					done <- result{nil, err}
				} else {
					go func() {
						b, err := f(b)
						done <- result{b, err}
					}()
				}
				select {
				case pending <- done:
				case <-stop:
					return
				}
			}
		}()
		defer func() {
			close(stop)
			for done := range pending {
				<-done
			}
		}()
		for done := range pending {
			r := <-done
			if !yield(r.b, r.err) || r.err != nil {
				return
			}
		}
	}
}
