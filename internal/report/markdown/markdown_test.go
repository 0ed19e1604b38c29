package markdown_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/markdown"
	"github.com/modferry/modferry/internal/report/reporttest"
)

func written(t *testing.T, r *report.Result, o markdown.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := markdown.Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func later(t *testing.T, l *markdown.Later, o markdown.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := markdown.WriteLater(&b, l, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// afterwards is what steps after a run added.
func afterwards() *markdown.Later {
	return &markdown.Later{
		Modules: []report.Module{
			{Path: "golang.org/x/tools", Version: "v0.30.0", Kind: report.KindMod, Bytes: 300},
			{Path: "golang.org/x/tools", Version: "v0.30.0", Kind: report.KindZip, Bytes: 3_100_000},
		},
		Again: []report.Module{{Path: "golang.org/x/tools", Version: "v0.30.0", Kind: report.KindZip, Bytes: 3_100_000}},
		Saved: &report.Saved{Index: "modferry-i2-a-b-c", Layers: 1, Kept: 2, Files: 2, Bytes: 3_000_000, MS: 412},
		Store: "gha",
	}
}

func TestMarkdownIsAsInTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Fixtures() {
		reporttest.Golden(t, "testdata/"+name+".md", []byte(written(t, r, markdown.Options{})))
	}
	reporttest.Golden(t, "testdata/later.md", []byte(later(t, afterwards(), markdown.Options{})))
	reporttest.Golden(t, "testdata/good-limit-2500.md", []byte(written(t, reporttest.Good(), markdown.Options{Limit: 2500})))
}

func TestMarkdownIsWellFormed(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Fixtures() {
		for _, limit := range []int{0, 4000, 1500} {
			if why := malformed(written(t, r, markdown.Options{Limit: limit})); why != "" {
				t.Errorf("%s, limit %d: %s", name, limit, why)
			}
		}
	}
}

// TestNothingIsForgedInMarkdown renders hostile text in every field.
func TestNothingIsForgedInMarkdown(t *testing.T) {
	t.Parallel()
	for _, evil := range evilMarkdown {
		r := reporttest.Hostile(evil)
		r.Settings.GOPRIVATE, r.Settings.Scope = "x", evil
		r.Cache.Saved = &report.Saved{Index: evil, Reason: evil}
		for _, outcome := range []report.Outcome{report.OK, report.Integrity} {
			r.Outcome = outcome
			if why := malformed(written(t, r, markdown.Options{})); why != "" {
				t.Errorf("%s from %q", why, evil)
			}
		}
		l := &markdown.Later{Modules: r.Modules, Saved: r.Cache.Saved, Store: evil}
		if why := malformed(later(t, l, markdown.Options{})); why != "" {
			t.Errorf("later: %s from %q", why, evil)
		}
	}
}

// FuzzMarkdown renders whatever can be read as a result.
func FuzzMarkdown(f *testing.F) {
	found := reporttest.Good()
	found.Findings = []finding.Finding{{Check: "goproxy-separator", Severity: finding.Warning, Setting: "GOPROXY", Effect: "[a](b)"}}
	for _, r := range []*report.Result{reporttest.Good(), reporttest.Gatekeeper(), reporttest.Present(), found, reporttest.Hostile("[a](b)|`<c>`\n::d")} {
		var b bytes.Buffer
		if err := report.JSON(&b, r); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes(), 0)
		f.Add(b.Bytes(), 3000)
	}
	f.Add([]byte(`{"schema": "modferry.result/1", "outcome": "ok", "modules": [{"source": "mirror", "start_ms": -1e308, "ms": 1e308}, {"source": "mirror", "start_ms": 1e308, "ms": 1e308}]}`), 0)
	f.Fuzz(func(t *testing.T, data []byte, limit int) {
		if len(data) > 1<<16 {
			t.Skip("large inputs only take longer")
		}
		r, err := report.Decode(bytes.NewReader(data))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := markdown.Write(&b, r, markdown.Options{Limit: limit}); err != nil {
			if b.Len() > 0 || limit == 0 || limit > 2000 {
				t.Errorf("%d bytes written within %d, and the error %v", b.Len(), limit, err)
			}
			return
		}
		if limit != 0 && b.Len() > limit {
			t.Errorf("%d bytes, want at most %d", b.Len(), limit)
		}
		if why := malformed(b.String()); why != "" {
			t.Error(why)
		}
	})
}

var (
	codeSpan = regexp.MustCompile("`[^`]*`")
	ownLink  = regexp.MustCompile(`\[((?:info|warning|error) MF\d{3})\]\(` + regexp.QuoteMeta(finding.Reference) + `#mf\d{3}\)` +
		`|\[([A-Za-z][A-Za-z0-9 /(),-]+)\]\(` + regexp.QuoteMeta(failure.Reference) + `#[a-z0-9_]+\)`)
	htmlTag  = regexp.MustCompile(`</?(?:wbr|span|details|summary)>`)
	bare     = regexp.MustCompile(`(?:^|[^\\])[][~$]`)
	fenceEnd = regexp.MustCompile("^`{3,}$")
)

// malformed says what is wrong with the structure of Markdown that report
// wrote, or which text in it is more than text.
func malformed(text string) string {
	fence, cells, open := "", 0, 0
	for line := range strings.Lines(text) {
		line, ended := strings.CutSuffix(line, "\n")
		switch {
		case !ended:
			return "the last line has no end: " + line
		case strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }):
			return "an unprintable character: " + line
		case strings.HasPrefix(strings.TrimSpace(line), "::"), strings.Contains(line, "##["), strings.Contains(line, "##vso["):
			return "a workflow command: " + line
		case strings.Contains(line, "s3cret"):
			return "a password: " + line
		}
		// Code.
		if fence != "" {
			if fenceEnd.MatchString(line) && len(line) >= len(fence) {
				fence = ""
			}
			continue
		}
		if rest, ok := strings.CutSuffix(line, "text"); ok && fenceEnd.MatchString(rest) {
			fence = rest
			continue
		}
		if strings.HasPrefix(line, "NEWLINE") || strings.HasPrefix(line, "```") || strings.HasPrefix(line, "    ") {
			return "a forged block: " + line
		}
		line = codeSpan.ReplaceAllString(line, "C")
		line = ownLink.ReplaceAllString(line, "$1$2") // the only ones there are
		if strings.Contains(line, "`") {
			return "code that is not closed: " + line
		}
		// Tables.
		pipes := strings.Count(line, "|")
		switch {
		case pipes == 0:
			cells = 0
		case !strings.HasPrefix(line, "|") || !strings.HasSuffix(line, "|"):
			return "a line that is half a row: " + line
		case cells != 0 && pipes != cells:
			return fmt.Sprintf("a row with %d cells in a table with %d: %s", pipes-1, cells-1, line)
		default:
			cells = pipes
		}
		// Tags, and the text between them.
		open += strings.Count(line, "<details>") - strings.Count(line, "</details>")
		if open < 0 || open > 2 || strings.Count(line, "<summary>") != strings.Count(line, "</summary>") {
			return "unbalanced tags: " + line
		}
		for _, node := range htmlTag.Split(line, -1) {
			if strings.ContainsAny(node, "<>") {
				return "a foreign tag: " + line
			}
			if what := found.FindString(textOf(node)); what != "" {
				return what + " in: " + line
			}
			if bare.MatchString(node) {
				return "a bare bracket, tilde or dollar: " + line
			}
		}
	}
	if fence != "" || open != 0 {
		return "a block that is not closed"
	}
	return ""
}

