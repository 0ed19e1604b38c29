package outside

import (
	"fmt"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// query is which of the versions of a module are meant (cmd/go modload/query.go:
// newQueryMatcher, filterVersions).
type query struct {
	// exact says that there is one, whatever others there are: a full version, a branch
	// or a commit.
	exact bool
	// latest says that a module without versions may have one all the same.
	latest bool
	// lower says that the lowest one is meant, and not the highest.
	lower bool
	// incompatible says that versions beyond the major version of the path are meant
	// whatever they have.
	incompatible bool

	matches func(v string) bool
}

func parseQuery(path, text string) (query, error) {
	q := query{matches: func(string) bool { return true }}
	version := text
	switch {
	case text == "latest", text == "upgrade":
		q.latest = true
		return q, nil
	case strings.HasPrefix(text, "<="), strings.HasPrefix(text, ">="):
		version = text[2:]
	case strings.HasPrefix(text, "<"), strings.HasPrefix(text, ">"):
		version = text[1:]
	}
	bound := strings.TrimSuffix(text, version)
	switch {
	case bound != "" && !semver.IsValid(version):
		return q, fmt.Errorf("invalid semantic version %q in range %q", version, text)
	case (bound == "<=" || bound == ">") && isPrefix(version):
		return q, fmt.Errorf("ambiguous semantic version %q in range %q", version, text)
	case !semver.IsValid(version):
		q.exact = true
		return q, nil
	}
	_, major, ok := module.SplitPathVersion(path)
	q.incompatible = !ok || module.CheckPathMajor(version, major) != nil
	q.lower = strings.HasPrefix(bound, ">")
	at := func(v string) int { return semver.Compare(v, version) }
	switch {
	case bound == "<=":
		q.matches = func(v string) bool { return at(v) <= 0 }
	case bound == "<":
		q.matches = func(v string) bool { return at(v) < 0 }
	case bound == ">=":
		q.matches = func(v string) bool { return at(v) >= 0 }
	case bound == ">":
		q.matches = func(v string) bool { return at(v) > 0 }
	case isPrefix(version):
		q.matches = func(v string) bool { return strings.HasPrefix(v, version+".") && at(v) >= 0 }
	default:
		q.exact = true
	}
	return q, nil
}

// isPrefix reports whether a valid version lacks a part: v1, v1.2.
func isPrefix(v string) bool { return !strings.ContainsAny(v, "-+") && strings.Count(v, ".") < 2 }

// choose chooses among versions, sorted; "" for none. allowed says which the author has
// not taken back, and hasGoMod whether a version has a go.mod of its own.
func (q query) choose(versions []string, allowed, hasGoMod func(v string) (bool, error)) (string, error) {
	all := q.incompatible
	last := ""
	var releases, others []string
	for _, v := range versions {
		if !q.matches(v) {
			continue
		}
		if ok, err := allowed(v); err != nil {
			return "", err
		} else if !ok {
			continue
		}
		switch {
		case all:
		case !strings.HasSuffix(v, "+incompatible"):
			last = v
		case last != "":
			has, err := hasGoMod(last)
			if err != nil {
				return "", err
			}
			if has {
				return q.best(releases, others), nil // all that follow are incompatible
			}
			all = true
		}
		if semver.Prerelease(v) == "" {
			releases = append(releases, v)
		} else {
			others = append(others, v)
		}
	}
	return q.best(releases, others), nil
}

func (q query) best(releases, others []string) string {
	from := releases
	if len(from) == 0 {
		from = others
	}
	switch {
	case len(from) == 0:
		return ""
	case q.lower:
		return from[0]
	}
	return from[len(from)-1]
}
