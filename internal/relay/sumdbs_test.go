package relay_test

import (
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// The relay serves each database of the settings by its name, tells each only of
// modules that are its own, and verifies what the go command does not: it knows one
// database.
func TestTheRelayServesEveryDatabaseOfTheSettings(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m", "corp.test/m")
	m := mirrortest.Module{Path: "corp.test/m", Version: "v1.0.0", Size: 2000}
	public, private := mirrortest.NewSumDB(t, f), mirrortest.NewSumDBNamed(t, f, "sum.corp.test")
	theirs, ours := mirrortest.Start(t, mirrortest.Options{Handler: public}), mirrortest.Start(t, mirrortest.Options{Handler: private})
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f.With(mirrortest.Corrupt(t, m, mirrortest.OtherContent))})
	b := unsummed(t, f, public.Key+" "+theirs.URL)
	b.Env["GONOSUMDB"] = "corp.test"
	b.Values.SumDBs = "corp.test " + private.Key + " " + ours.URL
	o := open(t, b, s.URL)
	for path, want := range map[string]int{
		"/sumdb/" + public.Name + "/supported":                    200,
		"/sumdb/" + private.Name + "/supported":                   200,
		"/sumdb/sum.other.test/supported":                         404,
		"/sumdb/" + public.Name + "/lookup/example.test/m@v1.0.0": 200,
		"/sumdb/" + public.Name + "/lookup/corp.test/m@v1.0.0":    404,
		"/sumdb/" + private.Name + "/lookup/corp.test/m@v1.0.0":   200,
		"/example.test/m/@v/v1.0.0.zip":                           200,
		"/corp.test/m/@v/v1.0.0.mod":                              200,
		"/corp.test/m/@v/v1.0.0.zip":                              502, // other bytes than the private database names
	} {
		resp, body := o.get(path)
		if resp.StatusCode != want || resp.Header.Get("X-Modferry-Verified") == "no" {
			t.Errorf("%s: %.200s", path, strings.ToValidUTF8(describe(resp, body), "?"))
		}
	}
	if n := theirs.Count("*corp.test*"); n != 0 {
		t.Errorf("the public database was told %d private names", n)
	}
}
