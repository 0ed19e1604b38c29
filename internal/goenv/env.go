package goenv

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/settings"
)

// DefaultProxy is the GOPROXY of an unpatched toolchain (GOROOT/go.env).
const DefaultProxy = "https://proxy.golang.org,direct"

// The sources of values, as in Var.
const (
	sourceEnvironment = "environment"
	sourceGoroot      = "go.env of GOROOT"
	sourceBuiltin     = "built-in"
)

// Var is the value of a variable and where it comes from: "environment",
// "user env file PATH", "go.env of GOROOT", "built-in", for a value derived
// from another variable "GOPRIVATE (environment)" and the like, or what the
// override says.
type Var struct{ Value, Source string }

// Env is the resolved module settings of the go command, and GOROOT and
// GOVERSION of the toolchain found, which are empty without one. Values hold
// credentials.
type Env map[string]Var

// Get returns the value of name, "" when it is empty or not resolved here.
func (e Env) Get(name string) string { return e[name].Value }

// Source returns where the value of name comes from.
func (e Env) Source(name string) string { return e[name].Source }

// Said reports whether somebody gave a value for name: it is neither built in
// nor a default of the toolchain.
func (e Env) Said(name string) bool {
	v := e[name]
	return v.Value != "" && v.Source != sourceBuiltin && v.Source != sourceGoroot
}

// names are the variables that Load resolves.
var names = []string{
	"GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE",
	"GOMODCACHE", "GOPATH", "GOFLAGS", "GOWORK", "GOTOOLCHAIN", "GO111MODULE", "GOAUTH", "GOENV",
}

// Host is what Load may see of the machine. Getenv and ReadFile are as in
// package os, LookPath as in os/exec, EvalSymlinks as in path/filepath; a nil
// one sees nothing. GOOS says which directories hold the user's files.
type Host struct {
	Getenv       func(string) string
	ReadFile     func(string) ([]byte, error)
	LookPath     func(string) (string, error) // nil: no search for a toolchain
	EvalSymlinks func(string) (string, error)
	GOOS         string
}

func (h Host) getenv(name string) string {
	if h.Getenv == nil {
		return ""
	}
	return h.Getenv(name)
}

func (h Host) readFile(name string) ([]byte, error) {
	if h.ReadFile == nil {
		return nil, fs.ErrNotExist
	}
	return h.ReadFile(name)
}

// Load resolves the module settings as the go command does (cmd/go
// internal/cfg: Getenv, initEnvCache): an override (which patterns of private
// modules are added to), a non-empty variable of the environment, a line of the user env file (an empty one too), the
// toolchain's go.env, the built-in value. The go command is not run. Overrides
// with an empty value count as absent.
//
// The findings are about the files and variables read; what the values mean is
// the matter of Check. An error is a *SyntaxError about the module cache or
// GOPATH, without which the go command does nothing at all; Env and findings
// are valid even then.
func Load(h Host, overrides map[string]Var) (Env, []finding.Finding, error) {
	user := h.userEnvFile()
	tc := h.findToolchain(user)
	findings := append(user.findings(h.getenv), h.strayVariables()...)
	if tc.missing {
		findings = append(findings, tc.missingFinding())
	}

	env := Env{}
	for _, name := range names {
		env[name] = h.resolve(name, overrides, user, tc)
	}
	env["GOENV"] = Var{user.path, user.origin}
	env["GOROOT"], env["GOVERSION"] = Var{tc.root, sourceBuiltin}, Var{tc.release, "VERSION of GOROOT"}
	env.derive("GONOPROXY", "GOPRIVATE", env.Get("GOPRIVATE"))
	env.derive("GONOSUMDB", "GOPRIVATE", env.Get("GOPRIVATE"))
	if env.Get("GOAUTH") == "" {
		env["GOAUTH"] = Var{"netrc", sourceBuiltin}
	}
	if env.Get("GOPATH") == "" {
		env["GOPATH"] = Var{h.defaultGopath(tc.root), sourceBuiltin}
	}
	env.derive("GOMODCACHE", "GOPATH", gopathDir(env.Get("GOPATH")))
	return env, findings, env.checkDirectories()
}

func (h Host) resolve(name string, overrides map[string]Var, user *envFile, tc toolchain) Var {
	over := overrides[name]
	own := h.own(name, user, tc)
	switch {
	case over.Value == "":
		return own
	case own.Value == "" || !slices.Contains(patternVariables, name):
		return over
	}
	// Patterns add up: an override that took some away would tell names to
	// strangers that somebody else keeps private.
	return Var{settings.JoinPatterns(over.Value, own.Value), over.Source + " and " + own.Source}
}

