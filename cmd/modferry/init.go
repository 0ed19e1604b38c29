package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/starter"
)

func initFlags(cmd *cobra.Command) {
	cmd.Flags().String("ci", "", "`WORD` is github or gitlab (what the checkout uses)")
	cmd.Flags().Bool("force", false, "write it even so, and replace a file that is there")
	_ = cmd.RegisterFlagCompletionFunc("ci", cobra.FixedCompletions([]string{starter.GitHub, starter.GitLab}, cobra.ShellCompDirectiveNoFileComp))
}

// init writes the workflow that a checkout begins with.
func (a *app) init(cmd *cobra.Command, _ command, _ []string) error {
	values, err := settings.Resolve(setFlags(cmd), a.getenv, settings.Disk{})
	if err != nil {
		return err
	}
	c, err := starter.Look(values.Checkout.Root, values.Dir)
	if err != nil {
		return err
	}
	switch ci, _ := cmd.Flags().GetString("ci"); ci {
	case "":
	case starter.GitHub, starter.GitLab:
		c.CI = ci
	default:
		return misused("flag --ci: found %q, expected github or gitlab", ci)
	}
	switch {
	case c.CI == "":
		return misused("found nothing that tells which CI system the checkout uses; write --ci github or --ci gitlab")
	case c.Vendored:
		fmt.Fprintln(a.stdout, "Builds use the vendor directory and download nothing: there is nothing to write.")
		return nil
	}
	file := filepath.Join(c.Root, filepath.FromSlash(c.File()))
	force, _ := cmd.Flags().GetBool("force")
	if advice := c.Advice(); advice != nil && !force {
		return a.advise(advice)
	}
	if _, err := os.Lstat(file); err == nil && !force {
		if _, err := fmt.Fprint(a.stdout, c.Text()); err != nil {
			return unwritten(err)
		}
		return fmt.Errorf("%s is there and stays as it is; take from the above what it lacks, or replace it with --force", c.File())
	}
	if err := diskfile.WriteIn(c.Root, file, []byte(c.Text())); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "Wrote %s:\n\n%s\n%s\n", c.File(), indented(c.Text()), sentences(c.Remarks()))
	return unwritten(err)
}

// advise says what to do in workflows that are there.
func (a *app) advise(advice *starter.Advice) error {
	text := advice.Say + "\n"
	if advice.Text != "" {
		text += "\n" + indented(advice.Text)
	}
	if len(advice.Changes) > 0 {
		text += "\n" + sentences(advice.Changes) + "\n"
	}
	_, err := io.WriteString(a.stdout, text)
	return unwritten(err)
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// sentences are remarks as a list.
func sentences(remarks []string) string { return "- " + strings.Join(remarks, "\n- ") }
