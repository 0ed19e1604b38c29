// Package storetest is the suite of behaviours that every store passes,
// whatever it stores in. Its main invariant: it judges a store through the
// store's methods alone, so that what it demands is what users may rely on.
//
// A store's own test needs one line:
//
//	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t) }, storetest.Options{})
//
// and fills Options where its server can do less, or can be broken on purpose.
package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/store"
)

// Store is what every store can do. All methods are safe for concurrent use.
// Errors are those of package store (wrapped or not), *failure.Error or the
// context's.
type Store interface {
	// Find returns the entry with that name, else the newest whose name begins
	// with prefixes[0], else with prefixes[1] and so on, else
	// store.ErrNotFound. The name may be "": then only prefixes count.
	Find(ctx context.Context, name string, prefixes ...string) (store.Entry, error)
	// Open returns the bytes of an entry that Find or List returned. A body
	// that ends early or breaks is an error of Read and never io.EOF.
	// Cancelling ctx unblocks Read; Close stops everything.
	Open(ctx context.Context, e store.Entry) (io.ReadCloser, error)
	// Create calls write at most once, in the caller's goroutine, and makes
	// what it wrote the entry of that name, all or nothing. The error is
	// write's when it failed, store.ErrExists when the name is taken.
	Create(ctx context.Context, name string, write func(w io.Writer) error) error
}

// Lister is what stores have in addition that can be tidied by us. Run tests
// it when the store has it.
type Lister interface {
	// List returns the entries whose name begins with prefix, newest first.
	List(ctx context.Context, prefix string) ([]store.Entry, error)
	// Delete removes an entry; one that is gone already is no error.
	Delete(ctx context.Context, e store.Entry) error
}

// Options say what a store cannot do, and how to break the one under test. The
// zero value is right for a store that can do everything, and tests nothing
// that needs its server broken. Hooks may be called by several tests at once,
// each with its own store.
type Options struct {
	// Large is the size of the large entry in bytes, 0 for 24 MiB. It is
	// generated and compared as a stream. Tests of broken and cancelled
	// streams use a third of it: less than the store reads ahead makes them
	// pointless.
	Large int64

	// FoldsCase: names come back in lower case.
	FoldsCase bool
	// TakesNamesAgain: the server does not mind an entry of the same name, so
	// that there is no ErrExists, and the newest of them may be found.
	TakesNamesAgain bool
	// KeepsFailedNames: after a Create that failed, the name stays taken
	// although there is no entry, for as long as the server likes.
	KeepsFailedNames bool

	// Tick makes some time pass for s. It is called between the creations of
	// two entries of which one is to be the newer. nil: the store's clock
	// distinguishes any two creations in a row.
	Tick func(t *testing.T, s Store)

	// Through opens an empty store of its own whose requests all go through
	// wrap(base), base being the transport that reaches the server. The suite
	// cuts, stalls and breaks them there. A store that waits between attempts
	// must not really wait. nil: the store is not reached over HTTP.
	Through func(t *testing.T, wrap func(base http.RoundTripper) http.RoundTripper) Store

	// Tamper replaces the bytes that the server keeps for e, behind the back
	// of s. nil: that cannot be done.
	Tamper func(t *testing.T, s Store, e store.Entry, data []byte)
	// Lose removes what the server keeps for e, behind the back of s. nil: it
	// is done by Delete, if the store has it.
	Lose func(t *testing.T, s Store, e store.Entry)
}

// Run runs the suite as parallel subtests of t. open opens a store for one of
// them: empty, or one whose names are never used twice; the suite uses other
// names in every subtest. What open starts ends with its t (t.Cleanup).
func Run(t *testing.T, open func(t *testing.T) Store, o Options) {
	t.Helper()
	run(t, open, o, 10*time.Second)
}

// run waits so long for goroutines that have to end.
func run(t *testing.T, open func(t *testing.T) Store, o Options, patience time.Duration) {
	t.Helper()
	if o.Large == 0 {
		o.Large = 24 << 20
	}
	for _, group := range [][]behaviour{finding, creating, reading, tidying, breaking} {
		for _, b := range group {
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				b.test(&subject{t, open, o, names(t), patience})
			})
		}
	}
}

// A behaviour is one subtest.
type behaviour struct {
	name string // a sentence
	test func(s *subject)
}

// A subject is the store under one subtest, and what all subtests need.
type subject struct {
	*testing.T
	open     func(t *testing.T) Store
	o        Options
	names    string        // begins those of this subtest's entries
	patience time.Duration // with goroutines that have to end
}

// store opens the store.
func (s *subject) store() Store {
	s.Helper()
	return s.open(s.T)
}

// name is a name that no other subtest uses.
func (s *subject) name(suffix string) string { return s.names + suffix }

// names begins the names of the entries of one subtest.
func names(t *testing.T) string {
	sum := sha256.Sum256([]byte(t.Name()))
	return "t" + hex.EncodeToString(sum[:4]) + "-"
}
