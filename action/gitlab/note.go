package gitlab

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/modferry/modferry/action/annotate"
	"github.com/modferry/modferry/action/forge"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/markdown"
	"github.com/modferry/modferry/internal/settings"
)

// NoteOptions is what a note needs besides the result.
type NoteOptions struct {
	Root      string // of the checkout
	Agent     string // User-Agent, e.g. "modferry/1.2.3"
	Transport func(setting, caFile string) (http.RoundTripper, error)
}

// noteLimit is how long a job waits for its note, all requests together.
const noteLimit = time.Minute

// Note keeps one note on the merge request up to date if there is a token that may
// write one; GitLab does not accept the job's own, CI_JOB_TOKEN, for notes. It
// returns "", or why there is no note in a sentence: that is never a reason to fail.
// Without a token, or outside a merge request pipeline, it does nothing.
//
// The pipeline for a fork's merge request runs in the fork, whose variables have
// no token for the project that the merge request goes into.
func (g *Job) Note(ctx context.Context, res *report.Result, o NoteOptions) (remark string) {
	if g == nil {
		return ""
	}
	token, iid := strings.TrimSpace(g.getenv(settings.GitLabToken)), g.getenv("CI_MERGE_REQUEST_IID")
	if token == "" || iid == "" {
		return ""
	}
	const none = "the merge request has no comment: "
	number, err := strconv.Atoi(iid)
	if err != nil || number <= 0 {
		return none + "CI_MERGE_REQUEST_IID is not a number"
	}
	// The runner puts the CA certificates of GitLab's server into this file.
	const caFile = "CI_SERVER_TLS_CA_FILE"
	transport, err := o.Transport(caFile, g.getenv(caFile))
	if err != nil {
		return none + failure.Plain(err.Error())
	}
	project := g.getenv("CI_MERGE_REQUEST_PROJECT_ID") // the one that the merge request goes into
	if _, err := strconv.ParseUint(project, 10, 63); err != nil {
		return none + fmt.Sprintf("found CI_MERGE_REQUEST_PROJECT_ID %q, expected a number", failure.Plain(project))
	}
	server, err := forge.NewServer("CI_API_V4_URL", g.getenv("CI_API_V4_URL"), token, transport)
	if err != nil {
		return none + err.Error()
	}
	prefix, _ := g.within(o.Root)
	var body bytes.Buffer
	if err := markdown.Write(&body, res, markdown.Options{Limit: forge.MaxText}); err != nil {
		return none + err.Error()
	}
	ctx, end := context.WithTimeout(ctx, noteLimit)
	defer end()
	comments := &notes{server, token, o.Agent, fmt.Sprintf("projects/%s/merge_requests/%d/notes", project, number)}
	return forge.Thread{Comments: comments, Change: "merge request", Meanings: meanings}.
		Publish(ctx, g.key(prefix), noQuickActions(body.String()), res.Outcome != report.OK || len(annotate.Of(res, prefix)) > 0)
}

var meanings = forge.Meanings{
	http.StatusUnauthorized: "the token in " + settings.GitLabToken + " has expired or is not for this server",
	http.StatusForbidden: "the token in " + settings.GitLabToken +
		" is not allowed to do that: it needs the scope api and at least the role Reporter in the project that the merge request goes into",
	http.StatusNotFound:        "this server has no such merge request, or the token in " + settings.GitLabToken + " cannot see it",
	http.StatusTooManyRequests: "the rate limit of the server is reached",
}

// key tells apart the notes of several jobs and checkouts.
func (g *Job) key(prefix string) string {
	return strings.TrimSpace("modferry (" + g.getenv("CI_JOB_NAME") + ") " + prefix)
}

// noQuickActions escapes every line that GitLab might take for a quick action:
// /merge at the start of a line is carried out in the name of the author.
func noQuickActions(markdown string) string {
	var b strings.Builder
	for line := range strings.Lines(markdown) {
		if text := strings.TrimLeft(line, " \t>"); strings.HasPrefix(text, "/") {
			line = line[:len(line)-len(text)] + `\` + text
		}
		b.WriteString(line)
	}
	return b.String()
}
