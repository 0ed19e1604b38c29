package goenv

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPatternsMatchAsInTheGoCommand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, patterns, module string
		want                   bool
	}{
		{"a host covers everything below it", "git.x.test", "git.x.test/team/m", true},
		{"a host covers itself", "git.x.test", "git.x.test", true},
		{"a host does not cover its subdomains", "git.x.test", "api.git.x.test/m", false},
		{"a trailing slash does not matter", "git.x.test/", "git.x.test/m", true},
		{"a star below a host leaves out the host", "git.x.test/*", "git.x.test", false},
		{"a star covers dots", "*.x.test", "a.b.x.test/m", true},
		{"a star needs something to stand for", "*.x.test", "x.test/m", false},
		{"blanks count", " git.x.test", "git.x.test/m", false},
		{"case counts", "GIT.x.test", "git.x.test/m", false},
		{"dots have no meaning", "git.x.test/...", "git.x.test/m", false},
		{"malformed patterns are skipped", "[,git.x.test", "git.x.test/m", true},
		{"no pattern matches nothing", "", "git.x.test/m", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := MatchPatterns(test.patterns, test.module); got != test.want {
				t.Errorf("MatchPatterns(%q, %q) = %v", test.patterns, test.module, got)
			}
		})
	}
}

func TestPatternsThatMatchNothingAreNamed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, value string
		checks      []string
		corrected   string
	}{
		{"good patterns are left alone", "git.x.test/team,*.y.test,z.test/[a-c]?/*", nil, "git.x.test/team,*.y.test,z.test/[a-c]?/*"},
		{"blanks", "a.test, b.test", []string{"pattern-blank"}, "a.test,b.test"},
		{"a carriage return", "a.test\r", []string{"pattern-blank"}, "a.test"},
		{"quotes", `"a.test,b.test"`, []string{"pattern-quotes", "pattern-quotes"}, "a.test,b.test"},
		{"a scheme", "https://git.x.test/team", []string{"pattern-scheme"}, "git.x.test/team"},
		{"a user", "git@git.x.test:team/m", []string{"pattern-user", "pattern-colon"}, "git.x.test/team/m"},
		{"a port", "git.x.test:8443/team", []string{"pattern-port"}, "git.x.test/team"},
		{"a version", "git.x.test/m@v1.2.3", []string{"pattern-version"}, "git.x.test/m"},
		{"dots at the end", "git.x.test/...", []string{"pattern-ellipsis"}, "git.x.test"},
		{"a slash at the start", "/git.x.test", []string{"pattern-leading-slash"}, "git.x.test"},
		{"a dot at the start", ".x.test", []string{"pattern-leading-dot"}, "x.test,*.x.test"},
		{"a host in upper case", "Git.X.test/Team", []string{"pattern-upper-case"}, "git.x.test/Team"},
		{"a pipe", "a.test|b.test", []string{"pattern-separator"}, "a.test,b.test"},
		{"a semicolon and a scheme", "a.test;https://b.test", []string{"pattern-separator"}, "a.test,b.test"},
		{"a blank between", "a.test b.test", []string{"pattern-separator"}, "a.test,b.test"},
		{"a full-width comma", "a.test，b.test", []string{"pattern-separator"}, "a.test,b.test"},
		{"a separator at the end", "a.test;", []string{"pattern-separator"}, "a.test"},
		{"several traps in one pattern", " https://GIT.x.test:80/...", []string{"pattern-blank", "pattern-scheme", "pattern-port", "pattern-ellipsis", "pattern-upper-case"}, "git.x.test"},
		{"an open bracket", "a.test/[x", []string{"pattern-malformed"}, ""},
		{"a regular expression", "(a|b).test", []string{"pattern-separator", "pattern-character", "pattern-character"}, ""},
		{"braces", "{a,b}.test", []string{"pattern-character", "pattern-character"}, ""},
		{"a negation", "*,!a.test", []string{"pattern-character"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			faults, corrected := inspectPatterns(test.value)
			var checks []string
			for _, f := range faults {
				checks = append(checks, f.check)
			}
			if diff := cmp.Diff(test.checks, checks); diff != "" {
				t.Errorf("inspectPatterns(%q) (-want +got):\n%s", test.value, diff)
			}
			if corrected != test.corrected {
				t.Errorf("inspectPatterns(%q) corrects to %q, want %q", test.value, corrected, test.corrected)
			}
		})
	}
}

func FuzzInspectPatterns(f *testing.F) {
	for _, value := range []string{"a.test, b.test", "git@h:t/m.git", ".x.test;GIT.test:1/...", "[", "a，b", `"`, "@", "://", "......", "....../0"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		faults, corrected := inspectPatterns(value)
		if again, _ := inspectPatterns(corrected); corrected != "" && len(again) > 0 {
			t.Fatalf("the correction %q of %q has faults: %+v", corrected, value, again)
		}
		if len(faults) == 0 && strings.Trim(value, ",") != "" && corrected != strings.Join(strings.FieldsFunc(value, func(r rune) bool { return r == ',' }), ",") {
			t.Fatalf("%q has no fault but is corrected to %q", value, corrected)
		}
	})
}
