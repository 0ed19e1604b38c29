package flight_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/modferry/modferry/internal/flight"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestManyWhoAskGetOneFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := flight.New[string, int](t.Context())
		defer g.Close()
		var begun, joined atomic.Int64
		release := make(chan struct{})
		bring := func(context.Context) int { <-release; return int(begun.Add(1)) }
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				v, shared, err := g.Do(t.Context(), "a", bring, nil)
				if v != 1 || err != nil {
					t.Errorf("got %d, %v", v, err)
				}
				if shared {
					joined.Add(1)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if begun.Load() != 1 || joined.Load() != 49 {
			t.Errorf("%d flights, %d joined", begun.Load(), joined.Load())
		}
		if v, shared, _ := g.Do(t.Context(), "a", bring, nil); v != 2 || shared {
			t.Errorf("a flight that ended was joined: %d", v)
		}
	})
}

func TestWhoLeavesTakesNothingFromOthers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		stay      bool
		worth     func() bool
		cancelled bool
	}{
		{"others wait", true, func() bool { return false }, false},
		{"nobody waits", false, func() bool { return false }, true},
		{"nobody waits, and it is nearly there", false, func() bool { return true }, false},
		{"nobody waits, and it always goes on", false, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := flight.New[string, bool](t.Context())
				release := make(chan struct{})
				ended := make(chan bool, 1)
				bring := func(ctx context.Context) bool {
					select {
					case <-release:
					case <-ctx.Done():
					}
					ended <- ctx.Err() != nil
					return true
				}
				leaving, leave := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				wg.Go(func() {
					if _, _, err := g.Do(leaving, "a", bring, test.worth); err == nil {
						t.Error("who left got a value")
					}
				})
				synctest.Wait()
				if test.stay {
					wg.Go(func() {
						if v, shared, err := g.Do(t.Context(), "a", bring, test.worth); !v || !shared || err != nil {
							t.Errorf("who stayed got %v, %v, %v", v, shared, err)
						}
					})
					synctest.Wait()
				}
				leave()
				synctest.Wait()
				close(release)
				if got := <-ended; got != test.cancelled {
					t.Errorf("cancelled: %v, want %v", got, test.cancelled)
				}
				wg.Wait()
				g.Close()
			})
		})
	}
}

// A flight that was given up is not joined by who asks next.
func TestAFlightThatWasGivenUpIsBegunAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := flight.New[string, bool](t.Context())
		defer g.Close()
		never := func() bool { return false }
		slow := make(chan struct{})
		leaving, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			g.Do(leaving, "a", func(context.Context) bool { <-slow; return false }, never)
		})
		synctest.Wait()
		leave()
		wg.Wait()
		if v, shared, err := g.Do(t.Context(), "a", func(context.Context) bool { return true }, never); !v || shared || err != nil {
			t.Errorf("got %v, %v, %v", v, shared, err)
		}
		close(slow)
	})
}
