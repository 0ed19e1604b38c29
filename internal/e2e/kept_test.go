package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nektos/act/pkg/artifactcache"
	"github.com/timshannon/bolthold"
)

// kept is what a store keeps, behind the back of its clients. Nobody uses
// the store at the same time.
type kept interface {
	// sizes are the sizes in bytes of all entries that are whole, by name.
	sizes(t *testing.T) map[string]int64
	// read returns what is kept under a name.
	read(t *testing.T, name string) []byte
	// write replaces what is kept under a name; nil removes it.
	write(t *testing.T, name string, data []byte)
}

// total is the size of all entries in bytes.
func total(sizes map[string]int64) int64 {
	var n int64
	for _, size := range sizes {
		n += size
	}
	return n
}

// ageing is what can make all its entries two seconds older: servers that tell
// the time in seconds cannot tell the newer of two entries of the same second.
type ageing interface{ age(t *testing.T) }

// keptFiles are entries that are files.
type keptFiles interface {
	files(t *testing.T) map[string]string // file by name of the entry
}

func fileSizes(t *testing.T, k keptFiles) map[string]int64 {
	t.Helper()
	sizes := map[string]int64{}
	for name, file := range k.files(t) {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		sizes[name] = info.Size()
	}
	return sizes
}

func readKept(t *testing.T, k keptFiles, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(k.files(t)[name])
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return data
}

// writeKept replaces the content of the file, which stays the same file.
func writeKept(t *testing.T, k keptFiles, name string, data []byte) {
	t.Helper()
	file, ok := k.files(t)[name]
	if !ok {
		t.Fatalf("nothing is kept under the name %s", name)
	}
	var err error
	if data == nil {
		err = os.Remove(file)
	} else {
		err = os.WriteFile(file, data, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// keptObjects are the entries of a bucket: each is the file of its name.
type keptObjects string

func (k keptObjects) files(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, file := range glob(t, string(k), "*") {
		files[filepath.Base(file)] = file
	}
	return files
}

func (k keptObjects) sizes(t *testing.T) map[string]int64          { return fileSizes(t, k) }
func (k keptObjects) read(t *testing.T, name string) []byte        { return readKept(t, k, name) }
func (k keptObjects) write(t *testing.T, name string, data []byte) { writeKept(t, k, name, data) }

func (k keptObjects) age(t *testing.T) {
	t.Helper()
	for _, file := range k.files(t) {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		when := info.ModTime().Add(-2 * time.Second)
		if err := os.Chtimes(file, when, when); err != nil {
			t.Fatal(err)
		}
	}
}

// keptDir are the entries of a directory as a store; its package comment tells
// the layout.
type keptDir string

func (k keptDir) files(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, entry := range glob(t, string(k), "v1/*.entry") {
		files[strings.TrimSuffix(filepath.Base(entry), ".entry")] = filepath.Join(entry, "data")
	}
	return files
}

func (k keptDir) sizes(t *testing.T) map[string]int64   { return fileSizes(t, k) }
func (k keptDir) read(t *testing.T, name string) []byte { return readKept(t, k, name) }

func (k keptDir) write(t *testing.T, name string, data []byte) {
	t.Helper()
	writeKept(t, k, name, data)
	about := filepath.Join(filepath.Dir(k.files(t)[name]), "about.json")
	if data == nil {
		if err := os.RemoveAll(filepath.Dir(about)); err != nil {
			t.Fatal(err)
		}
		return
	}
	// Another size would be taken for an accident.
	old, err := os.ReadFile(about)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(old, &fields); err != nil {
		t.Fatal(err)
	}
	fields["size"] = len(data)
	if data, err = json.Marshal(fields); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(about, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// keptByAct are the entries of act's cache server.
type keptByAct string

// open opens its database, which it does itself for every request.
func (k keptByAct) open(t *testing.T) *bolthold.Store {
	t.Helper()
	db, err := bolthold.Open(filepath.Join(string(k), "bolt.db"), 0o644, &bolthold.Options{Encoder: json.Marshal, Decoder: json.Unmarshal})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func (k keptByAct) entries(t *testing.T, db *bolthold.Store) []artifactcache.Cache {
	t.Helper()
	var all []artifactcache.Cache
	if err := db.Find(&all, bolthold.Where("Complete").Eq(true)); err != nil {
		t.Fatal(err)
	}
	return all
}

func (k keptByAct) files(t *testing.T) map[string]string {
	t.Helper()
	db := k.open(t)
	defer db.Close()
	files := map[string]string{}
	for _, e := range k.entries(t, db) {
		files[e.Key] = filepath.Join(string(k), "cache", fmt.Sprintf("%02x", e.ID%0xff), fmt.Sprint(e.ID))
	}
	return files
}

func (k keptByAct) sizes(t *testing.T) map[string]int64          { return fileSizes(t, k) }
func (k keptByAct) read(t *testing.T, name string) []byte        { return readKept(t, k, name) }
func (k keptByAct) write(t *testing.T, name string, data []byte) { writeKept(t, k, name, data) }

func (k keptByAct) age(t *testing.T) {
	t.Helper()
	db := k.open(t)
	defer db.Close()
	for _, e := range k.entries(t, db) {
		e.CreatedAt -= 2
		if err := db.Update(e.ID, &e); err != nil {
			t.Fatal(err)
		}
	}
}

// keptInAzurite are the entries of the cache service v2.
type keptInAzurite struct{ *twirp }

func (k keptInAzurite) sizes(*testing.T) map[string]int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	sizes := map[string]int64{}
	for _, e := range k.entries {
		if e.finished > 0 {
			sizes[e.key] = e.size
		}
	}
	return sizes
}

// do sends a request about the blob of an entry.
func (k keptInAzurite) do(t *testing.T, method, name, permissions string, body []byte) []byte {
	t.Helper()
	k.mu.Lock()
	var blob string
	for _, e := range k.entries {
		if e.key == name && e.finished > 0 {
			blob = e.blob(k.twirp)
		}
	}
	k.mu.Unlock()
	if blob == "" {
		t.Fatalf("nothing is kept under the name %s", name)
	}
	at := k.azurite.url.String() + k.azurite.signedPath(k.container, blob, permissions, time.Now().Add(time.Minute))
	req, err := http.NewRequest(method, at, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPut {
		req.Header.Set("x-ms-blob-type", "BlockBlob")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		t.Fatalf("azurite: %s %s: %s: %s (%v)", method, name, resp.Status, data, err)
	}
	return data
}

func (k keptInAzurite) read(t *testing.T, name string) []byte {
	t.Helper()
	return k.do(t, http.MethodGet, name, "r", nil)
}

func (k keptInAzurite) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if data == nil {
		k.do(t, http.MethodDelete, name, "d", nil)
		return
	}
	k.do(t, http.MethodPut, name, "cw", data)
}
