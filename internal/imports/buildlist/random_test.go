package buildlist

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"golang.org/x/mod/module"
)

// maker makes a random checkout. Versions, go lines and the number of
// requirements are such that versions get higher on the way, which is where
// the rules differ.
type maker struct {
	*rand.Rand
	published []module.Version
	goLines   []string // of dependencies; "" is none
}

func randomCheckout(r *rand.Rand) checkout {
	m := &maker{Rand: r, goLines: []string{"", "1.12", "1.16", "1.17", "1.18", "1.20"}}
	mains := []string{"main"}
	workspace := m.IntN(2) == 0
	if workspace {
		mains = []string{"p", "q", "r"}[:1+m.IntN(3)]
		m.goLines = append(m.goLines, "1.21", "1.22.1", "1.26")
	}
	var paths []string
	for i := range 3 + m.IntN(9) {
		paths = append(paths, fmt.Sprintf("e.test/m%d", i))
	}
	for _, dir := range mains { // versions of main modules may be required too
		if m.IntN(3) == 0 {
			paths = append(paths, "e.test/"+dir)
		}
	}
	for _, path := range paths {
		for _, version := range []string{"v0.1.0", "v1.0.0-rc.1", "v1.0.0", "v1.1.0", "v1.10.0", "v2.0.0+incompatible"}[m.IntN(3):] {
			if m.IntN(3) > 0 {
				m.published = append(m.published, module.Version{Path: path, Version: version})
			}
		}
	}
	c := make(checkout)
	for _, p := range m.published {
		c[p.String()] = m.goMod(p.Path, m.pick(m.goLines), m.IntN(4), false)
	}
	// What stands in the place of others: another path, and directories.
	for i := range 3 {
		path := fmt.Sprintf("e.test/fork%d", i)
		c[path+"@v1.5.0"] = m.goMod(path, m.pick(m.goLines), m.IntN(3), false)
		dir := fmt.Sprintf("dir%d", i)
		c[dir+"/go.mod"] = m.goMod("e.test/"+dir, m.pick(m.goLines), m.IntN(3), false)
	}
	for _, dir := range mains {
		goLine := m.pick([]string{"", "1.13", "1.16", "1.17", "1.20"})
		if workspace && m.IntN(2) == 0 {
			goLine = m.pick([]string{"1.21", "1.24.0"})
		}
		c[dir+"/go.mod"] = m.goMod("e.test/"+dir, goLine, 1+m.IntN(6), true) + m.excludes()
	}
	c[mains[0]+"/go.mod"] += m.replaces("../") // of several members they must agree
	if workspace {
		c["go.work"] = "go 1.26\n\nuse ./" + strings.Join(mains, "\nuse ./") + "\n" + m.replaces("./")
	}
	return c
}

func (m *maker) pick(from []string) string { return from[m.IntN(len(from))] }

// goMod requires some modules of a main module once, as the go command demands,
// but of a dependency perhaps at several versions, and itself.
func (m *maker) goMod(path, goLine string, requires int, main bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "module %s\n", path)
	if goLine != "" {
		fmt.Fprintf(&b, "\ngo %s\n", goLine)
	}
	required := map[string]bool{path: true}
	for range requires {
		if r := m.published[m.IntN(len(m.published))]; !main || !required[r.Path] {
			required[r.Path] = true
			fmt.Fprintf(&b, "\nrequire %s %s\n", r.Path, r.Version)
		}
	}
	return b.String()
}

func (m *maker) excludes() string {
	var b strings.Builder
	for range m.IntN(3) {
		x := m.published[m.IntN(len(m.published))]
		fmt.Fprintf(&b, "\nexclude %s %s\n", x.Path, x.Version)
	}
	return b.String()
}

// replaces returns replace lines, whose directories are up from there.
func (m *maker) replaces(up string) string {
	var b strings.Builder
	replaced := make(map[module.Version]bool)
	for i := range m.IntN(4) {
		old := m.published[m.IntN(len(m.published))]
		if m.IntN(2) == 0 && strings.HasPrefix(old.Path, "e.test/m") && old.Path != "e.test/main" {
			old.Version = ""
		}
		if replaced[old] {
			continue
		}
		replaced[old] = true
		to := fmt.Sprintf("e.test/fork%d v1.5.0", i)
		if m.IntN(2) == 0 {
			to = fmt.Sprintf("%sdir%d", up, i)
		}
		fmt.Fprintf(&b, "\nreplace %s => %s\n", strings.TrimSpace(old.Path+" "+old.Version), to)
	}
	return b.String()
}
