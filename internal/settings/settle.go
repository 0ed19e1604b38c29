package settings

import "github.com/modferry/modferry/internal/ci"

// settleCache fills in the store, whose default depends on the CI system: jobs that
// begin with an empty module cache again and again want one, a machine that keeps
// its own does not.
func (v *Values) settleCache(getenv func(string) string) {
	if v.Cache != "" {
		return
	}
	v.Cache = off
	if job := ci.Detect(getenv); job.Store() != "" {
		v.Cache, v.Sources["cache"] = job.Store(), "default on "+job.Name
	}
}

// off is the value that switches off what is a place otherwise.
const off = "off"

// settleReports fills in where reports go.
func (v *Values) settleReports(getenv func(string) string) {
	if job := ci.Detect(getenv); v.Reports == "" && job.Reports() != "" {
		v.Sources["reports"] = "default on " + job.Name
	}
	v.Reports = ReportsDir(v.Reports, getenv)
}

// ReportsDir is where reports go when given is what was said about it: "" for
// nothing, which means where jobs of the CI system can hand them over, and nowhere
// outside of CI. The result is "" for nowhere.
func ReportsDir(given string, getenv func(string) string) string {
	switch given {
	case off:
		return ""
	case "":
		return ci.Detect(getenv).Reports()
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
