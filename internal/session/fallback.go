package session

import (
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
)

// Fallback says which failures of a mirror pass on to the next one.
type Fallback string

// The fallback policies.
const (
	// FallbackPolicy lets every failure of a mirror of the public catalogue
	// pass on and obeys the user's separator after any other: a refusal by a
	// company's gatekeeper behind a comma is its policy, and asking elsewhere
	// would tell others the names it refused.
	FallbackPolicy Fallback = "policy"
	// FallbackAsWritten obeys every separator, as the go command does.
	FallbackAsWritten Fallback = "as-written"
	// FallbackAny lets every failure pass on.
	FallbackAny Fallback = "any"
)

// Separator returns the separator that a mirror effectively has: what stands
// after it in the chain that the go command is given.
func (f Fallback) Separator(written goenv.Separator, public bool) goenv.Separator {
	if written == goenv.End {
		return goenv.End
	}
	if f == FallbackAny || (f != FallbackAsWritten && public) {
		return goenv.Pipe
	}
	return written
}

// passes reports whether a failure passes on behind an Effective separator:
// after a comma 404 and 410, after a pipe everything
// (cmd/go/internal/modfetch/proxy.go: TryProxies). Unlike the go command it
// lets wrong content pass a pipe, too: another mirror may have the right
// bytes, and the hash decides.
func passes(sep goenv.Separator, c failure.Class) bool {
	return c == failure.NotFound || c == failure.Gone || sep == goenv.Pipe
}
