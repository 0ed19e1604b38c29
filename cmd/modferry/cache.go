package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/layer"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/store"
)

// entry is one entry of a cache in JSON.
type entry struct {
	Name    string    `json:"name"`
	Kind    string    `json:"kind"` // index or layer
	Bytes   int64     `json:"bytes"`
	Created time.Time `json:"created,omitzero"`
	Used    time.Time `json:"used,omitzero"` // last time
}

// entries is a command that lists or prunes the cache; verb is what was done with
// the entries.
func entries(act func(context.Context, *session.Session) ([]store.Entry, error), verb string) action {
	return func(a *app, cmd *cobra.Command, c command, _ []string) error {
		j, err := a.begin(cmd, c)
		if err != nil {
			return err
		}
		found, err := act(cmd.Context(), j.Session)
		if err != nil {
			// Here the store is what was asked for, so its failure is the command's.
			a.tell(err.Error())
			a.code = report.Incomplete.ExitCode()
			if len(found) == 0 {
				return nil
			}
		}
		switch {
		case j.values.JSON != "":
			return a.writeJSON(j.values.JSON, j.values.Dir, func(w io.Writer) error { return encodeEntries(w, found) })
		case j.values.Quiet:
			return nil
		}
		return printEntries(a.stdout, verb, found)
	}
}

func encodeEntries(w io.Writer, entries []store.Entry) error {
	list := []entry{}
	for _, e := range entries {
		list = append(list, entry{e.Name, kindOf(e), e.Size, e.Created.UTC().Truncate(time.Second), e.Used.UTC().Truncate(time.Second)})
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(list)
}

func kindOf(e store.Entry) string {
	if strings.HasPrefix(e.Name, layer.IndexPrefix) {
		return "index"
	}
	return "layer"
}

// printEntries shows entries to people.
func printEntries(w io.Writer, verb string, entries []store.Entry) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(entries) > 0 {
		fmt.Fprintln(t, "ENTRY\tSIZE\tCREATED\tLAST USED")
	}
	var total int64
	number := map[string]int{}
	for _, e := range entries {
		total += e.Size
		number[kindOf(e)]++
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", e.Name, report.Bytes(e.Size), day(e.Created), day(e.Used))
	}
	err := t.Flush()
	if err == nil {
		_, err = fmt.Fprintf(w, "%s: indexes %d, layers %d, %s\n", verb, number["index"], number["layer"], report.Bytes(total))
	}
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
