package e2e

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// azurite is Azure's blob storage, as Microsoft's own program for tests plays
// it: real blocks, ranges, entity tags and signatures.
type azurite struct {
	*process
	url *url.URL
	key []byte // of the account
}

// blobAccount is the storage account; its key differs with every start.
const blobAccount = "modferry"

// npm is the folder where .ci/run has installed the packages of npm/, or "".
func npm() string { return os.Getenv("MODFERRY_E2E_NPM") }

// needNPM skips the test, or fails it under CI, without the packages of npm/.
func needNPM(t *testing.T) {
	t.Helper()
	_, err := os.Stat(filepath.Join(npm(), "node_modules", "azurite"))
	need(t, npm() != "" && err == nil, "MODFERRY_E2E_NPM names no folder in which npm ci was run with internal/e2e/npm/package-lock.json")
	_, err = exec.LookPath("node")
	need(t, err == nil, "node is not on the search path")
}

// sharedAzurite serves all tests that leave it alone.
var sharedAzurite = sync.OnceValues(newAzurite(atEnd))

// newAzurite returns what starts one; later is told what ends it.
func newAzurite(later func(func())) func() (*azurite, error) {
	return func() (*azurite, error) {
		dir, err := os.MkdirTemp("", "modferry-azurite-")
		if err != nil {
			return nil, err
		}
		later(func() { os.RemoveAll(dir) })
		a, err := launchAzurite(dir)
		if err == nil {
			later(a.kill)
		}
		return a, err
	}
}

// launchAzurite starts one that keeps its blobs in memory; dir is for its HOME.
func launchAzurite(dir string) (*azurite, error) {
	key := make([]byte, 64)
	rand.Read(key)
	cmd := exec.Command("node", filepath.Join(npm(), "node_modules", "azurite", "dist", "src", "blob", "main.js"),
		"--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--silent",
		"--disableProductStyleUrl", "--disableTelemetry", "--skipApiVersionCheck")
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir,
		"AZURITE_ACCOUNTS=" + blobAccount + ":" + base64.StdEncoding.EncodeToString(key),
	}
	p, at, err := launch(cmd, `successfully listens on (http://127\.0\.0\.1:\d+)`)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(at)
	return &azurite{p, u, key}, err
}

// newContainer makes a container in which only one test works.
func (a *azurite) newContainer() (string, error) {
	name := "test-" + strings.ToLower(rand.Text())
	now := time.Now()
	query := url.Values{
		"sv": {blobVersion}, "ss": {"b"}, "srt": {"c"}, "sp": {"c"},
		"se": {now.Add(time.Hour).UTC().Format(time.RFC3339)},
	}
	query.Set("sig", a.sign(blobAccount, query.Get("sp"), "b", "c", "", query.Get("se"), "", "", blobVersion, "", ""))
	query.Set("restype", "container")
	req, err := http.NewRequest("PUT", a.url.String()+"/"+blobAccount+"/"+name+"?"+query.Encode(), nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("azurite: create container: %s, expected 201", resp.Status)
	}
	return name, nil
}

// blobVersion is the version of Azure's interface that signatures speak of.
const blobVersion = "2021-12-02"

// signedPath is the path and query with which somebody may do what permissions
// say ("r" read, "cw" create and write) with one blob, until a time.
func (a *azurite) signedPath(container, blob, permissions string, until time.Time) string {
	expiry := until.UTC().Format(time.RFC3339)
	sig := a.sign(permissions, "", expiry, "/blob/"+blobAccount+"/"+container+"/"+blob,
		"", "", "", blobVersion, "b", "", "", "", "", "", "", "")
	query := url.Values{"sv": {blobVersion}, "sr": {"b"}, "sp": {permissions}, "se": {expiry}, "sig": {sig}}
	return "/" + blobAccount + "/" + container + "/" + blob + "?" + query.Encode()
}

// sign is the signature of the fields that Azure's documentation of shared
// access signatures lists.
func (a *azurite) sign(fields ...string) string {
	mac := hmac.New(sha256.New, a.key)
	mac.Write([]byte(strings.Join(fields, "\n")))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
