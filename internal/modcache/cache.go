package modcache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
)

// A Cache is an open module cache. All its methods may be called at the same
// time, and beside go commands and other processes that use the same
// directory. Its errors are *failure.Error, or *ExtractError around one.
type Cache struct {
	// ModCacheRW leaves the directories of extracted trees writable, as
	// -modcacherw in GOFLAGS does. To be set before the first use.
	ModCacheRW bool

	dir     string
	run     *run // nil when opened for reading
	scratch *run // of OpenScratch: dir is its
	temps   atomic.Uint64
	crew    *crew
	rename  func(from, to string) error // diskfile.Rename
}

// Open opens the module cache in dir, an absolute path, and creates it when
// absent. The caller must Close it.
func Open(dir string) (*Cache, error) {
	c, err := open(dir)
	if err != nil {
		return nil, err
	}
	if c.run, err = openRun(filepath.Join(c.dir, "cache", "modferry"), "run-"); err != nil {
		return nil, openErr(dir, err)
	}
	return c, nil
}

// OpenScratch opens an empty module cache in a directory of its own below home,
// whose name begins with prefix. Close removes it; those of processes that are
// gone are removed by the next call.
func OpenScratch(home, prefix string) (*Cache, error) {
	r, err := openRun(home, prefix)
	if err != nil {
		return nil, openErr(home, err)
	}
	c, err := Open(r.dir)
	if err != nil {
		return nil, errors.Join(err, local("remove module cache", r.end()))
	}
	c.scratch = r
	return c, nil
}

// OpenForReading opens the module cache in dir without writing anything
// there, for Verify and the questions. What stands in the way of a zip is
// then not repaired, and every method that writes fails. An absent directory
// is an empty module cache.
func OpenForReading(dir string) (*Cache, error) { return open(dir) }

func open(dir string) (*Cache, error) {
	if !filepath.IsAbs(dir) {
		return nil, &failure.Error{
			Class:  failure.LocalIO,
			Op:     "open module cache",
			Detail: fmt.Sprintf("found %q, expected an absolute path; correct GOMODCACHE (or GOPATH) or pass --modcache", dir),
		}
	}
	dir = filepath.Clean(dir)
	switch info, err := os.Stat(dir); {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, openErr(dir, err)
	case !info.IsDir():
		return nil, openErr(dir, errors.New("not a directory"))
	}
	return &Cache{dir: dir, crew: newCrew(), rename: diskfile.Rename}, nil
}

func openErr(dir string, err error) error {
	class := localClass(err)
	advice := "choose another directory with --modcache or GOMODCACHE"
	switch class {
	case failure.Permission:
		advice = "make it writable for this user, or " + advice
	case failure.DiskFull:
		advice = "free some space there, or " + advice
	}
	return &failure.Error{
		Class:  class,
		Op:     "open module cache",
		Detail: fmt.Sprintf("%s cannot be used; %s", dir, advice),
		Err:    err,
	}
}

// Close removes the temporary files of this run. No method may be running.
// The module cache stays, unless it is a scratch one; the Cache can't be used any more.
func (c *Cache) Close() error {
	if c.run == nil {
		return nil
	}
	r := c.run
	c.run = nil
	err := r.end()
	if c.scratch != nil {
		err = errors.Join(err, c.scratch.end())
	}
	return local("close module cache", err)
}

// Dir is the directory of the module cache, GOMODCACHE.
func (c *Cache) Dir() string { return c.dir }

// Temp makes an empty file for reading and writing on the file system of the
// module cache. The caller closes and removes it, or hands it to PutZip.
func (c *Cache) Temp() (*os.File, error) {
	name, err := c.tempName()
	if err != nil {
		return nil, err
	}
	f, err := createTemp(name)
	return f, local("create temporary file", err)
}

// createTemp makes a file that may later be renamed into the module cache,
// where files are 0666 less the umask.
func createTemp(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
}

func (c *Cache) tempName() (string, error) {
	if c.run == nil {
		return "", &failure.Error{
			Class:  failure.Permission,
			Op:     "write to module cache",
			Detail: c.dir + " is not open for writing",
		}
	}
	return filepath.Join(c.run.dir, strconv.FormatUint(c.temps.Add(1), 10)), nil
}