func (h Host) own(name string, user *envFile, tc toolchain) Var {
	if value := h.getenv(name); value != "" {
		return Var{value, sourceEnvironment}
	}
	if value, found := user.lookup(name); found {
		return Var{value, user.source()}
	}
	if value, found := tc.defaults[name]; found {
		return Var{value, tc.source}
	}
	return Var{"", sourceBuiltin}
}

func (e Env) derive(name, from, value string) {
	if e.Get(name) == "" && value != "" {
		e[name] = Var{value, from + " (" + e.Source(from) + ")"}
	}
}

// gopathDir is cmd/go internal/cfg: gopathDir.
func gopathDir(gopath string) string {
	list := filepath.SplitList(gopath)
	if len(list) == 0 || list[0] == "" {
		return ""
	}
	return filepath.Join(list[0], "pkg/mod")
}

// defaultGopath is go/build: defaultGOPATH; it is never GOROOT.
func (h Host) defaultGopath(goroot string) string {
	home := h.getenv(h.homeVariable())
	if home == "" {
		return ""
	}
	dir := filepath.Join(home, "go")
	if goroot != "" && dir == filepath.Clean(goroot) {
		return ""
	}
	return dir
}

func (h Host) homeVariable() string {
	switch h.GOOS {
	case "windows":
		return "USERPROFILE"
	case "plan9":
		return "home"
	default:
		return "HOME"
	}
}

// userConfigDir is os.UserConfigDir; "" when it cannot be told.
func (h Host) userConfigDir() string {
	below := ".config"
	switch h.GOOS {
	case "windows":
		return h.getenv("AppData")
	case "darwin", "ios":
		below = "Library/Application Support"
	case "plan9":
		below = "lib"
	default:
		if dir := h.getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
			return dir
		} else if dir != "" {
			return ""
		}
	}
	home := h.getenv(h.homeVariable())
	if home == "" {
		return ""
	}
	return filepath.Join(home, below)
}

// checkDirectories refuses what the go command refuses for every command
// (cmd/go main.go; modfetch/cache.go: checkCacheDir).
func (e Env) checkDirectories() error {
	bad := func(check, name, problem, fix string) error {
		return newSyntaxError(check, name, e.Get(name), problem+" (value from "+e.Source(name)+")", fix)
	}
	if e.Source("GOPATH") != sourceBuiltin {
		for _, dir := range filepath.SplitList(e.Get("GOPATH")) {
			switch {
			case dir == "":
			case strings.HasPrefix(dir, "~"):
				return bad("gopath-relative", "GOPATH", `an entry starts with ~, which is not expanded, so every go command fails with "GOPATH entry cannot start with shell metacharacter"`, "the absolute path")
			case !filepath.IsAbs(dir):
				return bad("gopath-relative", "GOPATH", `an entry is relative, so every go command fails with "GOPATH entry is relative"`, "the absolute path")
			}
		}
	}
	switch dir := e.Get("GOMODCACHE"); {
	case dir == "":
		return bad("gomodcache-missing", "GOMODCACHE", `neither GOMODCACHE nor GOPATH nor a home directory is known, so the go command fails with "module cache not found"`, "set GOMODCACHE to an absolute path")
	case !filepath.IsAbs(dir):
		return bad("gomodcache-relative", "GOMODCACHE", `the path is relative, so the go command fails with "GOMODCACHE entry is relative"`, "the absolute path")
	}
	return nil
}

func (h Host) strayVariables() []finding.Finding {
	var all []finding.Finding
	for _, stray := range []struct{ name, meant string }{
		{"GONOSUMCHECK", "GONOSUMDB"}, // of a pre-release of Go 1.13
		{"GO_PROXY", "GOPROXY"},
		{"GO_SUMDB", "GOSUMDB"},
		{"GO_PRIVATE", "GOPRIVATE"},
		{"GOPROXIES", "GOPROXY"},
		{"GOPRIVATES", "GOPRIVATE"},
		{"GONOPRIVATE", "GONOPROXY"},
	} {
		value := h.getenv(stray.name)
		if value == "" {
			continue
		}
		all = append(all, finding.Finding{
			Check: "unknown-variable", Severity: finding.Warning, Setting: stray.name,
			Found: settings.Redact(stray.name + "=" + value), Source: sourceEnvironment,
			Effect: "The go command has no such variable and ignores it.",
			Fix:    stray.meant,
		})
	}
	return all
}
