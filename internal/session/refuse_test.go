package session_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

func TestWhatCannotBeMeantIsRefusedBeforeAnythingIsAsked(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 100)
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, b *fetchtest.Bench)
		proxy string
		want  []string
	}{
		{"a keyword in the wrong case", nil, "https://mirror.example.test,Direct", []string{"Direct", "direct"}},
		{"a list of separators", nil, ",|,", []string{"no entries"}},
		{"a password in an http URL", nil, "http://ann:s3cret@mirror.example.test", []string{"https://"}},
		{"a password in a URL that cuts it", nil, "https://ann:a@s3cret/b@mirror.example.test,direct", []string{"percent-encode"}},
		{"a password in the address of a forward proxy that cuts it", func(_ *testing.T, b *fetchtest.Bench) {
			b.Options.Getenv = func(name string) string {
				return map[string]string{"HTTPS_PROXY": "http://ann:a@s3cret/b@proxy.example.test:1"}[name]
			}
		}, "off", []string{"HTTPS_PROXY", "percent-encode"}},
		{"a GOSUMDB that is no database", func(_ *testing.T, b *fetchtest.Bench) { b.Env["GOSUMDB"] = "sum.example.test" }, "off", []string{"GOSUMDB", "sum.example.test"}},
		{"a CA file that is none", func(t *testing.T, b *fetchtest.Bench) {
			b.Values.CAFile = filepath.Join(t.TempDir(), "ca.pem")
			fetchtest.Write(t, b.Values.CAFile, "not a certificate")
		}, "off", []string{"--ca-file", "BEGIN CERTIFICATE"}},
		{"a CA file that is not there", func(t *testing.T, b *fetchtest.Bench) { b.Values.CAFile = filepath.Join(t.TempDir(), "none.pem") }, "off", []string{"--ca-file", "none.pem"}},
		{"no go.mod", func(t *testing.T, b *fetchtest.Bench) { fetchtest.Remove(t, filepath.Join(b.Dir, "go.mod")) }, "off", []string{"go.mod"}},
		{"no go.sum", func(t *testing.T, b *fetchtest.Bench) { fetchtest.Remove(t, filepath.Join(b.Dir, "go.sum")) }, "off", []string{"go.sum", "go mod tidy"}},
		{"a merge conflict in go.sum", func(t *testing.T, b *fetchtest.Bench) {
			fetchtest.Write(t, filepath.Join(b.Dir, "go.sum"), "<<<<<<< HEAD\n")
		}, "off", []string{"go.sum:1"}},
		{"a go.mod that does not parse", func(t *testing.T, b *fetchtest.Bench) {
			fetchtest.Write(t, filepath.Join(b.Dir, "go.mod"), "module example.test/main\n\nrequire example.test/m000\n")
		}, "off", []string{"go.mod:3"}},
		{"two hashes for one zip in a workspace", func(t *testing.T, b *fetchtest.Bench) {
			fetchtest.Write(t, filepath.Join(b.Dir, "go.work"), "go 1.24\n\nuse .\n")
			sum := f.All()[0].SumLines()
			fetchtest.Write(t, filepath.Join(b.Dir, "go.sum"), sum+strings.ReplaceAll(sum, f.All()[0].ZipSum, f.All()[1].ZipSum))
		}, "off", []string{"go.sum:3", "example.test/m000"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			if test.spoil != nil {
				test.spoil(t, b)
			}
			_, err := b.Open(test.proxy)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q shows a secret or has several lines", err)
			}
		})
	}
}

func TestAModuleCacheThatCannotBeUsedIsASettingsOutcome(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 100)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	inTheWay := filepath.Join(t.TempDir(), "file")
	fetchtest.Write(t, inTheWay, "")
	b.ModCache = filepath.Join(inTheWay, "mod")
	r := b.Run(s.URL)
	fetchtest.WantOutcome(t, r, report.Settings)
	if !strings.Contains(r.Message, b.ModCache) {
		t.Errorf("message %q does not name %s", r.Message, b.ModCache)
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests were made all the same", n)
	}
}
