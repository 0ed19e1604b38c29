package diskfile

import (
	"os"
	"path/filepath"
)

// Dir is a directory of the checkout of which many files are opened: it is found and
// checked once. It is safe for concurrent use.
type Dir struct {
	root, name string
	r          *os.Root
}

// OpenDir opens a directory for OpenIn of its files. One that is outside of root to
// begin with is confined to itself. The caller closes it.
func OpenDir(root, name string) (*Dir, error) {
	if _, ok := within(root, name); !ok {
		root = name
	}
	if !Inside(root, name) {
		return nil, &EscapeError{Path: name, Root: root}
	}
	r, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return &Dir{root, name, r}, nil
}

// Open is OpenIn of the file with this base name.
func (d *Dir) Open(base string) (*os.File, error) {
	name := filepath.Join(d.name, base)
	f, err := open(base, d.r.Stat, d.r.OpenFile, name)
	if err != nil { // a link to another directory may still stay in the checkout
		return OpenIn(d.root, name)
	}
	return f, nil
}

// Close closes the directory, not what was opened in it.
func (d *Dir) Close() error { return d.r.Close() }
