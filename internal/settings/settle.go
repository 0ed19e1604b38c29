package settings

// settleCache fills in the store, whose default depends on the place: jobs of a CI system begin with an empty module cache again and again,
// a person's machine keeps its own.
func (v *Values) settleCache(getenv func(string) string) {
	if v.Cache == "" {
		switch {
		case getenv("GITHUB_ACTIONS") == "true":
			v.Cache, v.Sources["cache"] = "gha", "default on GitHub"
		case gitLabDir(getenv) != "":
			v.Cache, v.Sources["cache"] = "dir:"+gitLabDir(getenv)+"/cache", "default on GitLab"
		default:
			v.Cache = off
		}
	}
}

// off is the value that switches off what is a place otherwise.
const off = "off"

// gitLabDir is where a job of GitLab keeps what outlasts it, "" elsewhere:
// GitLab takes caches and artifacts from below the project's directory only,
// and the go command does not look into a directory whose name begins with a dot.
func gitLabDir(getenv func(string) string) string {
	if dir := getenv("CI_PROJECT_DIR"); getenv("GITLAB_CI") == "true" && dir != "" {
		return dir + "/.modferry"
	}
	return ""
}

// settleReports fills in where reports go.
func (v *Values) settleReports(getenv func(string) string) {
	if v.Reports == "" && gitLabDir(getenv) != "" {
		v.Sources["reports"] = "default on GitLab"
	}
	v.Reports = ReportsDir(v.Reports, getenv)
}

// ReportsDir is where reports go when given is what was said about it: "" for
// nothing, which means where GitLab's jobs can hand them over and nowhere
// elsewhere. The result is "" for nowhere.
func ReportsDir(given string, getenv func(string) string) string {
	switch dir := gitLabDir(getenv); {
	case given == off:
		return ""
	case given == "" && dir != "":
		return dir + "/reports"
	}
	return given
}

// settleLoudness rules out --quiet together with --verbose, unless one was given
// in a stronger place, as a flag is stronger than a variable.
func (v *Values) settleLoudness(quiet, verbose level) error {
	switch {
	case !v.Quiet || !v.Verbose:
	case quiet > verbose:
		v.Verbose = false
	case quiet < verbose:
		v.Quiet = false
	default:
		return newError(v.Sources["quiet"], "quiet together with verbose", "one of the two", "leave one out")
	}
	return nil
}
