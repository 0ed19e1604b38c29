package action

import (
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/goenv/assign"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/export"
	"github.com/modferry/modferry/internal/report/html"
	"github.com/modferry/modferry/internal/settings"
)

// The files of the reports directory, as the template's artifacts:reports name
// them.
const (
	fileCodeQuality = "gl-code-quality-report.json"
	fileJUnit       = "junit.xml"
	fileMetrics     = "metrics.txt"
	fileAnnotations = "annotations.json"
	fileDotenv      = "modferry.env"
	fileHTML        = "report.html"
	fileResult      = "result.json"
)

// ReportFile is a file of the reports directory.
type ReportFile struct {
	Name string
	Data []byte // nil when there is to be none: one of an earlier run would be wrong
}

// Reports is a result to be handed to GitLab, and to any CI system that reads
// JUnit.
type Reports struct {
	Result  *report.Result
	Root    string         // of the checkout, "" when it is not known
	Dir     string         // the reports directory
	Exports []fetch.Export // for jobs of later stages
}

// Files renders the reports. The remarks say what could not be handed over:
// that is never a reason to fail. Outside GitLab, where g is nil, positions are
// relative to the checkout and there are no links.
func (g *GitLab) Files(r Reports) (files []ReportFile, remarks []string) {
	prefix, _ := g.within(r.Root)
	place := export.Place{Dir: prefix}
	for _, f := range []struct {
		name   string
		render func(io.Writer, *report.Result) error
	}{
		{fileResult, report.JSON},
		{fileHTML, html.Write},
		{fileCodeQuality, place.CodeQuality},
		{fileJUnit, place.JUnit},
		{fileMetrics, export.Prometheus},
	} {
		var b bytes.Buffer
		if err := f.render(&b, r.Result); err != nil {
			remarks = append(remarks, f.name+" was not written: "+err.Error())
			b.Reset()
		}
		files = append(files, ReportFile{f.name, b.Bytes()})
	}
	if g == nil {
		return files, remarks
	}
	links, remark := g.annotations(r.Dir)
	variables, left := dotenv(r.Exports)
	files = append(files, ReportFile{fileAnnotations, links}, ReportFile{fileDotenv, variables})
	for _, s := range append(left, remark) {
		if s != "" {
			remarks = append(remarks, s)
		}
	}
	return files, remarks
}

// annotations is what the page of the job links to: the report in dir as the
// job's artifact (artifacts:reports:annotations).
func (g *GitLab) annotations(dir string) (text []byte, remark string) {
	const none = "the job's page has no link to the report: "
	rel, ok := g.within(dir)
	if !ok {
		return nil, none + dir + " is not below the project's directory, from where alone GitLab takes artifacts"
	}
	job, err := url.Parse(g.getenv("CI_JOB_URL"))
	if err != nil || job.Scheme != "https" && job.Scheme != "http" || job.Host == "" || job.User != nil {
		return nil, none + "CI_JOB_URL is no address of a job"
	}
	type link struct {
		Label string `json:"label"`
		URL   string `json:"url"`
	}
	type entry struct {
		Link link `json:"external_link"`
	}
	var list []entry
	for _, l := range []struct{ label, file string }{
		{"Report of the module downloads", fileHTML}, {"The result as JSON", fileResult},
	} {
		list = append(list, entry{link{l.label, job.JoinPath("artifacts", "file", escapedPath(path.Join(rel, l.file))).String()}})
	}
	if text, err = json.MarshalIndent(map[string][]entry{"modferry": list}, "", "  "); err != nil {
		return nil, none + err.Error()
	}
	return append(text, '\n'), ""
}

// escapedPath is a path with what is special in URLs escaped.
func escapedPath(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}

// dotenv is the variables as GitLab reads them (artifacts:reports:dotenv): what
// modferry settled, as the GitHub Action hands it to later steps. What this job's
// own variables say is meant for this job, and the module cache is a matter of
// each job's image. A report is readable by everybody who may see the pipeline, so
// that a variable with credentials is left out, as is one that would not arrive
// as it is; left says which and why. The text is nil for no variables.
func dotenv(exports []fetch.Export) (text []byte, left []string) {
	formats := assign.Formats()
	format := formats[slices.IndexFunc(formats, func(f assign.Format) bool { return f.Name == "dotenv" })]
	var vars []assign.Variable
	for _, e := range exports {
		if !e.Settled || e.Name == "GOMODCACHE" {
			continue
		}
		leave := func(reason string) { left = append(left, e.Name+" is not handed to later jobs: "+reason) }
		if settings.Redact(e.Value) != e.Value {
			leave("it has credentials, and everybody who may see the pipeline may read the report; " +
				"give the jobs " + e.Name + " as a masked variable of the project instead")
			continue
		}
		all := append(slices.Clone(vars), e.Variable)
		t, err := format.Text(all, nil)
		if err != nil {
			leave(err.Error())
			continue
		}
		vars, text = all, []byte(t)
	}
	return text, left
}
