// Package finding is what modferry remarks about a configuration, a checkout or a
// machine, and the table of its rules. It is data alone: docs/checks.md is made
// from it, and codes and names, once published, never mean anything else.
package finding

import "slices"

// Severity orders findings by what they do to a build.
type Severity string

// The severities, worst first.
const (
	Error   Severity = "error"   // the go command fails, or does what nobody can have meant
	Warning Severity = "warning" // works, but not the way its author thinks
	Info    Severity = "info"    // worth knowing
)

// Finding is one remark about a configuration or a checkout. It says what was
// found and where, what the go command does with it, and what to write
// instead. Its texts contain no credentials.
type Finding struct {
	Check    string   `json:"check"`             // stable name, e.g. "goproxy-separator"
	Severity Severity `json:"severity"`          //
	Setting  string   `json:"setting,omitempty"` // the variable or file it is about, e.g. "GOPROXY"
	Found    string   `json:"found,omitempty"`   // the offending value or part of it, redacted
	Source   string   `json:"source,omitempty"`  // where it comes from, e.g. "environment"
	File     string   `json:"file,omitempty"`    // slash-separated, relative to the checkout
	Line     int      `json:"line,omitempty"`    // 1-based, 0 when there is no line
	Effect   string   `json:"effect"`            // what the go command does with it, one sentence
	Fix      string   `json:"fix,omitempty"`     // the corrected value or the command to run
}

// Rank is 0 for the worst severity.
func (s Severity) Rank() int {
	return slices.Index([]Severity{Error, Warning, Info}, s)
}
