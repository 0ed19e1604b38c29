package gha

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/httpx"
	"github.com/modferry/modferry/internal/secret"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/ranged"
)

// Options configure a Store.
type Options struct {
	// Getenv returns an environment variable, "" when it is not set; nil means
	// that none is.
	Getenv func(name string) string
	// Transport sends the requests; nil means http.DefaultTransport. It should
	// keep Parallel idle connections to a host.
	Transport http.RoundTripper
	// Protocol is "v1" or "v2"; "" finds out from the environment.
	Protocol string
	// UserAgent of every request; "" means "modferry".
	UserAgent string

	// Mask is called with every secret as soon as it is seen, once for each:
	// the runtime token, signed URLs and their signatures, raw and URL-encoded.
	// It may be called by several goroutines at once.
	Mask func(secret string)
	// Secrets learns what Mask is told, and hides it in errors and lines of Log;
	// nil means a set of the store's own.
	Secrets *secret.Set
	// Log takes a line about what is waited for or tried again; nil discards
	// them. It may be called by several goroutines at once.
	Log func(line string)

	// Sleep waits between attempts, or returns an error when ctx ends; nil
	// waits in real time.
	Sleep func(ctx context.Context, d time.Duration) error
	// Rand returns numbers in [0, 1) that spread attempts; nil means chance.
	Rand func() float64
	// Budget is the most time that one call waits for a service that is busy,
	// failing or silent, 0 means 20 s. What Open returned is part of the call.
	Budget time.Duration
	// FirstByte is how long a connection, and then a response, may take to
	// come, 0 means 15 s. It begins anew whenever a part of a request is taken
	// to be sent; what the system then holds of it adds a second for every
	// 64 KiB of the request.
	FirstByte time.Duration

	// Parallel is the number of requests at a time of one call, 0 means 8.
	Parallel int
	// Segment is the most that one request downloads, in bytes, 0 means 2 MiB.
	// One and a half times Parallel of them may be in memory.
	Segment int
	// Block is what one request uploads, in bytes, 0 means 4 MiB. Parallel and
	// one of them may be in memory.
	Block int
}

// The defaults. At 8 requests at a time and 30 ms until the first byte, 2 MiB
// segments keep a gigabit busy; 4 MiB blocks let an entry grow to 195 GiB
// (Azure takes 50,000 of them).
const (
	defaultBudget    = 20 * time.Second
	defaultFirstByte = 15 * time.Second
	defaultParallel  = 8
	defaultSegment   = 2 << 20
	defaultBlock     = 4 << 20
)

// version separates our entries from those of other tools: the SHA-256 of
// "modferry cache format 1".
const version = "9ff98f272e2a1902b2c66a0a2ece82ee410d9a450c070a4992abfb86140515b6"

// maxKeys is how many keys one question may hold: the service takes ten, and
// v2 gets the first one twice. That a key has at most 512 characters and no
// comma, store.CheckName sees to.
const maxKeys = 9

// Store is the cache service as a job sees it. Its methods are safe for
// concurrent use. It has no List and no Delete: a job's token may do neither.
type Store struct {
	o       Options
	client  *http.Client
	secrets *secrets
	place   place
	rights  rights
	service service
}

// A service is one of the two protocols. Errors are as in package store.
type service interface {
	// find returns the entry for the first of keys that there is one for, as
	// the service sees it: each key is a whole key or a prefix.
	find(ctx context.Context, p *patience, keys []string) (store.Entry, error)
	// reserve takes a name for an entry that is about to be written.
	reserve(ctx context.Context, p *patience, name string) (reservation, error)
}

// A reservation is a name that is ours, without bytes so far. Its methods try
// again what may pass.
type reservation interface {
	// whole takes all bytes of an entry that fits into one block.
	whole(ctx context.Context, data []byte) error
	// part takes the bytes at offset; index counts the parts from 0. It may be
	// called by several goroutines at once. It reports whether data is free:
	// the transport may go on reading it after the answer came.
	part(ctx context.Context, index int, offset int64, data []byte) (free bool, err error)
	// commit makes the entry visible. The number of parts is 0 after whole.
	commit(ctx context.Context, parts int, size int64) error
}

