package truth

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/golog"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// message is a failure as the go command words it, and the class that the log
// analyser gives it. What package failure's own test of real logs has is not
// repeated here.
func message(id, says, text string, class failure.Class, run func(t *testing.T) result) claim {
	return claim{id, says, "internal/failure/gologblock.go, internal/failure/gologcause.go", func(t *testing.T) string {
		r := run(t)
		log := readLog(t, r)
		i := slices.IndexFunc(log.Failures, func(f golog.Failure) bool { return f.Class != class })
		return all(r.fails(text), unless(len(log.Failures) > 0, "the log analyser finds no failure in\n%s", r.shown()),
			unless(i < 0, "the log analyser does not take it for %s: %+v, in\n%s", class, log.Failures, r.shown()))
	}}
}

// download runs a download of m from a mirror with a fault.
func download(glob string, fault mirrortest.Fault) func(t *testing.T) result {
	return func(t *testing.T) result {
		t.Helper()
		f := one(t)
		return newJob(t, f, serve(t, f, mirrortest.Always(glob, fault)).URL).run("mod", "download")
	}
}

// asEvil runs a download of an evil m, with the sums of the evil one.
func asEvil(kind mirrortest.Evil) func(t *testing.T) result {
	return func(t *testing.T) result {
		t.Helper()
		f := one(t).With(mirrortest.Corrupt(t, mirrortest.Module{Path: m.Path, Version: m.Version}, kind))
		return newJob(t, f, serve(t, f).URL).run("mod", "download")
	}
}

// lookup runs a download that asks a database, with a fault there.
func lookup(fault mirrortest.Fault) func(t *testing.T) result {
	return func(t *testing.T) result {
		t.Helper()
		w := newSumDBWorld(t, mirrortest.Always("/sumdb/*/lookup/*", fault))
		return w.fresh(w.mirror.URL).run("mod", "download", mAt)
	}
}

// with runs a go command on a healthy checkout with other settings.
func with(args []string, set ...string) func(t *testing.T) result {
	return func(t *testing.T) result {
		t.Helper()
		f := one(t)
		return newJob(t, f, serve(t, f).URL).set(set...).run(args...)
	}
}

// origin runs a download with GOPROXY=direct where https://example.test/m000 has
// a page, and what is below /m000.git answers with a status.
func origin(page string, gitStatus int, needGit bool, set ...string) func(t *testing.T) result {
	return func(t *testing.T) result {
		t.Helper()
		if _, err := exec.LookPath("git"); err != nil && needGit {
			t.Skip("no git on PATH")
		}
		f := one(t)
		s, ca := serveTLS(t, mirrortest.Options{Protocol: mirrortest.HTTP1TLS, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/m000.git/") {
				http.Error(w, "scripted", gitStatus)
				return
			}
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, page)
		})})
		j := newJob(t, f, "direct").trust(ca)
		j.through(map[string]string{"example.test": s.Addr})
		return j.set(set...).run("mod", "download")
	}
}

// forks runs two lookups in databases that have one key and differ in their
// first record.
func forks(t *testing.T) result {
	t.Helper()
	f := mirrortest.Generate(t, 2, 0)
	signer, key, err := note.GenerateKey(nil, "sum.example.test")
	if err != nil {
		t.Fatal(err)
	}
	j := emptyJob(t, "").set("GOSUMDB", key)
	j.write("go.mod", "module example.test/main\n\ngo 1.21\n")
	var r result
	for _, a := range f.All() {
		j.set("GOPROXY", withDatabase(t, f, signer, func(path, version string) string { return f.Get(path, version).SumLines() }))
		r = j.run("mod", "download", a.Path+"@"+a.Version.Version)
	}
	return r
}

// withDatabase is the URL of a mirror with a database of its own, which has
// these lines for a module version.
func withDatabase(t *testing.T, f *mirrortest.Fixtures, signer string, lines func(path, version string) string) string {
	t.Helper()
	db := http.StripPrefix("/sumdb/sum.example.test", sumdb.NewServer(sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
		return []byte(lines(path, version)), nil
	})))
	return serve(t, f, mirrortest.Always("/sumdb/*/supported", mirrortest.Empty()), mirrortest.Always("/sumdb/*", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		db.ServeHTTP(w, r)
	})).URL
}

