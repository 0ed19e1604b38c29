package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/ci"
	"github.com/modferry/modferry/internal/diskfile"
)

// configName is the name of the configuration file.
const configName = ".modferry.yaml"

// maxParents bounds the search for the configuration file.
const maxParents = 64

// surroundings are what a directory belongs to.
type surroundings struct {
	// root is the nearest repository, else what the CI system calls the
	// checkout, else the nearest workspace, else the nearest module, else the
	// directory itself. The configuration file is searched for up to it, and no
	// file is read through a link that leads out of it.
	root string
	// checkout is the largest directory whose files a change of the checkout can
	// write: what the CI system checks out into, the outermost repository (a
	// submodule is in another one), else root.
	checkout string
}

// surround looks at dir and its parents. The CI system's directory counts when
// dir is below it.
func surround(dir string, files Files, getenv func(string) string) surroundings {
	dir = filepath.Clean(dir)
	var s surroundings
	var outermost, workspace, module, system string
	given := getenv("GITHUB_WORKSPACE")
	if given == "" {
		given = getenv("CI_PROJECT_DIR")
	}
	if given == "" {
		given = ci.Detect(getenv).Checkout
	}
	if given != "" {
		given = files.Real(given)
	}
	for n, at := 0, dir; n < maxParents; n++ {
		if given != "" && files.Real(at) == given {
			system = at
		}
		if isRepository(at, files) {
			if s.root == "" {
				s.root = at
			}
			outermost = at
		}
		if workspace == "" && files.IsFile(filepath.Join(at, "go.work")) {
			workspace = at
		}
		if module == "" && files.IsFile(filepath.Join(at, "go.mod")) {
			module = at
		}
		parent := above(at)
		if parent == at {
			break
		}
		at = parent
	}
	for _, candidate := range []string{system, workspace, module, dir} {
		if s.root == "" {
			s.root = candidate
		}
	}
	s.checkout = s.root
	for _, larger := range []string{outermost, system} {
		if larger != "" && within(files.Real(larger), files.Real(s.checkout)) {
			s.checkout = larger
		}
	}
	return s
}

// openConfig finds, reads and checks the configuration file. Without one it
// returns an empty config; v.ConfigFile and its source then say so.
// alone says that there is no checkout.
func openConfig(v *Values, files Files, getenv func(string) string, alone bool) (*config, error) {
	if alone {
		if v.ConfigFile == "" {
			return &config{}, nil
		}
		return readConfig(v, place{dir: filepath.Dir(v.ConfigFile), files: files}, "", v.ConfigFile)
	}
	around := surround(v.Dir, files, getenv)
	v.Checkout.Root = files.Abs(around.root)
	at := place{root: around.checkout, files: files}
	if v.ConfigFile != "" {
		// A link from outside counts as what it leads to; one in the checkout is
		// the checkout's, wherever it leads.
		name, root := v.ConfigFile, ""
		inside := within(files.Abs(around.checkout), files.Abs(name))
		if !inside && at.contains(name) {
			inside, name = true, files.Real(name)
		}
		if inside {
			root = around.checkout
		}
		at.dir, at.ofCheckout = filepath.Dir(v.ConfigFile), inside
		return readConfig(v, at, root, name)
	}
	path, data, err := findConfig(v.Dir, around.root, files)
	if err != nil || path == "" {
		return &config{}, err
	}
	v.ConfigFile = path
	shown := path
	if rel, err := filepath.Rel(v.Dir, path); err == nil {
		shown = filepath.ToSlash(rel)
	}
	v.Sources["config"] = "file " + shown
	at.dir, at.ofCheckout = filepath.Dir(path), true
	return parseConfig(at, shown, data)
}

// readConfig reads the configuration file that was named. With a root, no link is
// followed that leads out of it.
func readConfig(v *Values, at place, root, name string) (*config, error) {
	where := v.Sources["config"]
	data, err := at.files.Read(root, name, maxYAML)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, newError(where, "no file "+quote(v.ConfigFile), "a configuration file", "correct the path or leave it out")
	}
	if err != nil {
		return nil, unreadable(where, v.ConfigFile, err)
	}
	return parseConfig(at, v.ConfigFile, data)
}

// Profiles returns the names of the profiles of the configuration file that
// Resolve would read, sorted; nil when it would refuse or find none.
func Profiles(flags map[string]string, getenv func(string) string, files Files) []string {
	v := &Values{Sources: map[string]string{}}
	for _, s := range Table() {
		if s.Name != "dir" && s.Name != "config" {
			continue
		}
		if err := v.set(s, first(outside(s, flags, flagForm, getenv))); err != nil {
			return nil
		}
	}
	file, err := openConfig(v, files, getenv, false)
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(file.profiles))
}

// unreadable is the error about a configuration file that cannot be read.
func unreadable(where, name string, err error) *Error {
	var escape *diskfile.EscapeError
	var size *diskfile.SizeError
	var kind *diskfile.KindError
	switch {
	case errors.As(err, &escape):
		return newError(where, quote(name)+", a link that leads out of the checkout", "a file of the checkout",
			"put the file itself there, or name the other one with --config")
	case errors.As(err, &size):
		return newError(where, fmt.Sprintf("%d bytes", size.Size), fmt.Sprintf("at most %d", size.Limit), "")
	case errors.As(err, &kind):
		return newError(where, err.Error(), "a configuration file", "correct the path or remove it")
	}
	return asError(where, err, "a readable configuration file", "")
}

// findConfig looks for the configuration file in dir and its parents up to
// root. Beyond it nothing is read, because a directory above a checkout, such
// as /tmp, may be anybody's.
func findConfig(dir, root string, files Files) (path string, data []byte, err error) {
	for n, at := 0, filepath.Clean(dir); n < maxParents; n++ {
		path := filepath.Join(at, configName)
		if files.IsFile(path) {
			data, err := files.Read(root, path, maxYAML)
			if err != nil {
				return "", nil, unreadable(path, path, err)
			}
			return path, data, nil
		}
		if other := filepath.Join(at, ".modferry.yml"); files.IsFile(other) {
			return "", nil, newError(other, "a configuration file with the ending .yml", "the name "+configName, "rename the file")
		}
		if parent := above(at); at != root && parent != at {
			at = parent
			continue
		}
		break
	}
	return "", nil, nil
}

// above is the parent of a cleaned path, also of a relative one: of "." it is
// "..", of "..", "../..".
func above(path string) string {
	if path == "." {
		return ".."
	}
	if path == ".." || strings.HasSuffix(path, string(filepath.Separator)+"..") {
		return filepath.Join(path, "..")
	}
	return filepath.Dir(path)
}

// isRepository reports whether dir is the root of a version-control checkout.
// The marks are files; .git is one in a worktree or submodule.
func isRepository(dir string, files Files) bool {
	return slices.ContainsFunc([]string{".git/HEAD", ".git", ".hg/requires", ".svn/format", ".jj/working_copy/type"}, func(mark string) bool {
		return files.IsFile(filepath.Join(dir, filepath.FromSlash(mark)))
	})
}
