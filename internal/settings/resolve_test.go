package settings_test

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/settings"
)

// files is a file system below /w, the working directory. Names are slash-separated; a name that
// ends in "/" is a directory, one whose content is "denied" may not be read.
type files map[string]string

func (f files) Read(_, name string, limit int64) ([]byte, error) {
	name = filepath.ToSlash(name)
	if _, ok := f[name+"/"]; ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
	}
	text, ok := f[name]
	switch {
	case !ok:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case text == "denied":
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	case int64(len(text)) > limit:
		return nil, &diskfile.SizeError{Path: name, Size: int64(len(text)), Limit: limit}
	}
	return []byte(text), nil
}

func (f files) IsFile(name string) bool {
	_, ok := f[filepath.ToSlash(name)]
	return ok
}

func (f files) IsIrregular(string) bool { return false }

func (f files) Abs(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join("/w/x/y/z", name)
}

func (f files) Real(name string) string { return f.Abs(name) }

func variables(m map[string]string) func(string) string {
	return func(name string) string { return m[name] }
}

// resolve gives the configuration file the job's voice: what the checkout's is
// worth has tests of its own.
func resolve(flags, env map[string]string, f files) (*settings.Values, error) {
	if f != nil && env["MODFERRY_TRUST_CHECKOUT"] == "" {
		trusting := map[string]string{"trust-checkout": "true"}
		maps.Copy(trusting, flags)
		flags = trusting
	}
	return settings.Resolve(flags, variables(env), f)
}

