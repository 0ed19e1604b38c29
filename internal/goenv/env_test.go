package goenv

import (
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/finding"
)

// machine is a Host made of maps. Its paths are written as on Unix; native makes
// them those of the system that the test runs on.
type machine struct {
	env   map[string]string
	files map[string]string
	goAt  string            // where LookPath finds go, "" nowhere
	links map[string]string // what EvalSymlinks says
	goos  string
}

func (m machine) host() Host {
	goos := m.goos
	if goos == "" {
		goos = "linux"
	}
	return Host{
		Getenv: func(name string) string { return native(m.env[name]) },
		ReadFile: func(name string) ([]byte, error) {
			name = filepath.ToSlash(strings.TrimPrefix(name, filepath.VolumeName(name)))
			if text, ok := m.files[name]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		},
		LookPath: func(string) (string, error) {
			if m.goAt == "" {
				return "", fs.ErrNotExist
			}
			return native(m.goAt), nil
		},
		EvalSymlinks: func(name string) (string, error) {
			for link, target := range m.links {
				if native(link) == name {
					return native(target), nil
				}
			}
			return name, nil
		},
		GOOS: goos,
	}
}

// native gives the absolute paths of a list, which are written as on Unix, the
// form that they have on this system: "/p" is no absolute path on Windows. Other
// values stay as they are.
func native(value string) string {
	if runtime.GOOS != "windows" {
		return value
	}
	list := strings.Split(value, string(filepath.ListSeparator))
	for i, path := range list {
		if strings.HasPrefix(path, "/") {
			list[i] = "C:" + filepath.FromSlash(path)
		}
	}
	return strings.Join(list, string(filepath.ListSeparator))
}

const goEnvFile = "GOPROXY=https://patched.test\nGOSUMDB=off\nGOTOOLCHAIN=local\n"

