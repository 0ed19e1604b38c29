package action

import (
	"path/filepath"
	"strings"

	"github.com/modferry/modferry/internal/diskfile"
)

// maxGitConfig is the most bytes read of a repository's configuration.
const maxGitConfig = 1 << 20

// inRepository is where dir is in the repository that the workflow belongs to,
// slash-separated, "" for its root: GitHub takes the files of annotations for
// those of that repository. It is checked out into the workspace or a directory
// below (input path of actions/checkout). A submodule counts as a part of it; in
// a checkout of another repository it is the place in the workspace, which no
// file of the repository is mistaken for.
func inRepository(workspace, dir, repository string) string {
	place := relative(workspace, dir)
	for at := dir; place != ""; at = filepath.Dir(at) {
		// A file .git is that of a submodule or worktree.
		if isDirectory(filepath.Join(at, ".git")) {
			if isAnother(workspace, at, repository) {
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

// isAnother reports whether a checkout names only other repositories than the
// workflow's as its remotes. One that cannot be read, or names none, does not.
func isAnother(workspace, checkout, repository string) bool {
	config, err := diskfile.ReadIn(workspace, filepath.Join(checkout, ".git", "config"), maxGitConfig)
	if err != nil || repository == "" {
		return false
	}
	remote, others := false, false
	for line := range strings.Lines(string(config)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			remote = strings.HasPrefix(line, "[remote ")
			continue
		}
		name, url, ok := strings.Cut(line, "=")
		if !remote || !ok || strings.TrimSpace(name) != "url" {
			continue
		}
		url = strings.ToLower("/" + strings.TrimSuffix(strings.TrimRight(strings.TrimSpace(url), "/"), ".git"))
		if want := strings.ToLower(repository); strings.HasSuffix(url, "/"+want) || strings.HasSuffix(url, ":"+want) {
			return false
		}
		others = true
	}
	return others
}
