// Package owndir is modferry's own directory in a checkout, and what it takes
// that others can live with it: git does not see it, and whoever tidies up can
// remove it.
package owndir

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/modferry/modferry/internal/ci"
	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

// Name is the directory's.
const Name = ci.Own

// Hide keeps git from seeing what is in dir, a directory of the checkout: go
// build writes into a binary whether there are files that git does not know. A
// .gitignore that is there already stays, whoever wrote it.
func Hide(checkout, dir string) error {
	name := filepath.Join(dir, ".gitignore")
	if _, err := os.Lstat(name); err == nil {
		return nil
	}
	if err := diskfile.WriteIn(checkout, name, []byte("*\n")); err != nil {
		return fmt.Errorf("hide the directory of modferry from git: %w", err)
	}
	return nil
}

// HideOwn is Hide for the directory Name of a checkout, if it is there. An empty
// checkout is none.
func HideOwn(checkout string) error {
	if checkout == "" {
		return nil
	}
	dir := filepath.Join(checkout, Name)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil
	}
	return Hide(checkout, dir)
}

// Within returns where dir is in a checkout, slash-separated and "" for the checkout
// itself; false when it is outside, and when one of them is "". Links on the way to
// the checkout do not matter: a runner's builds directory often is one.
func Within(checkout, dir string) (rel string, ok bool) {
	if checkout == "" || dir == "" {
		return "", false
	}
	absolute := func(name string) string { abs, _ := filepath.Abs(name); return abs }
	for _, resolve := range []func(string) string{absolute, diskfile.Real} {
		if rel, err := filepath.Rel(resolve(checkout), resolve(dir)); err == nil && filepath.IsLocal(rel) {
			return strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(rel)), "/"), true
		}
	}
	return "", false
}

// Environment is session.Environment for a CI job whose module cache others must
// be able to remove where removed says so of its directory. GOFLAGS then gets
// -modcacherw, without which the go command leaves the directories of modules
// read-only; a GOFLAGS that says something about that already is obeyed.
func Environment(v *settings.Values, host goenv.Host, removed func(modcache string) bool) (goenv.Env, []finding.Finding, error) {
	env, findings, err := session.Environment(v, host)
	goflags := env.Get("GOFLAGS")
	if err != nil || !removed(env.Get("GOMODCACHE")) || goenv.HasFlag(goflags, "modcacherw") {
		return env, findings, err
	}
	v.GOFLAGS, v.Sources["goflags"] = strings.TrimSpace(goflags+" -modcacherw"), "environment"
	return session.Environment(v, host)
}
