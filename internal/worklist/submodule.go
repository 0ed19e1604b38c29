package worklist

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/modferry/modferry/internal/finding"
)

// complete is what to do about a directory that lacks its sources. Submodules
// are what a checkout in CI leaves out unless it is told otherwise.
func (l *loader) complete(dir string) string {
	submodule, file := l.emptySubmodule(dir)
	if submodule == "" {
		return finding.ReplaceDirectoryMissing.Fix
	}
	return fmt.Sprintf("check out the submodule %s (see %s), with `submodules: recursive` of actions/checkout, `GIT_SUBMODULE_STRATEGY: recursive` of GitLab, "+
		"or `git submodule update --init --recursive`", quote(submodule), l.rel(file))
}

// emptySubmodule returns the submodule that a directory is or is in, as the file
// calls it that names it, if nothing of it is checked out; "" otherwise.
func (l *loader) emptySubmodule(dir string) (submodule, file string) {
	const name = ".gitmodules"
	for at := SearchUp(dir, name); at != ""; at = SearchUp(filepath.Dir(at), name) {
		file := filepath.Join(at, name)
		data, err := l.read(file)
		if err != nil {
			return "", "" // the advice is general then
		}
		for line := range strings.Lines(string(data)) {
			key, value, ok := strings.Cut(line, "=")
			value = strings.Trim(strings.TrimSpace(value), `"`)
			if !ok || strings.TrimSpace(key) != "path" || value == "" {
				continue
			}
			sub := filepath.Join(at, filepath.FromSlash(value))
			if below(sub, at) && (sub == dir || below(dir, sub)) && isEmpty(sub) {
				return value, file
			}
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	return "", ""
}

func isEmpty(dir string) bool {
	f, err := os.Open(dir)
	if err != nil {
		return os.IsNotExist(err)
	}
	defer f.Close()
	names, err := f.Readdirnames(1)
	return len(names) == 0 && err == io.EOF
}
