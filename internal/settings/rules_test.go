package settings_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/settings"
)

func TestRulesNameMirrorsOfTheList(t *testing.T) {
	t.Parallel()
	const config = `proxy:
  - {name: artifactory, url: 'https://user:secret@corp.example.test/go/', region: eu}
  - https://mirror.example.test
rules:
  - modules: [git.corp.test, '*.corp.test']
    mirrors: artifactory
  - modules: open.test, other.test/x
    mirrors: [https://MIRROR.example.test/, https://corp.example.test/go, public]
  - modules: bad.test
    mirrors: off
profiles:
  dev:
    rules:
      - {modules: '*', mirrors: none}
  ci:
    proxy: [{name: artifactory, url: https://ci.example.test}]
`
	corp := "https://user:secret@corp.example.test/go/"
	all := func(artifactory string, more ...string) []settings.RuleConfig {
		return []settings.RuleConfig{
			{Modules: "git.corp.test,*.corp.test", Mirrors: []string{artifactory}, Source: "file .modferry.yaml:5"},
			{Modules: "open.test,other.test/x", Mirrors: append(more, settings.PublicMirrors), Source: "file .modferry.yaml:7"},
			{Modules: "bad.test", Source: "file .modferry.yaml:9"},
		}
	}
	for _, tt := range []struct {
		name  string
		flags map[string]string
		want  []settings.RuleConfig
	}{
		{"by name and by URL, whatever its credentials", nil, all(corp, "https://mirror.example.test", corp)},
		{"a profile's rules replace them", map[string]string{"profile": "dev"}, []settings.RuleConfig{{Modules: "*", Source: "file .modferry.yaml:14"}}},
		{"a name means a profile's mirror", map[string]string{"profile": "ci"}, all("https://ci.example.test", "https://MIRROR.example.test/", "https://corp.example.test/go")},
		{"they hold beside --proxy", map[string]string{"proxy": "https://x.example.test"}, all(corp, "https://mirror.example.test", corp)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := resolve(tt.flags, nil, files{".modferry.yaml": config})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, v.Rules); diff != "" {
				t.Errorf("rules (-want +got)\n%s", diff)
			}
		})
	}
}
