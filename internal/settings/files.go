package settings

import (
	"os"
	"path/filepath"

	"github.com/modferry/modferry/internal/diskfile"
)

// Files is what Resolve sees of the disk. Names are absolute, or relative to
// the directory that relative paths of flags are relative to.
type Files interface {
	// IsFile reports whether there is something that is no directory, whether
	// it may be read or not.
	IsFile(name string) bool
	// IsIrregular reports whether there is something that is neither a file nor
	// a directory, such as a device or a named pipe.
	IsIrregular(name string) bool
	// Read returns a regular file of at most limit bytes. With a root, no link
	// is followed that leads out of it.
	Read(root, name string, limit int64) ([]byte, error)
	// Abs is the absolute path.
	Abs(name string) string
	// Real is the absolute path without links. Of what is not there, the
	// directories that are there count.
	Real(name string) string
}

// Disk is the files of this machine. WorkDir is what relative names are
// relative to; "" means the working directory of the process.
type Disk struct{ WorkDir string }

func (d Disk) path(name string) string {
	if d.WorkDir == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(d.WorkDir, name)
}

func (d Disk) IsFile(name string) bool {
	info, err := os.Stat(d.path(name))
	if err != nil {
		// What a broken or forbidden link stands for is there all the same.
		info, err = os.Lstat(d.path(name))
	}
	return err == nil && !info.IsDir()
}

func (d Disk) IsIrregular(name string) bool {
	info, err := os.Stat(d.path(name))
	return err == nil && !info.IsDir() && !info.Mode().IsRegular()
}

func (d Disk) Read(root, name string, limit int64) ([]byte, error) {
	if root == "" {
		return diskfile.Read(d.path(name), limit)
	}
	return diskfile.ReadIn(d.path(root), d.path(name), limit)
}

func (d Disk) Abs(name string) string {
	abs, err := filepath.Abs(d.path(name))
	if err != nil {
		return filepath.Clean(d.path(name))
	}
	return abs
}

func (d Disk) Real(name string) string { return diskfile.Real(d.path(name)) }
