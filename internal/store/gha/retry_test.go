package gha

import (
	"context"
	"errors"
	"net/http"
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

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	t.Parallel()
	const now = "Fri, 20 Nov 2026 10:00:00 GMT"
	for _, tt := range []struct {
		value, date string
		want        time.Duration
	}{
		{"5", now, 5 * time.Second},
		{" 5 ", "", 5 * time.Second},
		{"0", now, 0},
		{"-5", now, 0},
		{"99999999999", now, 0},
		{"", now, 0},
		{"soon", now, 0},
		{"Fri, 20 Nov 2026 10:00:30 GMT", now, 30 * time.Second},
		{"Fri, 20 Nov 2026 09:59:30 GMT", now, 0},
		{"Fri, 20 Nov 2026 10:00:30 GMT", "", 0},
	} {
		h := http.Header{}
		h.Set("Retry-After", tt.value)
		h.Set("Date", tt.date)
		if got := retryAfter(h); got != tt.want {
			t.Errorf("Retry-After %q at %q is %v, expected %v", tt.value, tt.date, got, tt.want)
		}
	}
}
