package e2e

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/storetest"
)

// asVersion lets a store's questions carry the version of another client's
// archive instead of that of our layers: the only way that the two ever see one
// another's entries.
type asVersion struct {
	base    http.RoundTripper
	version string
}

var anyVersion = regexp.MustCompile(`(version["=:]+)[0-9a-f]{64}`)

func (v asVersion) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.RawQuery = anyVersion.ReplaceAllString(r.URL.RawQuery, "${1}"+v.version)
	if strings.Contains(r.Header.Get("Content-Type"), "json") {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body.Close()
		data = anyVersion.ReplaceAll(data, []byte("${1}"+v.version))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
		r.GetBody = nil
	}
	return v.base.RoundTrip(r)
}

// TestWhatTheOfficialClientSavesOurStoreFindsAndTheOtherWayRound exchanges
// entries with GitHub's own client, in the versions that are in use, over both
// protocols.
func TestWhatTheOfficialClientSavesOurStoreFindsAndTheOtherWayRound(t *testing.T) {
	for _, c := range counterparts {
		if !strings.HasPrefix(c.name, "gha") {
			continue
		}
		for _, client := range officialClients {
			t.Run(c.name+", "+client, func(t *testing.T) {
				t.Parallel()
				service := c.start(t, false)
				o := newOfficial(t, client, service)
				ours := service.open(t, asVersion{service.transport(t), o.version(o.path())})
				t.Run("theirs to us", func(t *testing.T) { theirsToUs(t, o, ours, c.foldsCase) })
				t.Run("ours to them", func(t *testing.T) { oursToThem(t, o, ours, c.foldsCase) })
				t.Run("neither replaces the other's", func(t *testing.T) {
					if c.takesNamesAgain {
						t.Skip("this server takes a name again")
					}
					neitherReplaces(t, o, ours)
				})
			})
		}
	}
}

// path is what the client saves and restores: outside of the workspace, as a
// module cache is.
func (o *official) path() string { return filepath.Join(filepath.Dir(o.workspace), "cached") }

// tree is what is exchanged: some files, one of them of several blocks.
func tree() map[string][]byte {
	big := make([]byte, 9<<20)
	rand.NewChaCha8([32]byte{1}).Read(big)
	return map[string][]byte{
		"empty":                       {},
		"cache/lock":                  []byte("\n"),
		"cache/download/m/@v/v1.mod":  []byte("module m\n"),
		"cache/download/m/@v/v1.zip":  big,
		"cache/download/m/@v/ünïcode": []byte("x"),
	}
}

func writeTree(t *testing.T, dir string) {
	t.Helper()
	for name, data := range tree() {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// isTree compares files, by name, with the tree.
func isTree(t *testing.T, got map[string][]byte) {
	t.Helper()
	want := tree()
	for name, data := range want {
		if !bytes.Equal(got[name], data) {
			t.Errorf("%s: %d bytes, expected %d, the very same ones", name, len(got[name]), len(data))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, expected %d", len(got), len(want))
	}
}

// as is a key as the server gives it back.
func as(key string, foldsCase bool) string {
	if foldsCase {
		return strings.ToLower(key)
	}
	return key
}

func theirsToUs(t *testing.T, o *official, ours storetest.Store, foldsCase bool) {
	writeTree(t, o.path())
	const key = "theirs-Linux-1a2b"
	if id := o.save(t, key, o.path()); id <= 0 {
		t.Fatalf("the official client could not save: id %d", id)
	}
	for _, find := range []struct {
		name     string
		prefixes []string
	}{{key, nil}, {"theirs-Linux-ffff", []string{"nobody-", "theirs-Linux-"}}, {"", []string{"theirs-"}}} {
		e, err := ours.Find(t.Context(), find.name, find.prefixes...)
		if err != nil {
			t.Errorf("Find(%q, %q): %v", find.name, find.prefixes, err)
			continue
		}
		if e.Name != as(key, foldsCase) && e.Name != key {
			t.Errorf("Find(%q, %q) finds %s, expected %s", find.name, find.prefixes, e.Name, key)
		}
		body, err := ours.Open(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(body)
		body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, o.service.kept.read(t, as(key, foldsCase))) {
			t.Error("our store reads other bytes than the server keeps")
		}
		isTree(t, unpackTheirs(t, o, data))
	}
	if e, err := ours.Find(t.Context(), "theirs-Linux-1a2", "theirs-linux-9"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a key that nobody saved: %v, %v; expected that it is not there", e, err)
	}
}

// unpackTheirs reads an archive of the official client: names are relative to
// the workspace.
func unpackTheirs(t *testing.T, o *official, data []byte) map[string][]byte {
	t.Helper()
	plain, err := zstd.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	files := map[string][]byte{}
	for archive := tar.NewReader(plain); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		} else if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		name, err := filepath.Rel(o.path(), filepath.Join(o.workspace, h.Name))
		if err != nil {
			t.Fatal(err)
		}
		if files[name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}

func oursToThem(t *testing.T, o *official, ours storetest.Store, foldsCase bool) {
	const key = "ours-Linux-3c4d"
	err := ours.Create(t.Context(), key, func(w io.Writer) error { return packAsTheirs(o, w) })
	if err != nil {
		t.Fatal(err)
	}
	for _, do := range []string{"lookup", "restore"} {
		if err := os.RemoveAll(o.path()); err != nil {
			t.Fatal(err)
		}
		if got := o.restore(t, do, key, nil, o.path()); !strings.EqualFold(got, key) {
			t.Errorf("the official client, %s of %s: found %q", do, key, got)
		}
	}
	if got := o.restore(t, "restore", "ours-Linux-ffff", []string{"nobody-", "ours-Linux-"}, o.path()); got != as(key, foldsCase) {
		t.Errorf("the official client by prefix: found %q, expected %q", got, key)
	}
	if got := o.restore(t, "lookup", "ours-Linux-3c4e", []string{"nobody-"}, o.path()); got != "" {
		t.Errorf("the official client finds %q for what nobody saved", got)
	}
	got := map[string][]byte{}
	err = filepath.WalkDir(o.path(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(o.path(), path)
		if err == nil {
			got[name], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	isTree(t, got)
}

// packAsTheirs writes the tree as the official client would.
func packAsTheirs(o *official, w io.Writer) error {
	packed, err := zstd.NewWriter(w)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(packed)
	for name, data := range tree() {
		name, err := filepath.Rel(o.workspace, filepath.Join(o.path(), name))
		if err != nil {
			return err
		}
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), Format: tar.FormatPAX}); err != nil {
			return err
		}
		if _, err := archive.Write(data); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), packed.Close())
}

// neitherReplaces lets each save under a name that the other took.
func neitherReplaces(t *testing.T, o *official, ours storetest.Store) {
	writeTree(t, o.path())
	const theirs, mine = "taken-by-them", "taken-by-us"
	o.save(t, theirs, o.path())
	write := func(w io.Writer) error { return packAsTheirs(o, w) }
	if err := ours.Create(t.Context(), theirs, write); !errors.Is(err, store.ErrExists) {
		t.Errorf("Create under a name that the official client took: %v", err)
	}
	if err := ours.Create(t.Context(), mine, write); err != nil {
		t.Fatal(err)
	}
	before := o.service.kept.read(t, mine)
	if id := o.save(t, mine, o.path()); id != -1 {
		t.Errorf("the official client saved under a name that we took: id %d", id)
	}
	if !bytes.Equal(before, o.service.kept.read(t, mine)) {
		t.Error("the official client replaced our entry")
	}
}
