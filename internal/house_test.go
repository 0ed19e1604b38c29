// Package internal_test pins the architecture of the house: which way imports
// point, and what the pure rooms must not touch.
package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/modferry/modferry/"

// rooms from the top to the bottom: a room may import those below it only.
// Test kits may be imported by tests of the rooms above them.
var rooms = []string{
	"cmd/modferry", "action/github", "action/gitlab", "action/otherci", "action/forge", "action/annotate", "action/owndir",
	"internal/starter", "internal/doctor", "internal/relay", "internal/fetch", "internal/preflight", "internal/outside", "internal/sums", "internal/download", "internal/session",
	"internal/layer", "internal/mirror", "internal/store", "internal/proxydir", "internal/modcache",
	"internal/report/reporttest", "internal/report/compare", "internal/report/export", "internal/report/html", "internal/report/markdown",
	"internal/report/text", "internal/report/progress", "internal/report/render", "internal/report",
	"internal/outlet", "internal/golog", "internal/failure", "internal/worklist", "internal/imports",
	"internal/goenv", "internal/finding", "internal/httpx", "internal/settings", "internal/flight", "internal/diskfile", "internal/secret", "internal/ci",
	"docs",
}

// forbidden are exceptions to the order: a mirror knows no module cache, and one
// CI system nothing of another.
var forbidden = map[string][]string{
	"internal/mirror": {"internal/modcache", "internal/worklist", "internal/report"},
	"internal/store":  {"internal/modcache", "internal/worklist"},
	"action/github":   {"action/gitlab"},
}

// pure rooms use no network, no environment, no clock and start no programs.
var pure = []string{"internal/goenv", "internal/goenv/assign", "internal/worklist", "internal/imports", "internal/imports/buildlist", "internal/failure", "internal/golog", "internal/finding", "internal/settings", "internal/secret", "internal/ci",
	"docs",
	"internal/report", "internal/report/render", "internal/report/text", "internal/report/markdown", "internal/report/html", "internal/report/export", "internal/report/compare", "action/annotate"}

// impure is what pure rooms must not call. Packages of the network are allowed
// to the rooms of networkErrors, which need the types of their errors.
var impure = map[string][]string{
	"time":     {"Now", "Since", "Until", "Sleep", "After", "Tick", "NewTimer", "NewTicker"},
	"os":       {"Getenv", "LookupEnv", "Environ", "UserHomeDir", "UserConfigDir", "Getwd"},
	"os/exec":  nil, // nil: everything
	"net/http": nil,
	"net":      nil,
}

var networkErrors = []string{"internal/failure", "internal/golog"}

type source struct {
	room, name string
	file       *ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	fset := token.NewFileSet()
	for _, top := range []string{"cmd", "action", "internal", "docs"} {
		root := filepath.Join("..", top)
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				if name == root {
					return nil // a room that is not built yet
				}
				return err
			}
			if d.IsDir() && slices.Contains([]string{"testdata", "bench", "e2e"}, d.Name()) {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(name, ".go") {
				return nil
			}
			f, err := parser.ParseFile(fset, name, nil, 0)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel("..", filepath.Dir(name))
			all = append(all, source{filepath.ToSlash(rel), filepath.Base(name), f})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// roomOf is the room that a package belongs to, -1 when it is none.
func roomOf(pkg string) int {
	return slices.IndexFunc(rooms, func(r string) bool { return pkg == r || strings.HasPrefix(pkg, r+"/") })
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		from := roomOf(s.room)
		if from < 0 || strings.HasSuffix(s.name, "_test.go") {
			continue
		}
		for _, spec := range s.file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			pkg, ours := strings.CutPrefix(path, modulePath)
			if !ours {
				continue
			}
			to := roomOf(pkg)
			switch {
			case to < 0:
				t.Errorf("%s/%s imports %s, which is no room of the house", s.room, s.name, pkg)
			case to < from:
				t.Errorf("%s/%s imports %s: arrows point down only", s.room, s.name, pkg)
			case slices.Contains(forbidden[rooms[from]], rooms[to]):
				t.Errorf("%s/%s imports %s, which it must not know", s.room, s.name, pkg)
			}
		}
	}
}

func TestPureRoomsStayPure(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if !slices.Contains(pure, s.room) || strings.HasSuffix(s.name, "_test.go") {
			continue
		}
		names := map[string]string{} // local name → import path
		for _, spec := range s.file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			calls, watched := impure[path]
			if watched && calls == nil {
				if !slices.Contains(networkErrors, s.room) || path == "os/exec" {
					t.Errorf("%s/%s imports %s", s.room, s.name, path)
				}
				continue
			}
			name := filepath.Base(path)
			if spec.Name != nil {
				name = spec.Name.Name
			}
			names[name] = path
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(impure[names[x.Name]], sel.Sel.Name) {
				t.Errorf("%s/%s uses %s.%s", s.room, s.name, x.Name, sel.Sel.Name)
			}
			return true
		})
	}
}

func TestEveryRoomSaysWhatItIs(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	found := map[string]bool{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.name, "_test.go") {
			continue
		}
		found[s.room] = true
	}
	fset := token.NewFileSet()
	for room := range found {
		matches, err := filepath.Glob(filepath.Join("..", room, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range matches {
			f, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			said[room] = said[room] || f.Doc != nil
		}
		if !said[room] {
			t.Errorf("%s has no package comment", room)
		}
	}
}
