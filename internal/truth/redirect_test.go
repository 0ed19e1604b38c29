package truth

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// hops redirects each file n times before it is served.
func hops(n int) mirrortest.Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		at, _ := strconv.Atoi(r.URL.Query().Get("hop")) // "" is the first
		if at < n {
			http.Redirect(w, r, fmt.Sprintf("%s?hop=%d", r.URL.Path, at+1), http.StatusFound)
			return
		}
		next.ServeHTTP(w, r)
	}
}

// localhost is the server's URL under a name that is not its address.
func localhost(s *mirrortest.Server) string {
	return strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
}

// redirectedNetrc says whether credentials that netrc has for a host arrive at
// the one to which it redirects.
func redirectedNetrc(id, says, host, target string, sent bool) claim {
	return claim{id, says, "internal/mirror/redirect.go, internal/mirror/netrc.go", func(t *testing.T) string {
		f := one(t)
		ca := mirrortest.NewAuthority(t)
		storage, _ := serveTLS(t, mirrortest.Options{Fixtures: f, Authority: ca})
		s, _ := serveTLS(t, mirrortest.Options{Fixtures: f, Authority: ca, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.RedirectTo("https://"+target+":8443"))}})
		j := newJob(t, f, "https://"+host).trust(ca)
		j.through(map[string]string{host + ":443": s.Addr, target + ":8443": storage.Addr})
		writeFile(t, j.temp+"/netrc", "machine "+host+" login u password p\n")
		seen := []string{j.set("NETRC", j.temp+"/netrc").run("mod", "download").works(), asked(storage, "*", 3)}
		for _, r := range storage.Requests() {
			seen = append(seen, equal("credentials at the target", r.Authorization() != "", sent))
		}
		return all(seen...)
	}}
}

// urlCredentials redirects within a mirror whose URL has credentials, below
// /stored, and compares whether they arrive there.
func urlCredentials(t *testing.T, location func(host, path string) string, sent bool) string {
	t.Helper()
	f := one(t)
	moved := func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, location(r.Host, "/stored"+r.URL.Path), http.StatusFound)
	}
	served := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		http.StripPrefix("/stored", next).ServeHTTP(w, r)
	}
	s, ca := serveTLS(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("/stored/*", served), mirrortest.Always("*", moved)}})
	seen := []string{newJob(t, f, s.WithUser("u:p")).trust(ca).run("mod", "download").works(), asked(s, "/stored/*", 3)}
	for _, r := range s.Matching("/stored/*") {
		seen = append(seen, equal("credentials behind the redirect", r.Authorization() != "", sent))
	}
	for _, r := range s.Matching("/example.test/*") {
		seen = append(seen, equal("credentials at the mirror", r.Authorization() != "", true))
	}
	return all(seen...)
}

// redirectClaims say which redirects are followed.
func redirectClaims() []claim {
	const leans = "internal/mirror/redirect.go, internal/failure/class.go (redirect_loop, redirect_refused)"
	return []claim{
		{"to-another-host", "a redirect to another host is followed", leans, func(t *testing.T) string {
			f := one(t)
			storage := serve(t, f)
			s := serve(t, f, mirrortest.Always("*", mirrortest.RedirectTo(localhost(storage))))
			seen := []string{newJob(t, f, s.URL).run("mod", "download").works(), asked(storage, "*", 3)}
			for _, r := range storage.Requests() {
				seen = append(seen, equal("the Host header", r.Host, strings.TrimPrefix(localhost(storage), "http://")))
			}
			return all(seen...)
		}},
		{"http-to-https", "a redirect from http to https is followed", leans, func(t *testing.T) string {
			f := one(t)
			secure, ca := serveTLS(t, mirrortest.Options{Fixtures: f})
			s := serve(t, f, mirrortest.Always("*", mirrortest.RedirectTo(secure.URL)))
			return all(newJob(t, f, s.URL).trust(ca).run("mod", "download").works(), asked(secure, "*", 3))
		}},
		{"https-to-http", "a redirect from https to http is refused, and said so", leans, func(t *testing.T) string {
			f := one(t)
			plain := serve(t, f)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.RedirectTo(plain.URL))}})
			return all(newJob(t, f, s.URL).trust(ca).run("mod", "download").fails("redirected from secure URL", "to insecure URL"), asked(plain, "*", 0))
		}},
		{"nine-hops", "nine redirects in a row, ten requests, are followed", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.Always("*", hops(9)))
			return newJob(t, f, s.URL).run("mod", "download").works()
		}},
		{"ten-hops", "the tenth redirect in a row is not followed", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.Always("*", hops(10)))
			return all(newJob(t, f, s.URL).run("mod", "download").fails("stopped after 10 redirects"), asked(s, "*.mod", 10))
		}},
		redirectedNetrc("credentials-go-to-the-same-host", "credentials of netrc go along to the same host, whatever the port", "example.test", "example.test", true),
		redirectedNetrc("credentials-go-to-sub-domains", "credentials of netrc go along to a sub-domain of the mirror's host", "example.test", "files.example.test", true),
		redirectedNetrc("credentials-do-not-go-to-other-hosts", "credentials of netrc do not go along to another host", "mirror.example.test", "files.example.test", false),
		{"url-credentials-do-not-go-along", "credentials in the URL do not go along with a redirect to a full URL, not even to the same server", leans, func(t *testing.T) string {
			return urlCredentials(t, func(host, path string) string { return "https://" + host + path }, false)
		}},
		{"url-credentials-go-along-with-a-path", "credentials in the URL go along with a redirect to a path alone", leans, func(t *testing.T) string {
			return urlCredentials(t, func(_, path string) string { return path }, true)
		}},
		{"netrc-is-not-read-for-the-target", "netrc is not consulted for the target of a redirect", leans + ", internal/mirror/netrc.go", func(t *testing.T) string {
			f := one(t)
			ca := mirrortest.NewAuthority(t)
			storage, _ := serveTLS(t, mirrortest.Options{Fixtures: f, Authority: ca})
			s, _ := serveTLS(t, mirrortest.Options{Fixtures: f, Authority: ca, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.RedirectTo(localhost(storage)))}})
			j := newJob(t, f, s.URL).trust(ca)
			writeFile(t, j.temp+"/netrc", "machine "+strings.TrimPrefix(localhost(storage), "https://")+" login u password p\n")
			seen := []string{j.set("NETRC", j.temp+"/netrc").run("mod", "download").works()}
			for _, r := range storage.Requests() {
				seen = append(seen, equal("the Authorization header at the target", r.Authorization(), ""))
			}
			return all(seen...)
		}},
	}
}
