package modcache

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// maxRenameWait is how long rename waits for others, as long as the go command does
// (cmd/internal/robustio).
const maxRenameWait = 2 * time.Second

// rename is os.Rename that waits for others: on Windows, a file that somebody else has
// open, such as another process with the same module or a virus scanner, can for a
// moment not be replaced. A directory in the way stays there.
func rename(from, to string) error {
	began := time.Now()
	for wait := time.Millisecond; ; wait *= 2 {
		err := os.Rename(from, to)
		busy := errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION)
		if !busy || time.Since(began)+wait > maxRenameWait {
			return err
		}
		if info, err := os.Lstat(to); err == nil && info.IsDir() {
			return os.Rename(from, to)
		}
		time.Sleep(wait)
	}
}
