package mirror_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestWhatASmallFileIsCheckedFor(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 0)
	a := f.All()[0]
	const page = "an HTML page instead of the file: a login page, a captive portal or a wrong URL"
	info := fmt.Sprintf("{%q:%q}", "Version", a.Version.Version)
	for _, test := range []struct {
		name        string
		file        string
		contentType string
		body        string
		class       failure.Class
		says        string
	}{
		{"the go.mod, whatever it is called", "*.mod", "text/html", string(a.Mod), "", ""},
		{"another go.mod", "*.mod", "text/plain", "module example.test/b\n", failure.HashMismatch, "expected " + a.ModSum},
		{"no byte of a go.mod", "*.mod", "text/plain", "", failure.HashMismatch, "expected " + a.ModSum},
		{"a page for a go.mod", "*.mod", "text/plain", "<!doctype html><p>Sign in", failure.WrongContent, page},
		{"what says that it is a page for a go.mod", "*.mod", "text/html; charset=utf-8", "Sign in", failure.WrongContent, page},
		{"the .info, whatever it is called", "*.info", "text/html", info, "", ""},
		{"an .info of another version", "*.info", "application/json", `{"Version":"v9.9.9"}`, failure.WrongContent, `the .info names version "v9.9.9" instead of`},
		{"an .info of another version, called a page", "*.info", "text/html", `{"Version":"v9.9.9"}`, failure.WrongContent, `the .info names version "v9.9.9" instead of`},
		{"an .info of no version", "*.info", "application/json", "{}", failure.WrongContent, `the .info names version "" instead of`},
		{"no JSON", "*.info", "application/json", "v1.0.0", failure.WrongContent, "the .info is not JSON"},
		{"a page for an .info", "*.info", "application/json", "<html>", failure.WrongContent, page},
		{"what says that it is a page for an .info", "*.info", "text/html", "Sign in", failure.WrongContent, page},
		{"a version with a password and a command", "*.info", "application/json", `{"Version":"https://ann:s3cret@h.example.test ##[group]"}`, failure.WrongContent,
			`the .info names version "https://ann:xxxxx@h.example.test # #[group]" instead of`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
				mirrortest.Always(test.file, mirrortest.Body(test.contentType, []byte(test.body)))}})
			m := open(t, s, mirror.Options{}, s.URL)
			v := m.Probe(t.Context(), []mirror.Sample{{Version: a.Version, ModHash: a.ModSum}}, "")
			if v.Class != test.class || !strings.Contains(v.Reason, test.says) {
				t.Errorf("verdict %q: %s\nwant %q: %s", v.Class, v.Reason, test.class, test.says)
			}
		})
	}
}

func TestAFileMirrorKeepsTheLimitOfSize(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 100)
	a := f.All()[0]
	m, err := mirror.NewClient(mirror.Options{}).Open(f.WriteProxy(t, t.TempDir()), mirror.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	size := int64(len(a.Zip))
	for max, want := range map[int64]failure.Class{0: "", size + 1: "", size: "", size - 1: failure.TooLarge} {
		var seen mirror.Seen
		data, _, err := read(m, mirror.Request{Path: path(t, a.Version, "zip"), Max: max, Seen: &seen})
		if got := failure.Classify(err); got != want {
			t.Errorf("limit %d of a file of %d bytes: class %q, want %q", max, size, got, want)
		}
		if err == nil && (len(data) != len(a.Zip) || seen.Proto != "file") {
			t.Errorf("limit %d: %d bytes over %q", max, len(data), seen.Proto)
		}
	}
}

func TestProbingAFileMirrorAsksForNoChecksumDatabase(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 0)
	m, err := mirror.NewClient(mirror.Options{}).Open(f.WriteProxy(t, t.TempDir()), mirror.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	v := m.Probe(t.Context(), []mirror.Sample{{Version: f.Versions()[0], ModHash: f.All()[0].ModSum}}, "sum.example.test")
	if v.Class != "" || v.Has != 2 || v.SumDB != nil {
		t.Errorf("verdict %+v; want the samples and nothing about a database", v)
	}
}
