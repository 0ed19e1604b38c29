package doctor

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/worklist"
)

// Build is what a program was built from, as go version -m shows it. Reading
// programs themselves takes half a megabyte of this one (debug/buildinfo).
type Build struct {
	Program string // its file
	Info    *debug.BuildInfo
}

// buildHead is the beginning of what go version -m prints of a program.
var buildHead = regexp.MustCompile(`^[^\n]+: (go|devel )\S[^\n]*\n\t(path|mod|dep|build)\t`)

// IsBuilds reports whether a text that begins with head is output of
// go version -m.
func IsBuilds(head []byte) bool { return buildHead.Match(head) }

// IsProgram reports whether a file that begins with head is a program: ELF, PE or
// Mach-O.
func IsProgram(head []byte) bool {
	return slices.ContainsFunc([]string{"\x7fELF", "MZ", "\xfe\xed\xfa", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe"}, func(magic string) bool {
		return bytes.HasPrefix(head, []byte(magic))
	})
}

// ReadBuilds reads output of go version -m, of one or several programs.
func ReadBuilds(r io.Reader) ([]Build, error) {
	const most = 64 << 20 // as much as any program's, many times over
	data, err := io.ReadAll(io.LimitReader(r, most))
	if err != nil {
		return nil, err
	}
	var all []Build
	var text strings.Builder // of the last one
	end := func() error {
		if len(all) == 0 {
			return nil
		}
		b := &all[len(all)-1]
		info, err := debug.ParseBuildInfo(text.String())
		if err != nil {
			return fmt.Errorf("read what %s was built from: %w", b.Program, err)
		}
		// ParseBuildInfo leaves the version out, which stands with the program.
		info.GoVersion, b.Info = b.Info.GoVersion, info
		return nil
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\r\n")
		if rest, ok := strings.CutPrefix(line, "\t"); ok {
			text.WriteString(rest + "\n")
			continue
		}
		i := strings.LastIndex(line, ": ")
		if i < 0 {
			continue
		}
		if err := end(); err != nil {
			return nil, err
		}
		text.Reset()
		all = append(all, Build{line[:i], &debug.BuildInfo{GoVersion: line[i+2:]}})
	}
	return all, end()
}

// Compare holds what a program was built from against the checkout and the
// environment: another toolchain, other versions, other bytes, other settings
// than a build would have now. The result is one without mirrors; its outcome is
// Integrity when bytes differ from what go.sum names.
func Compare(s *session.Session, b Build) *report.Result {
	c := comparison{s: s, info: b.Info}
	c.toolchain()
	c.modules()
	c.settings()
	res := fetch.Nothing(s)
	res.Findings = c.findings
	if n := countErrors(c.findings); n > 0 {
		res.Outcome = report.Integrity
		res.Message = fmt.Sprintf("%s of %s was built from other bytes than go.sum names", report.Count(n, "module"), b.Program)
	}
	return res
}

type comparison struct {
	s        *session.Session
	info     *debug.BuildInfo
	findings []finding.Finding
}

func (c *comparison) tell(f finding.Finding) { c.findings = append(c.findings, f) }

func (c *comparison) toolchain() {
	have := c.s.Env.Get("GOVERSION")
	built, _, _ := strings.Cut(c.info.GoVersion, " ") // experiments follow
	if have != "" && built != have {
		c.tell(finding.Finding{Check: "binary-go-version", Severity: finding.Info, Setting: "GOVERSION", Found: built,
			Effect: fmt.Sprintf("The program was built with %s; the go command on this machine is %s.", built, have)})
	}
}

