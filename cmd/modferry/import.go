package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

const importHelp = `Brings all modules of DIR, which modferry export has written, into the module
cache. The go.sum of the checkout verifies them, and what it does not name, the
checksum database does, whose answers are in DIR. No network is used.`

// importModules brings the modules of a directory into the module cache.
func (a *app) importModules(cmd *cobra.Command, c command, args []string) error {
	if len(args) != 1 {
		return misused("found %d directories to import, expected one, such as modferry import goproxy", len(args))
	}
	dir, err := filepath.Abs(args[0])
	if err != nil {
		return fmt.Errorf("find the directory: %w", err)
	}
	c.prepare = func(v *settings.Values, env goenv.Env, o session.Options) (*session.Session, error) {
		own := *v
		own.Scope, own.Cache = "all", "off"
		env["GOPROXY"] = goenv.Var{Value: "off", Source: "modferry import"}
		return session.OpenOffline(&own, env, o, dir)
	}
	c.run = chainless(func(ctx context.Context, s *session.Session, rec *fetch.Recorder) *report.Result {
		return fetch.Import(ctx, s, rec, dir)
	})
	return a.execute(cmd, c, nil)
}
