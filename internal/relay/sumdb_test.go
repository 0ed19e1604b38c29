package relay_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// unsummed is a bench whose checkout has no go.sum.
func unsummed(t *testing.T, f *mirrortest.Fixtures, gosumdb string) *fetchtest.Bench {
	t.Helper()
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	if err := os.Remove(filepath.Join(b.Dir, "go.sum")); err != nil {
		t.Fatal(err)
	}
	b.Env["GOSUMDB"] = gosumdb
	return b
}

func TestCorner14TheDatabaseIsAskedWhereTheGoCommandWould(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m", "example.test/n")
	db := mirrortest.NewSumDB(t, f)
	own := mirrortest.Start(t, mirrortest.Options{Handler: db})
	with := func(db *mirrortest.SumDB, faults ...mirrortest.Rule) *mirrortest.Server {
		return mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db, Faults: faults})
	}
	for _, test := range []struct {
		name, key string
		chain     func() (string, *mirrortest.Server) // and who is to be asked
		supported int
	}{
		{"the first mirror has it", db.Key, func() (string, *mirrortest.Server) { s := with(db); return s.URL + "," + with(db).URL, s }, 200},
		{"the second mirror has it", db.Key, func() (string, *mirrortest.Server) { s := with(db); return with(nil).URL + "," + s.URL, s }, 200},
		{"the first fails before a bar", db.Key, func() (string, *mirrortest.Server) {
			s := with(db)
			return with(db, mirrortest.Always("/sumdb/*", mirrortest.Status(500))).URL + "|" + s.URL, s
		}, 200},
		{"the first fails before a comma", db.Key, func() (string, *mirrortest.Server) {
			return with(db, mirrortest.Always("/sumdb/*", mirrortest.Status(500))).URL + "," + with(db).URL, nil
		}, 502},
		{"no mirror has it", db.Key, func() (string, *mirrortest.Server) { return with(nil).URL, nil }, 404},
		{"it has a URL", db.Key + " " + own.URL, func() (string, *mirrortest.Server) { return with(db).URL, own }, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			chain, asked := test.chain()
			b := unsummed(t, f, test.key)
			network := new(mirrortest.Network)
			network.NoSuchHost(db.Name)
			b.Options.Dial = network.DialContext
			o := open(t, b, chain)
			if resp, body := o.get("/sumdb/" + db.Name + "/supported"); resp.StatusCode != test.supported {
				t.Errorf("supported: %s", describe(resp, body))
			}
			resp, body := o.get("/example.test/m/@v/v1.0.0.zip")
			verified := resp.Header.Get("X-Modferry-Verified") != "no"
			if resp.StatusCode != 200 || verified != (asked != nil) {
				t.Errorf("%d, verified: %v %.80q", resp.StatusCode, verified, body)
			}
			if res := o.relay.Result(); res.SumDB == nil || res.SumDB.Reachable != (asked != nil) || res.SumDB.Reachable == (res.SumDB.Reason != "") {
				t.Errorf("in the result: %+v", res.SumDB)
			}
			if asked != nil && asked.Count("*lookup/example.test/m@v1.0.0") != 1 {
				t.Errorf("asked %d times", asked.Count("*lookup*"))
			}
		})
	}
}

func TestBytesOtherThanTheDatabaseNamesAreRefused(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	m := mirrortest.Module{Path: "example.test/m", Version: "v1.0.0", Size: 2000}
	for kind, evil := range map[string]mirrortest.Evil{"zip": mirrortest.OtherContent, "mod": mirrortest.OtherMod} {
		db := mirrortest.NewSumDB(t, f)
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f.With(mirrortest.Corrupt(t, m, evil)), SumDB: db})
		b := open(t, unsummed(t, f, db.Key), s.URL+",direct")
		resp, body := b.get("/example.test/m/@v/v1.0.0." + kind)
		if resp.StatusCode != 502 || strings.Count(body, "h1:") != 2 {
			t.Errorf("%s: %s", kind, describe(resp, body))
		}
		fetchtest.WantOutcome(t, b.relay.Result(), report.Integrity)
	}
}

