package mirror

import "time"

// ProbeLimit is the cause with which the limit of WithLimit ends a probe, for
// tests that end one when something has happened rather than at a time.
var ProbeLimit = operationLimit(time.Second, "--probe-timeout")

// Limit is the number of requests allowed at a time now.
func (l *Limiter) Limit() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit
}

// SetClock has dates compared with another time than now. No request may be under
// way.
func (h *Health) SetClock(now func() time.Time) { h.now = now }
