package mirrortest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
)

// SumDB is a real checksum database with a key of its own that knows a set of
// fixtures. It is the handler of the database's own server; a mirror that has
// it in its Options serves it below /sumdb/NAME/ too.
type SumDB struct {
	Name string // sum.example.test
	Key  string // the verifier key: GOSUMDB="Key" or GOSUMDB="Key URL"
	h    http.Handler
}

// NewSumDB makes a database that answers for the fixtures and nothing else.
func NewSumDB(tb testing.TB, f *Fixtures) *SumDB {
	tb.Helper()
	return NewSumDBNamed(tb, f, "sum.example.test")
}

// NewSumDBNamed is NewSumDB with another name.
func NewSumDBNamed(tb testing.TB, f *Fixtures, name string) *SumDB {
	tb.Helper()
	signer, verifier, err := note.GenerateKey(nil, name)
	if err != nil {
		tb.Fatal(err)
	}
	ops := sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
		a := f.Get(path, version)
		if a == nil {
			return nil, fmt.Errorf("%s@%s: unknown revision", path, version)
		}
		return []byte(a.SumLines()), nil
	})
	return &SumDB{Name: name, Key: verifier, h: sumdb.NewServer(ops)}
}

func (s *SumDB) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.h.ServeHTTP(w, r) }

// serveBelow answers a mirror's request for /sumdb/ + rest.
func (s *SumDB) serveBelow(w http.ResponseWriter, r *http.Request, rest string) {
	sub, ok := strings.CutPrefix(rest, s.Name)
	if !ok || !strings.HasPrefix(sub, "/") {
		notFound(w, "no checksum database "+rest)
		return
	}
	if sub == "/supported" {
		w.WriteHeader(http.StatusOK)
		return
	}
	http.StripPrefix("/sumdb/"+s.Name, s.h).ServeHTTP(w, r)
}
