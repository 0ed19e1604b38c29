package fetch

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/imports"
)

// A graph may still look into a zip that turned out to be wrong.
func TestWrongBytesHaveNoPackages(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "zip"))
	if err != nil {
		t.Fatal(err)
	}
	e := &earlyFiles{files: imports.Tree{}, zip: f}
	e.settle(nil)
	if files, has := e.Package("."); has || files != nil {
		t.Errorf("%v, %v", files, has)
	}
}

func TestWhatIsRememberedInPartIsForgotten(t *testing.T) {
	t.Parallel()
	k := known{t.TempDir(), "key"}
	for _, text := range []string{"", "zip a.test v1.0.0\n", "zip a.test v1.0.0\nzip b.test v1.0.0", "zip a.test\nend\n"} {
		if err := os.WriteFile(k.file(), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if s, ok := k.recall(); ok {
			t.Errorf("%q: recalled %v", text, s)
		}
	}
	if err := os.WriteFile(k.file(), []byte("zip a.test v1.0.0\nmod a.test v1.0.0\nend\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	want := module.Version{Path: "a.test", Version: "v1.0.0"}
	if s, ok := k.recall(); !ok || len(s.Modules) != 1 || s.Modules[0] != want || len(s.Providers) != 1 {
		t.Errorf("%v, %v", s, ok)
	}
}
