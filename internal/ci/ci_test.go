package ci

import (
	"path/filepath"
	"testing"
)

func TestDetect(t *testing.T) {
	t.Parallel()
	abs := func(name string) string {
		dir, err := filepath.Abs(filepath.FromSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	build, home := abs("/build"), abs("/home/me")
	for _, test := range []struct {
		name             string
		env              map[string]string
		system, checkout string
		store, reports   string // below the checkout
	}{
		{name: "a person's machine", env: map[string]string{"WORKSPACE": build}},
		{name: "some CI system", env: map[string]string{"CI": "true", "CI_WORKSPACE": build}},
		{name: "GitHub", env: map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": build}, system: "GitHub", checkout: build, store: "gha"},
		{name: "GitLab", env: map[string]string{"GITLAB_CI": "true", "CI_PROJECT_DIR": build}, system: "GitLab", checkout: build, store: ".modferry/cache", reports: ".modferry/reports"},
		{name: "Jenkins", env: map[string]string{"JENKINS_URL": "https://j.example.test/", "WORKSPACE": build}, system: "Jenkins", checkout: build, reports: ".modferry/reports"},
		{name: "Jenkins without an address", env: map[string]string{"JENKINS_HOME": "/var/lib/jenkins", "WORKSPACE": build}, system: "Jenkins", checkout: build, reports: ".modferry/reports"},
		{name: "Jenkins outside of a job", env: map[string]string{"JENKINS_HOME": "/var/lib/jenkins"}, system: "Jenkins"},
		{name: "Buildkite", env: map[string]string{"BUILDKITE": "true", "BUILDKITE_BUILD_CHECKOUT_PATH": build}, system: "Buildkite", checkout: build, reports: ".modferry/reports"},
		{name: "CircleCI", env: map[string]string{"CIRCLECI": "true", "CIRCLE_WORKING_DIRECTORY": "~/project", "HOME": home}, system: "CircleCI", checkout: filepath.Join(home, "project"), store: ".modferry/cache", reports: ".modferry/reports"},
		{name: "CircleCI without a home", env: map[string]string{"CIRCLECI": "true", "CIRCLE_WORKING_DIRECTORY": "~/project"}, system: "CircleCI"},
		{name: "Azure Pipelines", env: map[string]string{"TF_BUILD": "True", "BUILD_SOURCESDIRECTORY": build}, system: "Azure Pipelines", checkout: build, store: ".modferry/cache", reports: ".modferry/reports"},
		{name: "Bitbucket", env: map[string]string{"BITBUCKET_BUILD_NUMBER": "7", "BITBUCKET_CLONE_DIR": build}, system: "Bitbucket Pipelines", checkout: build, store: ".modferry/cache", reports: ".modferry/test-results"},
		{name: "Woodpecker", env: map[string]string{"CI": "woodpecker", "CI_WORKSPACE": build}, system: "Woodpecker", checkout: build, reports: ".modferry/reports"},
		{name: "Drone", env: map[string]string{"CI": "true", "DRONE": "true", "DRONE_WORKSPACE": build}, system: "Drone", checkout: build, reports: ".modferry/reports"},
		{name: "a relative directory", env: map[string]string{"DRONE": "true", "DRONE_WORKSPACE": "build"}, system: "Drone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			j := Detect(func(name string) string { return test.env[name] })
			below := func(dir string) string {
				if dir == "" || dir == "gha" {
					return dir
				}
				return filepath.Join(test.checkout, filepath.FromSlash(dir))
			}
			store := below(test.store)
			if store != "" && store != "gha" {
				store = "dir:" + store
			}
			if j.Name != test.system || j.Checkout != test.checkout || j.Store() != store || j.Reports() != below(test.reports) {
				t.Errorf("got %q in %q with store %q and reports %q", j.Name, j.Checkout, j.Store(), j.Reports())
			}
		})
	}
}
