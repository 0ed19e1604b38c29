package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// unstage puts the local directories that kubernetes replaces modules with back
// into a checkout. They are modules of their own and missing in its module zip,
// but published with the same contents as v0.MINOR.PATCH. Their go.mod files get
// the versions of the source tree again, so that go.mod and go.sum stay as they
// are. The folder vendor goes: what it lists without contents would only hide
// the module cache from the go command.
func (c *checkout) unstage(ctx context.Context) error {
	file, err := modfile.Parse("go.mod", c.goMod, nil)
	if err != nil {
		return err
	}
	version := "v0" + strings.TrimPrefix(c.version, semver.Major(c.version))
	staged := make(map[string]string) // path → directory
	args := []string{"mod", "download", "-json"}
	for _, r := range file.Replace {
		if modfile.IsDirectoryPath(r.New.Path) {
			staged[r.Old.Path] = filepath.Join(c.dir, filepath.FromSlash(r.New.Path))
			args = append(args, r.Old.Path+"@"+version)
		}
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Dir(c.dir) // outside any module
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, runErr := cmd.Output()
	for list := json.NewDecoder(strings.NewReader(string(out))); list.More(); {
		var got struct{ Path, Dir, Error string }
		if err := list.Decode(&got); err != nil {
			return fmt.Errorf("download what %s replaces: %w", c, errors.Join(err, runErr))
		}
		if got.Error != "" {
			return fmt.Errorf("download what %s replaces: %s", c, got.Error)
		}
		dir := staged[got.Path]
		if err := os.CopyFS(dir, os.DirFS(got.Dir)); err != nil {
			return fmt.Errorf("copy %s: %w", got.Path, err)
		}
		if err := restage(filepath.Join(dir, "go.mod"), staged); err != nil {
			return err
		}
	}
	if runErr != nil {
		return fmt.Errorf("download what %s replaces: %w", c, runErr)
	}
	return removeAll(filepath.Join(c.dir, "vendor"))
}

// restage requires staged modules as v0.0.0, as the source tree does.
func restage(name string, staged map[string]string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	file, err := modfile.Parse(name, data, nil)
	if err != nil {
		return err
	}
	for _, r := range file.Require {
		if staged[r.Mod.Path] != "" {
			if err := file.AddRequire(r.Mod.Path, "v0.0.0"); err != nil {
				return err
			}
		}
	}
	if data, err = file.Format(); err != nil {
		return err
	}
	if err := os.Remove(name); err != nil { // read-only, as copied from a module cache
		return err
	}
	return os.WriteFile(name, data, 0o644)
}
