//go:build linux

package runner

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The few things that all tests share; set once by TestMain.
var (
	binary  string // the built modferry, static
	goRoot  string // of this machine's Go
	goCache string // the build cache of the runner's user, which all jobs share
)

// repository is the root of the checkout that these tests are in.
var repository = filepath.Join("..", "..", "..")

func TestMain(m *testing.M) {
	if spec := os.Getenv(boxVariable); spec != "" {
		fmt.Fprintln(os.Stderr, "enter the sandbox:", enterBox(spec)) // returns with an error only
		os.Exit(125)
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "runner:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	work, err := os.MkdirTemp("", "modferry-runner-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	defer images.remove()
	if err := os.Chmod(work, 0o755); err != nil { // the runner's user comes in, too
		return 0, err
	}

	binary = filepath.Join(work, "modferry")
	build := exec.Command("go", "build", "-o", binary, "./cmd/modferry")
	build.Dir = repository
	build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOFLAGS=-mod=readonly -buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build modferry: %w\n%s", err, out)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return 0, fmt.Errorf("go env GOROOT: %w", err)
	}
	goRoot = strings.TrimSpace(string(root))

	goCache = filepath.Join(work, "go-build")
	if err := os.Mkdir(goCache, 0o755); err != nil {
		return 0, err
	}
	if os.Geteuid() == 0 {
		if err := chown(goCache); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}

// The runner's user and group. They differ, so that one in place of the other is
// noticed.
const (
	runnerUID = 1001
	runnerGID = 127
)

// chown gives a tree to the runner's user.
func chown(dir string) error {
	return filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, runnerUID, runnerGID)
	})
}

// newDir is a new directory that every user may enter, unlike t.TempDir.
func newDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "modferry-job-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// need skips a test that cannot run here, or fails it under CI, where nobody
// would notice.
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

// needRoot is what every job needs.
func needRoot(t *testing.T) {
	t.Helper()
	need(t, os.Geteuid() == 0, "root is needed to mount a job's directories and to be the runner's user")
}

// tail is the end of a text, enough to see why something failed.
func tail(text string) string {
	const most = 6000
	if len(text) <= most {
		return text
	}
	return "…\n" + text[len(text)-most:]
}
