package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/compare"
	"github.com/modferry/modferry/internal/report/export"
	"github.com/modferry/modferry/internal/report/html"
	"github.com/modferry/modferry/internal/report/markdown"
	"github.com/modferry/modferry/internal/report/text"
)

// format is a rendering of "modferry report".
type format struct {
	name   string
	render func(io.Writer, *report.Result) error
}

// formats returns the renderings, that for people first.
func (a *app) formats(verbose bool) []format {
	return []format{
		{"text", func(w io.Writer, r *report.Result) error { return a.renderText(w, r, verbose, text.Write) }},
		{"json", report.JSON},
		{"markdown", func(w io.Writer, r *report.Result) error { return markdown.Write(w, r, markdown.Options{}) }},
		{"html", html.Write},
		{"junit", export.Place{}.JUnit},
		{"codequality", export.Place{}.CodeQuality},
		{"cyclonedx", export.CycloneDX},
		{"prometheus", export.Prometheus},
		{"trace", export.Trace},
	}
}

// formatNames are the formats of "modferry report".
func formatNames() []string {
	var names []string
	for _, f := range new(app).formats(false) {
		names = append(names, f.name)
	}
	return names
}

func reportHelp() string {
	return `Renders the result of a run, written with --json FILE, on standard output.
FILE is - for standard input. The formats are
` + inWords(formatNames()) + `:
markdown is what the GitHub Action shows as the summary of a job, html one page
for a browser, junit and codequality are reports for GitLab and others,
cyclonedx is a software bill of materials, prometheus a file of metrics, trace a
timeline for ui.perfetto.dev. With --compare OLD it says what changed from the
result OLD to FILE, as text or html.`
}

func reportFlags(cmd *cobra.Command) {
	cmd.Flags().String("format", "text", "`WORD` is one of the formats above (text)")
	completeFormat(cmd, formatNames())
	cmd.Flags().String("compare", "", "say what changed since the result in `OLD`")
	cmd.Flags().BoolP("verbose", "v", false, "every module, as text")
}

// report renders a result, or what changed since an earlier one.
func (a *app) report(cmd *cobra.Command, _ command, args []string) error {
	if len(args) != 1 {
		return misused("found %s, expected one: the result that --json wrote, or -", howMany(args, "file"))
	}
	flag := func(name string) string { return cmd.Flags().Lookup(name).Value.String() }
	word, old, verbose := flag("format"), flag("compare"), flag("verbose") == "true"
	f, err := choose(word, formatNames(), a.formats(verbose))
	comparing := cmd.Flags().Changed("compare")
	switch {
	case comparing && word != "text" && word != "html":
		return misused("flag --compare: found --format %s, expected text or html: a comparison has these; leave one of the two out", word)
	case comparing && verbose:
		return misused("flag --compare: found --verbose, expected none: a comparison has one form; leave one of the two out")
	case comparing && old == "":
		return misused("flag --compare: found an empty name, expected the file of an earlier result")
	case comparing && old == "-" && args[0] == "-":
		return misused("flag --compare: found standard input twice, expected at least one file")
	case err != nil:
		return err
	}
	var before *report.Result
	if comparing {
		if before, err = a.readResult(cmd.Context(), old); err != nil {
			return err
		}
	}
	res, err := a.readResult(cmd.Context(), args[0])
	switch {
	case err != nil:
		return err
	case comparing && word == "html":
		return compare.Page(a.stdout, before, res)
	case comparing:
		return compare.Write(a.stdout, before, res)
	}
	return f.render(a.stdout, res)
}

func (a *app) readResult(ctx context.Context, file string) (*report.Result, error) {
	in, err := a.open(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("read the result: %w", err)
	}
	defer in.Close()
	res, err := report.Decode(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return res, nil
}
