package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/doctor"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/golog"
	"github.com/modferry/modferry/internal/report/text"
)

const doctorHelp = `Without FILE: checks every setting that the go command reads against the
checkout's modules, this machine and the mirrors. Says what was found and where
it is set, what the go command does with it and what to write instead. Exits
with 2 when a finding is an error.

With the log of a go command (- for standard input): finds failed downloads and
other errors that end a go command, and says what they mean and how to fix them.
Whole CI logs work, with the prefixes that CI systems, container builds and
terminals add. The output of go mod download -x also shows the time of requests.
This is text alone: --json is refused.

With the output of go version -m PROGRAM: compares the modules that the program
was built from with the checkout and the current settings.

The checks: ` + finding.Reference

// doctor checks the configuration or explains files: logs of the go command,
// and what programs were built from.
func (a *app) doctor(cmd *cobra.Command, c command, files []string) error {
	if len(files) == 0 {
		return a.execute(cmd, c, nil)
	}
	j, err := a.begin(cmd, c)
	if err != nil {
		return err
	}
	asksJSON := cmd.Flags().Changed("json")
	for _, name := range files {
		if len(files) > 1 {
			j.heading(name)
		}
		if err := j.explainFile(cmd.Context(), name, asksJSON); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) heading(name string) { fmt.Fprintf(j.stdout, "== %s\n", failure.Plain(name)) }

// explainFile finds out what a file is, and explains it. asksJSON says that this call
// of modferry asks for a result, in contrast to a variable of the whole job.
func (j *job) explainFile(ctx context.Context, name string, asksJSON bool) error {
	in, err := j.open(ctx, name)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	defer in.Close()
	file := bufio.NewReader(in)
	head, err := file.Peek(1 << 10)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return fmt.Errorf("read the log %s: %w", name, err)
	case doctor.IsBuilds(head):
		return j.explainBuilds(file)
	case doctor.IsProgram(head):
		return fmt.Errorf("%s: found a program, expected a log; to see what it was built from, run: go version -m %[1]s | modferry doctor -", name)
	}
	if asksJSON {
		return misused("flag --json: found the log %s, expected none: a log is explained as text and has no result; leave one of the two out", name)
	}
	log, err := golog.Read(file)
	if err != nil {
		return fmt.Errorf("read the log %s: %w", name, err)
	}
	return j.print(j.stdout, false, func(w io.Writer, o text.Options) error { return text.Log(w, log, j.position, o) })
}

// position is the line of the checkout that stands for a module, "" for none.
func (j *job) position(path, version string) string {
	file, line := j.Position(path, version)
	if file == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// explainBuilds holds programs against the checkout.
func (j *job) explainBuilds(in io.Reader) error {
	builds, err := doctor.ReadBuilds(in)
	if err != nil {
		return err
	}
	for _, b := range builds {
		if len(builds) > 1 {
			j.heading(b.Program)
		}
		res := doctor.Compare(j.Session, b)
		j.code = max(j.code, res.Outcome.ExitCode())
		j.publish(res)
	}
	return nil
}
