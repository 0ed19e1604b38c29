package dir

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

// mount mounts a small file system for the test, where that is allowed. Its
// users are not parallel: a child of another test may hold a file open between
// its fork and its exec, and the file system would be busy.
func mount(t *testing.T, size string) (path string) {
	t.Helper()
	path = t.TempDir()
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("mounting a small file system: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(path, 0); err != nil {
			t.Error(err)
		}
	})
	return path
}

func remount(t *testing.T, path string, flags uintptr, size string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", path, "tmpfs", syscall.MS_REMOUNT|flags, "size="+size); err != nil {
		t.Fatal(err)
	}
}

func TestAFullDiskIsSaidAndNothingIsLost(t *testing.T) {
	path := mount(t, "1m")
	s := open(t, path)
	create(t, s, "a")
	before := snapshot(t, path)
	large := make([]byte, 2<<20)
	for _, ignores := range []bool{false, true} {
		err := s.Create(t.Context(), "large", func(w io.Writer) error {
			if _, err := w.Write(large); err != nil && !ignores {
				return err
			}
			return nil
		})
		if classOf(err) != failure.DiskFull || !strings.Contains(err.Error(), "make room there, as with modferry cache prune") {
			t.Errorf("Create = %v; want class %s", err, failure.DiskFull)
		}
		if after := snapshot(t, path); after != before {
			t.Errorf("found\n%s\nexpected\n%s", after, before)
		}
	}

	// Not even a temporary can be made any more; but room can.
	fill, err := os.Create(path + "/foreign")
	if err != nil {
		t.Fatal(err)
	}
	for len(large) > 0 {
		n, err := fill.Write(large)
		if large = large[n:]; err != nil {
			break
		}
	}
	fill.Close()
	if err := s.Create(t.Context(), "b", writing("b")); classOf(err) != failure.DiskFull {
		t.Errorf("Create = %v; want class %s", err, failure.DiskFull)
	}
	mustHold(t, s, "a")
	if removed, err := s.Prune(t.Context(), Limits{Bytes: 1}); err != nil || len(removed) != 1 {
		t.Errorf("Prune = %v, %v", removed, err)
	}
	mustBeTidy(t, s)
	remount(t, path, 0, "4m")
	create(t, s, "large")
	mustHold(t, s, "large")
}

func TestAFullDiskWithoutAStoreIsSaid(t *testing.T) {
	path := mount(t, "4k,nr_inodes=1")
	_, err := Open(path + "/cache")
	if !errors.Is(err, store.ErrUnavailable) || classOf(err) != failure.DiskFull {
		t.Errorf("Open = %v; want store.ErrUnavailable of class %s", err, failure.DiskFull)
	}
}

func TestAReadOnlyFileSystemCanBeRead(t *testing.T) {
	path := mount(t, "4m")
	create(t, open(t, path+"/cache"), "a", "b")
	remount(t, path, syscall.MS_RDONLY, "4m")
	mustBeReadOnly(t, open(t, path+"/cache"))
	_, err := Open(path + "/another")
	if !errors.Is(err, store.ErrUnavailable) || classOf(err) != failure.Permission {
		t.Errorf("Open = %v; want store.ErrUnavailable of class %s", err, failure.Permission)
	}
}

// An entry in a lower layer of an overlay, as in a container made of an image
// with a cache in it, cannot be renamed as a whole.
func TestALayerOfAnOverlayCanBePruned(t *testing.T) {
	base := mount(t, "8m")
	create(t, open(t, base+"/lower"), "a", "b")
	for _, name := range []string{"/upper", "/work", "/merged"} {
		if err := os.Mkdir(base+name, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	options := "redirect_dir=off,lowerdir=" + base + "/lower,upperdir=" + base + "/upper,workdir=" + base + "/work"
	if err := syscall.Mount("overlay", base+"/merged", "overlay", 0, options); err != nil {
		t.Skip("mounting an overlay: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(base+"/merged", 0); err != nil {
			t.Error(err)
		}
	})
	s := open(t, base+"/merged")
	if err := s.Delete(t.Context(), store.Entry{Name: "a"}); err != nil {
		t.Error(err)
	}
	mustList(t, s, "b")
	create(t, s, "a")
	mustHold(t, s, "a")
	mustHold(t, s, "b")
	if err := s.Create(t.Context(), "b", writing("other")); !errors.Is(err, store.ErrExists) {
		t.Errorf("Create = %v; want store.ErrExists", err)
	}
	if removed, err := s.Prune(t.Context(), Limits{Bytes: 1}); err != nil || len(removed) != 2 {
		t.Errorf("Prune = %v, %v", removed, err)
	}
	mustList(t, s)
	mustBeTidy(t, s)
}
