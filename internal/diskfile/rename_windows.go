package diskfile

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// maxWait is how long Rename, Remove and RemoveAll wait for others, as long as the go command
// does (cmd/internal/robustio).
const maxWait = 2 * time.Second

// Rename is os.Rename that waits for others: on Windows, a file that somebody else has
// open, such as another process with the same module or a virus scanner, can for a
// moment not be replaced. A directory takes the place of nothing, as on Unix, and
// nothing that of a directory.
func Rename(from, to string) error {
	return patiently(func() (bool, error) {
		there, err := os.Lstat(to)
		if err == nil && !there.IsDir() {
			if info, err := os.Lstat(from); err == nil && info.IsDir() {
				return false, &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist}
			}
		}
		dir := err == nil && there.IsDir()
		err = os.Rename(from, to)
		busy := errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION)
		if busy && dir { // which may be gone when the caller looks
			return false, &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist}
		}
		return busy, err
	})
}

// Remove is os.Remove that waits for those who have the file or directory open. On
// network drives, a removed file stays in its directory until its last reader goes.
func Remove(name string) error {
	return patiently(func() (bool, error) {
		err := os.Remove(name)
		return inUse(err), err
	})
}

// RemoveAll is os.RemoveAll that waits as Remove does, and for those who are about to
// remove a file themselves.
func RemoveAll(dir string) error {
	return patiently(func() (bool, error) {
		err := os.RemoveAll(dir)
		return inUse(err) || errors.Is(err, windows.ERROR_ACCESS_DENIED), err
	})
}

// inUse reports whether a removal failed since somebody has the file open, or one in
// the directory.
func inUse(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_DIR_NOT_EMPTY)
}

// patiently calls do again as long as it says that others are in the way.
func patiently(do func() (busy bool, err error)) error {
	began := time.Now()
	for wait := time.Millisecond; ; wait *= 2 {
		busy, err := do()
		if !busy || time.Since(began)+wait > maxWait {
			return err
		}
		time.Sleep(wait)
	}
}
