// Package store holds what the stores have in common: named, immutable entries
// of bytes. The stores are its subpackages: dir (a directory), gha (GitHub's
// cache service) and s3 (an object store).
//
// The main invariant: an entry is there whole or not at all. Nothing in a store
// is believed: whoever opens an entry verifies what it holds. A store knows no
// modules.
//
// Every store is used through the same methods; storetest is the suite that
// each of them passes:
//
//	Find(ctx, name, prefixes...) (Entry, error)   what is there, ErrNotFound
//	Open(ctx, Entry) (io.ReadCloser, error)       its bytes, as a stream
//	Create(ctx, name, write) error                a new entry, all or nothing
//
// and those that can be tidied by us (dir and s3) also have List and Delete.
package store

import (
	"errors"
	"fmt"
	"time"
)

// Entry is one thing in a store.
type Entry struct {
	Name    string
	Size    int64     // in bytes, -1 when the store tells only on Open
	Created time.Time // zero when the store doesn't tell
	Used    time.Time // last use; zero when the store doesn't tell
	// Location is how the store that made the entry finds it again. It may hold
	// a secret (a signed URL) and never enters a message.
	Location string
}

// What a store says when it does not do what was asked; test with errors.Is.
// All other errors of a store are *failure.Error or the context's.
var (
	// ErrNotFound: there is no such entry.
	ErrNotFound = errors.New("not in the store")
	// ErrExists: the name is taken, or somebody is writing it right now. A
	// normal race: what is there is as good.
	ErrExists = errors.New("in the store already")
	// ErrDenied: this job may not do that, e.g. the token is read-only. Normal
	// on pull requests from forks.
	ErrDenied = errors.New("not allowed by the store")
	// ErrUnavailable: the store cannot be used in this place at all, e.g.
	// there is no cache service outside a job.
	ErrUnavailable = errors.New("the store is not available here")
)

// MaxName is the longest name of an entry, in bytes. Names are made of letters,
// digits, ".", "_" and "-", do not begin with a dot, and differ in more than the
// case of letters.
const MaxName = 200

// CheckName reports why a name cannot be an entry's, or nil. A prefix passes
// the same test.
func CheckName(name string) error {
	if name == "" || len(name) > MaxName || name[0] == '.' {
		return fmt.Errorf("entry name %.40q: expected 1 to %d characters and no dot in front", name, MaxName)
	}
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
		default:
			return fmt.Errorf("entry name %.40q: found %q, expected letters, digits, '.', '_' and '-'", name, r)
		}
	}
	return nil
}
