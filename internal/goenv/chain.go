// Package goenv knows what the go command does with its module settings:
// GOPROXY, GOSUMDB, GOPRIVATE and their relatives. It resolves them with
// their provenance (Load), parses them (ParseProxy, ParseSumDB,
// MatchPatterns), renders them, and names the traps in them (Check).
//
// Its invariant: the answer is the go command's answer, quirks included.
// Where a value cannot mean what its author intended, the package says so in
// a Finding; it never reads the value differently. It is pure (files and
// variables come through Host) and its errors and findings hold no
// credentials.
package goenv

import (
	"strings"

	"github.com/modferry/modferry/internal/settings"
)

// Kind says what an entry of a GOPROXY list is.
type Kind int

// The kinds of entries.
const (
	Mirror Kind = iota // a URL
	Direct             // the keyword direct: version control
	Off                // the keyword off: no further source
)

// Separator is what stands after an entry of a GOPROXY list and so decides
// which failures fall back to the next entry (cmd/go modfetch/proxy.go,
// TryProxies).
type Separator byte

// The separators.
const (
	End   Separator = 0   // nothing follows
	Comma Separator = ',' // only 404 and 410 fall back
	Pipe  Separator = '|' // every failure of the transfer falls back
)

// Entry is one element of a chain.
type Entry struct {
	Kind Kind
	URL  string    // of a Mirror: absolute, without trailing slash, credentials included; else ""
	Raw  string    // as written, blanks trimmed
	Sep  Separator // after this entry
}

// Chain is the ordered mirrors with their separators, as the go command reads
// a GOPROXY value. Nothing follows a Direct or Off entry.
type Chain []Entry

// String renders the chain as a GOPROXY value that the go command reads as
// this chain. It contains the credentials: for the go command only, never for
// output. An entry that is followed by another but has no separator gets a
// comma, the separator that asks less of others.
func (c Chain) String() string {
	var b strings.Builder
	for i, e := range c {
		b.WriteString(e.text())
		if i == len(c)-1 {
			break
		}
		if e.Sep == Pipe {
			b.WriteByte(byte(Pipe))
		} else {
			b.WriteByte(byte(Comma))
		}
	}
	return b.String()
}

// Redacted renders the chain like String, without credentials.
func (c Chain) Redacted() string { return settings.Redact(c.String()) }

// Mirrors returns the entries that are mirrors, in order; nil when there are
// none.
func (c Chain) Mirrors() []Entry {
	var mirrors []Entry
	for _, e := range c {
		if e.Kind == Mirror {
			mirrors = append(mirrors, e)
		}
	}
	return mirrors
}

// hasDirect reports whether the chain ends in direct, that is, whether the go
// command may turn to version control for a module that no mirror has.
func (c Chain) hasDirect() bool {
	return len(c) > 0 && c[len(c)-1].Kind == Direct
}

func (e Entry) text() string {
	switch e.Kind {
	case Direct:
		return keywordDirect
	case Off:
		return keywordOff
	default:
		return e.URL
	}
}
