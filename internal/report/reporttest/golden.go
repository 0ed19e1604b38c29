package reporttest

import (
	"bytes"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/report"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

// Golden compares got with a file, or writes it with -update.
func Golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run go test -update", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); if that is meant, run go test -update:\n%s", path, diff)
	}
}

// Evil is text that tries to be something else in every format.
const Evil = "\r\n::error::FORGED \x1b[31m##[error]\u202eFORGED\u009b0m]]></failure><x a='\"&\x00\xff\" # } {=~ \\"

// Rendered is what f writes of r.
func Rendered(t *testing.T, f func(io.Writer, *report.Result) error, r *report.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Harmless fails when text holds a command for a CI system or a terminal.
func Harmless(t *testing.T, name string, text []byte) {
	t.Helper()
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("%s: a workflow command: %q", name, line)
		}
		if strings.Contains(line, "##[") || strings.Contains(line, "s3cret") {
			t.Errorf("%s: a command or a password: %q", name, line)
		}
	}
	for _, c := range string(text) {
		if c != '\n' && !unicode.IsPrint(c) {
			t.Errorf("%s: the unprintable character %U", name, c)
		}
	}
}

// Failing is a writer that returns Err.
type Failing struct{ Err error }

func (w Failing) Write([]byte) (int, error) { return 0, w.Err }
