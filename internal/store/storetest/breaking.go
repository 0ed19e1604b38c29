package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/modferry/modferry/internal/store"
)

// breaking is what a store promises that is reached over HTTP, while that or
// the server breaks.
var breaking = []behaviour{
	{"a stream that comes in small pieces arrives whole", func(s *subject) {
		for _, tt := range []struct {
			size  int64
			piece int
		}{{10_000, 1}, {s.o.Large / 3, 997}} {
			st, w := s.through()
			b := body{s.name("x"), tt.size}
			name := s.name(fmt.Sprint(tt.piece))
			s.create(st, name, b)
			w.set(&fault{piece: tt.piece})
			s.holds(st, s.found(st, name, name), b)
		}
	}},
	{"a stream that always breaks is an error and never short data", func(s *subject) {
		st, w := s.through()
		b := body{s.name("x"), s.o.Large / 3}
		s.create(st, s.name("a"), b)
		e := s.found(st, s.name("a"), s.name("a"))
		for _, broken := range breaks {
			for _, after := range []int64{0, 1000, b.size / 2, b.size - 1} {
				w.set(&fault{down: broken.end, after: after})
				s.leavesNothingRunning(func() {
					s.fails(fmt.Sprintf("%s after %d bytes", broken.name, after), s.read(s.Context(), st, e, b))
				})
			}
		}
		w.set(nil)
		s.holds(st, e, b)
	}},
	{"a stream that breaks once is repaired or an error", func(s *subject) {
		st, w := s.through()
		b := body{s.name("x"), s.o.Large / 3}
		s.create(st, s.name("a"), b)
		e := s.found(st, s.name("a"), s.name("a"))
		for _, broken := range breaks {
			for _, after := range []int64{0, 1000, b.size / 2, b.size - 1} {
				w.set(&fault{down: broken.end, after: after, once: true})
				err := s.read(s.Context(), st, e, b)
				if !w.happened() {
					s.Fatalf("reading %d bytes passed fewer than %d", b.size, after)
				}
				if err != nil {
					s.fails(fmt.Sprintf("%s once after %d bytes", broken.name, after), err)
				}
			}
		}
	}},
	{"a reader of a stalled stream can be cancelled", func(s *subject) {
		st, w := s.through()
		b := body{s.name("x"), s.o.Large / 3}
		s.create(st, s.name("a"), b)
		e := s.found(st, s.name("a"), s.name("a"))
		for _, after := range []int64{0, b.size / 2} {
			f := &fault{down: stall, after: after}
			w.set(f)
			s.leavesNothingRunning(func() {
				ctx, cancel := context.WithCancel(s.Context())
				defer cancel()
				go func() {
					select {
					case <-f.stalled:
						cancel()
					case <-ctx.Done():
					}
				}()
				s.fails(fmt.Sprintf("a stream that stalls after %d bytes", after), s.read(ctx, st, e, b))
			})
		}
	}},
	{"closing a stalled stream stops everything", func(s *subject) {
		st, w := s.through()
		b := body{s.name("x"), s.o.Large / 3}
		s.create(st, s.name("a"), b)
		e := s.found(st, s.name("a"), s.name("a"))
		for range 2 { // the first time the connection may be an older one
			w.set(&fault{down: stall, after: 5000, each: true})
			s.leavesNothingRunning(func() {
				r, err := st.Open(s.Context(), e)
				if err != nil {
					s.Fatal(err)
				}
				if _, err := io.CopyN(io.Discard, r, 100); err != nil {
					s.Error(err)
				}
				r.Close()
			})
		}
	}},
	{"an upload that always breaks is an error and leaves nothing", func(s *subject) {
		st, w := s.through()
		for _, after := range []int64{0, 1000, s.o.Large / 6} {
			w.set(&fault{up: breaks[0].end, after: after})
			name := s.name(fmt.Sprint(after))
			b := body{name, s.o.Large / 3}
			s.leavesNothingRunning(func() {
				s.fails(fmt.Sprintf("an upload that breaks after %d bytes", after), st.Create(s.Context(), name, b.writeTo))
			})
			w.set(nil)
			s.gone(st, name)
		}
		s.again(st, s.name("1000"))
	}},
	{"an upload that breaks once is repaired or an error", func(s *subject) {
		st, w := s.through()
		for _, after := range []int64{0, 1000, s.o.Large / 6} {
			name := s.name(fmt.Sprint(after))
			b := body{name, s.o.Large / 3}
			w.set(&fault{up: breaks[0].end, after: after, once: true})
			err := st.Create(s.Context(), name, b.writeTo)
			w.set(nil)
			if err == nil {
				s.holds(st, s.found(st, name, name), b)
				continue
			}
			s.fails(fmt.Sprintf("an upload that breaks once after %d bytes", after), err)
			s.missing(st, name)
		}
	}},
	{"a stalled upload can be cancelled", func(s *subject) {
		st, w := s.through()
		f := &fault{up: stall, after: s.o.Large / 6}
		w.set(f)
		b := body{s.name("x"), s.o.Large / 3}
		s.leavesNothingRunning(func() {
			ctx, cancel := context.WithCancel(s.Context())
			defer cancel()
			go func() {
				select {
				case <-f.stalled:
					cancel()
				case <-ctx.Done():
				}
			}()
			s.fails("an upload that stalls", st.Create(ctx, s.name("a"), b.writeTo))
		})
		w.set(nil)
		s.gone(st, s.name("a"))
	}},
	{"whichever response gets lost, an entry is whole or not there", func(s *subject) {
		st, w := s.through()
		for n := 1; ; n++ {
			name := s.name(fmt.Sprint(n))
			b := body{name, s.o.Large / 3}
			w.set(&fault{lose: n, once: true})
			err := st.Create(s.Context(), name, b.writeTo)
			lost := w.happened()
			w.set(nil)
			e, missing := st.Find(s.Context(), name)
			switch {
			case err == nil && missing != nil:
				s.Errorf("response %d lost: Create succeeded, but Find = %v", n, missing)
			case err != nil && !errors.Is(err, store.ErrExists):
				s.fails(fmt.Sprintf("Create with response %d lost", n), err)
			}
			if missing == nil {
				s.holds(st, e, b)
			} else if !errors.Is(missing, store.ErrNotFound) {
				s.Errorf("response %d lost: Find = %v", n, missing)
			}
			if !lost {
				if err != nil || n == 1 {
					s.Errorf("Create without a lost response = %v, and %d before it", err, n-1)
				}
				return
			}
		}
	}},
	{"a server that is down is an error and no miss", func(s *subject) { unavailable(s, refused) }},
	{"a server that is overloaded is an error and no miss", func(s *subject) { unavailable(s, overloaded) }},
}

