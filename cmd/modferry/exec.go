package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/action/github"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/relay"
	"github.com/modferry/modferry/internal/relay/child"
	"github.com/modferry/modferry/internal/report"
)

const execHelp = `Runs CMD with a relay of its own: whatever go commands CMD starts, they download
through it. The relay retries, fails over to another mirror, verifies against
go.sum or the checksum database, and answers only then. What the cache has is
restored before.

Exits with the code of CMD. The report goes to standard error, since standard
output is CMD's.`

// execFlags leaves what follows CMD to CMD.
func execFlags(cmd *cobra.Command) { cmd.Flags().SetInterspersed(false) }

// exec runs a command with a relay.
func (a *app) exec(cmd *cobra.Command, c command, args []string) error {
	if len(args) == 0 {
		return misused("found no command to run, expected one after --, such as modferry exec -- go build ./...")
	}
	j, err := a.begin(cmd, c)
	if err != nil {
		return err
	}
	for _, out := range []io.Writer{a.stdout, a.stderr} {
		if w, ok := out.(*outlet.Writer); ok {
			_ = w.Flush() // what follows is the command's
		}
	}
	j.hide() // go build tells whether the checkout has files that git does not know
	ctx := cmd.Context()
	x, err := relay.Exec(ctx, j.Session, j.values, child.Command{
		Args: args, Env: a.environ(), Stdin: file(a.stdin), Stdout: file(outlet.Behind(a.stdout)), Stderr: file(outlet.Behind(a.stderr)),
	}, relay.Options{Log: j.relayLog(), Waits: func(what string) { j.remark("waiting for " + what) }})
	j.code, j.chain = x.Code, x.Chain
	j.tell(x.Remarks...)
	if err != nil {
		j.tell(err.Error())
		j.code = max(j.code, 1)
	}
	x.Result.Findings = append(j.findings, x.Result.Findings...)
	j.describe(x.Result)
	x.Result.Hide(j.secrets.Hide)
	if !x.Idle {
		j.publishDownloads(context.WithoutCancel(ctx), x.Result)
	}
	if j.values.JSON != "" {
		if err := j.writeJSON(j.values.JSON, j.values.Dir, func(w io.Writer) error { return report.JSON(w, x.Result) }); err != nil {
			j.tell(err.Error())
		}
	}
	return nil
}

// publishDownloads shows what a command downloaded, here and where the CI system shows
// it. The exit code stays the command's.
func (j *job) publishDownloads(ctx context.Context, res *report.Result) {
	if !j.values.Quiet || res.Outcome != report.OK {
		if err := j.fold(j.stderr, res); err != nil {
			j.tell(err.Error())
		}
	}
	if j.getenv("GITHUB_ACTIONS") == "true" {
		j.tell(github.Process{Getenv: j.getenv, Stdout: j.stderr, Tool: tool(), Secrets: j.secrets}.Publish(res, j.Root())...)
	}
	j.handOver(ctx, res)
}

// relayLog returns the function that is told what the relay does; nil unless it was
// asked for.
func (j *job) relayLog() func(string) {
	if !j.values.Verbose {
		return nil
	}
	return func(line string) { fmt.Fprintln(j.stderr, "modferry: "+failure.Plain(line)) }
}

// file is a stream of this process as a command gets it; nil for another one.
func file(stream any) *os.File {
	f, _ := stream.(*os.File)
	return f
}
