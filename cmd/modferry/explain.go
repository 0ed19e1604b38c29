package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/docs"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
)

// explain says what codes mean.
func (a *app) explain(_ *cobra.Command, _ command, args []string) error {
	var b strings.Builder
	if len(args) == 0 {
		listCodes(&b)
	}
	for i, code := range args {
		if i > 0 {
			b.WriteByte('\n')
		}
		if err := explainCode(&b, code); err != nil {
			return err
		}
	}
	_, err := io.WriteString(a.stdout, b.String())
	return unwritten(err)
}

// explainCode writes what a check or a failure class is about and what to do.
func explainCode(b *strings.Builder, code string) error {
	for _, r := range finding.Rules() {
		if strings.EqualFold(code, r.Code) || strings.EqualFold(code, r.Check) {
			fmt.Fprintf(b, "%s %s\n\n%s\n\n%s\n", r.Code, r.Check, checkText(r), r.Doc())
			return nil
		}
	}
	class := failure.Class(strings.ReplaceAll(strings.ToLower(code), "-", "_"))
	if slices.Contains(failure.Classes(), class) {
		fmt.Fprintf(b, "%s: %s\n\n%s\n\nWhat to do: %s\n\n%s\n", class, class.Title(), class.Explain(), class.Remedy(), class.Doc())
		return nil
	}
	return misused("found the code %q, expected one of a finding (MF131) or the class of a failure (not_found)%s",
		code, suggestion(code, codes(), "modferry explain "))
}

// codes are all words that explain explains.
func codes() []string {
	var all []string
	for _, r := range finding.Rules() {
		all = append(all, r.Code, r.Check)
	}
	for _, c := range failure.Classes() {
		all = append(all, string(c))
	}
	return all
}

func listCodes(b *strings.Builder) {
	b.WriteString("Findings:\n")
	for _, r := range finding.Rules() {
		fmt.Fprintf(b, "  %s %-30s %s\n", r.Code, r.Check, r.Title)
	}
	b.WriteString("\nFailures:\n")
	for _, c := range failure.Classes() {
		fmt.Fprintf(b, "  %-36s %s\n", c, c.Title())
	}
}

// checkText is the text of docs/checks.md about a rule, without its Markdown:
// the example and what doctor says of it.
func checkText(r finding.Rule) string {
	_, section, _ := strings.Cut(docs.Checks, "### "+r.Code+" "+r.Check+"\n\n")
	section, _, _ = strings.Cut(section, "\n<a id=")
	section, _, _ = strings.Cut(section, "\n## ")
	headings := []string{"\nFor example:\n", "\nmodferry doctor says:\n"}
	var b strings.Builder
	fenced := false
	for line := range strings.Lines(strings.TrimSpace(section) + "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			if fenced = !fenced; fenced && len(headings) > 0 {
				b.WriteString(headings[0])
				headings = headings[1:]
			}
		case fenced:
			b.WriteString("    " + line)
		case line != "\n":
			b.WriteString(strings.ReplaceAll(line, "`", ""))
		}
	}
	return strings.TrimSpace(b.String())
}