func TestLoadResolvesInTheOrderOfTheGoCommand(t *testing.T) {
	t.Parallel()
	home := map[string]string{"HOME": "/home/u"}
	for _, test := range []struct {
		name      string
		machine   machine
		overrides map[string]Var
		variable  string
		want      Var
	}{
		{name: "without a toolchain the defaults are those of an unpatched one",
			machine: machine{env: home}, variable: "GOPROXY", want: Var{DefaultProxy, "built-in"}},
		{name: "without a toolchain toolchains are switched automatically",
			machine: machine{env: home}, variable: "GOTOOLCHAIN", want: Var{"auto", "built-in"}},
		{name: "the toolchain's go.env replaces them",
			machine:  machine{env: home, goAt: "/opt/go/bin/go", files: map[string]string{"/opt/go/go.env": goEnvFile}},
			variable: "GOPROXY", want: Var{"https://patched.test", "go.env of GOROOT"}},
		{name: "go may stand in bin/GOOS_GOARCH",
			machine:  machine{env: home, goAt: "/opt/go/bin/plan9_arm/go", files: map[string]string{"/opt/go/go.env": goEnvFile}},
			variable: "GOTOOLCHAIN", want: Var{"local", "go.env of GOROOT"}},
		{name: "go may be a symbolic link into GOROOT",
			machine:  machine{env: home, goAt: "/bin/go", links: map[string]string{"/bin/go": "/opt/go/bin/go"}, files: map[string]string{"/opt/go/go.env": goEnvFile}},
			variable: "GOPROXY", want: Var{"https://patched.test", "go.env of GOROOT"}},
		{name: "a script named go is no toolchain",
			machine:  machine{env: home, goAt: "/home/u/.shims/go"},
			variable: "GOPROXY", want: Var{DefaultProxy, "built-in"}},
		{name: "GOROOT in the environment says where go.env is",
			machine:  machine{env: map[string]string{"HOME": "/home/u", "GOROOT": "/a/"}, goAt: "/opt/go/bin/go", files: map[string]string{"/a/go.env": "GOPROXY=a.test", "/opt/go/go.env": goEnvFile}},
			variable: "GOPROXY", want: Var{"a.test", "go.env of GOROOT"}},
		{name: "GOROOT in the user env file wins over that",
			machine:  machine{env: map[string]string{"HOME": "/home/u", "GOROOT": "/a"}, files: map[string]string{"/home/u/.config/go/env": "GOROOT=/b", "/a/go.env": "GOPROXY=a.test", "/b/go.env": "GOPROXY=b.test"}},
			variable: "GOPROXY", want: Var{"b.test", "go.env of GOROOT"}},
		{name: "a toolchain without go.env has no default",
			machine:  machine{env: home, goAt: "/opt/go/bin/go", files: map[string]string{"/opt/go/VERSION": "go1.26.8\ntime 2026"}},
			variable: "GOPROXY", want: Var{"", "built-in"}},
		{name: "before Go 1.21 the defaults were compiled in",
			machine:  machine{env: home, goAt: "/opt/go/bin/go", files: map[string]string{"/opt/go/VERSION": "go1.20.14"}},
			variable: "GOPROXY", want: Var{DefaultProxy, "built-in"}},
		{name: "the user env file wins over go.env",
			machine:  machine{env: home, goAt: "/opt/go/bin/go", files: map[string]string{"/opt/go/go.env": goEnvFile, "/home/u/.config/go/env": "GOPROXY=user.test\n"}},
			variable: "GOPROXY", want: Var{"user.test", "user env file /home/u/.config/go/env"}},
		{name: "an empty line in it wins too",
			machine:  machine{env: home, files: map[string]string{"/home/u/.config/go/env": "GOSUMDB=\n"}},
			variable: "GOSUMDB", want: Var{"", "user env file /home/u/.config/go/env"}},
		{name: "XDG_CONFIG_HOME moves it",
			machine:  machine{env: map[string]string{"HOME": "/home/u", "XDG_CONFIG_HOME": "/x"}, files: map[string]string{"/x/go/env": "GOPROXY=user.test"}},
			variable: "GOPROXY", want: Var{"user.test", "user env file /x/go/env"}},
		{name: "on macOS it is in the library",
			machine:  machine{goos: "darwin", env: home, files: map[string]string{"/home/u/Library/Application Support/go/env": "GOPROXY=user.test"}},
			variable: "GOPROXY", want: Var{"user.test", "user env file /home/u/Library/Application Support/go/env"}},
		{name: "on Windows it is in AppData",
			machine:  machine{goos: "windows", env: map[string]string{"USERPROFILE": "/u", "AppData": "/u/roaming"}, files: map[string]string{"/u/roaming/go/env": "GOPROXY=user.test"}},
			variable: "GOPROXY", want: Var{"user.test", "user env file /u/roaming/go/env"}},
		{name: "GOENV moves it",
			machine:  machine{env: map[string]string{"HOME": "/home/u", "GOENV": "/e"}, files: map[string]string{"/e": "GOPROXY=user.test"}},
			variable: "GOPROXY", want: Var{"user.test", "user env file /e"}},
		{name: "GOENV is itself resolved",
			machine: machine{env: home}, variable: "GOENV", want: Var{"/home/u/.config/go/env", "built-in"}},
		{name: "GOENV=off leaves it out",
			machine:  machine{env: map[string]string{"HOME": "/home/u", "GOENV": "off"}, files: map[string]string{"/home/u/.config/go/env": "GOPROXY=user.test", "off": "GOPROXY=off.test"}},
			variable: "GOPROXY", want: Var{DefaultProxy, "built-in"}},
		{name: "the environment wins over the file",
			machine:  machine{env: map[string]string{"HOME": "/home/u", "GOPROXY": "env.test"}, files: map[string]string{"/home/u/.config/go/env": "GOPROXY=user.test"}},
			variable: "GOPROXY", want: Var{"env.test", "environment"}},
		{name: "an override wins over everything",
			machine:   machine{env: map[string]string{"HOME": "/home/u", "GOPROXY": "env.test"}},
			overrides: map[string]Var{"GOPROXY": {"flag.test", "flag --proxy"}},
			variable:  "GOPROXY", want: Var{"flag.test", "flag --proxy"}},
		{name: "an empty override is none",
			machine:   machine{env: map[string]string{"HOME": "/home/u", "GOPROXY": "env.test"}},
			overrides: map[string]Var{"GOPROXY": {"", "flag --proxy"}},
			variable:  "GOPROXY", want: Var{"env.test", "environment"}},
		{name: "patterns add up: nobody takes away what somebody else keeps private",
			machine:   machine{env: map[string]string{"HOME": "/home/u", "GOPRIVATE": "env.test,both.test"}},
			overrides: map[string]Var{"GOPRIVATE": {"flag.test,both.test", "flag --private"}},
			variable:  "GOPRIVATE", want: Var{"flag.test,both.test,env.test", "flag --private and environment"}},
		{name: "none takes nothing away",
			machine:   machine{env: map[string]string{"HOME": "/home/u", "GONOPROXY": "env.test"}},
			overrides: map[string]Var{"GONOPROXY": {"none", "flag --noproxy"}},
			variable:  "GONOPROXY", want: Var{"env.test", "flag --noproxy and environment"}},
		{name: "GONOPROXY is GOPRIVATE where it is empty, an overridden one too",
			machine:   machine{env: map[string]string{"HOME": "/home/u", "GOPRIVATE": "env.test"}},
			overrides: map[string]Var{"GOPRIVATE": {"flag.test", "flag --private"}},
			variable:  "GONOPROXY", want: Var{"flag.test,env.test", "GOPRIVATE (flag --private and environment)"}},
		{name: "GONOSUMDB keeps its own value",
			machine:  machine{env: map[string]string{"HOME": "/home/u", "GOPRIVATE": "env.test", "GONOSUMDB": "none"}},
			variable: "GONOSUMDB", want: Var{"none", "environment"}},
		{name: "the module cache is below the first GOPATH",
			machine:  machine{env: map[string]string{"GOPATH": "/p" + string(filepath.ListSeparator) + "/q"}},
			variable: "GOMODCACHE", want: Var{"/p/pkg/mod", "GOPATH (environment)"}},
		{name: "GOPATH is below the home directory",
			machine: machine{env: home}, variable: "GOMODCACHE", want: Var{"/home/u/go/pkg/mod", "GOPATH (built-in)"}},
		{name: "GOAUTH is netrc", machine: machine{env: home}, variable: "GOAUTH", want: Var{"netrc", "built-in"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, _, err := Load(test.machine.host(), test.overrides)
			if err != nil {
				t.Fatal(err)
			}
			want := Var{native(test.want.Value), test.want.Source}
			if file, ok := strings.CutPrefix(want.Source, "user env file "); ok {
				want.Source = "user env file " + native(file)
			}
			if got := env[test.variable]; got != want {
				t.Errorf("%s = %+v, want %+v", test.variable, got, want)
			}
		})
	}
}

func TestLoadRefusesWhatTheGoCommandRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		env   map[string]string
		check string
	}{
		{"no home and no GOPATH", nil, "gomodcache-missing"},
		{"a relative module cache", map[string]string{"HOME": "/h", "GOMODCACHE": "cache"}, "gomodcache-relative"},
		{"a relative GOPATH", map[string]string{"GOPATH": "/p" + string(filepath.ListSeparator) + "q"}, "gopath-relative"},
		{"a tilde in GOPATH", map[string]string{"GOPATH": "~/go"}, "gopath-relative"},
		{"an empty first GOPATH", map[string]string{"GOPATH": string(filepath.ListSeparator) + "/q"}, "gomodcache-missing"},
		{"a home directory that is GOROOT's parent", map[string]string{"HOME": "/opt", "GOROOT": "/opt/go"}, "gomodcache-missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := machine{env: test.env, files: map[string]string{"/opt/go/go.env": goEnvFile}}
			env, _, err := Load(m.host(), nil)
			var bad *SyntaxError
			if !errors.As(err, &bad) || bad.Check != test.check {
				t.Fatalf("Load gave %v, want check %s", err, test.check)
			}
			if env.Get("GOPROXY") == "" {
				t.Error("the error took the other variables along")
			}
		})
	}
}

func TestLoadSeesNothingThroughAnEmptyHost(t *testing.T) {
	t.Parallel()
	env, findings, err := Load(Host{}, map[string]Var{"GOMODCACHE": {native("/c"), "flag --modcache"}})
	if err != nil || len(findings) > 0 {
		t.Fatalf("findings %v, error %v", findings, err)
	}
	if env.Get("GOPROXY") != DefaultProxy || env.Get("GOMODCACHE") != native("/c") {
		t.Errorf("Load gave %v", env)
	}
	for name := range env {
		if !slices.Contains(names, name) && name != "GOROOT" && name != "GOVERSION" {
			t.Errorf("%s is resolved but unknown", name)
		}
	}
}

