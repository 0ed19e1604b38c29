package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// officialClients are the versions of GitHub's own cache client.
var officialClients = []string{"cache-4", "cache-6"}

// official is GitHub's own cache client in one job.
type official struct {
	client    string
	workspace string // the paths of archives are relative to it
	service   *counterpart
}

func newOfficial(t *testing.T, client string, service *counterpart) *official {
	t.Helper()
	needNPM(t)
	for _, name := range []string{"tar", "zstd"} {
		_, err := exec.LookPath(name)
		need(t, err == nil, name+" is not on the search path")
	}
	return &official{client, t.TempDir(), service}
}

// version is how the client versions an archive of paths.
func (o *official) version(paths ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(append(paths, "zstd-without-long", "1.0"), "|")))
	return hex.EncodeToString(sum[:])
}

// save stores paths and returns the id of the entry, -1 when it could not.
func (o *official) save(t *testing.T, key string, paths ...string) int {
	t.Helper()
	outcome := struct{ ID int }{}
	o.run(t, &outcome, map[string]any{"do": "save", "paths": paths, "key": key})
	return outcome.ID
}

// restore brings paths back and returns the key that was found, "" when none
// was. With do "lookup" it only looks.
func (o *official) restore(t *testing.T, do, key string, restoreKeys []string, paths ...string) string {
	t.Helper()
	outcome := struct{ Key string }{}
	o.run(t, &outcome, map[string]any{"do": do, "paths": paths, "key": key, "restoreKeys": restoreKeys})
	return outcome.Key
}

func (o *official) run(t *testing.T, outcome any, want map[string]any) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "outcome.json")
	want["client"], want["outcome"] = o.client, file
	arg, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", filepath.Join("npm", "client.mjs"), npm(), string(arg))
	cmd.Env = append(o.service.environ(), "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir(),
		"GITHUB_WORKSPACE="+o.workspace, "RUNNER_TEMP="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("official client %s, %s: %v\n%s", o.client, want["do"], err, tail(out))
	}
	// What it could not do it says as a warning.
	if bytes.Contains(out, []byte("::warning")) || bytes.Contains(out, []byte("::error")) {
		t.Errorf("official client %s, %s:\n%s", o.client, want["do"], tail(out))
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, outcome); err != nil {
		t.Fatal(err)
	}
}
