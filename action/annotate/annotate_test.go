package annotate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
)

const (
	mirrorA = "https://a.example.test"
	mirrorB = "https://b.example.test"
)

// missing is a module that could not be obtained.
func missing(path string, line int, class failure.Class, attempts ...report.Attempt) report.Module {
	return report.Module{
		Path: path, Version: "v1.2.3", Kind: report.KindZip, Source: report.FromFailed, Class: class,
		Message: "get " + mirrorA + "/" + path + "/@v/v1.2.3.zip: " + class.Title(), File: "go.mod", Line: line, Attempts: attempts,
	}
}

// where is what a test says about an annotation's place and rank.
func where(as []Annotation) []string {
	var out []string
	for _, a := range as {
		out = append(out, fmt.Sprintf("%s %s:%d %s", a.Level, a.File, a.Line, a.Title))
	}
	return out
}

func TestAnnotationsAreWorstFirstAndOneForACause(t *testing.T) {
	t.Parallel()
	with := func(m report.Module, change func(*report.Module)) report.Module {
		change(&m)
		return m
	}
	refused := report.Attempt{Mirror: mirrorA, Class: failure.Refused}
	r := &report.Result{
		Outcome: report.Integrity,
		Modules: []report.Module{
			missing("example.test/low", 9, failure.Refused, refused),
			missing("example.test/m", 7, failure.Refused, refused),
			with(missing("example.test/m", 7, failure.NotFound, report.Attempt{Mirror: mirrorA, Status: 404, Class: failure.NotFound}),
				func(m *report.Module) { m.Kind = report.KindMod }),
			missing("example.test/after", 3, failure.CircuitOpen),
			missing("example.test/early", 2, failure.Forbidden),
			with(missing("example.test/evil", 40, failure.HashMismatch), func(m *report.Module) { m.File = "go.sum" }),
			missing("example.test/c1", 4, failure.Cancelled),
			missing("example.test/c2", 5, failure.Cancelled),
			{Path: "example.test/saved", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromMirror, Mirror: mirrorB, File: "go.mod", Line: 11,
				Attempts: []report.Attempt{{Mirror: mirrorA, Status: 200, Class: failure.HashMismatch, Detail: "found h1:x, expected h1:y"}, {Mirror: mirrorB, Status: 200}}},
			{Path: "example.test/retried", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromMirror, Mirror: mirrorA, File: "go.mod", Line: 12,
				Attempts: []report.Attempt{refused, {Mirror: mirrorA, Status: 200}}},
			{Path: "example.test/private", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromDeferred, Class: failure.Private, File: "go.mod", Line: 13},
		},
		Findings: []finding.Finding{
			{Check: "a", Severity: finding.Info, Setting: "GOPROXY", Effect: "worth knowing, but of no line"},
			{Check: "b", Severity: finding.Info, File: "go.sum", Line: 8, Found: "bad line", Effect: "never looked for"},
			{Check: "c", Severity: finding.Warning, Setting: "GOPRIVATE", Found: "https://git.example.test", Source: "environment", Effect: "matches nothing", Fix: "git.example.test"},
			{Check: "d", Severity: finding.Error, File: "sub/go.mod", Line: 4, Found: "no module", Effect: "The go command fails here."},
		},
		Cache: report.Cache{Rejected: []string{"zip of x in y: wrong hash", "another"}},
	}
	r.Modules[0].Optional = true
	got := Of(r, "services/api")
	want := []string{
		"error services/api/go.sum:40 example.test/evil v1.2.3: wrong hash",
		"error :0 https://a.example.test: connection refused",
		"error services/api/sub/go.mod:4 no module",
		"error services/api/go.mod:2 example.test/early v1.2.3: forbidden",
		"error :0 modferry: interrupted",
		"warning :0 cache: 2 files refused",
		"warning :0 https://a.example.test: wrong hash refused",
		"warning :0 GOPRIVATE https://git.example.test",
		"notice services/api/go.sum:8 bad line",
	}
	if diff := cmp.Diff(want, where(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got, Of(r, "services/api")); diff != "" {
		t.Errorf("a second call differs:\n%s", diff)
	}
}

func TestMessagesSayWhatHappenedAndWhatToDo(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		module report.Module
		want   []string
	}{
		"a module that two mirrors did not give": {
			missing("example.test/m", 7, failure.Forbidden,
				report.Attempt{Mirror: mirrorB, Class: failure.Reset}, report.Attempt{Mirror: mirrorB, Status: 503, Class: failure.ServerError},
				report.Attempt{Mirror: mirrorA, Status: 403, Class: failure.Forbidden}),
			[]string{"get " + mirrorA + "/example.test/m/@v/v1.2.3.zip: forbidden. ", "Other mirrors: " + mirrorB + ": server error (HTTP 503). ", failure.Forbidden.Remedy()},
		},
		"a result without a message": {
			report.Module{Path: "example.test/m", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromFailed, Class: failure.DiskFull},
			[]string{failure.DiskFull.Explain() + " ", failure.DiskFull.Remedy()},
		},
		"a result without a class": {
			report.Module{Path: "example.test/m", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromFailed},
			[]string{failure.Unknown.Explain() + " ", failure.Unknown.Remedy()},
		},
		"a file that only graph commands read": {
			report.Module{Path: "example.test/m", Version: "v1.0.0", Kind: report.KindMod, Source: report.FromFailed, Class: failure.Stall, Optional: true, Message: "stalled"},
			[]string{"stalled. ", "No build reads this", failure.Stall.Remedy()},
		},
		"wrong bytes and a mirror with valid content": {
			report.Module{Path: "example.test/m", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromMirror, Mirror: mirrorB,
				Attempts: []report.Attempt{{Mirror: mirrorA, Class: failure.HashMismatch, Detail: "found h1:x"}, {Mirror: mirrorB}}},
			[]string{mirrorA + " offered a zip with a wrong hash of example.test/m v1.0.0 (found h1:x); " + mirrorB + " had valid content"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			as := Of(&report.Result{Outcome: report.OK, Modules: []report.Module{test.module}}, "")
			if len(as) != 1 {
				t.Fatalf("%d annotations, want 1", len(as))
			}
			at := 0
			for _, want := range test.want {
				i := strings.Index(as[0].Message[at:], want)
				if i < 0 {
					t.Fatalf("message %q does not go on with %q", as[0].Message, want)
				}
				at += i + len(want)
			}
			if strings.Contains(as[0].Message, "  ") || strings.Contains(as[0].Message, "..") {
				t.Errorf("message %q is not well put together", as[0].Message)
			}
		})
	}
	both := missing("example.test/m", 7, failure.NotFound)
	both.Kind = report.KindMod
	as := Of(&report.Result{Outcome: report.Incomplete, Modules: []report.Module{missing("example.test/m", 7, failure.Gone), both}}, "")
	if len(as) != 1 || !strings.Contains(as[0].Message, "Its go.mod failed too (not found).") {
		t.Errorf("zip and go.mod of one module: %v", as)
	}
}

