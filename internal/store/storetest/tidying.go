package storetest

import (
	"context"
	"slices"

	"github.com/modferry/modferry/internal/store"
)

// tidying is what List and Delete promise, where the store has them.
var tidying = []behaviour{
	{"a list has the entries of a prefix, newest first", func(s *subject) {
		st := s.store()
		l := s.lister(st)
		for i, name := range []string{"p-2", "p-3", "q-1", "p-1"} {
			if i > 0 {
				s.tick(st)
			}
			s.small(st, s.name(name))
		}
		for _, tt := range []struct {
			prefix string
			want   []string
		}{
			{"p-", []string{"p-1", "p-3", "p-2"}},
			{"", []string{"p-1", "q-1", "p-3", "p-2"}},
			{"q-1", []string{"q-1"}},
			{"q-11", nil},
		} {
			list, err := l.List(s.Context(), s.name(tt.prefix))
			if err != nil {
				s.Errorf("List(%q) = %v", s.name(tt.prefix), err)
			}
			if got := s.suffixes(list); !slices.Equal(got, tt.want) {
				s.Errorf("List(%q) = %q; want %q", s.name(tt.prefix), got, tt.want)
			}
			for _, e := range list {
				s.holds(st, e, small(e.Name))
			}
		}
	}},
	{"a list of everything has at least what was created", func(s *subject) {
		st := s.store()
		l := s.lister(st)
		s.small(st, s.name("a"))
		list, err := l.List(s.Context(), "")
		if err != nil || !slices.Contains(s.suffixes(list), "a") {
			s.Errorf("List = %v, %v; want %s among them", list, err, s.name("a"))
		}
	}},
	{"a cancelled list is an error", func(s *subject) {
		st := s.store()
		l := s.lister(st)
		ctx, cancel := context.WithCancel(s.Context())
		cancel()
		_, err := l.List(ctx, "")
		s.fails("List with a cancelled context", err)
	}},
	{"what is deleted is gone, and its name free", func(s *subject) {
		st := s.store()
		l := s.lister(st)
		s.small(st, s.name("a"))
		s.small(st, s.name("a-b"))
		e := s.found(st, s.name("a"), s.name("a"))
		for range 2 { // the second finds nothing to do
			if err := l.Delete(s.Context(), e); err != nil {
				s.Errorf("Delete = %v", err)
			}
		}
		s.missing(st, s.name("a"))
		s.found(st, s.name("a-b"), "", s.name("a"))
		other := body{"other", 77}
		s.create(st, s.name("a"), other)
		s.holds(st, s.found(st, s.name("a"), s.name("a")), other)
	}},
}

func (s *subject) lister(st Store) Lister {
	s.Helper()
	l, ok := st.(Lister)
	if !ok {
		s.Skip("the store has no List and Delete")
	}
	return l
}

// suffixes are the names without what begins the names of this subtest.
func (s *subject) suffixes(list []store.Entry) []string {
	var names []string
	for _, e := range list {
		if len(e.Name) > len(s.names) && e.Name[:len(s.names)] == s.names {
			names = append(names, e.Name[len(s.names):])
		}
	}
	return names
}
