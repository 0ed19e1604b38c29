package fetch

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/imports"
	"github.com/modferry/modferry/internal/outside"
	"github.com/modferry/modferry/internal/preflight"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/sums"
	"github.com/modferry/modferry/internal/worklist"
)

// Modules is Run for modules that no go.sum names, and those that go install of them
// reads, instead of the checkout's.
func Modules(ctx context.Context, s *session.Session, rec *Recorder, args []outside.Arg) (*report.Result, session.Chain) {
	r, res := begin(s, rec)
	r.List = &worklist.List{Root: s.List.Root}
	res, chain := r.bring(ctx, res, r.named(args))
	res.Findings = slices.DeleteFunc(res.Findings, func(f finding.Finding) bool {
		return f.File != "" && slices.Contains(s.Findings, f) // about the checkout, which has no part in it
	})
	return res, chain
}

// search finds what is wanted beyond the list of a run. Nil means nothing.
type search func(context.Context, *outside.Finder) (*outside.Found, error)

// named searches for arguments, and the toolchains that the checkout asks for where
// settings want them.
func (r *run) named(args []outside.Arg) search {
	var toolchains []string
	if r.Values.Toolchain {
		toolchains = r.AskedToolchains()
	}
	if len(args)+len(toolchains) == 0 {
		return nil
	}
	return func(ctx context.Context, f *outside.Finder) (*outside.Found, error) {
		return f.Find(ctx, args, toolchains, r.Values.Scope != "imports")
	}
}

// beyond finds what is wanted beyond the list, and keeps the proofs of it for go
// commands.
func (r *run) beyond(ctx context.Context, find search) (*outside.Found, error) {
	if find == nil {
		return nil, nil
	}
	r.rec.enter(resolving)
	f, err := outside.NewFinder(ctx, r.Session, preflight.Unprobed(r.Session).Chain(), r.cache, download.Options{Began: r.began, Note: r.rec.note, Log: r.log})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	found, err := find(ctx, f)
	if err != nil {
		return nil, err
	}
	r.found = found
	for name, files := range found.Proofs {
		if err := r.cache.PutSumDB(name, files); err != nil {
			return nil, err
		}
	}
	if n := len(found.Passed); n > 0 {
		r.rec.note(finding.Finding{Check: "relay-unverified", Severity: finding.Info,
			Found:  fmt.Sprintf("%s, e.g. %s", report.Count(n, "file"), found.Passed[0]),
			Effect: "They are in the module cache as they came, as the go command would have put them there."})
	}
	return found, nil
}

// add adds what was found beyond the work list.
func (w *wanted) add(found *outside.Found) {
	w.beyond = found
	for _, m := range found.Modules {
		was := w.modules[m.ID()] // whose other file go.sum may name
		if m.Zip == "" {
			m.Zip, m.ZipSum = was.Zip, was.ZipSum
		}
		if m.Mod == "" {
			m.Mod, m.ModSum = was.Mod, was.ModSum
		}
		w.modules[m.ID()] = m
		if m.Path != sums.Toolchain {
			w.list = append(w.list, m.ID())
		}
	}
	for _, it := range found.Items {
		w.items[it.Member()] = it
	}
}

// always is what is wanted whatever imports say.
func (w *wanted) always() imports.Step {
	if w.beyond == nil {
		return imports.Step{}
	}
	return w.beyond.Always
}

// unsummed tells of a module that is wanted and has no hash. Where it is one of the
// checkout, a line is missing in go.sum, which is told where that is read.
func (w *wanted) unsummed(v module.Version) {
	if w.beyond == nil || w.beyond.Unverifiable[v] == nil {
		return
	}
	it, err := w.item(v, report.KindZip)
	if err != nil {
		return
	}
	why := w.beyond.Unverifiable[v]
	w.mu.Lock()
	defer w.mu.Unlock()
	it.Record.Source, it.Record.Class, it.Record.Message = report.FromFailed, failure.As(why).Class, failure.Plain(why.Error())
}

// toolchains gives the entries of toolchains the kind that they have in results.
func toolchains(modules []report.Module) {
	for i := range modules {
		if m := &modules[i]; m.Path == sums.Toolchain && m.Kind == report.KindZip {
			m.Kind = report.KindToolchain
		}
	}
}