func TestTheWorstFileSpeaksForItsModule(t *testing.T) {
	t.Parallel()
	// From the worst to the least; whichever comes first in the result.
	order := []failure.Class{failure.HashMismatch, failure.Refused, failure.CircuitOpen, failure.Stall, failure.Cancelled}
	const low = 3
	for i := range order[:len(order)-1] {
		worse, other := missing("example.test/m", 7, order[i]), missing("example.test/m", 7, order[i+1])
		worse.Optional, other.Optional = i == low, i+1 == low
		other.Kind = report.KindMod
		for _, modules := range [][]report.Module{{worse, other}, {other, worse}} {
			as := Of(&report.Result{Outcome: report.Incomplete, Modules: modules}, "")
			if !slices.ContainsFunc(as, func(a Annotation) bool { return strings.HasSuffix(a.Title, order[i].Title()) }) {
				t.Errorf("%s and %s: %v", order[i], order[i+1], where(as))
			}
		}
	}
}

func TestAnOutcomeThatIsNotOKHasAnError(t *testing.T) {
	t.Parallel()
	got := Of(&report.Result{Outcome: report.Settings, Message: "go.sum:3: found 2 fields, expected 3; restore the file"}, "")
	want := []Annotation{{Level: LevelError, Title: "modferry: settings", Message: "go.sum:3: found 2 fields, expected 3; restore the file."}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := Of(&report.Result{Outcome: report.OK}, ""); len(got) > 0 {
		t.Errorf("a good run has annotations: %v", got)
	}
}

func TestFilesAreNamedRelativeToTheWorkspaceOrNotAtAll(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ prefix, file, want string }{
		{"", "go.mod", "go.mod"},
		{"", "a/go.mod", "a/go.mod"},
		{"services/api", "go.mod", "services/api/go.mod"},
		{"services/api", "../../go.work", "go.work"},
		{"services/api", "../../../go.work", ""},
		{"", "../go.work", ""},
		{"", "/etc/passwd", ""},
		{"", `C:\go.mod`, ""},
		{"", "C:/go.mod", ""},
		{"", "", ""},
		{"", "##[error]x/go.mod", ""},
		{"", "a\nb/go.mod", ""},
		{"", "::error::x/go.mod", ""},
		{"", "a,line=9:b/go.mod", "a,line=9:b/go.mod"},
	} {
		m := missing("example.test/m", 7, failure.NotFound)
		m.File = test.file
		a := Of(&report.Result{Modules: []report.Module{m}}, test.prefix)[0]
		if a.File != test.want || (a.Line == 0) != (test.want == "") {
			t.Errorf("%q in %q is %q:%d, want %q", test.file, test.prefix, a.File, a.Line, test.want)
		}
	}
}

