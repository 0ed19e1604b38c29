package proxydir_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/proxydir"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tree")
	v := module.Version{Path: "example.test/Upper/v2", Version: "v2.0.0-RC.1"}
	for range 2 { // again is no trouble
		d, err := proxydir.Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"zip", "mod", "info"} {
			if err := d.Put(v, kind, strings.NewReader(kind)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(d.List(v.Path, []string{v.Version, "v2.0.0-20200101000000-abcdefabcdef"}), d.SumDB("sum.test/x", map[string][]byte{"tile/8/0/x001/234.p/5": nil}), d.Close()); err != nil {
			t.Fatal(err)
		}
	}
	list, err := os.ReadFile(filepath.Join(dir, "example.test", "!upper", "v2", "@v", "list"))
	if err != nil || string(list) != v.Version+"\n" {
		t.Errorf("list %q, %v", list, err)
	}
	c, err := proxydir.Read(t.Context(), dir)
	if err != nil || c.Strange != 0 || len(c.Entries) != 1 || c.Entries[0] != (proxydir.Entry{Module: v, Zip: true, Mod: true, Info: true}) {
		t.Errorf("%+v, %v", c, err)
	}
}

// A list keeps what it had, and leads nowhere.
func TestListsAddUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := proxydir.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := errors.Join(d.List("a.test/m", []string{"v1.10.0", "v1.2.0"}), d.List("a.test/m", []string{"v1.3.0", "v1.2.0"})); err != nil {
		t.Fatal(err)
	}
	if list, err := os.ReadFile(filepath.Join(dir, "a.test", "m", "@v", "list")); err != nil || string(list) != "v1.2.0\nv1.3.0\nv1.10.0\n" {
		t.Errorf("%q, %v", list, err)
	}
	for name, err := range map[string]error{
		"a database": d.SumDB("../x", nil),
		"a path":     d.SumDB("sum.test", map[string][]byte{"../../../x": nil}),
		"a module":   d.Put(module.Version{Path: "../x", Version: "v1.0.0"}, "zip", strings.NewReader("")),
		"a version":  d.Put(module.Version{Path: "a.test/m", Version: "../v1"}, "zip", strings.NewReader("")),
		"a reader":   d.Put(module.Version{Path: "a.test/m", Version: "v1.0.0"}, "zip", broken{}),
	} {
		if err == nil {
			t.Errorf("%s leads out, or is taken", name)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "a.test", "m", "@v", "*")); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Names come from whoever made the directory.
func TestStrangeNamesAreTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{
		"README", "a.test/m/@v/v1.0.0.zip", "a.test/m/@v/v1.0.0.ziphash", "a.test/m/@v/v1.0.0.lock", "a.test/m/@v/list", "sumdb/x/anything",
		"a.test/m/@v/v1.zip", "a.test/m/@v/main.mod", "a.test/m/v2/@v/v1.0.0.mod", "a.test/Upper/@v/v1.0.0.mod", "a.test/m/@v/v1.0.0.exe", "a.test/m/@v/.zip",
	} {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := proxydir.Read(t.Context(), dir)
	if err != nil || len(c.Entries) != 1 || c.Strange != 7 || len(c.Odd) != 5 {
		t.Errorf("%+v, %v", c, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := proxydir.Read(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for _, none := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "README")} {
		if _, err := proxydir.Read(t.Context(), none); err == nil {
			t.Errorf("%s is taken", none)
		}
	}
}
