package goenv

import (
	"fmt"
	"go/version"
	"path/filepath"
	"strings"

	"github.com/modferry/modferry/internal/finding"
)

func (c *checker) modes() {
	switch value := c.env.Get("GO111MODULE"); value {
	case "", "on", "auto":
	case "off":
		c.add("go111module-off", finding.Warning, "GO111MODULE", value,
			"The go command works in GOPATH mode: it reads no go.mod and no go.sum and downloads no modules.", "an empty value")
	default:
		c.add("go111module-invalid", finding.Error, "GO111MODULE", value,
			`Every go command that works with modules fails with "unknown environment setting GO111MODULE".`, "an empty value")
	}

	switch value := c.env.Get("GOWORK"); {
	case value == "", value == "auto", value == keywordOff, filepath.IsAbs(value):
	default:
		c.add("gowork-relative", finding.Error, "GOWORK", value,
			`The go command fails with "invalid GOWORK: not an absolute path".`, "the absolute path, off, or an empty value")
	}

	if value := c.env.Get("GOTOOLCHAIN"); !validToolchain(value) {
		c.add("gotoolchain-invalid", finding.Error, "GOTOOLCHAIN", value,
			`Every go command fails with "invalid GOTOOLCHAIN".`, "local, auto, path, goX.Y.Z, goX.Y.Z+auto or goX.Y.Z+path")
	}
}

// validToolchain is the test of cmd/go toolchain: Select. The empty value
// stands for local.
func validToolchain(value string) bool {
	name, suffix, plus := strings.Cut(value, "+")
	if plus && suffix != "auto" && suffix != "path" {
		return false
	}
	switch name {
	case "", "auto", "path":
		return !plus
	case "local":
		return true
	}
	return !strings.ContainsAny(name, `\/`) && version.IsValid(cutSuffix(name))
}

// cutSuffix takes off what custom builds add to their version (cmd/go gover:
// FromToolchain).
func cutSuffix(name string) string {
	if i := strings.IndexAny(name, " \t-"); i >= 0 {
		return name[:i]
	}
	return name
}

// auth checks GOAUTH (cmd/go auth: runGoAuth).
func (c *checker) auth() {
	value := c.env.Get("GOAUTH")
	if value == keywordOff || value == "" {
		return
	}
	commands := strings.Split(value, ";")
	shown := joinCommands(commands, func([]string) bool { return true })
	for _, command := range commands {
		words := strings.Fields(command)
		invalid := func(why, instead string) {
			c.add("goauth-invalid", finding.Error, "GOAUTH", shown,
				fmt.Sprintf("%s, so the go command fails at the first https request.", why), instead)
		}
		switch {
		case len(words) == 0:
			invalid("A command is empty", joinCommands(commands, func(w []string) bool { return len(w) > 0 }))
		case words[0] == keywordOff:
			invalid("The word off is combined with other commands", joinCommands(commands, func(w []string) bool { return len(w) > 0 && w[0] != keywordOff }))
		case words[0] == "netrc":
		case words[0] == "git":
			if len(words) != 2 || !filepath.IsAbs(words[1]) {
				invalid("The word git needs the absolute path of a directory", "git /absolute/path")
			}
		default:
			c.add("goauth-command", finding.Info, "GOAUTH", words[0],
				"The go command runs this program for credentials; modferry does not, and takes them from netrc or the URL.",
				"netrc, if modferry should use the credentials, too")
		}
	}
}

// joinCommands is GOAUTH with only the commands that keep accepts. The arguments
// of a program are left out: a token may be among them.
func joinCommands(commands []string, keep func(words []string) bool) string {
	var kept []string
	for _, command := range commands {
		words := strings.Fields(command)
		if !keep(words) {
			continue
		}
		if len(words) > 1 && words[0] != "git" {
			words = []string{words[0], "…"}
		}
		kept = append(kept, strings.Join(words, " "))
	}
	return strings.Join(kept, ";")
}
