package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/report"
)

const dryRun = "dry-run"

func fetchFlags(cmd *cobra.Command) {
	cmd.Flags().Bool(dryRun, false, "only say what would be downloaded from where")
}

// plan says what a fetch would do.
func (j *job) plan(ctx context.Context) error {
	p, err := fetch.MakePlan(ctx, j.Session)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s would be downloaded", report.Count(len(p.Certain), "module"))
	if n := len(p.Possible); n > 0 {
		fmt.Fprintf(&b, ", and at most %d more that their imports may lead to", n)
	}
	fmt.Fprintf(&b, "; %s already in the module cache. Nothing was contacted.\n", are(p.Present, "file"))
	if p.Cache != "" {
		fmt.Fprintf(&b, "What the cache %s has would come from there.\n", p.Cache)
	}
	planned(&b, "", p.Certain)
	planned(&b, "Possibly ", p.Possible)
	_, err = io.WriteString(j.stdout, b.String())
	return unwritten(err)
}

func are(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return report.Count(n, noun) + " are"
}

// planned lists modules by where they would come from.
func planned(b *strings.Builder, how string, all []fetch.Planned) {
	var sources []string
	bySource := map[string][]fetch.Planned{}
	for _, m := range all {
		if bySource[m.From] == nil {
			sources = append(sources, m.From)
		}
		bySource[m.From] = append(bySource[m.From], m)
	}
	for _, from := range sources {
		heading := how + "from " + from
		if from == "" {
			heading = how + "left to the go command, which gets them from version control"
		}
		fmt.Fprintf(b, "\n%s:\n", strings.ToUpper(heading[:1])+heading[1:])
		for _, m := range bySource[from] {
			alone := ""
			if !m.Zip {
				alone = " (go.mod only)"
			}
			fmt.Fprintf(b, "  %s@%s%s\n", m.Path, m.Version, alone)
		}
	}
}
