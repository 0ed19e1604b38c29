package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"

	"github.com/modferry/modferry/internal/store"
)

// creating is what Create promises.
var creating = []behaviour{
	{"what was written is what is read", func(s *subject) {
		st := s.store()
		for _, size := range []int64{0, 1, 511, 4096, 65_537, 1<<20 + 1} {
			b := body{s.name("x"), size}
			name := s.name(fmt.Sprint(size))
			s.create(st, name, b)
			s.holds(st, s.found(st, name, name), b)
		}
	}},
	{"a large entry is a stream in both directions", func(s *subject) {
		st := s.store()
		b := body{s.name("x"), s.o.Large}
		s.create(st, s.name("large"), b)
		s.holds(st, s.found(st, s.name("large"), s.name("large")), b)
	}},
	{"write is called once and in the goroutine of Create", func(s *subject) {
		st := s.store()
		calls, here := 0, goroutine()
		err := st.Create(s.Context(), s.name("a"), func(w io.Writer) error {
			if calls++; goroutine() != here {
				s.Error("write runs in another goroutine")
			}
			return small("a").writeTo(w)
		})
		if err != nil || calls != 1 {
			s.Errorf("Create = %v after %d calls of write; want one", err, calls)
		}
	}},
	{"an entry is not there before it is whole", func(s *subject) {
		st := s.store()
		b := body{s.name("x"), 100_000}
		err := st.Create(s.Context(), s.name("a"), func(w io.Writer) error {
			if err := b.writeTo(w); err != nil {
				return err
			}
			s.gone(st, s.name("a"))
			return nil
		})
		if err != nil {
			s.Fatal(err)
		}
		s.holds(st, s.found(st, s.name("a"), s.name("a")), b)
	}},
	{"a taken name stays what it is", func(s *subject) {
		st := s.store()
		if s.o.TakesNamesAgain {
			s.Skip("the server takes names again")
		}
		s.small(st, s.name("a"))
		for _, other := range []body{{"another", 10}, {"one more", 100_000}, {"", 0}} {
			if err := st.Create(s.Context(), s.name("a"), other.writeTo); !errors.Is(err, store.ErrExists) {
				s.Errorf("Create of a name that is taken = %v; want store.ErrExists", err)
			}
		}
		s.holds(st, s.found(st, s.name("a"), s.name("a")), small(s.name("a")))
	}},
	{"of several writers of one name exactly one wins", race},
	{"writers of several names do not disturb one another", func(s *subject) {
		st := s.store()
		var all sync.WaitGroup
		bodies := make([]body, 8)
		for i := range bodies {
			bodies[i] = body{s.name(fmt.Sprint(i)), 300_000}
			all.Go(func() {
				if err := st.Create(s.Context(), bodies[i].seed, bodies[i].writeTo); err != nil {
					s.Errorf("Create(%q) = %v", bodies[i].seed, err)
				}
			})
		}
		all.Wait()
		for _, b := range bodies {
			s.holds(st, s.found(st, b.seed, b.seed), b)
		}
	}},
	{"the error of write comes back and nothing stays", func(s *subject) {
		st := s.store()
		for _, size := range []int64{0, 1000, s.o.Large / 3} {
			fault := fmt.Errorf("the writer failed after %d bytes", size)
			name := s.name(fmt.Sprint(size))
			err := st.Create(s.Context(), name, func(w io.Writer) error {
				if err := (body{name, size}).writeTo(w); err != nil {
					return err
				}
				return fault
			})
			if !errors.Is(err, fault) {
				s.Errorf("Create = %v; want %v", err, fault)
			}
			s.gone(st, name)
		}
		s.again(st, s.name("1000"))
	}},
	{"what is cancelled while it is written leaves nothing", func(s *subject) {
		st := s.store()
		for _, tt := range []struct {
			name  string
			size  int64
			ended func(context.Context) error
		}{
			{"write-says-so", s.o.Large / 3, context.Context.Err},
			{"write-goes-on", s.o.Large / 3, func(context.Context) error { return nil }},
			{"nothing-written", 0, func(context.Context) error { return nil }},
		} {
			ctx, cancel := context.WithCancel(s.Context())
			name := s.name(tt.name)
			err := st.Create(ctx, name, func(w io.Writer) error {
				half := body{name, tt.size / 2}
				if err := half.writeTo(w); err != nil {
					return err
				}
				cancel()
				if err := half.writeTo(w); err != nil {
					return err
				}
				return tt.ended(ctx)
			})
			cancel()
			s.fails("Create, cancelled, when "+tt.name, err)
			s.gone(st, name)
		}
		s.again(st, s.name("write-says-so"))
	}},
	{"nothing is created once the context has ended", func(s *subject) {
		st := s.store()
		ctx, cancel := context.WithCancel(s.Context())
		cancel()
		s.fails("Create with a cancelled context", st.Create(ctx, s.name("a"), small("a").writeTo))
		s.gone(st, s.name("a"))
	}},
	{"all characters that are allowed make a name", func(s *subject) {
		st := s.store()
		long := s.name(strings.Repeat("x", store.MaxName))[:store.MaxName]
		allowed := []string{
			long, long[:store.MaxName-1], s.name("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), s.name("abcdefghijklmnopqrstuvwxyz"[:25]),
			s.name("0123456789"), s.name("ends.in.a.dot."), s.name("a..b"), s.name("-"), s.name("_"), s.name("--x-"),
			"-" + s.name("starts-with-dash"), "_" + s.name("x"), "0" + s.name("x"),
			s.name("x.tmp"), s.name("x.lock"), s.name("x.json"),
		}
		for _, name := range allowed {
			s.small(st, name)
		}
		for _, name := range allowed {
			s.holds(st, s.found(st, name, name), small(name))
		}
	}},
	{"other names are refused before anything is written", func(s *subject) {
		st := s.store()
		for _, name := range []string{
			"", ".", "..", "." + s.name("a"), "../" + s.name("a"), s.name("a/b"), s.name(`a\b`), s.name("a b"), s.name("a,b"),
			s.name("ä"), s.name("a\x00"), s.name("a\n"), s.name("a:b"), s.name(strings.Repeat("x", store.MaxName)),
		} {
			err := st.Create(s.Context(), name, func(io.Writer) error {
				s.Errorf("Create(%q) calls write", name)
				return errors.New("unexpected call")
			})
			if err == nil || errors.Is(err, store.ErrExists) {
				s.Errorf("Create(%q) = %v; want an error that says what is wrong with the name", name, err)
			}
			if _, err := st.Find(s.Context(), name); err == nil {
				s.Errorf("Find(%q) finds something", name)
			}
		}
	}},
}

// race lets writers of one name begin before any of them ends.
func race(s *subject) {
	st := s.store()
	const writers = 6
	bodies, errs := make([]body, writers), make([]error, writers)
	var under, ended sync.WaitGroup
	under.Add(writers)
	for i := range writers {
		bodies[i] = body{fmt.Sprint("writer ", i), 50_000 + int64(i)}
		ended.Go(func() {
			arrive := sync.OnceFunc(under.Done)
			defer arrive() // a writer may be turned away before it writes
			errs[i] = st.Create(s.Context(), s.name("a"), func(w io.Writer) error {
				arrive()
				under.Wait()
				return bodies[i].writeTo(w)
			})
		})
	}
	ended.Wait()

	var won []int
	for i, err := range errs {
		switch {
		case err == nil:
			won = append(won, i)
		case !errors.Is(err, store.ErrExists):
			s.Errorf("a writer that lost got %v; want store.ErrExists", err)
		}
	}
	if len(won) == 0 || len(won) > 1 && !s.o.TakesNamesAgain {
		s.Fatalf("%d writers won; want one", len(won))
	}
	data, err := readAll(s, st, s.found(st, s.name("a"), s.name("a")))
	if err != nil {
		s.Fatal(err)
	}
	for _, i := range won {
		if bytes.Equal(data, bodies[i].bytes()) {
			return
		}
	}
	s.Errorf("%d bytes that no winner wrote", len(data))
}

// readAll reads a small entry.
func readAll(s *subject, st Store, e store.Entry) ([]byte, error) {
	r, err := st.Open(s.Context(), e)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// again checks that a name whose Create failed can still be used.
func (s *subject) again(st Store, name string) {
	s.Helper()
	if s.o.KeepsFailedNames {
		return
	}
	s.small(st, name)
	s.holds(st, s.found(st, name, name), small(name))
}

// goroutine is the number of the goroutine that calls it.
func goroutine() string {
	var buf [64]byte
	header, _, _ := bytes.Cut(buf[:runtime.Stack(buf[:], false)], []byte("["))
	return string(header)
}
