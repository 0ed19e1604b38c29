package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseOptions(t *testing.T) {
	t.Parallel()
	o, err := parseOptions(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"loopback", "wire", "build", "present", "memory", "relay"}, o.cases); diff != "" {
		t.Errorf("default cases: %s", diff)
	}
	if diff := cmp.Diff([]time.Duration{20 * time.Millisecond, 100 * time.Millisecond}, o.roundTrips); diff != "" {
		t.Errorf("default round trips: %s", diff)
	}
	if diff := cmp.Diff([]rate{0, 400, 40}, o.rates); diff != "" {
		t.Errorf("default rates: %s", diff)
	}
	if o.n != 5 || o.cores != 2 || o.scheme != "http" {
		t.Errorf("got defaults %+v", o)
	}
	for _, test := range []struct{ name, args, want string }{
		{"an unknown case is refused", "-cases loopback,all", `found case "all", expected some of loopback,wire,build,present,memory,relay,cache,recipe`},
		{"no runs are refused", "-n 0", "found -n 0, expected at least 1"},
		{"no processors are refused", "-cores 0", "found -cores 0, expected at least 1"},
		{"a round trip that is none is refused", "-rtt 20ms,fast", `found round trip "fast", expected a duration such as 100ms`},
		{"a rate that is none is refused", "-rate 400,fast", `found rate "fast", expected whole Mbit/s, 0 for no limit`},
		{"another scheme is refused", "-scheme ftp", `found -scheme "ftp", expected http or https`},
		{"an argument is refused", "loopback", `found argument "loopback", expected flags only`},
		{"a module without version is refused", "-module example.test/x", `found module "example.test/x", expected MODULE@VERSION with a version such as v1.2.3`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := parseOptions(strings.Fields(test.args), io.Discard)
			if err == nil || err.Error() != test.want {
				t.Errorf("got error %v, want %q", err, test.want)
			}
		})
	}
}

func TestCasesOfTheCacheRunByDefaultWithTheOfficialClientOnly(t *testing.T) {
	t.Parallel()
	for args, want := range map[string][]string{
		"":                             {"loopback", "wire", "build", "present", "memory", "relay"},
		"-official dir":                {"loopback", "wire", "build", "present", "memory", "relay", "cache", "recipe"},
		"-official dir -cases present": {"present"},
	} {
		o, err := parseOptions(strings.Fields(args), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, o.cases); diff != "" {
			t.Errorf("%q: %s", args, diff)
		}
	}
}
