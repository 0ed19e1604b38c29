package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/module"

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
	fmt.Fprintf(&b, "%s would be downloaded", extent(p.Certain))
	if n := len(p.Possible); n > 0 {
		noun := "module"
		if slices.ContainsFunc(p.Certain, func(m fetch.Planned) bool { return m.Zip }) {
			noun = "more module"
		}
		fmt.Fprintf(&b, ", and at most %s that imports may lead to", report.Count(n, noun))
	}
	fmt.Fprintf(&b, "; %s already in the module cache. Nothing was contacted.\n", are(p.Present, "file"))
	if p.Cache != "" {
		fmt.Fprintf(&b, "What the cache %s has would come from there.\n", p.Cache)
	}
	possible := map[module.Version]bool{}
	for _, m := range p.Possible {
		possible[version(m)] = true
	}
	planned(&b, "", p.Certain, possible)
	for _, m := range p.Certain { // it says there that the zip may come, too
		delete(possible, version(m))
	}
	planned(&b, "Possibly ", slices.DeleteFunc(p.Possible, func(m fetch.Planned) bool { return !possible[version(m)] }), nil)
	_, err = io.WriteString(j.stdout, b.String())
	return unwritten(err)
}

// extent is "3 modules and 2 go.mod files"; a module whose zip is not lacking or
// not certain to be wanted counts as the file that it is.
func extent(all []fetch.Planned) string {
	zips := 0
	for _, m := range all {
		if m.Zip {
			zips++
		}
	}
	alone := report.Count(len(all)-zips, "go.mod file")
	switch {
	case zips == len(all):
		return report.Count(zips, "module")
	case zips == 0:
		return alone
	}
	return report.Count(zips, "module") + " and " + alone
}

func are(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return report.Count(n, noun) + " are"
}

func version(m fetch.Planned) module.Version { return module.Version{Path: m.Path, Version: m.Version} }

// planned lists modules by where they would come from. Of those in possible the zip
// may come, too.
func planned(b *strings.Builder, how string, all []fetch.Planned, possible map[module.Version]bool) {
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
		fmt.Fprintf(b, "\n%s:\n", report.Capital(heading))
		for _, m := range bySource[from] {
			alone := ""
			switch {
			case m.Zip:
			case possible[version(m)]:
				alone = " (go.mod; the rest if it is imported)"
			default:
				alone = " (go.mod only)"
			}
			fmt.Fprintf(b, "  %s@%s%s\n", m.Path, m.Version, alone)
		}
	}
}
