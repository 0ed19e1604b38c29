package fetch_test

import (
	"time"

	"github.com/modferry/modferry/internal/failure"
)

// hasten shortens the limit that a failure class is about, and no other, so that
// a busy machine does not meet another one first.
func (b *bench) hasten(class failure.Class) {
	const soon = time.Second
	switch class {
	case failure.ConnectTimeout:
		b.values.ConnectTimeout = soon
	case failure.TLSTimeout:
		b.values.TLSTimeout = soon
	case failure.FirstByteTimeout:
		b.values.FirstByteTimeout = soon
	case failure.Stall:
		b.values.StallTimeout = soon
	}
}
