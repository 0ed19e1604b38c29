package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/relay/serve"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

const serveHelp = `Answers go commands as a module proxy until it is stopped. It needs no checkout:
the checksum database says which bytes are right. Set GOPROXY of the go commands
to http://HOST:8642,direct. MODFERRY_RELAY_TOKEN is a token that clients need.

/healthz, /readyz and /metrics need none; /result is the report so far. Changed
files (--config, certificates, tokens) are taken over within seconds.`

func serveFlags(cmd *cobra.Command) {
	cmd.Flags().Bool("check", false, "ask the server at --listen whether it is ready, and exit")
}

// serve serves a relay.
func (a *app) serve(cmd *cobra.Command, _ command, _ []string) error {
	load := func() (*settings.Values, error) {
		return settings.ResolveServer(setFlags(cmd), a.getenv, settings.Disk{})
	}
	v, err := load()
	if err != nil {
		return err
	}
	if check, _ := cmd.Flags().GetBool("check"); check {
		return a.checkServer(cmd.Context(), v)
	}
	a.tell(settings.UnknownVariables(a.environ())...)
	token := a.getenv(settings.RelayToken)
	a.secrets.Add(token)
	if mask := a.mask(); mask != nil && token != "" {
		mask(token)
	}
	if a.getenv("GOGC") == "" {
		// A hit makes garbage and keeps nothing: collecting it at twice the heap was a
		// tenth of what hits cost.
		debug.SetGCPercent(250)
	}
	return serve.Run(cmd.Context(), serve.Options{
		Values: v, Load: load, Open: a.openServer, Token: token,
		Log: serverLog(a.stderr, v), Plain: serverLog(outlet.Data(a.stderr), v),
		Session: session.Options{Tool: tool(), Getenv: a.getenv, Mask: a.mask(), Secrets: a.secrets},
	})
}

// openServer opens a session over the settings of the go command as they are now.
func (a *app) openServer(v *settings.Values, o session.Options) (*session.Session, error) {
	env, _, err := session.Environment(v, goenv.Host{
		Getenv: a.getenv, ReadFile: diskfile.ReadSettings, LookPath: exec.LookPath,
		EvalSymlinks: filepath.EvalSymlinks, GOOS: runtime.GOOS,
	})
	var odd *goenv.SyntaxError
	if errors.As(err, &odd) && (odd.Setting == "GOMODCACHE" || odd.Setting == "GOPATH") {
		err = nil // a server uses neither, and may have no home
	}
	if err != nil {
		return nil, err
	}
	return session.OpenServer(v, env, o)
}

// serverLog is a log as the settings want it.
func serverLog(w io.Writer, v *settings.Values) *slog.Logger {
	level := slog.LevelInfo
	switch {
	case v.Quiet:
		level = slog.LevelWarn
	case v.Verbose:
		level = slog.LevelDebug
	}
	o := &slog.HandlerOptions{Level: level}
	if v.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// checkServer asks a server of this machine whether it is ready. It sends nothing
// that matters, so it does not matter whose certificate it gets.
func (a *app) checkServer(ctx context.Context, v *settings.Values) error {
	host, port, err := net.SplitHostPort(v.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if v.TLSCert != "" {
		scheme = "https"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		a.tell("the server does not answer: " + err.Error())
		a.code = 1
		return nil
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		a.tell(fmt.Sprintf("the server is not ready: HTTP %d", resp.StatusCode))
		a.code = 1
	}
	return nil
}
