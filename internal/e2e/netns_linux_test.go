package e2e

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// withoutNetwork proves that a run with everything present and no probe needs
// no network: it succeeds in a network namespace that has none, not even
// loopback.
func withoutNetwork(t *testing.T, at *place) {
	t.Helper()
	cmd := at.command(t, "fetch", "-C", at.dir, "--modcache", at.modcache, "--proxy", at.proxy, "--no-probe")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		id := func(inside, outside int) []syscall.SysProcIDMap {
			return []syscall.SysProcIDMap{{ContainerID: inside, HostID: outside, Size: 1}}
		}
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = id(os.Geteuid(), os.Geteuid())
		cmd.SysProcAttr.GidMappings = id(os.Getegid(), os.Getegid())
	}
	out, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Logf("no network namespace to be had here: %v", err)
		return
	}
	if err != nil {
		t.Errorf("without a network: %v\n%s", err, tail(out))
	}
}
