//go:build linux

package runner

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// images builds the action's image once for all tests, in a storage of its own.
var images imageStore

type imageStore struct {
	dir         string
	bases, once sync.Once
	basesErr    error
	err         error
	serving     sync.Mutex
}

// The names of images. The bases are made here, because a registry may be out
// of reach; they have what Dockerfile says that bases need.
const (
	goImage      = "localhost/golang:local"
	busyboxImage = "localhost/busybox:local"
	actionImage  = "localhost/modferry:test"
)

// programs are what images need of Debian.
var programs = []string{"buildah", "podman", "runc", "busybox"}

// engine is the engine that runs stages in the image of Dockerfile.
func (s *imageStore) engine(t *testing.T) engine {
	t.Helper()
	s.needBases(t)
	s.once.Do(func() { s.err = s.build() })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s
}

// needBases makes the storage and the bases.
func (s *imageStore) needBases(t *testing.T) {
	t.Helper()
	needRoot(t)
	for _, p := range programs {
		_, err := exec.LookPath(p)
		need(t, err == nil, p+" is not on the search path; apt-get install "+strings.Join(programs[:3], " ")+" busybox-static")
	}
	s.bases.Do(func() { s.basesErr = s.makeBases() })
	if s.basesErr != nil {
		t.Fatal(s.basesErr)
	}
}

func (s *imageStore) makeBases() error {
	var err error
	if s.dir, err = os.MkdirTemp("", "modferry-images-"); err != nil {
		return err
	}
	files := map[string]string{
		"storage.conf": fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n",
			filepath.Join(s.dir, "graph"), filepath.Join(s.dir, "run")),
		// Limits that need no more rights than a container has, loopback for
		// the tests' servers, and no system daemon.
		"containers.conf": "[containers]\ndefault_ulimits = [\"nofile=8192:8192\", \"nproc=30000:30000\"]\nnetns = \"host\"\n" +
			"[engine]\ncgroup_manager = \"cgroupfs\"\nruntime = \"runc\"\nevents_logger = \"file\"\nexit_command_delay = 1\n",
		"policy.json": `{"default": [{"type": "insecureAcceptAnything"}]}`,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	base := filepath.Join(s.dir, "base")
	if err := writeBase(base); err != nil {
		return fmt.Errorf("make the base of images: %w", err)
	}
	if err := s.commit(busyboxImage, base, "", nil); err != nil {
		return err
	}
	return s.commit(goImage, base, goRoot, []string{"--env", "PATH=/usr/local/go/bin:/usr/local/bin:/bin", "--env", "GOPATH=/go", "--env", "GOTOOLCHAIN=local", "--env", "HOME=/root", "--workingdir", "/go"})
}

// build makes the action's image.
func (s *imageStore) build() error {
	proxy, err := exec.Command("go", "env", "GOPROXY").Output()
	if err != nil {
		return err
	}
	_, err = s.command("buildah", "bud", "--isolation=chroot", "--pull-never", "-t", actionImage,
		"--build-arg", "GO_IMAGE="+goImage, "--build-arg", "BUSYBOX_IMAGE="+busyboxImage,
		"--build-arg", "GOPROXY="+strings.TrimSpace(string(proxy)), repository)
	return err
}

// commit makes an image of a directory, and of Go where goroot says it is.
func (s *imageStore) commit(name, base, goroot string, config []string) error {
	id, err := s.command("buildah", "from", "scratch")
	if err != nil {
		return err
	}
	if _, err := s.command("buildah", "add", "-q", id, base+"/", "/"); err != nil {
		return err
	}
	if goroot != "" {
		if _, err := s.command("buildah", "add", "-q", id, goroot, "/usr/local/go"); err != nil {
			return err
		}
	}
	config = append([]string{"config", "--cmd", "/bin/sh"}, config...)
	if _, err := s.command("buildah", append(config, id)...); err != nil {
		return err
	}
	_, err = s.command("buildah", "commit", "-q", "--rm", id, name)
	return err
}

// writeBase writes a root directory with busybox and this machine's authorities.
func writeBase(dir string) error {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return err
	}
	names, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		return err
	}
	data, err := os.ReadFile(busybox)
	if err != nil {
		return err
	}
	authorities, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		return err
	}
	files := map[string]string{
		"bin/busybox": string(data), "etc/ssl/certs/ca-certificates.crt": string(authorities),
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n", "etc/nsswitch.conf": "hosts: files dns\n",
	}
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			return err
		}
	}
	for name := range strings.FieldsSeq(string(names)) {
		if name != "busybox" {
			if err := os.Symlink("busybox", filepath.Join(dir, "bin", name)); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "tmp"), 0o777); err != nil {
		return err
	}
	return os.Chmod(filepath.Join(dir, "tmp"), 0o777|os.ModeSticky)
}

