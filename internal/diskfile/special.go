package diskfile

import (
	"errors"
	"io/fs"
	"os"
)

// RemoveSpecial makes way for a regular file where a FIFO, a device, a socket
// or a link to one stands. Regular files and directories stay, and so do links
// to them.
func RemoveSpecial(name string) error {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // or a link to nothing, which opening makes or refuses
	case err != nil:
		return err
	case info.Mode().IsRegular(), info.IsDir():
		return nil
	}
	return os.Remove(name)
}
