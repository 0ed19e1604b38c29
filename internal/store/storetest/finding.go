package storetest

import (
	"context"
	"errors"

	"github.com/modferry/modferry/internal/store"
)

// finding is what Find promises.
var finding = []behaviour{
	{"what is not there is not found", func(s *subject) {
		st := s.store()
		s.missing(st, s.name("a"))
		s.missing(st, "", s.name(""))
		s.missing(st, s.name("a"), s.name("b"), s.name("c"))
		s.missing(st, "")
	}},
	{"an entry is found by its exact name", func(s *subject) {
		st := s.store()
		s.small(st, s.name("a"))
		e := s.found(st, s.name("a"), s.name("a"))
		s.holds(st, e, small(s.name("a")))
	}},
	{"similar names are not taken for one another", func(s *subject) {
		st := s.store()
		for _, name := range []string{"mod", "mod-10", "mod-1", "mod-1.x", "mod_1"} {
			s.small(st, s.name(name))
		}
		for _, name := range []string{"mod", "mod-10", "mod-1", "mod-1.x", "mod_1"} {
			e := s.found(st, s.name(name), s.name(name))
			s.holds(st, e, small(s.name(name)))
		}
		for _, name := range []string{"mod-", "mo", "mod-100", "mod-1.", "mod.1", "mod-2"} {
			s.missing(st, s.name(name))
		}
	}},
	{"the exact name comes before newer entries of a prefix", func(s *subject) {
		st := s.store()
		s.small(st, s.name("a"))
		s.tick(st)
		s.small(st, s.name("a-newer"))
		s.found(st, s.name("a"), s.name("a"), s.name("a"), s.name(""))
	}},
	{"a prefix finds its newest entry", func(s *subject) {
		st := s.store()
		s.small(st, s.name("p-2"))
		s.tick(st)
		s.small(st, s.name("p-3"))
		s.tick(st)
		s.small(st, s.name("p-1"))
		s.tick(st)
		s.small(st, s.name("q-9"))
		for _, name := range []string{"", s.name("p-4")} {
			e := s.found(st, s.name("p-1"), name, s.name("p-"))
			s.holds(st, e, small(s.name("p-1")))
		}
		s.found(st, s.name("q-9"), "", s.name(""))
	}},
	{"the first prefix that has an entry decides", func(s *subject) {
		st := s.store()
		s.small(st, s.name("old-1"))
		s.tick(st)
		s.small(st, s.name("new-1"))
		s.found(st, s.name("old-1"), "", s.name("none-"), s.name("old-"), s.name("new-"))
		s.found(st, s.name("new-1"), s.name("x"), s.name("new-"), s.name("old-"))
		s.missing(st, "", s.name("none-"), s.name("nor-"))
	}},
	{"a whole name is a prefix, too", func(s *subject) {
		st := s.store()
		s.small(st, s.name("a"))
		s.found(st, s.name("a"), "", s.name("a"))
	}},
	{"a cancelled search is an error and no miss", func(s *subject) {
		st := s.store()
		s.small(st, s.name("a"))
		ctx, cancel := context.WithCancel(s.Context())
		cancel()
		_, err := st.Find(ctx, s.name("a"), s.name(""))
		s.fails("Find with a cancelled context", err)
	}},
	{"an entry that disappears after it was found is not found", func(s *subject) {
		st := s.store()
		lose := s.loser(st)
		s.small(st, s.name("a"))
		e := s.found(st, s.name("a"), s.name("a"))
		lose(e)
		err := s.read(s.Context(), st, e, small(e.Name))
		if !errors.Is(err, store.ErrNotFound) {
			s.Errorf("Open or Read = %v; want store.ErrNotFound", err)
		}
	}},
}

// loser is how entries of st disappear. Without a way the test is skipped.
func (s *subject) loser(st Store) func(store.Entry) {
	s.Helper()
	if s.o.Lose != nil {
		return func(e store.Entry) { s.o.Lose(s.T, st, e) }
	}
	l, ok := st.(Lister)
	if !ok {
		s.Skip("no way to lose an entry")
	}
	return func(e store.Entry) {
		if err := l.Delete(s.Context(), e); err != nil {
			s.Fatalf("Delete(%q) = %v", e.Name, err)
		}
	}
}
