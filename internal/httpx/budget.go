package httpx

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrSpent says that a wait is longer than what is left of the budget.
var ErrSpent = errors.New("the time to wait is used up")

// Budget is the time that one call may spend waiting for a server that is busy,
// failing or silent. Waits at the same time wait together, so that the time
// counts once. It is safe for concurrent use.
type Budget struct {
	sleep func(context.Context, time.Duration) error

	mu      sync.Mutex
	left    time.Duration
	waiting chan struct{} // closed when the wait under way ends, nil when there is none
	until   time.Duration // length of the wait under way
}

// NewBudget returns a budget of d. Nil means Sleep.
func NewBudget(d time.Duration, sleep func(context.Context, time.Duration) error) *Budget {
	if sleep == nil {
		sleep = Sleep
	}
	return &Budget{sleep: sleep, left: d}
}

// Wait waits for d, or joins a wait that is under way and then waits for what d
// has more than that. Its error is ErrSpent, without a wait, or the context's
// cause.
func (b *Budget) Wait(ctx context.Context, d time.Duration) error {
	for d > 0 {
		b.mu.Lock()
		if b.waiting == nil {
			if d > b.left {
				b.mu.Unlock()
				return ErrSpent
			}
			b.left -= d
			b.waiting, b.until = make(chan struct{}), d
			b.mu.Unlock()
			err := b.sleep(ctx, d)
			b.mu.Lock()
			close(b.waiting)
			b.waiting = nil
			b.mu.Unlock()
			return err
		}
		waiting, until := b.waiting, b.until
		b.mu.Unlock()
		select {
		case <-waiting:
			d -= until
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Charge takes time that was lost to a server that said nothing.
func (b *Budget) Charge(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left -= d
}