// TestDetailIsDroppedInTheStatedOrder shrinks the limit in steps smaller than
// any block and looks at what the note names.
func TestDetailIsDroppedInTheStatedOrder(t *testing.T) {
	t.Parallel()
	r := reporttest.Good()
	r.Outcome, r.Message = report.Integrity, "wrong bytes"
	r.Modules = append(r.Modules, reporttest.AllDead().Modules...)
	r.Modules = append(r.Modules, report.Module{Path: "gone.example.test/m", Version: "v1.0.0", Source: report.FromFailed, Class: failure.Gone, Message: strings.Repeat("gone ", 40)})
	var order []string
	whole := len(written(t, r, markdown.Options{}))
	shortest := whole
	for limit := whole; limit > 0; limit -= 17 {
		var b bytes.Buffer
		if err := markdown.Write(&b, r, markdown.Options{Limit: limit}); err != nil {
			if b.Len() > 0 || !strings.Contains(err.Error(), fmt.Sprintf("limit of %d bytes", limit)) {
				t.Errorf("%d bytes and the error %v, want nothing written and the limit named", b.Len(), err)
			}
			break
		}
		text := b.String()
		shortest = len(text)
		if len(text) > limit {
			t.Fatalf("%d bytes, want at most %d", len(text), limit)
		}
		if !strings.HasPrefix(text, "## ❌ modferry: integrity failure\n") {
			t.Fatalf("limit %d: the outcome is missing in\n%s", limit, text)
		}
		_, note, ok := strings.Cut(text, "\n*Left out to stay within "+report.Bytes(int64(limit))+": ")
		if !ok {
			if limit < whole {
				t.Fatalf("limit %d: nothing says what was dropped in\n%s", limit, text)
			}
			continue
		}
		note, _, _ = strings.Cut(note, ". The result as JSON has everything.*\n")
		for name := range strings.SplitSeq(note, ", ") {
			if !slices.Contains(order, name) {
				order = append(order, name)
			}
		}
	}
	want := []string{
		"the list of downloads", "the status codes over the run", "the durations of requests", "the slowest downloads", "the settings", "what is left to the go command",
		"recovered failures", "the list of files that failed", "status codes", "the cache",
		"where the files came from", "the mirrors", "the chain", "why it took so long", "remarks", "the hosts contacted", "1 group of failures", "2 groups of failures",
		"what became of the run",
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("dropped in another order (-want +got):\n%s", diff)
	}
	if shortest > 600 {
		t.Errorf("the shortest summary has %d bytes, want a few hundred", shortest)
	}
}

