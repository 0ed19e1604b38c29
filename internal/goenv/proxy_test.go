package goenv

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGOPROXYIsReadAsByTheGoCommand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, list string
		want       Chain
	}{
		{"a comma and a pipe belong to the entry before them", "https://a.test,https://b.test|direct", Chain{
			{Mirror, "https://a.test", "https://a.test", Comma},
			{Mirror, "https://b.test", "https://b.test", Pipe},
			{Direct, "", "direct", End},
		}},
		{"blanks and newlines around entries are trimmed and empty entries skipped", " ,https://a.test\n|, ,\toff ", Chain{
			{Mirror, "https://a.test", "https://a.test", Pipe},
			{Off, "", "off", End},
		}},
		{"the first separator after an entry counts", "https://a.test,|https://b.test|,off", Chain{
			{Mirror, "https://a.test", "https://a.test", Comma},
			{Mirror, "https://b.test", "https://b.test", Pipe},
			{Off, "", "off", End},
		}},
		{"a trailing separator separates nothing", "https://a.test|", Chain{{Mirror, "https://a.test", "https://a.test", End}}},
		{"nothing follows direct, not even an entry that would be refused", "direct,Nonsense", Chain{{Direct, "", "direct", End}}},
		{"nothing follows off", "https://a.test,off|https://b.test", Chain{
			{Mirror, "https://a.test", "https://a.test", Comma},
			{Off, "", "off", End},
		}},
		{"trailing slashes go and the scheme is lowered", "HTTPS://A.test/x//", Chain{{Mirror, "https://A.test/x", "HTTPS://A.test/x//", End}}},
		{"the path is cleaned as path.Join does", "https://a.test/x/../y//z/.", Chain{{Mirror, "https://a.test/y/z", "https://a.test/x/../y//z/.", End}}},
		{"a host without scheme gets https", "a.test", Chain{{Mirror, "https://a.test", "a.test", End}}},
		{"a port or a path also makes a host of it", "localhost:8080|proxy/x", Chain{
			{Mirror, "https://localhost:8080", "localhost:8080", Pipe},
			{Mirror, "https://proxy/x", "proxy/x", End},
		}},
		{"credentials stay, in http URLs too", "https://u:p@a.test|http://u:p@b.test/|tok@c.test", Chain{
			{Mirror, "https://u:p@a.test", "https://u:p@a.test", Pipe},
			{Mirror, "http://u:p@b.test", "http://u:p@b.test/", Pipe},
			{Mirror, "https://tok@c.test", "tok@c.test", End},
		}},
		{"an escaped separator stays escaped", "https://u%2C:p%7C@a.test/%2C", Chain{{Mirror, "https://u%2C:p%7C@a.test/%2C", "https://u%2C:p%7C@a.test/%2C", End}}},
		{"the query stays and the fragment goes", "https://a.test/x/?k=v#f", Chain{{Mirror, "https://a.test/x?k=v", "https://a.test/x/?k=v#f", End}}},
		{"a directory is a mirror", "file:///srv/go/", Chain{{Mirror, "file:///srv/go", "file:///srv/go/", End}}},
		{"the root directory keeps its slash", "file://", Chain{{Mirror, "file:///", "file://", End}}},
		{"a URL without a host is accepted as it stands", "https:/a.test", Chain{{Mirror, "https:/a.test", "https:/a.test", End}}},
		{"a full-width comma is part of the host", "https://a.test，direct", Chain{{Mirror, "https://a.test%EF%BC%8Cdirect", "https://a.test，direct", End}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseProxy(test.list)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("ParseProxy(%q) (-want +got):\n%s", test.list, diff)
			}
		})
	}
}

func TestListsThatTheGoCommandRefusesAreErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, list string
		check, fix string
		message    string // part of Error()
	}{
		{"an empty value", "", "goproxy-empty", proxyExample, "contains no entries"},
		{"only separators and blanks", " ,|, ", "goproxy-empty", proxyExample, "contains no entries"},
		{"a keyword in upper case", "https://a.test,Direct", "goproxy-keyword", "https://a.test,direct", `found "Direct"`},
		{"a misspelt keyword", "https://a.test|dircet", "goproxy-keyword", "https://a.test|direct", "lower case"},
		{"OFF", "OFF", "goproxy-keyword", "off", "lower case"},
		{"none", "none", "goproxy-keyword", "off", "fails every download"},
		{"another word", "goproxy", "goproxy-keyword", proxyExample, "neither a URL nor one of the keywords"},
		{"a path", "/srv/go,direct", "goproxy-path", "file:///srv/go,direct", "a path"},
		{"a strange scheme", "ftp://a.test", "goproxy-scheme", proxyExample, "https, http and file"},
		{"a misspelt scheme", "htps://a.test/x,off", "goproxy-scheme", "https://a.test/x,off", "scheme"},
		{"direct joined with a URL", "direct+https://a.test/", "goproxy-list-separator", "https://a.test,direct", "separate entries"},
		{"a blank as separator", "https://a.test https://b.test", "goproxy-list-separator", "https://a.test,https://b.test", "separate entries"},
		{"quotes", `"https://a.test"|direct`, "goproxy-quotes", "https://a.test|direct", "quotes"},
		{"quotes around the list", `"https://a.test,direct"`, "goproxy-quotes", "https://a.test,direct", "quotes"},
		{"an unexpanded variable", "${MIRROR},direct", "goproxy-unexpanded", proxyExample, "variable"},
		{"a file URL with a host", "file://localhost/srv", "goproxy-file-url", "file:///srv", "file:///absolute/path"},
		{"a file URL with one slash", "file:/srv", "goproxy-file-url", "file:///srv", "file:///absolute/path"},
		{"a bad port", "https://a.test:http", "goproxy-url", proxyExample, "invalid port"},
		{"a password with @ and a slash", "https://u:p@q/r@a.test/x,direct", "goproxy-url", proxyExample, "percent-encode"},
		{"a password that begins with a slash", "https://u:/r@a.test/x,direct", "goproxy-url", proxyExample, "percent-encode"},
		{"a password with @ and a question mark", "https://u:p@q?r@a.test/x,direct", "goproxy-url", proxyExample, "percent-encode"},
		{"such a password without a scheme", "u:p@q/r@a.test/x", "goproxy-url", proxyExample, "percent-encode"},
		{"a bad entry behind a good one", "https://a.test,b", "goproxy-keyword", proxyExample, `found "b"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseProxy(test.list)
			var bad *SyntaxError
			if !errors.As(err, &bad) {
				t.Fatalf("ParseProxy(%q) gave %v, want a *SyntaxError", test.list, err)
			}
			if bad.Setting != "GOPROXY" || bad.Check != test.check || bad.Fix != test.fix {
				t.Errorf("ParseProxy(%q) gave %s %s, fix %q; want check %s, fix %q", test.list, bad.Setting, bad.Check, bad.Fix, test.check, test.fix)
			}
			if !strings.Contains(err.Error(), test.message) || !strings.Contains(err.Error(), test.fix) {
				t.Errorf("the message lacks %q or the correction: %s", test.message, err)
			}
		})
	}
}

func TestAChainKnowsItsMirrors(t *testing.T) {
	t.Parallel()
	chain, err := ParseProxy("https://u:hunter2@a.test|b.test/x,direct,c.test")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := chain.String(), "https://u:hunter2@a.test|https://b.test/x,direct"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	if got := chain.Redacted(); strings.Contains(got, "hunter2") || !strings.HasSuffix(got, "@a.test|https://b.test/x,direct") {
		t.Errorf("Redacted() = %q", got)
	}
	if got := len(chain.Mirrors()); got != 2 {
		t.Errorf("%d mirrors, want 2", got)
	}
	if !chain.hasDirect() {
		t.Error("hasDirect() = false")
	}
	off := Chain{{Kind: Mirror, URL: "https://a.test"}, {Kind: Off}}
	if off.hasDirect() || off.String() != "https://a.test,off" {
		t.Errorf("a chain put together by hand: hasDirect() = %v, String() = %q, want a comma and no direct", off.hasDirect(), off.String())
	}
	if (Chain)(nil).String() != "" || (Chain)(nil).hasDirect() || (Chain)(nil).Mirrors() != nil {
		t.Error("the empty chain is not empty")
	}
}

func FuzzParseProxy(f *testing.F) {
	for _, list := range append(randomLists(30), "https://a.test/x/?q=%2C#f|u:p%7C@b.test,direct", "file://", "https://|off", "direct+https://a.test", "A;B，c", "https:/", "``", `0.a""/`) {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		if corrected := correctProxy(list); corrected != "" {
			chain, err := ParseProxy(corrected)
			if err != nil {
				t.Fatalf("the correction %q of %q is refused: %v", corrected, list, err)
			}
			for _, entry := range chain {
				if m, ok := findMistake(entry.text()); ok {
					t.Fatalf("the correction %q of %q has the mistake %s", corrected, list, m.check)
				}
			}
		}
		for _, finding := range Check(quietEnv(map[string]string{"GOPROXY": list}), nil, nil) {
			wellFormed(t, finding)
		}
		chain, err := ParseProxy(list)
		if err != nil {
			var bad *SyntaxError
			if !errors.As(err, &bad) || bad.Problem == "" || bad.Fix == "" || bad.Check == "" {
				t.Fatalf("ParseProxy(%q): incomplete error %#v", list, err)
			}
			return
		}
		again, err := ParseProxy(chain.String())
		if err != nil {
			t.Fatalf("%q is read, but its rendering %q is not: %v", list, chain.String(), err)
		}
		if len(again) != len(chain) {
			t.Fatalf("%q has %d entries, its rendering %q has %d", list, len(chain), chain.String(), len(again))
		}
		for i, entry := range chain {
			if entry.Raw = again[i].Raw; entry != again[i] {
				t.Fatalf("%q: entry %d is %+v, rendered and read again %+v", list, i, entry, again[i])
			}
		}
	})
}
