package session_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

// What the checkout's file says wrongly is told of that file, not of the go command's.
func TestAMistakeOfTheCheckoutIsToldOfItsFile(t *testing.T) {
	t.Parallel()
	for check, config := range map[string]string{
		"goproxy-scheme":    "proxy: htps:/mirror.example.test/go,direct\n",
		"pattern-malformed": "private: \"*.example.[t\"\n",
	} {
		t.Run(check, func(t *testing.T) {
			t.Parallel()
			b := fetchtest.New(t, mirrortest.Generate(t, 1, 100), mirrortest.Checkout{})
			fetchtest.Write(t, filepath.Join(b.Dir, ".modferry.yaml"), config)
			v, err := settings.Resolve(map[string]string{"dir": b.Dir}, func(string) string { return "" }, settings.Disk{})
			if err != nil {
				t.Fatal(err)
			}
			env := goenv.Env{"GOSUMDB": {Value: "off", Source: "test"}, "GOPROXY": {Value: "off", Source: "go.env of GOROOT"}, "GOMODCACHE": {Value: b.ModCache, Source: "test"}}
			_, err = session.Open(v, env, b.Options)
			if err == nil || !strings.Contains(err.Error(), ".modferry.yaml:1)") || strings.Contains(err.Error(), "go.env") {
				t.Errorf("the error is %v", err)
			}
			for _, f := range session.OpenForDoctor(v, env, nil, b.Options).Findings {
				if f.Severity == finding.Error && strings.Contains(f.Source, ".modferry.yaml:1") {
					return
				}
			}
			t.Error("the doctor does not say so")
		})
	}
}
