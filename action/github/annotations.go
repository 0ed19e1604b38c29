package github

import (
	"strconv"

	"github.com/sethvargo/go-githubactions"

	"github.com/modferry/modferry/action/annotate"
)

// perLevel is how many annotations of a level the runner keeps of a step.
const perLevel = 10

// writeAnnotations issues annotations as workflow commands, as many as the runner
// does not drop. The summary has them all.
func writeAnnotations(actions *githubactions.Action, as []annotate.Annotation) {
	for _, a := range annotate.Foremost(as, perLevel) {
		properties := githubactions.CommandProperties{"title": a.Title}
		if a.File != "" {
			properties["file"] = a.File
			if a.Line > 0 {
				properties["line"] = strconv.Itoa(a.Line)
			}
		}
		actions.IssueCommand(&githubactions.Command{Name: string(a.Level), Message: a.Message, Properties: properties})
	}
}
