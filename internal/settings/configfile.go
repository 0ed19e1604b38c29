package settings

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// configName is the name of the configuration file.
const configName = ".modferry.yaml"

// maxParents bounds the search for the configuration file.
const maxParents = 64

// openConfig finds, reads and checks the configuration file. Without one it
// returns an empty config; v.ConfigFile and its source then say so.
func openConfig(v *Values, readFile func(string) ([]byte, error)) (*config, error) {
	if v.ConfigFile != "" {
		where := v.Sources["config"]
		data, err := readFile(v.ConfigFile)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, newError(where, "no file "+quote(v.ConfigFile), "a configuration file", "correct the path or leave it out")
		}
		if err != nil {
			return nil, asError(where, err, "a readable file", "")
		}
		return parseConfig(v.ConfigFile, v.ConfigFile, data)
	}
	path, data, err := findConfig(v.Dir, readFile)
	if err != nil || path == "" {
		return &config{}, err
	}
	v.ConfigFile = path
	shown := path
	if rel, err := filepath.Rel(v.Dir, path); err == nil {
		shown = filepath.ToSlash(rel)
	}
	v.Sources["config"] = "file " + shown
	return parseConfig(path, shown, data)
}

// findConfig looks for the configuration file in dir and its parents. The
// search ends at the root of what dir belongs to: the nearest repository, else
// the nearest workspace, else the nearest module, else dir itself. Beyond it
// nothing is read, because a directory above a checkout, such as /tmp, may be
// anybody's.
func findConfig(dir string, readFile func(string) ([]byte, error)) (path string, data []byte, err error) {
	type stage struct {
		path string
		data []byte
		err  error
	}
	const nowhere = maxParents
	var stages []stage
	repository, workspace, module := nowhere, nowhere, nowhere
	for n, at := 0, filepath.Clean(dir); n < maxParents && repository == nowhere; n++ {
		path := filepath.Join(at, configName)
		data, err := readFile(path)
		if isMissing(err) {
			if other := filepath.Join(at, ".modferry.yml"); exists(other, readFile) {
				path, err = other, newError(other, "a configuration file with the ending .yml", "the name "+configName, "rename the file")
			}
		}
		stages = append(stages, stage{path, data, err})
		if isRepository(at, readFile) {
			repository = n
		}
		if workspace == nowhere && exists(filepath.Join(at, "go.work"), readFile) {
			workspace = n
		}
		if module == nowhere && exists(filepath.Join(at, "go.mod"), readFile) {
			module = n
		}
		parent := above(at)
		if parent == at {
			break
		}
		at = parent
	}
	top := 0
	for _, n := range []int{repository, workspace, module} {
		if n != nowhere {
			top = n
			break
		}
	}
	for _, s := range stages[:top+1] {
		if isMissing(s.err) {
			continue
		}
		if s.err != nil {
			return "", nil, asError(s.path, s.err, "a readable configuration file", "")
		}
		return s.path, s.data, nil
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
// The marks are files, since readFile reads no directories; .git is one in a
// worktree or submodule.
func isRepository(dir string, readFile func(string) ([]byte, error)) bool {
	return slices.ContainsFunc([]string{".git/HEAD", ".git", ".hg/requires", ".svn/format", ".jj/working_copy/type"}, func(mark string) bool {
		return exists(filepath.Join(dir, filepath.FromSlash(mark)), readFile)
	})
}

// exists reports whether there is a file: one that may not be read is there,
// too.
func exists(path string, readFile func(string) ([]byte, error)) bool {
	_, err := readFile(path)
	return err == nil || errors.Is(err, fs.ErrPermission)
}

// isMissing reports whether a file is not there. "Not a directory" counts,
// too: whatever dir is, it holds no configuration file; the work list explains
// what is wrong with it.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
