package relay_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// Offline, the relay answers from directories and says of all else that it is offline:
// no mirror is asked, and not the database either, which it serves all the same, so
// that go commands do not ask it themselves.
func TestOfflineNobodyIsAsked(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m", "corp.test/private", "example.test/absent")
	db := mirrortest.NewSumDB(t, f)
	long := filepath.Join(t.TempDir(), strings.Repeat("proxy", 16)) // errors name it twice
	dir := modules(t, "example.test/m", "corp.test/private").WriteProxy(t, long)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
	b := unsummed(t, f, db.Key+" "+s.URL+"/sumdb/"+db.Name)
	b.Env["GOPRIVATE"], b.Env["GONOPROXY"], b.Env["GONOSUMDB"] = "corp.test", "corp.test", "corp.test"
	b.Values.Offline = true
	network := new(mirrortest.Network)
	network.NoSuchHost(db.Name)
	b.Options.Dial = network.DialContext
	o := open(t, b, s.URL+","+dir+",direct")
	for path, want := range map[string]int{
		"/example.test/m/@v/v1.0.0.zip":                          200,
		"/example.test/m/@v/list":                                200,
		"/corp.test/private/@v/v1.0.0.zip":                       200,
		"/example.test/absent/@v/v1.0.0.zip":                     404,
		"/example.test/absent/@v/list":                           404,
		"/sumdb/" + db.Name + "/supported":                       200,
		"/sumdb/" + db.Name + "/lookup/example.test/m@v1.0.0":    404,
		"/sumdb/" + db.Name + "/lookup/corp.test/private@v1.0.0": 404,
	} {
		resp, body := o.get(path)
		if resp.StatusCode != want {
			t.Errorf("%s: %s", path, describe(resp, body))
		}
		if resp.StatusCode == http.StatusNotFound && !strings.Contains(path, "corp.test") && !strings.Contains(body, "offline: only the module cache and the file:// mirrors") {
			t.Errorf("%s does not say why: %s", path, body)
		}
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests to a mirror", n)
	}
	if out, err := o.gocmd(t.TempDir(), []string{"GOSUMDB=" + db.Key, "GONOSUMDB=*"}, "list", "-m", "-versions", "example.test/m"); err != nil || !strings.Contains(out, "example.test/m v1.0.0") {
		t.Errorf("%v\n%s", err, out)
	}
}
