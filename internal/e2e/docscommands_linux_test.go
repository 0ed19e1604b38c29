package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/modferry/modferry/docs/docstest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// The examples of the documents that are shell scripts, run as they are written.

func TestExamplesOfACacheInADirectory(t *testing.T) {
	t.Parallel()
	_, s, dir := modules(t)
	shared := t.TempDir()
	m := newReader(t, dir, "GOPROXY="+s.URL)
	m.bash(docstest.Swap(t, docstest.Text(t, "docs/cache.md#a-directory sh 2"), "/mnt", shared, "-g ci", "-g root"))
	m.bash(docstest.Swap(t, docstest.Text(t, "docs/cache.md#the-cache sh"), "/mnt", shared))
	if entries, err := filepath.Glob(filepath.Join(shared, "ci-cache/go/*/modferry-*")); err != nil || len(entries) == 0 {
		entries, _ = filepath.Glob(filepath.Join(shared, "ci-cache/go/*"))
		t.Errorf("the directory has %v", entries)
	}
	s.Close()
	m.fresh().bash(docstest.Swap(t, docstest.Text(t, "docs/cache.md#a-directory sh"), "/mnt", shared) + "modferry fetch\ngo build ./...\n")
}

// bucketAt is a bucket and a network in which it is at a host.
func bucketAt(t *testing.T, host string) (*counterpart, string, []string) {
	t.Helper()
	bucket := startVersity(t, false)
	front, err := url.Parse(bucket.URL)
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(bucket.cache, "s3://"), "/")
	return bucket, name, mirrortest.StartHosts(t, map[string]http.Handler{host: passOn(front, new(http.Transport))}).Env()
}

func TestExamplesOfACacheInABucket(t *testing.T) {
	t.Parallel()
	for id, host := range map[string]string{
		"docs/cache.md#minio yaml":  "minio.example.test",
		"docs/github.md#cache yaml": "minio.example.test",
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			_, s, dir := modules(t)
			bucket, name, env := bucketAt(t, host)
			m := newReader(t, dir, append(env, "GOPROXY="+s.URL)...)
			text := docstest.Swap(t, docstest.Text(t, id), "ci-modules", name, "${{ secrets.MODULE_CACHE_KEY }}", bucket.env["AWS_ACCESS_KEY_ID"],
				"${{ secrets.MODULE_CACHE_SECRET }}", bucket.env["AWS_SECRET_ACCESS_KEY"])
			m = m.with(variables(t, text)...)
			m.bash("modferry fetch && modferry cache save")
			s.Close()
			if out := m.fresh().bash("modferry fetch"); !strings.Contains(out, "exact hit") {
				t.Errorf("another machine has it not from the bucket:\n%s", out)
			}
		})
	}
}

// variables are those of a part of a workflow, inputs of the action included.
func variables(t *testing.T, text string) []string {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	var env []string
	var walk func(doc any)
	walk = func(doc any) {
		switch doc := doc.(type) {
		case []any:
			for _, d := range doc {
				walk(d)
			}
		case map[string]any:
			for key, d := range doc {
				values, _ := d.(map[string]any)
				for name, v := range values {
					if key == "with" {
						name = "MODFERRY_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
					}
					env = append(env, name+"="+v.(string))
				}
			}
		}
	}
	walk(doc)
	return env
}

