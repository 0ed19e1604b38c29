package diskfile_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/modferry/modferry/internal/diskfile"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

func TestReadIn(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	root := filepath.Join(top, "checkout")
	write(t, filepath.Join(root, "sub", "plain"), "plain")
	secret := write(t, filepath.Join(top, "secret"), "secret")
	write(t, filepath.Join(top, "elsewhere", "go.mod"), "module x")
	link(t, "sub/plain", filepath.Join(root, "inside"))
	link(t, filepath.Join(root, "sub"), filepath.Join(root, "absolutely"))
	link(t, "../secret", filepath.Join(root, "relative"))
	link(t, filepath.Join(top, "none"), filepath.Join(root, "dangling"))
	link(t, secret, filepath.Join(root, "absolute"))
	link(t, "../elsewhere", filepath.Join(root, "dir"))
	link(t, "../secret", filepath.Join(top, "elsewhere", "link"))

	for _, tt := range []struct {
		name, want string
		escapes    bool
	}{
		{name: "checkout/sub/plain", want: "plain"},
		{name: "checkout/inside", want: "plain"},
		{name: "checkout/absolutely/plain", want: "plain"},
		{name: "checkout/dangling", escapes: true},
		{name: "elsewhere/go.mod", want: "module x"}, // named by the job or a go.work
		{name: "checkout/relative", escapes: true},
		{name: "checkout/absolute", escapes: true},
		{name: "checkout/dir/go.mod", escapes: true},
		{name: "elsewhere/link", escapes: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			data, err := diskfile.ReadIn(root, filepath.Join(top, tt.name), 100)
			var escape *diskfile.EscapeError
			if errors.As(err, &escape) != tt.escapes || string(data) != tt.want || (err != nil) != tt.escapes {
				t.Errorf("got %q, %v; want %q, escape %t", data, err, tt.want, tt.escapes)
			}
		})
	}
}

func TestReadBoundsWhatItReads(t *testing.T) {
	t.Parallel()
	name := write(t, filepath.Join(t.TempDir(), "f"), "12345")
	if data, err := diskfile.Read(name, 5); err != nil || string(data) != "12345" {
		t.Errorf("at the limit: %q, %v", data, err)
	}
	var size *diskfile.SizeError
	if _, err := diskfile.Read(name, 4); !errors.As(err, &size) || size.Size != 5 || size.Limit != 4 {
		t.Errorf("over the limit: %v", err)
	}
}

func TestOpenTakesRegularFilesOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var bad *diskfile.KindError
	if _, err := diskfile.Open(dir); !errors.As(err, &bad) || !bad.Mode.IsDir() {
		t.Errorf("a directory: %v", err)
	}
	if _, err := diskfile.Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}

func TestWriteIn(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	root := filepath.Join(top, "checkout")
	victim := write(t, filepath.Join(top, "victim"), "mine")
	write(t, filepath.Join(root, "old"), "old")
	link(t, "../victim", filepath.Join(root, "link"))
	link(t, "..", filepath.Join(root, "up"))

	for name, want := range map[string]bool{"old": true, "new/deep/file": true, "link": true, "up/victim": false, "../victim": false} {
		err := diskfile.WriteIn(root, filepath.Join(root, name), []byte("ours"))
		if (err == nil) != want {
			t.Errorf("%s: %v, want success %t", name, err, want)
		}
		if want {
			data, err := os.ReadFile(filepath.Join(root, name))
			if err != nil || string(data) != "ours" {
				t.Errorf("%s: %q, %v", name, data, err)
			}
		}
	}
	if data, err := os.ReadFile(victim); err != nil || !bytes.Equal(data, []byte("mine")) {
		t.Errorf("the file outside is %q, %v", data, err)
	}
	if err := diskfile.MkdirIn(root, filepath.Join(root, "up", "made")); err == nil {
		t.Error("made a directory outside of the root")
	}
	if left, err := filepath.Glob(filepath.Join(root, ".modferry-*")); err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestWriteFollowsTheLinkOfItsOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	real := write(t, filepath.Join(dir, "real"), "old")
	link(t, "real", filepath.Join(dir, "link"))
	if err := diskfile.Write(filepath.Join(dir, "link"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(real); err != nil || string(data) != "new" {
		t.Errorf("got %q, %v", data, err)
	}
}

func TestAFileOfADirectoryIsOpenedAsOneOfTheCheckout(t *testing.T) {
	t.Parallel()
	root, outside := t.TempDir(), t.TempDir()
	write(t, filepath.Join(root, "a", "f"), "f")
	write(t, filepath.Join(root, "b", "g"), "g")
	write(t, filepath.Join(outside, "secret"), "secret")
	link(t, filepath.Join("..", "b", "g"), filepath.Join(root, "a", "inside"))
	link(t, filepath.Join(outside, "secret"), filepath.Join(root, "a", "outside"))
	link(t, outside, filepath.Join(root, "c"))
	d, err := diskfile.OpenDir(root, filepath.Join(root, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for name, want := range map[string]string{"f": "f", "inside": "g", "outside": "", "none": ""} {
		f, err := d.Open(name)
		if err != nil {
			if want != "" {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		data, err := io.ReadAll(f)
		f.Close()
		if err != nil || string(data) != want {
			t.Errorf("%s: %q, %v, want %q", name, data, err, want)
		}
	}
	if d, err := diskfile.OpenDir(root, filepath.Join(root, "c")); !isEscape(err) {
		d.Close()
		t.Errorf("a link out of the checkout was opened: %v", err)
	}
}
