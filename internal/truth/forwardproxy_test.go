package truth

import (
	"runtime"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// noProxyClaim says whether NO_PROXY takes a host from the forward proxy. The
// name is one that no name server can be asked for, as one part of it is too
// long, so that nothing leaves the machine.
func noProxyClaim(id, says, noProxy string, direct bool) claim {
	long := strings.Repeat("a", 64)
	return claim{id, says, "internal/mirror/client.go, internal/goenv/check_forward.go (no-proxy-element), internal/failure/kind.go (proxy_auth, proxy_connect)", func(t *testing.T) string {
		j := newJob(t, one(t), "http://"+long+".example.test")
		p := j.through(nil)
		r := j.set("NO_PROXY", strings.ReplaceAll(noProxy, "HOST", long+".example.test"), "GODEBUG", "netdns=go").run("mod", "download")
		if direct {
			return all(r.fails("no such host"), asked(p.Server, "*", 0))
		}
		return all(r.fails(), unless(len(p.Requests()) > 0, "the forward proxy is not asked"))
	}}
}

// forwardProxyClaims are about HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
func forwardProxyClaims() []claim {
	const leans = "internal/mirror/client.go, internal/failure/kind.go (proxy_auth, proxy_connect)"
	return []claim{
		{"http-proxy-is-for-http-mirrors", "HTTP_PROXY is used for http mirrors, whatever GOPROXY says of direct", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			j := newJob(t, f, "http://mirror.example.test")
			p := j.through(map[string]string{"mirror.example.test": s.Addr})
			return all(j.unset("HTTPS_PROXY").run("mod", "download").works(), asked(s, "*", 3), equal("requests through the forward proxy", len(p.Requests()), 3))
		}},
		{"https-proxy-is-for-https-mirrors", "HTTPS_PROXY is used for https mirrors", leans, func(t *testing.T) string {
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f})
			j := newJob(t, f, "https://mirror.example.test").trust(ca)
			p := j.through(map[string]string{"mirror.example.test": s.Addr})
			seen := []string{j.unset("HTTP_PROXY").run("mod", "download").works(), asked(s, "*", 3)}
			for _, r := range p.Requests() {
				seen = append(seen, equal("the forward proxy's request", r.Method+" "+r.Host, "CONNECT mirror.example.test:443"))
			}
			return all(seen...)
		}},
		{"loopback-is-never-proxied", "mirrors on loopback and localhost are never asked through a forward proxy", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			var seen []string
			for _, url := range []string{s.URL, localhost(s)} {
				j := newJob(t, f, url)
				p := j.through(nil)
				seen = append(seen, j.run("mod", "download").works(), asked(p.Server, "*", 0))
			}
			return all(seen...)
		}},
		{"lower-case-variables", "the variables may be in lower case", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			j := newJob(t, f, "http://mirror.example.test")
			p := j.through(map[string]string{"mirror.example.test": s.Addr})
			return j.unset("HTTP_PROXY").set("http_proxy", p.URL).run("mod", "download").works()
		}},
		{"upper-case-wins", "of HTTP_PROXY and http_proxy, HTTP_PROXY wins", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			j := newJob(t, f, "http://mirror.example.test")
			j.through(map[string]string{"mirror.example.test": s.Addr})
			if runtime.GOOS == "windows" {
				t.Skip("names of variables have no case on windows")
			}
			return j.set("http_proxy", "http://"+mirrortest.Refused(t)).run("mod", "download").works()
		}},
		{"all-proxy-is-ignored", "ALL_PROXY is ignored", leans, func(t *testing.T) string {
			j := newJob(t, one(t), "http://"+strings.Repeat("a", 64)+".example.test")
			p := j.through(nil)
			r := j.unset("HTTP_PROXY", "HTTPS_PROXY").set("ALL_PROXY", p.URL, "GODEBUG", "netdns=go").run("mod", "download")
			return all(r.fails("no such host"), asked(p.Server, "*", 0))
		}},
		{"scheme-may-be-missing", "a forward proxy without a scheme is spoken to over http", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			j := newJob(t, f, "http://mirror.example.test")
			p := j.through(map[string]string{"mirror.example.test": s.Addr})
			return j.set("HTTP_PROXY", p.Addr).run("mod", "download").works()
		}},
		{"userinfo-is-sent", "user and password of HTTPS_PROXY go to the forward proxy", leans, func(t *testing.T) string {
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f})
			n := &mirrortest.Network{}
			n.Route("mirror.example.test", s.Addr)
			p := mirrortest.StartForwardProxy(t, n, "u:p")
			j := newJob(t, f, "https://mirror.example.test").trust(ca)
			return all(j.set("HTTPS_PROXY", p.WithUser("u:p")).run("mod", "download").works(), asked(s, "*", 3))
		}},
		noProxyClaim("no-proxy-domain", "a domain in NO_PROXY covers the hosts in it", "example.test", true),
		noProxyClaim("no-proxy-dot-domain", "a domain with a leading dot in NO_PROXY covers the hosts in it", ".example.test", true),
		noProxyClaim("no-proxy-star-domain", "*. and a domain in NO_PROXY covers the hosts in it", "*.example.test", true),
		noProxyClaim("no-proxy-star", "NO_PROXY=* covers everything", "*", true),
		noProxyClaim("no-proxy-host", "a host in NO_PROXY is not asked through the forward proxy", "other.test, HOST", true),
		noProxyClaim("no-proxy-other-domain", "NO_PROXY does not cover domains that merely end alike", "ample.test", false),
		noProxyClaim("no-proxy-url", "a URL in NO_PROXY matches nothing", "https://HOST", false),
		noProxyClaim("no-proxy-path", "a host and path in NO_PROXY match nothing", "HOST/go", false),
		noProxyClaim("no-proxy-blank", "a blank does not separate elements of NO_PROXY", "other.test HOST", false),
		noProxyClaim("no-proxy-semicolon", "a semicolon does not separate elements of NO_PROXY", "other.test;HOST", false),
		noProxyClaim("no-proxy-inner-star", "a star in the middle of an element of NO_PROXY stands for nothing", "a*.example.test", false),
		{"unusable-address-is-ignored", "a forward proxy whose address cannot be parsed is ignored without a word", leans + ", internal/goenv/check_forward.go (forward-proxy-invalid)", func(t *testing.T) string {
			j := newJob(t, one(t), "http://"+strings.Repeat("a", 64)+".example.test").unset("HTTPS_PROXY")
			return j.set("HTTP_PROXY", "http://%zz", "GODEBUG", "netdns=go").run("mod", "download").fails("no such host")
		}},
		{"unknown-scheme-is-http", "HTTP is spoken to a forward proxy with a scheme that is not known", leans + ", internal/goenv/check_forward.go (forward-proxy-invalid)", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			j := newJob(t, f, "http://mirror.example.test")
			p := j.through(map[string]string{"mirror.example.test": s.Addr})
			return j.set("HTTP_PROXY", "proxy://"+p.Addr).run("mod", "download").works()
		}},
		{"no-proxy-cidr", "NO_PROXY accepts networks as CIDR", leans, func(t *testing.T) string {
			if runtime.GOOS != "linux" {
				t.Skip("0.0.0.0 is this machine, without being loopback, on Linux alone")
			}
			f := one(t)
			s := serve(t, f)
			url := strings.Replace(s.URL, "127.0.0.1", "0.0.0.0", 1)
			var seen []string
			for noProxy, want := range map[string]int{"0.0.0.0/8": 0, "10.0.0.0/8": 1} {
				j := newJob(t, f, url)
				p := j.through(nil)
				r := j.set("NO_PROXY", noProxy).run("mod", "download")
				seen = append(seen, equal("success with NO_PROXY="+noProxy, r.ok, want == 0), asked(p.Server, "*", want))
			}
			return all(seen...)
		}},
	}
}
