package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// TestToxicConnections puts toxiproxy, which breaks TCP streams without a
// notion of what they carry, between modferry and the first of two mirrors.
func TestToxicConnections(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 12, 200_000)
	for _, tt := range []struct{ name, toxic string }{
		{"reset at once", `{"type":"reset_peer","attributes":{"timeout":0}}`},
		{"reset after a while", `{"type":"reset_peer","attributes":{"timeout":50}}`},
		{"closed after some bytes", `{"type":"limit_data","attributes":{"bytes":300000}}`},
		{"closed after few bytes", `{"type":"limit_data","attributes":{"bytes":100}}`},
		{"silence, then closed", `{"type":"timeout","attributes":{"timeout":100}}`},
		{"silence for ever", `{"type":"timeout","attributes":{"timeout":0}}`},
		{"tiny pieces", `{"type":"slicer","attributes":{"average_size":700,"size_variation":600,"delay":10}}`},
		{"latency", `{"type":"latency","attributes":{"latency":60,"jitter":30}}`},
		{"a slow line", `{"type":"bandwidth","attributes":{"rate":400}}`},
	} {
		for _, p := range []mirrortest.Protocol{mirrortest.HTTP1, mirrortest.HTTP2} {
			t.Run(tt.name+" over "+p.String(), func(t *testing.T) {
				t.Parallel()
				auth := mirrortest.NewAuthority(t)
				sick := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p, Authority: auth})
				well := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p, Authority: auth})
				toxic := startToxic(t, sick, tt.toxic)

				at := newPlace(t, well)
				at.caFile = auth.CAFile()
				at.dir = t.TempDir()
				f.WriteCheckout(t, at.dir, mirrortest.Checkout{})
				at.proxy = toxic + "|" + well.URL
				at.fetch(t, 0, "--first-byte-timeout", "3s", "--stall-timeout", "3s", "--tls-timeout", "3s")
				if out := at.goOffline(t, "mod", "verify"); !strings.Contains(out, "all modules verified") {
					t.Errorf("go mod verify says:\n%s", out)
				}
				at.goOffline(t, "list", "-deps", "./...")
			})
		}
	}
}

// startToxic puts a toxic in front of a server and returns the URL to use.
func startToxic(t *testing.T, s *mirrortest.Server, toxic string) string {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "mirror", "127.0.0.1:0", s.Addr)
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", toxic, err))
	}
	return strings.Replace(s.URL, s.Addr, proxy.Listen, 1)
}
