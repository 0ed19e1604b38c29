package gha

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func newPatience(budget time.Duration) *patience {
	s := &Store{o: Options{Budget: budget}.withDefaults(), secrets: newSecrets(nil, nil)}
	return s.patience()
}

func TestWaitsAtTheSameTimeCountOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPatience(20 * time.Second)
		start := time.Now()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := p.wait(t.Context(), 8*time.Second); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if d := time.Since(start); d != 8*time.Second || p.left != 12*time.Second {
			t.Errorf("eight waits took %v and left %v, expected 8s and 12s", d, p.left)
		}
	})
}

func TestALongerWaitGoesOnAfterTheOneThatItJoined(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPatience(20 * time.Second)
		start := time.Now()
		var all sync.WaitGroup
		all.Go(func() {
			if err := p.wait(t.Context(), 5*time.Second); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if err := p.wait(t.Context(), 9*time.Second); err != nil {
				t.Error(err)
			}
			if d := time.Since(start); d != 9*time.Second {
				t.Errorf("waited until %v, expected 9s", d)
			}
		})
		all.Wait()
		if p.left != 11*time.Second {
			t.Errorf("%v are left, expected 11s", p.left)
		}
	})
}

func TestWhoWaitsLeavesWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPatience(20 * time.Second)
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		var all sync.WaitGroup
		for range 2 { // one sleeps, one joins
			all.Go(func() {
				if err := p.wait(ctx, 8*time.Second); err != why {
					t.Errorf("wait = %v", err)
				}
			})
		}
		synctest.Wait()
		cancel(why)
		all.Wait()
	})
}

func TestNobodyWaitsLongerThanIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPatience(10 * time.Second)
		for _, tt := range []struct {
			d  time.Duration
			ok bool
		}{{6 * time.Second, true}, {5 * time.Second, false}, {4 * time.Second, true}, {1, false}, {0, true}} {
			if err := p.wait(t.Context(), tt.d); (err == nil) != tt.ok || err != nil && !errors.Is(err, errImpatient) {
				t.Errorf("wait(%v) = %v, expected success: %v", tt.d, err, tt.ok)
			}
		}
	})
}
