package download

import (
	"context"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/session"
)

// However a turn ends, its slot and the probe of the breaker come back, once.
func TestATurnGivesBackWhatItHolds(t *testing.T) {
	t.Parallel()
	refused := failure.New(failure.Refused, "get", "", nil)
	for name, end := range map[string]func(*turn){
		"a file":             func(t *turn) { t.end(context.Background(), nil, true) },
		"a failure":          func(t *turn) { t.end(context.Background(), failure.New(failure.Unreachable, "get", "", nil), false) },
		"verified afterward": func(t *turn) { t.arrived(1000, nil); t.end(context.Background(), nil, true) },
		"given up":           func(t *turn) { t.drop() },
		"ended twice": func(t *turn) {
			t.end(context.Background(), nil, true)
			t.end(context.Background(), refused, false)
			t.drop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := mirror.NewClient(mirror.Options{Concurrency: 1, Pause: time.Nanosecond}).Open("https://a.example.test", mirror.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			h := &session.Hop{Mirror: m, Sep: goenv.Pipe}
			for range 8 { // taken out, so that the next request is the breaker's probe
				m.Health.Failed(refused, false)
			}
			for wait, _ := m.Health.Gate(); wait > 0; wait, _ = m.Health.Gate() {
			}
			got := acquire(t.Context(), h)
			if got == nil || tryAcquire(h) != nil {
				t.Fatal("want the only slot")
			}
			end(got)
			for wait, _ := m.Health.Gate(); wait > time.Millisecond; wait, _ = m.Health.Gate() {
				t.Fatalf("the probe of the breaker is still held: %v", wait)
			}
			if tryAcquire(h) == nil {
				t.Error("the slot did not come back")
			}
			if tryAcquire(h) != nil {
				t.Error("the slot came back twice")
			}
		})
	}
}
