package relay_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay"
	"github.com/modferry/modferry/internal/report"
)

// ruled is a relay before a company's mirror, which wants a client certificate, and two
// others, with rules for each.
type ruled struct {
	*bench
	corp, world *mirrortest.Server
}

func openRuled(t *testing.T, f *mirrortest.Fixtures, db *mirrortest.SumDB, end string, prepare func(*fetchtest.Bench), faults ...mirrortest.Rule) ruled {
	t.Helper()
	clients := mirrortest.NewAuthority(t)
	cert, key := clients.Client(t, "client")
	corp := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2, ClientAuth: tls.RequireAndVerifyClientCert, Clients: clients, Faults: faults})
	world := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	if db != nil {
		b = unsummed(t, f, db.Key)
	}
	proxy := b.Configure(fmt.Sprintf(`
proxy:
  - {url: '%s', fall-through: any}
  - {name: corp, url: '%s', fall-through: any, ca-file: '%s', client-certificate: '%s', client-key: '%s'}
  - {name: last, url: 'http://127.0.0.1:1', fallback-only: true}
%s
retries: 2
rules:
  - {modules: corp.test/bad, mirrors: none}
  - {modules: '*.test', mirrors: corp}
`, world.URL, corp.URL, corp.CAFile(), cert, key, end))
	if prepare != nil {
		prepare(b)
	}
	return ruled{openAs(t, b, proxy, relay.Options{}), corp, world}
}

func TestTheRelayObeysRules(t *testing.T) {
	t.Parallel()
	f := modules(t, "corp.test/a", "corp.test/bad", "example.com/x")
	dead := []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(500))}
	empty := []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(404))}
	for _, test := range []struct {
		name, end string
		faults    []mirrortest.Rule
		ours      int // the status for the company's modules
	}{
		{"the company's mirror has them", "direct: false", nil, 200},
		{"it fails", "direct: false", dead, 502},
		{"it has none", "direct: false", empty, 404},
		{"it has none, and version control follows", "direct: true", empty, 404},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := openRuled(t, f, nil, test.end, nil, test.faults...)
			for _, path := range []string{"v1.0.0.zip", "v1.0.0.mod", "v1.0.0.info", "list"} {
				if resp, body := b.get("/corp.test/a/@v/" + path); resp.StatusCode != test.ours {
					t.Errorf("%s: %s", path, describe(resp, body))
				}
				if resp, body := b.get("/example.com/x/@v/" + path); resp.StatusCode != 200 {
					t.Errorf("%s of others: %s", path, describe(resp, body))
				}
				for range 2 {
					resp, body := b.get("/corp.test/bad/@v/" + path)
					if resp.StatusCode != http.StatusForbidden || !strings.Contains(body, "job.yaml:9") || !strings.Contains(body, "lets nobody be asked") {
						t.Errorf("%s that nobody may be asked for: %s", path, describe(resp, body))
					}
				}
			}
			for _, q := range b.world.Requests() {
				if strings.Contains(q.Path, "corp.test") {
					t.Errorf("the other mirror was asked for %s", q.Path)
				}
			}
			for _, q := range b.corp.Requests() {
				if q.Peer != "client" || strings.Contains(q.Path, "/bad/") {
					t.Errorf("the company's was asked for %s by %q", q.Path, q.Peer)
				}
			}
			res := b.relay.Result()
			refused := 0
			for _, m := range res.Modules {
				if m.Path == "corp.test/bad" {
					refused++
					if m.Source != report.FromFailed || m.Class != failure.Disabled {
						t.Errorf("in the report: %+v", m)
					}
				}
			}
			if refused != 4 || res.Outcome != report.Incomplete {
				t.Errorf("%d refusals in the report, %s", refused, res.Outcome)
			}
		})
	}
}

// The name of a module in a question to the checksum database is its name all the same:
// the mirror that serves the database is not told those that a rule keeps from it.
func TestTheDatabaseIsAskedByRulesToo(t *testing.T) {
	t.Parallel()
	f := modules(t, "corp.test/a", "corp.test/bad", "example.com/x")
	db := mirrortest.NewSumDB(t, f)
	own := mirrortest.Start(t, mirrortest.Options{Handler: db, Protocol: mirrortest.HTTP1TLS})
	for _, alive := range []bool{true, false} {
		t.Run(fmt.Sprintf("its own server answers %t", alive), func(t *testing.T) {
			network := new(mirrortest.Network)
			if alive {
				network.Route(db.Name, own.Addr)
			} else {
				network.NoSuchHost(db.Name)
			}
			b := openRuled(t, f, db, "direct: false", func(b *fetchtest.Bench) {
				b.Options.Dial, b.Values.CAFile = network.DialContext, own.CAFile()
			})
			resp, body := b.get("/corp.test/a/@v/v1.0.0.zip")
			if verified := resp.Header.Get("X-Modferry-Verified") == ""; resp.StatusCode != 200 || verified != alive {
				t.Errorf("verified %t: %s", verified, describe(resp, body[:min(len(body), 80)]))
			}
			if resp, body := b.get("/example.com/x/@v/v1.0.0.zip"); resp.StatusCode != 200 || resp.Header.Get("X-Modferry-Verified") != "" {
				t.Error(describe(resp, body[:min(len(body), 80)]))
			}
			if resp, body := b.get("/sumdb/" + db.Name + "/lookup/corp.test/bad@v1.0.0"); resp.StatusCode != http.StatusForbidden {
				t.Error(describe(resp, body))
			}
			for _, q := range append(b.world.Requests(), own.Requests()...) {
				if strings.Contains(q.Path, "corp.test/bad") {
					t.Errorf("somebody was asked for %s", q.Path)
				}
			}
			for _, q := range b.world.Requests() {
				if strings.Contains(q.Path, "corp.test") {
					t.Errorf("the other mirror was asked for %s", q.Path)
				}
			}
			if n := b.world.Count("/sumdb/*/lookup/example.com/*"); n == 0 {
				t.Error("the other mirror was not asked for what it may be asked for")
			}
		})
	}
}

// A go command through the relay gets what the rules let it, and stops at what they do
// not, though its GOPROXY goes on to version control.
func TestAGoCommandIsRuledThroughTheRelay(t *testing.T) {
	t.Parallel()
	f := modules(t, "corp.test/a", "corp.test/bad", "example.com/x")
	b := openRuled(t, f, nil, "direct: true", nil)
	dir := t.TempDir()
	for _, test := range []struct {
		of, says string
	}{
		{"corp.test/a@v1.0.0", `"Version": "v1.0.0"`},
		{"corp.test/a@latest", `"Version": "v1.0.0"`},
		{"example.com/x@latest", `"Version": "v1.0.0"`},
		{"corp.test/bad@latest", "lets nobody be asked"},
		{"corp.test/bad@v1.0.0", "lets nobody be asked"},
	} {
		out, err := b.gocmd(dir, nil, "mod", "download", "-json", test.of)
		if refused := strings.Contains(test.of, "bad"); (err != nil) != refused || !strings.Contains(out, test.says) {
			t.Errorf("%s: %v\n%s", test.of, err, out)
		}
	}
}
