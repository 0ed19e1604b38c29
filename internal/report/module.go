package report

import (
	"fmt"

	"github.com/modferry/modferry/internal/failure"
)

// Name is a file of the work list as go.sum calls it, and a list of versions as people do.
func (m Module) Name() string {
	if m.Kind == KindList {
		return failure.Neutral("versions of " + m.Path)
	}
	s := m.Path + "@" + m.Version
	if m.Kind == KindMod {
		s += "/go.mod"
	}
	return failure.Neutral(s)
}

// Failed reports whether m could not be obtained. A source that this version
// does not know is no success.
func (m Module) Failed() bool {
	switch m.Source {
	case FromPresent, FromCache, FromMirror, FromDeferred:
		return false
	}
	return true
}

// Page reports whether m is an answer about versions, no file of a module.
func (m Module) Page() bool {
	switch m.Kind {
	case KindInfo, KindList, KindLatest, KindQuery:
		return true
	}
	return false
}

// Query reports whether m is about which version there is, so of no module yet.
func (m Module) Query() bool { return m.Page() && m.Kind != KindInfo }

// Received is the number of bytes that arrived for m.
func (m Module) Received() int64 {
	if m.Source == FromPresent {
		return 0
	}
	if len(m.Attempts) == 0 {
		return m.Bytes
	}
	var n int64
	for _, a := range m.Attempts {
		n += a.Bytes
	}
	return n
}

// Position is a line of a file of the checkout, "" when there is no file.
func Position(file string, line int) string {
	s := failure.Neutral(file)
	if s != "" && line > 0 {
		s += fmt.Sprintf(":%d", line)
	}
	return s
}
