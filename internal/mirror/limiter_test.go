package mirror

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// serve finishes n requests of size bytes each, so that they take d in all.
func serve(t *testing.T, l *Limiter, n int, size int64, d time.Duration) {
	t.Helper()
	for range n {
		if !l.TryAcquire() {
			t.Fatal("no slot")
		}
		time.Sleep(d / time.Duration(n))
		l.Release(size, false)
	}
}

func TestLimiterDoublesWhileThroughputGrowsAndThenStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(64)
		serve(t, l, 16, 0, time.Second)
		if got := l.Limit(); got != 32 {
			t.Fatalf("after a first round the limit is %d, want 32", got)
		}
		serve(t, l, 32, 0, time.Second) // twice the throughput
		if got := l.Limit(); got != 64 {
			t.Fatalf("after twice the throughput the limit is %d, want 64", got)
		}
	})
}

func TestLimiterStopsGrowingWhenMoreRequestsBringNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(64)
		serve(t, l, 16, 0, time.Second)
		serve(t, l, 32, 0, 2*time.Second) // the same throughput with twice the requests
		serve(t, l, 32, 0, time.Second)
		if got := l.Limit(); got != 32 {
			t.Errorf("the limit is %d, want it to stay at 32", got)
		}
	})
}

func TestLimiterHalvesOnceForFailuresThatComeTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(64)
		for range 5 {
			if !l.TryAcquire() {
				t.Fatal("no slot")
			}
		}
		for range 5 {
			l.Release(0, true)
		}
		if got := l.Limit(); got != initialLimit/2 {
			t.Errorf("the limit is %d, want %d", got, initialLimit/2)
		}
	})
}

func TestLimiterNeverFallsBelowItsFloorNorRisesAboveItsCeiling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(3)
		l.SetFloor(100)
		if got := l.Limit(); got != 3 {
			t.Errorf("the limit is %d, want the ceiling 3", got)
		}
		for range 10 {
			l.TryAcquire()
			time.Sleep(time.Minute)
			l.Release(0, true)
		}
		if got := l.Limit(); got != leastLimit {
			t.Errorf("the limit is %d, want %d", got, leastLimit)
		}
	})
}

func TestANarrowedLimiterDoesNotGrowAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(64)
		l.TryAcquire()
		l.Release(0, true)
		l.Narrow()
		for range 3 {
			serve(t, l, l.Limit(), 0, time.Second/2)
		}
		l.SetFloor(64)
		if got := l.Limit(); got != initialLimit/2 {
			t.Errorf("the limit is %d, want it to stay at %d", got, initialLimit/2)
		}
	})
}

func TestLimiterServesWaitingRequestsInOrderAndHonoursCancellation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1)
		if !l.TryAcquire() {
			t.Fatal("no slot")
		}
		var order []int
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() { gone <- l.Acquire(ctx) }()
		synctest.Wait()
		for i := range 2 {
			go func() {
				if l.Acquire(t.Context()) == nil {
					order = append(order, i)
					l.Release(0, false)
				}
			}()
			synctest.Wait()
		}
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("Acquire of a cancelled context = %v", err)
		}
		l.Release(0, false)
		synctest.Wait()
		if len(order) != 2 || order[0] != 0 || order[1] != 1 {
			t.Errorf("order %v, want [0 1]", order)
		}
		if !l.TryAcquire() {
			t.Error("the slot was lost")
		}
	})
}
