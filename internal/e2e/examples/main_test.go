package examples

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What the examples have in common: the image, and the port in its EXPOSE.
const (
	image = "ghcr.io/modferry/modferry:1"
	port  = "8642"
)

var (
	root   = filepath.Join("..", "..", "..")
	folder = filepath.Join(root, "docs", "examples")
	binary string // the built modferry; set once by TestMain
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "examples:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	work, err := os.MkdirTemp("", "modferry-examples-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	binary = filepath.Join(work, "modferry")
	build := exec.Command("go", "build", "-o", binary, "./cmd/modferry")
	build.Dir = root
	build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOFLAGS=-mod=readonly -buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build modferry: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// example is a file of the examples.
func example(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// all are the texts of the examples by name.
func all(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			texts[name] = string(example(t, name))
		}
		return err
	})
	if err != nil || len(texts) < 9 {
		t.Fatalf("found %d examples: %v", len(texts), err)
	}
	return texts
}

// serve starts "modferry serve" at a free port of this machine, with variables and no
// others, until the test ends. It returns the address once the server is ready.
func serve(t *testing.T, env map[string]string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "serve")
	cmd.Env = []string{"MODFERRY_LISTEN=127.0.0.1:0", "GOENV=off"}
	for name, value := range env {
		if name != "MODFERRY_LISTEN" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, ended := make(chan string, 1), make(chan string, 1)
	go func() {
		var log strings.Builder
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			log.WriteString(lines.Text() + "\n")
			if m := regexp.MustCompile(`ready.*?\b(127\.0\.0\.1:\d+)`).FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			}
		}
		ended <- log.String()
	}()
	t.Cleanup(func() { // the context is done by now
		log := <-ended
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 0 || strings.Contains(log, "is unknown") {
			t.Errorf("the server: %v\n%s", err, log)
		}
	})
	select {
	case a := <-address:
		return a
	case log := <-ended:
		ended <- log
		t.Fatalf("the server does not start:\n%s", log)
		return ""
	}
}

// get is the body of an answer, and its status.
func get(t *testing.T, url string) (string, int) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), resp.StatusCode
}
