package httpx

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// Trace is what a request is known by across servers, as W3C Trace Context has it
// (https://www.w3.org/TR/trace-context/). The zero value is none.
type Trace struct {
	id    [16]byte
	flags byte
}

// NewTrace begins a trace.
func NewTrace() Trace {
	var t Trace
	rand.Read(t.id[:]) // never fails
	t.flags = 1
	return t
}

// Span is one piece of work within a trace.
type Span [8]byte

// NewSpan begins a piece of work.
func NewSpan() Span {
	var s Span
	rand.Read(s[:])
	return s
}

func (s Span) String() string { return hex.EncodeToString(s[:]) }

// ParseTrace reads a header traceparent. False means that it is none, and that a
// trace is to be begun.
func ParseTrace(parent string) (t Trace, of Span, ok bool) {
	// version-id-span-flags; later versions may append to that.
	if len(parent) < 55 || len(parent) > 55 && (strings.HasPrefix(parent, "00") || parent[55] != '-') {
		return Trace{}, Span{}, false
	}
	parent = parent[:55]
	var version, flags [1]byte
	for _, field := range []struct {
		text string
		to   []byte
	}{{parent[:2], version[:]}, {parent[3:35], t.id[:]}, {parent[36:52], of[:]}, {parent[53:], flags[:]}} {
		if _, err := hex.Decode(field.to, []byte(field.text)); err != nil {
			return Trace{}, Span{}, false
		}
	}
	t.flags = flags[0] & 1
	ok = parent[2] == '-' && parent[35] == '-' && parent[52] == '-' && version[0] != 0xff &&
		parent == strings.ToLower(parent) && t.id != [16]byte{} && of != Span{}
	if !ok {
		return Trace{}, Span{}, false
	}
	return t, of, true
}

// ID is the trace in 32 digits; "" for none.
func (t Trace) ID() string {
	if t.id == [16]byte{} {
		return ""
	}
	return hex.EncodeToString(t.id[:])
}

// Parent is the header traceparent for a request that is a span of the trace.
func (t Trace) Parent(s Span) string {
	b := make([]byte, 0, 55)
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, t.id[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, s[:])
	b = append(b, '-')
	return string(hex.AppendEncode(b, []byte{t.flags}))
}

type traceKey struct{}

// WithTrace has requests that are made for ctx belong to a trace.
func WithTrace(ctx context.Context, t Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceOf is the trace that requests for ctx belong to; none without one.
func TraceOf(ctx context.Context) Trace {
	t, _ := ctx.Value(traceKey{}).(Trace)
	return t
}
