package mirror

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// The limiter's bounds and steps.
const (
	initialLimit = 16
	leastLimit   = 2
	// perRequest is what a request is worth in bytes when throughput is
	// compared: small files are paid in round trips, not in bytes.
	perRequest = 16 << 10
	// better is the gain in throughput that justifies more requests at a time.
	better = 1.05
)

// Limiter finds how many requests at a time a mirror is best used with.
// Concurrency follows latency × bandwidth, not CPU count: it starts low and
// doubles for as long as the throughput (bytes and round trips) grows with it,
// and halves when the mirror is overloaded (429, 5xx, resets, timeouts). It is
// safe for concurrent use; waiting requests are served in order.
type Limiter struct {
	ceiling int

	mu      sync.Mutex
	limit   int
	busy    int
	waiting list.List // of chan struct{}

	growing  bool
	began    time.Time // of the current epoch
	done     int       // requests finished in it
	work     int64     // and what they are worth, in bytes
	best     float64   // work per second of the best epoch so far
	lastDrop time.Time
}

func newLimiter(ceiling int) *Limiter {
	return &Limiter{ceiling: ceiling, limit: min(initialLimit, ceiling), growing: true, began: time.Now()}
}

// Acquire waits for a slot. The error is the context's.
func (l *Limiter) Acquire(ctx context.Context) error {
	l.mu.Lock()
	if l.busy < l.limit && l.waiting.Len() == 0 {
		l.busy++
		l.mu.Unlock()
		return nil
	}
	ready := make(chan struct{})
	e := l.waiting.PushBack(ready)
	l.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		select {
		case <-ready: // the slot came at the same moment: pass it on
			l.busy--
			l.admit()
		default:
			l.waiting.Remove(e)
		}
		return context.Cause(ctx)
	}
}

// TryAcquire takes a slot if one is free and nobody waits for it.
func (l *Limiter) TryAcquire() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy >= l.limit || l.waiting.Len() > 0 {
		return false
	}
	l.busy++
	return true
}

// Release gives the slot back after a request that brought n bytes.
// overloaded says that it failed in a way that fewer requests might prevent.
func (l *Limiter) Release(n int64, overloaded bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	now := time.Now()
	if overloaded {
		// Requests that were in flight together fail together: that is one
		// sign, not many.
		if now.Sub(l.lastDrop) > time.Second/2 {
			l.limit = max(leastLimit, l.limit/2)
			l.growing, l.best, l.lastDrop = true, 0, now
			l.began, l.done, l.work = now, 0, 0
		}
	} else {
		l.done++
		l.work += n + perRequest
		if l.done >= l.limit {
			l.epoch(now)
		}
	}
	l.admit()
}

// epoch ends a round of as many requests as are allowed at a time.
func (l *Limiter) epoch(now time.Time) {
	if d := now.Sub(l.began).Seconds(); d > 0 && l.growing {
		rate := float64(l.work) / d
		if rate > l.best*better {
			l.best = rate
			l.limit = min(l.ceiling, l.limit*2)
		} else {
			l.growing = false
		}
	}
	l.began, l.done, l.work = now, 0, 0
}

// Narrow makes the limit of now the ceiling: this machine cannot have more
// requests open at a time.
func (l *Limiter) Narrow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ceiling = max(leastLimit, l.limit)
}

func (l *Limiter) admit() {
	for l.busy < l.limit && l.waiting.Len() > 0 {
		l.busy++
		close(l.waiting.Remove(l.waiting.Front()).(chan struct{}))
	}
}

// SetFloor starts with at least n requests at a time: the preflight knows the
// round-trip time, and a long one makes doubling slow.
func (l *Limiter) SetFloor(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = max(l.limit, min(n, l.ceiling))
	l.admit()
}