// A database that is signed by somebody else says nothing.
func TestAForgedDatabaseEndsTheDownload(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	right, forged := mirrortest.NewSumDB(t, f), mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: forged})
	b := open(t, unsummed(t, f, right.Key), s.URL)
	if resp, body := b.get("/example.test/m/@v/v1.0.0.zip"); resp.StatusCode != 502 || !strings.Contains(body, "checksum database") {
		t.Error(describe(resp, body))
	}
	if n := s.Count("*.zip"); n != 0 {
		t.Errorf("%d zips were asked for", n)
	}
}

// One request that fails is not remembered: the next download asks again.
func TestCorner27ADatabaseThatFailedIsAskedAgain(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db, Faults: []mirrortest.Rule{
		mirrortest.First(1, "*lookup*", mirrortest.Status(400))}})
	b := open(t, unsummed(t, f, db.Key), s.URL)
	if resp, _ := b.get("/example.test/m/@v/v1.0.0.zip"); resp.StatusCode != 200 || resp.Header.Get("X-Modferry-Verified") != "no" {
		t.Errorf("%d, %v", resp.StatusCode, resp.Header)
	}
	if resp, _ := b.get("/example.test/m/@v/v1.0.0.zip"); resp.StatusCode != 200 || resp.Header.Get("X-Modferry-Verified") != "" {
		t.Errorf("%d, %v", resp.StatusCode, resp.Header)
	}
	if fetchtest.Found(b.relay.Result(), "relay-unverified") == nil {
		t.Error("nothing tells of the file that was passed on")
	}
}

// Nobody knows a hash: the first bytes are passed on, and no others.
func TestCorner27TheFirstBytesOfWhatNobodyKnowsAreRemembered(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	b := open(t, unsummed(t, f, "off"), s.URL)
	for _, kind := range []string{"zip", "mod"} {
		path := "/example.test/m/@v/v1.0.0." + kind
		resp, body := b.get(path)
		if resp.StatusCode != 200 || body != string(f.Get("example.test/m", "v1.0.0").File(kind)) || resp.Header.Get("X-Modferry-Verified") != "no" {
			t.Errorf("%s: %d, %d bytes", kind, resp.StatusCode, len(body))
		}
		if resp, _ := b.get(path); resp.Header.Get("X-Cache") != "HIT" {
			t.Errorf("%s was not kept", kind)
		}
	}
	for _, evil := range []mirrortest.Evil{mirrortest.TruncatedZip, mirrortest.WrongPrefix, mirrortest.DotDot} {
		lying := mirrortest.Start(t, mirrortest.Options{Fixtures: f.With(mirrortest.Corrupt(t, mirrortest.Module{Path: "example.test/m", Version: "v1.0.0", Size: 2000}, evil))})
		b := open(t, unsummed(t, f, "off"), lying.URL+",direct")
		if resp, body := b.get("/example.test/m/@v/v1.0.0.zip"); resp.StatusCode != 502 {
			t.Errorf("%s: %s", evil, describe(resp, body))
		}
	}
	portal := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("", mirrortest.HTML())}})
	b = open(t, unsummed(t, f, "off"), portal.URL)
	for _, path := range []string{"/example.test/m/@v/v1.0.0.zip", "/example.test/m/@v/v1.0.0.mod", "/example.test/m/@v/v1.0.0.info", "/example.test/m/@v/list", "/example.test/m/@latest"} {
		if resp, body := b.get(path); resp.StatusCode != http.StatusBadGateway || !strings.Contains(body, failure.WrongContent.Title()) {
			t.Errorf("%s: %s", path, describe(resp, body))
		}
	}
}

