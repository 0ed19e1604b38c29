package github

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/modferry/modferry/action/owndir"
	"github.com/modferry/modferry/internal/diskfile"
)

// mount is a directory that the step shares with the job's other steps, under
// its names.
type mount struct {
	here string // as this step sees it
	host string // as steps on the host see it, and as it is exported
	job  string // as steps in the job's container see it, "" for the same as here
}

// host is where the step runs: which directories it shares with the job's other
// steps, and under which names they see them.
type host struct {
	mounts    []mount
	workspace string // here
	temp      string // a directory that later steps see, too; here
	container bool   // a container action, which shares nothing but its mounts
	shared    string // the mounts as readers know them, for messages
	noPost    bool   // no post stage is started
	stateless bool   // no state is handed to the post stage
}

const (
	// mountsOfContainers is where the runner mounts the job's directories in a
	// container action (ContainerActionHandler in actions/runner).
	mountsOfContainers = "/github/"
	// workOfJobs is where it mounts the work directory in the job's container
	// (ContainerOperationProvider).
	workOfJobs = "/__w"
	// volumeOfAct is the volume through which act, and the runners of Gitea and
	// Forgejo, which derive from it, exchange files with all containers of a job.
	volumeOfAct = "/var/run/act"
)

// inRunStep is the fix where a container action cannot serve the other steps.
const inRunStep = "run modferry's binary in a run: step there (go run github.com/modferry/modferry/cmd/modferry@latest fetch)"

// errKubernetes is for runners that copy the job's files into a pod and not back.
var errKubernetes = errors.New("the Kubernetes mode of Actions Runner Controller gives a container action copies of the job's directories, so later steps would not see " +
	"the modules; " + inRunStep + ", or use the dind mode")

// findHost finds out where the step runs. isDir reports whether a path is a
// directory, isMount whether it is one that is not this container's own.
func findHost(getenv func(string) string, hostTemp string, isDir, isMount func(string) bool) (*host, error) {
	h := &host{workspace: getenv("GITHUB_WORKSPACE")}
	if h.workspace == "" {
		return nil, fmt.Errorf("GITHUB_WORKSPACE is not set: this command is for the GitHub Action; use modferry fetch elsewhere")
	}
	h.container = strings.HasPrefix(h.workspace, mountsOfContainers)
	if h.container && getenv("KUBERNETES_SERVICE_HOST") != "" {
		return nil, errKubernetes
	}
	for _, variable := range []string{"ACT", "GITEA_ACTIONS", "FORGEJO_ACTIONS"} {
		if getenv(variable) == "true" {
			return h, h.underAct(getenv, isDir, isMount)
		}
	}
	if !h.container {
		temp := getenv("RUNNER_TEMP")
		if temp == "" {
			return nil, fmt.Errorf("RUNNER_TEMP is not set, expected the job's temporary directory")
		}
		h.temp = filepath.Join(temp, "modferry")
		return h, nil
	}
	return h, h.underRunner(getenv, strings.TrimPrefix(hostTemp, "host="), isDir)
}

// underAct finds what act and the runners derived from it share: the workspace and
// a volume of the job. act also has a tool cache for all jobs, the others only if
// their owner configured one. RUNNER_TEMP is private to each container.
func (h *host) underAct(getenv func(string) string, isDir, isMount func(string) bool) error {
	h.container, h.stateless, h.shared = true, true, "the workspace"
	h.noPost = getenv("FORGEJO_ACTIONS") == "true"
	if !isDir(h.workspace) {
		return fmt.Errorf("GITHUB_WORKSPACE: found %s, which does not exist in this container, so the runner runs the other steps elsewhere and they would not see the modules; %s",
			h.workspace, inRunStep)
	}
	h.mounts = []mount{{here: h.workspace, host: h.workspace}}
	share := func(dir string) {
		h.mounts, h.temp = append(h.mounts, mount{here: dir, host: dir}), path.Join(dir, "modferry")
		h.shared += " and " + dir
	}
	// The runner exchanges its files there, so all containers share it.
	_, exchanges := below(getenv("GITHUB_ENV"), volumeOfAct)
	switch tools := getenv("RUNNER_TOOL_CACHE"); {
	case path.IsAbs(tools) && isMount(tools):
		share(path.Clean(tools))
	case exchanges && isMount(volumeOfAct):
		share(volumeOfAct)
	default:
		h.temp = path.Join(h.workspace, owndir.Name)
	}
	return nil
}

