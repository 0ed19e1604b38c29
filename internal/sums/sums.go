// Package sums knows the hashes that files must have: those of go.sum, else those
// of the checksum database.
//
// Its main invariant: a name that the settings keep from the database is never told
// to it, whoever asks.
package sums

import (
	"context"
	"strings"

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
	list     map[module.Version]worklist.Module
	hidden   string    // patterns of names that are kept from the database
	database *Database // nil for none
	verifier *verifier
	lookups  *flight.Group[module.Version, looked]
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

// New reads the work list of a session, whose requests to the database end with ctx.
// The caller closes it.
func New(ctx context.Context, s *session.Session) *Sums {
	c := &Sums{list: make(map[module.Version]worklist.Module, len(s.List.Modules)), lookups: flight.New[module.Version, looked](ctx)}
	for _, m := range s.List.Modules {
		c.list[m.ID()] = m
	}
	c.hidden = settings.JoinPatterns(s.Env.Get("GONOSUMDB"), s.Access.Private)
	if !s.SumDB.Off && s.SumDB.Name != "" {
		c.database = newDatabase(ctx, s)
		c.verifier = &verifier{ctx: ctx, d: c.database}
	}
	return c
}

// Close ends what is under way.
func (c *Sums) Close() {
	c.lookups.Close()
	if c.database != nil {
		c.database.close()
	}
}

// Database is the checksum database of a name; the error says why that one is not
// asked.
func (c *Sums) Database(name string) (*Database, error) {
	if c.database == nil || c.database.Name() != name {
		return nil, errOtherDatabase
	}
	return c.database, nil
}

// Report is what is known of the database for a result; nil while nobody needed it.
func (c *Sums) Report() *report.SumDB {
	if c.database == nil {
		return nil
	}
	via, asked, err := c.database.Reached()
	if !asked {
		return nil
	}
	out := &report.SumDB{Name: c.database.Name(), Via: via, Reachable: err == nil}
	if err != nil {
		out.Class, out.Reason = failure.As(err).Class, failure.Plain(err.Error())
	}
	return out
}

// Hidden reports whether a name is kept from the database.
func (c *Sums) Hidden(path string) bool {
	return path != Toolchain && goenv.MatchPatterns(c.hidden, path)
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
	switch {
	case c.Hidden(v.Path):
		return m, "GONOSUMDB or GOPRIVATE keeps it from the checksum database", nil
	case c.database == nil:
		return m, "GOSUMDB is off", nil
	}
	got, _, err := c.lookups.Do(ctx, v, func(context.Context) looked {
		h, err := c.verifier.lookup(v)
		return looked{h, err}
	}, nil)
	switch {
	case err != nil:
		return m, "", failure.New(failure.Cancelled, "look up "+v.String(), "", err)
	case unknown(got.err):
		return m, failure.Plain(got.err.Error()), nil
	case got.err != nil:
		return m, "", got.err
	case got.of(kind) == "":
		return m, "the checksum database has no hash of it", nil
	case kind == report.KindZip:
		m.Zip = got.zip
	default:
		m.Mod = got.mod
	}
	return m, "", nil
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
