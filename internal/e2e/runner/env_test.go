//go:build linux

package runner

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/goenv/assign"
	"github.com/modferry/modferry/internal/goenv/assign/assigntest"
)

// assignments is what "modferry env" writes in a format for some variables.
func assignments(t *testing.T, format string, vars []assign.Variable) string {
	t.Helper()
	for _, f := range assign.Formats() {
		if f.Name == format {
			text, err := f.Text(vars, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
	}
	t.Fatalf("no format %s", format)
	return ""
}

func TestTheRunnerGetsEveryValueAsItIs(t *testing.T) {
	t.Parallel()
	want := assigntest.All()
	got, err := parseFile(assignments(t, "github", want))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Errorf("the runner reads %d variables, want %d", len(got), len(want))
	}
	for i, v := range want {
		if i < len(got) && got[i] != (pair{v.Name, v.Value}) {
			t.Errorf("the runner reads %q, want %q", got[i], v)
		}
	}
}

// An image has, from the text in its Dockerfile, every variable; --build-arg
// says something else, and a stage built on another has what that one has.
func TestAnImageGetsEveryValueAsItIs(t *testing.T) {
	t.Parallel()
	images.engine(t)
	vars := append(assigntest.Lines(), assigntest.Dollars()...)
	text := assignments(t, "dockerfile", vars)
	dir := t.TempDir()
	for _, tt := range []struct {
		name, directive string
		args            []string
		chain           string
	}{
		{"plain", "", nil, ""},
		{"with a build argument", "", []string{"--build-arg", "CHAIN=https://other.example.test/$HOME"}, "https://other.example.test/$HOME"},
		{"with another escape character", "# escape=`\n", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := strings.ReplaceAll(tt.name, " ", "-")
			file := filepath.Join(dir, name)
			if err := os.WriteFile(file, []byte(tt.directive+"FROM scratch AS base\n"+text+"FROM base\nLABEL built=yes\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			tag := "localhost/env:" + name
			args := append([]string{"bud", "--isolation=chroot", "-q", "-t", tag, "-f", file}, tt.args...)
			if _, err := images.command("buildah", append(args, dir)...); err != nil {
				t.Fatal(err)
			}
			out, err := images.command("podman", "image", "inspect", "--format", "{{json .Config.Env}}", tag)
			if err != nil {
				t.Fatal(err)
			}
			var env []string
			if err := json.Unmarshal([]byte(out), &env); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, entry := range env {
				name, value, _ := strings.Cut(entry, "=")
				got[name] = value
			}
			for _, v := range vars {
				want := v.Value
				if v.Name == "CHAIN" && tt.chain != "" {
					want = tt.chain
				}
				if value, ok := got[v.Name]; !ok || value != want {
					t.Errorf("%s is %q, want %q", v.Name, value, want)
				}
			}
		})
	}
}
