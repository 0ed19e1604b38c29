package sums_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/sums"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fixtures(t *testing.T, paths ...string) *mirrortest.Fixtures {
	var all []mirrortest.Module
	for _, p := range paths {
		all = append(all, mirrortest.Module{Path: p, Version: "v1.0.0", Size: 200})
	}
	return mirrortest.Build(t, all...)
}

// asker asks a session's databases.
type asker struct {
	t *testing.T
	*sums.Sums
	mu  sync.Mutex
	log []string
}

func open(t *testing.T, f *mirrortest.Fixtures, gosumdb, added, proxy string) *asker {
	t.Helper()
	a := &asker{t: t}
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	b.Env["GOSUMDB"], b.Env["GONOSUMDB"] = gosumdb, "corp.test"
	b.Values.SumDBs, b.Values.Retries = added, 1
	b.Options.Log = func(line string) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.log = append(a.log, line)
	}
	s, err := b.Open(proxy)
	if err != nil {
		t.Fatal(err)
	}
	if a.Sums, err = sums.New(t.Context(), s, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Close()
		for _, h := range s.Chain.Hops {
			h.Close()
		}
	})
	return a
}

// find returns the hash, or why there is none.
func (a *asker) find(path string) (string, error) {
	a.t.Helper()
	m, why, err := a.Find(a.t.Context(), module.Version{Path: path, Version: "v1.0.0"}, report.KindZip)
	return m.Zip + why, err
}

func (a *asker) signed() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(a.log), func(l string) bool { return !strings.Contains(l, "is signed by") })
}

// While a database changes its key, either one counts, and the log says which one it
// was. The log of records goes on.
func TestTwoKeysAreValidWhileTheyChange(t *testing.T) {
	t.Parallel()
	f := fixtures(t, "a.test/m", "b.test/m")
	before, after := mirrortest.NewSumDB(t, f), mirrortest.NewSumDB(t, f)
	var now atomic.Pointer[mirrortest.SumDB]
	now.Store(before)
	s := mirrortest.Start(t, mirrortest.Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { now.Load().ServeHTTP(w, r) })})
	a := open(t, f, before.Key+" "+s.URL, after.Key, "off")
	both := []string{"a.test/m", "b.test/m"}
	for i, db := range []*mirrortest.SumDB{before, after} {
		now.Store(db)
		if i == 1 { // its log begins with the same record
			open(t, f, db.Key+" "+s.URL, "", "off").find(both[0])
		}
		if got, err := a.find(both[i]); err != nil || got != f.Get(both[i], "v1.0.0").ZipSum {
			t.Errorf("%s: %q, %v", both[i], got, err)
		}
		hash := strings.Split(db.Key, "+")[1]
		if said := a.signed(); len(said) != i+1 || !strings.Contains(said[i], "sum.example.test+"+hash) {
			t.Errorf("the log says %q, want the key %s", said, hash)
		}
	}
	old := open(t, f, before.Key+" "+s.URL, "", "off")
	if got, err := old.find("a.test/m"); failure.As(err) == nil || failure.As(err).Class != failure.HashMismatch {
		t.Errorf("without the new key: %q, %v", got, err)
	}
}

// A private database is told of its own modules, though GONOSUMDB keeps them from that
// of GOSUMDB, and that one of all others.
func TestADatabaseForPatterns(t *testing.T) {
	t.Parallel()
	f := fixtures(t, "corp.test/m", "a.test/m")
	public, private := mirrortest.NewSumDB(t, f), mirrortest.NewSumDBNamed(t, f, "sum.corp.test")
	ours, theirs := mirrortest.Start(t, mirrortest.Options{Handler: private}), mirrortest.Start(t, mirrortest.Options{Handler: public})
	a := open(t, f, public.Key+" "+theirs.URL, "corp.test "+private.Key+" "+ours.URL, "off")
	for _, path := range []string{"corp.test/m", "a.test/m"} {
		if got, err := a.find(path); err != nil || got != f.Get(path, "v1.0.0").ZipSum {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if n, m := theirs.Count("*corp.test*"), ours.Count("*a.test*"); n+m != 0 {
		t.Errorf("the wrong database was told of %d and %d modules", n, m)
	}
	main, err := a.Database(public.Name)
	if err != nil {
		t.Fatal(err)
	}
	corp, err := a.Database("sum.corp.test")
	if err != nil {
		t.Fatal(err)
	}
	if !a.Hidden(main, "corp.test/m") || a.Hidden(corp, "corp.test/m") || a.Hidden(main, "a.test/m") {
		t.Error("the wrong names are kept from a database")
	}
	without := open(t, f, public.Key+" "+theirs.URL, "", "off")
	if got, err := without.find("corp.test/m"); err != nil || !strings.Contains(got, "GONOSUMDB") {
		t.Errorf("without the setting: %q, %v", got, err)
	}
}

// A mirror that served the database and fails is left for the next place, where the
// chain allows that.
func TestADatabaseOutlivesTheMirrorThatServedIt(t *testing.T) {
	t.Parallel()
	f := fixtures(t, "a.test/m", "b.test/m")
	db := mirrortest.NewSumDB(t, f)
	for _, separator := range []string{"|", ","} {
		t.Run(separator, func(t *testing.T) {
			t.Parallel()
			first := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
			second := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
			a := open(t, f, db.Key, "", first.URL+separator+second.URL)
			if got, err := a.find("a.test/m"); err != nil || got != f.Get("a.test/m", "v1.0.0").ZipSum {
				t.Fatalf("%q, %v", got, err)
			}
			if n := second.Count(""); n != 0 {
				t.Fatalf("the second mirror was asked %d times", n)
			}
			first.Fault(mirrortest.Always("", mirrortest.Status(500)))
			got, err := a.find("b.test/m")
			if right := got == f.Get("b.test/m", "v1.0.0").ZipSum; err != nil || right != (separator == "|") {
				t.Errorf("with a mirror that fails: %q, %v", got, err)
			}
		})
	}
}

// What a database said outlives the session that asked, and the database.
func TestWhatADatabaseSaidIsInherited(t *testing.T) {
	t.Parallel()
	f := fixtures(t, "a.test/m", "b.test/m")
	db, other := mirrortest.NewSumDB(t, f), mirrortest.NewSumDB(t, f)
	itself := mirrortest.Start(t, mirrortest.Options{Handler: db})
	before := open(t, f, db.Key+" "+itself.URL, "", "off")
	want, err := before.find("a.test/m")
	if err != nil || want != f.Get("a.test/m", "v1.0.0").ZipSum {
		t.Fatalf("%q, %v", want, err)
	}
	itself.Fault(mirrortest.Always("", mirrortest.Status(500)))
	for _, tt := range []struct {
		key, path string
		known     bool
	}{
		{db.Key, "a.test/m", true},
		{db.Key, "b.test/m", false},
		{other.Key, "a.test/m", false},
	} {
		after := open(t, f, tt.key+" "+itself.URL, "", "off")
		after.Inherit(before.Sums)
		if got, err := after.find(tt.path); err != nil || (got == want) != tt.known {
			t.Errorf("%s with %s: %q, %v", tt.path, tt.key, got, err)
		}
	}
}
