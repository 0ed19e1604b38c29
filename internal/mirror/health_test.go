package mirror

import (
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
)

// clock is a time that tests move.
type clock struct{ t time.Time }

func newClock() *clock                   { return &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }
func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

func broken() *failure.Error { return &failure.Error{Class: failure.Refused} }

func TestBreakerTakesAMirrorOutAfterFailuresInARow(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := newHealth(defaultPause, maxTrips, c.now)
	for range tripAfter - 1 {
		h.Failed(broken(), false)
	}
	if wait, dead := h.Gate(); wait != 0 || dead {
		t.Fatalf("after %d failures Gate() = %v, %v; want an open gate", tripAfter-1, wait, dead)
	}
	h.Failed(broken(), false)
	if wait, dead := h.Gate(); wait != defaultPause || dead {
		t.Fatalf("after %d failures Gate() = %v, %v; want %v, false", tripAfter, wait, dead, defaultPause)
	}
	if !h.Out() {
		t.Error("Out() = false for a mirror that was taken out")
	}
}

func TestBreakerLetsOneProbeThroughAndItsSuccessLetsTheMirrorBack(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := newHealth(defaultPause, maxTrips, c.now)
	for range tripAfter {
		h.Failed(broken(), false)
	}
	c.advance(defaultPause)
	if wait, _ := h.Gate(); wait != 0 {
		t.Fatalf("after the pause Gate() waits %v, want the probe to pass", wait)
	}
	if wait, _ := h.Gate(); wait == 0 {
		t.Fatal("a second request passed while the probe was under way")
	}
	h.Success()
	for range 3 {
		if wait, dead := h.Gate(); wait != 0 || dead {
			t.Fatalf("after the probe's success Gate() = %v, %v", wait, dead)
		}
	}
}

func TestBreakerDeclaresAMirrorDeadWhenEveryProbeFails(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := newHealth(defaultPause, maxTrips, c.now)
	for range tripAfter {
		h.Failed(broken(), false)
	}
	var pauses []time.Duration
	for range 10 {
		wait, dead := h.Gate()
		if dead {
			break
		}
		if wait > 0 {
			pauses = append(pauses, wait)
			c.advance(wait)
			continue
		}
		h.Failed(broken(), false)
	}
	if _, dead := h.Gate(); !dead {
		t.Fatal("the mirror is not dead")
	}
	if len(pauses) != maxTrips-1 || pauses[1] != 2*pauses[0] {
		t.Errorf("pauses %v, want %d, each twice the one before", pauses, maxTrips-1)
	}
	if h.Last() != failure.Refused {
		t.Errorf("Last() = %q, want %q", h.Last(), failure.Refused)
	}
}

func TestRequestsThatFailTogetherTakeAMirrorOutOnce(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := newHealth(defaultPause, maxTrips, c.now)
	for range 10 * tripAfter {
		h.Failed(broken(), false)
	}
	if wait, dead := h.Gate(); wait != defaultPause || dead {
		t.Errorf("Gate() = %v, %v; want %v, false", wait, dead, defaultPause)
	}
}

func TestRetryAfterHoldsAMirrorBackWithoutTakingItOut(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := newHealth(defaultPause, maxTrips, c.now)
	for range 2 * tripAfter {
		h.Failed(&failure.Error{Class: failure.Throttled, RetryAfter: 3000}, true)
	}
	if wait, dead := h.Gate(); wait != 3*time.Second || dead {
		t.Fatalf("Gate() = %v, %v; want 3s, false", wait, dead)
	}
	c.advance(3 * time.Second)
	if wait, dead := h.Gate(); wait != 0 || dead {
		t.Fatalf("after the wait Gate() = %v, %v; want an open gate", wait, dead)
	}
}

func TestAMirrorThatRespondsWithErrorsIsShunnedButNotTakenOut(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := newHealth(defaultPause, maxTrips, c.now)
	for range 100 {
		h.Failed(&failure.Error{Class: failure.ServerError, Status: 504}, true)
	}
	if wait, dead := h.Gate(); wait != 0 || dead {
		t.Fatalf("Gate() = %v, %v; want an open gate", wait, dead)
	}
	if !h.Out() {
		t.Error("Out() = false: others would not be preferred")
	}
	h.Success()
	if h.Out() {
		t.Error("Out() = true after a success")
	}
}

func TestRetryAfterIsBounded(t *testing.T) {
	t.Parallel()
	h := newHealth(defaultPause, maxTrips, newClock().now)
	h.Failed(&failure.Error{Class: failure.Throttled, RetryAfter: 86_400_000}, true)
	if wait, _ := h.Gate(); wait != maxRetryAfter {
		t.Errorf("Gate() waits %v, want %v", wait, maxRetryAfter)
	}
}

func TestOthersAreAskedBeforeASuspectMirrorButItIsNotHeldBack(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := newHealth(defaultPause, maxTrips, c.now)
	h.Suspect(failure.ConnectTimeout)
	if !h.Out() {
		t.Error("Out() = false for a suspect mirror")
	}
	if wait, dead := h.Gate(); wait != 0 || dead {
		t.Errorf("Gate() = %v, %v; want an open gate: it may be the only mirror", wait, dead)
	}
	c.advance(defaultPause)
	if h.Out() {
		t.Error("Out() = true when the pause is over")
	}
}

func TestP95NeedsEnoughSamplesAndForgetsOldOnes(t *testing.T) {
	t.Parallel()
	h := newHealth(defaultPause, maxTrips, newClock().now)
	for range enough - 1 {
		h.waitedFor(time.Second)
	}
	if _, ok := h.P95(); ok {
		t.Fatalf("P95 known after %d samples", enough-1)
	}
	for range 2 * samples {
		h.waitedFor(10 * time.Millisecond)
	}
	if got, ok := h.P95(); !ok || got != 10*time.Millisecond {
		t.Errorf("P95() = %v, %v; want 10ms: the old seconds are forgotten", got, ok)
	}
}

// A relay stays, and so may an outage: whoever is back is asked again.
func TestAMirrorOfAProgramThatStaysIsNeverDead(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := newHealth(defaultPause, -1, c.now)
	for range tripAfter {
		h.Failed(broken(), false)
	}
	var longest time.Duration
	for range 1000 {
		wait, dead := h.Gate()
		if dead {
			t.Fatal("the mirror is dead")
		}
		longest = max(longest, wait)
		c.advance(wait)
		if wait, _ := h.Gate(); wait != 0 {
			t.Fatalf("after its pause Gate() waits %v, want the probe to pass", wait)
		}
		if wait, _ := h.Gate(); wait == 0 {
			t.Fatal("a second request passed while the probe was under way")
		}
		h.Failed(broken(), false)
	}
	if longest != maxPause {
		t.Errorf("the longest pause is %v, want %v", longest, maxPause)
	}
	c.advance(maxPause)
	h.Gate()
	h.Success()
	if wait, dead := h.Gate(); wait != 0 || dead || h.Out() {
		t.Errorf("after a success Gate() = %v, %v, out %v", wait, dead, h.Out())
	}
}
