package session

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
)

// Toolchains are those that the go command would download for the checkout, and
// what there is to say about the ones that it asks for.
func (s *Session) Toolchains() (names []string, findings []finding.Finding) {
	return s.toolchains(s.Env)
}

// AskedToolchains are those that go.mod asks for. Where it is not known which Go there
// is, as in a container beside it, that is the first one that switches toolchains.
func (s *Session) AskedToolchains() []string {
	env := s.Env
	if env.Get("GOVERSION") == "" {
		env = maps.Clone(env)
		env["GOVERSION"] = goenv.Var{Value: "go1.21.0", Source: "assumed"}
	}
	names, _ := s.toolchains(env)
	return names
}

func (s *Session) toolchains(env goenv.Env) (names []string, findings []finding.Finding) {
	for _, m := range s.List.Mains {
		file := "go.mod"
		if m.Work {
			file = "go.work"
		}
		name, f := goenv.Toolchain(env, goenv.Asked{File: path.Join(m.Dir, file), Go: m.Go, Toolchain: m.Toolchain})
		if f != nil && !slices.ContainsFunc(findings, func(g finding.Finding) bool { return g.Effect == f.Effect }) {
			findings = append(findings, *f)
		}
		fromPath := strings.HasSuffix(env.Get("GOTOOLCHAIN"), "path")
		if name != "" && !fromPath && !slices.Contains(names, name) && len(s.Programs(name)) == 0 {
			names = append(names, name)
		}
	}
	return names, findings
}

// Programs are the different files that a name stands for on PATH.
func (s *Session) Programs(name string) []string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	var found []string
	for _, dir := range filepath.SplitList(s.getenv("PATH")) {
		real, err := filepath.EvalSymlinks(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		if info, err := os.Stat(real); err == nil && info.Mode().IsRegular() && !slices.Contains(found, real) {
			found = append(found, real)
		}
	}
	return found
}
