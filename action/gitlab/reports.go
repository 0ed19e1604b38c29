package gitlab

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/modferry/modferry/action/owndir"
	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/goenv/assign"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/export"
	"github.com/modferry/modferry/internal/report/html"
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

// reportFile is a file of the reports directory.
type reportFile struct {
	name string
	data []byte // nil when there is to be none: one of an earlier run would be wrong
}

// Reports is a result for GitLab, or for any CI system that reads JUnit.
type Reports struct {
	Result  *report.Result
	Root    string            // of the checkout, "" when it is not known
	Dir     string            // the reports directory
	Project string            // that another CI system checks out into; "" on GitLab, and where it is not known
	Exports []assign.Variable // for jobs of later stages
}

// Write writes the reports into their directory, which the checkout may have put a
// link in the place of. The remarks say what could not be written or passed on:
// that is never a reason to fail. Outside GitLab, where g is nil, there are no links
// and no variables.
func (g *Job) Write(r Reports) (remarks []string) {
	checkouts := []string{".", r.Root}
	project := g.projectOf(r)
	if project != "" {
		checkouts = append(checkouts, project)
	}
	if err := diskfile.MkdirOutput(r.Dir, checkouts...); err != nil {
		return []string{"the reports for CI systems were not written: " + err.Error()}
	}
	files, remarks := g.render(r)
	err := owndir.HideOwn(project)
	for _, f := range files {
		name := filepath.Join(r.Dir, f.name)
		if f.data != nil {
			err = errors.Join(err, diskfile.WriteOutput(name, f.data, checkouts...))
		} else if e := os.Remove(name); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		remarks = append(remarks, "the reports for CI systems are incomplete: "+err.Error())
	}
	return remarks
}

// projectOf is the directory that positions are relative to.
func (g *Job) projectOf(r Reports) string {
	if g == nil {
		return r.Project
	}
	return g.project
}

func (g *Job) render(r Reports) (files []reportFile, remarks []string) {
	prefix, _ := owndir.Within(g.projectOf(r), r.Root)
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
		files = append(files, reportFile{f.name, b.Bytes()})
	}
	if g == nil {
		return files, remarks
	}
	links, remark := g.annotations(r.Dir)
	variables, left := dotenv(r.Exports)
	files = append(files, reportFile{fileAnnotations, links}, reportFile{fileDotenv, variables})
	for _, s := range append(left, remark) {
		if s != "" {
			remarks = append(remarks, s)
		}
	}
	return files, remarks
}

// annotations is what the page of the job links to: the report in dir as the
// job's artifact (artifacts:reports:annotations).
func (g *Job) annotations(dir string) (text []byte, remark string) {
	const none = "the job's page has no link to the report: "
	rel, ok := g.within(dir)
	if !ok {
		return nil, none + dir + " is not in the project's directory, and GitLab takes artifacts only from there"
	}
	job, err := url.Parse(g.getenv("CI_JOB_URL"))
	if err != nil || job.Scheme != "https" && job.Scheme != "http" || job.Host == "" || job.User != nil {
		return nil, none + "CI_JOB_URL is not the address of a job"
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
		{"Module download report", fileHTML}, {"Result as JSON", fileResult},
	} {
		list = append(list, entry{link{l.label, job.JoinPath("artifacts", "file", (&url.URL{Path: path.Join(rel, l.file)}).EscapedPath()).String()}})
	}
	if text, err = json.MarshalIndent(map[string][]entry{"modferry": list}, "", "  "); err != nil {
		return nil, none + err.Error()
	}
	return append(text, '\n'), ""
}

// dotenv is the variables as GitLab reads them (artifacts:reports:dotenv): those
// that modferry decided, like the GitHub Action exports them to later steps. The
// variables that this job was given are meant for this job alone, and the module
// cache depends on each job's image. Everybody who can see the pipeline can read a
// report, so a variable with credentials is left out, as is one that GitLab would
// change; left says which and why. The text is nil for no variables.
func dotenv(exports []assign.Variable) (text []byte, left []string) {
	formats := assign.Formats()
	format := formats[slices.IndexFunc(formats, func(f assign.Format) bool { return f.Name == "dotenv" })]
	format.Foreign = true // other jobs have other machines
	var vars []assign.Variable
	leave := func(name, reason string) { left = append(left, name+" is not passed to later jobs: "+reason) }
	carried, kept := format.Carry(exports)
	for _, l := range kept {
		if l.Secret {
			leave(l.Name, "it contains credentials, and everybody who can see the pipeline can read the report; "+
				"give the jobs "+l.Name+" as a masked variable of the project instead")
		}
	}
	for _, e := range carried {
		all := append(slices.Clone(vars), e.Variable)
		t, err := format.Text(all, nil)
		if err != nil {
			leave(e.Name, err.Error())
			continue
		}
		vars, text = all, []byte(t)
	}
	return text, left
}
