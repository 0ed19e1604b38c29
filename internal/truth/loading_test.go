package truth

import (
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// graph is a module tree: main requires a, a requires b, and nothing of main
// imports b. The go line of a decides whether the graph ends there: below a
// module with go 1.17 or later no .mod is read.
func graph(t *testing.T, goLine string) (f *mirrortest.Fixtures, a, b module.Version) {
	t.Helper()
	a, b = module.Version{Path: "example.test/a", Version: "v1.0.0"}, module.Version{Path: "example.test/b", Version: "v1.0.0"}
	return mirrortest.Build(t,
		mirrortest.Module{Path: a.Path, Version: a.Version, GoMod: "module example.test/a\n\ngo " + goLine + "\n\nrequire example.test/b v1.0.0\n"},
		mirrortest.Module{Path: b.Path, Version: b.Version, GoMod: "module example.test/b\n\ngo 1.16\n"}), a, b
}

// loadingClaims say which files each command needs.
func loadingClaims() []claim {
	const leans = "internal/worklist/need.go, docs/scope.md (which files are needed)"
	return []claim{
		{"build-needs-zip-and-mod-of-requires", "a build with go 1.17 or later needs zip and .mod of what go.mod requires, and no file of what only they require", leans, func(t *testing.T) string {
			f, a, b := graph(t, "1.16")
			s := serve(t, f)
			j := newJobWith(t, f, s.URL, mirrortest.Checkout{Require: []module.Version{a}, ModOnly: []module.Version{b}})
			return all(j.run("build", "./...").works(), asked(s, "/example.test/a/@v/*.zip", 1), asked(s, "/example.test/a/@v/*.mod", 1), asked(s, "/example.test/b/*", 0))
		}},
		{"old-main-module-needs-the-graph", "a build with go 1.16 needs the .mod of the whole graph", leans, func(t *testing.T) string {
			f, a, b := graph(t, "1.16")
			s := serve(t, f)
			j := newJobWith(t, f, s.URL, mirrortest.Checkout{Go: "1.16", Require: []module.Version{a}, ModOnly: []module.Version{b}})
			return all(j.run("build", "./...").works(), asked(s, "/example.test/b/@v/*.mod", 1), asked(s, "/example.test/b/@v/*.zip", 0))
		}},
		{"info-is-optional-for-builds", "a build succeeds where no .info can be had", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.Always("*.info", mirrortest.Status(500)))
			return newJob(t, f, s.URL).run("build", "./...").works()
		}},
		{"info-is-needed-for-list-all", "go list -m -json all sets an error where a .info cannot be had", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.Always("*.info", mirrortest.Status(500)))
			return newJob(t, f, s.URL).run("list", "-m", "-e", "-json", "all").works(`"Error"`, "500 Internal Server Error")
		}},
		{"mod-graph-needs-mod-files-only", "go mod graph needs .mod files only, those of the graph below modules with go 1.16 as well", leans, func(t *testing.T) string {
			f, a, b := graph(t, "1.16")
			s := serve(t, f)
			j := newJobWith(t, f, s.URL, mirrortest.Checkout{Require: []module.Version{a}, ModOnly: []module.Version{b}})
			return all(j.run("mod", "graph").works(), asked(s, "*.mod", 2), asked(s, "*.zip", 0), asked(s, "*.info", 0))
		}},
		{"graph-ends-at-go-1-17", "below a module with go 1.17 or later go mod graph reads no .mod", leans, func(t *testing.T) string {
			f, a, b := graph(t, "1.17")
			s := serve(t, f)
			j := newJobWith(t, f, s.URL, mirrortest.Checkout{Require: []module.Version{a}, ModOnly: []module.Version{b}})
			return all(j.run("mod", "graph").works(), asked(s, "*", 1))
		}},
		{"mod-download-order", "go mod download asks for the .mod files, then the .info files, then the zips", leans, func(t *testing.T) string {
			f := mirrortest.Generate(t, 3, 0)
			s := serve(t, f)
			seen := []string{newJob(t, f, s.URL).run("mod", "download").works()}
			order := ""
			for _, r := range s.Requests() {
				order += string(r.Path[len(r.Path)-1])
			}
			return all(append(seen, equal("the last letters of the paths", order, "dddoooppp"))...)
		}},
		{"list-of-all-modules-uses-the-network", "go list -m all asks for .mod files", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			return all(newJob(t, f, s.URL).run("list", "-m", "all").works(), asked(s, "*.mod", 1))
		}},
		{"list-of-the-main-module-does-not", "go list -m alone asks for nothing", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			return all(newJob(t, f, s.URL).run("list", "-m").works("example.test/main"), asked(s, "*", 0))
		}},
		{"build-downloads", "go build downloads what is missing, like any other command", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			return all(newJob(t, f, s.URL).run("build", "./...").works("go: downloading example.test/m000 v1.0.0"), asked(s, "*.zip", 1))
		}},
		{"present-modules-cause-no-request", "what is in the module cache causes no request", leans + ", internal/modcache", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			j := newJob(t, f, s.URL)
			j.must("mod", "download")
			s.Forget()
			return all(j.run("mod", "download").works(), j.run("build", "./...").works(), asked(s, "*", 0))
		}},
		{"warming-needs-an-at-sign", "the lines of go list -m all are no arguments of go mod download: it wants path@version", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			return newJob(t, f, s.URL).run("mod", "download", m.Path+" "+m.Version).fails("not a known dependency")
		}},
		{"vendor-downloads-nothing", "a build from vendor/ downloads nothing and needs neither go.sum nor module cache", leans + ", internal/worklist/vendor.go", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			j := newJob(t, f, s.URL)
			j.must("mod", "vendor")
			s.Forget()
			remove(t, j.dir+"/go.sum")
			j.set("GOMODCACHE", j.temp+"/other")
			return all(j.run("build", "./...").works(), asked(s, "*", 0))
		}},
		{"pkg-at-version-needs-the-list", "go install pkg@version fails under GOPROXY=off even with everything in the module cache", leans, func(t *testing.T) string {
			j, _, _ := poisoned(t)
			return j.run("install", mAt).fails("GOPROXY=off")
		}},
		{"workspace-needs-the-graph", "in a workspace a build reads the .mod files of the graph, too", leans, func(t *testing.T) string {
			f, a, b := graph(t, "1.16")
			s := serve(t, f)
			j := newJobWith(t, f, s.URL, mirrortest.Checkout{Require: []module.Version{a}, ModOnly: []module.Version{b}})
			j.write("go.work", "go 1.21\n\nuse .\n")
			return all(j.unset("GOWORK").run("build", "./...").works(), asked(s, "/example.test/b/@v/*.mod", 1))
		}},
		{"workspace-allows-no-mod-mod", "a workspace allows no -mod=mod", "internal/goenv/flags.go (goflags-mod)", func(t *testing.T) string {
			j := newJob(t, one(t), "off")
			j.write("go.work", "go 1.21\n\nuse .\n")
			return j.unset("GOWORK").set("GOFLAGS", "-mod=mod").run("build", "./...").fails("-mod may only be set to readonly or vendor when in workspace mode")
		}},
	}
}
