package examples

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/goccy/go-yaml"
	"github.com/rhysd/actionlint"

	"github.com/modferry/modferry/internal/settings"
)

// goproxy is GOPROXY of a go command that reaches the relay by its name.
const goproxy = "http://modferry:" + port + ",direct"

func compose(text []byte) (*types.Project, error) {
	return loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  ".",
		ConfigFiles: []types.ConfigFile{{Filename: "docker-compose.yml", Content: text}},
	}, func(o *loader.Options) { o.SetProjectName("example", true) })
}

func TestDockerComposeAcceptsTheFile(t *testing.T) {
	t.Parallel()
	text := example(t, "docker-compose.yml")
	project, err := compose(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := compose(bytes.Replace(text, []byte("healthcheck:"), []byte("healthchecks:"), 1)); err == nil {
		t.Error("an unknown field is not refused")
	}
	relay, build := project.Services["modferry"], project.Services["build"]
	if relay.Image != image || strings.Join(relay.Command, " ") != "modferry serve" || value(relay, "MODFERRY_LISTEN") != ":"+port || !relay.ReadOnly {
		t.Errorf("the relay is %s, %q at %s", relay.Image, relay.Command, value(relay, "MODFERRY_LISTEN"))
	}
	if h := relay.HealthCheck; h == nil || strings.Join(h.Test, " ") != "CMD modferry serve --check" || build.DependsOn["modferry"].Condition != "service_healthy" {
		t.Error("the build does not wait for the relay")
	}
	if value(build, "GOPROXY") != goproxy || value(build, "NO_PROXY") != "modferry" {
		t.Errorf("the build has GOPROXY %s and NO_PROXY %s", value(build, "GOPROXY"), value(build, "NO_PROXY"))
	}
}

// value is a variable of a service.
func value(s types.ServiceConfig, name string) string {
	if v := s.Environment[name]; v != nil {
		return *v
	}
	return ""
}

func TestActionlintAcceptsTheWorkflow(t *testing.T) {
	t.Parallel()
	text := example(t, "github-services.yml")
	lint := func(text []byte) []*actionlint.Error {
		l, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		found, err := l.Lint("workflow.yml", text, nil)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for _, e := range lint(text) {
		t.Error(e)
	}
	if len(lint(bytes.Replace(text, []byte("services:"), []byte("service:"), 1))) == 0 {
		t.Error("an unknown key is not found")
	}
	var workflow struct {
		Jobs map[string]struct {
			Container string
			Services  map[string]struct {
				Image, Options string
				Env            map[string]string
				Ports          []string
			}
			Env map[string]string
		}
	}
	if err := yaml.Unmarshal(text, &workflow); err != nil {
		t.Fatal(err)
	}
	for name, job := range workflow.Jobs {
		s := job.Services["modferry"]
		if s.Image != image || s.Env["MODFERRY_LISTEN"] != ":"+port || !strings.HasPrefix(s.Options, `--entrypoint modferry-serve --health-cmd "modferry serve --check" `) {
			t.Errorf("%s: the service is %+v", name, s)
		}
		if job.Container != "" && job.Env["GOPROXY"] == goproxy && job.Env["NO_PROXY"] == "modferry" {
			continue // by its name
		}
		if job.Container != "" || job.Env["GOPROXY"] != "http://localhost:"+port+",direct" || !slices.Contains(s.Ports, port+":"+port) {
			t.Errorf("%s: the service is not where GOPROXY is, %s", name, job.Env["GOPROXY"])
		}
	}
}

func TestTheJobForGitLabReachesItsService(t *testing.T) {
	t.Parallel()
	var pipeline struct {
		Test struct {
			Image    string
			Services []struct {
				Name, Alias string
				Command     []string
			}
			Variables map[string]string
			Script    []string
		}
	}
	if err := yaml.UnmarshalWithOptions(example(t, "gitlab-services.yml"), &pipeline, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	job := pipeline.Test
	if len(job.Services) != 1 || job.Services[0].Name != image || job.Services[0].Alias != "modferry" || strings.Join(job.Services[0].Command, " ") != "modferry serve" {
		t.Errorf("the services are %+v", job.Services)
	}
	if v := job.Variables; v["MODFERRY_LISTEN"] != ":"+port || v["GOPROXY"] != goproxy || v["NO_PROXY"] != "modferry" || job.Image == "" || len(job.Script) == 0 {
		t.Errorf("the variables are %v", v)
	}

	// The service has the variables of the job.
	job.Variables["TMPDIR"] = t.TempDir()
	asked, _ := get(t, "http://"+serve(t, job.Variables)+"/metrics")
	if !strings.Contains(asked, "modferry_mirror_up{") || strings.Contains(asked, `mirror="http://modferry`) {
		t.Errorf("the relay asks itself, or nobody:\n%s", asked)
	}
}

// An argument that a stage does not name is not there.
func TestTheDockerfileTakesTheRelayAsAnArgument(t *testing.T) {
	t.Parallel()
	text := string(example(t, "Dockerfile"))
	if !regexp.MustCompile(`(?s)\nFROM golang:\S+ AS build\n.*\nARG GOPROXY\n.*\nRUN go mod download\n`).MatchString(text) {
		t.Error("GOPROXY is no argument of the step that downloads")
	}
	for _, want := range []string{"--add-host modferry:host-gateway", "--build-arg GOPROXY=" + goproxy, "--build-arg NO_PROXY=modferry",
		"-e MODFERRY_LISTEN=:" + port + " -p 172.17.0.1:" + port + ":" + port} {
		if !strings.Contains(text, want) {
			t.Errorf("the commands lack %s", want)
		}
	}
}

// Whatever the examples and the pages about them name is there.
func TestExamplesNameSettingsFlagsPortAndImageThatThereAre(t *testing.T) {
	t.Parallel()
	help, err := exec.Command(binary, "serve", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil || !strings.Contains(string(ours), "\nEXPOSE "+port+"\n") {
		t.Errorf("the image does not expose the port %s: %v", port, err)
	}
	variables := map[string]bool{settings.RelayToken: true}
	for _, s := range settings.Table() {
		if slices.Contains(s.Commands, "serve") {
			variables[s.Env()] = true
		}
		if s.Name == "listen" && !strings.HasSuffix(s.Default, ":"+port) {
			t.Errorf("a server listens at %s if not told otherwise", s.Default)
		}
	}
	texts := all(t)
	for _, page := range []string{"relay.md", "relay.zh-CN.md"} {
		text, err := os.ReadFile(filepath.Join(root, "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		blocks := regexp.MustCompile("(?s)```.*?```").FindAllString(string(text), -1)
		texts[page] = strings.Join(blocks, "\n")
	}
	for name, text := range texts {
		for _, m := range regexp.MustCompile(`MODFERRY_[A-Z][A-Z_]*`).FindAllString(text, -1) {
			if !variables[m] && !strings.HasPrefix(name, "relay.") { // which are also about exec
				t.Errorf("%s names %s, which is no setting of serve", name, m)
			}
		}
		for _, m := range regexp.MustCompile(`modferry,? serve(?:,? --[a-z-]+)+`).FindAllString(text, -1) {
			for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(m, -1) {
				if !regexp.MustCompile(regexp.QuoteMeta(flag) + `\b`).Match(help) {
					t.Errorf("%s: serve has no flag %s", name, flag)
				}
			}
		}
		for _, m := range regexp.MustCompile(`ghcr\.io/modferry/modferry\S*`).FindAllString(text, -1) {
			if m != image && !strings.HasPrefix(name, "relay.") {
				t.Errorf("%s names the image %s, others %s", name, m, image)
			}
		}
		for _, m := range regexp.MustCompile(`http://[a-z0-9.]+:(\d+)`).FindAllStringSubmatch(text, -1) {
			if m[1] != port {
				t.Errorf("%s: %s is not the port %s", name, m[0], port)
			}
		}
	}
}

// The page about relays leads to every example.
func TestEveryExampleIsLinked(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docs", "relay.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range all(t) {
		if !strings.Contains(string(text), "](examples/"+name+")") {
			t.Errorf("docs/relay.md has no link to %s", name)
		}
	}
}
