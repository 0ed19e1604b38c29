package session

import (
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
)

func TestWhatPassesOnBehindAMirror(t *testing.T) {
	t.Parallel()
	const no, yes = false, true
	for _, test := range []struct {
		name     string
		fallback Fallback
		written  goenv.Separator
		public   bool
		class    failure.Class
		want     bool
	}{
		{"a 404 passes a gatekeeper's comma", FallbackPolicy, goenv.Comma, no, failure.NotFound, yes},
		{"a 410 passes a gatekeeper's comma", FallbackPolicy, goenv.Comma, no, failure.Gone, yes},
		{"a gatekeeper's 403 behind a comma stays", FallbackPolicy, goenv.Comma, no, failure.Forbidden, no},
		{"a gatekeeper's 401 behind a comma stays", FallbackPolicy, goenv.Comma, no, failure.Unauthorized, no},
		{"a gatekeeper's dead connection behind a comma stays", FallbackPolicy, goenv.Comma, no, failure.Refused, no},
		{"a gatekeeper's 403 passes its pipe", FallbackPolicy, goenv.Pipe, no, failure.Forbidden, yes},
		{"a public mirror's 403 passes its comma", FallbackPolicy, goenv.Comma, yes, failure.Forbidden, yes},
		{"a public mirror's timeout passes its comma", FallbackPolicy, goenv.Comma, yes, failure.ConnectTimeout, yes},
		{"wrong bytes pass a public mirror", FallbackPolicy, goenv.Comma, yes, failure.HashMismatch, yes},
		{"wrong bytes stay with a gatekeeper's comma", FallbackPolicy, goenv.Comma, no, failure.HashMismatch, no},
		{"as-written keeps a public mirror's 503 behind its comma", FallbackAsWritten, goenv.Comma, yes, failure.ServerError, no},
		{"as-written lets a 503 pass a pipe", FallbackAsWritten, goenv.Pipe, no, failure.ServerError, yes},
		{"any lets a gatekeeper's 403 pass", FallbackAny, goenv.Comma, no, failure.Forbidden, yes},
		{"nothing but a 404 passes the end of the list", FallbackAny, goenv.End, yes, failure.ServerError, no},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := passes(test.fallback.Separator(test.written, test.public), test.class); got != test.want {
				t.Errorf("passes = %v, want %v", got, test.want)
			}
		})
	}
}
