package mirror_test

import (
	"io"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestWhatASmallFileIsCheckedFor(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 0)
	a := f.All()[0]
	v := module.Version{Path: "example.test/a", Version: "v1.0.0"}
	const page = "an HTML page instead of the file: a login page, a captive portal or a wrong URL"
	// served is the response to a request for a file of that content.
	served := func(data, contentType string) *mirror.Response {
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
		s.Fault(mirrortest.Always("*", mirrortest.Body(contentType, []byte(data))))
		m, err := mirror.NewClient(mirror.Options{}).Open(s.URL, mirror.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := m.Get(t.Context(), mirror.Request{Path: path(t, v, "mod"), Max: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Close() })
		return resp
	}
	checkMod := func(data, contentType string) *failure.Error {
		return mirror.ReadMod(io.Discard, served(data, contentType), a.ModSum, "shown")
	}
	checkInfo := func(data, contentType string) *failure.Error {
		_, err := mirror.ReadInfo(served(data, contentType), v, "shown")
		return err
	}
	for _, test := range []struct {
		name   string
		got    *failure.Error
		class  failure.Class
		detail string // "" for any
	}{
		{"the go.mod", checkMod(string(a.Mod), "text/plain"), "", ""},
		{"the go.mod, whatever it is called", checkMod(string(a.Mod), "text/html"), "", ""},
		{"another go.mod", checkMod("module example.test/b\n", "text/plain"), failure.HashMismatch, ""},
		{"no byte of a go.mod", checkMod("", "text/plain"), failure.HashMismatch, ""},
		{"a page for a go.mod", checkMod("<!doctype html><p>Sign in", "text/plain"), failure.WrongContent, page},
		{"what says that it is a page for a go.mod", checkMod("Sign in", "text/html; charset=utf-8"), failure.WrongContent, page},
		{"the .info", checkInfo(`{"Version":"v1.0.0"}`, "application/json"), "", ""},
		{"the .info, whatever it is called", checkInfo(`{"Version":"v1.0.0"}`, "text/html"), "", ""},
		{"an .info of another version", checkInfo(`{"Version":"v1.0.1"}`, "application/json"), failure.WrongContent, `the .info names version "v1.0.1" instead of v1.0.0`},
		{"an .info of another version, called a page", checkInfo(`{"Version":"v1.0.1"}`, "text/html"), failure.WrongContent, `the .info names version "v1.0.1" instead of v1.0.0`},
		{"an .info of no version", checkInfo(`{}`, "application/json"), failure.WrongContent, `the .info names version "" instead of v1.0.0`},
		{"no JSON", checkInfo("v1.0.0", "application/json"), failure.WrongContent, "the .info is not JSON"},
		{"a page for an .info", checkInfo("<html>", "application/json"), failure.WrongContent, page},
		{"what says that it is a page for an .info", checkInfo("Sign in", "text/html"), failure.WrongContent, page},
		{"a version with a password and a command", checkInfo(`{"Version":"https://ann:s3cret@h.example.test ##[group]"}`, "application/json"), failure.WrongContent,
			`the .info names version "https://ann:xxxxx@h.example.test # #[group]" instead of v1.0.0`},
	} {
		if test.class == "" {
			if test.got != nil {
				t.Errorf("%s: %v", test.name, test.got)
			}
			continue
		}
		if test.got == nil || test.got.Class != test.class || (test.detail != "" && test.got.Detail != test.detail) {
			t.Errorf("%s: %+v\nwant class %s, detail %q", test.name, test.got, test.class, test.detail)
		}
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
