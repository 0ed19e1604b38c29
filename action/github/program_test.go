package github

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestLaterStepsHaveTheProgramOnPath(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("runs a shell script; container actions run on Linux")
	}
	f := mirrortest.Generate(t, 1, 100)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	r := newRunner(t, f, map[string]string{"proxy": mirror.URL, "cache": "off"})
	r.env["GITHUB_PATH"] = filepath.Join(r.dir("work/_temp/_runner_file_commands"), "path")
	if err := os.WriteFile(r.env["GITHUB_PATH"], []byte("/before\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := r.process()
	p.Program = filepath.Join(r.root, "program")
	if err := os.WriteFile(p.Program, []byte("#!/bin/sh\necho is here\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code := Main(t.Context(), p); code != 0 {
		t.Fatalf("exit code %d\n%s", code, r.log.String())
	}
	lines := strings.Split(strings.TrimSpace(r.file("PATH")), "\n")
	if len(lines) != 2 || lines[0] != "/before" {
		t.Fatalf("GITHUB_PATH is %q", lines)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(lines[1], "modferry")).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "is here" {
		t.Errorf("%s, %v", out, err)
	}
}
