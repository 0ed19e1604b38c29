package gha

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/modferry/modferry/internal/store"
)

// rights are what the job is told that it may do. The service has the last
// word; they save packing what it would refuse.
type rights struct {
	noRead, noWrite string // why not, "" when it may
}

// rightsOf reads the cache mode of the job (from the workflow's "cache-mode")
// and the token.
func rightsOf(mode, token string) rights {
	var r rights
	mode = strings.ToLower(strings.TrimSpace(mode))
	why := fmt.Sprintf("the job's cache mode is %q", mode)
	switch mode { // every other value allows all, as in the official client
	case "none":
		r.noRead, r.noWrite = why, why
	case "read":
		r.noWrite = why
	case "write-only":
		r.noRead = why
	}
	if r.noWrite == "" && !writable(token) {
		r.noWrite = "the job's token may only read, as is usual for events that others can trigger"
	}
	return r
}

// read is the error of reading, nil when it is allowed. What may not be read
// is not there.
func (r rights) read() error {
	if r.noRead == "" {
		return nil
	}
	return &refusal{op: "look up", is: []error{store.ErrDenied, store.ErrNotFound}, detail: r.noRead}
}

func (r rights) write() error {
	if r.noWrite == "" {
		return nil
	}
	return &refusal{op: "save", is: []error{store.ErrDenied}, detail: r.noWrite}
}

// mayWrite is the bit of a scope's permission in the token; bit 1 is reading,
// which act's and Gitea's tokens do not have although they may.
const mayWrite = 2

// writable reports whether the runtime token may write: a JWT whose claim "ac"
// is a string with JSON, as [{"Scope":"refs/heads/main","Permission":3}]. What
// says nothing about it may.
func writable(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return true
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return true
	}
	var claims struct {
		AC string `json:"ac"`
	}
	var scopes []struct{ Permission int }
	if json.Unmarshal(payload, &claims) != nil || json.Unmarshal([]byte(claims.AC), &scopes) != nil || len(scopes) == 0 {
		return true
	}
	for _, s := range scopes {
		if s.Permission&mayWrite != 0 {
			return true
		}
	}
	return false
}

// refusal is an answer of the service that is information rather than a
// failure.
type refusal struct {
	op     string
	is     []error // of package store, the one to show first
	detail string  // "" or neutral
}

func (r *refusal) Error() string {
	s := r.op + ": " + r.is[0].Error()
	if r.detail != "" {
		s += ": " + r.detail
	}
	return s
}

func (r *refusal) Unwrap() []error { return r.is }
