//go:build unix

package diskfile_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/diskfile"
)

// A FIFO without a writer blocks whoever opens it in the ordinary way.
func TestOpenDoesNotWaitForAFIFO(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	name := filepath.Join(root, "fifo")
	if err := syscall.Mkfifo(name, 0o666); err != nil {
		t.Fatal(err)
	}
	var bad *diskfile.KindError
	if _, err := diskfile.Open(name); !errors.As(err, &bad) || bad.Mode&fs.ModeNamedPipe == 0 {
		t.Errorf("Open: %v", err)
	}
	if _, err := diskfile.ReadIn(root, name, 10); !errors.As(err, &bad) {
		t.Errorf("ReadIn: %v", err)
	}
	if _, err := diskfile.Read("/dev/zero", 10); !errors.As(err, &bad) {
		t.Errorf("a device: %v", err)
	}
}
