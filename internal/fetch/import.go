package fetch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/layer"
	"github.com/modferry/modferry/internal/outside"
	"github.com/modferry/modferry/internal/proxydir"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/worklist"
)

// Import brings all modules that a directory has as a module proxy into the module
// cache, over a session that asks that directory and nobody else. Those that go.sum
// names are verified by it, all others by what checksum databases said, which is in the
// directory as well. needs is a session over the same directory and the same module
// cache for what builds of the checkout read: what is in neither of the two fails.
func Import(ctx context.Context, s, needs *session.Session, rec *Recorder, dir string) *report.Result {
	r, res := begin(s, rec)
	names, err := proxydir.Read(ctx, dir)
	if err == nil && len(names.Entries) == 0 {
		err = fmt.Errorf("found no module in %s, expected what modferry export has written", dir)
	}
	if err != nil {
		defer r.close()
		return r.refused(res, fmt.Errorf("read the modules to import: %w", err))
	}
	if names.Strange > 0 {
		r.rec.note(finding.Finding{Check: "import-strange", Severity: finding.Warning,
			Found:  fmt.Sprintf("%s, e.g. %s", report.Count(names.Strange, "name"), failure.Plain(strings.Join(names.Odd, ", "))),
			Effect: "A module proxy has no such files, or they are links or devices. They are not imported."})
	}
	list, beyond := r.divide(names.Entries)
	r.List = list
	res, _ = r.bring(ctx, res, func(ctx context.Context, f *outside.Finder) (*outside.Found, error) { return f.Take(ctx, beyond) })
	if res.Outcome != report.Settings && ctx.Err() == nil {
		r.lacking(ctx, res, needs)
	}
	return res
}

// lacking adds what builds of the checkout read and the directory did not bring.
func (r *run) lacking(ctx context.Context, res *report.Result, needs *session.Session) {
	known := map[layer.Member]bool{}
	for _, m := range res.Modules {
		known[member(m)] = true
	}
	all, _ := Run(ctx, needs, nil)
	if all.Outcome == report.Settings || all.Interrupted {
		res.Outcome, res.Message, res.Interrupted = all.Outcome, all.Message, all.Interrupted
		return
	}
	modules := map[module.Version]bool{}
	for _, m := range all.Modules {
		if m.Failed() && !m.Optional && !known[member(m)] {
			m.Message = "needed by the checkout, and neither in the directory nor in the module cache; export it from this checkout, or run modferry fetch where there is a network"
			res.Modules = append(res.Modules, m)
			modules[member(m).Module] = true
		}
	}
	if len(modules) == 0 {
		return
	}
	slices.SortFunc(res.Modules, byModule)
	bytes := res.Totals.Bytes
	report.Aggregate(res)
	res.Totals.Bytes, res.Totals.MS = bytes, r.elapsed()
	if res.Outcome == report.OK {
		res.Outcome = report.Incomplete
		res.Message = report.Count(len(modules), "module") + " that the checkout needs: neither in the directory nor in the module cache"
	}
}

func member(m report.Module) layer.Member {
	return layer.Member{Module: module.Version{Path: m.Path, Version: m.Version}, Kind: m.Kind}
}

// divide parts what go.sum names from all else.
func (r *run) divide(entries []proxydir.Entry) (list *worklist.List, beyond []outside.Taken) {
	known := make(map[module.Version]worklist.Module, len(r.Session.List.Modules))
	for _, m := range r.Session.List.Modules {
		known[m.ID()] = m
	}
	list = &worklist.List{Root: r.Session.List.Root}
	for _, e := range entries {
		m, ok := known[e.Module]
		taken := outside.Taken{Module: e.Module, Zip: e.Zip && (!ok || m.Zip == ""), Mod: e.Mod && (!ok || m.Mod == ""), Info: e.Info}
		if !e.Zip {
			m.Zip = ""
		}
		if !e.Mod {
			m.Mod = ""
		}
		if ok && m.Zip+m.Mod != "" {
			list.Modules = append(list.Modules, m)
		}
		if taken.Zip || taken.Mod {
			beyond = append(beyond, taken)
		}
	}
	return list, beyond
}
