package forge

import (
	"errors"
	"fmt"
	"slices"

	"github.com/modferry/modferry/internal/failure"
)

// Refusal is an answer of a REST API that is not success.
type Refusal struct {
	Status int    // of HTTP
	Text   string // what the server said, neutral and without secrets; "" for nothing
}

// Error implements error.
func (e *Refusal) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("HTTP %d", e.Status)
	}
	return fmt.Sprintf("HTTP %d: %s", e.Status, e.Text)
}

// IsRefusal reports whether an error is a refusal with one of these statuses.
func IsRefusal(err error, statuses ...int) bool {
	var no *Refusal
	return errors.As(err, &no) && slices.Contains(statuses, no.Status)
}

// Meanings is what a Refusal means by its status. A status that is not listed
// speaks for itself.
type Meanings map[int]string

// Because says in a sentence why something could not be published.
func (m Meanings) Because(what string, err error) string {
	var no *Refusal
	if !errors.As(err, &no) {
		return what + ": " + failure.As(err).Error()
	}
	if meaning := m[no.Status]; meaning != "" {
		return what + ": " + meaning + " (" + no.Error() + ")"
	}
	return what + ": " + no.Error()
}
