//go:build linux

package runner

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// TestLaterStepsUnderGitea is a runner that shares the workspace and its own
// volume between containers, and neither /tmp nor a tool cache.
func TestLaterStepsUnderGitea(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ghatest.Options{})
	j := w.job(layout{act: true, gitea: true}, sandbox{})
	j.main().expect(t, 0)
	j.goSucceeds(false, ".", "build", "./...")
}

// TestPathsOfTheJobsContainer has inputs with the names that expressions have in
// a job with a container; nothing translates them for the action's own.
func TestPathsOfTheJobsContainer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ghatest.Options{})
	j := w.job(layout{container: true}, sandbox{})
	j.with["modcache"], j.with["report"] = "/__w/_temp/gomod", "/__w/_temp/modferry.json"
	j.with["working-directory"] = "/__w/app/app"
	j.main().expect(t, 0)
	if got, want := j.modcache(), filepath.Join(j.paths.temp, "gomod"); got != want {
		t.Errorf("the module cache is %s, expected %s", got, want)
	}
	if info, err := os.Stat(filepath.Join(j.paths.temp, "modferry.json")); err != nil || info.Size() == 0 {
		t.Errorf("the report is %v, %v", info, err)
	}
	j.goSucceeds(false, ".", "build", "./...")
	// In a composite action the inputs of the post stage come out empty.
	for name := range j.with {
		j.with[name] = ""
	}
	j.post().expect(t, 0).quiet(t)
	if len(w.cache.Entries()) == 0 {
		t.Error("nothing was saved")
	}
}
