package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/layer"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/store"
)

// cacheCommand is the group of commands about the cache.
func (a *app) cacheCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "cache", Short: "Restore, save, list or prune the cache by hand",
		Long: `The cache keeps modules between jobs, in a directory, in GitHub's cache service
or in an S3 bucket. fetch restores from it by itself; save after the build, when
it is known which modules the build uses.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return unknownCommand(cmd, args) },
	}
	cmd.AddCommand(
		a.runCommand(restoring, "Bring what the cache has into the module cache", `Brings into the module cache what the cache has of the checkout's modules,
verified against go.sum. No mirror is asked.`),
		a.runCommand(saving, "Add what the module cache has to the cache", `Adds to the cache what the module cache has of the checkout's modules and the
cache has not. Run it after the build: what the build extracted is what the next
job brings first.`),
		jobCommand(listing, a.keep, "List what the cache holds", "Lists what the cache holds, newest first."),
		jobCommand(pruning, a.keep, "Remove from the cache what is old or too much", `Removes from the cache what was not used for --cache-max-age, and then what was
not used for longest until no more than --cache-max-size is left.`),
	)
	return cmd
}

// entry is one entry of a cache in JSON.
type entry struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"` // index or layer
	Bytes   int64  `json:"bytes"`
	Created string `json:"created,omitempty"` // RFC 3339
	Used    string `json:"used,omitempty"`    // last time, RFC 3339
}

// keep lists or prunes the cache.
func (a *app) keep(cmd *cobra.Command, m mode) error {
	values, err := settings.Resolve(setFlags(cmd), a.getenv, settings.Disk{})
	if err != nil {
		return err
	}
	out := newOutput(a.process, values)
	out.remark(settings.UnknownVariables(a.environ()))
	job, _, err := a.prepare(values, m, out)
	if err != nil {
		return err
	}
	act := fetch.List
	if m == pruning {
		act = fetch.Prune
	}
	entries, err := act(cmd.Context(), job)
	if err != nil {
		// Here the store is what was asked for, so its failure is the command's.
		a.say(err)
		a.code = report.Incomplete.ExitCode()
		if len(entries) == 0 {
			return nil
		}
	}
	if values.JSON != "" {
		return a.writeEntries(values.JSON, values.Dir, entries)
	}
	if values.Quiet {
		return nil
	}
	return printEntries(a.stdout, m, entries)
}

func (a *app) writeEntries(target, checkout string, entries []store.Entry) error {
	list := []entry{}
	for _, e := range entries {
		list = append(list, entry{Name: e.Name, Kind: kindOf(e), Bytes: e.Size, Created: stamp(e.Created), Used: stamp(e.Used)})
	}
	data, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("render the list as JSON: %w", err)
	}
	return a.writeTo(target, checkout, append(data, '\n'))
}

func kindOf(e store.Entry) string {
	if strings.HasPrefix(e.Name, layer.IndexPrefix) {
		return "index"
	}
	return "layer"
}

// stamp is a time in JSON, "" when it is not known.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// printEntries shows entries to people.
func printEntries(w io.Writer, m mode, entries []store.Entry) error {
	var total int64
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(entries) > 0 {
		fmt.Fprintln(t, "ENTRY\tSIZE\tCREATED\tLAST USED")
	}
	for _, e := range entries {
		total += e.Size
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", e.Name, report.Bytes(e.Size), day(e.Created), day(e.Used))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	indexes := len(slices.DeleteFunc(slices.Clone(entries), func(e store.Entry) bool { return kindOf(e) != "index" }))
	verb := "in the cache"
	if m == pruning {
		verb = "removed"
	}
	_, err := fmt.Fprintf(w, "%s: indexes %d, layers %d, %s\n", verb, indexes, len(entries)-indexes, report.Bytes(total))
	if err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	return nil
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04 MST")
}