func TestExamplesOfSettingsForShells(t *testing.T) {
	t.Parallel()
	_, s, dir := modules(t)
	dead := "http://" + mirrortest.Refused(t)
	m := newReader(t, dir, "GOPROXY="+dead+"|"+s.URL)
	m.bash(docstest.Text(t, "docs/env.md#settings-for-other-go-commands sh"))
	if got := m.bash(docstest.Text(t, "docs/env.md#when-something-fails sh") + "echo chain=$GOPROXY\n"); !strings.Contains(got, "chain="+s.URL+"\n") {
		t.Errorf("the shell has\n%s", got)
	}
	if out, err := m.with("MODFERRY_PROXY=ftp://mirror.example.test").try("bash", "-c", docstest.Text(t, "docs/env.md#when-something-fails sh")+"echo went on\n"); err == nil || strings.Contains(out, "went on") {
		t.Errorf("the script goes on:\n%s", out)
	}

	posix, rest, _ := strings.Cut(docstest.Text(t, "docs/env.md#shells sh"), "\n")
	fish, powershell, _ := strings.Cut(rest, "\n")
	if !strings.HasPrefix(powershell, "modferry env --format powershell | ") {
		t.Fatalf("the third line is for another shell: %s", powershell)
	}
	for shell, line := range map[string]string{"bash": posix, "dash": posix, "fish": fish} {
		out, err := m.try(shell, "-c", line+"\ngo env GOPROXY")
		if err != nil || !strings.HasSuffix(out, "\n"+s.URL+"\n") {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}

// The line of a netrc, which modferry and the go command read.
func TestExampleOfANetrc(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 10_000)
	behind := mirrortest.Start(t, mirrortest.Options{Fixtures: f, BasicAuth: "ci:hunter2-of-the-mirror"})
	h := mirrortest.StartHosts(t, map[string]http.Handler{"goproxy.corp.example": httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: behind.Addr})})
	dir := t.TempDir()
	f.WriteCheckout(t, dir, mirrortest.Checkout{})
	m := newReader(t, dir, append(h.Env(), "GOPROXY=https://goproxy.corp.example")...)
	if out, err := m.try("bash", "-c", "modferry fetch"); err == nil || !strings.Contains(out, "credentials missing or wrong") {
		t.Errorf("without a netrc: %v\n%s", err, out)
	}
	netrc := docstest.Swap(t, docstest.Text(t, "docs/env.md#credentials text"), "…", "hunter2-of-the-mirror")
	m.bash("umask 077 && printf '%s' '" + netrc + "' >~/.netrc && modferry fetch")
	m.fresh().bash("go build ./...")
}

// The program without the action, by the go command. A stand-in for the module hands
// over to the program of these tests.
func TestExampleOfTheProgramByTheGoCommand(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 10_000)
	dir := t.TempDir()
	f.WriteCheckout(t, dir, mirrortest.Checkout{})
	program := map[string]string{"cmd/modferry/main.go": `package main

import (
	"os"
	"syscall"
)

func main() { panic(syscall.Exec(os.Getenv("STAND_IN"), os.Args, os.Environ())) }
`}
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f.With(mirrortest.Build(t, mirrortest.Module{Path: "github.com/modferry/modferry", Version: "v1.2.3", Files: program}).All()...)})
	var steps []struct{ Run string }
	if err := yaml.Unmarshal([]byte(docstest.Text(t, "docs/github.md#which-entry-for-which-place yaml")), &steps); err != nil {
		t.Fatal(err)
	}
	m := newReader(t, dir, "GOPROXY="+s.URL, "STAND_IN="+binary)
	if out := m.bash(steps[0].Run); !strings.Contains(out, "ok: ") {
		t.Errorf("it says\n%s", out)
	}
	m.offline(steps[1].Run)
}

func TestExampleOfSettingsForAnEditor(t *testing.T) {
	t.Parallel()
	want := docstest.Text(t, "docs/env.md#vs-code json")
	var settings map[string]map[string]string
	if err := json.Unmarshal([]byte(want), &settings); err != nil {
		t.Fatal(err)
	}
	var env []string
	for name, value := range settings["go.toolsEnvVars"] {
		env = append(env, name+"="+value)
	}
	m := newReader(t, t.TempDir(), append(env, "GOSUMDB=")...)
	if got := m.bash(docstest.Text(t, "docs/env.md#vs-code sh")); got != want {
		t.Errorf("it prints\n%s, the document says\n%s", got, want)
	}
}

// toolbox is a mirror with what the documents install, and its checksum database.
func toolbox(t *testing.T) (*mirrortest.Server, string) {
	t.Helper()
	command := map[string]string{"main.go": "package main\n\nfunc main() {}\n", "m.go": "package main\n"}
	nested := map[string]string{"cmd/stringer/main.go": "package main\n\nfunc main() {}\n"}
	f := mirrortest.Build(t,
		mirrortest.Module{Path: "golang.org/x/tools", Version: "v0.40.0", Files: nested},
		mirrortest.Module{Path: "example.com/tool", Version: "v1.4.0", Files: command},
	).With(mirrortest.Generate(t, 3, 10_000).All()...)
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
	return s, "GOSUMDB=" + db.Key
}

