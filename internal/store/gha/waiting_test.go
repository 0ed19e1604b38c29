package gha_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/gha"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

func TestAServiceThatIsBusyIsWaitedFor(t *testing.T) {
	t.Parallel()
	second := time.Second
	for _, tt := range []struct {
		name   string
		budget time.Duration
		faults []ghatest.Rule
		naps   []time.Duration
		says   string // "" success
	}{
		{"as long as it asks", 0, []ghatest.Rule{ghatest.First(2, ghatest.Lookup, ghatest.RetryAfter(429, "7"))}, []time.Duration{7 * second, 7 * second}, ""},
		{"until the date that it names, by its own clock", 0, []ghatest.Rule{ghatest.First(1, ghatest.Lookup, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set("Date", "Fri, 20 Nov 2026 10:00:00 GMT")
			ghatest.RetryAfter(429, "Fri, 20 Nov 2026 10:00:09 GMT")(w, r, next)
		})}, []time.Duration{9 * second}, ""},
		{"for a while when it asks for nothing", 0, []ghatest.Rule{ghatest.First(2, ghatest.Lookup, ghatest.Status(429))}, []time.Duration{second / 2, second}, ""},
		{"more than five times", 0, []ghatest.Rule{ghatest.First(8, ghatest.Lookup, ghatest.RetryAfter(429, "1"))}, slices.Repeat([]time.Duration{second}, 8), ""},
		{"not longer than the budget", 10 * second, []ghatest.Rule{ghatest.Always(ghatest.Lookup, ghatest.RetryAfter(429, "4"))}, []time.Duration{4 * second, 4 * second}, "asks to wait 4 s"},
		{"not at all when it asks for more", 10 * second, []ghatest.Rule{ghatest.Always(ghatest.Lookup, ghatest.RetryAfter(429, "60"))}, nil, "waited for it up to the limit of 10s"},
		{"a failing one with growing pauses", 0, []ghatest.Rule{ghatest.First(4, ghatest.Lookup, ghatest.Status(503))}, []time.Duration{second / 2, second, 2 * second, 4 * second}, ""},
		{"a failing one as long as it asks", 0, []ghatest.Rule{ghatest.First(1, ghatest.Lookup, ghatest.RetryAfter(503, "3"))}, []time.Duration{3 * second}, ""},
		{"a failing one within the budget", second, []ghatest.Rule{ghatest.Always(ghatest.Lookup, ghatest.Status(503))}, []time.Duration{second / 2}, "limit of 1s"},
	} {
		both(t, func(t *testing.T, o ghatest.Options) {
			t.Run(tt.name, func(t *testing.T) {
				o.Faults = tt.faults
				s := ghatest.Start(t, o)
				s.Put("a", version, []byte("x"))
				var n naps
				var log lines
				st := open(t, s, func(o *gha.Options) { o.Sleep, o.Budget, o.Log = n.sleep, tt.budget, log.add })
				_, err := st.Find(t.Context(), "a")
				if tt.says == "" && err != nil {
					t.Errorf("Find = %v", err)
				}
				if tt.says != "" {
					says(t, err, tt.says)
				}
				if !slices.Equal(n.all(), tt.naps) {
					t.Errorf("waited for %v, expected %v", n.all(), tt.naps)
				}
				if len(log.all()) != len(tt.naps) {
					t.Errorf("logged %q, expected a line for each wait", log.all())
				}
			})
		})
	}
}

func TestPausesAreSpread(t *testing.T) {
	t.Parallel()
	s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.First(1, ghatest.Lookup, ghatest.Status(503))}})
	var n naps
	st := open(t, s, func(o *gha.Options) { o.Sleep, o.Rand = n.sleep, func() float64 { return 0.5 } })
	if _, err := st.Find(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	if got := n.all(); len(got) != 1 || got[0] != 375*time.Millisecond {
		t.Errorf("waited for %v, expected 375ms", got)
	}
}

func TestAServiceThatCannotBeReachedIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o ghatest.Options) {
		s := ghatest.Start(t, o)
		var n naps
		st := open(t, s, func(o *gha.Options) { o.Sleep = n.sleep })
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := st.Find(t.Context(), "a")
		isFailure(t, err, failure.Refused)
		isFailure(t, st.Create(t.Context(), "a", never(t)), failure.Refused)
		if got := n.all(); len(got) > 0 {
			t.Errorf("waited for %v", got)
		}
	})
}

func TestACallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o ghatest.Options) {
		why := errors.New("the job has no time left")
		reached := make(chan struct{})
		o.Faults = []ghatest.Rule{ghatest.Always(ghatest.Lookup, ghatest.Signal(reached, ghatest.Wait(nil)))}
		s := ghatest.Start(t, o)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			<-reached
			cancel(why)
		}()
		_, err := open(t, s).Find(ctx, "a")
		isFailure(t, err, failure.Cancelled)
		if !errors.Is(err, why) {
			t.Errorf("%v does not wrap the cause", err)
		}

		late := failure.New(failure.Stall, "restore", "", errors.New("too slow"))
		ctx, cancel = context.WithCancelCause(t.Context())
		cancel(late)
		if _, err := open(t, s).Find(ctx, "a"); !errors.Is(err, late) {
			t.Errorf("got %v, expected the failure that ended the context", err)
		}
	})
}

func TestAWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.Always(ghatest.Lookup, ghatest.RetryAfter(429, "10"))}})
	ctx, cancel := context.WithCancel(t.Context())
	st := open(t, s, func(o *gha.Options) {
		o.Sleep = nil // the real one
		o.Log = func(string) {}
		o.Rand = nil
		o.Transport = callback{s.Transport(), func() { time.AfterFunc(10*time.Millisecond, cancel) }}
	})
	_, err := st.Find(ctx, "a")
	isFailure(t, err, failure.Cancelled)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
}

// callback is a transport that calls f after every answer.
type callback struct {
	http.RoundTripper
	f func()
}

func (c callback) RoundTrip(r *http.Request) (*http.Response, error) {
	defer c.f()
	return c.RoundTripper.RoundTrip(r)
}

// expiring is a context whose deadline a test sets off.
type expiring struct {
	context.Context
	over chan struct{}
}

func (e expiring) Done() <-chan struct{} { return e.over }

func (e expiring) Err() error {
	select {
	case <-e.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// A service that fails until the caller's time is over is known by its failure,
// whether the time ends in a pause or in a further attempt.
func TestTheLastFailureOutlastsTheTime(t *testing.T) {
	t.Parallel()
	t.Run("in a pause", func(t *testing.T) {
		t.Parallel()
		s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{ghatest.Always(ghatest.Lookup, ghatest.Status(500))}})
		ctx := expiring{t.Context(), make(chan struct{})}
		st := open(t, s, func(o *gha.Options) {
			o.Sleep = func(ctx context.Context, _ time.Duration) error { close(ctx.(expiring).over); return ctx.Err() }
		})
		_, err := st.Find(ctx, "a")
		isFailure(t, err, failure.ServerError, "500")
	})
	t.Run("in an attempt", func(t *testing.T) {
		t.Parallel()
		reached := make(chan struct{})
		s := ghatest.Start(t, ghatest.Options{Faults: []ghatest.Rule{
			ghatest.First(1, ghatest.Lookup, ghatest.Status(500)),
			ghatest.Always(ghatest.Lookup, ghatest.Signal(reached, ghatest.Wait(nil))),
		}})
		ctx := expiring{t.Context(), make(chan struct{})}
		go func() {
			<-reached
			close(ctx.over)
		}()
		_, err := open(t, s).Find(ctx, "a")
		isFailure(t, err, failure.ServerError, "500")
	})
}
