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
	for _, name := range files {
		if len(files) > 1 {
			fmt.Fprintf(a.stdout, "== %s\n", failure.Plain(name))
		}
		if err := a.explainFile(cmd.Context(), name, j); err != nil {
			return err
		}
	}
	return nil
}

// explainFile finds out what a file is, and explains it.
func (a *app) explainFile(ctx context.Context, name string, j job) error {
	in := a.stdin
	if name != "-" {
		f, err := diskfile.Stream(ctx, name)
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		defer f.Close()
		in = f
	}
	file := bufio.NewReader(in)
	head, err := file.Peek(1 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the log %s: %w", name, err)
	}
	switch {
	case doctor.IsBuilds(head):
		return a.explainBuilds(file, j)
	case isProgram(head):
		return fmt.Errorf("%s: found a program, expected a log; to see what it was built from, run: go version -m %[1]s | modferry doctor -", name)
	}
	return a.explainLog(name, file, j)
}

// isProgram recognises ELF, PE and Mach-O.
func isProgram(head []byte) bool {
	return slices.ContainsFunc([]string{"\x7fELF", "MZ", "\xfe\xed\xfa", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe"}, func(magic string) bool {
		return bytes.HasPrefix(head, []byte(magic))
	})
}

// explainBuilds holds programs against the checkout.
func (a *app) explainBuilds(in io.Reader, j job) error {
	builds, err := doctor.ReadBuilds(in)
	if err != nil {
		return err
	}
	for _, b := range builds {
		if len(builds) > 1 {
			fmt.Fprintf(a.stdout, "== %s\n", failure.Plain(b.Program))
		}
		res := doctor.Compare(j.Session, b)
		a.code = max(a.code, res.Outcome.ExitCode())
		a.publish(j.out, res)
	}
	return nil
}

func (a *app) explainLog(name string, in io.Reader, j job) error {
	log, err := golog.Read(in)
	if err != nil {
		return fmt.Errorf("read the log %s: %w", name, err)
	}
	position := func(path, version string) string {
		file, line := j.Position(path, version)
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
