package session

import (
	"strings"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/worklist"
)

// samples takes modules from the work list to test mirrors with: required
// ones, since a mirror in use has most of them, and none that is private.
func samples(list *worklist.List, a Access) []mirror.Sample {
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
				goenv.MatchPatterns(a.NoProxy, m.Path) || goenv.MatchPatterns(a.Private, m.Path) {
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
