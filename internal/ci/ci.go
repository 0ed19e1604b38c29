// Package ci tells which CI system a job runs in, and what is known of that
// system: where it checks out, what outlasts the job there, and how its log is
// folded. It is pure and does nothing itself.
package ci

import (
	"path/filepath"
	"slices"
	"strings"
)

// System is a CI system.
type System struct {
	Name string

	// Cache is the store that modules are kept in between jobs unless a setting says
	// otherwise, where it is not a directory of the checkout.
	Cache string
	// keeps says that the system can keep a directory of the checkout for later
	// jobs, which begin on an empty machine.
	keeps bool
	// reports is the directory below Own that reports go to unless a setting says
	// otherwise, "" for none.
	reports string

	// Folded begins a closed section of the log: a title follows. End is the line that
	// ends it. "" for a system without sections.
	Folded, End string
	// Live says that the log is shown by a terminal, in which a line may rewrite
	// itself.
	Live bool

	says     []string // variables of which each job has one
	value    string   // that the variable has, "" for any
	checkout string   // the variable that names the directory it checks out into
}

// Own is modferry's directory in a checkout. The go command looks into no directory
// that begins with a dot.
const Own = ".modferry"

// The systems that get more than the table says.
const (
	GitHub = "GitHub"
	GitLab = "GitLab"
	Azure  = "Azure Pipelines"
)

// systems are the CI systems that say who they are. A later one is asked only when
// no earlier one is it. Tekton is not among them: its steps get no variable of its
// own, and its task says what would stand here.
var systems = []System{
	{Name: GitHub, says: []string{"GITHUB_ACTIONS"}, value: "true", checkout: "GITHUB_WORKSPACE", Cache: "gha"},
	{Name: GitLab, says: []string{"GITLAB_CI"}, value: "true", checkout: "CI_PROJECT_DIR", keeps: true, reports: "reports"},
	{Name: "Buildkite", says: []string{"BUILDKITE"}, value: "true", checkout: "BUILDKITE_BUILD_CHECKOUT_PATH", reports: "reports",
		// A section ends where another one begins.
		Folded: "--- ", End: "+++ the job goes on", Live: true},
	{Name: "CircleCI", says: []string{"CIRCLECI"}, value: "true", checkout: "CIRCLE_WORKING_DIRECTORY", keeps: true, reports: "reports"},
	{Name: Azure, says: []string{"TF_BUILD"}, checkout: "BUILD_SOURCESDIRECTORY", keeps: true, reports: "reports",
		Folded: "##[group]", End: "##[endgroup]"},
	// The directory's name is one of those that Bitbucket takes test results from.
	{Name: "Bitbucket Pipelines", says: []string{"BITBUCKET_BUILD_NUMBER"}, checkout: "BITBUCKET_CLONE_DIR", keeps: true, reports: "test-results"},
	{Name: "Woodpecker", says: []string{"CI"}, value: "woodpecker", checkout: "CI_WORKSPACE", reports: "reports"},
	{Name: "Drone", says: []string{"DRONE"}, value: "true", checkout: "DRONE_WORKSPACE", reports: "reports"},
	// It tells its address only where that is configured.
	{Name: "Jenkins", says: []string{"JENKINS_URL", "JENKINS_HOME"}, checkout: "WORKSPACE", reports: "reports"},
}

// Job is a job of a CI system. The zero value is none.
type Job struct {
	System
	// Checkout is the absolute directory that the system checks out into, "" when
	// it does not say.
	Checkout string
}

// Detect returns the job that the variables describe.
func Detect(getenv func(string) string) Job {
	for _, s := range systems {
		told := slices.ContainsFunc(s.says, func(name string) bool {
			value := getenv(name)
			return value != "" && (s.value == "" || value == s.value)
		})
		if !told {
			continue
		}
		j := Job{System: s}
		dir := getenv(s.checkout)
		if below, ok := strings.CutPrefix(dir, "~/"); ok { // as CircleCI writes it
			dir = filepath.Join(getenv("HOME"), below)
		}
		if filepath.IsAbs(dir) {
			j.Checkout = filepath.Clean(dir)
		}
		return j
	}
	return Job{}
}

// Own is modferry's directory in the checkout, "" when there is no checkout.
func (j Job) Own() string {
	if j.Checkout == "" {
		return ""
	}
	return filepath.Join(j.Checkout, Own)
}

// Store is the store of the job's cache, as the setting names it; "" for none.
func (j Job) Store() string {
	if j.keeps && j.Checkout != "" {
		return "dir:" + filepath.Join(j.Own(), "cache")
	}
	return j.Cache
}

// Reports is the directory that reports go to, "" for none.
func (j Job) Reports() string {
	if j.reports == "" || j.Checkout == "" {
		return ""
	}
	return filepath.Join(j.Own(), j.reports)
}
