package starter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modferry/modferry/docs"
)

// The two entries of the action.
const (
	containerEntry = "modferry/modferry@v1"
	nativeEntry    = "modferry/modferry/action/native@v1"
)

// Advice is for a checkout whose workflows build with Go already, beside which
// another one would run every test twice.
type Advice struct {
	Say     string   // a sentence: what is there
	Text    string   // what to put there, "" for nothing
	Changes []string // what else to change there, a sentence each
}

// Advice says what to do in place of writing the workflow. It is nil where no
// workflow builds with Go.
func (c *Checkout) Advice() *Advice {
	all := c.existing()
	var lacking, there []workflow
	for _, w := range all {
		if w.modferry {
			there = append(there, w)
		} else {
			lacking = append(lacking, w)
		}
	}
	if len(all) == 0 {
		return nil
	}
	a := &Advice{Changes: changes(all)}
	if len(lacking) == 0 {
		a.Say = "modferry is in " + names(there) + " already: there is nothing to do."
		if len(a.Changes) > 0 {
			a.Say = "modferry is in " + names(there) + " already. What is left to change:"
		}
		return a
	}
	if len(c.Private) > 0 {
		a.Changes = append(a.Changes, c.access())
	}
	if c.CI == GitLab {
		a.Say = "Nothing was written: jobs of " + gitlabFile + " build with Go already. Put this into it, and extends: .modferry into each of them:"
		a.Text = c.include(lacking[0].private)
		a.Changes = append(a.Changes, "a job with a before_script or a cache of its own: see "+docs.URL+"gitlab.md#your-own-jobs")
		return a
	}
	a.Say = "Nothing was written: jobs of " + names(lacking) + " build with Go already, and another workflow would run every test twice."
	if len(there) > 0 {
		a.Say = "Nothing was written: modferry is in " + names(there) + " already. Jobs of " + names(lacking) + " build with Go without it."
	}
	a.Say += " Put this into each of them, before its first go command and behind actions/setup-go:"
	a.Text = c.steps(lacking)
	a.Changes = append(a.Changes, "--force writes "+githubFile+" all the same")
	return a
}

// steps is what workflows for GitHub lack.
func (c *Checkout) steps(lacking []workflow) string {
	var b strings.Builder
	named := !slices.ContainsFunc(lacking, func(w workflow) bool { return !w.private })
	if len(c.Private) > 0 && !named {
		fmt.Fprintf(&b, "env:\n  GOPRIVATE: %q\n", strings.Join(c.Private, ","))
	}
	b.WriteString("steps:\n")
	c.step(&b, "  ", entry(lacking))
	return b.String()
}

// entry is the one that the jobs of all these workflows can use.
func entry(all []workflow) string {
	if slices.ContainsFunc(all, func(w workflow) bool { return w.other }) {
		return nativeEntry
	}
	return containerEntry
}

// changes are what workflows have that does not go with modferry.
func changes(all []workflow) []string {
	var changes []string
	say := func(what string, has func(workflow) bool) {
		var those []workflow
		for _, w := range all {
			if has(w) {
				those = append(those, w)
			}
		}
		if len(those) > 0 {
			changes = append(changes, names(those)+": "+what)
		}
	}
	say("write uses: "+nativeEntry+" in jobs on Windows and macOS, where "+containerEntry+" fails", func(w workflow) bool { return w.misfit })
	say("write cache: false for actions/setup-go, whose cache holds the same modules; what keeps the compiled packages: "+docs.URL+"cache.md#switching-from-actionssetup-go", func(w workflow) bool { return w.setupGo })
	say("drop go mod download, which downloads every module again", func(w workflow) bool { return w.download })
	say("drop go/pkg/mod from the paths that are cached: modferry keeps the modules", func(w workflow) bool { return w.modcache })
	return changes
}

// names are the files as a sentence has them.
func names(all []workflow) string {
	var files []string
	for _, w := range all {
		files = append(files, w.file)
	}
	last := len(files) - 1
	if last == 0 {
		return files[0]
	}
	return strings.Join(files[:last], ", ") + " and " + files[last]
}