// policy is a file that allows every image.
func (s *imageStore) policy() string { return filepath.Join(s.dir, "policy.json") }

// environ are the variables of buildah and podman.
func (s *imageStore) environ() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir,
		"CONTAINERS_STORAGE_CONF=" + filepath.Join(s.dir, "storage.conf"), "CONTAINERS_CONF=" + filepath.Join(s.dir, "containers.conf"),
	}
}

// command runs buildah or podman and returns the last line of what it says.
func (s *imageStore) command(name string, args ...string) (string, error) {
	if args[0] == "bud" || args[0] == "push" {
		args = append([]string{args[0], "--signature-policy", s.policy()}, args[1:]...)
	}
	cmd := exec.Command(name, args...)
	cmd.Env = s.environ()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, tail(string(out)), tail(stderr.String()))
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1], nil
}

// run runs a stage as ContainerActionHandler of actions/runner does.
func (s *imageStore) run(t *testing.T, c container) output {
	t.Helper()
	args := []string{"run", "--rm", "--pull=never", "--workdir", c.dir, "--entrypoint", c.entrypoint}
	environ := s.environ()
	for name, value := range c.env {
		args = append(args, "-e", name)
		environ = append(environ, name+"="+value)
	}
	// HOME means something to podman, too.
	args = append(args, "-e", "HOME="+c.env["HOME"])
	environ = append(environ, "HOME="+s.dir)
	for _, m := range c.mounts {
		args = append(args, "-v", m.Host+":"+m.Inside)
	}
	cmd := exec.Command("podman", append(append(args, actionImage), c.args...)...)
	cmd.Env = environ
	return runCommand(t, cmd)
}

// remove removes the storage.
func (s *imageStore) remove() {
	if s.dir == "" {
		return
	}
	// A second after a command in a container, podman cleans up, and would make the
	// storage anew.
	for limit := time.Now().Add(time.Minute); s.inUse() && time.Now().Before(limit); {
		time.Sleep(50 * time.Millisecond)
	}
	// Overlay mounts its own directory, and a container that was left what it had.
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for _, line := range slices.Backward(strings.Split(string(mounts), "\n")) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], s.dir+"/") {
			syscall.Unmount(fields[1], syscall.MNT_DETACH)
		}
	}
	if err := os.RemoveAll(s.dir); err != nil {
		fmt.Fprintln(os.Stderr, "remove the images:", err)
	}
}

// inUse reports whether a process is told to work on the storage.
func (s *imageStore) inUse() bool {
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	return slices.ContainsFunc(names, func(name string) bool {
		data, _ := os.ReadFile(name)
		return bytes.Contains(data, []byte(s.dir))
	})
}

func TestTheImageIsSmallAndHasWhatRunnersNeed(t *testing.T) {
	t.Parallel()
	images.engine(t)
	size, err := images.command("podman", "image", "inspect", "--format", "{{.Size}}", actionImage)
	if err != nil {
		t.Fatal(err)
	}
	// The base here is Debian's busybox, about 2 MB; the one of Dockerfile is
	// smaller.
	if n, err := strconv.Atoi(size); err != nil || n > 23_000_000 {
		t.Errorf("the image has %s bytes, expected at most 23,000,000", size)
	}
	inspect, err := images.command("podman", "image", "inspect", "--format",
		"{{.Config.User}} {{.Config.Entrypoint}} {{len .Config.ExposedPorts}}", actionImage)
	if err != nil {
		t.Fatal(err)
	}
	if inspect != "0:0 [] 1" {
		t.Errorf("user, entry point and number of ports are %q, expected 0:0 [] 1", inspect)
	}
	for _, tool := range []string{"sh", "env", "tail", "tar", "find", "stat", "mv", "modferry", "modferry-main", "modferry-post", "modferry-serve"} {
		if _, err := images.command("podman", "run", "--rm", "--pull=never", actionImage, "sh", "-c", "command -v "+tool); err != nil {
			t.Errorf("the image lacks %s: %v", tool, err)
		}
	}
}
