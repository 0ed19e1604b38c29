package layer

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
)

func TestNamesStandForOneMember(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		want Member
	}{
		{"cache/download/example.test/a/@v/v1.2.3.zip", member("example.test/a", "v1.2.3", kindZip)},
		{"cache/download/example.test/a/@v/v1.2.3.mod", member("example.test/a", "v1.2.3", kindMod)},
		{"cache/download/example.test/a/@v/v1.2.3.info", member("example.test/a", "v1.2.3", kindInfo)},
		{"cache/download/example.test/!burnt!sushi/toml/@v/v1.4.0-!r!c.1.zip", member("example.test/BurntSushi/toml", "v1.4.0-RC.1", kindZip)},
		{"cache/download/example.test/a/@v/v3.0.0+incompatible.zip", member("example.test/a", "v3.0.0+incompatible", kindZip)},
		{"cache/download/example.test/a/v3/@v/v3.0.0.zip", member("example.test/a/v3", "v3.0.0", kindZip)},
		{"cache/download/example.test/a/@v/v0.0.0-20161208181325-20d25e280405.mod", member("example.test/a", "v0.0.0-20161208181325-20d25e280405", kindMod)},
		{"cache/download/gopkg.in/check.v1/@v/v0.0.0-20161208181325-20d25e280405.zip", member("gopkg.in/check.v1", "v0.0.0-20161208181325-20d25e280405", kindZip)},
		{"cache/download/golang.org/toolchain/@v/v0.0.1-go1.26.0.linux-amd64.zip", member("golang.org/toolchain", "v0.0.1-go1.26.0.linux-amd64", kindZip)},
		{"cache/download/example.test/a/@v/v1.0.0-x.zip.zip", member("example.test/a", "v1.0.0-x.zip", kindZip)},
	} {
		m, err := parseName(tt.name)
		if err != nil || m != tt.want {
			t.Errorf("%s: found %v, %v", tt.name, m, err)
		}
		if got := tt.want.Name(); got != tt.name {
			t.Errorf("%v has the name %s", tt.want, got)
		}
	}
}

