package outside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/flight"
	"github.com/modferry/modferry/internal/layer"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/sums"
	"github.com/modferry/modferry/internal/worklist"
)

// Finder finds modules. It is safe for concurrent use.
type Finder struct {
	s     *session.Session
	e     *download.Engine
	sums  *sums.Sums
	cache *modcache.Cache

	brings *flight.Group[layer.Member, error]

	mu     sync.Mutex
	items  []*download.Item                   // brought on the way
	first  map[module.Version]worklist.Module // with the hashes of what no database is asked about
	passed []string                           // what was placed unverified, and why
}

// NewFinder finds modules with the mirrors of a chain and the checksum databases of a
// session, and puts them into a module cache. The hashes that the session knows from a
// go.sum do not count. The caller closes it.
func NewFinder(ctx context.Context, s *session.Session, chain session.Chain, cache *modcache.Cache, o download.Options) (*Finder, error) {
	known, err := sums.New(ctx, s, nil)
	if err != nil {
		return nil, err
	}
	return &Finder{
		s: s, e: download.New(s, chain, shelf{cache}, o), sums: known, cache: cache,
		brings: flight.New[layer.Member, error](ctx), first: map[module.Version]worklist.Module{},
	}, nil
}

// Close ends what is under way.
func (f *Finder) Close() {
	f.brings.Close()
	f.sums.Close()
	f.e.Close()
}

const (
	// patience is the limit for the first byte of an answer to a query: a mirror that
	// looks into version control takes a minute to say that there is no such module.
	patience = 75 * time.Second
	// largestList is many times longer than any list of versions.
	largestList = 4 << 20
)

// page asks the mirrors for something about a module that may change.
func (f *Finder) page(ctx context.Context, path, below string, largest int64, check func([]byte) error) ([]byte, error) {
	escaped, err := module.EscapePath(path)
	if err != nil {
		return nil, failure.New(failure.NotFound, "resolve", "", err)
	}
	it := download.NewPage(module.Version{Path: path}, "query", escaped+"/"+below, download.PageOptions{
		Max: largest, FirstByte: max(patience, f.s.Values.FirstByteTimeout), Check: check})
	if err := f.e.Bring(ctx, it); err != nil {
		return nil, &asked{failure.As(err), it}
	}
	return it.Page().Body, nil
}

// asked is the failure of an item.
type asked struct {
	err *failure.Error
	it  *download.Item
}

func (a *asked) Error() string { return a.err.Error() }
func (a *asked) Unwrap() error { return a.err }

// nowhere reports whether an error says that no mirror has it, or may be asked: a
// shorter path may be that of the module.
func nowhere(err error) bool {
	fe := failure.As(err)
	return fe.Class == failure.NotFound || fe.Class == failure.Gone || fe.Class == failure.OnlyDirect
}

// stat is the version that a version, a branch or a commit stands for.
func (f *Finder) stat(ctx context.Context, path, version string) (string, error) {
	escaped, err := module.EscapeVersion(version)
	if err != nil {
		return "", failure.New(failure.NotFound, "resolve", "", err)
	}
	v, err := f.info(ctx, path, "@v/"+escaped+".info")
	if err == nil && v != version && module.CanonicalVersion(version) == version {
		err = failure.New(failure.WrongContent, "resolve", "", fmt.Errorf("the .info names version %q instead of %s", v, version))
	}
	return v, err
}

// info is the version that a page names.
func (f *Finder) info(ctx context.Context, path, below string) (string, error) {
	var info struct{ Version string }
	check := func(body []byte) error {
		if err := json.Unmarshal(body, &info); err != nil {
			return errors.New("the .info is not JSON")
		}
		if v := info.Version; module.CanonicalVersion(v) != v || module.Check(path, v) != nil {
			return fmt.Errorf("the .info names %q, which is no version of %s", v, path)
		}
		return nil
	}
	if _, err := f.page(ctx, path, below, 0, check); err != nil {
		return "", err
	}
	return info.Version, nil
}

// versions are those of a module that have a tag, sorted.
func (f *Finder) versions(ctx context.Context, path string) ([]string, error) {
	body, err := f.page(ctx, path, "@v/list", largestList, func(body []byte) error {
		if failure.IsPage(body) {
			return errors.New("an HTML page, as login pages and captive portals send")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.Lines(string(body)) {
		fields := strings.Fields(line)
		if len(fields) > 0 && semver.IsValid(fields[0]) && !module.IsPseudoVersion(fields[0]) && module.Check(path, fields[0]) == nil {
			all = append(all, fields[0])
		}
	}
	semver.Sort(all)
	return all, nil
}

// errNoMatch says that a module has no version like that.
var errNoMatch = errors.New("no matching versions")

// resolve is the version of a module that a query means.
func (f *Finder) resolve(ctx context.Context, path, text string) (string, error) {
	q, err := parseQuery(path, text)
	if err != nil {
		return "", err
	}
	if q.exact {
		return f.stat(ctx, path, text)
	}
	versions, err := f.versions(ctx, path)
	if err != nil {
		return "", err
	}
	allowed := sync.OnceValues(func() (func(string) bool, error) { return f.retracted(ctx, path, versions) })
	v, err := q.choose(versions, func(v string) (bool, error) {
		back, err := allowed()
		return err == nil && !back(v), err
	}, func(v string) (bool, error) { return f.hasGoMod(ctx, module.Version{Path: path, Version: v}) })
	switch {
	case err != nil:
		return "", err
	case v != "":
		return v, nil
	case !q.latest:
		return "", failure.New(failure.NotFound, "resolve", "", fmt.Errorf("%w for query %q", errNoMatch, text))
	}
	return f.info(ctx, path, "@latest")
}

// retracted are the versions that the author has taken back, as the newest one says.
func (f *Finder) retracted(ctx context.Context, path string, versions []string) (func(v string) bool, error) {
	yes := func(string) (bool, error) { return true, nil }
	newest, err := query{matches: func(string) bool { return true }}.choose(versions, yes, func(v string) (bool, error) {
		return f.hasGoMod(ctx, module.Version{Path: path, Version: v})
	})
	if err != nil || newest == "" {
		return func(string) bool { return false }, err
	}
	at := module.Version{Path: path, Version: newest}
	data, err := f.goMod(ctx, at)
	if err != nil {
		return nil, err
	}
	// go install asks for the newest version, too, and takes one for it that has a go.mod
	// in a module cache that is its mirror.
	if err := f.bring(ctx, at, download.KindInfo); err != nil {
		return nil, err
	}
	mod, err := modfile.ParseLax("go.mod", data, nil)
	if err != nil {
		return func(string) bool { return false }, nil // as the go command: it tells where it is used
	}
	return func(v string) bool {
		return slices.ContainsFunc(mod.Retract, func(r *modfile.Retract) bool {
			return semver.Compare(r.Low, v) <= 0 && semver.Compare(v, r.High) <= 0
		})
	}, nil
}

// hasGoMod reports whether a version has a go.mod of its own: for one without, mirrors
// send what the go command would make up.
func (f *Finder) hasGoMod(ctx context.Context, v module.Version) (bool, error) {
	data, err := f.goMod(ctx, v)
	return err == nil && string(data) != "module "+modfile.AutoQuote(v.Path)+"\n", err
}
