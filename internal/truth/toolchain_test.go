package truth

import (
	"runtime"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// asksFor is a job whose go.mod asks for a Go that does not exist.
func asksFor(t *testing.T, lines string) *job {
	t.Helper()
	j := emptyJob(t, "off")
	j.write("go.mod", "module example.test/main\n\n"+lines)
	return j
}

// unavailable says how a toolchain cannot be had.
func unavailable(id, says, message string, set ...string) claim {
	return claim{id, says, "internal/goenv/check_pattern.go (pattern-toolchain), internal/goenv/check_sumdb.go (gosumdb-off), internal/failure/gologblock.go", func(t *testing.T) string {
		s := serve(t, one(t))
		j := emptyJob(t, s.URL).set("GOTOOLCHAIN", "go1.999.0")
		return all(j.set(set...).run("version").fails(message))
	}}
}

// toolchainClaims are about the go command that go.mod or GOTOOLCHAIN asks for.
func toolchainClaims() []claim {
	const leans = "internal/goenv/toolchain.go, internal/goenv/check_mode.go, internal/worklist/gomod.go"
	return []claim{
		{"go-line-too-new-under-local", "with GOTOOLCHAIN=local a go line that is too new ends the command", leans + ", internal/failure/gologblock.go", func(t *testing.T) string {
			return asksFor(t, "go 1.999.0\n").run("list", "-m").fails("go.mod requires go >= 1.999.0 (running go ", "GOTOOLCHAIN=local)")
		}},
		{"toolchain-line-under-local", "with GOTOOLCHAIN=local the toolchain line is ignored", leans, func(t *testing.T) string {
			return asksFor(t, "go 1.21\n\ntoolchain go1.999.0\n").run("list", "-m").works("example.test/main")
		}},
		{"only-the-zip-is-asked", "of a toolchain only the zip of golang.org/toolchain is asked, by way of GOPROXY", leans, func(t *testing.T) string {
			s := serve(t, one(t))
			r := emptyJob(t, s.URL).set("GOTOOLCHAIN", "go1.999.0").run("version")
			seen := []string{r.fails("go: download go1.999.0", "toolchain not available")}
			for _, q := range s.Requests() {
				seen = append(seen, unless(strings.HasPrefix(q.Path, "/golang.org/toolchain/@v/v0.0.1-go1.999.0.") && strings.HasSuffix(q.Path, ".zip"), "%s is asked", q.Path))
			}
			return all(append(seen, unless(len(s.Requests()) == 1, "the mirror is asked %d times: %s", len(s.Requests()), paths(s)))...)
		}},
		{"auto-downloads", "with GOTOOLCHAIN=auto a go line that is too new makes the command download that toolchain", leans, func(t *testing.T) string {
			s := serve(t, one(t))
			r := asksFor(t, "go 1.999.0\n").set("GOPROXY", s.URL, "GOTOOLCHAIN", "auto").run("list", "-m")
			return all(r.fails("toolchain not available"), wasAsked(s, "/golang.org/toolchain/@v/v0.0.1-go1.999.0.*.zip"))
		}},
		{"language-version-means-first-release", "a go line without a release asks for the first one", leans, func(t *testing.T) string {
			s := serve(t, one(t))
			r := asksFor(t, "go 1.999\n").set("GOPROXY", s.URL, "GOTOOLCHAIN", "auto").run("list", "-m")
			return all(r.fails("go1.999.0"), wasAsked(s, "/golang.org/toolchain/@v/v0.0.1-go1.999.0.*.zip"))
		}},
		{"go-env-downloads-too", "go env, too, first downloads the toolchain that go.mod asks for", leans, func(t *testing.T) string {
			s := serve(t, one(t))
			j := asksFor(t, "go 1.999.0\n").set("GOPROXY", s.URL, "GOTOOLCHAIN", "auto")
			return all(j.run("env", "GOPROXY").fails("toolchain not available"), j.set("GOTOOLCHAIN", "local").run("env", "GOPROXY").works(s.URL))
		}},
		unavailable("goprivate-of-golang-org", "a pattern that matches golang.org keeps toolchains from being downloaded", "toolchain not available", "GOPRIVATE", "golang.org"),
		unavailable("goproxy-off", "GOPROXY=off keeps toolchains from being downloaded", "toolchain not available", "GOPROXY", "off"),
		unavailable("goproxy-direct", "GOPROXY=direct keeps toolchains from being downloaded", "toolchain not available", "GOPROXY", "direct"),
		{"gosumdb-off-refuses-toolchains", "with GOSUMDB=off a toolchain is refused even where a mirror has it", leans + ", internal/goenv/check_sumdb.go (gosumdb-off)", func(t *testing.T) string {
			return withToolchain(t, func(*sumDBWorld, *job) {}).fails("checksum database disabled by GOSUMDB=off")
		}},
		{"gonosumdb-does-not-exempt-toolchains", "GONOSUMDB=* does not exempt toolchains from the database", leans, func(t *testing.T) string {
			var world *sumDBWorld
			r := withToolchain(t, func(w *sumDBWorld, j *job) {
				world = w
				j.set("GOSUMDB", w.db.Key, "GONOSUMDB", "*")
			})
			return all(r.fails("verifying module"), unless(world.lookups() > 0, "the database is not asked"))
		}},
		{"path-alone", "with +path a toolchain is looked for in PATH and not downloaded", leans + ", internal/failure/gologblock.go", func(t *testing.T) string {
			s := serve(t, one(t))
			r := asksFor(t, "go 1.999.0\n").set("GOPROXY", s.URL, "GOTOOLCHAIN", "path").run("list", "-m")
			return all(r.fails(`cannot find "go1.999.0" in PATH`), asked(s, "*", 0))
		}},
		{"invalid-gotoolchain", "another GOTOOLCHAIN ends every command", leans + ", internal/failure/gologblock.go", func(t *testing.T) string {
			return emptyJob(t, "off").set("GOTOOLCHAIN", "newest").run("version").fails("invalid GOTOOLCHAIN")
		}},
	}
}

// withToolchain runs go version with a GOTOOLCHAIN whose zip a mirror has, but
// which the database does not know.
func withToolchain(t *testing.T, change func(*sumDBWorld, *job)) result {
	t.Helper()
	toolchain := mirrortest.Build(t, mirrortest.Module{Path: "golang.org/toolchain", Version: "v0.0.1-go1.999.0." + runtime.GOOS + "-" + runtime.GOARCH})
	w := newSumDBWorld(t, mirrortest.Always("/golang.org/*", mirrortest.Serve(toolchain)))
	j := w.fresh(w.mirror.URL).set("GOTOOLCHAIN", "go1.999.0", "GOSUMDB", "off")
	change(w, j)
	return j.run("version")
}
