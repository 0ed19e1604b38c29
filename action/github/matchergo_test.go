package github

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMatcherReadsTheGoCommandOnPath runs the go command against a mirror that
// is at fault in ways that the path of its URL names.
func TestMatcherReadsTheGoCommandOnPath(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command on PATH")
	}
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, file, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch {
		case fault == "404":
			http.Error(w, "not here", http.StatusNotFound)
		case fault == "503":
			http.Error(w, "out of\norder", http.StatusServiceUnavailable)
		case fault == "cut":
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "PK")
		default: // wrong bytes
			fmt.Fprintln(w, "wrong bytes of "+file)
		}
	}))
	t.Cleanup(mirror.Close)
	const (
		required = "module main.test\n\ngo 1.21\n\nrequire example.test/dep v1.0.0\n"
		none     = "module main.test\n\ngo 1.21\n"
		sums     = "example.test/dep v1.0.0 h1:Em9yuE4EiMI0Nc99vTieIsvYlR2mHj1XfQIplM/Qk+Y=\nexample.test/dep v1.0.0/go.mod h1:nh69NT5MRn+fI+Jf4OHgE8JAoIa28x6xmqkQwuuc3Gk=\n"
	)
	for name, test := range map[string]struct {
		fault, gomod, gosum string
		args                []string
		env                 string
		want                problem // Message is a part of it
	}{
		"build, 404":               {"404", required, sums, []string{"build", "."}, "", problem{"main.go", "3", "8", "404 Not Found"}},
		"vet, 503":                 {"503", required, sums, []string{"vet", "."}, "", problem{"main.go", "3", "8", "503 Service Unavailable"}},
		"list, cut":                {"cut", required, sums, []string{"list", "-deps", "-test", "."}, "", problem{"main.go", "3", "8", "unexpected EOF"}},
		"mod download, 503":        {"503", required, sums, []string{"mod", "download"}, "", problem{"", "", "", "503 Service Unavailable"}},
		"mod download, wrong hash": {"wrong", required, sums, []string{"mod", "download"}, "", problem{"go.sum", "", "", "verifying example.test/dep@v1.0.0/go.mod: checksum mismatch"}},
		"mod tidy, 503":            {"503", none, "", []string{"mod", "tidy"}, "", problem{"", "", "", "example.test/dep: module example.test/dep: "}},
		"build, nothing required":  {"404", none, "", []string{"build", "."}, "", problem{"main.go", "3", "8", "no required module provides package example.test/dep"}},
		"build, no go.sum":         {"404", required, "", []string{"build", "."}, "", problem{"main.go", "3", "8", "missing go.sum entry"}},
		"build, conflict":          {"404", required, sums + "<<<<<<< HEAD\n", []string{"build", "."}, "", problem{"go.sum", "3", "", "wrong number of fields 2"}},
		"build, toolchain":         {"404", strings.Replace(none, "1.21", "1.999.0", 1), "", []string{"build", "."}, "GOTOOLCHAIN=auto", problem{"", "", "", "toolchain not available"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, content := range map[string]string{
				"go.mod": test.gomod, "go.sum": test.gosum, "main.go": "package main\n\nimport _ \"example.test/dep\"\n\nfunc main() {}\n",
			} {
				if content == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(program, test.args...)
			cmd.Dir = dir
			// Without HOME there is no telemetry, whose process may write after the end.
			cmd.Env = []string{
				"PATH=" + os.Getenv("PATH"), "GOPATH=" + t.TempDir(), "GOMODCACHE=" + t.TempDir(), "GOCACHE=" + t.TempDir(), "GOENV=off",
				"GOTOOLCHAIN=local", "GOAUTH=off", "GOFLAGS=-modcacherw", "GOSUMDB=off", "GOPROXY=" + mirror.URL + "/" + test.fault, test.env,
			}
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("the go command succeeded:\n%s", out)
			}
			got := problems(t, string(out))
			if len(got) != 1 {
				t.Fatalf("%d problems in\n%s", len(got), out)
			}
			if !strings.Contains(got[0].Message, test.want.Message) {
				t.Errorf("message %q, want %q in it", got[0].Message, test.want.Message)
			}
			got[0].Message = test.want.Message
			if filepath.IsAbs(got[0].File) {
				got[0].File = filepath.Base(got[0].File)
			}
			if diff := cmp.Diff(test.want, got[0]); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, out)
			}
		})
	}
}
