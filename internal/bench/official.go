package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// officialSource is where the official client's script and its lockfile are,
// seen from the directory of this program.
const officialSource = "official"

// An officialClient is @actions/cache, what actions/setup-go saves and restores
// a module cache with.
type officialClient struct {
	dir     string // where npm installed it
	script  string
	version string
}

// findOfficial returns the client installed in dir, which must be the one that
// source asks for.
func findOfficial(dir, source string) (*officialClient, error) {
	if dir == "" {
		return nil, errors.New("found no -official, expected where npm installed the official client; " + installOfficial("DIR"))
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	c := &officialClient{dir: dir}
	var wanted struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	var found struct {
		Version string `json:"version"`
	}
	for _, f := range []struct {
		name    string
		content any
		missing string
	}{
		{filepath.Join(source, "package.json"), &wanted, runFromHere},
		{filepath.Join(dir, "node_modules", "@actions", "cache", "package.json"), &found, installOfficial(dir)},
	} {
		data, err := os.ReadFile(f.name)
		if err == nil {
			err = json.Unmarshal(data, f.content)
		}
		if err != nil {
			return nil, fmt.Errorf("find the official client: %w; %s", err, f.missing)
		}
	}
	c.version = found.Version
	if want := wanted.Dependencies["@actions/cache"]; c.version != want {
		return nil, fmt.Errorf("find the official client: found version %s in %s, expected %s; %s", c.version, dir, want, installOfficial(dir))
	}
	if c.script, err = filepath.Abs(filepath.Join(source, "cache.mjs")); err != nil {
		return nil, err
	}
	// Without zstd it compresses with gzip, which takes many times longer: no
	// fair comparison, and not what a hosted runner has.
	for _, program := range []string{"node", "tar", "zstd"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("find what the official client needs: %w; install %s", err, program)
		}
	}
	return c, nil
}

// installOfficial says how to install the client in dir.
func installOfficial(dir string) string {
	return fmt.Sprintf("install it: mkdir -p %[1]s && cp %[2]s/package*.json %[1]s && npm ci --ignore-scripts --prefix %[1]s", dir, officialSource)
}

// step is the client at work on paths, where "~/" is the directory of the run.
// The paths are part of what an entry is found by, and so the same in every run.
// Restore keys follow the key after commas.
func (c *officialClient) step(what, key string, paths ...string) step {
	return step{
		args: append([]string{"node", c.script, c.dir, what, key}, paths...),
		env: []string{
			"HOME={tmp}",
			"RUNNER_TEMP={tmp}/runner",
			"GITHUB_WORKSPACE={tmp}", // names in the archive are relative to it
			"GITHUB_SERVER_URL=https://github.com",
		},
		timesItself: true,
	}
}
