package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
)

// doctorCommand checks the configuration or, given logs, explains them.
func (a *app) doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "doctor [LOG...]", Short: "Check the configuration, or explain a go command's log",
		Long: `Without LOG: checks every setting that the go command reads against the
checkout's modules, the credentials file, and the mirrors; says what was found and
where it comes from, what the go command does with it, and what to write instead.
Exits with 2 when something is an error.

With LOG (- for standard input): finds every failed download in the output of go
commands, whole CI logs included, and says what it means and what to do. The
output of go mod download -x tells the time of requests, too.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, logs []string) error {
			if len(logs) == 0 {
				return a.execute(cmd, doctoring)
			}
			return a.explain(cmd, logs)
		},
	}
	bindFlags(cmd, doctoring)
	return cmd
}

// explain renders what logs of the go command tell.
func (a *app) explain(cmd *cobra.Command, logs []string) error {
	values, err := settings.Resolve(setFlags(cmd), a.getenv, os.ReadFile)
	if err != nil {
		return err
	}
	// A checkout tells the lines of go.mod; there need not be one.
	var position func(path, version string) string
	if job, _, err := a.prepare(values, doctoring, newOutput(a.process, values)); err == nil {
		position = positionIn(job)
	}
	for _, name := range logs {
		if err := a.explainOne(name, len(logs) > 1, position); err != nil {
			return err
		}
	}
	return nil
}

func positionIn(job *fetch.Job) func(path, version string) string {
	return func(path, version string) string {
		file, line := job.Position(path, version)
		if file == "" {
			return ""
		}
		return fmt.Sprintf("%s:%d", file, line)
	}
}

func (a *app) explainOne(name string, several bool, position func(path, version string) string) error {
	in := a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		defer f.Close()
		in = f
	}
	log, err := failure.ReadLog(in, failure.LogOptions{})
	if err != nil {
		return fmt.Errorf("read the log %s: %w", name, err)
	}
	var b bytes.Buffer
	if several {
		fmt.Fprintf(&b, "== %s\n", failure.Plain(name))
	}
	if err := report.LogText(&b, log, position, a.textOptions(a.stdout)); err != nil {
		return err
	}
	if _, err := a.stdout.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
