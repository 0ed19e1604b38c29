package worklist

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/finding"
)

// walkLimit bounds the directories looked into when main modules are searched
// below a directory: more is no checkout but, say, a whole disk.
const walkLimit = 500_000

// adviceLimit bounds those that are looked into for an error message alone.
const adviceLimit = 20_000

// givenDir names the directory in the ways in which it can be given.
const givenDir = "the directory, -C (MODFERRY_DIR, input working-directory)"

// place is where a go command would find its main module or workspace.
type place struct {
	work    string // the go.work file, "" for a single module
	dir     string // the module's directory when work is ""
	cwd     string // what a relative -modfile is relative to
	ignored string // the go.work above a module it doesn't use
	guessed bool   // found by a pattern, not named
}

func (l *loader) places(dir string, modules string) ([]place, error) {
	l.list.Root = dir
	if !isDir(dir) {
		return nil, &InputError{
			File:  filepath.ToSlash(dir),
			Found: "no such directory", Expected: "the directory of a Go checkout",
			Remedy: "correct " + givenDir,
		}
	}
	if modules != "" {
		return l.named(dir, modules)
	}
	// The module of a directory above is not what was meant.
	if sub, _ := l.emptySubmodule(dir); sub != "" {
		return nil, &InputError{
			File:  filepath.ToSlash(dir),
			Found: "an empty directory", Expected: "the sources of the submodule that belongs there",
			Remedy: l.complete(dir),
		}
	}
	p, ok, err := l.enclosing(dir)
	if err != nil {
		return nil, err
	}
	if ok {
		l.list.Root = p.dir
		if p.work != "" {
			l.list.Root = filepath.Dir(p.work)
		}
		return []place{p}, nil
	}
	return nil, l.none(dir)
}

func (l *loader) none(dir string) error {
	// They only serve the advice, so what keeps the search from its end is no
	// error: the ones found before do.
	dirs, _ := l.below(dir, adviceLimit)
	what := "go.mod or go.work"
	if l.opts.GOWORK == "off" {
		what = "go.mod"
	}
	e := &InputError{
		File:  filepath.ToSlash(dir),
		Found: "no " + what + " in it, in a directory above or in one below", Expected: "a Go checkout",
		Remedy: "check the sources out first, or correct " + givenDir,
		Err:    ErrNoCheckout,
	}
	if len(dirs) > 0 {
		e.Found = fmt.Sprintf("no %s in it or in a directory above, but in %s below", what, listed(dirs))
		e.Expected = "the directory of a main module"
		e.Remedy = "use --modules ./... (MODFERRY_MODULES, input working-directory) for all of them, --modules with a list of directories, or -C with one"
	}
	return e
}

