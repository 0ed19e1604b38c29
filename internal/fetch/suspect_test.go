package fetch_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

func TestAMirrorWithoutAnyFileMakesItsURLSuspect(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 100)
	const advice = "check the mirror's URL"
	for _, test := range []struct {
		name, path, end string
		rules           []mirrortest.Rule
		told            bool
	}{
		{"the repository's path is missing", "/artifactory/api/go", "", nil, true},
		{"and the go command is left to ask version control", "/artifactory/api/go", ",direct", nil, true},
		{"one file is there", "/artifactory/api/go/virtual", "", []mirrortest.Rule{{Path: "*", Match: func(r *http.Request) bool { return !strings.Contains(r.URL.Path, "m000") }, Do: mirrortest.Status(404)}}, false},
		{"it answers in other ways, too", "/artifactory/api/go/virtual", "", []mirrortest.Rule{mirrortest.Always("*.zip", mirrortest.Status(403)), mirrortest.Always("*", mirrortest.Status(404))}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Base: "/artifactory/api/go/virtual", Faults: test.rules})
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			r := b.Run("http://" + s.Addr + test.path + test.end)
			if got := strings.Contains(r.Mirrors[0].Reason, advice); got != test.told {
				t.Errorf("remark %q, told %v; want %v", r.Mirrors[0].Reason, got, test.told)
			}
			for _, m := range r.Modules {
				if got := strings.Contains(m.Message, advice); got != test.told && m.Source != report.FromMirror {
					t.Errorf("%s: %q, told %v; want %v", m.Path, m.Message, got, test.told)
				}
				if test.end != "" && m.Class != failure.OnlyDirect {
					t.Errorf("%s: class %q, want %q", m.Path, m.Class, failure.OnlyDirect)
				}
			}
		})
	}
}
