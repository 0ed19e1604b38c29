package text_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/reporttest"
	"github.com/modferry/modferry/internal/report/text"
)

func render(t *testing.T, r *report.Result, o text.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := text.Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextIsAsInTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Fixtures() {
		reporttest.Golden(t, "testdata/"+name+".txt", []byte(render(t, r, text.Options{})))
	}
	reporttest.Golden(t, "testdata/good-verbose.txt", []byte(render(t, reporttest.Good(), text.Options{Verbose: true})))
	reporttest.Golden(t, "testdata/good-width-80.txt", []byte(render(t, reporttest.Good(), text.Options{Width: 80})))
	reporttest.Golden(t, "testdata/gatekeeper-width-60.txt", []byte(render(t, reporttest.Gatekeeper(), text.Options{Width: 60})))
	reporttest.Golden(t, "testdata/gatekeeper-colour.txt", []byte(render(t, reporttest.Gatekeeper(), text.Options{Width: 100, Color: true})))
	reporttest.Golden(t, "testdata/present-verbose.txt", []byte(render(t, reporttest.Present(), text.Options{Verbose: true, Width: 100})))
}

func TestARunWithNothingToDoTakesOneLine(t *testing.T) {
	t.Parallel()
	for _, state := range []string{report.Healthy, report.Failing} {
		r := reporttest.Present()
		r.Mirrors[1].State, r.Mirrors[1].Class = state, failure.Reset
		if got := render(t, r, text.Options{}); strings.Count(got, "\n") != 1 && state == report.Healthy {
			t.Errorf("mirror %s: got\n%s\nwant one line", state, got)
		}
	}
}

func TestColourIsWrittenOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Fixtures() {
		plain := render(t, r, text.Options{Width: 90})
		if strings.Contains(plain, "\x1b") {
			t.Errorf("%s: an escape without being asked for", name)
		}
		coloured := render(t, r, text.Options{Width: 90, Color: true})
		if !strings.Contains(coloured, "\x1b[") {
			t.Errorf("%s: no colour although asked for", name)
		}
		for _, sgr := range []string{"0", "1", "2", "31", "32", "33"} {
			coloured = strings.ReplaceAll(coloured, "\x1b["+sgr+"m", "")
		}
		if diff := cmp.Diff(plain, coloured); diff != "" {
			t.Errorf("%s: colour changes more than colours:\n%s", name, diff)
		}
	}
}

func TestLinesKeepToTheWidth(t *testing.T) {
	t.Parallel()
	for _, width := range []int{80, 100, 140} {
		for name, r := range reporttest.Fixtures() {
			for line := range strings.Lines(render(t, r, text.Options{Width: width, Verbose: true})) {
				line = strings.TrimRight(line, "\n")
				last := line[strings.LastIndex(line, " ")+1:]
				line = strings.TrimPrefix(line, "    : ") // a command that was broken up is longer
				if n := utf8.RuneCountInString(line); n > width && utf8.RuneCountInString(last) < 20 {
					t.Errorf("%s: %d characters, want at most %d where no word is too long:\n%s", name, n, width, line)
				}
			}
		}
	}
}

// TestNothingIsForged renders hostile text in every field, at many widths, so
// that every word begins a line at one of them.
func TestNothingIsForged(t *testing.T) {
	t.Parallel()
	evils := []string{
		"\r\nok: FORGED\n::error file=go.mod,line=1::FORGED \x1b[31m##[error]\u202eFORGED\u009b0m ::warning::FORGED",
		"::error::FORGED",
		"a ::error::FORGED b ::error::FORGED ::::error::FORGED",
		" \u2028::set-output name=x::FORGED\u2029FORGED ##vso[x]FORGED",
		"x\x1b]0;FORGED\x07\x1b[2J\x9b2JFORGED",
	}
	for _, evil := range evils {
		r := reporttest.Hostile(evil)
		for width := 20; width < 130; width += 11 {
			for _, verbose := range []bool{false, true} {
				got := render(t, r, text.Options{Width: width, Verbose: verbose})
				if why := forged(got); why != "" {
					t.Fatalf("width %d: %s in\n%s\nfrom %q", width, why, got, evil)
				}
			}
		}
		if why := forged(render(t, r, text.Options{})); why != "" {
			t.Errorf("%s from %q", why, evil)
		}
	}
}

func forged(text string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			return "a workflow command: " + line
		}
		if strings.HasPrefix(line, "FORGED") || strings.HasPrefix(line, "ok:") {
			return "a forged line: " + line
		}
	}
	for _, s := range []string{"##[", "##vso[", "s3cret"} {
		if strings.Contains(text, s) {
			return s
		}
	}
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			return "an unprintable character"
		}
	}
	return ""
}

func TestTextReportsAWriteError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken pipe")
	if err := text.Write(reporttest.Failing{Err: broken}, reporttest.Good(), text.Options{}); !errors.Is(err, broken) {
		t.Errorf("Text returned %v, want the error of the writer", err)
	}
	if err := report.JSON(reporttest.Failing{Err: broken}, reporttest.Good()); !errors.Is(err, broken) {
		t.Errorf("JSON returned %v, want the error of the writer", err)
	}
}

