package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

const importHelp = `Brings all modules of DIR, which modferry export has written, into the module
cache. The go.sum of the checkout verifies them, and what it does not name, the
checksum database does, whose answers are in DIR. No network is used. What builds
of the checkout on this platform need and neither DIR nor the module cache has is
missing: the exit code is 1.`

// importModules brings the modules of a directory into the module cache.
func (a *app) importModules(cmd *cobra.Command, c command, args []string) error {
	if len(args) != 1 {
		return misused("found %s, expected one directory to import, such as modferry import goproxy", howMany(args, "argument"))
	}
	dir, err := filepath.Abs(args[0])
	if err != nil {
		return fmt.Errorf("find the directory: %w", err)
	}
	var needs *session.Session
	c.prepare = func(v *settings.Values, env goenv.Env, o session.Options) (*session.Session, error) {
		own := *v
		own.Scope, own.Cache = "all", "off"
		env["GOPROXY"] = goenv.Var{Value: "off", Source: "modferry import"}
		s, err := session.OpenOffline(&own, env, o, dir)
		if err != nil {
			return nil, err
		}
		own.Scope = v.Scope
		if own.Platforms == "" { // an export may be for fewer than the usual ones
			own.Platforms = cmp.Or(a.getenv("GOOS"), runtime.GOOS) + "/" + cmp.Or(a.getenv("GOARCH"), runtime.GOARCH)
		}
		needs, err = session.OpenOffline(&own, env, o, dir)
		return s, err
	}
	c.run = chainless(func(ctx context.Context, s *session.Session, rec *fetch.Recorder) *report.Result {
		return fetch.Import(ctx, s, needs, rec, dir)
	})
	return a.execute(cmd, c, nil)
}