func TestLoadNamesWhatTheGoCommandIgnores(t *testing.T) {
	t.Parallel()
	const user = "/home/u/.config/go/env"
	for _, test := range []struct {
		name   string
		file   string // user env file
		env    map[string]string
		check  string // "" for no finding
		line   int
		effect string // part of it
		fix    string
	}{
		{name: "an ordinary file", file: "# comment\n\nGOPROXY=https://a.test\nGOFLAGS='-tags=a b'\nOTHER=x\n"},
		{name: "a blank before the name", file: "\n GOPROXY=a.test\n", check: "env-file-ignored-line", line: 2, effect: "starts with a space or tab", fix: "GOPROXY=a.test"},
		{name: "export", file: "export GOPROXY='a.test'\n", check: "env-file-ignored-line", line: 1, effect: "not a shell script", fix: "GOPROXY=a.test"},
		{name: "lower case", file: "goproxy=a.test\n", check: "env-file-ignored-line", line: 1, effect: "upper-case", fix: "GOPROXY=a.test"},
		{name: "no =", file: "GOPROXY a.test\n", check: "env-file-ignored-line", line: 1, effect: "no =", fix: "KEY=value"},
		{name: "a byte order mark", file: "\ufeffGOPROXY=a.test\n", check: "env-file-ignored-line", line: 1, effect: "byte order mark", fix: "GOPROXY=a.test"},
		{name: "a blank after the name", file: "GOPROXY = a.test\n", check: "env-file-ignored-line", line: 1, effect: "ends in a space", fix: "GOPROXY=a.test"},
		{name: "carriage returns", file: "GOPROXY=a.test\r\n", check: "env-file-carriage-return", line: 1, effect: "carriage return", fix: "the same file with LF line endings"},
		{name: "quotes", file: "GOPROXY=\"a.test\"\n", check: "env-file-quotes", line: 1, effect: "quotes", fix: "GOPROXY=a.test"},
		{name: "a variable", file: "GOMODCACHE=${HOME}/c\n", env: map[string]string{"GOMODCACHE": "/c"}, check: "env-file-unexpanded", line: 1, effect: "does not expand", fix: "the expanded value"},
		{name: "a name that only the environment sets", file: "GOPRIVATE=a\nHTTPS_PROXY=http://p.test\n", check: "env-file-unsupported", line: 2, effect: "environment only", fix: "set HTTPS_PROXY in the environment"},
		{name: "a second line for a name", file: "GOPROXY=a.test\nGOPROXY=b.test\n", check: "env-file-duplicate", line: 2, effect: "not line 1", fix: "remove line 1"},
		{name: "an empty default", file: "GOPROXY=\n", check: "env-file-empty", line: 1, effect: "hides the default", fix: "remove the line: go env -u GOPROXY"},
		{name: "a value that the environment hides", file: "GOPROXY=a.test\n", env: map[string]string{"GOPROXY": "b.test"}, check: "env-file-overridden", line: 1, effect: "another value", fix: "unset GOPROXY in the environment, or go env -u GOPROXY"},
		{name: "a value that the environment repeats", file: "GOPROXY=a.test\n", env: map[string]string{"GOPROXY": "a.test"}},
		{name: "a file that GOENV names and nobody can read", env: map[string]string{"GOENV": "/nonexistent"}, check: "env-file-unreadable", effect: "cannot read", fix: "the path of an existing file, or GOENV=off"},
		{name: "a variable that does not exist", env: map[string]string{"GONOSUMCHECK": "1"}, check: "unknown-variable", effect: "has no such variable", fix: "GONOSUMDB"},
		{name: "a toolchain without its go.env", env: map[string]string{"GOROOT": "/opt/go"}, check: "goroot-go-env-missing", effect: "no default", fix: "restore go.env in GOROOT, or set GOPROXY=" + DefaultProxy + " and GOSUMDB=" + DefaultSumDB},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := machine{env: map[string]string{"HOME": "/home/u"}, files: map[string]string{user: test.file, "/opt/go/VERSION": "go1.26.0"}}
			for name, value := range test.env {
				m.env[name] = value
			}
			_, findings, err := Load(m.host(), nil)
			if err != nil {
				t.Logf("Load: %v", err) // the findings are valid all the same
			}
			i := slices.IndexFunc(findings, func(f finding.Finding) bool { return f.Check == test.check })
			if test.check == "" {
				if len(findings) > 0 {
					t.Errorf("unexpected findings: %+v", findings)
				}
				return
			}
			if i < 0 {
				t.Fatalf("no %s in %+v", test.check, findings)
			}
			f := findings[i]
			if f.Line != test.line || !strings.Contains(f.Effect, test.effect) || f.Fix != test.fix {
				t.Errorf("finding %+v, want line %d, effect with %q, fix %q", f, test.line, test.effect, test.fix)
			}
			wellFormed(t, f)
		})
	}
}

func FuzzParseEnvFile(f *testing.F) {
	for _, data := range []string{"GOPROXY=a\n", "#\n=\nA=\n\nGOPROXY", "export A=b\r\n", "\ufeffA=b", "A B=c\n a=b", "A==\x00"} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines, skipped := parseEnvFile(data)
		all := strings.Split(string(data), "\n")
		for _, l := range lines {
			if all[l.number-1] != l.key+"="+l.value {
				t.Fatalf("line %d of %q is not %q=%q", l.number, data, l.key, l.value)
			}
			if strings.Contains(l.key, "=") || l.key[0] < 'A' || l.key[0] > 'Z' {
				t.Fatalf("%q gave the key %q", data, l.key)
			}
		}
		for _, s := range skipped {
			if strings.TrimSpace(all[s.number-1]) != s.text || s.why == "" {
				t.Fatalf("line %d of %q is not %+v", s.number, data, s)
			}
		}
		m := machine{env: map[string]string{"HOME": "/h"}, files: map[string]string{"/h/.config/go/env": string(data)}}
		env, _, _ := Load(m.host(), nil)
		if len(lines) > 0 {
			last := lines[len(lines)-1]
			if slices.Contains(names, last.key) && last.key != "GOENV" && last.value != "" && env.Get(last.key) != last.value {
				t.Fatalf("%q: %s is %q, want the last line's %q", data, last.key, env.Get(last.key), last.value)
			}
		}
	})
}
