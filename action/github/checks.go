package github

import (
	"context"
	"fmt"

	"github.com/google/go-github/v60/github"

	"github.com/modferry/modferry/action/annotate"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// checkRun is a completed check run.
type checkRun struct {
	Name        string // as the pull request shows it, e.g. "modferry"
	SHA         string // of the commit it is about
	Conclusion  string // see conclusion
	Title       string // one line
	Summary     string // Markdown of at most forge.MaxText bytes, not ""
	Annotations []annotate.Annotation
}

// annotationsPerRequest is the API's limit.
const annotationsPerRequest = 50

// conclusion is the conclusion of the check run. A run that deferred everything
// has proved nothing and is neutral.
func conclusion(r *report.Result) string {
	switch {
	case r.Outcome == report.NotReady:
		return "neutral" // the build decides
	case r.Outcome != report.OK:
		return "failure"
	case len(r.Modules) > 0 && r.Totals.BySource[report.FromDeferred] == len(r.Modules):
		return "neutral"
	}
	return "success"
}

// publishCheck publishes a check run with all annotations. It returns "" or why
// it could not, in a sentence: that is never a reason to fail.
func publishCheck(ctx context.Context, g *repositoryAPI, c checkRun) (remark string) {
	const what = "the check run was not published"
	if c.SHA == "" {
		return what + ": the commit is unknown"
	}
	c.Title = annotate.Title(failure.Plain(c.Title))
	all := c.Annotations
	var id int64
	for sent := 0; ; {
		c.Annotations = all[sent:min(sent+annotationsPerRequest, len(all))]
		var err error
		if id, err = c.put(ctx, g, id); err != nil && sent == 0 {
			return meanings("checks").Because(what, err)
		} else if err != nil {
			return meanings("checks").Because(fmt.Sprintf("the check run has only %d of %d annotations", sent, len(all)), err)
		}
		if sent += len(c.Annotations); sent == len(all) {
			return ""
		}
	}
}

// put creates a check run, or updates the one with this id when it is not 0: its
// texts are replaced, its annotations added. It returns the id.
func (c checkRun) put(ctx context.Context, g *repositoryAPI, id int64) (int64, error) {
	out := &github.CheckRunOutput{Title: &c.Title, Summary: &c.Summary}
	for _, a := range c.Annotations {
		out.Annotations = append(out.Annotations, checkAnnotation(a))
	}
	if id != 0 {
		_, resp, err := g.Checks.UpdateCheckRun(ctx, g.owner, g.name, id, github.UpdateCheckRunOptions{
			Name: c.Name, Status: github.String("completed"), Conclusion: &c.Conclusion, Output: out,
		})
		return id, g.failed(resp, err)
	}
	run, resp, err := g.Checks.CreateCheckRun(ctx, g.owner, g.name, github.CreateCheckRunOptions{
		Name: c.Name, HeadSHA: c.SHA, Status: github.String("completed"), Conclusion: &c.Conclusion, Output: out,
	})
	return run.GetID(), g.failed(resp, err)
}

// checkAnnotation gives an annotation a file and a line, which the API requires;
// without a file it is .github, which GitHub itself uses for such annotations.
func checkAnnotation(a annotate.Annotation) *github.CheckRunAnnotation {
	file, line, level := a.File, max(a.Line, 1), string(a.Level)
	if file == "" {
		file, line = ".github", 1
	}
	if a.Level == annotate.LevelError {
		level = "failure"
	}
	x := &github.CheckRunAnnotation{Path: &file, StartLine: &line, EndLine: &line, AnnotationLevel: &level, Message: &a.Message}
	if a.Title != "" {
		x.Title = &a.Title
	}
	return x
}
