package report

import (
	"fmt"
	"slices"

	"github.com/modferry/modferry/internal/failure"
)

// Trouble is a kind of failed attempts at one mirror.
type Trouble struct {
	Mirror string
	Class  failure.Class
	Status int
}

// String is "server error (HTTP 503)".
func (x Trouble) String() string {
	if x.Status != 0 && x.Status != 200 && x.Status != 206 {
		return fmt.Sprintf("%s (HTTP %d)", x.Class.Title(), x.Status)
	}
	return x.Class.Title()
}

// Serious reports whether a trouble is worth naming the modules for, even
// though another attempt brought the file: wrong bytes were offered.
func (x Trouble) Serious() bool {
	switch x.Class {
	case failure.HashMismatch, failure.UnsafeZip, failure.TooLarge:
		return true
	}
	return false
}

// Trouble is the trouble that a failed module is filed under: its class at
// the mirror that met it last.
func (m Module) Trouble() Trouble {
	x := Trouble{Class: m.Class, Mirror: m.Mirror}
	if x.Class == "" {
		x.Class = failure.Unknown
	}
	for _, a := range slices.Backward(m.Attempts) {
		if a.Class == m.Class {
			return a.Trouble()
		}
	}
	return x
}

// Trouble is the kind of failure that a was; its class is "" when it brought the
// file.
func (a Attempt) Trouble() Trouble { return Trouble{a.Mirror, a.Class, a.Status} }
