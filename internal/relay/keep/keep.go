// Package keep is where a relay keeps zips and go.mod files: a directory of its
// own, laid out as a module cache, and behind it perhaps a store that it shares with
// others.
//
// Its main invariants: nothing is kept that does not have the hash that is known of
// it, and of what nobody knows a hash of, no other bytes than the first are kept. What
// the store has is verified like a download. The directory is never the module cache of
// a go command: that one holds the lock of a version while it waits for the relay.
package keep

import (
	"bytes"
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
)

// Options configure a directory. The zero value works.
type Options struct {
	// Most is how many bytes are kept; 0 means no limit. Beyond it what was not asked
	// for the longest is given up, but nothing that is being read.
	Most int64
	// Shared is the store behind the directory; nil means none.
	Shared Store
	// Log is told what goes wrong with it; nil means nobody is.
	Log func(line string)
}

// Keep is an open directory. It is safe for concurrent use.
type Keep struct {
	*modcache.Cache

	o      Options
	shared *shared // nil for none

	puts sync.RWMutex // held for writing while files are removed

	mu       sync.Mutex
	files    map[key]*file
	order    *list.List     // of *file, the one used last in front
	first    map[key]string // hash → of what nobody knows one
	size     int64          // of the files
	inMemory int64          // of their bodies

	evicted atomic.Int64
}

type key struct {
	v    module.Version
	kind string
}

// Small files are served from memory, as far as there is room for them.
const (
	small     = 64 << 10
	mostSmall = 32 << 20
)

// Open makes a directory below parent, which is created, and removes those that
// processes left there which are gone. The caller closes it, which removes the
// directory. What is open stays readable where the system allows it.
func Open(parent string, o Options) (*Keep, error) {
	c, err := modcache.OpenScratch(parent, "relay-")
	if err != nil {
		return nil, err
	}
	k := &Keep{Cache: c, o: o, files: map[key]*file{}, order: list.New(), first: map[key]string{}}
	if o.Shared != nil {
		k.shared = newShared(k, o.Shared)
	}
	return k, nil
}

// Close gives the store what it was not given yet, as far as that takes no longer than
// a few seconds, and removes the directory. Nobody may ask any more.
func (k *Keep) Close() error {
	if k.shared != nil {
		k.shared.close()
	}
	return k.Cache.Close()
}

// File is a file that is kept. The caller closes it.
type File struct {
	io.ReadSeeker
	H1   string
	ETag string // the digest of the bytes, quoted

	close func() error // nil for one in memory
}

// Close closes the file.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// Open opens a file that is kept with the hash; "" means whatever was kept first.
// The error wraps fs.ErrNotExist when there is none.
func (k *Keep) Open(v module.Version, kind, h1 string) (*File, error) {
	f := k.use(key{v, kind}, h1)
	if f == nil {
		return nil, fmt.Errorf("%s of %s: %w", kind, v, fs.ErrNotExist)
	}
	f.once.Do(func() { f.etag, f.err = k.digest(f) })
	if f.err != nil {
		k.forget(f)
		k.leave(f)
		return nil, f.err
	}
	if f.bytes <= small {
		body, err := k.body(f)
		k.leave(f)
		if err != nil {
			return nil, err
		}
		return &File{ReadSeeker: bytes.NewReader(body), H1: f.h1, ETag: f.etag}, nil
	}
	open, err := k.OpenFile(v, kind)
	if err != nil {
		k.forget(f) // somebody tidied the directory
		k.leave(f)
		return nil, err
	}
	return &File{open, f.h1, f.etag, func() error { k.leave(f); return open.Close() }}, nil
}

