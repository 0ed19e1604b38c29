package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
)

// The formats of "modferry report".
const (
	formatText     = "text"
	formatMarkdown = "markdown"
	formatJSON     = "json"
)

// reportCommand renders a result that --json wrote. Its flags are no settings
// of a run, so they stand in no table.
func (a *app) reportCommand() *cobra.Command {
	var format string
	var verbose bool
	cmd := &cobra.Command{
		Use: "report FILE", Short: "Render a result that was written with --json",
		Long: `Renders the result of a run, written with --json FILE, on standard output.
FILE is - for standard input. Markdown is what the GitHub Action shows as the
summary of a job.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{fmt.Sprintf("found %d files, expected one: the result that --json wrote, or -", len(args))}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.report(args[0], format, verbose) },
	}
	cmd.Flags().StringVar(&format, "format", formatText, "`WORD` is text, markdown or json (text)")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "every module, as text")
	return cmd
}

func (a *app) report(file, format string, verbose bool) error {
	formats := []string{formatText, formatMarkdown, formatJSON}
	if !slices.Contains(formats, format) {
		message := fmt.Sprintf("flag --format: found %q, expected %s, %s or %s", format, formatText, formatMarkdown, formatJSON)
		if near := settings.Suggest(format, formats); near != "" {
			message += "; write --format " + near
		}
		return &usageError{message}
	}
	res, err := a.readResult(file)
	if err != nil {
		return err
	}
	switch format {
	case formatJSON:
		return a.writeJSON("-", res)
	case formatMarkdown:
		return report.Markdown(a.stdout, res, report.MarkdownOptions{})
	default:
		return a.renderText(a.stdout, res, verbose)
	}
}

func (a *app) readResult(file string) (*report.Result, error) {
	var in io.Reader = a.stdin
	if file != "-" {
		f, err := os.Open(file)
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
