package report

import (
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/goenv"
)

// Exit codes.
const (
	exitOK         = 0
	exitIncomplete = 1
	exitSettings   = 2
	exitIntegrity  = 3
)

// ExitCode returns the exit code of a run with this outcome. An outcome that
// this version does not know is no success: 1. What keeps the go command from
// working is none of these failures: the next command may be the one that
// mends it, such as go mod tidy.
func (o Outcome) ExitCode() int {
	switch o {
	case OK, NotReady:
		return exitOK
	case Settings:
		return exitSettings
	case Integrity:
		return exitIntegrity
	default:
		return exitIncomplete
	}
}

// Judge takes the word ok from a run after which the go command will fail: one
// of its findings is an error. Whoever adds findings to a result judges it then.
func Judge(r *Result) {
	if r.Outcome != OK || r.Interrupted {
		return
	}
	var first *goenv.Finding
	more := -1
	for i, f := range r.Findings {
		if f.Severity != goenv.SevError {
			continue
		}
		if more++; first == nil {
			first = &r.Findings[i]
		}
	}
	if first == nil {
		return
	}
	r.Outcome = NotReady
	message := "the go command will fail: " + strings.TrimSpace(position(first.File, first.Line)+" "+first.Found) + ": " + first.Title()
	if first.File == "" {
		message = "the go command will fail: " + strings.TrimSpace(first.Setting+" "+first.Found) + ": " + first.Title()
	}
	if more > 0 {
		message += fmt.Sprintf(" (and %s more)", count(more, "error"))
	}
	r.Message = strings.TrimSuffix(message+"; "+r.Message, "; ")
}

// Aggregate computes r.Totals from r.Modules: the entries, how many have which
// source, and the bytes received for them, those of failed attempts and of the
// cache included. The duration is left alone: only the run knows it.
func Aggregate(r *Result) {
	t := Totals{Modules: len(r.Modules), MS: r.Totals.MS, BySource: map[string]int{}}
	for _, m := range r.Modules {
		t.BySource[m.Source]++
		t.Bytes += received(m)
	}
	r.Totals = t
}

// received is the number of bytes that arrived for m.
func received(m Module) int64 {
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
