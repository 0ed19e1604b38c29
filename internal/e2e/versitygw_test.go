package e2e

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// versity is an S3 server: versitygw on a directory, behind a Unix socket, so
// that no port has to be found for it.
type versity struct {
	*process
	socket     string
	data       string // its buckets are the directories in here
	id, secret string
}

// sharedVersity serves all tests that leave it alone.
var sharedVersity = sync.OnceValues(newVersity(atEnd))

// newVersity returns what starts a server; later is told what ends it.
func newVersity(later func(func())) func() (*versity, error) {
	return func() (*versity, error) {
		// Not a test's directory: the path of a socket must be short.
		dir, err := os.MkdirTemp("", "modferry-s3-")
		if err != nil {
			return nil, err
		}
		later(func() { os.RemoveAll(dir) })
		v, err := launchVersity(dir)
		if err == nil {
			later(v.kill)
		}
		return v, err
	}
}

func launchVersity(dir string, options ...string) (*versity, error) {
	v := &versity{data: filepath.Join(dir, "data"), id: rand.Text(), secret: rand.Text()}
	if err := os.Mkdir(v.data, 0o777); err != nil {
		return nil, err
	}
	cmd := exec.Command("versitygw", append(options, "--port", filepath.Join(dir, "s3.sock"), "posix", v.data)...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "ROOT_ACCESS_KEY=" + v.id, "ROOT_SECRET_KEY=" + v.secret}
	var err error
	v.process, v.socket, err = launch(cmd, `unix:(\S+\.sock)\s`)
	return v, err
}

// startVersity is a bucket of its own on an S3 server.
func startVersity(t *testing.T, alone bool) *counterpart {
	t.Helper()
	_, err := exec.LookPath("versitygw")
	need(t, err == nil, "versitygw is not on the search path; .ci/tools says where it comes from")
	get := sharedVersity
	if alone {
		get = newVersity(t.Cleanup)
	}
	v, err := get()
	if err != nil {
		t.Fatal(err)
	}
	bucket := "test-" + strings.ToLower(rand.Text())
	if err := os.Mkdir(filepath.Join(v.data, bucket), 0o777); err != nil {
		t.Fatal(err)
	}
	front := v.front(t)
	c := &counterpart{
		Server: front,
		cache:  "s3://" + bucket + "/team/cache?endpoint=" + front.URL,
		env:    map[string]string{"AWS_ACCESS_KEY_ID": v.id, "AWS_SECRET_ACCESS_KEY": v.secret},
		kept:   keptObjects(filepath.Join(v.data, bucket, "team", "cache")),
	}
	if alone {
		c.kill = v.kill
		c.signal = func(sig os.Signal) { v.cmd.Process.Signal(sig) }
	}
	return c
}

// front is the server at an address, where tests see its requests.
func (v *versity) front(t *testing.T) *mirrortest.Server {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", v.socket)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return mirrortest.Start(t, mirrortest.Options{Handler: passOn(&url.URL{Scheme: "http", Host: "s3.example.test"}, transport)})
}
