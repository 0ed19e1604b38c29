package github

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/modferry/modferry/internal/diskfile"
)

// maxGitConfig is the most bytes read of a repository's configuration.
const maxGitConfig = 1 << 20

// inRepository is where a file of the workspace is in the repository that the
// workflow is about, both slash-separated and relative: GitHub takes the files of
// annotations for those of that repository. It is checked out into the workspace
// or a directory below (input path of actions/checkout), others beside it. A
// submodule counts as a part of it; a file in a checkout of another repository
// keeps its place in the workspace, which no file of the repository is mistaken
// for. names are what the repository is called, OWNER/NAME: in a pull request also
// what its source is.
func inRepository(workspace, file string, names []string) string {
	for at := path.Dir(file); ; at = path.Dir(at) {
		// A file .git is that of a submodule or worktree.
		if checkout := filepath.Join(workspace, filepath.FromSlash(at)); isDirectory(filepath.Join(checkout, ".git")) {
			if at == "." || isAnother(workspace, checkout, names) {
				return file
			}
			return strings.TrimPrefix(file, at+"/")
		}
		if at == "." || at == "/" {
			return file
		}
	}
}

// isAnother reports whether a checkout has only other repositories than those as
// its remotes. One that cannot be read, or has none, does not.
func isAnother(workspace, checkout string, names []string) bool {
	config, err := diskfile.ReadIn(workspace, filepath.Join(checkout, ".git", "config"), maxGitConfig)
	if err != nil {
		return false
	}
	remote, others := false, false
	for line := range strings.Lines(string(config)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			remote = strings.HasPrefix(line, "[remote ")
			continue
		}
		key, url, ok := strings.Cut(line, "=")
		if !remote || !ok || strings.TrimSpace(key) != "url" {
			continue
		}
		url = strings.ToLower(strings.TrimSuffix(strings.TrimRight(strings.TrimSpace(url), "/"), ".git"))
		url = strings.ReplaceAll(url, ":", "/") // git@HOST:OWNER/NAME
		for _, name := range names {
			if name != "" && strings.HasSuffix(url, "/"+strings.ToLower(name)) {
				return false
			}
		}
		others = true
	}
	return others
}
