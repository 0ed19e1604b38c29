package e2e

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

var cli = project{Version: module.Version{Path: "github.com/cli/cli/v2", Version: "v2.63.0"}, long: true}

// exactProjects are held to the set of zips that the go command downloads.
var exactProjects = []project{
	projects[0],
	{Version: module.Version{Path: "github.com/prometheus/prometheus", Version: "v0.300.1"}},
	// Its go line is 1.12: every module of the graph may provide packages.
	{Version: module.Version{Path: "github.com/gohugoio/hugo", Version: "v0.80.0"}},
	// It has lines with tool in go.mod.
	{Version: module.Version{Path: "github.com/quic-go/quic-go", Version: "v0.57.0"}},
	cli,
	{Version: module.Version{Path: "github.com/traefik/traefik/v3", Version: "v3.2.0"}, long: true},
	// It replaces modules by directories.
	projects[2],
	// It is a workspace.
	projects[3],
}

// TestFetchBringsWhatTheGoCommandDownloads holds the zips of a fetch against those
// that the go command brings into an empty module cache, name by name.
func TestFetchBringsWhatTheGoCommandDownloads(t *testing.T) {
	for _, p := range exactProjects {
		t.Run(path.Base(p.Path)+" "+p.Version.Version, func(t *testing.T) {
			if p.long && !everything() {
				t.Skip("takes long: set MODFERRY_E2E_ALL=1")
			}
			exact(t, p.checkout(t))
		})
	}
}

// A workspace selects versions for all its members together.
func TestFetchBringsWhatTheGoCommandDownloadsForAWorkspace(t *testing.T) {
	at := newPlace(t, startRecorded(t))
	at.dir = t.TempDir()
	init := []string{"work", "init"}
	for _, p := range []project{projects[0], cli} {
		member := strings.ReplaceAll(p.Path, "/", "-")
		if err := os.Rename(p.checkout(t), filepath.Join(at.dir, member)); err != nil {
			t.Fatal(err)
		}
		init = append(init, "./"+member)
	}
	at.goOnline(t, ownSumDB(t), init...)
	for _, list := range everyPackage(t, at.dir) {
		at.goOnline(t, ownSumDB(t), list...) // this writes go.work.sum
	}
	exact(t, at.dir)
}

// everyPackage are the lists of all packages of a checkout with their tests, and of
// its tools.
func everyPackage(t *testing.T, dir string) [][]string {
	t.Helper()
	list := []string{"list", "-deps", "-test"}
	data, err := os.ReadFile(filepath.Join(dir, "go.work"))
	if errors.Is(err, fs.ErrNotExist) {
		lists := [][]string{append(list, "./...")}
		if len(parseGoMod(t, filepath.Join(dir, "go.mod")).Tool) > 0 {
			lists = append(lists, []string{"list", "-deps", "tool"}) // whose own tests nobody wants
		}
		return lists
	}
	if err != nil {
		t.Fatal(err)
	}
	work, err := modfile.ParseWork("go.work", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, use := range work.Use {
		list = append(list, strings.TrimSuffix(use.Path, "/")+"/...")
	}
	return [][]string{list}
}

// exact compares the two on a checkout: for the job's own platform, and with the
// default ones.
func exact(t *testing.T, dir string) {
	lists := everyPackage(t, dir)
	s := startRecorded(t)
	theirs := newPlace(t, s)
	theirs.dir = dir
	download := func(t *testing.T, env ...string) {
		t.Helper()
		for _, list := range lists {
			theirs.goOnline(t, env, list...)
		}
	}

	t.Run("on one platform", func(t *testing.T) {
		ours := newPlace(t, s)
		ours.dir = dir
		ours.fetch(t, 0, "--no-probe", "--platforms", "linux/amd64")
		download(t)
		sameZips(t, ours, theirs)
		for _, list := range lists {
			ours.goOffline(t, list...)
		}
	})
	t.Run("on the usual platforms", func(t *testing.T) {
		ours := newPlace(t, s)
		ours.dir = dir
		ours.fetch(t, 0, "--no-probe")
		for _, goos := range []string{"linux", "darwin", "windows"} {
			for _, goarch := range []string{"amd64", "arm64"} {
				for _, cgo := range []string{"0", "1"} {
					download(t, "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED="+cgo)
				}
			}
		}
		sameZips(t, ours, theirs)
	})
}

// goOnline runs the go command with the place's mirror.
func (p *place) goOnline(t *testing.T, env []string, args ...string) {
	t.Helper()
	out, err := p.goProcess(t, append([]string{"GOPROXY=" + p.proxy}, env...), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, tail(out))
	}
}

// sameZips fails the test for every zip that one module cache has and the other
// has not, and for every go.mod file that only theirs has.
func sameZips(t *testing.T, ours, theirs *place) {
	t.Helper()
	if len(theirs.downloaded(t, ".zip")) == 0 {
		t.Error("the go command downloaded nothing")
	}
	for _, zip := range beyond(ours.downloaded(t, ".zip"), theirs.downloaded(t, ".zip")) {
		t.Errorf("the go command does not download %s", zip)
	}
	for _, ext := range []string{".zip", ".mod"} {
		for _, file := range beyond(theirs.downloaded(t, ext), ours.downloaded(t, ext)) {
			t.Errorf("fetch does not bring %s", file)
		}
	}
}

// beyond are the names in a that are not in b.
func beyond(a, b []string) []string {
	return slices.DeleteFunc(a, func(name string) bool { return slices.Contains(b, name) })
}

// downloaded are the files of modules in the module cache with an extension.
func (p *place) downloaded(t *testing.T, ext string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(filepath.Join(p.modcache, "cache", "download")), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && path.Ext(name) == ext && !strings.HasPrefix(name, "sumdb/") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