func TestASummaryOfThousandsOfFilesFitsWithoutALimit(t *testing.T) {
	t.Parallel()
	r := reporttest.Good()
	r.Modules = nil
	for _, source := range []string{report.FromMirror, report.FromFailed, report.FromDeferred} {
		for i := range 4000 {
			r.Modules = append(r.Modules, report.Module{
				Path: fmt.Sprintf("%s.example.test/%s/%d", source, strings.Repeat("<", 80), i), Version: "v1.0.0", Kind: report.KindZip, Source: source,
				Mirror: reporttest.Goproxy, MS: 5, Class: failure.Private, File: "go.mod", Line: i + 1,
			})
		}
	}
	text := written(t, r, markdown.Options{})
	if len(text) > 1_000_000 {
		t.Errorf("%d bytes, want at most 1,000,000", len(text))
	}
	if why := malformed(text); why != "" {
		t.Error(why)
	}
	if !strings.Contains(text, "*Left out to stay within 1.0 MB: ") || !strings.Contains(text, "4000 modules") {
		t.Error("the failures or the note about what was left out are missing")
	}
}

func TestTheTimingPictureShowsWhenWhatWasUnderWay(t *testing.T) {
	t.Parallel()
	module := func(path string, start, ms float64, attempts ...report.Attempt) report.Module {
		return report.Module{Path: path, Version: "v1.0.0", Kind: report.KindZip, Source: report.FromMirror, Mirror: reporttest.Goproxy, StartMS: start, MS: ms, Attempts: attempts}
	}
	r := reporttest.Start(report.OK)
	r.Modules = []report.Module{
		module("whole.example.test/a", 1000, 3000),
		module("half.example.test/b", 2500, 1500),
		module("retried.example.test/c", 1000, 1000, report.Attempt{Class: failure.Reset, StartMS: 1000, MS: 100}, report.Attempt{StartMS: 1500, MS: 500}),
		module("quick.example.test/d", 3999, 0.1),
	}
	text := written(t, r, markdown.Options{})
	cells := func(n int) string { return strings.Repeat("█", n) }
	for _, want := range []string{
		"| from 1.0 s to 4.0 s |",
		"`" + cells(24) + "` | `whole.example.test/a@v1.0.0`",
		"`" + strings.Repeat("░", 12) + cells(12) + "` | `half.example.test/b@v1.0.0`",
		"`▒▒▒▒" + cells(4) + strings.Repeat("░", 16) + "` | `retried.example.test/c@v1.0.0`",
		"`" + strings.Repeat("░", 23) + "█` | `quick.example.test/d@v1.0.0`",
		"\n- `▒` failed attempts and pauses between attempts\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if slices.IndexFunc(r.Modules, func(m report.Module) bool { return m.Path != "whole.example.test/a" }) != 1 {
		t.Error("Markdown changed the order of the result's modules")
	}
}

