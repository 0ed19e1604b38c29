package layer

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/report"
)

// The kinds of members: the extensions of their files.
const (
	kindZip  = report.KindZip
	kindMod  = report.KindMod
	kindInfo = "info"
)

// maxSize is the most bytes that a member of a kind has: what a mirror may send
// of it. It is 0 for what is no kind.
func maxSize(kind string) int64 {
	switch kind {
	case kindZip:
		return mirror.MaxZip
	case kindMod:
		return mirror.MaxMod
	case kindInfo:
		return mirror.MaxInfo
	}
	return 0
}

// Member is one file of a layer.
type Member struct {
	Module module.Version
	Kind   string // report.KindZip, report.KindMod or "info"
}

// The parts of a member's name around path and version, as in GOMODCACHE (go
// help goproxy; golang.org/ref/mod#module-cache).
const (
	nameRoot = "cache/download/"
	nameDir  = "/@v/"
)

// Name is where the file stands below GOMODCACHE, separated by slashes:
// "cache/download/<escaped path>/@v/<escaped version>.<kind>". It is "" when no
// module cache can hold such a module.
func (m Member) Name() string {
	path, err := module.EscapePath(m.Module.Path)
	if err != nil {
		return ""
	}
	version, err := module.EscapeVersion(m.Module.Version)
	if err != nil {
		return ""
	}
	return nameRoot + path + nameDir + version + "." + m.Kind
}

func (m Member) compare(o Member) int {
	return cmp.Or(
		cmp.Compare(m.Module.Path, o.Module.Path),
		semver.Compare(m.Module.Version, o.Module.Version),
		cmp.Compare(m.Module.Version, o.Module.Version),
		cmp.Compare(m.Kind, o.Kind))
}

// maxName is the longest name of a member in bytes: no file system takes a
// longer path.
const maxName = 4096

// parseName returns the member of that name: the inverse of Name. It takes only
// names that the go command writes, so there is one name for each member, and
// none leads out of the module cache. The error is neutral.
func parseName(name string) (Member, error) {
	fail := func(format string, args ...any) (Member, error) {
		return Member{}, errors.New(failure.Neutral(fmt.Sprintf(format, args...)))
	}
	if len(name) > maxName {
		return fail("the name has %d bytes, expected at most %d", len(name), maxName)
	}
	rest, ok := strings.CutPrefix(name, nameRoot)
	if !ok {
		return fail("the name does not begin with %q", nameRoot)
	}
	// No module path has an "@" in it.
	path, file, ok := strings.Cut(rest, nameDir)
	if !ok {
		return fail("the name has no %q after the module path", nameDir)
	}
	dot := strings.LastIndexByte(file, '.')
	if dot < 0 || maxSize(file[dot+1:]) == 0 {
		return fail("the name ends in %q, expected .zip, .mod or .info", file[max(dot, 0):])
	}
	m := Member{Kind: file[dot+1:]}
	var err error
	if m.Module.Path, err = module.UnescapePath(path); err != nil {
		return fail("%v", err)
	}
	if m.Module.Version, err = module.UnescapeVersion(file[:dot]); err != nil {
		return fail("%v", err)
	}
	// Branches and short versions like v1.2 have an .info in a module cache
	// now and then, but no work list asks for them.
	if module.CanonicalVersion(m.Module.Version) != m.Module.Version {
		return fail("version %q is not canonical", m.Module.Version)
	}
	if err := module.Check(m.Module.Path, m.Module.Version); err != nil {
		return fail("%v", err)
	}
	return m, nil
}