func TestExamplesOfModulesOutsideGoSum(t *testing.T) {
	t.Parallel()
	_, _, dir := modules(t)
	s, sumdb := toolbox(t)
	m := newReader(t, dir, "GOPROXY="+s.URL, sumdb)
	m.bash(docstest.Text(t, "docs/offline.md#tools-and-toolchains sh"))
	zips := s.Count("*.zip")
	m.bash("go install example.com/tool@v1.4.0\ngo install golang.org/x/tools/cmd/stringer@latest")
	if s.Count("*.zip") != zips {
		t.Error("go install downloads zips that fetch has not brought")
	}

	elsewhere := filepath.Join(t.TempDir(), "goproxy")
	m = m.fresh()
	m.bash(docstest.Text(t, "docs/offline.md#without-a-network sh"))
	m.bash("mkdir " + elsewhere + " && tar xf goproxy.tar -C " + elsewhere + " --strip-components 1")
	m.fresh().offline(docstest.Swap(t, docstest.Text(t, "docs/offline.md#without-a-network sh 2"), "/path/of/goproxy", elsewhere))
}

// A database for the modules of a company, and a second key of GOSUMDB.
func TestExampleOfSeveralChecksumDatabases(t *testing.T) {
	t.Parallel()
	ours := mirrortest.Build(t, mirrortest.Module{Path: "git.corp.example/lib", Version: "v1.0.0"})
	company := mirrortest.NewSumDBNamed(t, ours, "sum.corp.example")
	public := mirrortest.NewSumDBNamed(t, ours, "sum.golang.org")
	h := mirrortest.StartHosts(t, map[string]http.Handler{
		"sums.corp.example": company,
		"sum.golang.org": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "git.corp.example") {
				t.Errorf("the public database is told %s", r.URL.Path)
			}
			public.ServeHTTP(w, r)
		}),
	})
	text := docstest.Swap(t, docstest.Text(t, "docs/offline.md#more-than-one-checksum-database sh"),
		"corp.example,*.corp.example", "git.corp.example", "sum.corp.example+1a2b3c4d+AbCd…", company.Key, "sum.golang.org+5e6f7a8b+EfGh…", public.Key)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: ours})
	m := newReader(t, t.TempDir(), append(h.Env(), "GOPROXY="+mirror.URL, "GOSUMDB=")...)
	m.bash("export " + text + "modferry fetch git.corp.example/lib@v1.0.0\n")
	if got := h.Asked(); !slices.Contains(got, "sums.corp.example") {
		t.Errorf("asked %v", got)
	}
}

func TestExampleOfReports(t *testing.T) {
	t.Parallel()
	_, s, dir := modules(t)
	m := newReader(t, dir, "GOPROXY="+s.URL)
	m.bash("modferry fetch --json yesterday.json && modferry fetch --json result.json")
	m.bash(docstest.Text(t, "docs/reports.md#reports-what-a-run-records-and-in-which-formats sh"))
	if page, err := os.ReadFile(filepath.Join(dir, "report.html")); err != nil || !strings.HasPrefix(string(page), "<!DOCTYPE html>") && !strings.HasPrefix(string(page), "<!doctype html>") {
		t.Errorf("the page begins with %.40q, %v", page, err)
	}
}

// The command of the reproducible build stamps the version that it names.
func TestExampleOfAReproducibleBuild(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	m := newReader(t, docstest.Root(t), "GOMODCACHE="+strings.TrimSpace(goEnv(t, "GOMODCACHE")), "GOPROXY="+strings.TrimSpace(goEnv(t, "GOPROXY")), "GOWORK=off", "GOFLAGS=-mod=readonly")
	m.bash(docstest.Swap(t, docstest.Text(t, "docs/github.md#pinning-and-verifying sh 2"), "go build ", "go build -o "+out+"/modferry "))
	if got := m.bash(out + "/modferry version"); !strings.Contains(got, "1.2.3") {
		t.Errorf("the version is %s", got)
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := newReader(t, ".", "GOMODCACHE=").with("HOME="+os.Getenv("HOME")).try("go", "env", name)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
