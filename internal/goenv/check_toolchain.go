package goenv

import (
	"fmt"
	"go/version"
	"strings"

	"github.com/modferry/modferry/internal/finding"
)

// Asked is the Go version that a go.mod or go.work asks for.
type Asked struct {
	File      string // slash-separated, relative to the checkout
	Go        string // the go line, e.g. "1.23"; "" when absent
	Toolchain string // the toolchain line, e.g. "go1.23.4"; "" when absent
}

// Toolchain is the toolchain that the go command switches to for a main module,
// e.g. "go1.27.0"; "" when it stays what it is, or when the version of the
// toolchain on this machine is not known (cmd/go toolchain: Select). The finding
// says what that takes; nil means nothing to say.
func Toolchain(e Env, a Asked) (string, *finding.Finding) {
	setting := e.Get("GOTOOLCHAIN")
	least, mode, _ := strings.Cut(setting, "+")
	switch {
	case setting == "" || !validToolchain(setting):
		return "", nil // local, or refused anyway
	case setting == "auto" || setting == "path":
		least, mode = "local", setting
	}
	local := e.Get("GOVERSION")
	name := local
	if least != "local" {
		name = least
	}
	if local == "" {
		return "", nil
	}
	have := cutSuffix(name)
	asked := "go" + a.Go
	if mode == "" {
		if a.Go == "" || version.Compare(asked, have) <= 0 {
			return switched(name, local), nil
		}
		said := finding.ToolchainRefused(a.Go, strings.TrimPrefix(have, "go"), setting)
		return "", &finding.Finding{
			Check: "toolchain-refused", Severity: finding.Error, Setting: "GOTOOLCHAIN", Found: setting, Source: e.Source("GOTOOLCHAIN"), File: a.File,
			Effect: said.Effect, Fix: said.Fix,
		}
	}
	if a.Toolchain != "default" {
		if t := cutSuffix(a.Toolchain); version.IsValid(t) && version.Compare(t, have) > 0 {
			name, have = a.Toolchain, t
		}
		if a.Go != "" && version.Compare(asked, have) > 0 {
			name = asked
			if version.Lang(asked) == asked && version.Compare(asked, "go1.21") >= 0 {
				name += ".0" // the first release of the language version
			}
		}
	}
	name = switched(name, local)
	if name == "" {
		return "", nil
	}
	f := &finding.Finding{
		Check: "toolchain-download", Severity: finding.Info, Setting: "GOTOOLCHAIN", Found: setting, Source: e.Source("GOTOOLCHAIN"), File: a.File,
		Effect: fmt.Sprintf("The go command on this machine is %s; it runs %s instead, and downloads that as the module golang.org/toolchain through GOPROXY unless a program of that name is on PATH.", local, name),
		Fix:    fmt.Sprintf("install %s on this machine, so that no job has to download it", name),
	}
	if mode == "path" {
		f.Effect = fmt.Sprintf("The go command on this machine is %s; it runs the program %s from PATH instead, and fails if there is none.", local, name)
	}
	return name, f
}

// switched is the name when it is another toolchain than the local one, else "".
func switched(name, local string) string {
	if name == local || name == "local" {
		return ""
	}
	return name
}
