package storetest

import (
	"bytes"
	"context"
	"runtime/pprof"
	"strings"
	"time"
)

// leavesNothingRunning fails when goroutines that f started, or that those
// started, do not end soon after f. They are told from those of other tests by
// a profiler label, which goroutines inherit. Connections that lie idle in a
// pool of net/http are none of the store's.
func (s *subject) leavesNothingRunning(f func()) {
	s.Helper()
	label := s.Name()
	pprof.Do(s.Context(), pprof.Labels(labelKey, label), func(context.Context) { f() })
	var left []string
	for wait := time.Millisecond; ; wait *= 2 {
		if left = running(label); len(left) == 0 {
			return
		}
		if wait > s.patience {
			break
		}
		<-time.After(wait) // what was told to end may take a moment
	}
	s.Errorf("left running:\n%s", strings.Join(left, "\n\n"))
}

const labelKey = "storetest"

// running returns the stacks of the goroutines with the label.
func running(label string) []string {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return []string{err.Error()}
	}
	var stacks []string
	for stack := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(stack, `"`+labelKey+`":"`+label+`"`) && !idle(stack) {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// idle reports whether a goroutine belongs to a connection of net/http that
// waits for its next request: one that serves a body that nobody closed is
// not in Peek.
func idle(stack string) bool {
	switch {
	case strings.Contains(stack, "http.(*persistConn).writeLoop"), strings.Contains(stack, "http.(*http2ClientConn).readLoop"):
		return true
	case strings.Contains(stack, "http.(*persistConn).readLoop"):
		return strings.Contains(stack, "bufio.(*Reader).Peek")
	}
	return false
}
