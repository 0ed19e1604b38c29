package github

import (
	"context"
	"fmt"
	"net/http"

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
	annotations := []checkAnnotation{}
	for _, a := range c.Annotations {
		annotations = append(annotations, checkAnnotationOf(a))
	}
	out := map[string]any{"title": c.Title, "summary": c.Summary, "annotations": annotations}
	run := map[string]any{"name": c.Name, "status": "completed", "conclusion": c.Conclusion, "output": out}
	if id != 0 {
		return id, g.Call(ctx, http.MethodPatch, fmt.Sprintf("%s/check-runs/%d", g.path, id), run, nil)
	}
	run["head_sha"] = c.SHA
	var created struct{ ID int64 }
	err := g.Call(ctx, http.MethodPost, g.path+"/check-runs", run, &created)
	return created.ID, err
}

type checkAnnotation struct {
	Path    string `json:"path"`
	First   int    `json:"start_line"`
	Last    int    `json:"end_line"`
	Level   string `json:"annotation_level"`
	Title   string `json:"title,omitempty"`
	Message string `json:"message"`
}

// checkAnnotationOf gives an annotation a file and a line, which the API requires;
// without a file it is .github, which GitHub itself uses for such annotations.
func checkAnnotationOf(a annotate.Annotation) checkAnnotation {
	x := checkAnnotation{a.File, max(a.Line, 1), max(a.Line, 1), string(a.Level), a.Title, a.Message}
	if a.File == "" {
		x.Path, x.First, x.Last = ".github", 1, 1
	}
	if a.Level == annotate.LevelError {
		x.Level = "failure"
	}
	return x
}
