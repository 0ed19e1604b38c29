package storetest

import (
	"context"
	"errors"
	"io"
	"sync"
)

// reading is what Open promises while its server behaves.
var reading = []behaviour{
	{"several readers read the same entry at once", func(s *subject) {
		st := s.store()
		b := body{s.name("x"), s.o.Large / 3}
		s.create(st, s.name("a"), b)
		e := s.found(st, s.name("a"), s.name("a"))
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := s.read(s.Context(), st, e, b); err != nil {
					s.Error(err)
				}
			})
		}
		all.Wait()
	}},
	{"an entry can be read while others are created and found", func(s *subject) {
		st := s.store()
		b := body{s.name("x"), s.o.Large / 3}
		s.create(st, s.name("a"), b)
		e := s.found(st, s.name("a"), s.name("a"))
		var all sync.WaitGroup
		all.Go(func() {
			if err := s.read(s.Context(), st, e, b); err != nil {
				s.Error(err)
			}
		})
		all.Go(func() {
			for _, name := range []string{"b", "c", "d"} {
				if err := st.Create(s.Context(), s.name(name), small(name).writeTo); err != nil {
					s.Error(err)
				}
				if _, err := st.Find(s.Context(), s.name(name)); err != nil {
					s.Error(err)
				}
			}
		})
		all.Wait()
	}},
	{"a reader that is cancelled stops with an error", func(s *subject) {
		st := s.store()
		b := body{s.name("x"), s.o.Large}
		s.create(st, s.name("a"), b)
		e := s.found(st, s.name("a"), s.name("a"))
		s.leavesNothingRunning(func() {
			ctx, cancel := context.WithCancel(s.Context())
			defer cancel()
			r, err := st.Open(ctx, e)
			if err != nil {
				s.Fatal(err)
			}
			defer r.Close()
			if _, err := io.CopyN(io.Discard, r, 1000); err != nil {
				s.Fatal(err)
			}
			cancel()
			_, err = io.Copy(io.Discard, r)
			s.fails("Read after the context was cancelled", err)
		})
	}},
	{"a cancelled context opens nothing", func(s *subject) {
		st := s.store()
		s.small(st, s.name("a"))
		e := s.found(st, s.name("a"), s.name("a"))
		ctx, cancel := context.WithCancel(s.Context())
		cancel()
		s.leavesNothingRunning(func() {
			s.fails("reading with a cancelled context", s.read(ctx, st, e, small(s.name("a"))))
		})
	}},
	{"a reader that is closed early leaves nothing running", func(s *subject) {
		st := s.store()
		b := body{s.name("x"), s.o.Large}
		s.create(st, s.name("a"), b)
		e := s.found(st, s.name("a"), s.name("a"))
		for _, size := range []int64{0, 1, 100_000} {
			s.leavesNothingRunning(func() {
				r, err := st.Open(s.Context(), e)
				if err != nil {
					s.Fatal(err)
				}
				if _, err := io.CopyN(io.Discard, r, size); err != nil {
					s.Error(err)
				}
				if err := r.Close(); err != nil {
					s.Errorf("Close after %d bytes = %v", size, err)
				}
			})
		}
	}},
	{"a reader at its end leaves nothing running", func(s *subject) {
		st := s.store()
		s.small(st, s.name("a"))
		e := s.found(st, s.name("a"), s.name("a"))
		s.leavesNothingRunning(func() { s.holds(st, e, small(s.name("a"))) })
	}},
	{"a write that fails leaves nothing running", func(s *subject) {
		st := s.store()
		fault := errors.New("the writer failed")
		s.leavesNothingRunning(func() {
			err := st.Create(s.Context(), s.name("a"), func(w io.Writer) error {
				if err := (body{"x", s.o.Large / 3}).writeTo(w); err != nil {
					return err
				}
				return fault
			})
			if !errors.Is(err, fault) {
				s.Errorf("Create = %v; want %v", err, fault)
			}
		})
	}},
	{"the store does not vouch for bytes", func(s *subject) {
		st := s.store()
		if s.o.Tamper == nil {
			s.Skip("no way to change an entry behind the store's back")
		}
		s.small(st, s.name("a"))
		e := s.found(st, s.name("a"), s.name("a"))
		other := body{"other bytes", small("").size}
		s.o.Tamper(s.T, st, e, other.bytes())
		s.holds(st, s.found(st, s.name("a"), s.name("a")), other)
	}},
	{"an entry that became shorter is an error when its size was known", func(s *subject) {
		st := s.store()
		if s.o.Tamper == nil {
			s.Skip("no way to change an entry behind the store's back")
		}
		b := body{s.name("x"), 100_000}
		s.create(st, s.name("a"), b)
		e := s.found(st, s.name("a"), s.name("a"))
		if e.Size < 0 {
			s.Skip("Find tells no size")
		}
		s.o.Tamper(s.T, st, e, b.bytes()[:60_000])
		s.fails("reading", s.read(s.Context(), st, e, b))
	}},
}
