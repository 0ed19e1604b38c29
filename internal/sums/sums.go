// Package sums knows the hashes that files must have: those of go.sum, else those
// of the checksum database.
//
// Its main invariant: a name that the settings keep from the database is never told
// to it, whoever asks.
package sums

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/flight"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/worklist"
)

// Toolchain is the module that the go command downloads toolchains as. It wants the
// database for it whatever GONOSUMDB says.
const Toolchain = "golang.org/toolchain"

// Sums knows the hashes of a session. It is safe for concurrent use.
type Sums struct {
	list    map[module.Version]worklist.Module
	hidden  string      // patterns of names that are kept from the database of GOSUMDB
	main    *verifier   // of GOSUMDB; nil for none
	all     []*verifier // main and those that settings add
	rules   []rule
	lookups *flight.Group[module.Version, looked]

	mu    sync.Mutex
	found map[module.Version]*verifier // who named the hashes
}

// rule says that modules are those of a database that settings add.
type rule struct {
	patterns string
	of       *verifier
}

type hashes struct{ zip, mod string }

func (h hashes) of(kind string) string {
	if kind == report.KindZip {
		return h.zip
	}
	return h.mod
}

type looked struct {
	hashes
	err error
}

// New knows the hashes of a list, and asks the databases of a session beyond it, whose
// requests end with ctx. The caller closes it.
func New(ctx context.Context, s *session.Session, list []worklist.Module) (*Sums, error) {
	c := &Sums{list: make(map[module.Version]worklist.Module, len(list)), lookups: flight.New[module.Version, looked](ctx), found: map[module.Version]*verifier{}}
	for _, m := range list {
		c.list[m.ID()] = m
	}
	c.hidden = settings.JoinPatterns(s.Env.Get("GONOSUMDB"), s.Access.Private)
	for _, of := range s.SumDBs() {
		h, err := newHeads(of.Keys, s.Options.Log)
		if err != nil {
			c.Close()
			return nil, err
		}
		main := of.Name == s.SumDB.Name
		v := &verifier{ctx: ctx, heads: h, keys: of.Keys, d: newDatabase(ctx, s, of.SumDB, of.Patterns != "" && !main)}
		c.all = append(c.all, v)
		if main {
			c.main = v
		}
		if of.Patterns != "" {
			c.rules = append(c.rules, rule{of.Patterns, v})
		}
	}
	return c, nil
}

// Inherit takes over what the databases of another session said, as far as they are the
// same with the same keys here. It is verified anew when it is needed.
func (c *Sums) Inherit(from *Sums) {
	for _, v := range c.all {
		for _, old := range from.all {
			if v.d.of == old.d.of && slices.Equal(v.keys, old.keys) {
				v.d.inherit(old.d)
			}
		}
	}
}

// Close ends what is under way.
func (c *Sums) Close() {
	c.lookups.Close()
	for _, v := range c.all {
		v.d.close()
	}
}

// Database is the checksum database of a name; the error says why that one is not
// asked.
func (c *Sums) Database(name string) (*Database, error) {
	for _, v := range c.all {
		if v.d.Name() == name {
			return v.d, nil
		}
	}
	return nil, errOtherDatabase
}

// Report is what is known of the database for a result: of that of GOSUMDB, else of
// one that settings add. It is nil while nobody needed any.
func (c *Sums) Report() *report.SumDB {
	for _, v := range c.all {
		via, asked, err := v.d.Reached()
		if !asked {
			continue
		}
		out := &report.SumDB{Name: v.d.Name(), Via: via, Reachable: err == nil}
		if err != nil {
			out.Class, out.Reason = failure.As(err).Class, failure.Plain(err.Error())
		}
		return out
	}
	return nil
}

// Hidden reports whether the name of a module is kept from a database.
func (c *Sums) Hidden(d *Database, path string) bool {
	v, why := c.of(path)
	return why == whyHidden || v != nil && v.d.aside && v.d != d
}

const (
	whyHidden = "GONOSUMDB or GOPRIVATE keeps it from the checksum database"
	whyOff    = "GOSUMDB is off"
)

// Unasked says why no database is asked for the hashes of a module; "" when one is.
func (c *Sums) Unasked(path string) (why string) {
	_, why = c.of(path)
	return why
}

// of is the database that knows the hashes of a module; why says what keeps them from
// being known. The job has named a database for the modules of a rule, so it is told
// their names, whatever keeps them from that of GOSUMDB.
func (c *Sums) of(path string) (v *verifier, why string) {
	if path != Toolchain {
		for _, r := range c.rules {
			if goenv.MatchPatterns(r.patterns, path) {
				return r.of, ""
			}
		}
		if goenv.MatchPatterns(c.hidden, path) {
			return nil, whyHidden
		}
	}
	if c.main == nil {
		return nil, whyOff
	}
	return c.main, ""
}

// Find returns the module as the work list has it or, beyond that, with the hash of
// the kind that the database names. Without a hash for the kind, why says what keeps
// it from being known. The error is a *failure.Error: the database contradicts itself,
// or ctx ended.
func (c *Sums) Find(ctx context.Context, v module.Version, kind string) (m worklist.Module, why string, err error) {
	m, ok := c.list[v]
	if !ok {
		m = worklist.Module{Path: v.Path, Version: v.Version}
	}
	if (hashes{m.Zip, m.Mod}).of(kind) != "" {
		return m, "", nil
	}
	h, why, err := c.look(ctx, v)
	switch {
	case unknown(err) && ctx.Err() == nil:
		return m, failure.Plain(err.Error()), nil
	case why != "" || err != nil:
		return m, why, err
	case h.of(kind) == "":
		return m, "the checksum database has no hash of it", nil
	case kind == report.KindZip:
		m.Zip = h.zip
	default:
		m.Mod = h.mod
	}
	return m, "", nil
}

// Hashes are those that a database names. The error wraps a *failure.Error: what kept it
// from being asked, that it contradicts itself, or of the class MissingSum, that nobody
// is asked or knows.
func (c *Sums) Hashes(ctx context.Context, v module.Version) (zip, mod string, err error) {
	h, why, err := c.look(ctx, v)
	if err == nil && h.zip == "" {
		e := failure.New(failure.MissingSum, "verify", "", nil)
		e.Detail = failure.Plain(cmp.Or(why, "the checksum database has no hash of it"))
		err = e
	}
	return h.zip, h.mod, err
}

// look looks a version up; why says what keeps anybody from being asked.
func (c *Sums) look(ctx context.Context, v module.Version) (h hashes, why string, err error) {
	at, why := c.of(v.Path)
	if why != "" {
		return hashes{}, why, nil
	}
	got, _, err := c.lookups.Do(ctx, v, func(context.Context) looked {
		h, err := at.lookup(v)
		if err == nil {
			c.mu.Lock()
			c.found[v] = at
			c.mu.Unlock()
		}
		return looked{h, err}
	}, nil)
	if err != nil {
		return hashes{}, "", failure.New(failure.Cancelled, "look up "+v.String(), "", err)
	}
	return got.hashes, "", got.err
}

// Lookup is the module that a path of the database below /lookup/ is about.
func Lookup(path string) (module.Version, error) {
	escaped, version, _ := strings.Cut(path, "@")
	p, err := module.UnescapePath(escaped)
	if err != nil {
		return module.Version{}, err
	}
	ver, err := module.UnescapeVersion(version)
	return module.Version{Path: p, Version: ver}, err
}
