//go:build linux

package runner

import (
	"path/filepath"
	"strings"
)

// layout is a kind of runner, by what a container action and the steps after it
// see of the machine.
type layout struct {
	name       string
	old        bool // before 2.331: the temporary directory is not mounted
	container  bool // the job has "container:", in which the later steps run
	act        bool // not a runner but act, or one that is made from it
	gitea      bool // which is Gitea's: it shares no tool cache
	selfHosted bool
	kubernetes bool // Actions Runner Controller in Kubernetes mode
}

// paths are the directories of one job on the host. The runner's user owns them.
type paths struct {
	work      string // <work>: of all jobs of this runner
	workspace string // <work>/app/app
	temp      string // <work>/_temp
	tools     string // the tool cache
	files     string // command files
	home      string // of the runner's user
}

// repo is the repository of all jobs.
const repo = "octo/app"

func pathsOf(l layout, dir string) paths {
	work := filepath.Join(dir, "work")
	p := paths{
		work: work, workspace: filepath.Join(work, "app", "app"), temp: filepath.Join(work, "_temp"),
		tools: filepath.Join(dir, "tools"), home: filepath.Join(dir, "home"), files: filepath.Join(work, "_temp", "_runner_file_commands"),
	}
	if l.act {
		p.files = filepath.Join(dir, "act", "workflow")
	}
	return p
}

// of the action's container: what is mounted, in the order in which paths are
// translated.
func (p paths) ofAction(l layout) []mount {
	if l.act {
		return p.ofJob(l)
	}
	m := []mount{
		{p.workspace, "/github/workspace"},
		{p.files, "/github/file_commands"},
		{filepath.Join(p.temp, "_github_workflow"), "/github/workflow"},
		{filepath.Join(p.temp, "_github_home"), "/github/home"},
	}
	if !l.old {
		m = append(m, mount{p.temp, "/github/runner_temp"})
	}
	return m
}

// ofJob is the same of the job's own container; nil when its steps run on the
// host.
func (p paths) ofJob(l layout) []mount {
	switch {
	case l.act:
		// The workspace has the host's name, everything else comes from volumes.
		m := []mount{{p.workspace, p.workspace}, {filepath.Dir(p.files), "/var/run/act"}}
		if !l.gitea {
			m = append(m, mount{p.tools, "/opt/hostedtoolcache"})
		}
		return m
	case l.container:
		return []mount{
			{filepath.Join(p.temp, "_github_workflow"), "/github/workflow"},
			{filepath.Join(p.temp, "_github_home"), "/github/home"},
			{p.tools, "/__t"},
			{p.temp, "/__w/_temp"},
			{p.work, "/__w"},
		}
	}
	return nil
}

// translate is what the runner makes of the value of a variable: a host's path
// at its beginning becomes the container's.
func translate(value string, mounts []mount) string {
	for _, m := range mounts {
		if rest, ok := strings.CutPrefix(value, m.Host); ok && (rest == "" || rest[0] == '/') {
			return m.Inside + rest
		}
	}
	return value
}

// onHost is the other way round.
func onHost(name string, mounts []mount) string {
	for _, m := range mounts {
		if rest, ok := strings.CutPrefix(name, m.Inside); ok && (rest == "" || rest[0] == '/') {
			return m.Host + rest
		}
	}
	return name
}