func TestResolveGivesTheDefaults(t *testing.T) {
	t.Parallel()
	got, err := resolve(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	for _, s := range settings.Table() {
		sources[s.Name] = "default"
	}
	want := &settings.Values{
		Dir: ".", Mirrors: "configured", Extract: "needed", Zips: "none", Cache: "off", Scope: "imports", Fallback: "policy",
		CacheFloor: 256 << 10, CacheMaxSize: 10 << 30, CacheMaxAge: 720 * time.Hour, Retries: 8, Direct: true,
		Timeout: 30 * time.Minute, ConnectTimeout: 10 * time.Second, TLSTimeout: 10 * time.Second,
		FirstByteTimeout: 30 * time.Second, StallTimeout: 20 * time.Second, RequestTimeout: 10 * time.Minute,
		ProbeTimeout: 2 * time.Second,
		Listen:       "127.0.0.1:8642", KeepSize: 2 << 30, MaxRequests: 1000, DrainTimeout: 20 * time.Second, LogFormat: "text",
		Sources: sources, Checkout: settings.Checkout{Root: filepath.FromSlash("/w/x/y/z"), Direct: true, Sources: map[string]string{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestResolvePrefersFlagThenVariableThenFile(t *testing.T) {
	t.Parallel()
	file := files{".modferry.yaml": "retries: 1\nprofiles:\n  dev:\n    retries: 2\n"}
	tests := []struct {
		name   string
		flags  map[string]string
		env    map[string]string
		files  files
		want   int
		source string
	}{
		{"the default when nobody says anything", nil, nil, nil, 8, "default"},
		{"the file before the default", nil, nil, file, 1, "file .modferry.yaml:1"},
		{"a profile before the top level", map[string]string{"profile": "dev"}, nil, file, 2, "file .modferry.yaml:4"},
		{"a profile named by its variable", nil, map[string]string{"MODFERRY_PROFILE": "dev"}, file, 2, "file .modferry.yaml:4"},
		{"the variable before the file", nil, map[string]string{"MODFERRY_RETRIES": "3"}, file, 3, "variable MODFERRY_RETRIES"},
		{"the flag before the variable", map[string]string{"retries": "5"}, map[string]string{"MODFERRY_RETRIES": "3"}, file, 5, "flag --retries"},
		{"the file when the variable is empty", nil, map[string]string{"MODFERRY_RETRIES": ""}, file, 1, "file .modferry.yaml:1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := resolve(tt.flags, tt.env, tt.files)
			if err != nil {
				t.Fatal(err)
			}
			if v.Retries != tt.want || v.Sources["retries"] != tt.source {
				t.Errorf("got %d from %q, want %d from %q", v.Retries, v.Sources["retries"], tt.want, tt.source)
			}
		})
	}
}

func TestResolveReadsEveryKindOfValue(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		flags map[string]string
		want  func(v *settings.Values) any
		value any
	}{
		{"a bool as flags give it", map[string]string{"verify-present": "true"}, func(v *settings.Values) any { return v.VerifyPresent }, true},
		{"a bool as people write it", map[string]string{"no-probe": "Yes"}, func(v *settings.Values) any { return v.NoProbe }, true},
		{"a bool that is off", map[string]string{"no-hedge": "off"}, func(v *settings.Values) any { return v.NoHedge }, false},
		{"a number with blanks around it", map[string]string{"concurrency": " 8\n"}, func(v *settings.Values) any { return v.Concurrency }, 8},
		{"a duration", map[string]string{"stall-timeout": "1m30s"}, func(v *settings.Values) any { return v.StallTimeout }, 90 * time.Second},
		{"no limit for the run", map[string]string{"timeout": "0"}, func(v *settings.Values) any { return v.Timeout }, time.Duration(0)},
		{"a choice", map[string]string{"mirrors": "cn"}, func(v *settings.Values) any { return v.Mirrors }, "cn"},
		{"a list over several lines", map[string]string{"private": "a.test/*\n b.test\n"}, func(v *settings.Values) any { return v.Private }, "a.test/*,b.test"},
		{"a GOPROXY list over several lines keeps its separators", map[string]string{"proxy": "https://a.test|\nhttps://b.test\n,direct"}, func(v *settings.Values) any { return v.Proxy }, "https://a.test|https://b.test,direct"},
		{"a proxy with its credentials", map[string]string{"proxy": "https://u:p@a.test"}, func(v *settings.Values) any { return v.Proxy }, "https://u:p@a.test"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := resolve(tt.flags, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.want(v); got != tt.value {
				t.Errorf("got %v, want %v", got, tt.value)
			}
		})
	}
}

func TestResolveRefusesWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		flags map[string]string
		env   map[string]string
		want  string
	}{
		{"a misspelt choice", map[string]string{"extract": "al"}, nil,
			`flag --extract: found "al", expected none, needed or all; write --extract all`},
		{"a choice in capitals", nil, map[string]string{"MODFERRY_MIRRORS": "CN"},
			`variable MODFERRY_MIRRORS: found "CN", expected configured, auto or cn; write MODFERRY_MIRRORS=cn`},
		{"a choice that resembles none", map[string]string{"fallback": "sometimes"}, nil,
			`flag --fallback: found "sometimes", expected policy, as-written or any`},
		{"a duration without unit", map[string]string{"timeout": "30"}, nil,
			`flag --timeout: found "30", which has no unit, expected a duration with a unit such as 500ms, 30s, 2m or 1h30m; write --timeout 30s`},
		{"a duration with a spelt-out unit", nil, map[string]string{"MODFERRY_TIMEOUT": "5 min"},
			`variable MODFERRY_TIMEOUT: found "5 min", expected a duration with a unit such as 500ms, 30s, 2m or 1h30m; write MODFERRY_TIMEOUT=5m`},
		{"a duration that is a word", map[string]string{"timeout": "soon"}, nil,
			`flag --timeout: found "soon", expected a duration with a unit such as 500ms, 30s, 2m or 1h30m`},
		{"a negative duration", map[string]string{"timeout": "-1s"}, nil,
			`flag --timeout: found "-1s", expected a duration that is not negative`},
		{"a limit of zero", map[string]string{"stall-timeout": "0"}, nil,
			`flag --stall-timeout: found "0", expected a duration above 0, because every network operation has a limit`},
		{"a limit of months", map[string]string{"timeout": "2400h"}, nil,
			`flag --timeout: found "2400h", expected at most a week`},
		{"a negative number", map[string]string{"retries": "-1"}, nil,
			`flag --retries: found "-1", expected a whole number from 0 to 100`},
		{"a number that is none", map[string]string{"concurrency": "many"}, nil,
			`flag --concurrency: found "many", expected a whole number from 0 to 1000`},
		{"a number beyond reason", map[string]string{"concurrency": "100000"}, nil,
			`flag --concurrency: found "100000", expected a whole number from 0 to 1000; write --concurrency 1000`},
		{"a misspelt bool", nil, map[string]string{"MODFERRY_NO_PROBE": "ture"},
			`variable MODFERRY_NO_PROBE: found "ture", expected true or false; write MODFERRY_NO_PROBE=true`},
		{"an empty flag", map[string]string{"proxy": ""}, nil,
			`flag --proxy: found an empty value, expected a list; write a value or leave it out`},
		{"a blank variable", nil, map[string]string{"MODFERRY_SUMDB": "  "},
			`variable MODFERRY_SUMDB: found an empty value, expected a name; write a value or leave it out`},
		{"a home directory that no shell expanded", nil, map[string]string{"MODFERRY_MODCACHE": "~/go/pkg/mod"},
			`variable MODFERRY_MODCACHE: found "~/go/pkg/mod", with a ~ that no shell has expanded, expected a path; write the home directory in full`},
		{"a path over two lines", map[string]string{"modcache": "/a\n/b"}, nil,
			`flag --modcache: found "/a\n/b", expected text without line breaks and control characters`},
		{"a control character in a list", map[string]string{"private": "a.test\x00"}, nil,
			`flag --private: found "a.test\x00", expected a list without control characters`},
		{"quiet and verbose flags", map[string]string{"quiet": "true", "verbose": "true"}, nil,
			`flag --quiet: found quiet together with verbose, expected one of the two; leave one out`},
		{"quiet and verbose variables", nil, map[string]string{"MODFERRY_QUIET": "1", "MODFERRY_VERBOSE": "1"},
			`variable MODFERRY_QUIET: found quiet together with verbose, expected one of the two; leave one out`},
		{"a flag that does not exist", map[string]string{"proxi": "x"}, nil,
			`flag --proxi: found a flag that does not exist; write --proxy`},
		{"credentials are not repeated", map[string]string{"mirrors": "https://u:secret@a.test"}, nil,
			`flag --mirrors: found "https://u:xxxxx@a.test", expected configured, auto or cn`},
		{"a configuration file that is not there", map[string]string{"config": "ci.yaml"}, nil,
			`flag --config: found no file "ci.yaml", expected a configuration file; correct the path or leave it out`},
		{"a profile without a configuration file", nil, map[string]string{"MODFERRY_PROFILE": "dev"},
			`variable MODFERRY_PROFILE: found the profile "dev" but no configuration file, expected a .modferry.yaml with profiles; write one, name it with --config, or leave the profile out`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := resolve(tt.flags, tt.env, nil)
			var e *settings.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a *settings.Error", err)
			}
			if e.Error() != tt.want {
				t.Errorf("\n got %s\nwant %s", e, tt.want)
			}
		})
	}
}

