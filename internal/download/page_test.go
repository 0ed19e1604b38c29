package download_test

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/modcache"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/worklist"
)

// engine is an engine over a chain, with a module cache of its own as the shelf.
func engine(t *testing.T, b *fetchtest.Bench, proxy string, o download.Options) *download.Engine {
	t.Helper()
	s, err := b.Open(proxy)
	if err != nil {
		t.Fatal(err)
	}
	shelf, err := modcache.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e := download.New(s, s.Chain, shelf, o)
	t.Cleanup(func() {
		e.Close()
		for _, h := range s.Chain.Hops {
			h.Close()
		}
		shelf.Close()
	})
	return e
}

func TestPages(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 1<<10)
	a := f.All()[0]
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	broken := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("", mirrortest.HTML())}})
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	bring := func(proxy, path string, o download.PageOptions) (*download.Item, error) {
		it := download.NewPage(module.Version{Path: a.Path}, "list", path, o)
		return it, engine(t, b, proxy, download.Options{}).Bring(t.Context(), it)
	}
	list := a.Path + "/@v/list"
	it, err := bring(s.URL, list, download.PageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	page := it.Page()
	if string(page.Body) != a.Version.Version+"\n" || page.Mirror != s.URL || page.ETag == "" || it.Record.Source != report.FromMirror {
		t.Errorf("%q %+v, %+v", page.Body, page, it.Record)
	}
	// Whoever sent it is asked whether it still is the same.
	again, err := bring(s.URL, list, download.PageOptions{Have: page})
	if err != nil || string(again.Page().Body) != string(page.Body) || again.Record.Attempts[0].Status != 304 {
		t.Errorf("%v, %+v", err, again.Record)
	}
	// What is no such page is taken from the next mirror.
	other, err := bring(broken.URL+"|"+s.URL, list, download.PageOptions{Check: func(body []byte) error {
		if failure.IsPage(body) {
			return errors.New("a portal")
		}
		return nil
	}})
	if err != nil || other.Page().Mirror != s.URL {
		t.Errorf("%v, %+v", err, other.Record)
	}
	if _, err := bring(s.URL, list, download.PageOptions{Max: 3}); failure.As(err) == nil || failure.As(err).Class != failure.TooLarge {
		t.Errorf("a page that is too large: %v", err)
	}
}

func TestOnwardIsWhatTheGoCommandWouldDo(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 1<<10)
	a := f.All()[0]
	lie := mirrortest.Corrupt(t, mirrortest.Module{Path: a.Path, Version: a.Version.Version}, mirrortest.OtherContent)
	status := func(code int) string {
		return mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("", mirrortest.Status(code))}}).URL
	}
	lying := mirrortest.Start(t, mirrortest.Options{Fixtures: f.With(lie)}).URL
	refused := "http://" + mirrortest.Refused(t)
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.Retries = 1
	for proxy, want := range map[string]bool{
		status(404) + ",direct": true,
		status(404):             false,
		status(404) + "," + status(410) + ",direct": true,
		status(403) + ",direct":                     false,
		status(403) + "|direct":                     true,
		status(500) + "|" + status(404) + ",direct": true,
		status(500) + "," + status(404) + ",direct": false,
		refused + "|direct":                         true,
		refused + ",direct":                         false,
		lying + "|direct":                           false,
		lying + "|" + status(404) + ",direct":       false,
		"direct":                                    true,
		"off":                                       false,
	} {
		it, err := download.NewItem(worklist.Module{Path: a.Path, Version: a.Version.Version, Zip: a.ZipSum}, report.KindZip)
		if err != nil {
			t.Fatal(err)
		}
		if err := engine(t, b, proxy, download.Options{}).Bring(t.Context(), it); err == nil || it.Onward != want {
			t.Errorf("%s: %v, onward %v, want %v", proxy, err, it.Onward, want)
		}
	}
}

// Without a queue, whose idle workers help, further requests help with a zip that takes
// long.
func TestALongTransferIsHelped(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 9<<20)
	a := f.All()[0]
	release := make(chan struct{})
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{
		mirrortest.First(1, "*.zip", mirrortest.StallAfter(1<<20, release))}})
	go func() {
		select {
		case <-s.ArrivedWith(func(r mirrortest.Request) bool { return r.Range() != "" }, 1):
		case <-t.Context().Done():
		}
		close(release)
	}()
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Values.StallTimeout = time.Minute
	it, err := download.NewItem(worklist.Module{Path: a.Path, Version: a.Version.Version, Zip: a.ZipSum}, report.KindZip)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine(t, b, s.URL, download.Options{Help: time.Millisecond}).Bring(t.Context(), it); err != nil || len(it.Record.Attempts) != 1 {
		t.Errorf("%v, %+v", err, it.Record)
	}
}
