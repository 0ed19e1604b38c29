package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// On a host that reaches nothing but its mirror, the program is built of the module as
// released, verified by the checksum database, whatever the job has set for its own
// builds. It runs before all that is parallel: the shim waits five minutes for a build
// that takes one where the processors are its own. A busy machine goes on where it was.
func TestANativeJobBuildsItsProgram(t *testing.T) {
	need(t, record.base != "", "go env GOPROXY names no mirror to get the dependencies from")
	const path, version = "github.com/modferry/modferry", "v1.9.9"
	root := filepath.Join("..", "..")
	var zip bytes.Buffer
	if err := modzip.CreateFromDir(&zip, module.Version{Path: path, Version: version}, root); err != nil {
		t.Fatal(err)
	}
	f := released(t, root, path, version, zip.Bytes())
	db := mirrortest.NewSumDB(t, f)
	own := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
	to, err := url.Parse(own.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	behind := passOn(to, transport)
	s := mirrortest.Start(t, mirrortest.Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/sumdb/") || strings.HasPrefix(r.URL.Path, "/"+path+"/") {
			behind.ServeHTTP(w, r)
			return
		}
		record.ServeHTTP(w, r)
	})})
	needed, _ := world(t)
	j := newNativeJob(t, needed, s)
	j.release(mirrortest.Options{})
	j.env["GOSUMDB"], j.env["GOTOOLCHAIN"] = db.Key, "local"
	j.env["GOFLAGS"], j.env["GOOS"], j.env["GONOSUMDB"] = "-mod=vendor", "plan9", "*"
	u := j.use(map[string]string{"binary": "", "download-url": "http://" + mirrortest.Refused(t)})
	st := j.main(u)
	if strings.Contains(st.log, "takes longer than 5 minutes") && st.code == 0 {
		st = j.main(u)
	}
	if !strings.Contains(st.log, "uses modferry 1.9.9, built with go") || u.state["binary"] == "" {
		t.Errorf("main: exit code %d", st.code)
	}
	if out, err := j.step(u.state["binary"], "version"); err != nil || !strings.Contains(out, "1.9.9") {
		t.Errorf("it says of itself: %v, %s", err, out)
	}
	if own.Count("/sumdb/*") == 0 {
		t.Error("nobody asked the checksum database")
	}
	j.post(u)
}

// released is a module as released, with the hashes of what it needs.
func released(t *testing.T, root, path, version string, zip []byte) *mirrortest.Fixtures {
	t.Helper()
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[module.Version]*mirrortest.Artifact{}
	for line := range strings.Lines(string(sums)) {
		fields := strings.Fields(line)
		name, ofMod := strings.CutSuffix(fields[1], "/go.mod")
		v := module.Version{Path: fields[0], Version: name}
		if known[v] == nil {
			known[v] = &mirrortest.Artifact{Version: v}
		}
		if ofMod {
			known[v].ModSum = fields[2]
		} else {
			known[v].ZipSum = fields[2]
		}
	}
	f := mirrortest.Build(t, mirrortest.Module{Path: path, Version: version})
	for _, a := range known {
		f = f.With(a)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	made := *f.Get(path, version)
	made.Zip, made.Mod = zip, mod
	made.ZipSum, made.ModSum = hashes(t, zip, mod)
	return f.With(&made)
}

// hashes are those of a zip and a go.mod in go.sum.
func hashes(t *testing.T, zip, mod []byte) (ofZip, ofMod string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "m.zip")
	err := os.WriteFile(file, zip, 0o644)
	if err == nil {
		ofZip, err = dirhash.HashZip(file, dirhash.Hash1)
	}
	if err == nil {
		ofMod, err = dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(mod)), nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	return ofZip, ofMod
}
