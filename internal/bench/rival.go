package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A rival is a program that stands between clients and the origin.
type rival struct {
	name string
	// command runs it at an address, in front of the origin, with an empty directory
	// of its own.
	command func(ctx context.Context, address string, from *origin, dir string) (*exec.Cmd, error)
}

// The names in tables.
const (
	ownRelay     = "modferry serve"
	nginxCache   = "nginx, proxy_cache"
	goproxyCache = "goproxy"
)

// rivals are the programs that can be had here, ours first.
func (s *suite) rivals(ctx context.Context) ([]rival, error) {
	list := []rival{{ownRelay, func(ctx context.Context, address string, from *origin, dir string) (*exec.Cmd, error) {
		cmd := exec.CommandContext(ctx, s.modferry, "serve")
		cmd.Env = []string{
			"HOME=" + dir, "TMPDIR=" + dir, "GOMODCACHE=" + filepath.Join(dir, "mod"), "GOENV=off",
			"GOPROXY=" + from.url, "GOSUMDB=" + from.key, "MODFERRY_LISTEN=" + address,
		}
		return cmd, nil
	}}}
	if nginx, err := exec.LookPath("nginx"); err != nil {
		fmt.Fprintln(s.log, "without nginx:", err)
	} else {
		list = append(list, rival{nginxCache, func(ctx context.Context, address string, from *origin, dir string) (*exec.Cmd, error) {
			file := filepath.Join(dir, "nginx.conf")
			text := strings.NewReplacer("{dir}", dir, "{address}", address, "{origin}", strings.TrimPrefix(from.url, "http://")).Replace(nginxConf)
			return exec.CommandContext(ctx, nginx, "-p", dir, "-c", file), os.WriteFile(file, []byte(text), 0o644)
		}})
	}
	program := filepath.Join(s.tmp, "goproxyd")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./goproxyd").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build goproxyd (%s): %w: %s", runFromHere, err, out)
	}
	return append(list, rival{goproxyCache, func(ctx context.Context, address string, from *origin, dir string) (*exec.Cmd, error) {
		return exec.CommandContext(ctx, program, address, from.url, dir), nil
	}}), nil
}

// nginxConf has nginx keep what it serves, ask once for a file, and log each
// request, as the others do.
const nginxConf = `
daemon off;
user root;
pid {dir}/pid;
error_log stderr;
worker_processes 2;
events { worker_connections 4096; }
http {
  access_log {dir}/access.log;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/temp;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  sendfile on;
  keepalive_requests 1000000;
  proxy_cache_path {dir}/cache levels=2 keys_zone=modules:16m max_size=10g;
  upstream origin { server {origin}; keepalive 64; }
  server {
    listen {address} backlog=1024;
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache modules;
      proxy_cache_lock on;
      proxy_cache_lock_timeout 60s;
      proxy_cache_valid 200 1h;
    }
  }
}
`

// A running rival.
type running struct {
	url  string
	cmd  *exec.Cmd
	log  *os.File
	stop context.CancelFunc
}

// start runs the rival and waits until it listens.
func (v rival) start(ctx context.Context, from *origin, dir string) (_ *running, err error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	cmd, err := v.command(ctx, address, from, dir)
	if err != nil {
		stop()
		return nil, err
	}
	r := &running{url: "http://" + address, cmd: cmd, stop: stop}
	if r.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		stop()
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = r.log, r.log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		stop()
		return nil, errors.Join(err, r.log.Close())
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			return r, c.Close()
		}
		if time.Now().After(end) {
			return nil, errors.Join(fmt.Errorf("%s does not listen: %w", v.name, err), r.end())
		}
	}
}

// end stops the rival. What it says when it is interrupted is nobody's concern.
func (r *running) end() error {
	r.stop()
	_ = r.cmd.Wait()
	return r.log.Close()
}

// said is the end of what the rival printed.
func (r *running) said() string {
	data, err := os.ReadFile(r.log.Name())
	if err != nil {
		return err.Error()
	}
	return lastLines(string(bytes.ToValidUTF8(data, []byte("?"))), 10)
}

// freeAddress is one of the loopback interface where nobody listens now.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}
