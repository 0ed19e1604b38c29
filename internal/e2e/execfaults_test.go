package e2e

import (
	"bytes"
	"hash/fnv"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// trouble is what upstreams do to a share of their requests that a further attempt
// may mend.
var trouble = []mirrortest.Fault{
	mirrortest.Status(http.StatusInternalServerError),
	mirrortest.Status(http.StatusBadGateway),
	mirrortest.Status(http.StatusServiceUnavailable),
	mirrortest.Status(http.StatusGatewayTimeout),
	mirrortest.RetryAfter(http.StatusTooManyRequests, "0"),
	mirrortest.ResetAfter(-1),
	mirrortest.ResetAfter(20),
	mirrortest.CutAfter(0),
	mirrortest.CutAfter(20),
	mirrortest.CutWithoutLength(20),
	mirrortest.LengthTooLong(7),
	mirrortest.RedirectLoop(),
}

// refusals are what no further attempt mends: of a file only one mirror says it, or
// nobody could have it.
var refusals = []mirrortest.Fault{
	mirrortest.Status(http.StatusNotFound),
	mirrortest.Status(http.StatusForbidden),
	mirrortest.HTML(),
}

// lies are refusals, too, of files with a hash: nobody can tell a list of versions
// from a part of it.
var lies = append([]mirrortest.Fault{
	mirrortest.Empty(),
	mirrortest.Flip(-30),
	mirrortest.Truncate(20),
	mirrortest.Coded("br"),
}, refusals...)

// silences are what no go command ends: few of them, since each takes its time.
var silences = []mirrortest.Fault{mirrortest.SlowFirstByte(nil), mirrortest.StallAfter(20, nil)}

// failing are upstreams that each fail 30 of 100 requests, and fall silent as often as
// silent says.
func failing(t *testing.T, n int, silent *atomic.Int32) []*mirrortest.Server {
	t.Helper()
	var mu sync.Mutex
	liar := map[string]int{} // path → the mirror that lies of it
	seen := map[string]int{}
	authority := mirrortest.NewAuthority(t)
	var all []*mirrortest.Server
	for i := range n {
		fault := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			mu.Lock()
			h := fnv.New32a()
			h.Write([]byte{byte(i), byte(seen[r.URL.Path])})
			h.Write([]byte(r.URL.Path))
			seen[r.URL.Path]++
			final := refusals
			if ext := path.Ext(r.URL.Path); ext == ".zip" || ext == ".mod" {
				final = lies
			}
			of, lied := liar[r.URL.Path]
			from, at := trouble, int(h.Sum32()>>4)
			switch {
			case path.Ext(r.URL.Path) == ".zip" && silent.Add(-1) >= 0:
				from = silences
			case at%(len(trouble)+len(final)) >= len(trouble) && (!lied || of == i):
				from, liar[r.URL.Path] = final, i
			}
			mu.Unlock()
			from[at%len(from)](w, r, next)
		}
		all = append(all, mirrortest.Start(t, mirrortest.Options{Handler: record, Protocol: mirrortest.HTTP2, Authority: authority,
			Faults: []mirrortest.Rule{mirrortest.Sometimes(0.3, uint64(i), "", fault)}}))
	}
	return all
}

// TestExecBuildsWhereEveryUpstreamFails has go commands download real projects and a
// tool, from an empty module cache and with the checksum database, while all mirrors
// fail three requests of ten. Without the relay that cannot work.
func TestExecBuildsWhereEveryUpstreamFails(t *testing.T) {
	tool := module.Version{Path: "golang.org/x/tools/cmd/stringer", Version: "v0.30.0"}
	for _, p := range projects[:2] {
		t.Run(path.Base(p.Path), func(t *testing.T) {
			dir := p.checkout(t)
			script := "go list -deps -test " + p.packages + " >packages && go install " + tool.String()
			if p.build && everything() {
				script += " && go build -o " + os.DevNull + " " + p.packages
			}
			var silent atomic.Int32
			mirrors := failing(t, 3, &silent)
			var urls []string
			for _, s := range mirrors {
				urls = append(urls, s.URL)
			}
			at := newPlace(t, mirrors[0])
			at.dir = dir
			at.proxy = strings.Join(urls, "|")
			env := append(ownSumDB(t), "GOPROXY="+at.proxy, "GOBIN="+t.TempDir())

			direct := inPlaceOfGo(at.goProcess(t, env), "/bin/sh", "-c", script)
			if out, err := direct.CombinedOutput(); err == nil {
				t.Errorf("without the relay it works, too:\n%s", tail(out))
			}
			writable(t, at.modcache)
			if err := os.RemoveAll(at.modcache); err != nil {
				t.Fatal(err)
			}

			silent.Store(4)
			out := filepath.Join(t.TempDir(), "result.json")
			through := inPlaceOfGo(at.goProcess(t, env), binary, "exec", "--first-byte-timeout", "10s", "--stall-timeout", "5s", "--json", out, "--", "/bin/sh", "-c", script)
			said, err := through.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			data, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			r, err := report.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			failed, attempts := 0, 0
			for _, m := range r.Modules {
				for _, a := range m.Attempts {
					attempts++
					if a.Class != "" {
						failed++
					}
				}
			}
			n := sources(r)
			t.Logf("%v: %d of %d attempts failed; %s", n, failed, attempts, tail(said))
			if r.Outcome != report.OK || n["zip mirror"] < 50 || failed*10 < attempts || r.SumDB == nil || !r.SumDB.Reachable {
				t.Errorf("%s: %s, %v, %d of %d attempts failed, database %+v", r.Outcome, r.Message, n, failed, attempts, r.SumDB)
			}
			at.goOffline(t, "list", "-deps", "-test", p.packages)
		})
	}
}

// inPlaceOfGo is a program with arguments that runs where a go command would have.
func inPlaceOfGo(cmd *exec.Cmd, args ...string) *exec.Cmd {
	cmd.Path, cmd.Args, cmd.Err = args[0], args, nil
	return cmd
}
