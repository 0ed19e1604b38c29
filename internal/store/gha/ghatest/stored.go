package ghatest

import (
	"slices"
	"time"
)

// Entry is an entry of the service that is complete.
type Entry struct {
	Key, Version string
	Size         int64 // in bytes
	Created      time.Time
}

// Entries returns the complete entries, oldest first.
func (s *Server) Entries() []Entry {
	s.entries.mu.Lock()
	defer s.entries.mu.Unlock()
	var all []*entry
	for _, e := range s.entries.byID {
		if e.complete {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b *entry) int { return a.order - b.order })
	list := []Entry{}
	for _, e := range all {
		list = append(list, Entry{e.key, e.version, e.content.size(), e.created})
	}
	return list
}

// Pending returns the keys that are reserved but not complete, sorted.
func (s *Server) Pending() []string {
	s.entries.mu.Lock()
	defer s.entries.mu.Unlock()
	keys := []string{}
	for _, e := range s.entries.byID {
		if !e.complete {
			keys = append(keys, e.key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Put adds a complete entry, whatever is there.
func (s *Server) Put(key, version string, data []byte) {
	e := &entry{key: key, version: version}
	s.entries.mu.Lock()
	e.id = len(s.entries.byID) + 1
	for s.entries.byID[e.id] != nil {
		e.id++
	}
	e.content = content{{data: slices.Clone(data), size: int64(len(data))}}
	s.entries.byID[e.id] = e
	s.entries.mu.Unlock()
	s.entries.finish(e)
}

// named finds the newest complete entry with exactly that key, under the lock.
func (es *entries) named(key string) *entry {
	var found *entry
	for _, e := range es.byID {
		if e.complete && e.key == key {
			found = newer(found, e)
		}
	}
	return found
}

// Data returns the bytes of an entry, nil when there is none of that key.
func (s *Server) Data(key string) []byte {
	s.entries.mu.Lock()
	e := s.entries.named(key)
	s.entries.mu.Unlock()
	if e == nil {
		return nil
	}
	c, _, _ := s.entries.snapshot(e)
	data := make([]byte, c.size())
	if _, err := c.ReadAt(data, 0); err != nil {
		return nil
	}
	return data
}

// Change replaces the bytes of an entry by what f makes of a copy of them,
// under another entity tag. It reports whether there is an entry of that key.
func (s *Server) Change(key string, f func(data []byte) []byte) bool {
	data := s.Data(key)
	s.entries.mu.Lock()
	defer s.entries.mu.Unlock()
	e := s.entries.named(key)
	if e == nil {
		return false
	}
	data = f(data)
	e.content = content{{data: data, size: int64(len(data))}}
	e.revision++
	return true
}

// Delete removes an entry, as an eviction does. It reports whether there was
// one of that key.
func (s *Server) Delete(key string) bool {
	s.entries.mu.Lock()
	defer s.entries.mu.Unlock()
	e := s.entries.named(key)
	if e == nil {
		return false
	}
	delete(s.entries.byID, e.id)
	e.discard()
	return true
}

// Forget removes what is reserved but not complete, as time does.
func (s *Server) Forget() {
	s.entries.mu.Lock()
	defer s.entries.mu.Unlock()
	for id, e := range s.entries.byID {
		if !e.complete {
			delete(s.entries.byID, id)
			e.discard()
		}
	}
}

// Expire ends the validity of all signed URLs handed out so far.
func (s *Server) Expire() {
	s.entries.mu.Lock()
	defer s.entries.mu.Unlock()
	clear(s.entries.grants)
}
