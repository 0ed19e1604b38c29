package keep_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay/keep"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/dir"
)

// replica is one of several directories before a store.
func replica(t *testing.T, s keep.Store) *keep.Keep {
	t.Helper()
	k, err := keep.Open(t.TempDir(), keep.Options{Shared: s, Log: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func storeIn(t *testing.T, at string) *dir.Store {
	t.Helper()
	s, err := dir.Open(at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// closed closes a replica, which gives the store what it has.
func closed(t *testing.T, k *keep.Keep) {
	t.Helper()
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

func TestReplicasShareAStore(t *testing.T) {
	t.Parallel()
	a := mirrortest.Generate(t, 1, 100<<10).All()[0]
	at := t.TempDir()
	first := replica(t, storeIn(t, at))
	for kind, h1 := range map[string]string{"zip": a.ZipSum, "mod": a.ModSum} {
		if first.Recall(t.Context(), a.Version, kind, h1) {
			t.Error("an empty store had it")
		}
		if err := put(t, first, a.Version, kind, h1, a.File(kind)); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, first)
	second := replica(t, storeIn(t, at))
	for kind, h1 := range map[string]string{"zip": a.ZipSum, "mod": a.ModSum} {
		if !second.Recall(t.Context(), a.Version, kind, h1) {
			t.Errorf("%s: the store does not have it", kind)
		}
		if !has(t, second, a, kind) {
			t.Errorf("%s is not kept", kind)
		}
	}
	if s := second.Stats().Shared; s.Hits != 2 || s.Writes != 0 || s.Failures != 0 {
		t.Errorf("%+v", s)
	}
	closed(t, second)
	// With the checksum database down, the hash is what the first replica found.
	third := replica(t, storeIn(t, at))
	defer closed(t, third)
	if !third.Recall(t.Context(), a.Version, "zip", "") || !has(t, third, a, "zip") {
		t.Error("nothing is to be had without the checksum database")
	}
}

func TestAForgedEntryIsReplaced(t *testing.T) {
	t.Parallel()
	a := mirrortest.Generate(t, 1, 100<<10).All()[0]
	at := t.TempDir()
	first := replica(t, storeIn(t, at))
	if err := put(t, first, a.Version, "zip", a.ZipSum, a.Zip); err != nil {
		t.Fatal(err)
	}
	closed(t, first)
	for name, forge := range map[string]func(data []byte) []byte{
		"forged": func(data []byte) []byte { data[len(data)/2] ^= 1; return data },
		"torn":   func(data []byte) []byte { return data[:len(data)/2] },
	} {
		entries := dataFiles(t, at)
		if len(entries) != 1 {
			t.Fatal(name, entries)
		}
		data, err := os.ReadFile(entries[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(entries[0], forge(data), 0o666); err != nil {
			t.Fatal(err)
		}
		k := replica(t, storeIn(t, at))
		if k.Recall(t.Context(), a.Version, "zip", a.ZipSum) || has(t, k, a, "zip") {
			t.Errorf("%s: it was taken", name)
		}
		closed(t, k)
		// Whoever has the right bytes writes them.
		k = replica(t, storeIn(t, at))
		if err := put(t, k, a.Version, "zip", a.ZipSum, a.Zip); err != nil {
			t.Fatal(err)
		}
		closed(t, k)
		k = replica(t, storeIn(t, at))
		if !k.Recall(t.Context(), a.Version, "zip", a.ZipSum) {
			t.Errorf("%s: it was not replaced", name)
		}
		closed(t, k)
	}
}

// dataFiles are the files in which a store in a directory has zips and go.mod files.
func dataFiles(t *testing.T, at string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(at, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "data" && strings.HasPrefix(filepath.Base(filepath.Dir(name)), "f1-") {
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// What nobody knows a hash of is for all replicas what it was for the first.
func TestReplicasAgreeOnWhatNobodyVouchesFor(t *testing.T) {
	t.Parallel()
	m := mirrortest.Module{Path: "example.test/m", Version: "v1.0.0", Size: 3000}
	one, other := mirrortest.Build(t, m).Get(m.Path, m.Version), mirrortest.Corrupt(t, m, mirrortest.OtherContent)
	at := t.TempDir()
	replicas := []*keep.Keep{replica(t, storeIn(t, at)), replica(t, storeIn(t, at))}
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i, data := range [][]byte{one.Zip, other.Zip} {
		wg.Go(func() { errs[i] = put(t, replicas[i], one.Version, "zip", "", data) })
	}
	wg.Wait()
	wrong := 0
	for _, err := range errs {
		if fe := failure.As(err); fe != nil && fe.Class == failure.HashMismatch {
			wrong++
		} else if err != nil {
			t.Error(err)
		}
	}
	if wrong != 1 {
		t.Fatalf("refused: %d of two (%v)", wrong, errs)
	}
	for _, k := range replicas {
		closed(t, k)
	}
	right := one
	if errs[0] != nil {
		right = other
	}
	third := replica(t, storeIn(t, at))
	defer closed(t, third)
	if !third.Recall(t.Context(), one.Version, "zip", "") {
		t.Error("a third one does not get it")
	}
	f, err := third.Open(one.Version, "zip", "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if data, err := io.ReadAll(f); err != nil || string(data) != string(right.Zip) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

// broken is a store that answers nothing but errors.
type broken struct{ asked int }

var errBroken = errors.New("out of order")

func (b *broken) Find(context.Context, string, ...string) (store.Entry, error) {
	b.asked++
	return store.Entry{}, errBroken
}
func (b *broken) Open(context.Context, store.Entry) (io.ReadCloser, error)    { return nil, errBroken }
func (b *broken) Create(context.Context, string, func(io.Writer) error) error { return errBroken }

func TestABrokenStoreIsLeftAlone(t *testing.T) {
	t.Parallel()
	all := mirrortest.Generate(t, 5, 1<<10).All()
	b := &broken{}
	k := replica(t, b)
	for _, a := range all {
		if k.Recall(t.Context(), a.Version, "zip", a.ZipSum) {
			t.Error("it had something")
		}
		if err := put(t, k, a.Version, "zip", "", a.Zip); err != nil {
			t.Error(err)
		}
	}
	if b.asked != 1 || k.Stats().Shared.Failures == 0 {
		t.Errorf("asked %d times, %+v", b.asked, k.Stats().Shared)
	}
	closed(t, k)
}