// withoutModLine runs a lookup in a database that has no go.mod hash.
func withoutModLine(t *testing.T) result {
	t.Helper()
	f := one(t)
	signer, key, err := note.GenerateKey(nil, "sum.example.test")
	if err != nil {
		t.Fatal(err)
	}
	j := emptyJob(t, withDatabase(t, f, signer, func(path, version string) string {
		zip, _, _ := strings.Cut(f.Get(path, version).SumLines(), "\n")
		return zip + "\n"
	})).set("GOSUMDB", key)
	j.write("go.mod", "module example.test/main\n\ngo 1.21\n")
	return j.run("mod", "download", mAt)
}

// messageClaims are the wordings on which the log analyser leans.
func messageClaims() []claim {
	const page = `<html><head><meta name="go-import" content="example.test/m000 git https://example.test/m000.git"></head></html>`
	modDownload, modVerify := []string{"mod", "download"}, []string{"mod", "verify"}
	changed := func(change func(j *job), args ...string) func(t *testing.T) result {
		return func(t *testing.T) result {
			t.Helper()
			j, _, _ := poisoned(t)
			change(j)
			return j.run(args...)
		}
	}
	return []claim{
		message("other-info", "the .info of another version", "proxy returned info for version v9.9.9 instead of requested version", failure.WrongContent, download("*.info", mirrortest.Body("application/json", []byte(`{"Version":"v9.9.9"}`)))),
		message("empty-info", "an empty .info", `invalid response from proxy "`, failure.WrongContent, download("*.info", mirrortest.Empty())),
		message("damaged-zip", "a zip with a changed byte", "zip: checksum error", failure.WrongContent, download("*.zip", mirrortest.Flip(1200))),
		message("malformed-path", "a zip with a backslash in a name", `malformed file path "`, failure.UnsafeZip, asEvil(mirrortest.Backslash)),
		message("case-collision", "a zip with names that differ in case only", "case-insensitive file name collision", failure.UnsafeZip, asEvil(mirrortest.CaseCollision)),
		message("large-go-mod", "a go.mod of more than 16 MiB", "go.mod file too large", failure.TooLarge, asEvil(mirrortest.OversizedMod)),
		message("malformed-record", "a lookup that is no record", "malformed record data", failure.WrongContent, lookup(mirrortest.Body("text/plain", []byte("Sign in\n")))),
		message("malformed-note", "a lookup whose signature is cut off", "malformed note", failure.WrongContent, lookup(mirrortest.Edit(func(body []byte) []byte { return body[:len(body)-3] }))),
		message("lookup-forbidden", "a lookup that is refused", "403 Forbidden", failure.Forbidden, lookup(mirrortest.Status(403))),
		message("no-verifiable-signature", "a lookup that is signed with another key", "note has no verifiable signatures", failure.WrongContent, func(t *testing.T) result {
			w := newSumDBWorld(t)
			return w.fresh(w.mirror.URL).set("GOSUMDB", mirrortest.NewSumDB(t, w.f).Key).run("mod", "download", mAt)
		}),
		message("fork", "a database that tells two stories", "database server misbehavior detected", failure.WrongContent, forks),
		message("checksum-missing", "a database without the hash of the go.mod", "checksum missing from sumdb response", failure.WrongContent, withoutModLine),
		message("database-mismatch", "a zip whose hash is not the database's", "checksum mismatch", failure.HashMismatch, func(t *testing.T) result {
			w := newSumDBWorld(t, mirrortest.Always("*.zip", evil(mirrortest.OtherContent)(t)))
			return w.fresh(w.mirror.URL).run("mod", "download", mAt)
		}),
		message("bad-gosumdb", "a GOSUMDB that is no verifier key", "invalid GOSUMDB: malformed verifier id", failure.Unknown, func(t *testing.T) result {
			w := newSumDBWorld(t)
			return w.fresh(w.mirror.URL).set("GOSUMDB", "x.test").run("mod", "download", mAt)
		}),
		message("blank-gosumdb", "a blank GOSUMDB", "missing GOSUMDB", failure.Unknown, func(t *testing.T) result {
			w := newSumDBWorld(t)
			return w.fresh(w.mirror.URL).set("GOSUMDB", " ").run("mod", "download", mAt)
		}),
		message("network-disabled", "GODEBUG=cmdgonetlimit=0", "network disabled by cmdgonetlimit=0", failure.Disabled, with(modDownload, "GODEBUG", "cmdgonetlimit=0")),
		message("bad-scheme", "a GOPROXY entry with another scheme", "invalid proxy URL scheme", failure.Disabled, with(modDownload, "GOPROXY", "ftp://x.test")),
		message("no-matching-version", "a query that no version matches", `no matching versions for query "v9"`, failure.NotFound, with([]string{"list", "-m", m.Path + "@v9"})),
		message("no-such-package", "a module without the package", "module example.test/m000@v1.0.0 found, but does not contain package example.test/m000/none", failure.NotFound, with([]string{"get", m.Path + "/none@v1.0.0"})),
		message("no-such-module", "an import that no module provides", "cannot find module providing package example.test/none", failure.NotFound, func(t *testing.T) result {
			f := one(t)
			j := newJob(t, f, serve(t, f).URL)
			j.write("main.go", "package lib\n\nimport _ \"example.test/none\"\n")
			return j.set("GOFLAGS", "-mod=mod").run("build", "./...")
		}),
		message("relative-module-cache", "a relative GOMODCACHE", "GOMODCACHE entry is relative", failure.LocalIO, with(modDownload, "GOMODCACHE", "relative")),
		message("locked-out", "a module cache that cannot be written", "permission denied", failure.Permission, func(t *testing.T) result {
			if os.Geteuid() <= 0 {
				t.Skip("the superuser may write everywhere, and Windows has no such mode")
			}
			f := one(t)
			j := newJob(t, f, serve(t, f).URL)
			dir := filepath.Join(j.temp, "closed")
			if err := os.Mkdir(dir, 0o555); err != nil {
				t.Fatal(err)
			}
			return j.set("GOMODCACHE", filepath.Join(dir, "mod")).run("mod", "download")
		}),
		message("modified-zip", "a changed zip in the module cache", "zip has been modified", failure.HashMismatch, changed(func(j *job) {
			writeFile(j.t, j.cached(m, ".zip"), string(mirrortest.Build(j.t, mirrortest.Module{Path: m.Path, Version: m.Version}).Get(m.Path, m.Version).Zip))
		}, modVerify...)),
		message("modified-tree", "a changed tree in the module cache", "dir has been modified", failure.HashMismatch, changed((*job).poisonTree, modVerify...)),
		message("broken-cached-zip", "a broken zip in the module cache", "zip: not a valid zip file", failure.WrongContent, changed(func(j *job) {
			j.dropTree()
			writeFile(j.t, j.cached(m, ".zip"), "no zip")
		}, "build", "./...")),
		message("new-go-line", "a go line that is too new", "go.mod requires go >= 1.999.0", failure.Unknown, func(t *testing.T) result { return asksFor(t, "go 1.999.0\n").run("list", "-m") }),
		message("bad-gotoolchain", "a GOTOOLCHAIN that is no name", "invalid GOTOOLCHAIN", failure.Unknown, with([]string{"version"}, "GOTOOLCHAIN", "newest")),
		message("toolchain-not-in-path", "a toolchain that is not in PATH", `cannot find "go1.999.0" in PATH`, failure.Unknown, with([]string{"version"}, "GOTOOLCHAIN", "go1.999.0+path")),
		message("toolchain-without-database", "a toolchain with GOSUMDB=off", "checksum database disabled by GOSUMDB=off", failure.Unknown, func(t *testing.T) result {
			return withToolchain(t, func(*sumDBWorld, *job) {})
		}),
		message("no-go-import", "an origin whose page does not name a repository", "no go-import meta tags", failure.NotFound, origin("<html></html>", 404, false)),
		message("govcs", "an origin that GOVCS forbids", "GOVCS disallows using git for public example.test/m000", failure.Disabled, origin(page, 404, false, "GOVCS", "*:off")),
		message("no-git", "an origin with git where there is none", `exec: "git": executable file not found in `, failure.Unknown, origin(page, 404, false, "PATH", "")),
		message("git-untrusted", "an origin whose certificate git does not trust", "ls-remote", failure.TLSUnknownAuthority, origin(page, 404, true)),
		message("git-401", "an origin where git wants a password", "terminal prompts disabled", failure.Unauthorized, origin(page, 401, true, "GIT_SSL_NO_VERIFY", "1")),
		message("git-403", "an origin that refuses git", "requested URL returned error: 403", failure.Forbidden, origin(page, 403, true, "GIT_SSL_NO_VERIFY", "1")),
		message("git-404", "an origin without the repository", "not found", failure.NotFound, origin(page, 404, true, "GIT_SSL_NO_VERIFY", "1")),
	}
}
