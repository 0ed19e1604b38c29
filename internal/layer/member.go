package layer

import (
	"cmp"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

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

// Member is one thing that a layer holds of a module: its contents, which are
// those of the zip, as a tree or as the zip itself, its go.mod or its .info.
type Member struct {
	Module module.Version
	Kind   string // report.KindZip, report.KindMod or "info"
}

// Sums are members with the h1 hashes that they must have; that of an .info,
// which has none, is "".
type Sums map[Member]string

// Add adds what is needed of a module. zip is the hash of its contents, "" for
// nothing but the go.mod; mod that of the go.mod, "" for none.
func (s Sums) Add(v module.Version, zip, mod string) {
	if zip != "" {
		s[Member{v, kindZip}], s[Member{v, kindInfo}] = zip, ""
	}
	if mod != "" {
		s[Member{v, kindMod}] = mod
	}
}

// membersOf are all members of a module.
func membersOf(v module.Version) []Member {
	return []Member{{v, kindZip}, {v, kindMod}, {v, kindInfo}}
}

func (m Member) compare(o Member) int {
	return cmp.Or(
		cmp.Compare(m.Module.Path, o.Module.Path),
		semver.Compare(m.Module.Version, o.Module.Version),
		cmp.Compare(m.Module.Version, o.Module.Version),
		cmp.Compare(m.Kind, o.Kind))
}
