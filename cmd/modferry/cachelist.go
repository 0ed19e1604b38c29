package main

import (
	"context"
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
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/store"
)

// entry is one entry of a cache in JSON.
type entry struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"` // index or layer
	Bytes   int64  `json:"bytes"`
	Created string `json:"created,omitempty"` // RFC 3339
	Used    string `json:"used,omitempty"`    // last time, RFC 3339
}

// list shows what the cache holds.
func (a *app) list(cmd *cobra.Command, c command, _ []string) error {
	return a.keep(cmd, c, fetch.List, "in the cache")
}

// prune removes from the cache what is old or too much.
func (a *app) prune(cmd *cobra.Command, c command, _ []string) error {
	return a.keep(cmd, c, fetch.Prune, "removed")
}

// keep lists or prunes the cache; verb is what was done with the entries.
func (a *app) keep(cmd *cobra.Command, c command, act func(context.Context, *session.Session) ([]store.Entry, error), verb string) error {
	j, err := a.begin(cmd, c)
	if err != nil {
		return err
	}
	entries, err := act(cmd.Context(), j.Session)
	if err != nil {
		// Here the store is what was asked for, so its failure is the command's.
		a.say(err)
		a.code = report.Incomplete.ExitCode()
		if len(entries) == 0 {
			return nil
		}
	}
	if j.values.JSON != "" {
		return a.writeEntries(j.values.JSON, j.values.Dir, entries)
	}
	if j.values.Quiet {
		return nil
	}
	return printEntries(a.stdout, verb, entries)
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
func printEntries(w io.Writer, verb string, entries []store.Entry) error {
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
