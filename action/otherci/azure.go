package otherci

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/modferry/modferry/action/annotate"
	"github.com/modferry/modferry/action/owndir"
	"github.com/modferry/modferry/internal/ci"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/markdown"
)

// perLevel is how many issues of a type Azure Pipelines shows of a step.
const perLevel = 10

// Publish shows a result where the system has a place for it beside the log, which w
// is: on Azure Pipelines as a summary of the run and as issues. root is the checkout
// of the run, "" when there is none. The remarks say what could not be shown, which
// is never a reason to fail.
func (j *Job) Publish(w io.Writer, res *report.Result, root string) (remarks []string) {
	if j == nil || j.job.Name != ci.Azure {
		return nil
	}
	commands := outlet.Commands(w)
	if name, err := j.summarise(res); err != nil {
		remarks = append(remarks, "the run has no summary: "+err.Error())
	} else if name != "" {
		fmt.Fprintln(commands, "##vso[task.uploadsummary]"+escapeData.Replace(name))
	}
	prefix, _ := owndir.Within(j.job.Checkout, root)
	for _, a := range annotate.Foremost(annotate.Of(res, prefix), perLevel) {
		if a.Level != annotate.LevelNotice { // Azure has no such type
			fmt.Fprintln(commands, issue(a))
		}
	}
	return remarks
}

// summarise writes the summary into the agent's directory for temporary files, which
// it empties after the job, and returns its name; "" when there is no such directory.
// The agent reads the file when the step has ended, so each run has its own.
func (j *Job) summarise(res *report.Result) (name string, err error) {
	dir := j.getenv("AGENT_TEMPDIRECTORY")
	if !filepath.IsAbs(dir) {
		return "", nil
	}
	f, err := os.CreateTemp(dir, "modferry-*.md")
	if err != nil {
		return "", err
	}
	err = markdown.Write(f, res, markdown.Options{})
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// issue is the command that shows an annotation.
func issue(a annotate.Annotation) string {
	var b strings.Builder
	b.WriteString("##vso[task.logissue type=" + string(a.Level))
	if a.File != "" {
		b.WriteString(";sourcepath=" + escapeProperty.Replace(failure.Plain(a.File)))
		if a.Line > 0 {
			b.WriteString(";linenumber=" + strconv.Itoa(a.Line))
		}
	}
	b.WriteString("]" + escapeData.Replace(a.Title+": "+a.Message))
	return b.String()
}

// The agent's escapes (azure-pipelines-agent, Command.cs). A text that looks like one
// of them must not become what it stands for.
var (
	escapeData     = strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A")
	escapeProperty = strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A", "]", "%5D", ";", "%3B")
)
