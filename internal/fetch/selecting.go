package fetch

import (
	"slices"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/imports"
	"github.com/modferry/modferry/internal/worklist"
)

// selecting is a main module or workspace whose go.mod does not name every version:
// the go.mod files of the whole module graph select them.
type selecting struct {
	worklist.Reading
	waiting []module.Version // whose go.mod files it waits for
}

// selected goes on with selections now that the go.mod of m is in the module cache,
// or cannot be had. The step is what has become known to be wanted.
func (w *wanted) selected(m module.Version, has bool) imports.Step {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.goMods[m] = has
	var s imports.Step
	if has && len(w.graphs) > 0 && !w.wholeGraph && w.r.List.ReadsWholeGraph(w.r.readGoMod(m)) {
		w.wholeGraph = true
		s.Providers = w.everything().Providers
	}
	w.selecting = slices.DeleteFunc(w.selecting, func(x *selecting) bool {
		for more := true; more; {
			before := len(x.waiting)
			x.waiting = append(x.waiting, x.Selection.Needs()...)
			more = len(x.waiting) > before
			x.waiting = slices.DeleteFunc(x.waiting, func(m module.Version) bool {
				told := w.answer(x, m)
				more = more || told
				return told
			})
		}
		if len(x.waiting) > 0 {
			return false
		}
		versions, err := x.Selection.Selected()
		if err != nil {
			w.r.rec.note(finding.Finding{
				Check: "scope-build", Severity: finding.Info, Found: failure.Neutral(err.Error()),
				Effect: "Which versions the build selects is not certain, so every module that may be one of them is downloaded, as with --scope build.",
			})
			s = join(s, w.everything())
			return true
		}
		g := x.Imports(versions)
		w.graphs = append(slices.Clip(w.graphs), g)
		s = join(s, imports.Step{Modules: g.Missing(), Providers: g.Providers()})
		return true
	})
	return s
}

// answer gives a selection a go.mod that it waits for. False means that it is not
// known yet whether it can be had.
func (w *wanted) answer(x *selecting, m module.Version) bool {
	var data []byte
	if m.Version == "" {
		data, _ = x.GoMod(m.Path) // without one, the directory is told when it is read
	} else if has, known := w.goMods[m]; has {
		data = w.r.readGoMod(m)
	} else if !known && w.modules[m].Mod != "" {
		return false
	}
	if data == nil || x.Selection.Add(m, data) != nil {
		x.Selection.Missing(m)
	}
	return true
}
