package keep_test

import (
	"io"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay/keep"
)

// bounded is a directory with room for about four of the files of fill.
func bounded(t *testing.T) *keep.Keep {
	t.Helper()
	k, err := keep.Open(t.TempDir(), keep.Options{Most: 450 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// fill keeps the files of a module, and has them read once.
func fill(t *testing.T, k *keep.Keep, a *mirrortest.Artifact) {
	t.Helper()
	for kind, h1 := range map[string]string{"zip": a.ZipSum, "mod": a.ModSum} {
		if err := put(t, k, a.Version, kind, h1, a.File(kind)); err != nil {
			t.Fatal(err)
		}
		if !has(t, k, a, kind) {
			t.Fatalf("%s %s was given up before anybody read it", a.Version, kind)
		}
	}
}

func has(t *testing.T, k *keep.Keep, a *mirrortest.Artifact, kind string) bool {
	t.Helper()
	f, err := k.Open(a.Version, kind, "")
	if err != nil {
		return false
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil || string(data) != string(a.File(kind)) {
		t.Errorf("%s %s: %d bytes, %v", a.Version, kind, len(data), err)
	}
	return true
}

func TestTheDirectoryIsBounded(t *testing.T) {
	t.Parallel()
	all := mirrortest.Generate(t, 12, 100<<10).All()
	k := bounded(t)
	for _, a := range all {
		fill(t, k, a)
		if s := k.Stats(); s.Bytes > 450<<10 {
			t.Fatalf("%d bytes are kept", s.Bytes)
		}
		has(t, k, all[0], "mod") // stays, since it is asked for again and again
	}
	for kind, want := range map[string]bool{"zip": false, "mod": true} {
		if got := has(t, k, all[0], kind); got != want {
			t.Errorf("the first %s is kept: %t", kind, got)
		}
	}
	if !has(t, k, all[11], "zip") || has(t, k, all[1], "zip") || k.Stats().Evicted == 0 {
		t.Error("it was not what nobody had asked for the longest that went")
	}
	k.Evict(t.Context())
	k.Evict(t.Context())
	for range 10 {
		k.Evict(t.Context())
	}
	if s := k.Stats(); s.Files > 1 {
		t.Errorf("on a full disk %d files are kept", s.Files)
	}
	var left []string
	err := filepath.WalkDir(filepath.Join(k.Dir(), "cache", "download"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left = append(left, name)
		}
		return err
	})
	if err != nil || len(left) > 4 {
		t.Errorf("left on disk: %v, %v", left, err)
	}
	fill(t, k, all[3]) // what was given up comes again
}

func TestWhatIsReadIsNotGivenUp(t *testing.T) {
	t.Parallel()
	all := mirrortest.Generate(t, 12, 100<<10).All()
	k := bounded(t)
	fill(t, k, all[0])
	f, err := k.Open(all[0].Version, "zip", all[0].ZipSum)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all[1:] {
		fill(t, k, a)
	}
	if !has(t, k, all[0], "zip") {
		t.Error("it was given up while it was read")
	}
	if data, err := io.ReadAll(f); err != nil || string(data) != string(all[0].Zip) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	f.Close()
	for _, a := range all[1:] {
		fill(t, k, a)
	}
	if has(t, k, all[0], "zip") {
		t.Error("it is kept for ever")
	}
}

func TestAFileLargerThanTheDirectoryIsAnsweredWith(t *testing.T) {
	t.Parallel()
	k, err := keep.Open(t.TempDir(), keep.Options{Most: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for _, a := range mirrortest.Generate(t, 3, 100<<10).All() {
		fill(t, k, a)
	}
	if s := k.Stats(); s.Files > 1 {
		t.Errorf("%d files are kept", s.Files)
	}
}
