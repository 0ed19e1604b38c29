//go:build unix

package diskfile_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/diskfile"
)

func fifo(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestStreamReadsAFIFOToItsEnd(t *testing.T) {
	t.Parallel()
	name := fifo(t)
	go func() {
		if err := os.WriteFile(name, []byte("a log"), 0o666); err != nil {
			t.Error(err)
		}
	}()
	f, err := diskfile.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, err := io.ReadAll(f); err != nil || string(text) != "a log" {
		t.Errorf("read %q, %v", text, err)
	}
}

func TestStreamEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	over := errors.New("over")
	name := fifo(t)
	writer := make(chan *os.File, 1)
	go func() {
		w, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
		}
		writer <- w
	}()
	f, err := diskfile.Stream(ctx, name) // has a writer that writes nothing
	if err != nil {
		t.Fatal(err)
	}
	w := <-writer
	defer w.Close()
	cancel(over)
	if _, err := f.Read(make([]byte, 1)); !errors.Is(err, over) {
		t.Errorf("Read: %v, want the cause of the end", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}

	lonely := fifo(t)
	if _, err := diskfile.Stream(ctx, lonely); !errors.Is(err, over) {
		t.Errorf("Stream of a FIFO without writer: %v, want the cause of the end", err)
	}
}

func TestRemoveSpecial(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := fifo(t)
	file := write(t, filepath.Join(dir, "file"), "text")
	link(t, fifo(t), filepath.Join(dir, "to-pipe"))
	link(t, file, filepath.Join(dir, "to-file"))
	for name, stays := range map[string]bool{pipe: false, file: true, dir: true, filepath.Join(dir, "to-file"): true, filepath.Join(dir, "to-pipe"): false} {
		if err := diskfile.RemoveSpecial(name); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(name); (err == nil) != stays {
			t.Errorf("%s: %v, want it to stay: %t", name, err, stays)
		}
	}
	if err := diskfile.RemoveSpecial(filepath.Join(dir, "none")); err != nil {
		t.Error(err)
	}
}

func TestTheNullDeviceIsEmpty(t *testing.T) {
	t.Parallel()
	if text, err := diskfile.Read(os.DevNull, 10); err != nil || len(text) > 0 {
		t.Errorf("read %q, %v", text, err)
	}
}
