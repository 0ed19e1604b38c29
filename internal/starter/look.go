// Package starter writes the workflow that a checkout begins with: it looks at
// go.mod, go.work, vendor and what CI system is in use, and says what it saw.
//
// Its invariant: names that the checkout chose go into a workflow only where they
// mean nothing but names, to YAML and to a shell.
package starter

import (
	"bytes"
	"fmt"
	"go/version"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/worklist"
)

// The CI systems that there is a workflow for.
const (
	GitHub = "github"
	GitLab = "gitlab"
)

// Checkout is what was seen of a checkout.
type Checkout struct {
	Root string // absolute: where the CI system looks for its files
	CI   string // GitHub, GitLab, or "" where nothing tells

	Dir     string   // of the module or workspace, slash-separated, relative to Root; "." for Root
	Work    bool     // Dir has a go.work
	Go      string   // the newest that a go line asks for, such as "1.26.0"; "" when there is none
	GoFile  string   // go.mod or go.work with that line, relative to Root
	Prefers string   // what its toolchain line names, such as "go1.26.3"; "" when there is none
	Modules []string // directories of the main modules relative to Root, all with plain names
	Others  []string // directories below Dir with modules that are none of these
	Private []string // hosts of modules that look private, sorted
	// Vendored says that builds use the vendor directory and download nothing.
	Vendored bool
}

// plain is a name that is nothing else in YAML and in a shell.
var plain = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._/-]*$`)

// maxFile bounds the files that are looked at.
const maxFile = 1 << 20

// Look looks at the checkout at dir, whose files are confined to root. The error
// is worklist's, or about a name that cannot stand in a workflow.
func Look(root, dir string) (*Checkout, error) {
	c := &Checkout{Root: root, Dir: "."}
	options := worklist.Options{Checkout: root}
	list, err := worklist.Load(dir, options)
	if err != nil {
		// Without a module here, those below are meant.
		options.Modules = "./..."
		all, errAll := worklist.Load(dir, options)
		if errAll != nil {
			return nil, err
		}
		list = all
	}
	if err := c.mains(list); err != nil {
		return nil, err
	}
	if options.Modules == "" && !c.Work {
		c.others(dir)
	}
	c.private(list)
	c.CI = c.system()
	return c, nil
}

// mains reads the main modules of a list.
func (c *Checkout) mains(list *worklist.List) error {
	vendored := 0
	for _, m := range list.Mains {
		dirs := []string{m.Dir}
		if m.Work {
			c.Work = true
			dirs = c.members(filepath.Join(list.Root, filepath.FromSlash(m.Dir)), m.Dir)
		}
		for _, dir := range dirs {
			at, err := c.place(list, dir)
			if err != nil {
				return err
			}
			c.Modules = append(c.Modules, at)
		}
		if c.Go == "" || version.Compare("go"+m.Go, "go"+c.Go) > 0 {
			at, err := c.place(list, m.Dir)
			if err != nil {
				return err
			}
			name := "go.mod"
			if m.Work {
				name = "go.work"
			}
			c.Go, c.Prefers, c.GoFile = m.Go, m.Toolchain, path.Join(at, name)
		}
		if slices.Contains(list.Vendored, m.Dir) {
			vendored++
		}
	}
	c.Vendored = vendored > 0 && vendored == len(list.Mains)
	top := list.Root
	if !c.Work && len(list.Mains) == 1 {
		top = filepath.Join(top, filepath.FromSlash(list.Mains[0].Dir))
	}
	var err error
	c.Dir, err = c.relative(top)
	return err
}

// others finds the modules below dir beside the one in it. Those that cannot be read
// are not this workflow's.
func (c *Checkout) others(dir string) {
	list, err := worklist.Load(dir, worklist.Options{Checkout: c.Root, Modules: "./..."})
	if err != nil {
		return
	}
	for _, m := range list.Mains {
		at, err := c.place(list, m.Dir)
		if err == nil && !slices.Contains(c.Modules, at) {
			c.Others = append(c.Others, at)
		}
	}
}

// members are the directories that the go.work in dir uses, below at.
func (c *Checkout) members(dir, at string) []string {
	data, err := diskfile.ReadIn(c.Root, filepath.Join(dir, "go.work"), maxFile)
	if err != nil {
		return nil
	}
	work, err := modfile.ParseWork("go.work", data, nil)
	if err != nil {
		return nil
	}
	var dirs []string
	for _, use := range work.Use {
		if filepath.IsLocal(filepath.FromSlash(use.Path)) {
			dirs = append(dirs, path.Join(at, use.Path))
		}
	}
	return dirs
}

// place is the directory of a list, relative to its root, as a workflow names it.
func (c *Checkout) place(list *worklist.List, dir string) (string, error) {
	return c.relative(filepath.Join(list.Root, filepath.FromSlash(dir)))
}

// relative is a directory as a workflow names it.
func (c *Checkout) relative(dir string) (string, error) {
	rel, err := filepath.Rel(c.Root, dir)
	if err != nil {
		return "", err
	}
	rel = filepath.ToSlash(rel)
	if rel != "." && (!filepath.IsLocal(rel) || !plain.MatchString(rel)) {
		return "", fmt.Errorf("found the directory %q, expected one in the repository whose name has letters, digits, dots and dashes only", rel)
	}
	return rel, nil
}

// private finds hosts of modules that look private.
func (c *Checkout) private(list *worklist.List) {
	for _, m := range list.Modules {
		host, _, _ := strings.Cut(m.Path, "/")
		if goenv.PrivateHost(host) && plain.MatchString(host) && !slices.Contains(c.Private, host) {
			c.Private = append(c.Private, host)
		}
	}
	slices.Sort(c.Private)
}

// system tells the CI system from the files that are there, else from where git
// pushes to.
func (c *Checkout) system() string {
	switch {
	case c.has(gitlabFile):
		return GitLab
	case c.has(".github"):
		return GitHub
	}
	config := c.read(".git/config")
	switch {
	case bytes.Contains(config, []byte("gitlab")):
		return GitLab
	case bytes.Contains(config, []byte("github")):
		return GitHub
	}
	return ""
}

func (c *Checkout) has(name string) bool {
	_, err := os.Lstat(filepath.Join(c.Root, filepath.FromSlash(name)))
	return err == nil
}

// read returns a file of the checkout, nil when it cannot be read.
func (c *Checkout) read(name string) []byte {
	data, err := diskfile.ReadIn(c.Root, filepath.Join(c.Root, filepath.FromSlash(name)), maxFile)
	if err != nil {
		return nil
	}
	return data
}
