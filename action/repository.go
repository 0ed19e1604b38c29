package action

import (
	"path/filepath"
	"strings"

	"github.com/modferry/modferry/internal/diskfile"
)

// maxGitConfig is the most bytes read of a repository's configuration.
const maxGitConfig = 1 << 20

// inRepository is where dir is in the repository that the workflow is about,
// slash-separated, "" for its root: GitHub takes the files of annotations for
// those of that repository. It is checked out into the workspace or a directory
// below (input path of actions/checkout). A submodule counts as a part of it; in
// a checkout of another repository it is the place in the workspace, which no
// file of the repository is mistaken for. names are what the repository is
// called, OWNER/NAME: in a pull request also what its source is.
func inRepository(workspace, dir string, names []string) string {
	place := relative(workspace, dir)
	for at := dir; place != ""; at = filepath.Dir(at) {
		// A file .git is that of a submodule or worktree.
		if isDirectory(filepath.Join(at, ".git")) {
			if isAnother(workspace, at, names) {
				return place
			}
			return relative(at, dir)
		}
		if at == workspace || at == filepath.Dir(at) {
			break
		}
	}
	return place
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
