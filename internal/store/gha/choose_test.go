package gha_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/gha"
)

func TestTheEnvironmentLeadsToTheService(t *testing.T) {
	t.Parallel()
	const (
		token   = "ACTIONS_RUNTIME_TOKEN=header.payload.signature"
		results = "ACTIONS_RESULTS_URL=https://results-receiver.actions.githubusercontent.com/some/base/"
		cache   = "ACTIONS_CACHE_URL=https://cache.example.test/secret/"
		other   = "ACTIONS_RESULTS_URL=http://results.example.test:8080/"
		github  = "GITHUB_SERVER_URL=https://github.com"
		ghes    = "GITHUB_SERVER_URL=https://ghes.example.test"
		job     = "GITHUB_ACTIONS=true"
		flag    = "ACTIONS_CACHE_SERVICE_V2=True"

		v2      = "gha:v2 at https://results-receiver.actions.githubusercontent.com"
		v2other = "gha:v2 at http://results.example.test:8080"
		v1      = "gha:v1 at https://cache.example.test"
	)
	for _, tt := range []struct {
		name     string
		env      []string
		protocol string
		want     string // "" an error
		says     string
	}{
		{"a container action on github.com has no flag", []string{job, token, results, github}, "", v2, ""},
		{"the flag means v2", []string{job, token, other, cache, flag, github}, "", v2other, ""},
		{"an enterprise server has v1 alone, whatever the flag says", []string{job, token, results, cache, flag, ghes}, "", v1, ""},
		{"ghe.com is no enterprise server", []string{job, token, "ACTIONS_RESULTS_URL=https://results.corp.ghe.com/", cache, "GITHUB_SERVER_URL=https://corp.ghe.com"}, "", "gha:v2 at https://results.corp.ghe.com", ""},
		{"localhost is no enterprise server", []string{job, token, other, cache, flag, "GITHUB_SERVER_URL=http://github.localhost"}, "", v2other, ""},
		{"without a server it is github.com", []string{job, token, results}, "", v2, ""},
		{"the server's name is compared regardless of case", []string{job, token, results, cache, "GITHUB_SERVER_URL=https://GitHub.com"}, "", v2, ""},
		{"act's results service is for artifacts", []string{job, token, other, cache, github, "ACT=true"}, "", v1, ""},
		{"act with a v2 service and the flag", []string{job, token, other, cache, github, "ACT=true", flag}, "", v2other, ""},
		{"act needs no token for v1", []string{job, cache, github, "ACT=true"}, "", v1, ""},
		{"Gitea has v1", []string{job, token, results, cache, github, "GITEA_ACTIONS=true"}, "", v1, ""},
		{"Forgejo has v1", []string{job, token, results, cache, github, "FORGEJO_ACTIONS=true"}, "", v1, ""},
		{"an unknown results service gives way to v1", []string{job, token, other, cache, github}, "", v1, ""},
		{"an unknown results service alone is tried with v2", []string{job, token, other, github}, "", v2other, ""},
		{"GitHub's own results service comes before v1", []string{job, token, results, cache, github}, "", v2, ""},
		{"a host that ends like GitHub's is not GitHub's", []string{job, token, "ACTIONS_RESULTS_URL=https://evilactions.githubusercontent.com/", cache}, "", v1, ""},

		{"v1 can be demanded", []string{job, token, results, cache, flag, github}, "v1", v1, ""},
		{"v2 can be demanded", []string{job, token, other, cache, ghes}, "v2", v2other, ""},
		{"other protocols cannot", []string{job, token, other, cache}, "v3", "", `found "v3", expected "v1", "v2" or nothing`},

		{"outside of a job there is none", nil, "", "", "outside a job of GitHub Actions (ACTIONS_RUNTIME_TOKEN is not set)"},
		{"a run: step has no token", []string{job, github}, "", "", "ACTIONS_RUNTIME_TOKEN is not set, which a job gives to actions but not to run: steps"},
		{"v2 on demand needs the token, too", []string{job, results, github}, "v2", "", "ACTIONS_RUNTIME_TOKEN is not set"},
		{"act needs the token for v2", []string{job, cache, other, "ACT=true", flag}, "", "", "ACTIONS_RUNTIME_TOKEN is not set"},
		{"an enterprise server may have no cache service", []string{job, token, results, ghes}, "", "", "ACTIONS_CACHE_URL is not set: https://ghes.example.test is not github.com"},
		{"github.com without its service", []string{job, token, github}, "", "", "ACTIONS_RESULTS_URL is not set"},
		{"v1 on demand without its service", []string{job, token, results, github}, "v1", "", "ACTIONS_CACHE_URL is not set, which leads to the cache service v1"},
		{"a results URL that is none", []string{job, token, "ACTIONS_RESULTS_URL=results.example.test", github}, "", "", "ACTIONS_RESULTS_URL is no URL of a server"},
		{"a cache URL that is none", []string{job, token, "ACTIONS_CACHE_URL=%zz", ghes}, "", "", "ACTIONS_CACHE_URL is no URL of a server"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st, err := gha.Open(gha.Options{Protocol: tt.protocol, Getenv: func(name string) string {
				for _, v := range tt.env {
					if value, ok := strings.CutPrefix(v, name+"="); ok {
						return value
					}
				}
				return ""
			}})
			if tt.want == "" {
				says(t, err, tt.says)
				if tt.protocol != "v3" && !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("%v is not store.ErrUnavailable", err)
				}
				return
			}
			if err != nil || st.String() != tt.want {
				t.Errorf("got %v, %v; expected %s", st, err, tt.want)
			}
		})
	}
}

func TestWithoutOptionsThereIsNoService(t *testing.T) {
	t.Parallel()
	if _, err := gha.Open(gha.Options{}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, expected store.ErrUnavailable", err)
	}
}