func listed(dirs []string) string {
	const most = 3
	var names []string
	for _, d := range dirs[:min(len(dirs), most)] {
		names = append(names, plain(d))
	}
	s := strings.Join(names, ", ")
	if more := len(dirs) - most; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

// enclosing finds what a go command started in dir would work on (cmd/go
// modload/init.go: Init, FindGoWork). A module below a go.work that does not
// use it can only be built with GOWORK=off, so it counts by itself.
func (l *loader) enclosing(dir string) (place, bool, error) {
	mod := SearchUp(dir, "go.mod")
	work := ""
	switch l.opts.GOWORK {
	case "off":
	case "", "auto":
		if d := SearchUp(dir, "go.work"); d != "" {
			work = filepath.Join(d, "go.work")
		}
	default:
		if !filepath.IsAbs(l.opts.GOWORK) {
			return place{}, false, &InputError{
				File:  "GOWORK",
				Found: quote(l.opts.GOWORK), Expected: "off, or the absolute path of a go.work file",
				Remedy: "write the absolute path",
			}
		}
		return place{work: filepath.Clean(l.opts.GOWORK), cwd: dir}, true, nil
	}
	single := place{dir: mod, cwd: dir}
	switch {
	case work == "":
		return single, mod != "", nil
	case mod == "" || !below(mod, filepath.Dir(work)):
		return place{work: work, cwd: dir}, true, nil
	}
	used, err := l.uses(work, mod)
	if err != nil {
		return place{}, false, err
	}
	if !used {
		single.ignored = work
		return single, true, nil
	}
	return place{work: work, cwd: dir}, true, nil
}

// named finds the main modules of the setting modules: directories relative
// to dir, with path.Match patterns for elements, and ... (or **) for any
// number of elements.
func (l *loader) named(dir, modules string) ([]place, error) {
	var dirs, all []string // relative to dir, slash-separated
	literal := map[string]bool{}
	walked := false
	for pattern := range strings.SplitSeq(modules, ",") {
		pattern = filepath.ToSlash(strings.TrimSpace(pattern))
		if pattern == "" {
			continue
		}
		bad := func(found, expected string) *InputError {
			return &InputError{
				File: "modules", Found: found, Expected: expected,
				Remedy: "correct the setting modules (a comma list of directories, such as `services/*,tools` or `./...`)",
			}
		}
		elems := strings.Split(path.Clean(pattern), "/")
		if path.IsAbs(pattern) || filepath.IsAbs(pattern) || elems[0] == ".." {
			return nil, bad(quote(pattern), "directories below "+filepath.ToSlash(dir))
		}
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, bad(quote(pattern), "a valid pattern")
		}
		if !strings.ContainsAny(pattern, `*?[\`) && !slices.Contains(elems, "...") {
			d := path.Join(elems...)
			if !l.hasMain(filepath.Join(dir, filepath.FromSlash(d))) {
				e := bad(fmt.Sprintf("no go.mod or go.work in %s", quote(d)), "a main module there")
				abs := filepath.Join(dir, filepath.FromSlash(d))
				if sub, _ := l.emptySubmodule(abs); sub != "" {
					e.Remedy = l.complete(abs)
				}
				return nil, e
			}
			dirs, literal[d] = append(dirs, d), true
			continue
		}
		if !walked {
			var err error
			if all, err = l.below(dir, walkLimit); err != nil {
				return nil, err
			}
			walked = true
		}
		found := false
		for _, d := range all {
			if matchElems(elems, splitDir(d)) {
				dirs, found = append(dirs, d), true
			}
		}
		if !found {
			return nil, bad(fmt.Sprintf("no go.mod or go.work in a directory that matches %s", quote(pattern)), "at least one main module")
		}
	}
	if len(dirs) == 0 {
		return nil, &InputError{
			File: "modules", Found: quote(modules), Expected: "a comma list of directories",
			Remedy: "correct the setting modules, or leave it empty for the module or workspace of the directory",
		}
	}
	return l.resolve(dir, dirs, literal)
}

// resolve turns directories (relative to dir) into places without repeats. Those
// that are not literal were found by a pattern.
func (l *loader) resolve(dir string, dirs []string, literal map[string]bool) ([]place, error) {
	var places []place
	seen := make(map[place]bool)
	for _, d := range dirs {
		abs := filepath.Join(dir, filepath.FromSlash(d))
		guessed := !literal[d]
		p, ok, err := l.enclosing(abs)
		if err != nil && guessed {
			if err := l.skip(err); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		key := place{work: p.work, dir: p.dir}
		if !ok || seen[key] {
			continue
		}
		seen[key] = true
		p.guessed = guessed
		places = append(places, p)
	}
	return places, nil
}

func (l *loader) hasMain(dir string) bool {
	return isFile(filepath.Join(dir, "go.mod")) ||
		l.opts.GOWORK != "off" && isFile(filepath.Join(dir, "go.work"))
}

// below lists the directories at or below dir that hold a main module,
// relative to dir and in lexical order. Like the pattern ./... of the go
// command it passes over directories that begin with "." or "_", testdata and
// vendor; and over node_modules. It follows no symbolic links.
func (l *loader) below(dir string, limit int) ([]string, error) {
	var dirs []string
	n := 0
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			if p == dir {
				return l.unreadable(p, err)
			}
			l.tell(finding.Finding{
				Check: "directory-unreadable", Severity: finding.Warning,
				File:   l.rel(p),
				Effect: "The directory could not be read; main modules in it are not part of the work list.",
			})
			return fs.SkipDir
		}
		if !d.IsDir() {
			return nil
		}
		if p != dir && skipped(d.Name()) {
			return fs.SkipDir
		}
		if n++; n > limit {
			return &InputError{
				File:  filepath.ToSlash(dir),
				Found: fmt.Sprintf("more than %d directories", limit), Expected: "a Go checkout",
				Remedy: "correct " + givenDir + ", or name the main modules with --modules (MODFERRY_MODULES, input modules)",
			}
		}
		if l.hasMain(p) {
			r, err := filepath.Rel(dir, p)
			if err != nil {
				return err
			}
			dirs = append(dirs, filepath.ToSlash(r))
		}
		return nil
	})
	return dirs, err
}

func skipped(name string) bool {
	switch name {
	case "testdata", "vendor", "node_modules":
		return true
	}
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

func splitDir(dir string) []string {
	if dir == "." {
		return nil
	}
	return strings.Split(dir, "/")
}

// matchElems matches path elements with pattern elements, of which ... and **
// stand for any number of elements. The pattern is known to be well formed.
func matchElems(pattern, elems []string) bool {
	star, mark := -1, 0 // the last wildcard seen and where its match ends
	p, e := 0, 0
	for e < len(elems) {
		if p < len(pattern) && (pattern[p] == "..." || pattern[p] == "**") {
			star, mark = p, e
			p++
			continue
		}
		if p < len(pattern) {
			if ok, err := path.Match(pattern[p], elems[e]); ok && err == nil {
				p++
				e++
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark++ // let the wildcard take one more element
		p, e = star+1, mark
	}
	for p < len(pattern) && (pattern[p] == "..." || pattern[p] == "**") {
		p++
	}
	return p == len(pattern)
}
