package mirror

import (
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/modferry/modferry/internal/failure"
)

// The circuit breaker. So many requests in a row that get no response at all
// take a mirror out for a while; then one request is let through as a probe,
// and its success lets the mirror back. Out for the maxTrips-th time in a row
// it counts as dead. With the defaults that takes 15 seconds, which most
// restarts and failovers are over in.
//
// A mirror that responds, if only with errors, is never taken out: some answer
// every first request for a module with 504 while they fetch it themselves.
// After as many failures in a row it is shunned: others are asked first.
const (
	tripAfter    = 8
	defaultPause = time.Second // doubled every further time
	maxTrips     = 5
	maxPause     = time.Minute // of a mirror that never counts as dead
)

// maxRetryAfter bounds how long a server may make us wait. A mirror that asks
// for more is as good as down.
const maxRetryAfter = time.Minute

// samples is how many first-byte times the percentile is taken from, and
// enough how many it needs to mean something.
const (
	samples = 64
	enough  = 16
)

// Health is what requests tell of a mirror: its circuit breaker, its waiting
// times, and the counts of the report. It is safe for concurrent use.
type Health struct {
	now      func() time.Time
	pause    time.Duration
	maxTrips int // < 0: it never counts as dead

	mu          sync.Mutex
	row         int       // failures in a row
	trips       int       // times taken out since the last success
	outUntil    time.Time // taken out until then
	errors      int       // failed responses in a row
	shunned     int       // times shunned since the last success
	shunUntil   time.Time // others are preferred until then
	probing     bool      // a probe of a mirror that was taken out is under way
	holdUntil   time.Time // asked to wait until then (Retry-After)
	last        failure.Class
	responded   time.Time       // when a response last began
	firsts      []time.Duration // ring of waits for a first byte
	next        int
	counts      Counts
	transferred time.Duration
}

// Counts are the totals of a mirror for the report.
type Counts struct {
	Files    int            // files supplied
	Bytes    int64          // bytes of body received, failed attempts included
	Failures int            // attempts that failed
	Codes    map[string]int // HTTP status → responses
	BPS      float64        // bytes per second of body transfer, 0 unknown
}

func newHealth(pause time.Duration, trips int, now func() time.Time) *Health {
	return &Health{now: now, pause: pause, maxTrips: trips, counts: Counts{Codes: map[string]int{}}}
}

// Gate says whether a request may be made now. If not, it says how long to
// wait before asking again, and whether the mirror is dead: then waiting is of
// no use.
func (h *Health) Gate() (wait time.Duration, dead bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	if h.dead() {
		return 0, true
	}
	if d := h.holdUntil.Sub(now); d > 0 {
		return d, false
	}
	if h.trips == 0 {
		return 0, false
	}
	if d := h.outUntil.Sub(now); d > 0 {
		return d, false
	}
	if h.probing {
		return 50 * time.Millisecond, false
	}
	h.probing = true
	return 0, false
}

// Out reports whether others should be asked first: the mirror is taken out or
// shunned, or asked us to wait. It does not claim the probe as Gate does.
func (h *Health) Out() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.probing || h.down()
}

// Down is Out but for the probe of a mirror that was taken out: whoever was let
// through as that probe goes on.
func (h *Health) Down() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.down()
}

func (h *Health) dead() bool { return h.maxTrips >= 0 && h.trips >= h.maxTrips }

func (h *Health) down() bool {
	now := h.now()
	return h.dead() || h.outUntil.After(now) || h.holdUntil.After(now) || h.shunUntil.After(now)
}

// Success notes a file, or an answer as good as one (a 404 is): the mirror
// works.
func (h *Health) Success() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.row, h.trips, h.probing, h.last = 0, 0, false, ""
	h.errors, h.shunned = 0, 0
	h.outUntil, h.shunUntil = time.Time{}, time.Time{}
}

// Failed notes a failed attempt. responded says that there was a response, if
// a wrong one.
func (h *Health) Failed(e *failure.Error, responded bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	h.counts.Failures++
	h.last = e.Class
	if e.RetryAfter > 0 {
		h.holdUntil = now.Add(min(time.Duration(e.RetryAfter)*time.Millisecond, maxRetryAfter))
	}
	if e.Class == failure.Throttled && e.RetryAfter == 0 {
		h.holdUntil = now.Add(h.pause)
	}
	if responded {
		h.row, h.trips, h.probing = 0, 0, false
		if h.errors++; h.errors >= tripAfter {
			h.errors = 0
			h.shunUntil = now.Add(h.pause << min(h.shunned, maxTrips))
			h.shunned++
		}
		return
	}
	if h.outUntil.After(now) {
		return // was under way when the mirror was taken out: the same outage
	}
	if h.row++; h.probing || h.row >= tripAfter {
		h.probing, h.row = false, 0
		pause := h.pause << min(h.trips, maxTrips)
		if h.maxTrips < 0 {
			pause = min(h.pause<<min(h.trips, 10), maxPause)
		}
		h.outUntil = now.Add(pause)
		h.trips++
	}
}

// Dropped notes that an attempt was given up by us, which says nothing about
// the mirror.
func (h *Health) Dropped() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.probing = false
}

// Suspect shuns the mirror from the start, because the preflight found it
// failing: others are asked first.
func (h *Health) Suspect(c failure.Class) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.shunned = c, 1
	h.shunUntil = h.now().Add(h.pause)
}

// Last is the class of the last failure since the last success.
func (h *Health) Last() failure.Class {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

func (h *Health) waitedFor(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.responded = h.now()
	if len(h.firsts) < samples {
		h.firsts = append(h.firsts, d)
		return
	}
	h.firsts[h.next%samples] = d
	h.next++
}

// Silent reports whether no response began since a time.
func (h *Health) Silent(since time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.responded.After(since)
}

// P95 is the 95th percentile of the last first-byte times, and false while too
// few are known.
func (h *Health) P95() (time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.firsts) < enough {
		return 0, false
	}
	s := slices.Clone(h.firsts)
	slices.Sort(s)
	return s[len(s)*95/100], true
}

// Received notes body bytes and how long they took to arrive.
func (h *Health) Received(n int64, d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts.Bytes += n
	h.transferred += d
}

// Supplied notes a file that was verified and kept.
func (h *Health) Supplied() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts.Files++
}

func (h *Health) status(code int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts.Codes[strconv.Itoa(code)]++
}

// Counts returns a copy of the totals so far.
func (h *Health) Counts() Counts {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.counts
	c.Codes = maps.Clone(h.counts.Codes)
	if s := h.transferred.Seconds(); s > 0 {
		c.BPS = float64(c.Bytes) / s
	}
	return c
}