// modules compares the modules that the program has with the work list.
func (c *comparison) modules() {
	main := c.info.Main.Path
	mains := c.s.List.Mains
	if len(mains) == 0 {
		return
	}
	single := func(m worklist.Main) bool { return m.Work || m.Path == main }
	if !slices.ContainsFunc(mains, single) {
		c.tell(finding.Finding{Check: "binary-other-module", Severity: finding.Info, Found: main,
			Effect: "The checkout has a different main module, so versions are not compared.", Fix: "-C DIR with the program's own checkout"})
		return
	}
	known := map[module.Version]worklist.Module{}
	versions := map[string][]worklist.Module{}
	for _, m := range c.s.List.Modules {
		known[module.Version{Path: m.Path, Version: m.Version}] = m
		if m.Require.Line > 0 {
			versions[m.Path] = append(versions[m.Path], m)
		}
	}
	for _, dep := range c.info.Deps {
		used := *dep
		if dep.Replace != nil {
			used = *dep.Replace
		}
		m, ok := known[module.Version{Path: used.Path, Version: used.Version}]
		switch {
		case used.Version == "" || used.Version == "(devel)" || used.Sum == "":
			c.tell(finding.Finding{Check: "binary-module-unverified", Severity: finding.Info, Found: dep.Path,
				Effect: fmt.Sprintf("The program was built with %s, which no hash verifies (a replace line, a workspace or vendor).", place(used))})
		case !ok || m.Require.Line == 0:
			c.otherVersion(used, versions[used.Path])
		case m.Zip != "" && used.Sum != m.Zip:
			p := cmp.Or(m.ZipSum, m.Position())
			c.tell(finding.Finding{Check: "binary-module-sum", Severity: finding.Error, Found: used.Path + "@" + used.Version, File: p.File, Line: p.Line,
				Effect: fmt.Sprintf("The program was built from contents with the hash %s, but go.sum has %s.", used.Sum, m.Zip),
				Fix:    "find out where they came from (modferry verify checks the module cache) and rebuild"})
		}
	}
}

// place is where a module without a hash came from.
func place(m debug.Module) string {
	if m.Version == "" || m.Version == "(devel)" {
		return "the directory " + m.Path
	}
	return m.Path + "@" + m.Version
}

func (c *comparison) otherVersion(used debug.Module, required []worklist.Module) {
	f := finding.Finding{Check: "binary-module-version", Severity: finding.Warning, Found: used.Path + "@" + used.Version,
		Effect: "go.mod does not require the module: the program was built from a different go.mod.", Fix: "rebuild from this checkout"}
	if len(required) > 0 {
		p := required[0].Position()
		f.File, f.Line = p.File, p.Line
		f.Effect = fmt.Sprintf("go.mod requires %s: the program was built from a different go.mod.", required[0].Version)
	}
	c.tell(f)
}

// settings compares what the build was set to with what is set now. What is not
// set now follows from the machine and the Go version, and is not compared.
func (c *comparison) settings() {
	flags, _ := goenv.SplitFlags(c.s.Env.Get("GOFLAGS"))
	now := map[string]string{}
	for _, word := range flags {
		if name, value, ok := strings.Cut(word, "="); ok {
			now["-"+strings.TrimLeft(name, "-")] = value
		}
	}
	if getenv := c.s.Options.Getenv; getenv != nil {
		for _, name := range []string{"GOOS", "GOARCH", "CGO_ENABLED", "GOEXPERIMENT", "GOAMD64", "GOARM64"} {
			if v := getenv(name); v != "" {
				now[name] = v
			}
		}
	}
	built := map[string]string{}
	for _, s := range c.info.Settings {
		built[s.Key] = s.Value
	}
	for _, s := range slices.Sorted(maps.Keys(now)) {
		comparable := strings.HasPrefix(s, "GO") || s == "CGO_ENABLED" || s == "-tags" || s == "-buildmode"
		if comparable && built[s] != now[s] {
			c.tell(finding.Finding{Check: "binary-setting", Severity: finding.Info, Setting: s, Found: now[s],
				Effect: fmt.Sprintf("The program was built with %s.", cmp.Or(built[s], "none"))})
		}
	}
	if built["vcs.modified"] == "true" {
		c.tell(finding.Finding{Check: "binary-modified", Severity: finding.Info, Found: built["vcs.revision"],
			Effect: "The checkout that it was built from had uncommitted changes, so the commit does not say what is in it."})
	}
}
