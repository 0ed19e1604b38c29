package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/html"
	"github.com/modferry/modferry/internal/report/markdown"
	"github.com/modferry/modferry/internal/report/reporttest"
	"github.com/modferry/modferry/internal/report/text"
)

// asked is n files whose attempts at the mirror reporttest.Goproxy ended with the classes.
func asked(n int, source string, classes ...failure.Class) []report.Module {
	var all []report.Module
	for i := range n {
		m := report.Module{Path: fmt.Sprintf("example.test/%s%d", source, i), Version: "v1.0.0", Kind: report.KindZip, Source: source}
		for _, c := range classes {
			m.Attempts = append(m.Attempts, report.Attempt{Mirror: reporttest.Goproxy, Class: c})
			if source == report.FromFailed {
				m.Class = c
			}
		}
		all = append(all, m)
	}
	return all
}

func TestTheStateOfAMirrorIsThatOfTheWholeRun(t *testing.T) {
	t.Parallel()
	both := func(a, b []report.Module) []report.Module { return append(a, b...) }
	tests := []struct {
		name     string
		before   report.Mirror // as the preflight found it
		files    int
		failures int
		modules  []report.Module
		state    string
		class    failure.Class
	}{
		{"it was not asked", report.Mirror{State: report.Healthy}, 0, 0, nil, report.Healthy, ""},
		{"it supplied everything", report.Mirror{State: report.Healthy}, 9, 0, asked(9, report.FromMirror, ""), report.Healthy, ""},
		{"it supplied everything slowly", report.Mirror{State: report.Slow}, 9, 0, asked(9, report.FromMirror, ""), report.Slow, ""},
		{"it failed everything", report.Mirror{State: report.Healthy}, 0, 18,
			asked(9, report.FromFailed, failure.ServerError, failure.ServerError), report.Failing, failure.ServerError},
		{"it failed every zip", report.Mirror{State: report.Healthy}, 60, 120,
			both(asked(60, report.FromFailed, failure.ServerError, failure.ServerError), asked(60, report.FromMirror, "")), report.Degraded, failure.ServerError},
		{"it failed one file for good", report.Mirror{State: report.Healthy}, 1000, 2,
			both(asked(1, report.FromFailed, failure.Stall, failure.Stall), asked(1000, report.FromMirror, "")), report.Degraded, failure.Stall},
		{"it failed now and then", report.Mirror{State: report.Healthy}, 100, 3,
			both(asked(3, report.FromMirror, failure.Reset, ""), asked(97, report.FromMirror, "")), report.Healthy, ""},
		{"it failed often, though others brought the files", report.Mirror{State: report.Healthy}, 10, 10,
			asked(10, report.FromMirror, failure.Reset, ""), report.Degraded, failure.Reset},
		{"it failed .info files only", report.Mirror{State: report.Healthy}, 5, 10, asked(5, report.FromMirror, ""), report.Degraded, ""},
		{"it offered wrong bytes", report.Mirror{State: report.Healthy}, 0, 0,
			asked(1, report.FromFailed, failure.HashMismatch), report.Failing, failure.HashMismatch},
		{"it refused everything", report.Mirror{State: report.Healthy}, 0, 0,
			asked(4, report.FromFailed, failure.Forbidden), report.Failing, failure.Forbidden},
		{"it refused a module, as gatekeepers do", report.Mirror{State: report.Healthy}, 8, 0,
			both(asked(1, report.FromFailed, failure.Forbidden), asked(8, report.FromMirror, "")), report.Healthy, ""},
		{"it has not everything", report.Mirror{State: report.Healthy}, 8, 0,
			both(asked(3, report.FromFailed, failure.NotFound), asked(8, report.FromMirror, "")), report.Healthy, ""},
		{"the preflight was too strict", report.Mirror{State: report.Failing, Class: failure.NameLookup, Reason: "name lookup"}, 8, 0,
			asked(8, report.FromMirror, ""), report.Slow, ""},
		{"the preflight was right", report.Mirror{State: report.Failing, Class: failure.Refused}, 0, 9,
			asked(9, report.FromFailed, failure.CircuitOpen), report.Failing, failure.Refused},
		{"without a preflight it supplied everything", report.Mirror{State: report.Skipped, Reason: "not probed"}, 8, 0,
			asked(8, report.FromMirror, ""), report.Healthy, ""},
		{"without a preflight it failed", report.Mirror{State: report.Skipped, Reason: "not probed"}, 0, 8,
			asked(8, report.FromFailed, failure.Refused), report.Failing, failure.Refused},
		{"this machine failed", report.Mirror{State: report.Healthy}, 1, 0, asked(3, report.FromFailed, failure.DiskFull), report.Healthy, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := tt.before
			m.URL, m.Files, m.Failures = reporttest.Goproxy, tt.files, tt.failures
			r := &report.Result{Mirrors: []report.Mirror{m}, Modules: tt.modules}
			report.Settle(r)
			got := r.Mirrors[0]
			if got.State != tt.state || got.Class != tt.class {
				t.Errorf("state %q, class %q, reason %q; want %q, %q", got.State, got.Class, got.Reason, tt.state, tt.class)
			}
			if changed := got.State != tt.before.State; changed && (got.State == report.Failing || got.State == report.Degraded) && got.Reason == tt.before.Reason {
				t.Errorf("%s without a reason of its own", got.State)
			}
		})
	}
}

// Every rendering shows the state that Settle decided on, and none a green one
// beside failures.
func TestEveryRenderingShowsTheStateOfTheRun(t *testing.T) {
	t.Parallel()
	r := reporttest.Good()
	r.Modules = append(r.Modules, asked(60, report.FromFailed, failure.ServerError)...)
	r.Mirrors[0].Files, r.Mirrors[0].Failures = 25, 60
	report.Settle(r)
	for name, render := range map[string]func(*bytes.Buffer) error{
		"text":     func(b *bytes.Buffer) error { return text.Write(b, r, text.Options{Verbose: true}) },
		"Markdown": func(b *bytes.Buffer) error { return markdown.Write(b, r, markdown.Options{}) },
		"HTML":     func(b *bytes.Buffer) error { return html.Write(b, r) },
		"JSON":     func(b *bytes.Buffer) error { return report.JSON(b, r) },
	} {
		var b bytes.Buffer
		if err := render(&b); err != nil {
			t.Fatal(err)
		}
		if text := b.String(); strings.Contains(text, report.Healthy) || !strings.Contains(text, report.Degraded) {
			t.Errorf("%s: the mirror that failed 60 files is not shown as %s", name, report.Degraded)
		}
	}
}
