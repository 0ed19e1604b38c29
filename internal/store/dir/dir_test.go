package dir

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/storetest"
)

func TestADirectoryIsAStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, t.TempDir()) }, compliance)
}

// compliance is what the suite may do to a directory.
var compliance = storetest.Options{
	Tamper: func(t *testing.T, s storetest.Store, e store.Entry, data []byte) {
		name := filepath.Join(s.(*Store).place(e.Name), dataName)
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Error(err)
		}
	},
	Lose: func(t *testing.T, s storetest.Store, e store.Entry) {
		if err := os.RemoveAll(s.(*Store).place(e.Name)); err != nil {
			t.Error(err)
		}
	},
}

// start is the time of the first creation of every clock.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// clock tells a time that is a minute later whenever it is asked.
func clock() func() time.Time {
	var minutes atomic.Int64
	return func() time.Time { return start.Add(time.Duration(minutes.Add(1)-1) * time.Minute) }
}

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s.now = clock()
	return s
}

// content is what writers write: whole or torn, it can be told.
func content(seed string) []byte {
	sum := sha256.Sum256([]byte(seed))
	r := rand.NewChaCha8(sum)
	rest := make([]byte, int(sum[0])*int(sum[1])*5)
	r.Read(rest)
	return append([]byte(seed+"\n"), rest...)
}

// whole returns the seed of data, and an error when data is no content.
func whole(data []byte) (seed string, err error) {
	line, _, ok := bytes.Cut(data, []byte("\n"))
	if !ok || !bytes.Equal(data, content(string(line))) {
		return "", fmt.Errorf("torn: %d bytes that begin with %.20q", len(data), data)
	}
	return string(line), nil
}

// writing writes the content of a seed in a few pieces.
func writing(seed string) func(io.Writer) error {
	return func(w io.Writer) error {
		for piece := range slices.Chunk(content(seed), 40_000) {
			if _, err := w.Write(piece); err != nil {
				return err
			}
		}
		return nil
	}
}

func create(t *testing.T, s *Store, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := s.Create(t.Context(), name, writing(name)); err != nil {
			t.Fatal(err)
		}
	}
}

// mustHold fails unless the entry is there and whole.
func mustHold(t *testing.T, s *Store, name string) {
	t.Helper()
	e, err := s.Find(t.Context(), name)
	if err != nil {
		t.Fatalf("Find(%q) = %v", name, err)
	}
	read(t, s, e)
}

// read reads a whole entry and returns its seed.
func read(t *testing.T, s *Store, e store.Entry) (seed string) {
	t.Helper()
	r, err := s.Open(t.Context(), e)
	if err != nil {
		t.Errorf("Open(%q) = %v", e.Name, err)
		return ""
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err == nil {
		seed, err = whole(data)
	}
	if err != nil {
		t.Errorf("%s: %v", e.Name, err)
	}
	return seed
}

func mustMiss(t *testing.T, s *Store, name string) {
	t.Helper()
	if _, err := s.Find(t.Context(), name, name); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Find(%q) = %v; want store.ErrNotFound", name, err)
	}
}

func names(entries []store.Entry) []string {
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}

// mustList fails unless those entries are there, newest first.
func mustList(t *testing.T, s *Store, want ...string) {
	t.Helper()
	list, err := s.List(t.Context(), "")
	if err != nil || !slices.Equal(names(list), want) {
		t.Errorf("List = %q, %v; want %q", names(list), err, want)
	}
}

// mustBeTidy fails if there is anything temporary.
func mustBeTidy(t *testing.T, s *Store) {
	t.Helper()
	found, err := os.ReadDir(s.dir)
	if err != nil {
		t.Error(err)
	}
	for _, d := range found {
		if !strings.HasSuffix(d.Name(), suffix) {
			t.Errorf("left behind: %s", d.Name())
		}
	}
}

func mustWrite(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// snapshot is what is below path: names, sizes and modes.
func snapshot(t *testing.T, path string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			fmt.Fprintln(&b, name, info.Mode(), info.Size(), info.ModTime())
		} else {
			fmt.Fprintln(&b, name, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func classOf(err error) failure.Class {
	if e, ok := errors.AsType[*failure.Error](err); ok {
		return e.Class
	}
	return ""
}
