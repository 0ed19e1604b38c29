package relay

import (
	"strings"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/report"
)

// question is what a client asks about a module.
type question struct {
	v    module.Version // without a version for the list and the latest version
	kind string         // one of report
	path string         // below a mirror, escaped: one spelling for all
}

// parse reads the path of a request below the relay. False means that it is none of
// the protocol (https://go.dev/ref/mod#goproxy-protocol): no mirror is asked then.
func parse(path string) (question, bool) {
	if escaped, ok := strings.CutSuffix(path, "/@latest"); ok {
		return about(escaped, report.KindLatest, "/@latest")
	}
	escaped, file, ok := strings.Cut(path, "/@v/")
	if !ok {
		return question{}, false
	}
	if file == "list" {
		return about(escaped, report.KindList, "/@v/list")
	}
	dot := strings.LastIndexByte(file, '.')
	if dot < 0 {
		return question{}, false
	}
	version, err := module.UnescapeVersion(file[:dot])
	if err != nil || version == "" {
		return question{}, false
	}
	kind := file[dot+1:]
	canonical := module.CanonicalVersion(version) == version
	switch {
	case kind == report.KindInfo && !canonical:
		kind = report.KindQuery
	case kind == report.KindInfo, canonical && (kind == report.KindZip || kind == report.KindMod):
	default:
		return question{}, false
	}
	q, ok := about(escaped, kind, "/@v/"+file)
	q.v.Version = version
	return q, ok
}

func about(escaped, kind, file string) (question, bool) {
	path, err := module.UnescapePath(escaped)
	return question{v: module.Version{Path: path}, kind: kind, path: escaped + file}, err == nil
}

// String is the question as people write it.
func (q question) String() string {
	switch q.kind {
	case report.KindList:
		return "the versions of " + q.v.Path
	case report.KindLatest:
		return q.v.Path + "@latest"
	}
	return q.v.String() + " " + q.kind
}
