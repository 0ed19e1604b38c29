package outside

import (
	"strings"
	"testing"
)

// The table is what the go command does; internal/fetch asks it.
func TestChoose(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path, query, versions, want string
		goMod                       bool // the newest compatible version has one
	}{
		{"a.test/m", "latest", "v1.0.0 v1.2.0 v1.10.0", "v1.10.0", true},
		{"a.test/m", "latest", "v1.0.0 v1.1.0-rc.1", "v1.0.0", true},
		{"a.test/m", "latest", "v1.0.0-a v1.0.0-b", "v1.0.0-b", true},
		{"a.test/m", "latest", "", "", true},
		{"a.test/m", "v1", "v0.9.0 v1.0.0-rc.1 v1.0.0 v1.4.0", "v1.4.0", true},
		{"a.test/m", "v1.2", "v1.2.0-rc.1 v1.20.0", "", true},
		{"a.test/m", "v1.2", "v1.2.0 v1.2.7 v1.20.0", "v1.2.7", true},
		{"a.test/m", "<v1.2.0", "v1.0.0 v1.1.9 v1.2.0", "v1.1.9", true},
		{"a.test/m", "<=v1.2.0", "v1.0.0 v1.2.0 v1.3.0", "v1.2.0", true},
		{"a.test/m", ">v1.0.0", "v1.0.0 v1.2.0 v1.3.0", "v1.2.0", true},
		{"a.test/m", ">=v1.0.0", "v1.0.0 v1.2.0 v1.3.0", "v1.0.0", true},
		{"a.test/m", "latest", "v1.0.0 v2.0.0+incompatible", "v1.0.0", true},
		{"a.test/m", "latest", "v1.0.0 v2.0.0+incompatible", "v2.0.0+incompatible", false},
		{"a.test/m", "latest", "v2.0.0+incompatible v3.0.0+incompatible", "v3.0.0+incompatible", true},
		{"a.test/m", "v2", "v1.0.0 v2.0.0+incompatible v2.1.0+incompatible", "v2.1.0+incompatible", true},
	} {
		q, err := parseQuery(test.path, test.query)
		if err != nil || q.exact {
			t.Fatalf("%s: %+v, %v", test.query, q, err)
		}
		got, err := q.choose(strings.Fields(test.versions), func(string) (bool, error) { return true, nil }, func(string) (bool, error) { return test.goMod, nil })
		if err != nil || got != test.want {
			t.Errorf("%s of %s: %q, %v, want %q", test.query, test.versions, got, err, test.want)
		}
	}
	for _, text := range []string{"v1.2.3", "main", "abcdef012345", "v1.2.3+meta", "v0.0.0-20200101000000-abcdefabcdef"} {
		if q, err := parseQuery("a.test/m", text); err != nil || !q.exact {
			t.Errorf("%s: %+v, %v", text, q, err)
		}
	}
	for _, text := range []string{"<main", "<=v1", ">v1.2", ">=1.0.0"} {
		if _, err := parseQuery("a.test/m", text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, problem := range map[string]string{
		"a.test/m@latest": "", "a.test/m/cmd/x@v1": "", "a.test/m@main": "", "gopkg.in/yaml.v3@>=v3.0.0": "",
		"a.test/m": "write a.test/m@latest", "a.test/m@": "write ", "a.test/...@latest": "name each package",
		"fmt@latest": "a host", "a.test/m@none": "none needs", "a.test/../m@v1": "expected MODULE@VERSION",
		"a.test/m@a/b": "disallowed", "-x.test/m@v1": "expected", "a.test/m\x1b@v1": "expected",
	} {
		_, err := Parse([]string{text})
		if (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: %v, want %q", text, err, problem)
		}
	}
	if got := (Arg{Path: "gopkg.in/yaml.v3/x"}).modules(); len(got) != 2 {
		t.Errorf("modules %q", got) // gopkg.in itself is none
	}
}