// hostileText tries every way into a log that we know of.
const hostileText = "\r\n::error file=go.mod,line=1::FORGED \x1b[31m##[error]FORGED\u202e\u009b0m\u2028::set-output name=a::FORGED %0A::warning::FORGED https://user:hunter2@host.example.test/x ##[add-mask]a"

func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	h := hostileText
	r := &report.Result{
		Outcome: report.Outcome(h), Message: h,
		Modules: []report.Module{
			{Path: h, Version: h, Kind: h, Source: report.FromFailed, Class: failure.Class(h), Message: h, File: h, Line: 3,
				Attempts: []report.Attempt{{Mirror: h, Class: failure.Class("other" + h), Detail: h}}},
			{Path: h + "2", Version: h, Kind: h, Source: report.FromMirror, Mirror: h, File: h, Line: -3,
				Attempts: []report.Attempt{{Mirror: h, Class: failure.HashMismatch, Detail: h}}},
			{Path: h + "3", Version: h, Source: report.FromFailed, Class: failure.Cancelled, Message: h},
		},
		Findings: []finding.Finding{{Check: h, Severity: finding.Warning, Setting: h, Found: h, Source: h, File: h, Line: 1, Effect: h, Fix: h},
			{Check: h, Severity: finding.Error, File: "go.mod", Line: 1}},
		Cache: report.Cache{Rejected: []string{h, h}},
	}
	as := Of(r, "")
	if len(as) != 6 {
		t.Fatalf("%d annotations, want 6: %v", len(as), where(as))
	}
	for _, a := range as {
		for what, s := range map[string]string{"title": a.Title, "message": a.Message, "file": a.File} {
			if strings.ContainsAny(s, "\r\n\x1b") || strings.Contains(s, "##[") || strings.HasPrefix(strings.TrimSpace(s), "::") {
				t.Errorf("%s %q is not neutral", what, s)
			}
			if strings.Contains(s, "hunter2") {
				t.Errorf("%s %q holds a password", what, s)
			}
		}
	}
}

func TestTextsKeepTheRunnersLimits(t *testing.T) {
	t.Parallel()
	m := missing("example.test/"+strings.Repeat("𝔪", 400), 1, failure.NotFound)
	for i := range 60 {
		m.Attempts = append(m.Attempts, report.Attempt{Mirror: fmt.Sprintf("https://m%d.example.test/%s", i, strings.Repeat("ü", 100)), Class: failure.Stall})
	}
	a := Of(&report.Result{Modules: []report.Module{m}}, "")[0]
	for what, x := range map[string]struct {
		text string
		max  int
	}{"title": {a.Title, 255}, "message": {a.Message, 4096}} {
		n := len(utf16.Encode([]rune(x.text)))
		if n > x.max || n < x.max-1 || !strings.HasSuffix(x.text, "…") {
			t.Errorf("%s has %d UTF-16 units and ends in %q, want %d and …", what, n, x.text[len(x.text)-5:], x.max)
		}
	}
	if got := clip("äbc", 3); got != "äbc" {
		t.Errorf("clip cut a text that fits: %q", got)
	}
}
