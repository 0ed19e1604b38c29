package truth

import (
	"net/http"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// privateClaims are about modules that are not asked of mirrors.
func privateClaims() []claim {
	const leans = "internal/goenv/check_pattern.go, internal/fetch (deferred modules)"
	origin := "https://example.test/m000?go-get=1"
	return []claim{
		{"goprivate-bypasses-mirrors", "a module that GOPRIVATE matches goes to its origin, and no mirror is told", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			r := newJob(t, f, s.URL).set("GOPRIVATE", "example.test").run("mod", "download", "-x")
			return all(r.fails(origin), asked(s, "*", 0))
		}},
		{"no-way-back-to-mirrors", "where the origin of a private module fails, no mirror is asked, whatever the separators", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			r := newJob(t, f, "direct|"+s.URL+"|"+s.URL+"/").set("GONOPROXY", "example.test").run("mod", "download")
			return all(r.fails("unrecognized import path"), asked(s, "*", 0))
		}},
		{"without-direct-in-the-list", "a module that GONOPROXY matches goes to its origin without a direct in GOPROXY, too", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			r := newJob(t, f, s.URL).set("GONOPROXY", "example.test").run("mod", "download", "-x")
			return all(r.fails(origin), asked(s, "*", 0))
		}},
		{"off-is-not-offline", "with GOPROXY=off a module that GOPRIVATE matches still goes to its origin", leans + ", internal/goenv/check_proxy.go (goproxy-not-offline)", func(t *testing.T) string {
			j := newJob(t, one(t), "off").set("GOPRIVATE", "example.test")
			p := j.through(nil)
			r := j.run("mod", "download")
			return all(r.fails("unrecognized import path"), unless(len(p.Requests()) > 0, "nothing goes out"), r.omits("disabled by GOPROXY=off"))
		}},
		{"gonoproxy-replaces-goprivate", "a GONOPROXY of its own replaces GOPRIVATE for mirrors", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			r := newJob(t, f, s.URL).set("GOPRIVATE", "example.test", "GONOPROXY", "other.test").run("mod", "download")
			return all(r.works(), asked(s, "*.zip", 1))
		}},
		{"none-keeps-goprivate-out", "GONOPROXY=none lets mirrors serve what GOPRIVATE matches", leans + ", internal/failure/kind.go (private)", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			return all(newJob(t, f, s.URL).set("GOPRIVATE", "example.test", "GONOPROXY", "none").run("mod", "download").works(), asked(s, "*.zip", 1))
		}},
		{"origin-is-https-first", "an origin that GOINSECURE does not match is asked over https alone", leans, func(t *testing.T) string {
			j := newJob(t, one(t), "direct")
			p := j.through(nil)
			seen := []string{j.run("mod", "download").fails("unrecognized import path")}
			for _, r := range p.Requests() {
				seen = append(seen, equal("the request to the origin", r.Method, "CONNECT"))
			}
			return all(seen...)
		}},
		{"goinsecure-lets-origins-speak-http", "GOINSECURE lets an origin be asked over http", leans, func(t *testing.T) string {
			j := newJob(t, one(t), "direct").set("GOINSECURE", "example.test")
			p := j.through(nil)
			j.run("mod", "download")
			return unless(len(p.Server.Matching("/m000*")) > 0 && p.Server.Matching("/m000*")[0].Method == http.MethodGet, "no plain request goes to the origin: %v", p.Requests())
		}},
		{"goinsecure-is-not-for-mirrors", "GOINSECURE does not make an untrusted mirror trusted, whatever it names", leans + " (goinsecure-mirror)", func(t *testing.T) string {
			mirrortest.NeedSSLCertFile(t)
			f := one(t)
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2})
			host, _, _ := strings.Cut(s.Addr, ":")
			r := newJob(t, f, s.URL).trust(mirrortest.NewAuthority(t)).set("GOINSECURE", "*,"+host+","+s.Addr+",example.test").run("mod", "download")
			return all(r.fails("certificate signed by unknown authority"), asked(s, "*", 0))
		}},
		{"goinsecure-checks-go-sum", "GOINSECURE does not skip go.sum", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.Always("*.zip", evil(mirrortest.OtherContent)(t)))
			return newJob(t, f, s.URL).set("GOINSECURE", "*").run("mod", "download").fails("checksum mismatch")
		}},
		{"goflags-insecure-has-no-effect", "-insecure in GOFLAGS is accepted and has no effect", "internal/goenv/flags.go (goflags-insecure)", func(t *testing.T) string {
			mirrortest.NeedSSLCertFile(t)
			f := one(t)
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2})
			return newJob(t, f, s.URL).trust(mirrortest.NewAuthority(t)).set("GOFLAGS", "-insecure").run("mod", "download").fails("certificate signed by unknown authority")
		}},
		{"ca-file-makes-a-mirror-trusted", "SSL_CERT_FILE with the authority's certificate makes a mirror trusted", "internal/failure/kind.go (tls_unknown_authority), internal/goenv/check_pattern.go (goinsecure-mirror)", func(t *testing.T) string {
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f})
			return newJob(t, f, s.URL).trust(ca).run("mod", "download").works()
		}},
	}
}
