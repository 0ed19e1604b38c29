package github

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestWhereAFileIsInTheRepository(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	remote := func(url string) string { return "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = " + url + "\n" }
	for name, text := range map[string]string{
		"plain/.git/HEAD":           "ref: refs/heads/main",
		"app/.git/config":           remote("https://github.com/Octo/app"),
		"ssh/.git/config":           remote("git@github.com:octo/app.git"),
		"fork/.git/config":          remote("https://github.com/me/my-app.git/"),
		"tools/.git/config":         remote("https://github.com/other/tools"),
		"suffix/.git/config":        remote("https://github.com/not-octo/app"),
		"app/sub/.git":              "gitdir: ../.git/modules/sub",
		"app/nested/tools/.git/x":   "",
		"app/nested/tools/api/x":    "",
		"both/.git/config":          remote("https://github.com/me/x") + remote("https://github.com/octo/app"),
		"elsewhere/.git/config":     "[url \"x\"]\n\turl = https://github.com/other/x\n",
		"unversioned/deep/go.mod":   "",
		"app/services/api/go.mod":   "",
		"app/sub/deep/go.mod":       "",
		"tools/api/go.mod":          "",
		"app/nested/more/go.mod":    "",
		"fork/services/web/go.mod":  "",
		"plain/services/web/go.mod": "",
	} {
		file := filepath.Join(ws, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string]string{
		"go.mod":                    "go.mod",
		"plain/go.mod":              "go.mod",
		"plain/services/web/go.mod": "services/web/go.mod",
		"app/go.sum":                "go.sum",
		"app/services/api/go.mod":   "services/api/go.mod",
		"ssh/go.mod":                "go.mod",
		"fork/services/web/go.mod":  "services/web/go.mod", // where the pull request comes from
		"tools/go.mod":              "tools/go.mod",        // no go.mod of ours is meant
		"tools/api/go.mod":          "tools/api/go.mod",
		"suffix/go.mod":             "suffix/go.mod",
		"both/go.mod":               "go.mod",
		"elsewhere/go.mod":          "go.mod",
		"app/sub/go.mod":            "sub/go.mod", // of the repository that has the submodule
		"app/sub/deep/go.mod":       "sub/deep/go.mod",
		"app/nested/tools/go.mod":   "go.mod",
		"app/nested/more/go.mod":    "nested/more/go.mod",
		"unversioned/deep/go.mod":   "unversioned/deep/go.mod",
	} {
		if got := inRepository(ws, file, []string{"octo/app", "me/my-app"}); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
	if got := inRepository(ws, "tools/go.mod", []string{"", ""}); got != "tools/go.mod" {
		t.Errorf("without a name: %q", got)
	}
}

// One step may serve several checkouts.
func TestAnnotationsBelongToTheRepository(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	mirror.Fault(mirrortest.Always("*.zip", mirrortest.Status(404)))
	r := newRunner(t, f, map[string]string{"proxy": mirror.URL, "retries": "0", "no-probe": "true", "working-directory": "src/services/*"})
	r.env["MODFERRY_CACHE"], r.env["GITHUB_REPOSITORY"] = "off", "octo/app"
	f.WriteCheckout(t, r.dir("work/app/app/src/services/api"), mirrortest.Checkout{})
	r.dir("work/app/app/src/.git")
	if code := Main(t.Context(), r.process()); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if !strings.Contains(r.log.String(), "::error file=services/api/go.mod,line=") {
		t.Errorf("log %s", r.log.String())
	}
}
