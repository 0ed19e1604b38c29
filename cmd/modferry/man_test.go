package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/modferry/modferry/docs"
)

// The man pages are made from the table of commands, as --help is:
//
//	go test ./cmd/modferry -count=1 -run TestManPages -man DIR
//
// The maker stands here and not in the program, which has no use for it.
var man = flag.String("man", "", "write the man pages into this directory")

func TestManPages(t *testing.T) {
	t.Parallel()
	dir := cmp.Or(*man, t.TempDir())
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	var pages []string
	var each func(cmd *cobra.Command)
	each = func(cmd *cobra.Command) {
		page := filepath.Join(dir, pageName(cmd)+".1")
		if err := os.WriteFile(page, []byte(manPage(cmd)), 0o666); err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page)
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				each(c)
			}
		}
	}
	each(new(app).tree())
	if len(pages) < 10 {
		t.Errorf("%d pages", len(pages))
	}
}

// pageName is the name of a command's page, as git's are named.
func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage is the page of a command, in the man macros that every formatter knows.
func manPage(cmd *cobra.Command) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	verbatim := func(text string) { p(".PP\n.nf\n.RS\n%s\n.RE\n.fi", roff(text)) }
	p(".TH %s 1", strings.ToUpper(roff(pageName(cmd))))
	p(".SH NAME\n%s \\- %s", roff(pageName(cmd)), roff(cmd.Short))
	p(".SH SYNOPSIS\n.B %s", roff(cmd.UseLine()))
	p(".SH DESCRIPTION")
	for para := range strings.SplitSeq(cmp.Or(cmd.Long, cmd.Short+"."), "\n\n") {
		if strings.HasPrefix(para, " ") {
			verbatim(para)
			continue
		}
		p(".PP\n%s", roff(para))
	}
	also := []string{}
	if cmd.HasParent() {
		also = append(also, pageName(cmd.Parent()))
	}
	if cmd.HasAvailableSubCommands() {
		p(".SH COMMANDS")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				p(".TP\n.B %s\n%s", roff(c.Name()), roff(c.Short))
				also = append(also, pageName(c))
			}
		}
	}
	manFlags(p, cmd)
	if cmd.Example != "" {
		p(".SH EXAMPLES")
		verbatim(cmd.Example)
	}
	if !cmd.HasParent() {
		p(".SH EXIT STATUS")
		for _, code := range exitCodes {
			p(".TP\n.B %d\n%s", code.code, roff(code.meaning))
		}
	}
	p(".SH SEE ALSO")
	for i, name := range also {
		end := ","
		if i == len(also)-1 {
			end = ""
		}
		p(".BR %s (1)%s", roff(name), end)
	}
	p(".PP\n%s", roff(docs.URL+"README.md"))
	return b.String()
}

func manFlags(p func(string, ...any), cmd *cobra.Command) {
	heading := ""
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if heading == "" {
			p(".SH OPTIONS")
			heading = " "
		}
		placeholder, usage := pflag.UnquoteUsage(f)
		variable := ""
		if v, ok := f.Value.(*flagValue); ok {
			placeholder, usage, variable = v.setting.Placeholder(), describe(v.setting), v.setting.Env()
			if v.setting.Group != heading {
				heading = v.setting.Group
				p(".SS %s", roff(heading))
			}
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		p(".TP\n\\fB%s\\fR \\fI%s\\fR\n%s", roff(name), roff(placeholder), roff(usage))
		if variable != "" {
			p("[%s]", roff(variable))
		}
	})
}

// roff makes text harmless for a formatter.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "“", `\(lq`, "”", `\(rq`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
