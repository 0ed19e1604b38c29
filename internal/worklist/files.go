package worklist

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/modferry/modferry/internal/diskfile"
)

// sizeLimit bounds every file that is read: the go.mod limit of the go
// command (golang.org/x/mod/zip: MaxGoMod), and no go.sum comes near it.
const sizeLimit = 16 << 20

// rel renders a path for positions and messages: slash-separated, relative to
// the root, absolute only where that is impossible (another Windows volume).
func (l *loader) rel(path string) string {
	if r, err := filepath.Rel(l.list.Root, path); err == nil {
		path = r
	}
	return filepath.ToSlash(path)
}

// read returns the content of a file. A missing file is fs.ErrNotExist, since
// what that means differs; any other trouble is an *InputError.
func (l *loader) read(path string) ([]byte, error) {
	data, err := diskfile.ReadIn(l.opts.Checkout, path, sizeLimit)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	var (
		kind   *diskfile.KindError
		escape *diskfile.EscapeError
		size   *diskfile.SizeError
	)
	switch {
	case errors.As(err, &kind):
		return nil, &InputError{
			File:  l.rel(path),
			Found: "something that is not a regular file", Expected: "a file", Remedy: "put the file itself in its place",
		}
	case errors.As(err, &escape):
		return nil, &InputError{
			File:  l.rel(path),
			Found: "a link that leads out of the checkout", Expected: "a file of the checkout",
			Remedy: "put the file itself in its place",
		}
	case errors.As(err, &size):
		return nil, &InputError{
			File:  l.rel(path),
			Found: fmt.Sprintf("%d bytes", size.Size), Expected: fmt.Sprintf("at most %d", size.Limit),
			Remedy: "restore the file from version control",
		}
	}
	return nil, l.unreadable(path, err)
}

func (l *loader) unreadable(path string, err error) error {
	cause := err
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		cause = pathErr.Err // without the path, which the message names already
	}
	return &InputError{
		File:  l.rel(path),
		Found: "an unreadable file (" + plain(cause.Error()) + ")", Expected: "one that this user can read",
		Remedy: "correct its permissions",
		Err:    err,
	}
}

// isFile reports whether path is a file as the go command looks for go.mod
// and go.work: there and not a directory.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// SearchUp returns the nearest directory at or above dir that holds a file of
// that name, "" when none does (cmd/go modload/init.go: findModuleRoot,
// findWorkspaceFile).
func SearchUp(dir, name string) string {
	for {
		if isFile(filepath.Join(dir, name)) {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// below reports whether path is strictly below dir. Both are absolute and
// clean.
func below(path, dir string) bool {
	r, err := filepath.Rel(dir, path)
	return err == nil && r != "." && filepath.IsLocal(r)
}

// byteOrderMark is what some editors and shells put at the beginning of UTF-8.
// The go command never skips it: go.mod and go.work then cannot be parsed, and
// the first line of go.sum or vendor/modules.txt means something else.
const byteOrderMark = "\ufeff"

// asUTF8 is what to do about it.
const asUTF8 = "save the file as UTF-8 without a byte order mark"

func markError(file string) error {
	return &InputError{
		File: file, Line: 1,
		Found:    "a byte order mark, which the go command does not accept",
		Expected: "a file that begins with its first line",
		Remedy:   asUTF8,
	}
}

// foreignEncoding returns an error for UTF-16, which shells on Windows write.
func foreignEncoding(file string, data []byte) error {
	if !bytes.HasPrefix(data, []byte{0xff, 0xfe}) && !bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return nil
	}
	return &InputError{
		File: file, Line: 1,
		Found:    "text in UTF-16 with a byte order mark",
		Expected: "UTF-8",
		Remedy:   asUTF8,
	}
}
