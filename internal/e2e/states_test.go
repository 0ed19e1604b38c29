package e2e

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// shop is a checkout that needs so many modules, of sizes as modules have them.
func shop(t *testing.T, n int) *mirrortest.Fixtures {
	t.Helper()
	owners := []string{"cloud.example.test/go", "golang.example.test/x", "git.example.test/observability-platform", "rpc.example.test"}
	names := []string{"storage", "net", "text", "otel-collector-contrib-exporter", "sync", "color", "uuid", "toml/v2", "client", "websocket"}
	var mods []mirrortest.Module
	for i := range n {
		m := mirrortest.Module{Path: owners[i%len(owners)] + "/" + names[i%len(names)], Version: fmt.Sprintf("v1.%d.%d", i%17, i/40), Size: 2_000 << (i * i % 9)}
		if i >= 20 {
			m.Path = fmt.Sprintf("%s/%s%d", owners[i%len(owners)], "part", i)
		}
		if m.Path[len(m.Path)-3:] == "/v2" {
			m.Version = "v2.1.0"
		}
		mods = append(mods, m)
	}
	mods[0].Size = 6_000_000
	return mirrortest.Build(t, mods...)
}

// paced answers as a mirror somewhere else: after a time that differs from file to
// file, and none at all once the request has gone.
func paced(w http.ResponseWriter, r *http.Request, next http.Handler) {
	h := fnv.New32a()
	h.Write([]byte(r.URL.Path))
	select {
	case <-time.After(time.Duration(15+h.Sum32()%90) * time.Millisecond):
		next.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

// stated is where one of the runs works that people should understand at a glance.
type stated struct {
	*place
	mirror *mirrortest.Server
}

func newStated(t *testing.T, f *mirrortest.Fixtures, faults ...mirrortest.Rule) stated {
	t.Helper()
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: mirrortest.HTTP2, Faults: append(faults, mirrortest.Always("", paced))})
	at := newPlace(t, s)
	at.dir = t.TempDir()
	f.WriteCheckout(t, at.dir, mirrortest.Checkout{Module: "example.test/shop"})
	return stated{at, s}
}

// run fetches and returns the file of the result.
func (s stated) run(t *testing.T, expect int, args ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "result.json")
	cmd := s.command(t, append([]string{"fetch", "-C", s.dir, "--modcache", s.modcache, "--json", out, "--proxy", s.proxy, "--cache", "dir:" + filepath.Join(s.dir, ".cache")}, args...)...)
	s.ends(t, cmd, expect)
	return out
}

func (s stated) ends(t *testing.T, cmd *exec.Cmd, expect int) {
	t.Helper()
	said, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != expect {
		t.Fatalf("%v: exit code %d, expected %d (%v)\n%s", cmd.Args, code, expect, err, tail(said))
	}
}

// save saves the module cache for the next run, which begins with an empty one.
func (s *stated) save(t *testing.T) {
	t.Helper()
	s.ends(t, s.command(t, "cache", "save", "-C", s.dir, "--modcache", s.modcache, "--cache", "dir:"+filepath.Join(s.dir, ".cache")), 0)
	s.modcache = filepath.Join(memory(t), "next")
	t.Cleanup(func() { writable(t, s.modcache) })
}

// states are real runs against mirrors on loopback, by what became of them: the files
// of their results.
func states(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	f := shop(t, 49)

	s := newStated(t, f, mirrortest.First(1, "*part23/@v/*.zip", mirrortest.Status(503)))
	all["good-cold"] = s.run(t, 0)
	s.save(t)
	all["good-warm"] = s.run(t, 0)
	all["good-present"] = s.run(t, 0)

	few := newStated(t, shop(t, 44))
	few.run(t, 0)
	few.save(t)
	f.WriteCheckout(t, few.dir, mirrortest.Checkout{Module: "example.test/shop"})
	few.proxy, few.caFile = s.proxy, s.caFile
	all["good-warm-changed"] = few.run(t, 0)

	dead := "https://" + mirrortest.Refused(t)
	s = newStated(t, f)
	s.proxy = dead + "|" + s.proxy
	all["dead-mirror-left-out"] = s.run(t, 0)

	s = newStated(t, f, lacking(f.Versions()[30:])...)
	s.proxy += "," + dead
	all["dead-mirror-needed"] = s.run(t, 1)

	honest := f.All()[3]
	lie := mirrortest.Corrupt(t, mirrortest.Module{Path: honest.Path, Version: honest.Version.Version}, mirrortest.OtherContent)
	s = newStated(t, f, mirrortest.Always("*"+honest.Path+"/@v/*.zip", mirrortest.Serve(f.With(lie))))
	all["wrong-hash"] = s.run(t, 3)

	many := shop(t, 300)
	s = newStated(t, many)
	s.proxy = dead
	all["300-failures"] = s.run(t, 1)
	s = newStated(t, many, append(lacking(many.Versions()[:7]), mirrortest.Always("/rpc.*.zip", mirrortest.Status(500)), mirrortest.Always("/git.*.zip", mirrortest.Status(403)))...)
	all["300-failures-mixed"] = s.run(t, 1)

	all["interrupted"] = interrupted(t, f)
	return all
}

// lacking has a mirror not know some versions.
func lacking(versions []module.Version) []mirrortest.Rule {
	var rules []mirrortest.Rule
	for _, v := range versions {
		rules = append(rules, mirrortest.Always("/"+v.Path+"/@v/*", mirrortest.Status(404)))
	}
	return rules
}

// interrupted is a run that is told to stop when half of it is done.
func interrupted(t *testing.T, f *mirrortest.Fixtures) string {
	t.Helper()
	s := newStated(t, f, mirrortest.Rule{Path: "*.zip", Skip: 20, Do: mirrortest.SlowFirstByte(nil)})
	out := filepath.Join(t.TempDir(), "result.json")
	cmd := s.command(t, "fetch", "-C", s.dir, "--modcache", s.modcache, "--json", out, "--proxy", s.proxy)
	go func() {
		<-s.mirror.Arrived("*.zip", 24)
		time.Sleep(time.Second) // for the others to end
		cmd.Process.Signal(os.Interrupt)
	}()
	s.ends(t, cmd, 130)
	return out
}
