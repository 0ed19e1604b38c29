package serve_test

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/relay/serve"
	"github.com/modferry/modferry/internal/secret"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

// BenchmarkHit is what the server itself needs for an answer with a file that is kept,
// with log, metrics and a token.
func BenchmarkHit(b *testing.B) {
	f := mirrortest.Generate(b, 20, 100<<10)
	mirror := mirrortest.Start(b, mirrortest.Options{Fixtures: f})
	const token = "0123456789abcdef0123456789abcdef"
	v, err := settings.ResolveServer(map[string]string{"keep-dir": b.TempDir(), "no-probe": "true"}, func(string) string { return "" }, settings.Disk{})
	if err != nil {
		b.Fatal(err)
	}
	secrets := &secret.Set{}
	out := outlet.New(io.Discard, secrets, false)
	h, _, end, err := serve.Begun(b.Context(), serve.Options{
		Values: v, Token: token, Session: session.Options{Tool: "modferry test", Secrets: secrets},
		Log:   slog.New(slog.NewTextHandler(out, nil)),
		Plain: slog.New(slog.NewTextHandler(outlet.Data(out), nil)),
		Open: func(v *settings.Values, o session.Options) (*session.Session, error) {
			return session.OpenServer(v, goenv.Env{"GOPROXY": {Value: mirror.URL}, "GOSUMDB": {Value: "off"}}, o)
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer end()
	all := f.All()
	for _, kind := range []string{"mod", "zip"} {
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				a := all[i%20]
				req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "/"+token+"/"+a.Path+"/@v/"+a.Version.Version+"."+kind, nil)
				if err != nil {
					b.Fatal(err)
				}
				w := &sink{header: http.Header{}}
				if h.ServeHTTP(w, req); w.status != http.StatusOK {
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
