package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/golog"
	"github.com/modferry/modferry/internal/report/text"
	"github.com/modferry/modferry/internal/settings"
)

// doctorCommand checks the configuration or, given logs, explains them.
func (a *app) doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "doctor [FILE...]", Short: "Check the configuration, or explain a log of the go command",
		Long: `Without FILE: checks every setting that the go command reads against the
checkout's modules, this machine, and the mirrors; says what was found and where it
comes from, what the go command does with it, and how to fix it. Exits with 2
when something is an error.

With the log of a go command (- for standard input): finds every failed download,
and other errors that end a go command, and says what they mean and what to do.
Whole CI logs will do, with what CI systems, container builds and terminals put
before lines. The output of go mod download -x tells the time of requests, too.

With the output of go version -m PROGRAM: compares what the program was built from
with the checkout and the settings of now.

The checks: ` + finding.Reference,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files) == 0 {
				return a.execute(cmd, doctoring)
			}
			return a.explain(cmd, files)
		},
	}
	bindFlags(cmd, doctoring)
	return cmd
}

// explain renders what logs of the go command tell, and what programs were
// built from.
func (a *app) explain(cmd *cobra.Command, files []string) error {
	values, err := settings.Resolve(setFlags(cmd), a.getenv, settings.Disk{})
	if err != nil {
		return err
	}
	out := newOutput(a.process, values)
	out.render = text.Diagnosis
	job, _, err := a.prepare(values, doctoring, out)
	if err != nil {
		return err
	}
	for _, name := range files {
		if len(files) > 1 {
			fmt.Fprintf(a.stdout, "== %s\n", failure.Plain(name))
		}
		if err := a.explainFile(cmd.Context(), name, job, out); err != nil {
			return err
		}
	}
	return nil
}

// explainFile finds out what a file is, and explains it.
func (a *app) explainFile(ctx context.Context, name string, job *fetch.Job, out *output) error {
	in := a.stdin
	if name != "-" {
		f, err := diskfile.Stream(ctx, name)
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		defer f.Close()
		in = f
	}
	text := bufio.NewReader(in)
	head, err := text.Peek(1 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the log %s: %w", name, err)
	}
	switch {
	case fetch.IsBuilds(head):
		return a.explainBuilds(text, job, out)
	case isProgram(head):
		return fmt.Errorf("%s: found a program, expected a log; what it was built from is told by: go version -m %[1]s | modferry doctor -", name)
	}
	return a.explainLog(name, text, job)
}

// isProgram recognises ELF, PE and Mach-O.
func isProgram(head []byte) bool {
	return slices.ContainsFunc([]string{"\x7fELF", "MZ", "\xfe\xed\xfa", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe"}, func(magic string) bool {
		return bytes.HasPrefix(head, []byte(magic))
	})
}

// explainBuilds holds programs against the checkout.
func (a *app) explainBuilds(text io.Reader, job *fetch.Job, out *output) error {
	builds, err := fetch.ReadBuilds(text)
	if err != nil {
		return err
	}
	for _, b := range builds {
		if len(builds) > 1 {
			fmt.Fprintf(a.stdout, "== %s\n", failure.Plain(b.Program))
		}
		res := job.Compare(b)
		a.code = max(a.code, res.Outcome.ExitCode())
		if err := a.publish(out, res); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) explainLog(name string, in io.Reader, job *fetch.Job) error {
	log, err := golog.Read(in, golog.Options{})
	if err != nil {
		return fmt.Errorf("read the log %s: %w", name, err)
	}
	position := func(path, version string) string {
		file, line := job.Position(path, version)
		if file == "" {
			return "" // no checkout, or none of its modules
		}
		return fmt.Sprintf("%s:%d", file, line)
	}
	var b bytes.Buffer
	if err := text.Log(&b, log, position, a.textOptions(a.stdout)); err != nil {
		return err
	}
	if _, err := a.stdout.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