func TestARunWithNothingToDoShowsOneSentence(t *testing.T) {
	t.Parallel()
	open, _, _ := strings.Cut(written(t, reporttest.Present(), markdown.Options{}), "\n<details>")
	want := "## ✅ modferry: ok\n\nAll 120 modules are there already, nothing to download (61 ms).\n"
	if diff := cmp.Diff(want, open); diff != "" {
		t.Errorf("shown openly (-want +got):\n%s", diff)
	}
}

func TestMarkdownOfAnEmptyResultIsTheOutcome(t *testing.T) {
	t.Parallel()
	if got, want := written(t, &report.Result{Outcome: report.OK}, markdown.Options{}), "## ✅ modferry: ok\n\nNothing to verify.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := written(t, &report.Result{Outcome: report.Incomplete}, markdown.Options{}), "## ❌ modferry: incomplete\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMarkdownLaterTellsOnlyWhatHappened(t *testing.T) {
	t.Parallel()
	answered := &report.Result{Outcome: report.OK} // a relay from which later steps got what was there
	if got := later(t, &markdown.Later{Store: "gha", Relayed: answered, Saved: &report.Saved{Reason: "the cache has it all already"}}, markdown.Options{}); got != "" {
		t.Errorf("of a relay that brought nothing the summary tells\n%s", got)
	}
	if got := later(t, &markdown.Later{Store: "gha"}, markdown.Options{}); got != "" {
		t.Errorf("got %q where nothing happened, want nothing", got)
	}
	l := afterwards()
	l.Modules = nil
	l.Saved.Reason = "the cache has it all already"
	if got := later(t, l, markdown.Options{}); got != "" {
		t.Errorf("got %q where the cache has it all already, want nothing", got)
	}
	l.Saved.Reason = ""
	if got := later(t, l, markdown.Options{}); strings.Contains(got, "later steps (") || !strings.Contains(got, "2 files in 1 layer saved to the cache gha") {
		t.Errorf("got\n%s\nwant what was saved only", got)
	}
	l = afterwards()
	l.Saved = nil
	if got := later(t, l, markdown.Options{}); strings.Contains(got, "saved") || !strings.Contains(got, "2 files added to the module cache by later steps (3.1 MB)") {
		t.Errorf("got\n%s\nwant what was added only", got)
	}
	if got := later(t, afterwards(), markdown.Options{Limit: 620}); len(got) > 620 || !strings.Contains(got, "Left out") || !strings.Contains(got, "saved to the cache") {
		t.Errorf("got %d bytes\n%s\nwant the list left out", len(got), got)
	}
}

func TestMarkdownReportsAWriteError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken pipe")
	if err := markdown.Write(reporttest.Failing{Err: broken}, reporttest.Good(), markdown.Options{}); !errors.Is(err, broken) {
		t.Errorf("Markdown returned %v, want the error of the writer", err)
	}
	if err := markdown.WriteLater(reporttest.Failing{Err: broken}, afterwards(), markdown.Options{}); !errors.Is(err, broken) {
		t.Errorf("MarkdownLater returned %v, want the error of the writer", err)
	}
}
