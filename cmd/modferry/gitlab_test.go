package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// What a mirror says forges no marks of sections, and starts no new line, in the
// log of GitLab or in a report.
func TestAMirrorForgesNothingInAJobOfGitLab(t *testing.T) {
	t.Parallel()
	// The first line is what is shown of an answer.
	const evil = "pwned\r\x1b[0Ksection_start:1:pwned[collapsed=true]\r\x1b[0K https://me:hunter2-secret@h.example.test/ \u009b0K glpat-abcdefghij0123456789\n" +
		"\x1b[0Ksection_end:1:modferry_fetch\r\x1b[0K\n"
	f := mirrortest.Generate(t, 2, 1<<10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	s.Fault(mirrortest.Always("", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, evil)
	}))
	b := newBench(t, f)
	b.more = []string{"GITLAB_CI=true", "CI_PROJECT_DIR=" + b.dir, "CI_JOB_URL=https://gitlab.example.test/a/b/-/jobs/1"}
	if code := b.run(context.Background(), "fetch", "-C", b.dir, "--proxy", s.URL, "--retries", "0", "--verbose"); code != 1 {
		t.Fatalf("exit code %d, want 1\n%s", code, b.stderr.String())
	}
	mark := regexp.MustCompile(`(?m)^\x1b\[0Ksection_(start|end):[0-9]+:modferry_fetch_[0-9a-z]+\r\x1b\[0K`)
	if n := len(mark.FindAll(b.stdout.Bytes(), -1)); n != 2 {
		t.Errorf("%d marks, want 2", n)
	}
	shown := map[string][]byte{"standard output": mark.ReplaceAll(b.stdout.Bytes(), nil), "standard error": b.stderr.Bytes()}
	files, err := filepath.Glob(filepath.Join(b.dir, ".modferry", "reports", "*"))
	if err != nil || len(files) != 7 {
		t.Fatalf("the reports are %v, %v", files, err)
	}
	for _, name := range files {
		if shown[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	for where, text := range shown {
		if bytes.ContainsAny(text, "\x1b\r\u009b") || regexp.MustCompile(`(?m)^section_`).Match(text) {
			t.Errorf("%s has control characters or marks:\n%q", where, text)
		}
		if strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "glpat-abc") {
			t.Errorf("%s tells a secret:\n%s", where, text)
		}
	}
	if !bytes.Contains(shown["standard output"], []byte("pwned")) {
		t.Errorf("what the mirror said is not shown at all, so that the test shows nothing\n%s", shown["standard output"])
	}
}
