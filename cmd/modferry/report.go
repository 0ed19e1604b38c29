package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/diskfile"
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
	}
}

// reportOptions are the flags of "modferry report". They are no settings of a
// run, so they stand in no table.
type reportOptions struct {
	format  string
	compare string // an earlier result; "" to render one alone
	verbose bool
}

// reportCommand renders a result that --json wrote.
func (a *app) reportCommand() *cobra.Command {
	var o reportOptions
	cmd := &cobra.Command{
		Use: "report FILE", Short: "Render a result that was written with --json",
		Long: `Renders the result of a run, written with --json FILE, on standard output.
FILE is - for standard input. The formats are
` + inWords(a.formatNames()) + `:
markdown is what the GitHub Action shows as the summary of a job, html one page
for a browser, junit and codequality are reports for GitLab and others,
cyclonedx is a software bill of materials, prometheus a file of metrics. With
--compare OLD it says what changed from the result OLD to FILE.`,
		Example: `  modferry report --format html result.json > report.html
  modferry report --compare yesterday.json result.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{fmt.Sprintf("found %d files, expected one: the result that --json wrote, or -", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("compare") {
				return a.compare(cmd.Context(), args[0], o, cmd.Flags().Changed("format"))
			}
			return a.report(cmd.Context(), args[0], o)
		},
	}
	cmd.Flags().StringVar(&o.format, "format", "text", "`WORD` is one of the formats above (text)")
	cmd.Flags().StringVar(&o.compare, "compare", "", "say what changed since the result in `OLD`")
	cmd.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "every module, as text")
	return cmd
}

// formatNames are the formats of "modferry report".
func (a *app) formatNames() []string {
	var names []string
	for _, f := range a.formats(false) {
		names = append(names, f.name)
	}
	return names
}

func (a *app) report(ctx context.Context, file string, o reportOptions) error {
	formats := a.formats(o.verbose)
	i := slices.IndexFunc(formats, func(f format) bool { return f.name == o.format })
	if i < 0 {
		return unknownFormat(o.format, a.formatNames())
	}
	res, err := a.readResult(ctx, file)
	if err != nil {
		return err
	}
	return formats[i].render(a.stdout, res)
}

// compare says what changed from the result in o.compare to that in file.
func (a *app) compare(ctx context.Context, file string, o reportOptions, formatted bool) error {
	switch {
	case formatted && o.format != "text":
		return &usageError{fmt.Sprintf("flag --compare: found --format %s, expected none: a comparison is text; leave one of the two out", o.format)}
	case o.verbose:
		return &usageError{"flag --compare: found --verbose, expected none: a comparison has one form; leave one of the two out"}
	case o.compare == "":
		return &usageError{"flag --compare: found an empty name, expected the file of an earlier result"}
	case o.compare == "-" && file == "-":
		return &usageError{"flag --compare: found standard input twice, expected at least one file"}
	}
	old, err := a.readResult(ctx, o.compare)
	if err != nil {
		return err
	}
	res, err := a.readResult(ctx, file)
	if err != nil {
		return err
	}
	return compare.Write(a.stdout, old, res)
}

func (a *app) readResult(ctx context.Context, file string) (*report.Result, error) {
	var in io.Reader = a.stdin
	if file != "-" {
		f, err := diskfile.Stream(ctx, file)
		if err != nil {
			return nil, fmt.Errorf("read the result: %w", err)
		}
		defer f.Close()
		in = f
	}
	res, err := report.Decode(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return res, nil
}
