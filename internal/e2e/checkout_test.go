package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// download brings module sources through the go command and the recording
// mirror, and returns their directories. They are verified by this machine's
// own checksum database settings.
func (p *place) download(t *testing.T, mods ...module.Version) map[module.Version]string {
	t.Helper()
	args := []string{"mod", "download", "-json"}
	for _, m := range mods {
		args = append(args, m.Path+"@"+m.Version)
	}
	cmd := p.goProcess(t, append(ownSumDB(t), "GOPROXY="+p.proxy, "GOWORK=off"), args...)
	cmd.Dir = t.TempDir()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, tail(out), tail(stderr.Bytes()))
	}
	dirs := map[module.Version]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct{ Path, Version, Dir string }
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return dirs
		} else if err != nil {
			t.Fatal(err)
		}
		dirs[module.Version{Path: m.Path, Version: m.Version}] = m.Dir
	}
}

// ownSumDB is the checksum database of this machine's own settings, which is asked
// through the recording mirror: that of a place knows nothing of real modules.
func ownSumDB(t *testing.T) []string {
	t.Helper()
	own, err := exec.Command("go", "env", "GOSUMDB").Output()
	if err != nil {
		t.Fatal(err)
	}
	return []string{"GOSUMDB=" + strings.TrimSpace(string(own))}
}

// copyTree copies the files of a module, made writable, into a directory that
// may have others already.
func copyTree(t *testing.T, dst, src string) {
	t.Helper()
	err := filepath.WalkDir(src, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dst, rel)
		if d.IsDir() {
			return os.MkdirAll(to, 0o777)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o666)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A module zip leaves out the directories that are modules of their own, and
// everything below vendor. The functions below put into a checkout what its
// go.mod replaces modules with, so that it is what a clone would be as far as
// the go command looks.

// terraformBackends supplies the modules below internal/ that terraform's
// go.mod replaces by directories. They have no releases; the newest commit
// before v1.10.0 that mirrors have is close enough: their requirements are no
// newer than those of terraform itself, so its go.sum still covers everything.
func terraformBackends(t *testing.T, sources *place, dir string) {
	const version = "v0.0.0-20240820172403-2770cb376c53"
	var mods []module.Version
	goMod := parseGoMod(t, filepath.Join(dir, "go.mod"))
	for _, r := range goMod.Replace {
		mods = append(mods, module.Version{Path: r.Old.Path, Version: version})
	}
	for m, src := range sources.download(t, mods...) {
		below := strings.TrimPrefix(m.Path, goMod.Module.Mod.Path+"/")
		copyTree(t, filepath.Join(dir, filepath.FromSlash(below)), src)
	}
}

// kubernetesStaging supplies ./staging/src/k8s.io/*, which go.work uses and
// go.mod replaces modules with, from the modules k8s.io/*@v0.32.0 that are
// published from these directories. Publishing changes their go.mod: it names
// the siblings by version instead of v0.0.0 and a replace line, and go.sum gets
// their hashes. Both are turned back, so the checkout works as a clone does, in
// workspace mode and with GOWORK=off.
//
// What is left of vendor in the module zip, a modules.txt without packages, is
// removed: with it the go command would take the workspace for a vendored one.
func kubernetesStaging(t *testing.T, sources *place, dir string) {
	const version = "v0.32.0"
	if err := os.RemoveAll(filepath.Join(dir, "vendor")); err != nil {
		t.Fatal(err)
	}
	staged := map[string]string{} // module path → directory
	var mods []module.Version
	for _, r := range parseGoMod(t, filepath.Join(dir, "go.mod")).Replace {
		if strings.HasPrefix(r.New.Path, "./staging/") {
			staged[r.Old.Path] = filepath.Join(dir, filepath.FromSlash(r.New.Path))
			mods = append(mods, module.Version{Path: r.Old.Path, Version: version})
		}
	}
	for m, src := range sources.download(t, mods...) {
		copyTree(t, staged[m.Path], src)
	}
	for path, at := range staged {
		unpublish(t, at, path, staged)
	}
}

// unpublish turns the go.mod and go.sum of a staging module back into those of
// the repository.
func unpublish(t *testing.T, dir, path string, staged map[string]string) {
	t.Helper()
	name := filepath.Join(dir, "go.mod")
	f := parseGoMod(t, name)
	for _, r := range f.Require {
		if _, ok := staged[r.Mod.Path]; !ok {
			continue
		}
		if err := f.AddRequire(r.Mod.Path, "v0.0.0"); err != nil {
			t.Fatal(err)
		}
		if err := f.AddReplace(r.Mod.Path, "", "../"+filepath.Base(staged[r.Mod.Path]), ""); err != nil {
			t.Fatal(err)
		}
	}
	data, err := f.Format()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}

	name = filepath.Join(dir, "go.sum")
	sum, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	for line := range strings.Lines(string(sum)) {
		if _, ok := staged[strings.Fields(line)[0]]; !ok {
			kept.WriteString(line)
		}
	}
	if err := os.WriteFile(name, []byte(kept.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

func parseGoMod(t *testing.T, name string) *modfile.File {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := modfile.Parse(name, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
