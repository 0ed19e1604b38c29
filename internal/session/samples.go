package session

import (
	"strings"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/worklist"
)

// Samples are what a mirror is probed with: modules of the work list or, when there
// are none and when names of the work list are not for the mirror, a public one. None
// means that the mirror may be asked for nothing whose hash is known.
func (s *Session) Samples(h *Hop, nameless bool) []mirror.Sample {
	if !nameless && !s.nameless {
		if of := samples(s.List, s.Access, h); len(of) > 0 {
			return of
		}
	}
	if s.Access.Rule(mirror.PublicSample.Path).Allows(h) {
		return []mirror.Sample{mirror.PublicSample}
	}
	return nil
}

// samples takes modules from the work list to test a mirror with: required ones,
// since a mirror in use has most of them, none that is private, and none that a rule
// keeps from the mirror.
func samples(list *worklist.List, a Access, h *Hop) []mirror.Sample {
	const wanted = 2
	var out []mirror.Sample
	hosts := map[string]bool{}
	for _, low := range []bool{false, true} {
		for _, m := range list.Modules {
			if len(out) == wanted {
				return out
			}
			host, _, _ := strings.Cut(m.Path, "/")
			if m.Optional != low || m.Mod == "" || hosts[host] ||
				goenv.MatchPatterns(a.NoProxy, m.Path) || goenv.MatchPatterns(a.Private, m.Path) || !a.Rule(m.Path).Allows(h) {
				continue
			}
			hosts[host] = true
			out = append(out, mirror.Sample{Version: m.ID(), ModHash: m.Mod})
		}
	}
	return out
}

// SumDBName is the name under which mirrors are asked for the checksum
// database, "" when the go command would not ask them: it is off, or GOSUMDB
// names a URL of its own.
func (s *Session) SumDBName() string {
	if s.SumDB.Off || s.SumDB.URL != "https://"+s.SumDB.Name {
		return ""
	}
	return s.SumDB.Name
}
