package diskfile

import (
	"io/fs"
	"os"
	"path/filepath"
)

// WriteOutput replaces a file that the job asked for, in one step. In a checkout,
// which may have put a link in its place, the link is replaced and none on the
// way leads out; what the job names elsewhere is written to where it leads, a
// pipe or /dev/stdout in place. Checkouts that are "" are the working directory.
func WriteOutput(target string, data []byte, checkouts ...string) error {
	if info, err := os.Lstat(target); err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0 {
		return Write(target, data)
	}
	if root, ok := checkoutOf(target, checkouts); ok {
		return WriteIn(root, target, data)
	}
	return Write(target, data)
}

// MkdirOutput makes a directory for WriteOutput, as carefully.
func MkdirOutput(dir string, checkouts ...string) error {
	if root, ok := checkoutOf(dir, checkouts); ok {
		return MkdirIn(root, dir)
	}
	return os.MkdirAll(dir, 0o777)
}

// checkoutOf is the checkout that a name is below, as it is written.
func checkoutOf(name string, checkouts []string) (root string, ok bool) {
	for _, root := range checkouts {
		root, err1 := filepath.Abs(root)
		abs, err2 := filepath.Abs(name)
		if _, below := within(root, abs); below && err1 == nil && err2 == nil {
			return root, true
		}
	}
	return "", false
}
