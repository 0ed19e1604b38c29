// Package owndir is modferry's own directory in a checkout, and what it takes
// that others can live with it: git does not see it, and whoever tidies up can
// remove it.
package owndir

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/goenv"
)

// Name is the directory's. The go command looks into no directory that begins
// with a dot.
const Name = ".modferry"

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

// Removable returns GOFLAGS with -modcacherw, with which go commands leave a
// module cache that others can remove: without it the directories of modules are
// read-only. "" where GOFLAGS says something about that already, which is obeyed.
func Removable(goflags string) string {
	if goenv.HasFlag(goflags, "modcacherw") {
		return ""
	}
	return strings.TrimSpace(goflags + " -modcacherw")
}
