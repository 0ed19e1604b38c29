//go:build linux

package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// mount is a directory or file of the host and where a container has it.
type mount struct{ Host, Inside string }

// box is a process and what it sees of the machine.
type box struct {
	Root      string  // directory that is /; "" for the host's own
	Mounts    []mount // below Root, in this order
	Dir       string  // working directory, as the process sees it
	Argv      []string
	Env       []string
	UID, GID  int
	NoNetwork bool // not even loopback
}

// output is what a process left behind.
type output struct {
	code           int
	stdout, stderr string
}

// boxVariable holds a box when this program is to become its process.
const boxVariable = "MODFERRY_RUNNER_BOX"

// run runs the process to its end. The namespaces end with it, and with them
// every mount.
func (b box) run(t *testing.T) output {
	t.Helper()
	spec, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{boxVariable + "=" + string(spec)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if b.NoNetwork {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET
	}
	return runCommand(t, cmd)
}

func runCommand(t *testing.T, cmd *exec.Cmd) output {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %s: %v", cmd.Path, err)
	}
	return output{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// enterBox makes this program the process of a box.
func enterBox(spec string) error {
	var b box
	if err := json.Unmarshal([]byte(spec), &b); err != nil {
		return err
	}
	if b.Root != "" {
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			return fmt.Errorf("keep mounts to ourselves: %w", err)
		}
		for _, m := range b.Mounts {
			if err := bind(m.Host, filepath.Join(b.Root, m.Inside)); err != nil {
				return err
			}
		}
		if err := syscall.Chroot(b.Root); err != nil {
			return fmt.Errorf("chroot %s: %w", b.Root, err)
		}
	}
	if err := os.Chdir(b.Dir); err != nil {
		return err
	}
	if b.UID != 0 {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(b.GID), syscall.Setuid(b.UID)); err != nil {
			return fmt.Errorf("become user %d: %w", b.UID, err)
		}
	}
	return fmt.Errorf("run %s: %w", b.Argv[0], syscall.Exec(b.Argv[0], b.Argv, b.Env))
}

// bind mounts what is at host to target, which is made when it is not there.
func bind(host, target string) error {
	info, err := os.Stat(host)
	if err != nil {
		return err
	}
	dir := target
	if !info.IsDir() {
		dir = filepath.Dir(target)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if !info.IsDir() {
		f, err := os.OpenFile(target, os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		f.Close()
	}
	if err := syscall.Mount(host, target, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return fmt.Errorf("mount %s to %s: %w", host, target, err)
	}
	return nil
}
