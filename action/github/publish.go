package github

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/modferry/modferry/action/annotate"
	"github.com/modferry/modferry/action/forge"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/markdown"
	"github.com/modferry/modferry/internal/report/render"
	"github.com/modferry/modferry/internal/session"
)

// publish shows the result: summary, annotations, and where a token allows it a
// check run and a comment. Nothing of it can fail the step.
func (s *step) publish(ctx context.Context, res *report.Result) {
	e, err := readEvent(s.Getenv)
	s.warn(err)
	all := annotate.Of(res, s.prefix())
	for i, a := range all {
		if a.File != "" {
			all[i].File = inRepository(s.host.workspace, a.File, []string{s.Getenv("GITHUB_REPOSITORY"), e.Source})
		}
	}
	if s.inputs.on("summary") && (s.relay == nil || summarised(res)) { // or post writes one of everything
		s.warn(s.summarise(func(w io.Writer) error { return markdown.Write(w, res, markdown.Options{}) }))
	}
	if s.inputs.on("annotations") {
		writeAnnotations(s.actions, all)
		s.warn(s.installMatcher())
	}
	if s.publishesREST() {
		remarks, err := s.publishREST(ctx, res, e, all)
		if err != nil {
			s.warn(fmt.Errorf("publish: %w", err))
		}
		for _, r := range remarks {
			if r != "" {
				s.actions.Noticef("%s", r)
			}
		}
	}
}

// summarise appends a rendering to the summary of the step.
func (s *step) summarise(render func(io.Writer) error) error {
	var b bytes.Buffer
	if err := render(&b); err != nil {
		return err
	}
	return s.files.appendSummary(b.String())
}

// publishesREST reports whether inputs ask for what is published over GitHub's API.
func (s *step) publishesREST() bool { return s.inputs.on("check-run") || s.inputs.on("comment") }

// publishREST publishes over GitHub's API what inputs ask for. Refusals are
// remarks: a token of a pull request from a fork may write nothing.
func (s *step) publishREST(ctx context.Context, res *report.Result, e event, all []annotate.Annotation) (remarks []string, err error) {
	api, err := newRepositoryAPI(s.Getenv, s.inputs.own["token"], session.UserAgent(s.Tool), s.job.Transport())
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if err := markdown.Write(&body, res, markdown.Options{Limit: forge.MaxText}); err != nil {
		return nil, err
	}
	if s.inputs.on("check-run") {
		remarks = append(remarks, publishCheck(ctx, api, checkRun{
			Name: s.key(), SHA: e.HeadSHA, Conclusion: conclusion(res), Title: headline(res), Summary: body.String(), Annotations: all,
		}))
	}
	if s.inputs.on("comment") && e.PullRequest > 0 {
		remarks = append(remarks, api.thread(e.PullRequest).Publish(ctx, s.key(), body.String(), res.Outcome != report.OK || len(all) > 0))
	}
	return remarks, nil
}

// key tells apart the check runs and comments of several jobs and checkouts.
func (s *step) key() string {
	key := "modferry"
	if job := s.Getenv("GITHUB_JOB"); job != "" {
		key += " (" + job + ")"
	}
	if leg := s.inputs.own["job-index"]; leg != "" && leg != "0" {
		key += " " + leg
	}
	if prefix := s.prefix(); prefix != "" {
		key += " " + prefix
	}
	return key
}

// headline is what became of the run in a line.
func headline(res *report.Result) string {
	clause, remark := render.Of(res).Says()
	return cmp.Or(clause, remark, string(res.Outcome))
}

// prefix is the checkout's directory relative to the workspace.
func (s *step) prefix() string { return relative(s.host.workspace, s.job.Root()) }

// relative is dir relative to top, slash-separated; "" for top itself and for what
// is outside.
func relative(top, dir string) string {
	rel, err := filepath.Rel(top, dir)
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.ToSlash(rel)
}