// What is kept for good is at least what the path stands for, and once it turns out to
// be wrong it is asked for again.
func TestWrongAnswersOfTheDatabaseAreNotKept(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m", "example.test/n")
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db, Faults: []mirrortest.Rule{
		mirrortest.FirstOfEach(1, "*/lookup/*", mirrortest.HTML()),
		{Path: "*/lookup/*/n@*", Times: 1, Do: mirrortest.Edit(func(body []byte) []byte {
			return []byte(strings.Replace(string(body), "h1:", "h1:A", 1)) // the record is another one
		})},
	}})
	b := open(t, unsummed(t, f, db.Key), s.URL)
	if resp, body := b.get("/example.test/m/@v/v1.0.0.mod"); resp.StatusCode != 200 || resp.Header.Get("X-Modferry-Verified") != "" {
		t.Error(describe(resp, body))
	}
	for _, want := range []int{502, 200} {
		if resp, body := b.get("/example.test/n/@v/v1.0.0.mod"); resp.StatusCode != want {
			t.Errorf("%s, want %d", describe(resp, body), want)
		}
	}
}

// Records and full tiles never change. What is not there yet may be there soon, and
// without a tile that is not full the go command asks for the full one.
func TestCorner15WhatTheDatabaseSaysIsKept(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 260, 0)
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
	b := open(t, unsummed(t, f, db.Key), s.URL)
	const forGood, brief = "max-age=31536000, immutable", "max-age=60"
	at := "/sumdb/" + db.Name
	ask := func(path string, status int, control string, requests int) {
		t.Helper()
		before := s.Count("*")
		resp, body := b.get(at + path)
		if resp.StatusCode != status || resp.Header.Get("Cache-Control") != control || s.Count("*")-before != requests {
			t.Errorf("%s: %s, %q, %d requests; want %d, %q, %d", path, describe(resp, body), resp.Header.Get("Cache-Control"), s.Count("*")-before, status, control, requests)
		}
	}
	ask("/supported", 200, brief, 1)
	ask("/supported", 200, brief, 0)
	for _, a := range f.All() {
		ask("/lookup/"+a.Path+"@"+a.Version.Version, 200, forGood, 1)
	}
	s.Fault(mirrortest.Always("*.p/*", mirrortest.Status(404)), mirrortest.Always("*/lookup/*unknown*", mirrortest.Status(404)))
	for _, requests := range []int{1, 0} {
		ask("/lookup/"+f.All()[0].Path+"@"+f.All()[0].Version.Version, 200, forGood, 0)
		ask("/tile/8/0/000", 200, forGood, requests)
		ask("/tile/8/0/000.p/200", 404, "no-store", 1)
		ask("/lookup/example.test/unknown@v1.0.0", 404, "no-store", 1)
		ask("/latest", 200, brief, 1)
	}
	s.Close()
	ask("/tile/8/0/000", 200, forGood, 0)
	ask("/lookup/"+f.All()[7].Path+"@"+f.All()[7].Version.Version, 200, forGood, 0)
}

// What one go command asked for, the next one gets without a mirror and without the
// database, verified by both.
func TestCorner15WhatIsHereNeedsNoMirror(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m@v1.0.0", "example.test/m@v1.1.0")
	db := mirrortest.NewSumDB(t, f)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
	b := open(t, unsummed(t, f, db.Key), s.URL)
	for i := range 2 {
		dir := t.TempDir()
		fetchtest.Write(t, filepath.Join(dir, "go.mod"), "module example.test/new\n\ngo 1.21\n")
		// One module: with two, which tiles prove them depends on which one was asked for
		// first.
		out, err := b.gocmd(dir, nil, "get", "example.test/m@latest")
		if err != nil || !strings.Contains(out, "added example.test/m v1.1.0") {
			t.Fatalf("%d: %v\n%s", i, err, out)
		}
		sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
		if err != nil || !strings.Contains(string(sum), f.Get("example.test/m", "v1.1.0").ZipSum) {
			t.Errorf("%d: %v\n%s", i, err, sum)
		}
		s.Close()
	}
}
