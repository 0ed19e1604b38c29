package settings_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/settings"
)

func TestSizes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want int64
		err  string
	}{
		{"0", 0, ""},
		{"1KiB", 1 << 10, ""},
		{"1.5 MiB", 3 << 19, ""},
		{"200mb", 200e6, ""},
		{"10GiB", 10 << 30, ""},
		{"7B", 7, ""},
		{"5", 0, `flag --cache-floor: found "5", which has no unit, expected a size with a unit such as 512KiB, 200MB or 10GiB`},
		{"5G", 0, `flag --cache-floor: found "5G", expected a size with a unit such as 512KiB, 200MB or 10GiB; write --cache-floor 5GiB`},
		{"-1GB", 0, `flag --cache-floor: found "-1GB", expected a size with a unit such as 512KiB, 200MB or 10GiB`},
		{"much", 0, `flag --cache-floor: found "much", expected a size with a unit such as 512KiB, 200MB or 10GiB`},
		{"9e99GB", 0, `flag --cache-floor: found "9e99GB", expected a size with a unit such as 512KiB, 200MB or 10GiB`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			v, err := resolve(map[string]string{"cache-floor": tt.text}, nil, nil)
			switch {
			case tt.err != "" && (err == nil || err.Error() != tt.err):
				t.Errorf("error\n got %v\nwant %s", err, tt.err)
			case tt.err == "" && err != nil:
				t.Error(err)
			case tt.err == "" && v.CacheFloor != tt.want:
				t.Errorf("got %d, want %d", v.CacheFloor, tt.want)
			}
		})
	}
}

// absolute is a path as CI systems give it in variables.
func absolute(t *testing.T, name string) string {
	t.Helper()
	abs, err := filepath.Abs(filepath.FromSlash("/" + name))
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

func TestTheStoreDependsOnThePlace(t *testing.T) {
	t.Parallel()
	github := map[string]string{"CI": "true", "GITHUB_ACTIONS": "true"}
	project := absolute(t, "builds/a/b")
	gitlab := map[string]string{"CI": "true", "GITLAB_CI": "true", "CI_PROJECT_DIR": project}
	for _, tt := range []struct {
		name       string
		flags, env map[string]string
		want       string
	}{
		{"a person's machine", nil, nil, "off"},
		{"GitHub", nil, github, "gha"},
		{"GitLab", nil, gitlab, "dir:" + filepath.Join(project, ".modferry", "cache")},
		{"CircleCI", nil, map[string]string{"CI": "true", "CIRCLECI": "true", "CIRCLE_WORKING_DIRECTORY": project}, "dir:" + filepath.Join(project, ".modferry", "cache")},
		{"Jenkins, whose machines keep their own", nil, map[string]string{"JENKINS_HOME": "/x", "WORKSPACE": project}, "off"},
		{"another CI system", nil, map[string]string{"CI": "true"}, "off"},
		{"a flag decides", map[string]string{"cache": "dir:x"}, github, "dir:x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := resolve(tt.flags, tt.env, nil)
			if err != nil {
				t.Fatal(err)
			}
			if v.Cache != tt.want {
				t.Errorf("got %s, want %s", v.Cache, tt.want)
			}
		})
	}
}

func TestACacheDirectoryOfTheFileIsRelativeToIt(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"dir:cache/go": "dir:" + filepath.Join("sub", "cache", "go"), "dir:" + absolute(t, "var/cache"): "dir:" + absolute(t, "var/cache"), "gha": "gha",
	} {
		v, err := resolve(map[string]string{"config": "sub/m.yaml"}, nil, files{"sub/m.yaml": "cache: " + value + "\n"})
		if err != nil || v.Cache != want {
			t.Errorf("%s: got %q, %v, want %q", value, v.Cache, err, want)
		}
	}
}

func TestTheCacheMayKeepThingsForLong(t *testing.T) {
	t.Parallel()
	v, err := resolve(map[string]string{"cache-max-age": "8760h"}, nil, nil)
	if err != nil || v.CacheMaxAge != 8760*time.Hour {
		t.Errorf("got %v, %v", v, err)
	}
	_, err = resolve(map[string]string{"cache-max-age": "200000h"}, nil, nil)
	if err == nil {
		t.Error("200,000 hours are accepted")
	}
}

func TestReportsGoWhereTheCISystemTakesThemFrom(t *testing.T) {
	t.Parallel()
	project := absolute(t, "builds/a/b")
	gitlab := map[string]string{"GITLAB_CI": "true", "CI_PROJECT_DIR": project}
	for _, test := range []struct {
		name  string
		flags map[string]string
		env   map[string]string
		file  string
		want  string
	}{
		{"anywhere", nil, nil, "", ""},
		{"GitLab", nil, gitlab, "", filepath.Join(project, ".modferry", "reports")},
		{"Jenkins", nil, map[string]string{"JENKINS_HOME": "/x", "WORKSPACE": project}, "", filepath.Join(project, ".modferry", "reports")},
		{"GitLab, and none are wanted", map[string]string{"reports": "off"}, gitlab, "", ""},
		{"GitLab, and somewhere else", map[string]string{"reports": "out"}, gitlab, "", "out"},
		{"anywhere, when asked for", map[string]string{"reports": "out"}, nil, "", "out"},
		{"a file, relative to it", nil, nil, "reports: out\n", filepath.Join("sub", "out")},
		{"a file that wants none", nil, gitlab, "reports: off\n", ""},
	} {
		flags := map[string]string{}
		for name, value := range test.flags {
			flags[name] = value
		}
		f := files{}
		if test.file != "" {
			flags["config"], f["sub/m.yaml"] = "sub/m.yaml", test.file
		}
		v, err := resolve(flags, test.env, f)
		if err != nil || v.Reports != test.want {
			t.Errorf("%s: got %+v, %v, want %q", test.name, v, err, test.want)
		}
	}
}

func TestTheTokenOfNotesIsNoUnknownVariable(t *testing.T) {
	t.Parallel()
	if remarks := settings.UnknownVariables([]string{settings.GitLabToken + "=x"}); len(remarks) > 0 {
		t.Errorf("remarks: %q", remarks)
	}
}
