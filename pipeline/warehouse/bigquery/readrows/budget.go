package readrows

import (
	"context"
	"sync"
)

// A budget is the memory that the streams of a read may fill with what waits for the consumer. How large a message is
// nobody knows before it has come: it is taken to be as large as the largest so far.
type budget struct {
	limit int64

	mu        sync.Mutex
	changed   sync.Cond
	receiving int64 // streams that receive a message
	waiting   int64 // bytes of batches that wait for the consumer
	largest   int64 // bytes that the largest message so far needed
	seen      bool  // whether there has been one
}

// copies is how often gRPC holds a message while it puts it together: as frames, joined, and taken out of its envelope.
const copies = 3

func newBudget(limit int64) *budget {
	b := &budget{limit: limit, largest: copies * maxMessage}
	b.changed.L = &b.mu
	return b
}

// reserve waits until there is room for another message, or until there is nothing else. It fails when ctx ends.
// Every reserve that succeeded is followed by settle.
func (b *budget) reserve(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.full() {
		b.receiving++
		return nil
	}
	stop := context.AfterFunc(ctx, func() {
		b.mu.Lock() // else it could come between the look at ctx and Wait
		defer b.mu.Unlock()
		b.changed.Broadcast()
	})
	defer stop()
	for b.full() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b.changed.Wait()
	}
	b.receiving++
	return nil
}

func (b *budget) full() bool {
	return b.receiving+b.waiting > 0 && b.waiting+(b.receiving+1)*b.largest > b.limit
}

// settle says that a message of message bytes has come and been decoded to decoded bytes, which now wait for the
// consumer; both are 0 where none has come.
func (b *budget) settle(message, decoded int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.receiving--
	b.waiting += decoded
	if need := max(copies*message, message+decoded); need > 0 {
		if !b.seen {
			b.largest = 0
		}
		b.largest, b.seen = max(b.largest, need), true
	}
	b.changed.Broadcast()
}

// release says that decoded bytes no longer wait.
func (b *budget) release(decoded int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting -= decoded
	b.changed.Broadcast()
}
