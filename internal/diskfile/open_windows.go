package diskfile

import (
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// nonblock is nothing on Windows, where named pipes are not in directories.
const nonblock = 0

// openFile opens a file for reading so that others may replace or remove it meanwhile,
// as they may on Unix. That of package os would stand in their way, and fail in the
// instant in which somebody renames the file.
func openFile(name string, _ int, _ fs.FileMode) (*os.File, error) {
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	path, err := windows.UTF16PtrFromString(name)
	if err == nil {
		var h windows.Handle
		if h, err = windows.CreateFile(path, windows.GENERIC_READ, share, nil, windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL, 0); err == nil {
			return os.NewFile(uintptr(h), name), nil
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: err}
}
