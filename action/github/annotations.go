package github

import (
	"strconv"

	"github.com/sethvargo/go-githubactions"

	"github.com/modferry/modferry/action/annotate"
)

// perLevel is how many annotations of a level the runner keeps of a step.
const perLevel = 10

// writeAnnotations issues annotations as workflow commands, perLevel of each
// level: the runner would drop more. Those without a line are chosen first, since
// each stands for many modules. The summary has them all.
func writeAnnotations(actions *githubactions.Action, as []annotate.Annotation) {
	chosen := map[int]bool{}
	written := map[annotate.Level]int{}
	for _, ofLine := range []bool{false, true} {
		for i, a := range as {
			if (a.Line > 0) == ofLine && written[a.Level] < perLevel {
				written[a.Level]++
				chosen[i] = true
			}
		}
	}
	for i, a := range as {
		if !chosen[i] {
			continue
		}
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
