package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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
	mark := regexp.MustCompile(`(?m)^\x1b\[0Ksection_(start|end):[0-9]+:modferry_fetch_[0-9a-z]+(\[collapsed=true\])?\r\x1b\[0K`)
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

// A run in the pipeline of a merge request writes a note with the token that it
// was given, and one that may not is a remark.
func TestFetchWritesANoteOnTheMergeRequest(t *testing.T) {
	t.Parallel()
	const token = "a-token-of-the-project-4711"
	f := mirrortest.Generate(t, 2, 1<<10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*.zip", mirrortest.Status(404))}})
	for _, test := range []struct {
		name   string
		status int
		remark string
	}{
		{"a token that may", http.StatusCreated, ""},
		{"a token that may not", http.StatusForbidden, "modferry: the merge request has no comment: the token in MODFERRY_GITLAB_TOKEN is not allowed to do that"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			body := make(chan string, 1)
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Header.Get("PRIVATE-TOKEN") != token || !strings.HasPrefix(r.URL.Path, "/api/v4/projects/42/merge_requests/5/notes"):
					w.WriteHeader(http.StatusNotFound)
				case r.Method == http.MethodPost:
					data, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					body <- string(data)
					w.WriteHeader(test.status)
					fmt.Fprint(w, `{"id": 1, "message": "said"}`)
				default:
					fmt.Fprint(w, "[]")
				}
			}))
			t.Cleanup(api.Close)
			b := newBench(t, f)
			b.more = []string{
				"GITLAB_CI=true", "CI_PROJECT_DIR=" + b.dir, "CI_JOB_URL=https://gitlab.example.test/a/b/-/jobs/1", "CI_API_V4_URL=" + api.URL + "/api/v4",
				"CI_MERGE_REQUEST_IID=5", "CI_MERGE_REQUEST_PROJECT_ID=42", "MODFERRY_GITLAB_TOKEN=" + token,
			}
			if code := b.run(t.Context(), "fetch", "-C", b.dir, "--proxy", s.URL, "--retries", "0", "--no-probe", "--verbose"); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			select {
			case text := <-body:
				if !strings.Contains(text, "modferry: incomplete") {
					t.Errorf("the note is %s", text)
				}
			default:
				t.Error("no note was written")
			}
			said := b.stdout.String() + b.stderr.String()
			if strings.Contains(said, token) || strings.Contains(said, "is unknown and has no effect") || !strings.Contains(said, test.remark) ||
				test.remark == "" && strings.Contains(said, "merge request") {
				t.Errorf("the log says\n%s", said)
			}
		})
	}
}
