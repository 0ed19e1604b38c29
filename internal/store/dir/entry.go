package dir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/store"
)

const (
	suffix    = ".entry" // behind the name; Windows does not keep a dot at the end
	dataName  = "data"
	aboutName = "about.json"
	schema    = "modferry.entry/1"
	maxAbout  = 4 << 10 // bytes
)

type about struct {
	Schema  string    `json:"schema"`
	Created time.Time `json:"created"`
	Size    int64     `json:"size"`
}

// errBroken is the verdict on a directory that has an entry's name and is
// none. It may be removed when there is nothing foreign in it.
var errBroken = errors.New("no complete entry")

func (s *Store) place(name string) string { return filepath.Join(s.dir, name+suffix) }

// look returns the entry with that name; store.ErrNotFound, errBroken, or an
// error of the file system.
func (s *Store) look(name string) (store.Entry, error) { return lookAt(s.place(name), name) }

func lookAt(dir, name string) (store.Entry, error) {
	broken := func(format string, args ...any) (store.Entry, error) {
		return store.Entry{}, fmt.Errorf("%w: "+format, append([]any{errBroken}, args...)...)
	}
	switch info, err := os.Lstat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return store.Entry{}, store.ErrNotFound
	case err != nil:
		return store.Entry{}, err
	case !info.IsDir():
		return broken("found %v, expected a directory", info.Mode())
	}
	a, used, err := readAbout(filepath.Join(dir, aboutName))
	if errors.Is(err, fs.ErrNotExist) {
		return broken("%s: %w", aboutName, fs.ErrNotExist)
	}
	if err != nil {
		return store.Entry{}, err
	}
	switch info, err := os.Lstat(filepath.Join(dir, dataName)); {
	case errors.Is(err, fs.ErrNotExist):
		return broken("%s: %w", dataName, fs.ErrNotExist)
	case err != nil:
		return store.Entry{}, err
	case !info.Mode().IsRegular() || info.Size() != a.Size:
		return broken("found %v of %d bytes, expected a file of %d", info.Mode(), info.Size(), a.Size)
	}
	return store.Entry{Name: name, Size: a.Size, Created: a.Created, Used: used}, nil
}

// readAbout reads an about.json and when the entry was last used.
func readAbout(name string) (a about, used time.Time, err error) {
	info, err := os.Lstat(name)
	if err != nil {
		return a, used, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxAbout {
		return a, used, fmt.Errorf("%w: %s is odd", errBroken, aboutName)
	}
	text, err := diskfile.Read(name, maxAbout)
	if err != nil {
		return a, used, err
	}
	a, err = parseAbout(text)
	return a, info.ModTime(), err
}

// parseAbout reads the text of an about.json. Its error is errBroken.
func parseAbout(text []byte) (about, error) {
	var a about
	if err := json.Unmarshal(text, &a); err != nil {
		return about{}, fmt.Errorf("%w: %s: %v", errBroken, aboutName, err)
	}
	if a.Schema != schema || a.Size < 0 {
		return about{}, fmt.Errorf("%w: %s: found schema %.40q and size %d, expected %q", errBroken, aboutName, a.Schema, a.Size, schema)
	}
	return a, nil
}

// write makes the file about.json in dir, used at its creation.
func (a about) write(s *Store, dir string) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, aboutName)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err := closeSynced(f, err); err != nil {
		return err
	}
	s.share(name)
	os.Chtimes(name, a.Created, a.Created) // for a clock that is not the system's
	return nil
}

// markUsed records that the entry is used now. It is best effort: without it
// the entry is only pruned earlier.
func (s *Store) markUsed(name string) {
	file, now := filepath.Join(s.place(name), aboutName), s.now()
	if os.Chtimes(file, now, now) == nil {
		return
	}
	// Only the owner may choose a time, but whoever may write the file makes
	// it the present by writing its first byte once more.
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return
	}
	f.WriteAt([]byte("{"), 0)
	f.Close()
}

// names returns the names of what may be the entries whose name begins with
// prefix, in no order.
func (s *Store) names(prefix string) ([]string, error) {
	found, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, d := range found {
		name, ok := strings.CutSuffix(d.Name(), suffix)
		if ok && d.IsDir() && strings.HasPrefix(name, prefix) && store.CheckName(name) == nil {
			names = append(names, name)
		}
	}
	return names, nil
}

// foreign reports whether something is at dir that is no part of an entry, or
// no directory.
func foreign(dir string) (bool, error) {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return err == nil, err
	}
	found, err := os.ReadDir(dir)
	for _, d := range found {
		if d.Name() != dataName && d.Name() != aboutName {
			return true, nil
		}
	}
	return false, err
}
