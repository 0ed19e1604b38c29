package download_test

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/worklist"
)

// One file at a time, as a relay asks for it: no queue, no run, a directory of its
// own.
func TestBringOnDemand(t *testing.T) {
	t.Parallel()
	f := mirrortest.Build(t, mirrortest.Module{Path: "example.test/there", Version: "v1.0.0"},
		mirrortest.Module{Path: "example.test/lacking", Version: "v1.0.0"}, mirrortest.Module{Path: "example.test/refused", Version: "v1.0.0"},
		mirrortest.Module{Path: "corp.test/private", Version: "v1.0.0"})
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		mirrortest.Always("/example.test/lacking/*", mirrortest.Status(404)), mirrortest.Always("/example.test/refused/*", mirrortest.Status(403))}})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Env["GONOPROXY"] = "corp.test"
	opened, err := b.Open(s.URL + ",direct")
	if err != nil {
		t.Fatal(err)
	}
	shelf, err := modcache.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer shelf.Close()
	e := download.New(opened, opened.Chain, shelf, download.Options{})
	defer e.Close()
	for _, test := range []struct {
		path   string
		class  failure.Class
		status int
		source string
	}{
		{"example.test/there", "", 0, report.FromMirror},
		{"example.test/lacking", failure.OnlyDirect, 0, report.FromDeferred},
		{"example.test/refused", failure.Forbidden, 403, report.FromFailed},
		{"corp.test/private", failure.Private, 0, report.FromDeferred},
	} {
		for _, kind := range []string{report.KindZip, report.KindMod, download.KindInfo} {
			t.Run(test.path+" "+kind, func(t *testing.T) {
				v := module.Version{Path: test.path, Version: "v1.0.0"}
				a := f.Get(v.Path, v.Version)
				it, err := download.NewItem(worklist.Module{Path: v.Path, Version: v.Version, Zip: a.ZipSum, Mod: a.ModSum}, kind)
				if err != nil {
					t.Fatal(err)
				}
				err = e.Bring(t.Context(), it)
				if it.Record.Source != test.source || it.Record.Class != test.class {
					t.Errorf("the file is %s, class %q, want %s, %q", it.Record.Source, it.Record.Class, test.source, test.class)
				}
				var fe *failure.Error
				switch {
				case test.class == "" && err != nil:
					t.Errorf("%v", err)
				case test.class != "" && (!errors.As(err, &fe) || fe.Class != test.class || fe.Status != test.status):
					t.Errorf("error %v, want class %q and status %d", err, test.class, test.status)
				}
			})
		}
	}
	there := module.Version{Path: "example.test/there", Version: "v1.0.0"}
	if ok, err := shelf.HasZip(t.Context(), there, f.Get(there.Path, there.Version).ZipSum); err != nil || !ok || !shelf.HasInfo(there) {
		t.Errorf("the zip is there: %v, %v", ok, err)
	}
	if _, err := os.Stat(b.ModCache); !os.IsNotExist(err) {
		t.Errorf("the module cache of the go command was touched: %v", err)
	}
}
