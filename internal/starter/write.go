package starter

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/modferry/modferry/docs"
)

// Where the CI systems look for their files.
const (
	workflows  = ".github/workflows"
	githubFile = workflows + "/modferry.yml"
	gitlabFile = ".gitlab-ci.yml"
)

// File is where the workflow goes, slash-separated, relative to Root.
func (c *Checkout) File() string {
	if c.CI == GitLab {
		return gitlabFile
	}
	return githubFile
}

// Text is the workflow.
func (c *Checkout) Text() string {
	if c.CI == GitLab {
		return c.gitlab()
	}
	return c.github()
}

func (c *Checkout) github() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("name: test")
	p("on: [push, pull_request]")
	p("permissions: {contents: read}")
	if len(c.Private) > 0 {
		p("env:")
		p("  GOPRIVATE: %q", strings.Join(c.Private, ","))
	}
	p("jobs:")
	p("  test:")
	p("    runs-on: ubuntu-latest")
	p("    steps:")
	p("      - uses: actions/checkout@v7")
	p("      - uses: actions/setup-go@v7")
	p("        id: go")
	p("        with: {%s, cache: false}", c.goVersion())
	c.step(&b, "      ", containerEntry)
	p("      - uses: actions/cache@v5                        # compiled packages")
	p("        with:")
	p("          path: ~/.cache/go-build")
	const key = "go-build-${{ runner.os }}-${{ runner.arch }}-${{ steps.go.outputs.go-version }}-"
	p("          key: %s${{ hashFiles('**/go.mod', '**/go.sum') }}", key)
	p("          restore-keys: %s", key)
	for _, command := range c.tests() {
		p("      - run: %s", command)
	}
	return b.String()
}

// step writes the step of an action that brings the modules.
func (c *Checkout) step(b *strings.Builder, indent, entry string) {
	fmt.Fprintf(b, "%s- %-45s # modules, verified\n", indent, "uses: "+entry)
	switch {
	case len(c.Modules) > 1 && !c.Work:
		fmt.Fprintf(b, "%s  with: {working-directory: %s}\n", indent, below(c.Dir))
	case c.Dir != ".":
		fmt.Fprintf(b, "%s  with: {working-directory: %s}\n", indent, c.Dir)
	}
}

func (c *Checkout) gitlab() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	b.WriteString(c.include(false))
	p("")
	p("test:")
	p("  image: golang:%s", c.image())
	p("  extends: .modferry")
	p("  script:")
	for _, command := range c.tests() {
		p("    - %s", command)
	}
	return b.String()
}

// include is the part of GitLab's file that brings the modules, without GOPRIVATE
// where the file sets it.
func (c *Checkout) include(private bool) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("include:")
	p("  - remote: https://raw.githubusercontent.com/modferry/modferry/v1/action/gitlab/templates/modferry.yml")
	p("    inputs:")
	p("      image: ghcr.io/modferry/modferry:1")
	if c.Dir != "." {
		p("      working-directory: %s", c.Dir)
	}
	if files := strings.Join(c.sums(), ", "); files != "go.sum" {
		p("      key-files: [%s]", files)
	}
	several := len(c.Modules) > 1 && !c.Work
	private = !private && len(c.Private) > 0
	if several || private {
		p("")
		p("variables:")
		if several {
			p("  MODFERRY_MODULES: ./...")
		}
		if private {
			p("  GOPRIVATE: %q", strings.Join(c.Private, ","))
		}
	}
	return b.String()
}

// sums are the go.sum files that name GitLab's cache, which takes two.
func (c *Checkout) sums() []string {
	var files []string
	for _, dir := range c.Modules[:min(2, len(c.Modules))] {
		files = append(files, path.Join(dir, "go.sum"))
	}
	return files
}

// goVersion is how setup-go is told which Go to install.
func (c *Checkout) goVersion() string {
	if c.Go == "" {
		return "go-version: stable"
	}
	return "go-version-file: " + c.GoFile
}

// image is the tag of the image golang: the release that the go line asks for, in
// its newest correction.
func (c *Checkout) image() string {
	parts := strings.SplitN(c.Go, ".", 3)
	if len(parts) < 2 || !plain.MatchString(c.Go) {
		return "latest"
	}
	minor, _, _ := strings.Cut(parts[1], "rc") // of 1.26rc1
	return parts[0] + "." + minor
}

// tests are the commands that test every module.
func (c *Checkout) tests() []string {
	if c.Work {
		var patterns []string
		for _, dir := range c.Modules {
			patterns = append(patterns, below(strings.TrimPrefix(dir, c.Dir+"/")))
		}
		return []string{inDir(c.Dir, "test "+strings.Join(patterns, " "))}
	}
	var commands []string
	for _, dir := range c.Modules {
		commands = append(commands, inDir(dir, "test ./..."))
	}
	return commands
}

func inDir(dir, command string) string {
	if dir == "." {
		return "go " + command
	}
	return "go -C " + dir + " " + command
}

func below(dir string) string { return "./" + path.Join(dir, "...") }

// Remarks say what was seen and what is left to do, a sentence each.
func (c *Checkout) Remarks() []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	switch {
	case c.Go == "":
		say("nothing asks for a version of Go: the job gets the newest")
	case c.Prefers != "" && c.CI == GitHub: // setup-go reads the toolchain line
		say("%s asks for Go %s and names the toolchain %s, which the job gets", c.GoFile, c.Go, c.Prefers)
	default:
		say("%s asks for Go %s, which the job gets", c.GoFile, c.Go)
	}
	switch {
	case c.Work:
		say("go.work uses %d modules, which are tested together", len(c.Modules))
	case len(c.Modules) > 1:
		say("there are %d modules and no go.work: each is tested by itself", len(c.Modules))
	}
	if len(c.Others) > 0 {
		say("modules of their own, which the workflow leaves out: %s", strings.Join(c.Others, ", "))
	}
	if len(c.Private) > 0 {
		say("%s", c.access())
	}
	others := slices.DeleteFunc(c.existing(), func(w workflow) bool { return w.file == c.File() })
	for _, w := range others {
		if !w.modferry {
			say("%s builds with Go, too: put uses: %s there as well", w.file, entry([]workflow{w}))
		}
	}
	return append(all, changes(others)...)
}

// access says what modules that look private need.
func (c *Checkout) access() string {
	guide := docs.URL + "github.md#private-modules"
	if c.CI == GitLab {
		guide = docs.URL + "gitlab.md#mirrors-and-private-modules"
	}
	return fmt.Sprintf("modules of %s look private: GOPRIVATE names them; the job still needs access, see %s", strings.Join(c.Private, ", "), guide)
}
