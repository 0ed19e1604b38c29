package github

import (
	"bytes"
	"crypto/rand"

	"github.com/modferry/modferry/action/annotate"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/markdown"
)

// Publish shows a result in a step that is none of the action's: in its summary, and
// as annotations of the log that Stdout is. root is the checkout, "" when there is
// none. The remarks say what could not be shown, which is never a reason to fail.
func (p Process) Publish(res *report.Result, root string) (remarks []string) {
	var b bytes.Buffer
	err := markdown.Write(&b, res, markdown.Options{})
	if err == nil {
		files := &fileCommands{getenv: p.Getenv, random: rand.Reader}
		err = files.appendSummary(b.String())
	}
	if err != nil {
		remarks = append(remarks, "the step has no summary: "+err.Error())
	}
	writeAnnotations(Commands(p.Stdout), annotate.Of(res, relative(p.Getenv("GITHUB_WORKSPACE"), root)))
	return remarks
}
