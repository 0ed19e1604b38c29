package truth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// refusedList is a GOPROXY value that the go command refuses as a whole.
func refusedList(id, says, list, message string) claim {
	return claim{id, says, "internal/goenv/proxy.go, internal/goenv/check_proxy.go", func(t *testing.T) string {
		f := one(t)
		healthy := serve(t, f)
		r := newJob(t, f, strings.ReplaceAll(list, "HEALTHY", healthy.URL)).run("mod", "download")
		return all(r.fails(message), asked(healthy, "*", 0))
	}}
}

// acceptedList is a GOPROXY value with which downloads come from HEALTHY.
func acceptedList(id, says, list string) claim {
	return claim{id, says, "internal/goenv/proxy.go, internal/goenv/check_proxy.go", func(t *testing.T) string {
		f := one(t)
		healthy := serve(t, f)
		list := strings.NewReplacer("HEALTHY", healthy.URL, "ADDRESS", healthy.Addr, "EMPTY", serve(t, mirrortest.Build(t)).URL).Replace(list)
		return all(newJob(t, f, list).run("mod", "download").works(), asked(healthy, "*.zip", 1))
	}}
}

// chainClaims say how a GOPROXY list is read.
func chainClaims() []claim {
	const leans = "internal/goenv/proxy.go, internal/goenv/check_proxy.go, internal/session/chain.go"
	return []claim{
		{"list-ends-at-direct", "what stands behind direct is never asked", leans, func(t *testing.T) string {
			f := one(t)
			empty, behind := serve(t, mirrortest.Build(t)), serve(t, f)
			r := newJob(t, f, empty.URL+"|direct|"+behind.URL).run("mod", "download")
			return all(r.fails("unrecognized import path"), wasAsked(empty, "*"), asked(behind, "*", 0))
		}},
		{"list-ends-at-off", "what stands behind off is never asked", leans, func(t *testing.T) string {
			f := one(t)
			empty, behind := serve(t, mirrortest.Build(t)), serve(t, f)
			r := newJob(t, f, empty.URL+",off,"+behind.URL).run("mod", "download")
			return all(r.fails("module lookup disabled by GOPROXY=off"), wasAsked(empty, "*"), asked(behind, "*", 0))
		}},
		refusedList("upper-case-direct", "the keyword direct is in lower case only", "HEALTHY,Direct", "invalid proxy URL missing scheme: Direct"),
		refusedList("upper-case-off", "the keyword off is in lower case only", "HEALTHY,OFF", "invalid proxy URL missing scheme: OFF"),
		refusedList("none-is-no-keyword", "none is no keyword", "none", "invalid proxy URL missing scheme: none"),
		refusedList("one-bad-entry-spoils-the-list", "an entry that is refused fails every download, even behind a healthy mirror", "HEALTHY,ftp://h.test", "invalid proxy URL scheme (must be https, http, file): ftp://h.test"),
		refusedList("plus-is-no-separator", "direct+https:// is refused", "direct+https://h.test/", "invalid proxy URL scheme (must be https, http, file): direct+https://h.test/"),
		refusedList("path-is-no-url", "a directory is refused without file://", "/srv/proxy", "invalid proxy URL missing scheme: /srv/proxy"),
		refusedList("file-url-with-host", "a file:// URL with a host is refused", "file://host.test/x", "invalid file:// proxy URL with non-path elements: file://host.test/x"),
		refusedList("separators-alone", "a list of separators alone has no entries", ",|,", "GOPROXY list is not the empty string, but contains no entries"),
		refusedList("semicolon-is-no-separator", "a semicolon is part of the URL", "http://127.0.0.1:1;HEALTHY", `parse "http://127.0.0.1:1;http:`),
		refusedList("blank-is-no-separator", "a blank is part of the URL", "http://127.0.0.1:1 HEALTHY", `parse "http://127.0.0.1:1 http:`),
		acceptedList("blanks-are-trimmed", "blanks and line ends around entries are trimmed", " EMPTY ,\n\tHEALTHY , direct"),
		acceptedList("empty-entries-are-skipped", "empty entries are skipped", ",,EMPTY,|,HEALTHY,,"),
		acceptedList("trailing-slash", "slashes at the end of an entry are fine", "HEALTHY///"),
		acceptedList("upper-case-scheme", "the case of the scheme is no matter", "HTTP://ADDRESS"),
		{"scheme-is-added", "https:// is put before a host without a scheme", leans, func(t *testing.T) string {
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f})
			r := newJob(t, f, s.Addr).trust(ca).run("mod", "download")
			return all(r.works(), asked(s, "*.zip", 1))
		}},
		{"file-mirror", "a file:// mirror may end in a slash, and a file that it lacks passes on like a 404", leans + ", internal/mirror/file.go", func(t *testing.T) string {
			f := one(t)
			dir := t.TempDir()
			url := f.WriteProxy(t, dir)
			remove(t, filepath.Join(dir, "example.test", "m000", "@v", "v1.0.0.zip"))
			s := serve(t, f)
			r := newJob(t, f, url+"/,"+s.URL).run("mod", "download")
			return all(r.works(), asked(s, "*.zip", 1), asked(s, "*.mod", 0))
		}},
		{"unset-is-the-toolchains-default", "an unset GOPROXY is that of go.env in GOROOT: mirrors, not direct", leans + ", DefaultProxy in internal/goenv/env.go", func(t *testing.T) string {
			j := emptyJob(t, "")
			root := strings.TrimSpace(j.must("env", "GOROOT").stdout)
			text, err := os.ReadFile(filepath.Join(root, "go.env"))
			if err != nil {
				return err.Error()
			}
			want := ""
			for line := range strings.Lines(string(text)) {
				if value, ok := strings.CutPrefix(strings.TrimSpace(line), "GOPROXY="); ok {
					want = value
				}
			}
			got := strings.TrimSpace(j.must("env", "GOPROXY").stdout)
			return all(equal("GOPROXY", got, want), unless(strings.HasPrefix(got, "https://"), "the default %q begins with no mirror", got))
		}},
		{"fallback-is-per-file", "the files of one module may come from different mirrors", leans + ", internal/download", func(t *testing.T) string {
			f := one(t)
			first := serve(t, f, mirrortest.Always("*.zip", mirrortest.Status(404)))
			second := serve(t, f)
			r := newJob(t, f, first.URL+","+second.URL).run("mod", "download")
			return all(r.works(), asked(first, "*.mod", 1), asked(first, "*.info", 1), asked(second, "*", 1), asked(second, "*.zip", 1))
		}},
		{"dead-mirror-is-asked-again", "a mirror that fails is asked again for every further file", leans + ", docs/mirrors.md (a mirror that is dead)", func(t *testing.T) string {
			f := mirrortest.Generate(t, 3, 0)
			dead, second := serve(t, f, mirrortest.Always("*", mirrortest.Status(500))), serve(t, f)
			r := newJob(t, f, dead.URL+"|"+second.URL).run("mod", "download")
			return all(r.works(), asked(dead, "*", 9), asked(second, "*", 9))
		}},
		{"same-url-twice-retries-zips-only", "the same URL listed twice gives a second try for zips only", leans + " (goproxy-duplicate)", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.First(1, "*.zip", mirrortest.Status(500)))
			twice := newJob(t, f, s.URL+"|"+s.URL).run("mod", "download")
			broken := serve(t, f, mirrortest.First(1, "*.mod", mirrortest.Status(500)))
			r := newJob(t, f, broken.URL+"|"+broken.URL).run("mod", "download")
			return all(twice.works(), asked(s, "*.zip", 2), r.fails("500 Internal Server Error"), asked(broken, "*.mod", 1))
		}},
		{"other-spelling-retries", "another spelling of the URL gives a second try for every file", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.FirstOfEach(1, "*", mirrortest.Status(500)))
			return all(newJob(t, f, s.URL+"|"+s.URL+"/").run("mod", "download").works(), asked(s, "*.mod", 2), asked(s, "*.info", 2), asked(s, "*.zip", 2))
		}},
		{"404-is-hidden-behind-direct", "with direct at the end, the error shown is that of direct, not the mirror's 404", leans + ", internal/failure/golog.go", func(t *testing.T) string {
			f := one(t)
			empty := serve(t, mirrortest.Build(t))
			r := newJob(t, f, empty.URL+",direct").run("mod", "download")
			return all(r.fails(`unrecognized import path "example.test/m000"`, "proxyconnect"), r.omits("404 Not Found"))
		}},
		{"error-shown-is-no-404", "of several mirrors' errors, one that is no 404 is shown", leans + ", internal/failure/golog.go", func(t *testing.T) string {
			f := one(t)
			broken, empty := serve(t, f, mirrortest.Always("*", mirrortest.Status(503))), serve(t, mirrortest.Build(t))
			r := newJob(t, f, broken.URL+"|"+empty.URL).run("mod", "download")
			return all(r.fails("503 Service Unavailable"), r.omits("404 Not Found"))
		}},
		{"off-disables-lookup", "GOPROXY=off fails what the module cache lacks", leans + ", internal/failure/gologblock.go", func(t *testing.T) string {
			return newJob(t, one(t), "off").run("mod", "download").fails("module lookup disabled by GOPROXY=off")
		}},
		{"off-works-with-a-full-cache", "GOPROXY=off works with what the module cache holds", leans + ", internal/modcache", func(t *testing.T) string {
			f := one(t)
			j := newJob(t, f, f.WriteProxy(t, t.TempDir()))
			j.must("mod", "download")
			j.set("GOPROXY", "off")
			return all(j.run("mod", "download").works(), j.run("build", "./...").works())
		}},
		{"query-is-sent", "a query in the URL is sent with every request and shown in errors", leans + " (goproxy-credentials)", func(t *testing.T) string {
			f := one(t)
			queries := map[string]bool{}
			s := serve(t, f, mirrortest.Rule{Match: queryOf(queries), Do: mirrortest.Status(500)})
			r := newJob(t, f, s.URL+"/?token=x#frag").run("mod", "download")
			broken := newJob(t, f, "http://"+mirrortest.Refused(t)+"/?token=x").run("mod", "download")
			return all(r.works(), asked(s, "*", 3), unless(len(queries) == 1 && queries["token=x"], "the queries are %v", queries), broken.fails("?token=x"))
		}},
	}
}
