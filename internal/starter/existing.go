package starter

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// workflow is a file of a CI system whose jobs build or test with Go. It is read
// as text, line by line: whatever YAML a stranger's checkout holds, nothing of it
// is expanded.
type workflow struct {
	file     string // slash-separated, relative to Root
	modferry bool   // a job uses modferry
	other    bool   // a job that builds runs on Windows or macOS
	misfit   bool   // such a job uses the container action, which fails there
	setupGo  bool   // a job installs Go with a cache of the modules
	download bool   // a job runs go mod download
	modcache bool   // a job caches the module cache
	private  bool   // GOPRIVATE is set
}

var (
	// aside is what a job does not run: comments, and names of steps.
	aside = regexp.MustCompile(`(?m)(^|[ \t])#.*$|^[ \t]*(- )?name:.*$`)
	// building is a step or an image that says that a job builds with Go; so does one
	// that installs it.
	building = regexp.MustCompile(`\bgo[ \t]+(-C[ \t]+\S+[ \t]+)?(test|build|vet)\b|\bgotestsum\b|image:[ '"]*\S*\bgolang\b`)

	container = regexp.MustCompile(`uses:[ '"]*\S*\bmodferry@`)
	native    = regexp.MustCompile(`uses:[ '"]*\S*\bmodferry/action/native@`)
	command   = regexp.MustCompile(`\bmodferry(@\S+)? (fetch|exec)\b|[ \[,]\.modferry\b`)

	installs  = regexp.MustCompile(`uses:[ '"]*\S*actions/setup-go@`)
	cacheOff  = regexp.MustCompile(`\bcache:[ '"]*false\b`)
	downloads = regexp.MustCompile(`\bgo[ \t]+(-C[ \t]+\S+[ \t]+)?mod[ \t]+download\b`)
	modcache  = regexp.MustCompile(`go[/\\]pkg[/\\]mod\b`)

	section = regexp.MustCompile(`(?m)^jobs:[ \t]*\n`)
	runner  = regexp.MustCompile(`\bruns-on:.*(\n[ \t]*(-|group:|labels:).*)*`)
	system  = regexp.MustCompile(`(?i)\b(windows|macos)`)
)

// existing finds the workflows of the CI system that build with Go.
func (c *Checkout) existing() []workflow {
	if c.CI == GitLab {
		if w, ok := c.readWorkflow(gitlabFile, func(text string) []string { return []string{text} }); ok {
			return []workflow{w}
		}
		return nil
	}
	entries, err := os.ReadDir(filepath.Join(c.Root, filepath.FromSlash(workflows)))
	if err != nil {
		return nil
	}
	var found []workflow
	for _, e := range entries {
		if ext := path.Ext(e.Name()); ext != ".yml" && ext != ".yaml" {
			continue
		}
		if w, ok := c.readWorkflow(workflows+"/"+e.Name(), jobs); ok {
			found = append(found, w)
		}
	}
	return found
}

// readWorkflow reads one file; ok is false when no job of it builds with Go.
func (c *Checkout) readWorkflow(file string, jobs func(text string) []string) (w workflow, ok bool) {
	text := strings.ReplaceAll(string(c.read(file)), "\r\n", "\n")
	text = aside.ReplaceAllString(text, "")
	w.file = file
	if !plain.MatchString(strings.TrimPrefix(file, ".")) {
		w.file = strconv.Quote(file)
	}
	w.private = strings.Contains(text, "GOPRIVATE")
	for _, job := range jobs(text) {
		inContainer, inNative := container.MatchString(job), native.MatchString(job)
		ours := inContainer || inNative || command.MatchString(job)
		goes := installs.MatchString(job)
		if !ours && !goes && !building.MatchString(job) {
			continue
		}
		ok = true
		other := elsewhere(job)
		w.modferry = w.modferry || ours
		w.other = w.other || other
		w.misfit = w.misfit || other && inContainer && !inNative
		w.setupGo = w.setupGo || goes && !cacheOff.MatchString(job)
		w.download = w.download || downloads.MatchString(job)
		w.modcache = w.modcache || modcache.MatchString(job)
	}
	return w, ok
}

// jobs are the jobs of a workflow for GitHub, the whole of it where they cannot be
// told apart.
func jobs(text string) []string {
	at := section.FindStringIndex(text)
	if at == nil {
		return []string{text}
	}
	var all []string
	deep := -1
	for line := range strings.Lines(text[at[1]:]) {
		body := strings.TrimLeft(line, " ")
		depth := len(line) - len(body)
		switch {
		case strings.TrimSpace(body) == "":
			continue
		case depth == 0:
			return all
		case deep < 0:
			deep = depth
		}
		if depth <= deep {
			all = append(all, "")
		}
		all[len(all)-1] += line
	}
	return all
}

// elsewhere reports whether a job runs on Windows or macOS, perhaps as one of a
// matrix.
func elsewhere(job string) bool {
	for _, label := range runner.FindAllString(job, -1) {
		if system.MatchString(label) || strings.Contains(label, "${{") && system.MatchString(job) {
			return true
		}
	}
	return false
}
