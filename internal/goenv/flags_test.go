package goenv

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGOFLAGSIsSplitAsByTheGoCommand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, value string
		want        []string
		ok          bool
	}{
		{"blanks of every kind separate", " -a\t-b=c\r\n-d ", []string{"-a", "-b=c", "-d"}, true},
		{"quotes keep blanks", `'-a=b c' "-d='e'"`, []string{"-a=b c", "-d='e'"}, true},
		{"quotes inside a word are ordinary", `-a='b c'`, []string{"-a='b", "c'"}, true},
		{"a quoted word ends at its quote", `'-a'-b`, []string{"-a", "-b"}, true},
		{"an open quote is an error", `-a "-b`, []string{"-a"}, false},
		{"nothing is nothing", " ", nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, ok := SplitFlags(test.value)
			if diff := cmp.Diff(test.want, got); diff != "" || ok != test.ok {
				t.Errorf("SplitFlags(%q) ok = %v (-want +got):\n%s", test.value, ok, diff)
			}
		})
	}
}

func TestToolchainsThatTheGoCommandRefusesAreInvalid(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{
		"": true, "local": true, "auto": true, "path": true, "local+auto": true, "go1.26.0": true, "go1.26rc1+path": true, "go1.26.0-custom+auto": true,
		"auto+path": false, "+auto": false, "1.26": false, "go1.26.0+other": false, "goX": false, "go1.26.0/x": false, "Local": false,
	} {
		if got := validToolchain(value); got != want {
			t.Errorf("validToolchain(%q) = %v", value, got)
		}
	}
}

func TestTheLastOfSeveralFlagsWins(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, goflags string
		want          bool
	}{
		{"absent", "-mod=mod", false},
		{"given", "-mod=mod -modcacherw", true},
		{"given with two dashes and a value", "--modcacherw=1", true},
		{"switched off", "-modcacherw -modcacherw=false", false},
		{"part of another word", "-ldflags=-modcacherw", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := BoolFlag(test.goflags, "modcacherw"); got != test.want {
				t.Errorf("BoolFlag(%q) = %v, want %v", test.goflags, got, test.want)
			}
		})
	}
}
