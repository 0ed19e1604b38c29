package truth

import (
	"bufio"
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/golog"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// readLog is what the log analyser makes of the output.
func readLog(t *testing.T, r result) *golog.Log {
	t.Helper()
	log, err := golog.Read(strings.NewReader(r.out()))
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// logClaims say what the go command prints while it works.
func logClaims() []claim {
	const leans = "internal/failure/golog.go, internal/failure/gologlines.go"
	return []claim{
		{"x-shows-begin-and-end", "-x shows a request as '# get URL' and its end with status and seconds", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			r := newJob(t, f, s.URL).run("mod", "download", "-x")
			url := s.URL + "/example.test/m000/@v/v1.0.0.zip"
			seen := []string{r.works("# get " + url + "\n"), unless(regexp.MustCompile(`(?m)^# get `+regexp.QuoteMeta(url)+`: 200 OK \(\d+\.\d{3}s\)$`).MatchString(r.stderr), "no such end in\n%s", r.shown())}
			log := readLog(t, r)
			seen = append(seen, equal("requests found by the analyser", len(log.Requests), 3), equal("failures found by it", len(log.Failures), 0))
			for _, q := range log.Requests {
				seen = append(seen, equal("the status of "+q.URL, q.Status, 200))
			}
			return all(seen...)
		}},
		{"x-shows-errors-without-time", "-x shows a request without response with its error and no time", leans, func(t *testing.T) string {
			f := one(t)
			dead := "http://" + mirrortest.Refused(t)
			r := newJob(t, f, dead).run("mod", "download", "-x")
			log := readLog(t, r)
			return all(r.fails("# get "+dead+"/example.test/m000/@v/v1.0.0.mod: Get \""), unless(len(log.Requests) == 1 && log.Requests[0].Class == failure.Refused, "the analyser finds %+v", log.Requests))
		}},
		{"x-hides-redirects", "-x does not show the hops of a redirect", leans, func(t *testing.T) string {
			f := one(t)
			storage := serve(t, f)
			s := serve(t, f, mirrortest.Always("*", mirrortest.RedirectTo(storage.URL)))
			r := newJob(t, f, s.URL).run("mod", "download", "-x")
			return all(r.works("# get "+s.URL), r.omits(storage.URL, "302 Found"))
		}},
		{"x-hides-the-second-request", "-x shows the two requests of a 404 over https as one", leans, func(t *testing.T) string {
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: mirrortest.Build(t)})
			r := newJob(t, f, s.URL).trust(ca).run("mod", "download", "-x")
			return all(r.fails(), asked(s, "*.mod", 2), equal("requests found by the analyser", len(readLog(t, r).Requests), 1))
		}},
		{"x-shows-the-database", "-x shows requests to the database", leans, func(t *testing.T) string {
			w := newSumDBWorld(t)
			return w.fresh(w.mirror.URL).run("mod", "download", "-x", mAt).works("/sumdb/"+w.db.Name+"/supported", "/sumdb/"+w.db.Name+"/lookup/"+mAt)
		}},
		{"x-ends-a-request-at-its-header", "-x shows the end of a request at the header of the response, while the body stalls", leans + ", docs/mirrors.md (a body or header that stalls)", stalledBody},
		{"build-says-downloading", "a build prints 'go: downloading', go mod download does not", leans, func(t *testing.T) string {
			f := one(t)
			proxy := f.WriteProxy(t, t.TempDir())
			return all(newJob(t, f, proxy).run("build", "./...").works("go: downloading example.test/m000 v1.0.0"), newJob(t, f, proxy).run("mod", "download").omits("downloading"))
		}},
		{"downloading-is-no-proof-of-traffic", "'go: downloading' is printed where only .ziphash is missing", leans, func(t *testing.T) string {
			f := one(t)
			j := newJob(t, f, f.WriteProxy(t, t.TempDir()))
			j.must("mod", "download")
			remove(t, j.cached(m, ".ziphash"))
			return j.set("GOPROXY", "off").run("build", "./...").works("go: downloading example.test/m000 v1.0.0")
		}},
		{"json-names-failures", "go mod download -json prints an object for a module that failed, with Error, and exits with an error", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.Always("*.zip", mirrortest.Status(403)))
			r := newJob(t, f, s.URL).run("mod", "download", "-json")
			var object struct{ Path, Version, Error, Info, GoMod, Zip string }
			err := json.Unmarshal([]byte(r.stdout), &object)
			return all(r.fails(), unless(err == nil, "standard output is %s", r.stdout), equal("the module", object.Path+"@"+object.Version, mAt),
				unless(strings.Contains(object.Error, "403 Forbidden"), "Error is %q", object.Error), unless(object.GoMod != "" && object.Zip == "", "GoMod is %q, Zip %q", object.GoMod, object.Zip))
		}},
		{"json-ends-at-a-mismatch", "go mod download -json prints no object where a hash differs from go.sum, only text", leans, func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.Always("*.zip", evil(mirrortest.OtherContent)(t)))
			r := newJob(t, f, s.URL).run("mod", "download", "-json")
			return all(r.fails("checksum mismatch"), equal("standard output", r.stdout, ""))
		}},
		{"mismatch-shows-both-hashes", "a mismatch with go.sum shows both hashes, and names the file", leans + ", internal/failure/gologblock.go", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.Always("*.zip", evil(mirrortest.OtherContent)(t)))
			r := newJob(t, f, s.URL).run("mod", "download")
			want := regexp.MustCompile(`(?m)^verifying example\.test/m000@v1\.0\.0: checksum mismatch\n\tdownloaded: h1:\S+\n\tgo\.sum:     ` + regexp.QuoteMeta(f.Get(m.Path, m.Version).ZipSum) + `\n\nSECURITY ERROR\n`)
			return all(r.fails(), unless(want.MatchString(r.stderr), "it reads\n%s", r.shown()))
		}},
		{"build-names-the-import", "a build names file, line and column of the import whose module fails", leans + ", internal/failure/gologblock.go", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f, mirrortest.Always("*.zip", mirrortest.Status(403)))
			r := newJob(t, f, s.URL).run("build", "./...")
			log := readLog(t, r)
			return all(r.fails("main.go:4:2: example.test/m000@v1.0.0: reading "), unless(len(log.Failures) == 1 && log.Failures[0].File == "main.go" && log.Failures[0].Line == 4, "the analyser finds %+v", log.Failures))
		}},
		{"tidy-names-the-imports", "go mod tidy shows the imports that lead to a failure, one a line", leans + ", internal/failure/gologblock.go", func(t *testing.T) string {
			f := one(t)
			s := serve(t, f)
			j := newJob(t, f, s.URL)
			j.write("main.go", "package lib\n\nimport _ \"example.test/none\"\n")
			r := j.run("mod", "tidy")
			log := readLog(t, r)
			return all(r.fails("go: example.test/main imports\n\texample.test/none: "), unless(len(log.Failures) == 1 && log.Failures[0].Class == failure.NotFound, "the analyser finds %+v", log.Failures))
		}},
		{"graph-names-the-requirements", "a graph that cannot be loaded shows the requirements that lead there, one a line", leans + ", internal/failure/gologblock.go", func(t *testing.T) string {
			f, a, b := graph(t, "1.16")
			s := serve(t, f, mirrortest.Always("/example.test/b/*", mirrortest.Status(403)))
			j := newJobWith(t, f, s.URL, mirrortest.Checkout{Require: []module.Version{a}, ModOnly: []module.Version{b}})
			r := j.run("mod", "graph")
			log := readLog(t, r)
			return all(r.fails("go: example.test/a@v1.0.0 requires\n\texample.test/b@v1.0.0: reading "),
				unless(len(log.Failures) == 1 && log.Failures[0].Module == b.Path && log.Failures[0].Class == failure.Forbidden, "the analyser finds %+v", log.Failures))
		}},
	}
}

// stalledBody reads what -x says while the body of a zip never ends, and then
// ends the command.
func stalledBody(t *testing.T) string {
	f := one(t)
	s := serve(t, f, mirrortest.Always("*.zip", mirrortest.StallAfter(100, nil)))
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := newJob(t, f, s.URL).command(ctx, "mod", "download", "-x")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	var said strings.Builder
	for lines := bufio.NewScanner(stderr); !ended && lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		ended = strings.Contains(lines.Text(), "/v1.0.0.zip: 200 OK (")
	}
	cancel()
	cmd.Wait() // killed
	return unless(ended, "no end is shown, only\n%s", &said)
}
