package truth

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// envFile is a job whose user env file holds the text, and no GOPROXY in the
// environment.
func envFile(t *testing.T, f *mirrortest.Fixtures, text string) *job {
	t.Helper()
	j := newJob(t, f, "")
	name := filepath.Join(j.temp, "env")
	writeFile(t, name, text)
	return j.unset("GOPROXY").set("GOENV", name)
}

// settingClaims say where settings come from; that go env and goenv.Load agree
// is a test of goenv.
func settingClaims() []claim {
	const leans = "internal/goenv/env.go, internal/goenv/envfile.go"
	return []claim{
		{"empty-variable-is-unset", "an empty variable counts as unset: the user env file decides", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			return all(envFile(t, f, "GOPROXY="+s.URL+"\n").set("GOPROXY", "").run("mod", "download").works(), asked(s, "*", 3))
		}},
		{"variable-wins", "a variable wins over the user env file", leans, func(t *testing.T) string {
			f := one(t)
			s, other := serve(t, f), serve(t, f)
			return all(envFile(t, f, "GOPROXY="+other.URL+"\n").set("GOPROXY", s.URL).run("mod", "download").works(), asked(other, "*", 0))
		}},
		{"goenv-off", "GOENV=off leaves the user env file unread", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			return all(envFile(t, f, "GOPROXY="+s.URL+"\n").set("GOENV", "off").run("env", "GOPROXY").omits(s.URL))
		}},
		{"malformed-lines-are-ignored", "export, blanks before a name and blanks around = make a line of the user env file ineffective, without a word", leans, func(t *testing.T) string {
			var seen []string
			for _, line := range []string{"export GOPRIVATE=x.test", " GOPRIVATE=x.test", "GOPRIVATE = x.test", "goprivate=x.test"} {
				j := envFile(t, one(t), line+"\n")
				r := j.run("env", "GOPRIVATE")
				seen = append(seen, r.works(), equal(line, strings.TrimSpace(r.stdout), ""), equal("said of it", r.stderr, ""))
			}
			return all(seen...)
		}},
		{"empty-goproxy-line", "an empty GOPROXY in the user env file hides the default, and every download fails", leans, func(t *testing.T) string {
			return envFile(t, one(t), "GOPROXY=\n").run("mod", "download").fails("GOPROXY list is not the empty string, but contains no entries")
		}},
		{"empty-gosumdb-line", "an empty GOSUMDB in the user env file hides the default, and what go.sum lacks fails while the rest works", leans, func(t *testing.T) string {
			f := one(t)
			j := envFile(t, f, "GOSUMDB=\n").unset("GOSUMDB").set("GOPROXY", serve(t, f).URL)
			complete := j.run("mod", "download")
			j.write("go.sum", "")
			return all(complete.works(), j.set("GOFLAGS", "-mod=mod", "GOMODCACHE", filepath.Join(j.temp, "other")).run("list", "-deps", "./...").fails("missing GOSUMDB"))
		}},
		{"carriage-return-is-kept", "a carriage return at the end of a line of the user env file is part of the value", leans, func(t *testing.T) string {
			return equal("GOPRIVATE", strings.TrimSuffix(envFile(t, one(t), "GOPRIVATE=x.test\r\n").run("env", "GOPRIVATE").stdout, "\n"), "x.test\r")
		}},
		{"env-w-checks-no-value", "go env -w accepts a GOPROXY, GOSUMDB and GOPRIVATE that cannot work", leans, func(t *testing.T) string {
			return envFile(t, one(t), "").unset("GOSUMDB").run("env", "-w", "GOPROXY=Direct", "GOSUMDB=x.test", "GOPRIVATE=a.test, b.test").works()
		}},
		{"env-w-refuses-other-names", "go env -w refuses HTTP_PROXY and GODEBUG", leans, func(t *testing.T) string {
			j := envFile(t, one(t), "")
			return all(j.run("env", "-w", "HTTP_PROXY=http://x.test").fails("unknown go command variable HTTP_PROXY"), j.run("env", "-w", "GODEBUG=x=1").fails("GODEBUG"))
		}},
		{"env-and-downloads-agree", "go mod tidy uses the GOPROXY that go env shows", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			j := envFile(t, f, "GOPROXY="+s.URL+"\n")
			return all(equal("go env GOPROXY", strings.TrimSpace(j.run("env", "GOPROXY").stdout), s.URL), j.run("mod", "tidy").works(), wasAsked(s, "*.zip"))
		}},
		{"goprivate-is-the-default", "GONOPROXY and GONOSUMDB are GOPRIVATE where they are empty", leans, func(t *testing.T) string {
			r := emptyJob(t, "off").set("GOPRIVATE", "x.test", "GONOPROXY", "").run("env", "GONOPROXY", "GONOSUMDB")
			return all(r.works(), equal("GONOPROXY and GONOSUMDB", strings.Join(strings.Fields(r.stdout), " "), "x.test x.test"))
		}},
		{"gomodcache-is-in-gopath", "GOMODCACHE is pkg/mod in the first directory of GOPATH", leans, func(t *testing.T) string {
			j := emptyJob(t, "off")
			first := filepath.Join(j.temp, "first")
			r := j.set("GOPATH", first+string(filepath.ListSeparator)+filepath.Join(j.temp, "second")).run("env", "GOMODCACHE")
			return all(r.works(), equal("GOMODCACHE", strings.TrimSpace(r.stdout), filepath.Join(first, "pkg", "mod")))
		}},
		{"modules-are-on", "modules are on where GO111MODULE is not set", leans + ", internal/goenv/check_mode.go", func(t *testing.T) string {
			j := newJob(t, one(t), "off")
			return all(equal("GOMOD", filepath.Base(strings.TrimSpace(j.run("env", "GOMOD").stdout)), "go.mod"), equal("GO111MODULE", strings.TrimSpace(j.run("env", "GO111MODULE").stdout), ""))
		}},
		{"go111module-off", "GO111MODULE=off leaves go.mod unread", leans + ", internal/goenv/check_mode.go", func(t *testing.T) string {
			return equal("GOMOD", strings.TrimSpace(newJob(t, one(t), "off").set("GO111MODULE", "off").run("env", "GOMOD").stdout), "")
		}},
		{"go111module-other", "another GO111MODULE ends every command", leans + ", internal/goenv/check_mode.go", func(t *testing.T) string {
			return newJob(t, one(t), "off").set("GO111MODULE", "true").run("list", "-m").fails("unknown environment setting GO111MODULE")
		}},
		{"gowork-relative", "a relative GOWORK ends the command", leans + ", internal/goenv/check_mode.go", func(t *testing.T) string {
			return newJob(t, one(t), "off").set("GOWORK", "go.work").run("list", "-m").fails("invalid GOWORK: not an absolute path")
		}},
		{"goflags-non-flag", "a word in GOFLAGS that is no flag ends every command", "internal/goenv/flags.go (goflags-syntax)", func(t *testing.T) string {
			return newJob(t, one(t), "off").set("GOFLAGS", "-mod readonly").run("list", "-m").fails(`parsing $GOFLAGS: non-flag "readonly"`)
		}},
		{"goflags-open-quote", "an open quotation mark in GOFLAGS ends every command", "internal/goenv/flags.go (goflags-syntax)", func(t *testing.T) string {
			return newJob(t, one(t), "off").set("GOFLAGS", `"-mod=readonly`).run("list", "-m").fails(`parsing $GOFLAGS: unterminated " string`)
		}},
		{"goflags-unknown-flag", "a flag in GOFLAGS that no command has ends every command", "internal/goenv/flags.go (goflags-syntax)", func(t *testing.T) string {
			return newJob(t, one(t), "off").set("GOFLAGS", "-nosuchflag").run("list", "-m").fails("parsing $GOFLAGS: unknown flag -nosuchflag")
		}},
		{"goflags-flag-of-another-command", "GOFLAGS may have flags of other commands", "internal/goenv/flags.go (goflags-syntax)", func(t *testing.T) string {
			return newJob(t, one(t), "off").set("GOFLAGS", "-test.run=X -dropgodebug=x -vettool=x").run("list", "-m").works("")
		}},
		{"goflags-and-go-env", "go env shows settings in spite of a faulty GOFLAGS", "internal/goenv/flags.go (goflags-syntax)", func(t *testing.T) string {
			return newJob(t, one(t), "off").set("GOFLAGS", "-mod readonly").run("env", "GOPROXY").works("off")
		}},
		{"goflags-other-mod", "-mod knows only mod, readonly and vendor", "internal/goenv/flags.go (goflags-mod)", func(t *testing.T) string {
			return newJob(t, one(t), "off").set("GOFLAGS", "-mod=offline").run("build", "./...").fails("-mod=offline not supported")
		}},
		{"unknown-godebug-is-ignored", "GODEBUG=gomodfetchtrace=1 does nothing", leans, func(t *testing.T) string {
			f := one(t)
			r := newJob(t, f, f.WriteProxy(t, t.TempDir())).set("GODEBUG", "gomodfetchtrace=1").run("mod", "download")
			return all(r.works(), equal("the output", r.out(), ""))
		}},
		{"goauth-empty-command", "an empty command in GOAUTH ends a download over https", "internal/goenv/check_mode.go (goauth-invalid)", func(t *testing.T) string {
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f})
			return newJob(t, f, s.URL).trust(ca).set("GOAUTH", "netrc;;netrc").run("mod", "download").fails("GOAUTH")
		}},
		{"goauth-off-beside-others", "off beside other commands in GOAUTH ends a download over https", "internal/goenv/check_mode.go (goauth-invalid)", func(t *testing.T) string {
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f})
			return newJob(t, f, s.URL).trust(ca).set("GOAUTH", "off;netrc").run("mod", "download").fails("GOAUTH=off")
		}},
	}
}
