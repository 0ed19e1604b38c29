package e2e

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
}

// TestFetchBringsWhatTheGoCommandDownloads holds the zips of a fetch against those
// that the go command brings into an empty module cache, name by name.
func TestFetchBringsWhatTheGoCommandDownloads(t *testing.T) {
	for _, p := range exactProjects {
		t.Run(path.Base(p.Path)+" "+p.Version.Version, func(t *testing.T) {
			if p.long && !everything() {
				t.Skip("takes long: set MODFERRY_E2E_ALL=1")
			}
			exact(t, p.checkout(t), "./...")
		})
	}
}

// A workspace selects versions for all its members together.
func TestFetchBringsWhatTheGoCommandDownloadsForAWorkspace(t *testing.T) {
	dir := t.TempDir()
	var members []string
	for _, p := range []project{projects[0], cli} {
		to := strings.ReplaceAll(p.Path, "/", "-")
		if err := os.Rename(p.checkout(t), filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
		members = append(members, "./"+to+"/...")
	}
	at := newPlace(t, startRecorded(t))
	at.dir = dir
	at.goOnline(t, ownSumDB(t), "work", "init", strings.TrimSuffix(members[0], "/..."), strings.TrimSuffix(members[1], "/..."))
	// This writes go.work.sum.
	at.goOnline(t, ownSumDB(t), append([]string{"list", "-deps", "-test"}, members...)...)
	exact(t, dir, members...)
}

// exact compares the two on a checkout: for the job's own platform, and with the
// default ones.
func exact(t *testing.T, dir string, packages ...string) {
	lists := [][]string{append([]string{"list", "-deps", "-test"}, packages...)}
	if mod := filepath.Join(dir, "go.mod"); exists(mod) && len(parseGoMod(t, mod).Tool) > 0 {
		lists = append(lists, []string{"list", "-deps", "tool"}) // whose own tests nobody wants
	}
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

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
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
// has not.
func sameZips(t *testing.T, ours, theirs *place) {
	t.Helper()
	got, want := ours.downloaded(t, ".zip"), theirs.downloaded(t, ".zip")
	if len(want) == 0 {
		t.Error("the go command downloaded nothing")
	}
	for _, zip := range got {
		if !slices.Contains(want, zip) {
			t.Errorf("the go command does not download %s", zip)
		}
	}
	for _, zip := range want {
		if !slices.Contains(got, zip) {
			t.Errorf("fetch does not bring %s", zip)
		}
	}
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
