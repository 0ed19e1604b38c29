package action

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// mount is a directory of the job under its two names.
type mount struct{ here, host string }

// host is where the step runs: what it sees of the job's directories, and what
// later steps call them.
type host struct {
	mounts    []mount
	workspace string // here
	temp      string // a directory that later steps see, too; here
	container bool   // a container action, which sees nothing but its mounts
}

// mountsOfContainers is where the runner mounts the job's directories in a
// container action (ContainerActionHandler in actions/runner).
const mountsOfContainers = "/github/"

// errKubernetes is what an action can't do where its files are copied into a
// pod and not back.
const errKubernetes = "the Kubernetes mode of Actions Runner Controller gives a container action copies of the job's directories, so later steps would not see " +
	"the modules; run modferry's binary in a run: step there (go run github.com/modferry/modferry/cmd/modferry@latest fetch), or use the dind mode"

// findHost finds out where the step runs. isDir tells directories.
func findHost(getenv func(string) string, hostTemp string, isDir func(string) bool) (*host, error) {
	hostTemp = strings.TrimPrefix(hostTemp, "host=")
	h := &host{workspace: getenv("GITHUB_WORKSPACE")}
	if h.workspace == "" {
		return nil, fmt.Errorf("GITHUB_WORKSPACE is not set: this command is the action's own; modferry fetch works everywhere")
	}
	h.container = strings.HasPrefix(h.workspace, mountsOfContainers)
	if h.container && getenv("KUBERNETES_SERVICE_HOST") != "" {
		return nil, fmt.Errorf("%s", errKubernetes)
	}
	temp, tools := getenv("RUNNER_TEMP"), getenv("RUNNER_TOOL_CACHE")
	switch {
	case getenv("ACT") == "true" && tools != "" && isDir(tools):
		// act shares RUNNER_TEMP with nobody, the tool cache with everybody.
		h.temp = filepath.Join(tools, "modferry")
		return h, nil
	case !h.container:
		if temp == "" {
			return nil, fmt.Errorf("RUNNER_TEMP is not set, expected the job's temporary directory")
		}
		h.temp = filepath.Join(temp, "modferry")
		return h, nil
	}
	work := path.Dir(getenv("RUNNER_WORKSPACE"))
	if !path.IsAbs(hostTemp) || strings.HasPrefix(hostTemp, "/__w/") {
		if !path.IsAbs(work) {
			return nil, fmt.Errorf("input host-temp: found %q and RUNNER_WORKSPACE %q, expected one of them to tell the host's temporary directory; leave the input out",
				hostTemp, getenv("RUNNER_WORKSPACE"))
		}
		hostTemp = path.Join(work, "_temp")
	}
	if _, repo, ok := strings.Cut(getenv("GITHUB_REPOSITORY"), "/"); ok && path.IsAbs(work) {
		h.mounts = append(h.mounts, mount{h.workspace, path.Join(getenv("RUNNER_WORKSPACE"), repo)})
	}
	switch home := getenv("HOME"); {
	case strings.HasPrefix(temp, mountsOfContainers) && isDir(temp):
		h.mounts = append(h.mounts, mount{temp, hostTemp})
		h.temp = path.Join(temp, "modferry")
	case strings.HasPrefix(home, mountsOfContainers) && isDir(home):
		// Runners before 2.331 mount no temporary directory, but a home in it.
		h.mounts = append(h.mounts, mount{home, path.Join(hostTemp, "_github_home")})
		h.temp = path.Join(home, "modferry")
	default:
		return nil, fmt.Errorf("found neither RUNNER_TEMP (%q) nor HOME (%q) mounted, expected a directory below %s that later steps see", temp, home, mountsOfContainers)
	}
	return h, nil
}

// outside is what later steps call a path; the runner translates it for them
// once more. The path itself where nothing is mounted.
func (h *host) outside(name string) string {
	for _, m := range h.mounts {
		if rest, ok := below(name, m.here); ok {
			return m.host + rest
		}
	}
	return name
}

// sees reports whether later steps see a path.
func (h *host) sees(name string) bool {
	if !h.container {
		return true
	}
	for _, m := range h.mounts {
		if _, ok := below(name, m.here); ok {
			return true
		}
	}
	return false
}

// below returns what follows dir in name, "" for dir itself.
func below(name, dir string) (string, bool) {
	rest, ok := strings.CutPrefix(name, dir)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// modcache chooses the module cache: the one asked for, the job's own where the
// action sees it, else one among the job's temporary files. The remark says what
// was not followed.
func (h *host) modcache(input, variable string) (dir, remark string, err error) {
	switch {
	case input != "":
		if !filepath.IsAbs(input) {
			input = filepath.Join(h.workspace, input)
		}
		if !h.sees(input) {
			return "", "", fmt.Errorf("input modcache: found %s, which a container action does not see; write a path below ${{ runner.temp }} or leave it out", input)
		}
		return input, "", nil
	case variable != "" && h.sees(variable) && filepath.IsAbs(variable):
		return variable, "", nil
	case variable != "":
		remark = fmt.Sprintf("GOMODCACHE is %s, which a container action does not see; later steps get another one", variable)
	}
	return filepath.Join(h.temp, "mod"), remark, nil
}

// isDirectory reports whether name is a directory of this machine.
func isDirectory(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
