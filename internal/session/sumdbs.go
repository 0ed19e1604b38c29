package session

import (
	"fmt"
	"slices"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/settings"
)

// readSumDBs reads which checksum databases there are: that of GOSUMDB, first, and
// those that settings add. Entries of one name are one database.
func (s *Session) readSumDBs() error {
	added, err := goenv.ParseSumDBs(s.Values.SumDBs)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Values.Sources["sumdbs"], err)
	}
	if !s.SumDB.Off {
		s.sumDBs = []goenv.AddedSumDB{{SumDB: s.SumDB, Keys: []string{s.SumDB.Key}}}
	}
	for _, a := range added {
		i := slices.IndexFunc(s.sumDBs, func(b goenv.AddedSumDB) bool { return b.Name == a.Name })
		if i < 0 {
			s.sumDBs = append(s.sumDBs, a)
			continue
		}
		b := &s.sumDBs[i]
		if a.BypassMirrors {
			if b.BypassMirrors && a.URL != b.URL {
				return fmt.Errorf("%s: found two URLs of the checksum database %s, %s and %s; write one of them", s.Values.Sources["sumdbs"], a.Name, settings.Redact(b.URL), settings.Redact(a.URL))
			}
			b.URL, b.BypassMirrors = a.URL, true
		}
		b.Patterns = settings.JoinPatterns(b.Patterns, a.Patterns)
		for _, key := range a.Keys {
			if !slices.Contains(b.Keys, key) {
				b.Keys = append(b.Keys, key)
			}
		}
	}
	return nil
}

// SumDBs are the checksum databases that may be asked, that of GOSUMDB first unless it
// is off.
func (s *Session) SumDBs() []goenv.AddedSumDB { return s.sumDBs }
