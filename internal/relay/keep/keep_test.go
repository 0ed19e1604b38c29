package keep_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/relay/keep"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, parent string) *keep.Keep {
	t.Helper()
	k, err := keep.Open(parent, keep.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

func put(t *testing.T, k *keep.Keep, v module.Version, kind, h1 string, data []byte) error {
	t.Helper()
	tmp, err := k.Temp()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tmp.Write(data); err != nil {
		t.Fatal(err)
	}
	if kind == "mod" {
		err = k.PutMod(t.Context(), v, h1, tmp)
	} else {
		err = k.PutZip(t.Context(), v, h1, tmp, modcache.PutOptions{Extract: true})
	}
	if _, gone := os.Stat(tmp.Name()); !errors.Is(gone, fs.ErrNotExist) {
		t.Errorf("the temporary file is still there: %v", gone)
	}
	return err
}

func TestOnlyWhatHasItsHashIsKept(t *testing.T) {
	t.Parallel()
	m := mirrortest.Module{Path: "example.test/m", Version: "v1.0.0", Size: 3000}
	a := mirrortest.Build(t, m).Get(m.Path, m.Version)
	other := mirrortest.Corrupt(t, m, mirrortest.OtherContent)
	otherMod := mirrortest.Corrupt(t, m, mirrortest.OtherMod)
	for _, test := range []struct {
		kind, h1         string
		right, different []byte
	}{
		{"zip", a.ZipSum, a.Zip, other.Zip},
		{"mod", a.ModSum, a.Mod, otherMod.Mod},
	} {
		t.Run(test.kind, func(t *testing.T) {
			t.Parallel()
			k := open(t, t.TempDir())
			if err := put(t, k, a.Version, test.kind, test.h1, test.different); failure.As(err) == nil || failure.As(err).Class != failure.HashMismatch {
				t.Errorf("other bytes: %v", err)
			}
			if _, err := k.Open(a.Version, test.kind, test.h1); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("they were kept: %v", err)
			}
			// Without a hash the first bytes count, for good.
			if err := put(t, k, a.Version, test.kind, "", test.right); err != nil {
				t.Fatal(err)
			}
			if err := put(t, k, a.Version, test.kind, "", test.different); failure.As(err) == nil || failure.As(err).Class != failure.HashMismatch {
				t.Errorf("other bytes afterwards: %v", err)
			}
			for _, h1 := range []string{"", test.h1} {
				f, err := k.Open(a.Version, test.kind, h1)
				if err != nil {
					t.Fatal(err)
				}
				data, err := io.ReadAll(f)
				if err != nil || string(data) != string(test.right) || f.H1 != test.h1 || len(f.ETag) != 34 || strings.Contains(f.ETag, test.h1) {
					t.Errorf("%d bytes, %s, %s, %v", len(data), f.H1, f.ETag, err)
				}
				f.Close()
			}
			if _, err := k.Open(a.Version, test.kind, "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("kept with another hash: %v", err)
			}
		})
	}
}

func TestDirectoriesOfThoseWhoAreGoneAreRemoved(t *testing.T) {
	t.Parallel()
	parent := filepath.Join(t.TempDir(), "modferry")
	if err := os.MkdirAll(filepath.Join(parent, "relay-killed", "cache"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"relay-killed.lock", "imports", "relay-other"} {
		if err := os.WriteFile(filepath.Join(parent, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	first, second := open(t, parent), open(t, parent)
	names := func() (all []string) {
		entries, err := os.ReadDir(parent)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all = append(all, e.Name())
		}
		return all
	}
	if got := names(); len(got) != 6 { // two directories, their locks, and what is not ours
		t.Errorf("there are %v", got)
	}
	for _, k := range []*keep.Keep{first, second} {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := strings.Join(names(), " "); got != "imports relay-other" {
		t.Errorf("left are %s", got)
	}
}
