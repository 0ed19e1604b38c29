package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// reader is where somebody types who reads the documents: a checkout, with Go, modferry and
// the usual programs, and nothing of this machine's settings.
type reader struct {
	t   *testing.T
	dir string
	env []string // beyond those of a login
}

// newReader is one in a directory.
func newReader(t *testing.T, dir string, env ...string) *reader {
	t.Helper()
	home, bin := t.TempDir(), t.TempDir()
	noTelemetry(t, home)
	if err := os.Symlink(binary, filepath.Join(bin, "modferry")); err != nil {
		t.Fatal(err)
	}
	return &reader{t, dir, append([]string{
		"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + t.TempDir(), "GOTOOLCHAIN=local", "GOCACHE=" + goCache,
		"GOMODCACHE=" + filepath.Join(home, "go/pkg/mod"), "GOFLAGS=-modcacherw", "GOSUMDB=off", "MODFERRY_PROBE_TIMEOUT=1m", "LC_ALL=C.UTF-8",
	}, env...)}
}

// noTelemetry makes a directory the home of one who has no telemetry of the go command,
// whose process may outlive it and write where a test cleans up. No variable says that.
func noTelemetry(t *testing.T, home string) {
	t.Helper()
	dir := filepath.Join(home, ".config", "go", "telemetry")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "mode"), []byte("off"), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// fresh is the same reader on a machine that has downloaded nothing.
func (m *reader) fresh() *reader {
	m.t.Helper()
	return &reader{m.t, m.dir, append(slices.Clone(m.env), "GOMODCACHE="+filepath.Join(m.t.TempDir(), "mod"))}
}

// with is the same reader with more variables.
func (m *reader) with(env ...string) *reader {
	return &reader{m.t, m.dir, append(slices.Clone(m.env), env...)}
}

// bash runs a script that must succeed, and returns what it prints.
func (m *reader) bash(script string) string {
	m.t.Helper()
	out, err := m.try("bash", "-euo", "pipefail", "-c", script)
	if err != nil {
		m.t.Fatalf("%v\n%s\n%s", err, script, tail([]byte(out)))
	}
	return out
}

// offline is bash without a network.
func (m *reader) offline(script string) string {
	m.t.Helper()
	need(m.t, os.Geteuid() == 0, "root is needed to be without a network")
	out, err := m.try("unshare", "-n", "bash", "-euo", "pipefail", "-c", script)
	if err != nil {
		m.t.Fatalf("%v\n%s\n%s", err, script, tail([]byte(out)))
	}
	return out
}

// try runs a command.
func (m *reader) try(name string, args ...string) (string, error) {
	m.t.Helper()
	path, err := exec.LookPath(name)
	need(m.t, err == nil, name+" is not on the search path")
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = m.dir, m.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

// value is a variable of the reader.
func (m *reader) value(name string) string {
	for _, v := range slices.Backward(m.env) {
		if text, ok := strings.CutPrefix(v, name+"="); ok {
			return text
		}
	}
	return ""
}

// has reports whether a file with such a name is in the module cache.
func (m *reader) has(pattern string) bool {
	m.t.Helper()
	found, err := filepath.Glob(filepath.Join(m.value("GOMODCACHE"), filepath.FromSlash(pattern)))
	if err != nil {
		m.t.Fatal(err)
	}
	return len(found) > 0
}
