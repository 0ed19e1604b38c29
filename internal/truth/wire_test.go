package truth

import (
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// queryOf notes the query of every request and matches none.
func queryOf(queries map[string]bool) func(*http.Request) bool {
	return func(r *http.Request) bool {
		queries[r.URL.RawQuery] = true
		return false
	}
}

// twiceOverTLS says that a status is asked for twice over https.
func twiceOverTLS(code, want int, id, says string) claim {
	return claim{id, says, "internal/mirror/client.go, internal/failure/golog.go, internal/report (status codes)", func(t *testing.T) string {
		f := one(t)
		s, ca := serveTLS(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*.mod", mirrortest.Status(code))}})
		r := newJob(t, f, s.URL).trust(ca).run("mod", "download")
		off := newJob(t, f, s.URL).trust(ca).set("GOAUTH", "off").run("mod", "download")
		return all(r.fails(), off.fails(), asked(s, "*.mod", 2*want))
	}}
}

// wireClaims say what the go command asks a mirror, and how.
func wireClaims() []claim {
	const leans = "internal/mirror/client.go, internal/mirror/mirrortest/handler.go"
	return []claim{
		{"headers", "a request carries Host, User-Agent and Accept-Encoding and nothing else: no Accept, no ETag, no Range", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			seen := []string{newJob(t, f, s.URL).run("mod", "download").works()}
			for _, r := range s.Requests() {
				var names []string
				for name := range r.Header {
					names = append(names, name)
				}
				slices.Sort(names)
				seen = append(seen, equal("the headers", strings.Join(names, " "), "Accept-Encoding User-Agent"),
					equal("User-Agent", r.Header.Get("User-Agent"), "Go-http-client/1.1"),
					equal("Accept-Encoding", r.Header.Get("Accept-Encoding"), "gzip"), equal("the method", r.Method, "GET"))
			}
			return all(seen...)
		}},
		{"http2", "HTTP/2 is spoken where the mirror offers it", leans, func(t *testing.T) string {
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f})
			seen := []string{newJob(t, f, s.URL).trust(ca).run("mod", "download").works()}
			for _, r := range s.Requests() {
				seen = append(seen, equal("the protocol", r.Proto, "HTTP/2.0"), equal("User-Agent", r.Header.Get("User-Agent"), "Go-http-client/2.0"))
			}
			return all(seen...)
		}},
		{"http2client-0-means-http1", "GODEBUG=http2client=0 makes it HTTP/1.1", "internal/failure/kind.go (remedy of http2_reset)", func(t *testing.T) string {
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f})
			seen := []string{newJob(t, f, s.URL).trust(ca).set("GODEBUG", "http2client=0").run("mod", "download").works()}
			for _, r := range s.Requests() {
				seen = append(seen, equal("the protocol", r.Proto, "HTTP/1.1"))
			}
			return all(seen...)
		}},
		{"paths", "slashes go out as they are, capitals as ! and the small letter, with ! as %21", leans + ", internal/mirror/mirror.go", func(t *testing.T) string {
			upper, v2 := module.Version{Path: "example.test/Upper", Version: "v1.0.0-RC1"}, module.Version{Path: "other.test/x/v2", Version: "v2.0.0"}
			f := mirrortest.Build(t, mirrortest.Module{Path: upper.Path, Version: upper.Version}, mirrortest.Module{Path: v2.Path, Version: v2.Version})
			s := serve(t, f)
			r := newJob(t, f, s.URL).run("mod", "download")
			return all(r.works(), asked(s, "/example.test/%21upper/@v/v1.0.0-%21r%21c1.zip", 1), asked(s, "/other.test/x/v2/@v/v2.0.0.zip", 1))
		}},
		{"content-type-does-not-matter", "neither Content-Type nor ETag is needed", leans, func(t *testing.T) string {
			f := one(t)
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, NoETag: true, NoRange: true, Faults: []mirrortest.Rule{mirrortest.Always("*", noType)}})
			return newJob(t, f, s.URL).run("mod", "download").works()
		}},
		{"latest-without-releases-only", "@latest is asked only when the list names no version", leans, func(t *testing.T) string {
			f := one(t)
			s, unlisted := serve(t, f), serve(t, f, mirrortest.Always("*/list", mirrortest.Body("text/plain", nil)))
			r := newJob(t, f, s.URL).run("list", "-m", m.Path+"@latest")
			other := newJob(t, f, unlisted.URL).run("list", "-m", m.Path+"@latest")
			return all(r.works("v1.0.0"), asked(s, "*/@v/list", 1), asked(s, "*/@latest", 0), other.works("v1.0.0"), asked(unlisted, "*/@latest", 1))
		}},
		{"version-prefixes-come-from-the-list", "a version prefix is looked up in the list, a full version is not", leans, func(t *testing.T) string {
			f := one(t)
			s, full := serve(t, f), serve(t, f)
			r, exact := newJob(t, f, s.URL).run("list", "-m", m.Path+"@v1"), newJob(t, f, full.URL).run("list", "-m", mAt)
			return all(r.works("v1.0.0"), wasAsked(s, "*/@v/list"), exact.works("v1.0.0"), asked(full, "*/@v/list", 0))
		}},
		twiceOverTLS(403, 2, "403-over-https-is-asked-twice", "over https a 403 is asked a second time, with GOAUTH=off too"),
		twiceOverTLS(404, 2, "404-over-https-is-asked-twice", "over https a 404 is asked a second time, with GOAUTH=off too"),
		twiceOverTLS(503, 1, "503-over-https-is-asked-once", "over https a 503 is asked once"),
		{"4xx-over-http-is-asked-once", "over plain http a 403 is asked once", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.Always("*", mirrortest.Status(403)))
			return all(newJob(t, f, s.URL).run("mod", "download").fails(), asked(s, "*.mod", 1))
		}},
		{"no-retry-after-503", "nothing is tried again after a 503, Retry-After or not", leans + ", docs/mirrors.md (a request that fails)", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.First(1, "*.zip", mirrortest.RetryAfter(503, "0")))
			return all(newJob(t, f, s.URL).run("mod", "download").fails("503 Service Unavailable"), asked(s, "*.zip", 1))
		}},
		{"no-retry-after-429", "nothing is tried again after a 429, Retry-After or not", leans + ", docs/mirrors.md (a request that fails)", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.First(1, "*.zip", mirrortest.RetryAfter(429, "0")))
			return all(newJob(t, f, s.URL).run("mod", "download").fails("429 Too Many Requests"), asked(s, "*.zip", 1))
		}},
		{"no-resume", "a body that is cut is neither resumed nor asked for again", leans + ", docs/mirrors.md (a body that is cut)", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.First(1, "*.zip", mirrortest.CutAfter(100)))
			return all(newJob(t, f, s.URL).run("mod", "download").fails("unexpected EOF"), asked(s, "*.zip", 1))
		}},
		{"zip-is-started-over", "the next run asks for the whole zip again, without Range", leans + ", docs/mirrors.md (a body that is cut)", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.First(1, "*.zip", mirrortest.CutAfter(100)))
			j := newJob(t, f, s.URL)
			first, second := j.run("mod", "download"), j.run("mod", "download")
			seen := []string{first.fails(), second.works(), asked(s, "*.zip", 2)}
			for _, r := range s.Matching("*.zip") {
				seen = append(seen, equal("Range", r.Range(), ""))
			}
			return all(seen...)
		}},
		{"gzip-is-undone", "a body under Content-Encoding gzip is unpacked", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.Always("*", zipped))
			return newJob(t, f, s.URL).run("mod", "download").works()
		}},
		{"gzip-is-believed", "a body that claims to be gzip and is none fails", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.Always("*", mirrortest.Gzip()))
			return newJob(t, f, s.URL).run("mod", "download").fails("gzip: invalid header")
		}},
		{"reused-connection-is-tried-again", "a request whose kept connection is closed without an answer is sent once more, as net/http does", leans + ", docs/mirrors.md (a request that fails)", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.First(1, "*.zip", abort))
			return all(newJob(t, f, s.URL).run("mod", "download").works(), asked(s, "*.zip", 2))
		}},
		{"first-connection-is-not", "a request whose new connection is closed without an answer is not sent again", leans + ", docs/mirrors.md (a request that fails)", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.First(1, "*.mod", abort))
			return all(newJob(t, f, s.URL).run("mod", "download").fails("EOF"), asked(s, "*.mod", 1))
		}},
		{"server-text-is-shown", "of an error's body, text/plain is shown and HTML is not", leans + ", internal/failure/page.go", func(t *testing.T) string {
			f := one(t)
			plain := serve(t, f, mirrortest.Always("*", mirrortest.Status(403)))
			html := serve(t, f, mirrortest.Always("*", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(http.StatusForbidden)
				w.Write([]byte("scripted: Forbidden"))
			}))
			return all(newJob(t, f, plain.URL).run("mod", "download").fails("403 Forbidden\n\tserver response: scripted: Forbidden"),
				newJob(t, f, html.URL).run("mod", "download").omits("scripted"))
		}},
		{"cmdgonetlimit-0-is-offline", "GODEBUG=cmdgonetlimit=0 refuses every request", leans + ", internal/goenv/check_proxy.go (goproxy-not-offline)", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			r := newJob(t, f, s.URL).set("GODEBUG", "cmdgonetlimit=0").run("mod", "download")
			return all(r.fails("network disabled by cmdgonetlimit=0"), asked(s, "*", 0))
		}},
	}
}

// zipped answers healthily, with a body under gzip.
func zipped(w http.ResponseWriter, r *http.Request, next http.Handler) {
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, r)
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	defer z.Close() // what fails here fails at the client
	z.Write(rec.Body.Bytes())
}

// noType answers healthily with a Content-Type that fits nothing.
func noType(w http.ResponseWriter, r *http.Request, next http.Handler) {
	next.ServeHTTP(typeless{w}, r)
}

type typeless struct{ http.ResponseWriter }

func (w typeless) WriteHeader(code int) {
	w.Header().Set("Content-Type", "x/y")
	w.ResponseWriter.WriteHeader(code)
}
