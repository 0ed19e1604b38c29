package httpx_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modferry/modferry/internal/httpx"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	t.Run("waits at the same time count once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := httpx.NewBudget(20*time.Second, nil)
			start := time.Now()
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					if err := b.Wait(t.Context(), 8*time.Second); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if d := time.Since(start); d != 8*time.Second || b.Left() != 12*time.Second {
				t.Errorf("eight waits took %v and left %v, expected 8s and 12s", d, b.Left())
			}
		})
	})
	t.Run("a longer wait goes on after the one that it joined", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := httpx.NewBudget(20*time.Second, nil)
			start := time.Now()
			var all sync.WaitGroup
			all.Go(func() {
				if err := b.Wait(t.Context(), 5*time.Second); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			all.Go(func() {
				if err := b.Wait(t.Context(), 9*time.Second); err != nil {
					t.Error(err)
				}
				if d := time.Since(start); d != 9*time.Second {
					t.Errorf("waited until %v, expected 9s", d)
				}
			})
			all.Wait()
			if b.Left() != 11*time.Second {
				t.Errorf("%v are left, expected 11s", b.Left())
			}
		})
	})
	t.Run("whoever waits leaves with its context", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := httpx.NewBudget(20*time.Second, nil)
			why := errors.New("enough")
			ctx, cancel := context.WithCancelCause(t.Context())
			var all sync.WaitGroup
			for range 2 { // one sleeps, one joins
				all.Go(func() {
					if err := b.Wait(ctx, 8*time.Second); err != why {
						t.Errorf("Wait = %v", err)
					}
				})
			}
			synctest.Wait()
			cancel(why)
			all.Wait()
		})
	})
	t.Run("nobody waits longer than is left", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := httpx.NewBudget(11*time.Second, nil)
			b.Charge(time.Second)
			for _, test := range []struct {
				d  time.Duration
				ok bool
			}{{6 * time.Second, true}, {5 * time.Second, false}, {4 * time.Second, true}, {1, false}, {0, true}} {
				if err := b.Wait(t.Context(), test.d); (err == nil) != test.ok || err != nil && !errors.Is(err, httpx.ErrSpent) {
					t.Errorf("Wait(%v) = %v, expected success: %v", test.d, err, test.ok)
				}
			}
		})
	})
}