// unavailable demands errors of a store whose server answers so.
func unavailable(s *subject, answer func() (*http.Response, error)) {
	st, w := s.through()
	s.small(st, s.name("a"))
	e := s.found(st, s.name("a"), s.name("a"))
	w.set(&fault{answer: answer})
	s.leavesNothingRunning(func() {
		_, err := st.Find(s.Context(), s.name("a"), s.name(""))
		s.fails("Find", err)
		s.fails("Open or Read", s.read(s.Context(), st, e, small(e.Name)))
		s.fails("Create", st.Create(s.Context(), s.name("b"), small(s.name("b")).writeTo))
		if l, ok := st.(Lister); ok {
			_, err := l.List(s.Context(), s.names)
			s.fails("List", err)
			s.fails("Delete", l.Delete(s.Context(), e))
		}
	})
	w.set(nil)
	s.missing(st, s.name("b"))
	s.holds(st, s.found(st, s.name("a"), s.name("a")), small(s.name("a")))
}

// through opens a store behind a wire.
func (s *subject) through() (Store, *wire) {
	s.Helper()
	if s.o.Through == nil {
		s.Skip("the store is not reached over HTTP")
	}
	w := &wire{}
	st := s.o.Through(s.T, func(base http.RoundTripper) http.RoundTripper { return &end{w, base} })
	return st, w
}
