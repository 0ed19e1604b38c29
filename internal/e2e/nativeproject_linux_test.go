package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// Real projects, and what jobs do besides building them: all of it goes through the
// relay, with the checksum database, and is in one summary.
func TestANativeJobOfARealProject(t *testing.T) {
	t.Parallel()
	for _, p := range []project{
		{Version: module.Version{Path: "github.com/spf13/cobra", Version: "v1.8.0"}},
		{Version: module.Version{Path: "github.com/gohugoio/hugo", Version: "v0.140.0"}, long: true},
	} {
		t.Run(filepath.Base(p.Path), func(t *testing.T) {
			t.Parallel()
			if p.long && !everything() {
				t.Skip("takes long: set MODFERRY_E2E_ALL=1")
			}
			need(t, record.base != "", "go env GOPROXY names no mirror to get the sources of real projects from")
			s := mirrortest.Start(t, mirrortest.Options{Handler: record})
			j := newNativeJob(t, nil, s)
			for _, entry := range ownSumDB(t) {
				name, value, _ := strings.Cut(entry, "=")
				j.env[name] = value
			}
			copyTree(t, j.env["GITHUB_WORKSPACE"], p.checkout(t))
			j.env["GOBIN"] = j.dir("bin")
			u := j.use(nil)
			if st := j.main(u); st.code != 0 {
				t.Fatalf("main: exit code %d", st.code)
			}
			asked := s.Count("*.zip")
			j.good("go", "build", "./...")
			if n := s.Count("*.zip"); n != asked {
				t.Errorf("the build asked for %d zips", n-asked)
			}
			j.good("go", "install", "golang.org/x/tools/cmd/stringer@latest")
			j.good("go", "install", "golang.org/x/perf/cmd/benchstat@latest")
			j.good("go", "install", "mvdan.cc/gofumpt@latest")
			j.good("go", "mod", "download", "-json", "golang.org/x/net@v0.30.0")
			if p.long { // all of its modules together are gigabytes
				j.good("go", "get", "-u", "github.com/spf13/cobra/...")
			} else {
				j.good("go", "get", "-u", "./...")
			}
			j.good("go", "list", "-deps", "./...")
			wanted := []string{"golang.org/x/tools@", "golang.org/x/perf@", "mvdan.cc/gofumpt@", "golang.org/x/net@v0.30.0"}
			if everything() {
				j.good("env", "GOTOOLCHAIN=go1.25.1", "go", "version")
				wanted = append(wanted, "golang.org/toolchain@v0.0.1-go1.25.1.")
			}
			st := j.post(u)
			summary := strings.ReplaceAll(st.summary, "<wbr>", "")
			for _, want := range wanted {
				if st.code != 0 || !strings.Contains(summary, want) {
					t.Errorf("post: exit code %d, the summary lacks %q", st.code, want)
				}
			}
			if dir := os.Getenv("MODFERRY_E2E_SCREENSHOTS"); dir != "" {
				os.WriteFile(filepath.Join(dir, "native-"+filepath.Base(p.Path)+".md"), []byte(st.summary), 0o644)
			}
		})
	}
}
