package doctor

import (
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// Who writes nothing at all in mainland China has the one mirror that cannot be
// reached there.
func TestTheDefaultMirrorsRemedyInChinaIsTold(t *testing.T) {
	t.Parallel()
	standard := strings.TrimSuffix(goenv.DefaultProxy, ",direct")
	for _, test := range []struct {
		name   string
		url    string
		class  failure.Class
		choice session.Choice
		want   bool
	}{
		{"the default", standard, failure.ConnectTimeout, session.Configured, true},
		{"another mirror", "https://a.test", failure.ConnectTimeout, session.Configured, false},
		{"an answer", standard, failure.NotFound, session.Configured, false},
		{"the forward proxy is down", standard, failure.ProxyConnect, session.Configured, false},
		{"it is said already", standard, failure.ConnectTimeout, session.CN, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := examination{&session.Session{Choice: test.choice}}
			found := e.mirrors(&report.Result{Mirrors: []report.Mirror{{URL: test.url, State: report.Failing, Class: test.class}}})
			if len(found) != 1 || strings.Contains(found[0].Fix, "--mirrors cn") != test.want {
				t.Errorf("found %+v", found)
			}
		})
	}
}
