package goenv

import (
	"go/version"
	"path/filepath"
	"strings"

	"github.com/modferry/modferry/internal/finding"
)

// toolchain is the part of a Go installation that matters here: the defaults
// it ships with. Distributions and images patch them.
type toolchain struct {
	root     string            // GOROOT; "" when no toolchain was found
	release  string            // "go1.26.1" as its VERSION says; "" when it says none
	defaults map[string]string // never nil
	source   string            // of the defaults
	missing  bool              // go.env is missing though this version needs it
}

// findToolchain looks for GOROOT where the go command does (cmd/go
// internal/cfg: initEnvCache, findGOROOT): the user env file first, then the
// environment, then the place of the go program itself, symbolic links
// resolved last. Without a toolchain the defaults of an unpatched one hold.
func (h Host) findToolchain(user *envFile) toolchain {
	if root, _ := user.lookup("GOROOT"); root != "" {
		return h.readToolchain(filepath.Clean(root))
	}
	if root := h.getenv("GOROOT"); root != "" {
		return h.readToolchain(filepath.Clean(root))
	}
	for _, program := range h.goPrograms() {
		// cmd/go stands in GOROOT/bin or in GOROOT/bin/GOOS_GOARCH.
		for _, up := range []string{"../..", "../../.."} {
			if tc := h.readToolchain(filepath.Join(program, up)); tc.root != "" {
				return tc
			}
		}
	}
	return toolchain{defaults: builtinDefaults(), source: sourceBuiltin}
}

func (h Host) goPrograms() []string {
	if h.LookPath == nil {
		return nil
	}
	program, err := h.LookPath("go")
	if err != nil || !filepath.IsAbs(program) {
		return nil
	}
	programs := []string{program}
	if h.EvalSymlinks != nil {
		if real, err := h.EvalSymlinks(program); err == nil && real != program {
			programs = append(programs, real)
		}
	}
	return programs
}

// readToolchain reads the defaults of the toolchain in root. go.env exists
// since Go 1.21; before, the defaults were compiled in. A directory with
// neither go.env nor VERSION is no toolchain: version managers put a script
// named go on PATH.
func (h Host) readToolchain(root string) toolchain {
	release, named := h.readVersion(root)
	if data, err := h.readFile(filepath.Join(root, "go.env")); err == nil {
		defaults := map[string]string{}
		lines, _ := parseEnvFile(data)
		for _, l := range lines {
			defaults[l.key] = l.value
		}
		return toolchain{root: root, release: release, defaults: defaults, source: sourceGoroot}
	}
	if !named {
		return toolchain{defaults: builtinDefaults(), source: sourceBuiltin}
	}
	if release != "" && version.Compare(release, "go1.21") < 0 {
		return toolchain{root: root, release: release, defaults: builtinDefaults(), source: sourceBuiltin}
	}
	return toolchain{root: root, release: release, defaults: map[string]string{}, source: sourceBuiltin, missing: true}
}

// readVersion reads the VERSION file of GOROOT; found tells whether there is
// one. Toolchains built from a checkout have none, or one that names no release.
func (h Host) readVersion(root string) (release string, found bool) {
	data, err := h.readFile(filepath.Join(root, "VERSION"))
	if err != nil {
		return "", false
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	release, _, _ = strings.Cut(strings.TrimSpace(first), " ")
	if !version.IsValid(release) {
		return "", true
	}
	return release, true
}

func builtinDefaults() map[string]string {
	return map[string]string{
		"GOPROXY":     DefaultProxy,
		"GOSUMDB":     DefaultSumDB,
		"GOTOOLCHAIN": "auto",
	}
}

func (tc toolchain) missingFinding() finding.Finding {
	return finding.Finding{
		Check: "goroot-go-env-missing", Severity: finding.Warning, Setting: "GOROOT",
		Found: tc.root, Source: sourceBuiltin,
		Effect: "GOPROXY and GOSUMDB have no default without GOROOT's go.env, so every download fails unless they are set elsewhere.",
		Fix:    "restore go.env in GOROOT, or set GOPROXY=" + DefaultProxy + " and GOSUMDB=" + DefaultSumDB,
	}
}
