package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// A project is a public module whose checkout is measured.
type project struct {
	module  string
	version string
	// manifest means that only its go.mod and go.sum are wanted: its module zip
	// lacks the local directories that its go.mod replaces modules with, so no
	// go command can work on it.
	manifest bool
	// staged means that those directories are brought from what is published of
	// them; see unstage.
	staged bool
}

// String returns the last element of the name and the version, as in tables.
func (p project) String() string {
	name, _, _ := module.SplitPathVersion(p.module) // without a last /v2
	return path.Base(name) + " " + p.version
}

// at returns what the go command calls the project.
func (p project) at() string { return p.module + "@" + p.version }

// parseProject reads MODULE@VERSION.
func parseProject(s string) (project, error) {
	module, version, ok := strings.Cut(s, "@")
	if !ok || module == "" || !strings.HasPrefix(version, "v") {
		return project{}, fmt.Errorf("found module %q, expected MODULE@VERSION with a version such as v1.2.3", s)
	}
	return project{module: module, version: version, staged: module == kubernetes.module}, nil
}

// A checkout is a writable copy of a project.
type checkout struct {
	project
	dir          string
	goMod, goSum []byte
	sum          sums
}

// sums counts and names what a go.sum lists.
type sums struct {
	zips, mods []string // path@version
}

func (s sums) lines() int { return len(s.zips) + len(s.mods) }

// parseSums reads a go.sum.
func parseSums(data []byte) (sums, error) {
	var s sums
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return sums{}, fmt.Errorf("go.sum:%d: found %d fields, expected path, version, hash", i+1, len(fields))
		}
		if version, mod := strings.CutSuffix(fields[1], "/go.mod"); mod {
			s.mods = append(s.mods, fields[0]+"@"+version)
		} else {
			s.zips = append(s.zips, fields[0]+"@"+version)
		}
	}
	return s, nil
}

// fetchSource copies the project into dir. The source comes through the go
// command's own settings on this machine.
func (p project) fetchSource(ctx context.Context, dir string) (*checkout, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", p.at())
	cmd.Dir = dir // outside any module
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := cmd.Output()
	var got struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &got); err != nil || jsonErr != nil {
		return nil, fmt.Errorf("download %s: %w: %s", p, errors.Join(err, jsonErr), got.Error)
	}
	c := &checkout{project: p, dir: filepath.Join(dir, strings.ReplaceAll(p.at(), "/", "_"))}
	for _, f := range []struct {
		name string
		data *[]byte
	}{{"go.mod", &c.goMod}, {"go.sum", &c.goSum}} {
		if *f.data, err = os.ReadFile(filepath.Join(got.Dir, f.name)); err != nil {
			return nil, fmt.Errorf("read %s of %s: %w", f.name, p, err)
		}
	}
	if c.sum, err = parseSums(c.goSum); err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	if err := os.RemoveAll(c.dir); err != nil {
		return nil, err
	}
	if p.manifest {
		err = os.MkdirAll(c.dir, 0o755)
	} else {
		err = os.CopyFS(c.dir, os.DirFS(got.Dir))
	}
	if err != nil {
		return nil, fmt.Errorf("copy %s: %w", p, err)
	}
	if p.staged {
		if err := c.unstage(ctx); err != nil {
			return nil, err
		}
	}
	return c, c.reset()
}

// reset puts go.mod and go.sum back: some go commands add lines.
func (c *checkout) reset() error {
	for name, data := range map[string][]byte{"go.mod": c.goMod, "go.sum": c.goSum} {
		file := filepath.Join(c.dir, name)
		if err := os.RemoveAll(file); err != nil { // copies of a module cache are read-only
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// fill brings every file that the checkout's go.sum names into the module cache
// modcache, through the go command's own settings on this machine. What is there
// already is not fetched again.
func (c *checkout) fill(ctx context.Context, modcache, tmp string) error {
	scratch, err := os.MkdirTemp(tmp, "fill-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	// A module of its own that knows the same hashes: neither the project's
	// graph nor the checksum database is asked for anything.
	for name, data := range map[string][]byte{"go.mod": []byte("module example.test/fill\n"), "go.sum": c.goSum} {
		if err := os.WriteFile(filepath.Join(scratch, name), data, 0o644); err != nil {
			return err
		}
	}
	missing := func(list []string, ext string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(at string) bool {
			place, err := downloadPath(at)
			if err != nil {
				return false // the go command says what is wrong with it
			}
			_, err = os.Stat(filepath.Join(modcache, "cache", "download", place+ext))
			return err == nil
		})
	}
	for _, step := range []struct {
		args []string
		list []string
	}{
		{[]string{"mod", "download"}, missing(c.sum.zips, ".zip")},
		{[]string{"list", "-m", "-f", "{{.GoMod}}"}, missing(c.sum.mods, ".mod")},
	} {
		for part := range slices.Chunk(step.list, 200) {
			cmd := exec.CommandContext(ctx, "go", append(step.args, part...)...)
			cmd.Dir = scratch
			// Not limited by the processors: what counts here is the wait.
			cmd.Env = append(os.Environ(), "GOMODCACHE="+modcache, "GOWORK=off", "GOFLAGS=-mod=mod -modcacherw", "GOMAXPROCS=16")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("fill the mirror: go %s …: %w: %s", strings.Join(step.args, " "), err, lastLines(stderr.String(), 5))
			}
		}
	}
	return nil
}

// downloadPath is the place of path@version below cache/download, without
// extension.
func downloadPath(at string) (string, error) {
	modulePath, version, _ := strings.Cut(at, "@")
	escapedPath, err := module.EscapePath(modulePath)
	if err != nil {
		return "", err
	}
	escapedVersion, err := module.EscapeVersion(version)
	if err != nil {
		return "", err
	}
	return escapedPath + "/@v/" + escapedVersion, nil
}

// lastLines returns the last n lines of s.
func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
