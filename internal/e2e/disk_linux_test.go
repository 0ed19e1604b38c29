package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// TestAFullDiskIsSaidAtOnceAndNothingIsLost fetches onto a file system that is
// too small, then again with room.
func TestAFullDiskIsSaidAtOnceAndNothingIsLost(t *testing.T) {
	f := mirrortest.Generate(t, 10, 300_000)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	at := newPlace(t, s)
	at.dir = t.TempDir()
	f.WriteCheckout(t, at.dir, mirrortest.Checkout{})
	if err := os.MkdirAll(at.modcache, 0o755); err != nil {
		t.Fatal(err)
	}
	const room = "size=2m"
	if err := syscall.Mount("tmpfs", at.modcache, "tmpfs", 0, room); err != nil {
		need(t, false, "mounting a small file system: "+err.Error())
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(at.modcache, 0); err != nil {
			t.Error(err)
		}
	})

	r := at.fetch(t, 2)
	if r.Outcome != report.Settings || !strings.Contains(r.Message, "disk full") {
		t.Errorf("outcome %s: %s; expected settings, disk full", r.Outcome, r.Message)
	}
	present := r.Totals.BySource[report.FromMirror]
	if err := syscall.Mount("tmpfs", at.modcache, "tmpfs", syscall.MS_REMOUNT, "size=20m"); err != nil {
		t.Fatal(err)
	}
	r = at.fetch(t, 0)
	// A zip is kept as well when there was no room for its tree.
	if got := r.Totals.BySource[report.FromPresent]; got < present {
		t.Errorf("%d files were kept of %d", got, present)
	}
	at.goOffline(t, "mod", "verify")
	at.goOffline(t, "list", "-deps", "./...")
}