// PutZip keeps a zip as modcache.Cache does. With the hash "" any zip is taken that is
// one of the version, but not two different ones. Nothing is extracted.
func (k *Keep) PutZip(ctx context.Context, v module.Version, h1 string, tmp *os.File, o modcache.PutOptions) error {
	o.Extract = false
	of := key{v, report.KindZip}
	h1, err := k.identify(ctx, of, h1, tmp, func() (string, error) { return modcache.HashZip(v, tmp.Name()) })
	if err == nil {
		err = k.put(of, h1, tmp, func() error { return k.Cache.PutZip(ctx, v, h1, tmp, o) })
	}
	return k.settle(ctx, of, err)
}

// PutMod is PutZip for a go.mod.
func (k *Keep) PutMod(ctx context.Context, v module.Version, h1 string, tmp *os.File) error {
	of := key{v, report.KindMod}
	h1, err := k.identify(ctx, of, h1, tmp, func() (string, error) { return modcache.HashMod(v, tmp) })
	if err == nil {
		err = k.put(of, h1, tmp, func() error { return k.Cache.PutMod(ctx, v, h1, tmp) })
	}
	return k.settle(ctx, of, err)
}

// settle makes room after a put, and hands what was put to the store.
func (k *Keep) settle(ctx context.Context, of key, err error) error {
	if err != nil {
		return failure.As(err)
	}
	if k.shared != nil && !fromStore(ctx) {
		k.shared.offer(of)
	}
	k.mu.Lock()
	full := k.o.Most > 0 && k.size > k.o.Most
	k.mu.Unlock()
	if full {
		k.evict(k.o.Most - k.o.Most/10)
	}
	return nil
}

// put places a file that came with tmp.
func (k *Keep) put(of key, h1 string, tmp *os.File, place func() error) error {
	info, err := tmp.Stat()
	if err != nil {
		return discard(tmp, err)
	}
	k.puts.RLock()
	defer k.puts.RUnlock()
	if err := place(); err != nil {
		return err
	}
	k.kept(of, h1, info.Size())
	return nil
}

// identify is the hash that a file must have: the one that is known, else its own if
// it is the first.
func (k *Keep) identify(ctx context.Context, of key, h1 string, tmp *os.File, hash func() (string, error)) (string, error) {
	if h1 != "" {
		return h1, nil
	}
	h1, err := hash()
	if err == nil {
		err = k.isFirst(ctx, of, h1)
	}
	if err != nil {
		return "", discard(tmp, err)
	}
	return h1, nil
}

// mostFirst bounds the memory for hashes that nobody vouches for. The store remembers
// them for good.
const mostFirst = 100_000

// isFirst remembers the hash of what nobody knows one of, and refuses another one.
func (k *Keep) isFirst(ctx context.Context, of key, h1 string) error {
	k.mu.Lock()
	was := k.first[of]
	k.mu.Unlock()
	if was == "" && k.shared != nil {
		was = k.shared.isFirst(ctx, of, h1)
	}
	was = cmp.Or(was, h1)
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.first) >= mostFirst && k.first[of] == "" {
		clear(k.first)
	}
	if was = cmp.Or(k.first[of], was); was != h1 {
		e := failure.New(failure.HashMismatch, "keep", "", nil)
		e.Detail = failure.Plain(fmt.Sprintf("%s: found %s, expected %s as it was before", of.v, h1, was))
		return e
	}
	k.first[of] = h1
	return nil
}

// Stats are what a directory has and did.
type Stats struct {
	Files   int
	Bytes   int64
	Evicted int64 // files given up to make room
	Shared  SharedStats
}

// Stats returns them as they are now.
func (k *Keep) Stats() Stats {
	k.mu.Lock()
	s := Stats{Files: len(k.files), Bytes: k.size}
	k.mu.Unlock()
	s.Evicted = k.evicted.Load()
	if k.shared != nil {
		s.Shared = k.shared.stats()
	}
	return s
}

func (k *Keep) log(format string, args ...any) {
	if k.o.Log != nil {
		k.o.Log(fmt.Sprintf(format, args...))
	}
}

func discard(tmp *os.File, err error) error {
	tmp.Close()
	os.Remove(tmp.Name())
	return failure.As(err)
}

func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
