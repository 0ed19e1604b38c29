package modcache_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/modcache"
)

func TestZips(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, "cache", "download", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	put("example.test/!upper/@v/v1.0.0.zip", "four")
	put("example.test/!upper/@v/v1.0.0.ziphash", "h1:")
	put("example.test/!upper/@v/v1.1.0.zip", "no hash")
	put("example.test/!upper/@v/v1.0.0.mod", "module x")
	put("example.test/Upper/@v/v1.0.0.zip", "not escaped")
	put("example.test/Upper/@v/v1.0.0.ziphash", "h1:")
	put("stray.zip", "elsewhere")
	c, err := modcache.OpenForReading(dir)
	if err != nil {
		t.Fatal(err)
	}
	held, err := c.Zips()
	if err != nil {
		t.Fatal(err)
	}
	if len(held) != 1 || held[0].Module != (module.Version{Path: "example.test/Upper", Version: "v1.0.0"}) || held[0].Bytes != 4 {
		t.Errorf("got %+v", held)
	}
	if len(held) == 1 && time.Since(held[0].Written) < 0 {
		t.Errorf("written in the future: %v", held[0].Written)
	}
	empty, err := modcache.OpenForReading(filepath.Join(dir, "nothing"))
	if err != nil {
		t.Fatal(err)
	}
	if held, err := empty.Zips(); err != nil || len(held) > 0 {
		t.Errorf("of an absent module cache: %v, %v", held, err)
	}
}