// oddNames are names that no layer has, by what is odd about them.
var oddNames = map[string]string{
	"empty":                           "",
	"only the root":                   "cache/download/",
	"absolute":                        "/cache/download/example.test/a/@v/v1.0.0.zip",
	"a drive":                         "C:/cache/download/example.test/a/@v/v1.0.0.zip",
	"a dot in front":                  "./cache/download/example.test/a/@v/v1.0.0.zip",
	"dots in front":                   "../cache/download/example.test/a/@v/v1.0.0.zip",
	"dots in the path":                "cache/download/example.test/a/../../../evil/@v/v1.0.0.zip",
	"dots before the version":         "cache/download/example.test/a/@v/../../v1.0.0.zip",
	"dots as path":                    "cache/download/../@v/v1.0.0.zip",
	"backslashes":                     `cache\download\example.test\a\@v\v1.0.0.zip`,
	"a backslash in the path":         `cache/download/example.test/a\..\b/@v/v1.0.0.zip`,
	"a backslash in the version":      `cache/download/example.test/a/@v/v1.0.0-..\x.zip`,
	"two slashes":                     "cache/download/example.test//a/@v/v1.0.0.zip",
	"upper case in the path":          "cache/download/example.test/Upper/@v/v1.0.0.zip",
	"upper case in the version":       "cache/download/example.test/a/@v/v1.0.0-RC1.zip",
	"upper case in the kind":          "cache/download/example.test/a/@v/v1.0.0.ZIP",
	"upper case in the host":          "cache/download/!example.test/a/@v/v1.0.0.zip",
	"upper case of a folder":          "cache/download/example.test/a/@V/v1.0.0.zip",
	"two exclamation marks":           "cache/download/example.test/!!a/@v/v1.0.0.zip",
	"an exclamation mark alone":       "cache/download/example.test/a!/@v/v1.0.0.zip",
	"an escaped digit":                "cache/download/example.test/!1/@v/v1.0.0.zip",
	"an exclamation mark in versions": "cache/download/example.test/a/@v/v1.0.0-!!.zip",
	"a trailing slash":                "cache/download/example.test/a/@v/v1.0.0.zip/",
	"a NUL":                           "cache/download/example.test/a/@v/v1.0.0\x00.zip",
	"a NUL at the end":                "cache/download/example.test/a/@v/v1.0.0.zip\x00",
	"a line feed":                     "cache/download/example.test/a/@v/v1.0.0\n.zip",
	"a space":                         "cache/download/example.test/a/@v/v1.0.0 .zip",
	"not UTF-8":                       "cache/download/example.test/\xff/@v/v1.0.0.zip",
	"not ASCII":                       "cache/download/example.test/é/@v/v1.0.0.zip",
	"10,000 characters":               "cache/download/example.test/" + strings.Repeat("a/", 5000) + "@v/v1.0.0.zip",
	"no kind":                         "cache/download/example.test/a/@v/v1",
	"a kind that ends in a dot":       "cache/download/example.test/a/@v/v1.0.0.",
	"a ziphash":                       "cache/download/example.test/a/@v/v1.0.0.ziphash",
	"a lock":                          "cache/download/example.test/a/@v/v1.0.0.lock",
	"a partial":                       "cache/download/example.test/a/@v/v1.0.0.partial",
	"the list":                        "cache/download/example.test/a/@v/list",
	"a temporary file":                "cache/download/example.test/a/@v/v1.0.0.zip123.tmp",
	"a lookup of the sumdb":           "cache/download/sumdb/sum.example.test/lookup/example.test/a@v1.0.0",
	"version control":                 "cache/vcs/0123456789abcdef",
	"an extracted file":               "example.test/a@v1.0.0/a.go",
	"the latest":                      "cache/download/example.test/a/@latest",
	"no version":                      "cache/download/example.test/a/@v/.zip",
	"a major version":                 "cache/download/example.test/a/@v/v1.info",
	"a short version":                 "cache/download/example.test/a/@v/v1.2.info",
	"a branch":                        "cache/download/example.test/a/@v/master.info",
	"a version without its v":         "cache/download/example.test/a/@v/1.0.0.zip",
	"a leading zero":                  "cache/download/example.test/a/@v/v1.02.0.zip",
	"build metadata":                  "cache/download/example.test/a/@v/v1.0.0+meta.zip",
	"a path of another version":       "cache/download/example.test/a/@v/v2.0.0.zip",
	"a version of another path":       "cache/download/example.test/a/v3/@v/v2.0.0.zip",
	"a path that ends in /v1":         "cache/download/example.test/a/v1/@v/v1.0.0.zip",
	"gopkg.in without version":        "cache/download/gopkg.in/check/@v/v1.0.0.zip",
	"a path without a dot":            "cache/download/example/a/@v/v1.0.0.zip",
	"a hidden element":                "cache/download/example.test/.git/@v/v1.0.0.zip",
	"a device of Windows":             "cache/download/example.test/con/@v/v1.0.0.zip",
	"a short name of Windows":         "cache/download/example.test/a~1/@v/v1.0.0.zip",
	"a version in the path":           "cache/download/example.test/a/@v/x/@v/v1.0.0.zip",
	"a stream of Windows":             "cache/download/example.test/a/@v/v1.0.0:x.zip",
	"a colour":                        "cache/download/\x1b[31m/@v/v1.0.0.zip",
	"a workflow command":              "::error::cache/download/example.test/a/@v/v1.0.0.zip",
	"a workflow command in the path":  "cache/download/##[error]x/@v/v1.0.0.zip",
	"a workflow command in it":        "cache/download/example.test/a/@v/v1.0.0\n::error::.zip",
}

func TestOddNamesAreRefused(t *testing.T) {
	t.Parallel()
	for odd, name := range oddNames {
		m, err := parseName(name)
		if err == nil {
			t.Errorf("%s: %q is taken for %v", odd, name, m)
			continue
		}
		if why := err.Error(); why == "" || why != failure.Neutral(why) {
			t.Errorf("%s: the reason %q is not neutral", odd, why)
		}
		if m != (Member{}) {
			t.Errorf("%s: an error, and %v", odd, m)
		}
	}
}

func TestWhatIsNoModuleHasNoName(t *testing.T) {
	t.Parallel()
	for _, m := range []Member{{}, member("../a", "v1.0.0", kindZip), member("example.test/a", "../v1", kindZip), member("example.test/a", "a!b", kindZip)} {
		if name := m.Name(); name != "" {
			t.Errorf("%v has the name %s", m, name)
		}
	}
}

func TestMembersAreInOrderOfPathVersionAndKind(t *testing.T) {
	t.Parallel()
	want := []Member{
		member("example.test/a", "v1.2.0", kindZip),
		member("example.test/a", "v1.10.0", kindInfo),
		member("example.test/a", "v1.10.0", kindMod),
		member("example.test/a", "v1.10.0", kindZip),
		member("example.test/a", "v3.0.0", kindZip),
		member("example.test/a", "v3.0.0+incompatible", kindZip),
		member("example.test/b", "v1.0.0", kindMod),
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Member.compare)
	if !slices.Equal(got, want) {
		t.Errorf("found %v", got)
	}
}

// Names are paths below GOMODCACHE on every system.
func TestNamesAreLocal(t *testing.T) {
	t.Parallel()
	for _, f := range someFiles() {
		if !filepath.IsLocal(filepath.FromSlash(f.Name())) {
			t.Errorf("%s is not local", f.Name())
		}
	}
}