// Open finds the service that the environment leads to. Nothing is sent. Its
// error wraps store.ErrUnavailable when there is none, and then says which
// variable is missing and why.
func Open(o Options) (*Store, error) {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	place, err := choose(o.Getenv, o.Protocol)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	s := &Store{o: o, place: place, secrets: newSecrets(o.Mask, o.Secrets)}
	s.secrets.add(place.token)
	s.secrets.addPath(place.base)
	s.rights = rightsOf(o.Getenv(varMode), place.token)
	s.client = &http.Client{CheckRedirect: checkRedirect,
		Transport: &httpx.Limited{Base: o.Transport, Limits: s.limits, Agent: o.UserAgent}}
	switch place.protocol {
	case protocolV1:
		s.service = v1{s}
	default:
		s.service = v2{s}
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	o.Parallel = cmp.Or(o.Parallel, defaultParallel)
	o.Segment = cmp.Or(o.Segment, defaultSegment)
	o.Block = cmp.Or(o.Block, defaultBlock)
	o.Budget = cmp.Or(o.Budget, defaultBudget)
	o.FirstByte = cmp.Or(o.FirstByte, defaultFirstByte)
	o.UserAgent = cmp.Or(o.UserAgent, "modferry")
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	return o
}

// String names the service without secrets, e.g. "gha:v2 at https://HOST".
func (s *Store) String() string { return "gha:" + s.place.protocol + " at " + origin(s.place.base) }

// Find returns the entry with that name, else the newest whose name begins
// with prefixes[0], else with prefixes[1] and so on, else store.ErrNotFound.
// The name may be "": then only prefixes count. Without the right to read the
// error is both store.ErrNotFound and store.ErrDenied. The size of an entry is
// not known before it is opened.
func (s *Store) Find(ctx context.Context, name string, prefixes ...string) (store.Entry, error) {
	keys := prefixes
	if name != "" {
		keys = append([]string{name}, prefixes...)
	}
	if len(keys) == 0 {
		return store.Entry{}, store.ErrNotFound
	}
	if err := checkKeys(keys); err != nil {
		return store.Entry{}, err
	}
	if err := s.rights.read(); err != nil {
		return store.Entry{}, err
	}
	p := s.patience()
	e, err := s.service.find(ctx, p, keys)
	if err != nil {
		return store.Entry{}, err
	}
	if name != "" && strings.EqualFold(e.Name, name) {
		e.Name = name // act turns names into lower case
		return e, nil
	}
	if name != "" && hasPrefix(e.Name, name) {
		// The service takes the name as a prefix, too. What it found that way
		// is not what was asked for.
		if len(prefixes) == 0 {
			return store.Entry{}, store.ErrNotFound
		}
		if e, err = s.service.find(ctx, p, prefixes); err != nil {
			return store.Entry{}, err
		}
	}
	for _, prefix := range prefixes {
		if strings.EqualFold(e.Name, prefix) {
			e.Name = prefix
		}
		if hasPrefix(e.Name, prefix) {
			return e, nil
		}
	}
	return store.Entry{}, s.fail(failure.WrongContent, "look up "+keys[0], s.place.base,
		fmt.Errorf("found the entry %q, which was not asked for", e.Name))
}

// hasPrefix reports whether a key begins with a prefix as the service compares
// them: regardless of case.
func hasPrefix(key, prefix string) bool {
	return len(key) >= len(prefix) && strings.EqualFold(key[:len(prefix)], prefix)
}

func checkKeys(keys []string) error {
	if len(keys) > maxKeys {
		return fmt.Errorf("look up %d names: the cache service takes at most %d at a time", len(keys), maxKeys)
	}
	for _, k := range keys {
		if err := store.CheckName(k); err != nil {
			return err
		}
	}
	return nil
}

// Open returns the bytes of an entry that Find returned. An entry that is gone
// is store.ErrNotFound, here or in Read. Cancelling ctx unblocks Read. Close
// ends everything that was started; it may be called while Read waits.
func (s *Store) Open(ctx context.Context, e store.Entry) (io.ReadCloser, error) {
	if err := s.rights.read(); err != nil {
		return nil, err
	}
	return s.open(ctx, e)
}

// Create makes the entry name of what write writes. write is called at most
// once, in the caller's goroutine, and not at all when the name is taken
// (store.ErrExists) or this job may not write (store.ErrDenied). The entry is
// visible once Create returned nil. When write fails, its error comes back and
// nothing is visible; GitHub keeps the name reserved for a while all the same.
func (s *Store) Create(ctx context.Context, name string, write func(w io.Writer) error) error {
	if err := store.CheckName(name); err != nil {
		return err
	}
	if err := s.rights.write(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return s.ended(ctx, "save "+name)
	}
	p := s.patience()
	r, err := s.service.reserve(ctx, p, name)
	if err != nil {
		return err
	}
	w := ranged.NewWriter(ctx, ranged.WriterOptions{Block: s.o.Block, Lanes: s.o.Parallel, Send: r.part,
		Fail: func(cause error) error { return s.endedBy(cause, "save "+name) }})
	defer w.Close() // also when write panics
	if err := write(w); err != nil {
		return w.Failed(err)
	}
	whole, parts, size, err := w.Finish()
	if err != nil {
		return err
	}
	if parts == 0 {
		if err := r.whole(ctx, whole); err != nil {
			return err
		}
	}
	p.unknown.Store(false)
	err = r.commit(ctx, parts, size)
	if err != nil && p.unknown.Load() && ctx.Err() == nil {
		// An earlier attempt may have got through without its answer.
		if e, ferr := s.Find(ctx, name); ferr == nil && e.Name == name {
			return nil
		}
	}
	return err
}

func (s *Store) ended(ctx context.Context, op string) error {
	return s.endedBy(context.Cause(ctx), op)
}

// endedBy is the error of a call that ended for a cause; what is a *failure.Error
// already stays what it is.
func (s *Store) endedBy(cause error, op string) error {
	if fe, ok := errors.AsType[*failure.Error](cause); ok {
		return fe
	}
	class := failure.Classify(cause)
	if class == failure.Unknown {
		class = failure.Cancelled // somebody's own cause of a cancellation
	}
	return failure.New(class, op, origin(s.place.base), cause)
}
