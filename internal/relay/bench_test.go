package relay_test

import (
	"net/http"
	"testing"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

// BenchmarkHit is what the relay itself needs for an answer with a file that is kept.
func BenchmarkHit(b *testing.B) {
	f := mirrortest.Generate(b, 20, 100<<10)
	mirror := mirrortest.Start(b, mirrortest.Options{Fixtures: f})
	dir := b.TempDir()
	f.WriteCheckout(b, dir, mirrortest.Checkout{})
	v, err := settings.Resolve(map[string]string{"dir": dir, "no-probe": "true"}, func(string) string { return "" }, settings.Disk{})
	if err != nil {
		b.Fatal(err)
	}
	s, err := relay.Open(v, goenv.Env{"GOPROXY": {Value: mirror.URL}, "GOMODCACHE": {Value: b.TempDir()}, "GOSUMDB": {Value: "off"}}, session.Options{})
	if err != nil {
		b.Fatal(err)
	}
	r, err := relay.New(b.Context(), s, relay.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	for _, kind := range []string{"mod", "zip"} {
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				a := f.All()[i%20]
				req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "/"+a.Path+"/@v/"+a.Version.Version+"."+kind, nil)
				if err != nil {
					b.Fatal(err)
				}
				w := &sink{header: http.Header{}}
				if r.ServeHTTP(w, req); w.status != http.StatusOK {
					b.Fatal(w.status)
				}
			}
		})
	}
}

// sink is the writer of answers that nobody reads.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
