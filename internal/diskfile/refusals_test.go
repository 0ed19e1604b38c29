package diskfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/modferry/modferry/internal/diskfile"
)

// Who asks for a file that may be missing must see that it is, and not an
// escape or anything else.
func TestWhatIsMissingIsMissing(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	link(t, "none", filepath.Join(root, "dangling"))
	for _, name := range []string{"none", "none/below", "dangling"} {
		name = filepath.Join(root, name)
		var escape *diskfile.EscapeError
		if _, err := diskfile.ReadIn(root, name, 1); !errors.Is(err, fs.ErrNotExist) || errors.As(err, &escape) {
			t.Errorf("ReadIn(%s): %v, want fs.ErrNotExist", name, err)
		}
		if _, err := diskfile.Read(name, 1); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Read(%s): %v, want fs.ErrNotExist", name, err)
		}
	}
}

func TestTheLimitIsTheMostThatIsRead(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	name := write(t, filepath.Join(root, "file"), "0123456789")
	for limit, good := range map[int64]bool{0: false, 9: false, 10: true, 11: true} {
		data, err := diskfile.ReadIn(root, name, limit)
		var size *diskfile.SizeError
		switch {
		case good && (err != nil || string(data) != "0123456789"):
			t.Errorf("limit %d: %q, %v", limit, data, err)
		case !good && (!errors.As(err, &size) || size.Size != 10 || size.Limit != limit):
			t.Errorf("limit %d: %v, want a *SizeError of 10 bytes", limit, err)
		}
	}
}

// A file of /proc says that it has no bytes.
func TestTheLimitHoldsForFilesThatTellNoSize(t *testing.T) {
	t.Parallel()
	const name = "/proc/self/status"
	if _, err := os.Stat(name); err != nil {
		t.Skip("no /proc here")
	}
	var size *diskfile.SizeError
	if _, err := diskfile.Read(name, 10); !errors.As(err, &size) || size.Size <= size.Limit {
		t.Errorf("%v, want a *SizeError", err)
	}
}

func TestADirectoryIsNamedAsOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var kind *diskfile.KindError
	_, err := diskfile.Read(dir, 1)
	if !errors.As(err, &kind) || kind.Path != dir || err.Error() != dir+" is a directory, not a regular file" {
		t.Errorf("%v, want a *KindError of a directory", err)
	}
}

func TestNothingIsWrittenOutOfTheCheckout(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	root := filepath.Join(top, "checkout")
	write(t, filepath.Join(root, "file"), "")
	if err := os.Mkdir(filepath.Join(top, "outside"), 0o777); err != nil {
		t.Fatal(err)
	}
	link(t, "../outside", filepath.Join(root, "link"))
	for _, name := range []string{"outside/new", "outside", "new", "checkout-too/new", "checkout/../new", "checkout/link/new"} {
		name = filepath.Join(top, name)
		if err := diskfile.WriteIn(root, name, []byte("x")); !isEscape(err) {
			t.Errorf("WriteIn(%s): %v, want an *EscapeError", name, err)
		}
		if err := diskfile.MkdirIn(root, name); !isEscape(err) {
			t.Errorf("MkdirIn(%s): %v, want an *EscapeError", name, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Join(top, "outside")); err != nil || len(entries) > 0 {
		t.Errorf("outside of the checkout are %v, %v", entries, err)
	}
	if entries, err := os.ReadDir(top); err != nil || len(entries) != 2 {
		t.Errorf("beside the checkout are %v, %v", entries, err)
	}
}

func isEscape(err error) bool {
	var escape *diskfile.EscapeError
	return errors.As(err, &escape)
}

func TestADirectoryIsNotReplacedByAFile(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, filepath.Join(root, "dir", "file"), "kept")
	var kind *diskfile.KindError
	if err := diskfile.WriteIn(root, filepath.Join(root, "dir"), []byte("x")); !errors.As(err, &kind) {
		t.Errorf("WriteIn: %v, want a *KindError", err)
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 1 {
		t.Errorf("left over: %v, %v", entries, err)
	}
}

func TestWhatIsNoFileIsWrittenToInPlace(t *testing.T) {
	t.Parallel()
	if err := diskfile.Write(os.DevNull, []byte("x")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("%s is %v now, %v", os.DevNull, info.Mode(), err)
	}
}
