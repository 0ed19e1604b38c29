package truth

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// passing is which separators pass a failure on to the next mirror.
type passing int

const (
	passesNever passing = iota // not even |
	passesPipe                 // only |
	passesBoth                 // , and |
)

// passed is a failure of the first mirror.
type passed struct {
	id, what string
	do       func(t *testing.T) mirrortest.Fault
	kinds    string // the files it is tried at; "" means all three
	passes   passing
}

func fixed(f mirrortest.Fault) func(*testing.T) mirrortest.Fault {
	return func(*testing.T) mirrortest.Fault { return f }
}

// evil answers with the evil counterpart of m.
func evil(kind mirrortest.Evil) func(*testing.T) mirrortest.Fault {
	return func(t *testing.T) mirrortest.Fault {
		t.Helper()
		return mirrortest.Swap(mirrortest.Corrupt(t, mirrortest.Module{Path: m.Path, Version: m.Version, Size: 2 << 10}, kind))
	}
}

// raw answers with bytes that are no HTTP.
func raw(text string) mirrortest.Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err) // HTTP/1.1 can always be hijacked
		}
		defer conn.Close()
		fmt.Fprint(conn, text)
	}
}

// abort closes the connection without an answer.
func abort(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

func passedFailures() []passed {
	var all []passed
	for _, code := range []int{404, 410} {
		all = append(all, passed{fmt.Sprint(code), fmt.Sprintf("the status %d", code), fixed(mirrortest.Status(code)), "", passesBoth})
	}
	for _, code := range []int{204, 302, 304, 400, 401, 403, 429, 451, 500, 502, 503, 504} {
		all = append(all, passed{fmt.Sprint(code), fmt.Sprintf("the status %d", code), fixed(mirrortest.Status(code)), "", passesPipe})
	}
	return append(all,
		passed{"refused-connection", "a connection that is refused", func(t *testing.T) mirrortest.Fault {
			return mirrortest.RedirectTo("http://" + mirrortest.Refused(t))
		}, "", passesPipe},
		passed{"reset", "a connection that is reset before the answer", fixed(mirrortest.ResetAfter(-1)), "", passesPipe},
		passed{"closed-connection", "a connection that is closed without an answer", fixed(abort), "", passesPipe},
		passed{"no-http", "an answer that is not HTTP", fixed(raw("220 mail.example.test ready\r\n")), "", passesPipe},
		passed{"redirect-loop", "a redirect loop", fixed(mirrortest.RedirectLoop()), "", passesPipe},
		passed{"redirect-to-ftp", "a redirect to what is not HTTP", fixed(mirrortest.RedirectTo("ftp://127.0.0.1")), "", passesPipe},
		passed{"cut-body", "a body that ends before its length", fixed(mirrortest.CutAfter(10)), "", passesPipe},
		passed{"cut-chunked-body", "a chunked body that breaks off", fixed(mirrortest.CutWithoutLength(10)), "", passesPipe},
		passed{"reset-in-body", "a connection that is reset in the body", fixed(mirrortest.ResetAfter(10)), "", passesPipe},
		passed{"login-page", "a login page in place of the file", fixed(mirrortest.HTML()), ".info", passesPipe},
		passed{"empty-body", "an empty answer in place of the file", fixed(mirrortest.Empty()), ".info", passesPipe},
		passed{"other-version", "the .info of another version", fixed(mirrortest.Body("application/json", []byte(`{"Version":"v1.0.1"}`))), ".info", passesPipe},
		passed{"wrong-go-mod", "a go.mod whose hash is not that of go.sum", evil(mirrortest.OtherMod), ".mod", passesNever},
		passed{"login-page", "a login page in place of the file", fixed(mirrortest.HTML()), ".mod .zip", passesNever},
		passed{"empty-body", "an empty answer in place of the file", fixed(mirrortest.Empty()), ".mod .zip", passesNever},
		passed{"wrong-hash", "a zip whose hash is not that of go.sum", evil(mirrortest.OtherContent), ".zip", passesNever},
		passed{"truncated-file", "a zip of which half is served as if it were all", evil(mirrortest.TruncatedZip), ".zip", passesNever},
		passed{"foreign-zip", "a zip with the files of another version", evil(mirrortest.WrongPrefix), ".zip", passesNever},
	)
}

// passingClaims say, for each failure, file and separator, whether the next
// mirror is asked.
func passingClaims() []claim {
	const leans = "internal/goenv/check_proxy.go (goproxy-separator), internal/session/chain.go, docs/mirrors.md and README.zh-CN.md on what passes on"
	var claims []claim
	for _, p := range passedFailures() {
		for _, kind := range strings.Fields(cmp.Or(p.kinds, ".info .mod .zip")) {
			for _, sep := range []string{",", "|"} {
				next := p.passes == passesBoth || p.passes == passesPipe && sep == "|"
				name := map[string]string{",": "comma", "|": "pipe"}[sep]
				does := map[bool]string{true: "passes on to the next mirror", false: "is final"}[next]
				claims = append(claims, claim{
					id:    fmt.Sprintf("%s-of-%s-before-%s", p.id, kind[1:], name),
					says:  fmt.Sprintf("before a %s, %s for the %s %s", name, p.what, kind, does),
					leans: leans,
					holds: func(t *testing.T) string {
						f := one(t)
						first, second := serve(t, f, mirrortest.Always("*"+kind, p.do(t))), serve(t, f)
						r := newJob(t, f, first.URL+sep+second.URL).run("mod", "download")
						if next {
							return all(r.works(), wasAsked(first, "*"+kind), asked(second, "*"+kind, 1))
						}
						return all(r.fails(), wasAsked(first, "*"+kind), asked(second, "*"+kind, 0))
					},
				})
			}
		}
	}
	return append(claims, wholeMirrorClaims(leans)...)
}

// wholeMirrorClaims are about mirrors of which nothing can be had.
func wholeMirrorClaims(leans string) []claim {
	mirrors := []struct {
		id, what, says string
		url            func(t *testing.T) string
	}{
		{"down", "that is down", "connect: connection refused", func(t *testing.T) string { return "http://" + mirrortest.Refused(t) }},
		{"resetting", "that resets every connection", "", func(t *testing.T) string { return "http://" + mirrortest.Resetting(t) }},
		{"closing", "that closes every connection", "EOF", func(t *testing.T) string { return "http://" + mirrortest.Closing(t) }},
		{"without-http", "that speaks another protocol", "malformed HTTP", func(t *testing.T) string { return "http://" + mirrortest.Garbled(t) }},
		{"without-tls", "that answers https with plain HTTP", "server gave HTTP response to HTTPS client", func(t *testing.T) string {
			return "https://" + serve(t, one(t)).Addr
		}},
		{"untrusted", "whose certificate nobody trusts", "certificate signed by unknown authority", func(t *testing.T) string {
			mirrortest.NeedSSLCertFile(t)
			return mirrortest.Start(t, mirrortest.Options{Protocol: mirrortest.HTTP2, Cert: mirrortest.UnknownAuth}).URL
		}},
		{"behind-a-dead-forward-proxy", "behind a forward proxy that is down", "proxyconnect tcp", func(*testing.T) string { return "https://mirror.example.test" }},
	}
	var claims []claim
	for _, w := range mirrors {
		for _, sep := range []string{",", "|"} {
			name := map[string]string{",": "comma", "|": "pipe"}[sep]
			does := map[string]string{",": "ends the download", "|": "is passed by"}[sep]
			claims = append(claims, claim{
				id:    fmt.Sprintf("mirror-%s-before-%s", w.id, name),
				says:  fmt.Sprintf("before a %s, a mirror %s %s", name, w.what, does),
				leans: leans + ", internal/failure/classify.go",
				holds: func(t *testing.T) string {
					f := one(t)
					second := serve(t, f)
					j := newJob(t, f, w.url(t)+sep+second.URL)
					if w.id == "untrusted" {
						j.trust(mirrortest.NewAuthority(t))
					}
					r := j.run("mod", "download")
					if sep == "|" {
						return all(r.works(), asked(second, "*", 3))
					}
					return all(r.fails(w.says), asked(second, "*", 0))
				},
			})
		}
	}
	return claims
}
