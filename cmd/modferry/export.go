package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/outside"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

const exportHelp = `Writes the modules of the checkout to DIR as a module proxy, for go commands
without a network: GOPROXY=file:///path/of/DIR. With arguments, what go install
of these modules reads is added, and with --toolchain the toolchain, and what the
checksum database says of both, which the go command then finds in DIR.`

// export writes the modules of a checkout, and those that arguments name, as a module
// proxy.
func (a *app) export(cmd *cobra.Command, c command, args []string) error {
	if len(args) == 0 {
		return misused("found no directory to export to, expected one, such as modferry export goproxy")
	}
	modules, err := outside.Parse(args[1:])
	if err != nil {
		return &usageError{err.Error()}
	}
	open := session.Open
	if len(modules) > 0 {
		open = session.OpenJob
	}
	c.prepare = func(v *settings.Values, env goenv.Env, o session.Options) (*session.Session, error) {
		own := *v
		own.Zips, own.Extract = "rebuild", "none" // go commands want zips of their mirrors
		return open(&own, env, o)
	}
	c.run = func(ctx context.Context, s *session.Session, rec *fetch.Recorder) (*report.Result, session.Chain) {
		return fetch.Export(ctx, s, rec, args[0], modules)
	}
	return a.execute(cmd, c, nil)
}
