package diskfile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/modferry/modferry/internal/diskfile"
)

// Readers stand in nobody's way, on Windows as little as elsewhere.
func TestAFileThatIsReadCanBeRenamedAndRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name, other := write(t, filepath.Join(dir, "a"), "text"), filepath.Join(dir, "b")
	f, err := diskfile.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := diskfile.Rename(name, other); err != nil {
		t.Error(err)
	}
	if err := diskfile.Remove(other); err != nil {
		t.Error(err)
	}
	if text, err := io.ReadAll(f); err != nil || string(text) != "text" {
		t.Errorf("read %q, %v", text, err)
	}
}

func TestADirectoryDoesNotTakeThePlaceOfAFileNorAFileThatOfADirectory(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir, file := filepath.Join(top, "dir"), write(t, filepath.Join(top, "file"), "mine")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := diskfile.Rename(dir, file); err == nil {
		t.Error("the directory was renamed")
	}
	if err := diskfile.Rename(file, dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the file was renamed: %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the file has %q, %v", text, err)
	}
}