// underRunner finds what GitHub's runner mounts in a container action.
func (h *host) underRunner(getenv func(string) string, hostTemp string, isDir func(string) bool) error {
	// In a job with a container, either of the two may use that container's names,
	// depending on the runner.
	ofRepository := getenv("RUNNER_WORKSPACE")
	work := path.Dir(ofRepository)
	if path.IsAbs(hostTemp) && !isOfJob(hostTemp) {
		if isOfJob(ofRepository) {
			work = path.Dir(hostTemp)
			ofRepository = path.Join(work, path.Base(ofRepository))
		}
	} else {
		if !path.IsAbs(work) {
			return fmt.Errorf("input host-temp: found %q and RUNNER_WORKSPACE %q, expected one of them to name the host's temporary directory; do not set the input",
				hostTemp, ofRepository)
		}
		hostTemp = path.Join(work, "_temp")
	}
	if _, repo, ok := strings.Cut(getenv("GITHUB_REPOSITORY"), "/"); ok && path.IsAbs(ofRepository) {
		h.mounts = append(h.mounts, mount{h.workspace, path.Join(ofRepository, repo), path.Join(workOfJobs, path.Base(ofRepository), repo)})
	} else {
		h.mounts = append(h.mounts, mount{here: h.workspace, host: h.workspace})
	}
	temp, home := getenv("RUNNER_TEMP"), getenv("HOME")
	h.shared = "the workspace and ${{ runner.temp }}"
	if strings.HasPrefix(home, mountsOfContainers) && isDir(home) {
		const inTemp = "_github_home"
		h.mounts = append(h.mounts, mount{home, path.Join(hostTemp, inTemp), path.Join(workOfJobs, "_temp", inTemp)})
		h.temp = path.Join(home, "modferry")
	}
	switch {
	case strings.HasPrefix(temp, mountsOfContainers) && isDir(temp):
		h.mounts = append(h.mounts, mount{temp, hostTemp, path.Join(workOfJobs, "_temp")})
		h.temp = path.Join(temp, "modferry")
	case h.temp != "":
		// Runners before 2.331 mount only the home below the temporary directory.
		h.shared += "/_github_home"
	default:
		return fmt.Errorf("found neither RUNNER_TEMP (%q) nor HOME (%q) mounted, expected a directory below %s that later steps see", temp, home, mountsOfContainers)
	}
	return nil
}

// isOfJob reports whether a path is one of the job's container, which does not
// exist in the container of an action.
func isOfJob(name string) bool {
	_, ok := below(name, workOfJobs)
	return ok
}

// outside is a path as it is exported to later steps, for which the runner
// translates it once more. A path that is not shared stays as it is.
func (h *host) outside(name string) string {
	for _, m := range h.mounts {
		if rest, ok := below(name, m.here); ok {
			return m.host + rest
		}
	}
	return name
}

// inside is an absolute path that somebody wrote, as this step sees it. The runner
// translates paths of the host only at the beginning of a value, and those of the
// job's container never. A path that is not shared stays as it is.
func (h *host) inside(name string) string {
	name = filepath.Clean(name)
	for _, m := range h.mounts {
		for _, alias := range []string{m.here, m.job, m.host} {
			if rest, ok := below(name, alias); ok && alias != "" {
				return m.here + rest
			}
		}
	}
	return name
}

// sees reports whether later steps see the same file at a path: a link on the way
// may lead out of what is shared.
func (h *host) sees(name string) bool {
	if !h.container {
		return true
	}
	real := diskfile.Real(name)
	for _, m := range h.mounts {
		if _, ok := below(name, m.here); !ok {
			continue
		}
		if _, ok := below(real, diskfile.Real(m.here)); ok {
			return true
		}
	}
	return false
}

// below returns what follows dir in name, "" for dir itself.
func below(name, dir string) (string, bool) {
	rest, ok := strings.CutPrefix(name, dir)
	return rest, ok && (rest == "" || os.IsPathSeparator(rest[0]))
}

// place is a path that somebody wrote, absolute and as this step sees it; a
// relative one is in the workspace. source names the setting, for errors. A path
// that later steps do not see is an error: what is there belongs to this container
// alone, and is not what was meant.
func (h *host) place(source, name string) (string, error) {
	if rest, ok := strings.CutPrefix(name, "~"); ok && (rest == "" || os.IsPathSeparator(rest[0])) {
		instead := "write the home directory in full"
		if h.container {
			instead = "a container action does not see the home directory of the other steps; name a directory of the workspace or below ${{ runner.temp }}"
		}
		return "", fmt.Errorf("%s: found %s, with a ~ that no shell has expanded, expected a path: %s", source, name, instead)
	}
	here := name
	if !filepath.IsAbs(here) {
		here = filepath.Join(h.workspace, here)
	}
	here = h.inside(here)
	if !h.sees(here) {
		return "", fmt.Errorf("%s: found %s, which a container action cannot see: it shares only %s with the other steps; "+
			"use a path there or leave the setting out", source, name, h.shared)
	}
	return here, nil
}

// modcache chooses the module cache when no setting names one: GOMODCACHE where
// later steps see it, otherwise one among the job's temporary files. The remark
// says why GOMODCACHE was not used.
func (h *host) modcache(variable string) (dir, remark string) {
	if filepath.IsAbs(variable) {
		if dir := h.inside(variable); h.sees(dir) {
			return dir, ""
		}
	}
	if variable != "" {
		remark = fmt.Sprintf("GOMODCACHE is %s, which a container action cannot see; later steps get another one", variable)
	}
	return filepath.Join(h.temp, "mod"), remark
}

// makeTemp makes the directory that later steps see. In the workspace, the
// checkout may have put a link in its place, and git should not see it.
func (h *host) makeTemp() error {
	if _, within := below(h.temp, h.workspace); !within {
		return os.MkdirAll(h.temp, 0o777)
	}
	if err := diskfile.MkdirIn(h.workspace, h.temp); err != nil {
		return err
	}
	return owndir.Hide(h.workspace, h.temp)
}

func isDirectory(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// isMount reports whether a directory is mounted into this container, or is in one
// that is. If that cannot be found out, it counts as mounted: the image contains no
// directory that a runner would mount.
func isMount(name string) bool {
	if !isDirectory(name) {
		return false
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return true
	}
	return mounts(string(table), diskfile.Real(name))
}

// mounts reports whether a path is in one of a table of mounts
// (proc_pid_mountinfo(5)) other than the root.
func mounts(table, name string) bool {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 5 || fields[4] == "/" {
			continue
		}
		// Blanks in names are written in octal; no runner mounts such a name.
		if _, ok := below(name, fields[4]); ok {
			return true
		}
	}
	return false
}
