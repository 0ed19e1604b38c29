package main

import (
	"cmp"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/action/gitlab"
	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/settings"
)

// host is what goenv sees of this machine.
func (a *app) host() goenv.Host {
	return goenv.Host{
		Getenv: a.getenv, ReadFile: diskfile.ReadSettings, LookPath: exec.LookPath,
		EvalSymlinks: filepath.EvalSymlinks, GOOS: runtime.GOOS,
	}
}

// goVariables are the variables of the go command that decide what is downloaded
// from where.
var goVariables = []string{"GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOMODCACHE", "GOFLAGS", "GOTOOLCHAIN"}

func settingsFlags(cmd *cobra.Command) {
	cmd.Flags().Bool("schema", false, "print the JSON schema of .modferry.yaml instead")
}

// settings shows every setting with its value and where it comes from.
func (a *app) settings(cmd *cobra.Command, _ command, _ []string) error {
	if schema, _ := cmd.Flags().GetBool("schema"); schema {
		_, err := a.stdout.Write(settings.Schema())
		return unwritten(err)
	}
	values, err := settings.Resolve(setFlags(cmd), a.getenv, settings.Disk{})
	if err != nil {
		return err
	}
	env, _, _, envErr := gitlab.Detect(a.getenv).Environment(values, a.host())
	var page listing
	for _, s := range settings.Table() {
		value, source := values.Show(s)
		page.add(s.Group, s.Name, cmp.Or(value, "("+s.Unset+")"), source)
	}
	for _, r := range append(slices.Clone(values.Rules), values.Checkout.Rules...) {
		page.add("Rules: which mirrors may be asked", r.Modules, cmp.Or(settings.Redact(strings.Join(r.Mirrors, ", ")), "(none)"), r.Source)
	}
	for _, name := range goVariables {
		page.add("What the go command is told", name, cmp.Or(settings.Redact(env.Get(name)), "(none)"), env.Source(name))
	}
	for _, i := range values.Checkout.Ignored {
		page.add("Not obeyed, because a pull request could have written it", i.Setting.Name, i.Source, i.Why)
	}
	if _, err := io.WriteString(a.stdout, page.String()); err != nil {
		return unwritten(err)
	}
	return envErr
}

// listing is lines of three columns under headings.
type listing []struct{ heading, name, value, source string }

func (l *listing) add(heading, name, value, source string) {
	*l = append(*l, struct{ heading, name, value, source string }{heading, name, value, source})
}

// String lays the columns out alike under all headings. A long value moves the
// last column of its own line only.
func (l *listing) String() string {
	width := 0
	for _, r := range *l {
		if n := utf8.RuneCountInString(r.value); n <= 40 {
			width = max(width, n)
		}
	}
	var b strings.Builder
	heading := ""
	for _, r := range *l {
		if r.heading != heading {
			if heading != "" {
				b.WriteByte('\n')
			}
			heading = r.heading
			fmt.Fprintf(&b, "%s:\n", heading)
		}
		fmt.Fprintf(&b, "  %-18s  %-*s  %s\n", r.name, width, r.value, r.source)
	}
	return b.String()
}
