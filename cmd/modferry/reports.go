package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/modferry/modferry/action/gitlab"
	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
)

// writeReports writes the reports directory, which the checkout may have put a
// link in the place of.
func (a *app) writeReports(r gitlab.Reports) {
	checkouts := []string{".", a.getenv("CI_PROJECT_DIR"), r.Root}
	g := gitlab.Detect(a.getenv)
	files, remarks := g.Files(r)
	if err := diskfile.MkdirOutput(r.Dir, checkouts...); err != nil {
		a.tell("the reports for CI systems were not written: " + err.Error())
		return
	}
	err := g.Hide()
	for _, f := range files {
		name := filepath.Join(r.Dir, f.Name)
		if f.Data != nil {
			err = errors.Join(err, diskfile.WriteOutput(name, f.Data, checkouts...))
		} else if e := os.Remove(name); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	for _, remark := range remarks {
		a.tell(remark)
	}
	if err != nil {
		a.tell("the reports for CI systems are incomplete: " + err.Error())
	}
}

// tell prints a remark that is worth knowing even to those who want quiet:
// somebody asked for what there is not.
func (a *app) tell(remark string) {
	if remark != "" {
		fmt.Fprintln(a.stderr, "modferry: "+failure.Sentence(remark))
	}
}