func TestTextOfAnEmptyResultIsOneLine(t *testing.T) {
	t.Parallel()
	if got := render(t, &report.Result{Outcome: report.OK}, text.Options{}); got != "ok: nothing to verify\n" {
		t.Errorf("got %q", got)
	}
	if got := render(t, &report.Result{Outcome: report.Incomplete}, text.Options{}); strings.Count(got, "\n") != 1 {
		t.Errorf("got %q, want one line", got)
	}
}

func TestSentencesAgreeInNumber(t *testing.T) {
	t.Parallel()
	module := func(source string) report.Module {
		return report.Module{Path: "rsc.io/" + source, Version: "v1.5.2", Kind: report.KindZip, Source: source, Sum: "h1:x"}
	}
	chain := report.Choice{Chain: "direct"}
	tests := []struct {
		name string
		run  report.Result
		want string
	}{
		{"one module, present", report.Result{Outcome: report.OK, Choice: chain, Modules: []report.Module{module(report.FromPresent)}},
			"ok: the one module needed is there already, nothing to download (0 ms)"},
		{"one module, fetched", report.Result{Outcome: report.OK, Choice: chain, Modules: []report.Module{module(report.FromMirror)}},
			"ok: 1 module in 0 ms: downloaded and verified"},
		{"one module of two", report.Result{Outcome: report.Incomplete, Choice: chain, Modules: []report.Module{module(report.FromMirror), module(report.FromFailed)}},
			"incomplete: unknown failure; 1 of 2 modules is missing (0 ms)"},
		{"no module of one", report.Result{Outcome: report.Incomplete, Choice: chain, Modules: []report.Module{module(report.FromFailed)}},
			"incomplete: unknown failure; the one module needed is missing (0 ms)"},
		{"one file that differs", report.Result{Outcome: report.Integrity, Message: "1 file differs.", Modules: []report.Module{module(report.FromPresent), module(report.FromFailed)}},
			"integrity failure: 1 file differs; 1 of 2 files is as go.sum says (0 ms)"},
		{"a run that needs nothing, with a mirror", report.Result{Outcome: report.OK, Choice: chain, Mirrors: []report.Mirror{{State: report.Slow}}},
			"ok: nothing is needed"},
		{"one mirror", report.Result{Outcome: report.OK, Preflight: true, Mirrors: []report.Mirror{{State: report.Slow}}},
			"ok: 1 of 1 mirror can be used (0 ms)"},
	}
	for _, tt := range tests {
		if got, _, _ := strings.Cut(render(t, &tt.run, text.Options{}), "\n"); got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestAModuleCacheThatDiffersIsNoMirrorsFault(t *testing.T) {
	t.Parallel()
	r := reporttest.Audit()
	m := &r.Modules[0]
	r.Outcome, m.Source, m.Class = report.Integrity, report.FromFailed, failure.HashMismatch
	got := render(t, r, text.Options{})
	for _, want := range []string{"fix:       modferry fetch --verify-present", "different: " + m.Path} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\ndoes not say %q", got, want)
		}
	}
	for _, wrong := range []string{"mirror", "missing"} {
		if strings.Contains(got, wrong) {
			t.Errorf("%s\nsays %q, though no source was asked", got, wrong)
		}
	}
}

func TestAChosenChainIsNotPutDownToTheFileOfTheConfiguredOne(t *testing.T) {
	t.Parallel()
	r := reporttest.DeadMirror()
	if got, want := render(t, r, text.Options{Verbose: true}), "modferry's choice (configured: flag --proxy)"; !strings.Contains(got, want) {
		t.Errorf("%s\ndoes not say %q", got, want)
	}
	r.Choice.Configured = r.Choice.Chain
	if got := render(t, r, text.Options{Verbose: true}); strings.Contains(got, "modferry's choice") {
		t.Errorf("%s\ncalls the configured chain a choice", got)
	}
}

func TestWhatImportsLeftOutIsTold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name               string
		imported, required int
		source             string // of one more file
		want               string // "" for no sentence
	}{
		{"less than required", 99, 162, report.FromMirror, "Builds and tests import 99 of the 162 required modules;"},
		{"one is left to the go command", 99, 162, report.FromDeferred, "Builds and tests import at least 99 of the 162 required modules;"},
		{"one failed, and nobody knows what it imports", 99, 162, report.FromFailed, ""},
		{"all", 162, 162, report.FromMirror, ""},
		{"another scope", 0, 0, report.FromMirror, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := reporttest.Start(report.OK)
			r.Modules = append(reporttest.Modules(3, report.KindZip, report.FromMirror, reporttest.Goproxy), reporttest.Modules(1, report.KindMod, tt.source, "")...)
			r.Totals.Imported, r.Totals.Required = tt.imported, tt.required
			got := render(t, reporttest.Finish(r, 100), text.Options{Verbose: true})
			if tt.want == "" && strings.Contains(got, "required modules") || !strings.Contains(got, tt.want) {
				t.Errorf("found\n%s\nwant it to say %q", got, tt.want)
			}
		})
	}
}
