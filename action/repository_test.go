package action

import (
	"os"
	"path/filepath"
	"testing"
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
	for dir, want := range map[string]string{
		".":                  "",
		"plain":              "",
		"plain/services/web": "services/web",
		"app":                "",
		"app/services/api":   "services/api",
		"ssh":                "",
		"fork/services/web":  "services/web", // where the pull request comes from
		"tools":              "tools",        // no go.mod of ours is meant
		"tools/api":          "tools/api",
		"suffix":             "suffix",
		"both":               "",
		"elsewhere":          "",
		"app/sub":            "sub", // of the repository that has the submodule
		"app/sub/deep":       "sub/deep",
		"app/nested/tools":   "",
		"app/nested/more":    "nested/more",
		"unversioned/deep":   "unversioned/deep",
		"..":                 "",
	} {
		if got := inRepository(ws, filepath.Join(ws, dir), []string{"octo/app", "me/my-app"}); got != want {
			t.Errorf("%s: %q, want %q", dir, got, want)
		}
		if got := inRepository(ws, filepath.Join(ws, dir), []string{"", ""}); dir == "tools" && got != "tools" {
			t.Errorf("without a name %s: %q", dir, got)
		}
	}
}
