package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modferry/modferry/docs/docstest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// What the program says in a document is what it says.
func TestExamplesOfOutput(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10)
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})

	b := newBench(t, f)
	args, want, _ := strings.Cut(strings.TrimPrefix(docstest.Text(t, "README.md#try-it console"), "$ modferry "), "\n")
	// Settings take the place of variables that are less of this example.
	b.more = []string{"GOPROXY=" + s.URL, "GOPRIVATE=.corp.example.com", "MODFERRY_SUMDB=" + db.Key}
	b.run(t.Context(), append(strings.Fields(args), "-C", b.dir)...)
	begin, ok := strings.CutSuffix(want, "…\n")
	took := regexp.MustCompile(`\([0-9.]+ m?s\)`)
	if got := b.stdout.String(); !ok || !strings.HasPrefix(took.ReplaceAllString(got, ""), took.ReplaceAllString(begin, "")) {
		t.Errorf("modferry %s prints\n%s\nthe document says\n%s", args, got, want)
	}

	b = newBench(t, f)
	want = docstest.Text(t, "docs/settings.md#the-configuration-file text")
	if err := os.WriteFile(filepath.Join(b.dir, ".modferry.yaml"), []byte("retrys: …\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.run(t.Context(), "fetch", "-C", b.dir)
	if got := b.stderr.String(); got != want {
		t.Errorf("it prints\n%s\nthe document says\n%s", got, want)
	}
}
