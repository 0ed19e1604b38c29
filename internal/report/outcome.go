package report

// Exit codes.
const (
	exitOK         = 0
	exitIncomplete = 1
	exitSettings   = 2
	exitIntegrity  = 3
)

// ExitCode returns the exit code of a run with this outcome. An outcome that
// this version does not know is no success: 1.
func (o Outcome) ExitCode() int {
	switch o {
	case OK:
		return exitOK
	case Settings:
		return exitSettings
	case Integrity:
		return exitIntegrity
	default:
		return exitIncomplete
	}
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
