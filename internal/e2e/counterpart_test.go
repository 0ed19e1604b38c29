package e2e

import (
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// counterpart is a server that we did not write, with all that a job needs to
// use it as a store. Every request to it passes the Server, where tests see and
// disturb it.
type counterpart struct {
	*mirrortest.Server                   // in front; nil for a store without one
	cache              string            // what the setting "cache" says
	env                map[string]string // the variables of a job
	kill               func()            // ends the program behind, at once; nil when it is shared
	signal             func(os.Signal)   // sends it a signal; nil when it is shared or no program
	kept               kept              // what is in it
	expire             func(n int)       // lets the next n signed URLs be stale; nil without such
}

// counterparts are all of them. What starts one with alone=true may kill it.
var counterparts = []struct {
	name  string
	start func(t *testing.T, alone bool) *counterpart

	foldsCase        bool // names come back in lower case
	takesNamesAgain  bool // a name may be saved twice
	keepsFailedNames bool // a name stays taken after a failed upload
}{
	{name: "gha v1 on act", start: startAct, foldsCase: true, takesNamesAgain: true},
	{name: "gha v2 on azurite", start: startTwirp, keepsFailedNames: true},
	{name: "s3 on versitygw", start: startVersity},
}

// getenv looks a variable up as os.Getenv does.
func (c *counterpart) getenv(name string) string { return c.env[name] }

// environ are the variables as a command gets them.
func (c *counterpart) environ() []string {
	var env []string
	for _, name := range slices.Sorted(maps.Keys(c.env)) {
		env = append(env, name+"="+c.env[name])
	}
	return env
}

// age makes all that is stored older than what will be, however little time
// passes between the two.
func (c *counterpart) age(t *testing.T) {
	t.Helper()
	if k, ok := c.kept.(ageing); ok {
		k.age(t)
	}
}

// passOn hands requests on as they are, signed headers included. When there is
// no server any more the connection breaks, as it does in front of a dead one.
func passOn(to *url.URL, transport *http.Transport) http.Handler {
	transport.DisableCompression = true // adds a header otherwise
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

// ending holds what is to be done when all tests are over.
var ending struct {
	sync.Mutex
	todo []func()
}

// atEnd has something done when all tests are over.
func atEnd(f func()) {
	ending.Lock()
	defer ending.Unlock()
	ending.todo = append(ending.todo, f)
}

// end does it, last things first.
func end() {
	ending.Lock()
	defer ending.Unlock()
	for _, f := range slices.Backward(ending.todo) {
		f()
	}
	ending.todo = nil
}
