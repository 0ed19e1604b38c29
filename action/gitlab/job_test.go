package gitlab

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/settings"
)

// environment returns the variables given as name, value, name, value.
func environment(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return m[name] }
}

// gitLabJob is a job of GitLab in an empty project.
func gitLabJob(t *testing.T, pairs ...string) *Job {
	t.Helper()
	project := filepath.Join(t.TempDir(), "builds", "group", "app")
	if err := os.MkdirAll(project, 0o777); err != nil {
		t.Fatal(err)
	}
	g := Detect(environment(append([]string{
		"GITLAB_CI", "true", "CI_PROJECT_DIR", project, "CI_JOB_NAME", "modferry",
		"CI_JOB_URL", "https://gitlab.example.test/group/app/-/jobs/47",
	}, pairs...)...))
	if g == nil {
		t.Fatal("not on GitLab")
	}
	return g
}

func TestGitLabIsKnownByItsVariables(t *testing.T) {
	t.Parallel()
	for name, pairs := range map[string][]string{
		"nothing":                   nil,
		"another value":             {"GITLAB_CI", "false", "CI_PROJECT_DIR", "/builds/a/b"},
		"no project":                {"GITLAB_CI", "true"},
		"a project with no root":    {"GITLAB_CI", "true", "CI_PROJECT_DIR", "a/b"},
		"GitHub with a like-minded": {"GITHUB_ACTIONS", "true", "CI_PROJECT_DIR", "/builds/a/b"},
	} {
		if Detect(environment(pairs...)) != nil {
			t.Errorf("%s: GitLab is found", name)
		}
	}
}

func TestElsewhereNothingOfGitLabIsDone(t *testing.T) {
	t.Parallel()
	var g *Job
	var b strings.Builder
	if err := g.Fold(&b, "fetch", "a\n\nb\n", "c\n"); err != nil || b.String() != "a\n\nb\n" {
		t.Errorf("wrote %q, %v", b.String(), err)
	}
	if err := g.Hide(); err != nil {
		t.Error(err)
	}
	v := &settings.Values{Sources: map[string]string{}}
	mod := filepath.Join(t.TempDir(), "mod")
	if env, _, remark, err := g.Environment(v, goenv.Host{Getenv: environment("GOMODCACHE", mod)}); err != nil || remark != "" || v.ModCache+v.GOFLAGS != "" || env.Get("GOMODCACHE") != mod {
		t.Errorf("the settings are %v, the module cache %q, %v: %s", env, v.ModCache, err, remark)
	}
	if remark := g.Note(t.Context(), nil, NoteOptions{}); remark != "" {
		t.Error(remark)
	}
}

func TestWhereADirectoryIsInTheProject(t *testing.T) {
	t.Parallel()
	g := gitLabJob(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(g.project, link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	for _, test := range []struct {
		dir, want string
		ok        bool
	}{
		{g.project, "", true},
		{g.project + "/", "", true},
		{g.project + "/services/api", "services/api", true},
		{g.project + "/services/../tools", "tools", true},
		{link + "/services/api", "services/api", true},
		{filepath.Dir(g.project), "", false},
		{g.project + "-2", "", false},
		{"", "", false},
	} {
		if got, ok := g.within(test.dir); got != test.want || ok != test.ok {
			t.Errorf("%s: %q, %v", test.dir, got, ok)
		}
	}
}

func TestModferrysDirectoryIsHiddenFromGit(t *testing.T) {
	t.Parallel()
	g := gitLabJob(t)
	if err := g.Hide(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(g.own()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory is made where there was none: %v", err)
	}
	if err := os.Mkdir(g.own(), 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(g.own(), ".gitignore")
	for _, want := range []string{"*\n", "mine\n"} {
		if want != "*\n" { // what somebody else wrote stays
			if err := os.WriteFile(file, []byte(want), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Hide(); err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(file); err != nil || string(data) != want {
			t.Errorf("found %q, %v; want %q", data, err, want)
		}
	}
}

func TestAModuleCacheThatCannotBeMadeIsInTheProject(t *testing.T) {
	t.Parallel()
	g := gitLabJob(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(g.project, ".modferry", "mod")
	for name, test := range map[string]struct{ wanted, dir, goflags, remark string }{
		"one that can be made": {filepath.Join(t.TempDir(), "go", "pkg", "mod"), "", "", ""},
		"one in the project":   {filepath.Join(g.project, "mod"), "", "-mod=mod -modcacherw", ""},
		"none is known":        {"", own, "-mod=mod -modcacherw", "GOMODCACHE and GOPATH are not set"},
		"below a file":         {filepath.Join(file, "mod"), own, "-mod=mod -modcacherw", "the go command's cannot be created"},
	} {
		v := &settings.Values{Sources: map[string]string{}}
		env, _, remark, err := g.Environment(v, goenv.Host{Getenv: environment("GOMODCACHE", test.wanted, "GOFLAGS", "-mod=mod")})
		if err != nil || v.ModCache != test.dir || v.GOFLAGS != test.goflags || !strings.Contains(remark, test.remark) || (remark == "") != (test.remark == "") {
			t.Errorf("%s: %q, %q, %q, %v", name, v.ModCache, v.GOFLAGS, remark, err)
		}
		if got := env.Get("GOMODCACHE"); got != cmp.Or(test.dir, test.wanted) {
			t.Errorf("%s: GOMODCACHE is %q", name, got)
		}
	}
	v := &settings.Values{Sources: map[string]string{}}
	if _, _, remark, err := g.Environment(v, goenv.Host{Getenv: environment("GOMODCACHE", "go/pkg/mod")}); err == nil || remark != "" || v.ModCache != "" {
		t.Errorf("a mistake of the setting: %q, %q, %v", v.ModCache, remark, err)
	}
}
