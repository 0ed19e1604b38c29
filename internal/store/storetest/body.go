package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

// A body is the bytes of an entry: the same ones for the same seed, as if at
// random, and never in memory as a whole.
type body struct {
	seed string
	size int64
}

func (b body) reader() io.Reader {
	return io.LimitReader(rand.NewChaCha8(sha256.Sum256([]byte(b.seed))), b.size)
}

func (b body) bytes() []byte {
	data, _ := io.ReadAll(b.reader()) // a generator does not fail
	return data
}

// writeTo writes the body in pieces of odd sizes.
func (b body) writeTo(w io.Writer) error {
	from := b.reader()
	for piece := int64(1); ; piece = piece*7%100_003 + 1 {
		n, err := io.CopyN(w, from, piece)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("writing piece of %d bytes, %d of which were taken: %w", piece, n, err)
		}
	}
}

// diff reads r to its end and says how it differs from b, or nil.
func (b body) diff(r io.Reader) error {
	want := b.reader()
	got, expected := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); ; {
		n, err := r.Read(got)
		w, _ := io.ReadFull(want, expected[:n])
		if i := mismatch(got[:n], expected[:w]); i >= 0 {
			return fmt.Errorf("other bytes than were written from offset %d on (size %d)", at+int64(i), b.size)
		}
		at += int64(n)
		switch {
		case err == io.EOF && at < b.size:
			return fmt.Errorf("%w after %d of %d bytes", errShort, at, b.size)
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("after %d of %d bytes: %w", at, b.size, err)
		}
	}
}

// errShort is the worst a store can do: data that ends as if it were all.
var errShort = errors.New("io.EOF")

// mismatch is the offset of the first difference, -1 when there is none.
func mismatch(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// create makes b the entry name of st.
func (s *subject) create(st Store, name string, b body) {
	s.Helper()
	if err := st.Create(s.Context(), name, b.writeTo); err != nil {
		s.Fatalf("Create(%q) = %v", name, err)
	}
}

// small makes an entry whose bytes are made from its name.
func (s *subject) small(st Store, name string) {
	s.Helper()
	s.create(st, name, small(name))
}

func small(name string) body { return body{name, 1000} }

// tick makes what is created from now on newer than what is there.
func (s *subject) tick(st Store) {
	s.Helper()
	if s.o.Tick != nil {
		s.o.Tick(s.T, st)
	}
}

// found is what Find returns, which must be the entry want.
func (s *subject) found(st Store, want, name string, prefixes ...string) store.Entry {
	s.Helper()
	e, err := st.Find(s.Context(), name, prefixes...)
	if err != nil {
		s.Fatalf("Find(%q, %q) = %v; want %s", name, prefixes, err, want)
	}
	if !s.sameName(e.Name, want) {
		s.Fatalf("Find(%q, %q) = %s; want %s", name, prefixes, e.Name, want)
	}
	return e
}

func (s *subject) sameName(got, want string) bool {
	if s.o.FoldsCase {
		want = strings.ToLower(want)
	}
	return got == want
}

// missing checks that Find finds nothing.
func (s *subject) missing(st Store, name string, prefixes ...string) {
	s.Helper()
	if e, err := st.Find(s.Context(), name, prefixes...); !errors.Is(err, store.ErrNotFound) {
		s.Errorf("Find(%q, %q) = %s, %v; want store.ErrNotFound", name, prefixes, e.Name, err)
	}
}

// holds checks that the entry e of st is b.
func (s *subject) holds(st Store, e store.Entry, b body) {
	s.Helper()
	if e.Size != -1 && e.Size != b.size {
		s.Errorf("%s: size %d, want %d or -1", e.Name, e.Size, b.size)
	}
	if err := s.read(s.Context(), st, e, b); err != nil {
		s.Errorf("%s: %v", e.Name, err)
	}
}

// read opens e, compares it with b and closes it.
func (s *subject) read(ctx context.Context, st Store, e store.Entry, b body) error {
	s.Helper()
	r, err := st.Open(ctx, e)
	if err != nil {
		return err
	}
	err = b.diff(r)
	if cerr := r.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("close: %w", cerr)
	}
	return err
}

// gone checks that a Create of name that failed left nothing.
func (s *subject) gone(st Store, name string) {
	s.Helper()
	s.missing(st, name)
	s.missing(st, "", name)
	s.missing(st, "", s.names)
	if l, ok := st.(Lister); ok {
		if list, err := l.List(s.Context(), s.names); err != nil || len(list) > 0 {
			s.Errorf("List(%q) = %v, %v; want nothing", s.names, list, err)
		}
	}
}

// fails checks that err is one that a store may return, and not a miss.
func (s *subject) fails(what string, err error) {
	s.Helper()
	_, classified := errors.AsType[*failure.Error](err)
	switch {
	case err == nil:
		s.Errorf("%s: no error", what)
	case errors.Is(err, errShort):
		s.Errorf("%s: short data without an error: %v", what, err)
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExists):
		s.Errorf("%s: %v; want an error that says what failed", what, err)
	case classified, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, store.ErrDenied), errors.Is(err, store.ErrUnavailable):
	default:
		s.Errorf("%s: %T %v; want a *failure.Error, an error of package store or the context's", what, err, err)
	}
}
