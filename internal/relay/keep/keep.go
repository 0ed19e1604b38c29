// Package keep is where a relay keeps zips and go.mod files: a directory of its
// own, laid out as a module cache.
//
// Its main invariants: nothing is kept that does not have the hash that is known of
// it, and of what nobody knows a hash of, no other bytes than the first are kept. It
// is never the module cache of a go command: that one holds the lock of a version
// while it waits for the relay.
package keep

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
)

// Keep is an open directory. It is safe for concurrent use.
type Keep struct {
	*modcache.Cache

	inMemory atomic.Int64 // bytes, and those that had no room

	mu    sync.Mutex
	files map[key]*file
	first map[key]string // hash → of what nobody knows one
}

type key struct {
	v    module.Version
	kind string
}

type file struct {
	h1   string
	read func() (content, error) // once
}

// content is what is known of the bytes of a file. Zips of one h1 differ in them
// between mirrors.
type content struct {
	etag string
	body []byte // nil for what is not in memory
}

// Small files are served from memory, as far as there is room for them.
const (
	small     = 64 << 10
	mostSmall = 32 << 20
)

// Open makes a directory below parent, which is created, and removes those that
// processes left there which are gone. The caller closes it, which removes the
// directory. What is open stays readable where the system allows it.
func Open(parent string) (*Keep, error) {
	c, err := modcache.OpenScratch(parent, "relay-")
	if err != nil {
		return nil, err
	}
	return &Keep{Cache: c, files: map[key]*file{}, first: map[key]string{}}, nil
}

// Evict gives up the zips that are kept, to make room: who asked has them. What is open
// stays readable where the system allows it.
func (k *Keep) Evict(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for of := range k.files {
		if of.kind == report.KindZip && k.Discard(ctx, of.v) == nil {
			delete(k.files, of)
		}
	}
}

// File is a file that is kept. The caller closes it.
type File struct {
	io.ReadSeeker
	H1   string
	ETag string // the digest of the bytes, quoted

	file *os.File // nil for one in memory
}

// Close closes the file.
func (f *File) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// Open opens a file that is kept with the hash; "" means whatever was kept first.
// The error wraps fs.ErrNotExist when there is none.
func (k *Keep) Open(v module.Version, kind, h1 string) (*File, error) {
	k.mu.Lock()
	f := k.files[key{v, kind}]
	k.mu.Unlock()
	if f == nil || h1 != "" && f.h1 != h1 {
		return nil, fmt.Errorf("%s of %s: %w", kind, v, fs.ErrNotExist)
	}
	c, err := f.read()
	if err != nil {
		return nil, err
	}
	if c.body != nil {
		return &File{ReadSeeker: bytes.NewReader(c.body), H1: f.h1, ETag: c.etag}, nil
	}
	open, err := k.OpenFile(v, kind)
	if err != nil {
		return nil, err
	}
	return &File{open, f.h1, c.etag, open}, nil
}

// PutZip keeps a zip as modcache.Cache does. With the hash "" any zip is taken that is
// one of the version, but not two different ones. Nothing is extracted.
func (k *Keep) PutZip(ctx context.Context, v module.Version, h1 string, tmp *os.File, o modcache.PutOptions) error {
	if h1 == "" {
		var err error
		if h1, err = hashZip(v, tmp.Name()); err == nil {
			err = k.isFirst(key{v, report.KindZip}, h1)
		}
		if err != nil {
			return discard(tmp, err)
		}
	}
	o.Extract = false
	if err := k.Cache.PutZip(ctx, v, h1, tmp, o); err != nil {
		return err
	}
	k.kept(key{v, report.KindZip}, h1)
	return nil
}

// PutMod is PutZip for a go.mod.
func (k *Keep) PutMod(ctx context.Context, v module.Version, h1 string, tmp *os.File) error {
	if h1 == "" {
		var err error
		if h1, err = hashMod(v, tmp); err == nil {
			err = k.isFirst(key{v, report.KindMod}, h1)
		}
		if err != nil {
			return discard(tmp, err)
		}
	}
	if err := k.Cache.PutMod(ctx, v, h1, tmp); err != nil {
		return err
	}
	k.kept(key{v, report.KindMod}, h1)
	return nil
}

// isFirst remembers the hash of what nobody knows one of, and refuses another one.
func (k *Keep) isFirst(of key, h1 string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if was, ok := k.first[of]; ok && was != h1 {
		return wrong(failure.HashMismatch, of.v, "found %s, expected %s as it was before", h1, was)
	}
	k.first[of] = h1
	return nil
}

func (k *Keep) kept(of key, h1 string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.files[of] = &file{h1, sync.OnceValues(func() (content, error) { return k.read(of) })}
}

func (k *Keep) read(of key) (content, error) {
	f, err := k.OpenFile(of.v, of.kind)
	if err != nil {
		return content{}, err
	}
	defer f.Close()
	var head bytes.Buffer
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(sum, &head), io.LimitReader(f, small))
	if err != nil {
		return content{}, failure.As(err)
	}
	more, err := io.Copy(sum, f)
	if err != nil {
		return content{}, failure.As(err)
	}
	c := content{etag: `"` + hex.EncodeToString(sum.Sum(nil)[:16]) + `"`}
	if more == 0 && k.inMemory.Add(n) <= mostSmall {
		c.body = append([]byte{}, head.Bytes()...)
	}
	return c, nil
}

// hashZip is the hash of a zip that is one of the version by its names and sizes.
func hashZip(v module.Version, name string) (string, error) {
	if _, err := modzip.CheckZip(v, name); err != nil {
		return "", wrong(failure.WrongContent, v, "%v", err)
	}
	h1, err := dirhash.HashZip(name, dirhash.Hash1)
	if err != nil {
		return "", wrong(failure.WrongContent, v, "%v", err)
	}
	return h1, nil
}

func hashMod(v module.Version, f *os.File) (string, error) {
	head := make([]byte, 512)
	if n, _ := f.ReadAt(head, 0); failure.IsPage(head[:n]) {
		return "", wrong(failure.WrongContent, v, "an HTML page instead of a go.mod")
	}
	return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(f, 0, modzip.MaxGoMod)), nil
	})
}

func wrong(class failure.Class, v module.Version, format string, args ...any) error {
	e := failure.New(class, "keep", "", nil)
	e.Detail = failure.Plain(v.String() + ": " + fmt.Sprintf(format, args...))
	return e
}

func discard(tmp *os.File, err error) error {
	tmp.Close()
	os.Remove(tmp.Name())
	return failure.As(err)
}
