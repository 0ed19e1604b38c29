package relay_test

import (
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// outcome is how a download ended: "ok", "direct" when the go command went on to
// version control, "stopped" otherwise.
func outcome(out string, err error) string {
	switch {
	case err == nil:
		return "ok"
	case strings.Contains(out, "?go-get=1"):
		return "direct"
	}
	return "stopped"
}

// With the relay the go command ends as without it, whatever the mirrors of a chain do:
// but for wrong bytes, which end it, and which the relay takes from the next mirror.
func TestCorner03ChainsEndAsWithoutTheRelay(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	lie := f.With(mirrortest.Corrupt(t, mirrortest.Module{Path: "example.test/m", Version: "v1.0.0", Size: 2000}, mirrortest.OtherContent))
	mirrors := map[string]string{
		"right":   mirrortest.Start(t, mirrortest.Options{Fixtures: f}).URL,
		"wrong":   mirrortest.Start(t, mirrortest.Options{Fixtures: lie}).URL,
		"refused": "http://" + mirrortest.Refused(t),
	}
	for name, status := range map[string]int{"404": 404, "403": 403, "500": 500} {
		mirrors[name] = mirrortest.Start(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("", mirrortest.Status(status))}}).URL
	}
	nobody := "HTTPS_PROXY=http://" + mirrortest.Refused(t) // where version control would be
	v := module.Version{Path: "example.test/m", Version: "v1.0.0"}
	for first, a := range mirrors {
		for second, b := range mirrors {
			if first == second && first != "404" {
				continue
			}
			for _, form := range []string{"A,B|direct", "A|B,direct"} {
				t.Run(strings.NewReplacer("A", first, "B", second).Replace(form), func(t *testing.T) {
					t.Parallel()
					chain := strings.NewReplacer("A", a, "B", b).Replace(form)
					at := open(t, fetchtest.New(t, f, mirrortest.Checkout{Require: []module.Version{v}}), chain)
					out, err := at.gocmd(at.Dir, []string{"GOPROXY=" + chain, nobody}, "mod", "download")
					without := outcome(out, err)
					said, err := at.gocmd(at.Dir, []string{nobody}, "mod", "download")
					with := outcome(said, err)
					if with == without || with == "ok" && strings.Contains(out, "checksum mismatch") {
						return
					}
					t.Errorf("%s, without the relay %s\n%s\nwithout:\n%s", with, without, said, out)
				})
			}
		}
	}
}
