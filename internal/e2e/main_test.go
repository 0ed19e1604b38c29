package e2e

import (
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The few things that all tests share; set once by TestMain.
var (
	binary  string    // the built modferry
	goCache string    // this machine's own build cache
	record  *recorder // of this machine's own module mirror
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	log.SetOutput(io.Discard) // where act's cache server complains of itself
	work, err := os.MkdirTemp("", "modferry-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	defer end()

	binary = filepath.Join(work, "modferry")
	build := exec.Command("go", "build", "-o", binary, "./cmd/modferry")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly -buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build modferry: %w\n%s", err, out)
	}

	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		return 0, fmt.Errorf("go env GOCACHE: %w", err)
	}
	goCache = strings.TrimSpace(string(cache))

	kept := os.Getenv("MODFERRY_E2E_DIR")
	if kept == "" {
		kept = filepath.Join(work, "recorded")
	}
	if record, err = newRecorder(kept); err != nil {
		return 0, err
	}
	code := m.Run()
	if twice := record.twice(); len(twice) > 0 {
		return 0, fmt.Errorf("the machine's own mirror was asked more than once for %d files, such as %s", len(twice), twice[0])
	}
	return code, nil
}

// need skips a test whose counterpart is not there, or fails it under CI, where
// a counterpart that goes missing would go unnoticed.
func need(t *testing.T, ok bool, reason string) {
	t.Helper()
	switch {
	case ok:
	case os.Getenv("CI") == "true":
		t.Fatalf("needed under CI: %s", reason)
	default:
		t.Skip(reason)
	}
}

// everything reports whether the long tests are wanted.
func everything() bool { return os.Getenv("MODFERRY_E2E_ALL") == "1" }