func TestResolveLetsAFlagOverruleTheOppositeVariable(t *testing.T) {
	t.Parallel()
	v, err := resolve(map[string]string{"verbose": "true"}, map[string]string{"MODFERRY_QUIET": "true"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v.Quiet || !v.Verbose {
		t.Errorf("quiet %v, verbose %v: the flag --verbose is stronger than the variable", v.Quiet, v.Verbose)
	}
}

func TestResolveFindsTheConfigurationFile(t *testing.T) {
	t.Parallel()
	const config = "retries: 1\n"
	tests := []struct {
		name  string
		flags map[string]string
		files files
		want  string // Values.ConfigFile
	}{
		{"in the working directory", nil, files{".modferry.yaml": config}, ".modferry.yaml"},
		{"in the directory of -C", map[string]string{"dir": "svc/a"}, files{"svc/a/.modferry.yaml": config, ".modferry.yaml": config}, "svc/a/.modferry.yaml"},
		{"in the root of the repository", map[string]string{"dir": "svc/a"}, files{"svc/a/go.mod": "", ".git/HEAD": "", ".modferry.yaml": config}, ".modferry.yaml"},
		{"in the root of a worktree", map[string]string{"dir": "/w/svc"}, files{"/w/.git": "gitdir: x", "/w/.modferry.yaml": config}, "/w/.modferry.yaml"},
		{"in the root of a repository above a relative directory", nil, files{"../../.git/HEAD": "", "../../.modferry.yaml": config}, "../../.modferry.yaml"},
		{"in the root of a workspace without repository", map[string]string{"dir": "/w/a"}, files{"/w/go.work": "", "/w/a/go.mod": "", "/w/.modferry.yaml": config}, "/w/.modferry.yaml"},
		{"in the root of a module without workspace", map[string]string{"dir": "/m/cmd/x"}, files{"/m/go.mod": "", "/m/.modferry.yaml": config}, "/m/.modferry.yaml"},
		{"the nearest of two", map[string]string{"dir": "/r/a/b"}, files{"/r/.git/HEAD": "", "/r/.modferry.yaml": config, "/r/a/.modferry.yaml": config}, "/r/a/.modferry.yaml"},
		{"not above the repository", map[string]string{"dir": "/home/r"}, files{"/home/r/.git/HEAD": "", "/home/.modferry.yaml": config}, ""},
		{"not above the repository, though a workspace stands there", map[string]string{"dir": "/home/r"}, files{"/home/r/.git/HEAD": "", "/home/go.work": "", "/home/.modferry.yaml": config}, ""},
		{"not above the module", map[string]string{"dir": "/tmp/m"}, files{"/tmp/m/go.mod": "", "/tmp/.modferry.yaml": config}, ""},
		{"not above a directory that belongs to nothing", map[string]string{"dir": "/tmp/x"}, files{"/tmp/.modferry.yaml": config}, ""},
		{"where --config says", map[string]string{"config": "ci/modferry.yaml"}, files{"ci/modferry.yaml": config, ".modferry.yaml": "retries: 9\n"}, "ci/modferry.yaml"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := resolve(tt.flags, nil, tt.files)
			if err != nil {
				t.Fatal(err)
			}
			if got := filepath.ToSlash(v.ConfigFile); got != tt.want {
				t.Errorf("read %q, want %q", got, tt.want)
			}
			if read := v.Retries == 1; read != (tt.want != "") {
				t.Errorf("retries is %d", v.Retries)
			}
		})
	}
}

func TestResolveExplainsAnUnusableConfigurationFile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		flags map[string]string
		files files
		want  string
	}{
		{"one with the other ending", nil, files{".modferry.yml": "retries: 1"},
			".modferry.yml: found a configuration file with the ending .yml, expected the name .modferry.yaml; rename the file"},
		{"one that may not be read", nil, files{".modferry.yaml": "denied"},
			".modferry.yaml: found open .modferry.yaml: permission denied, expected a readable configuration file"},
		{"a directory", map[string]string{"config": "conf"}, files{"conf/": ""},
			"flag --config: found read conf: is a directory, expected a readable configuration file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := resolve(tt.flags, nil, tt.files)
			if err == nil {
				t.Fatal("accepted")
			}
			if got := strings.ReplaceAll(err.Error(), syscall.EISDIR.Error(), "is a directory"); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestUnknownVariablesAreRemarkedUpon(t *testing.T) {
	t.Parallel()
	got := settings.UnknownVariables([]string{
		"MODFERRY_PROXI=https://u:p@a.test", "MODFERRY_PROXY=x", "PATH=/bin", "MODFERRY_EMPTY=", "MODFERRY_IMAGE=x",
	})
	want := []string{
		"variable MODFERRY_IMAGE is unknown and has no effect",
		"variable MODFERRY_PROXI is unknown and has no effect; write MODFERRY_PROXY",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
