package github

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// publisher runs the scripts of the job publish against a repository of its own. gh
// and docker are scripts that keep what they were told in files.
type publisher struct {
	t      *testing.T
	origin string // the repository that is pushed to
	dir    string // gh's releases, docker's tags
	steps  []string
}

func newPublisher(t *testing.T) *publisher {
	t.Helper()
	for _, program := range []string{"bash", "git", "jq", "sed"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	p := &publisher{t: t, origin: filepath.Join(t.TempDir(), "origin.git"), dir: t.TempDir()}
	data, err := os.ReadFile("../../.github/workflows/release.yml")
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs struct {
			Publish struct {
				Steps []struct{ Run string }
			}
		}
	}
	if err := yaml.Unmarshal(data, &workflow); err != nil {
		t.Fatal(err)
	}
	for _, s := range workflow.Jobs.Publish.Steps {
		if s.Run != "" {
			p.steps = append(p.steps, s.Run)
		}
	}
	programs := map[string]string{
		"docker": `[[ $1 == login ]] && exit
for word; do if [[ $word == ghcr.io/*:* && $word != *@* ]]; then echo "${!#}" >"$STUBS/image-${word##*:}"; fi; done`,
		"gh": `state=$STUBS/$3
case $2 in
view) cat "$state" 2>/dev/null ;;
create) [[ ! -e $state && $* == *--draft* ]] && echo true >"$state" ;;
upload) [[ $(cat "$state") == true ]] && echo "$#" >"$state-files" ;;
edit) echo false >"$state"; echo "$*" >"$state-edit" ;;
esac`,
	}
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte("#!/usr/bin/env bash\nset -e\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	work := t.TempDir()
	p.git(work, "init", "--quiet", "--bare", "--initial-branch=main", p.origin)
	p.git(work, "clone", "--quiet", p.origin, ".")
	write := func(name, text string) {
		name = filepath.Join(work, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("action.yml", "runs:\n  using: docker\n  image: Dockerfile\n")
	write("action/native/checksums.json", "{}\n")
	p.git(work, "add", ".")
	p.git(work, "commit", "--quiet", "--message", "sources")
	p.git(work, "push", "--quiet", "origin", "HEAD:main")
	return p
}

func (p *publisher) environ(more ...string) []string {
	return append([]string{
		"PATH=" + p.dir + ":" + os.Getenv("PATH"), "HOME=" + p.dir, "STUBS=" + p.dir,
		"GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.test", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.test",
	}, more...)
}

func (p *publisher) git(dir string, args ...string) string {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), "git", args...)
	cmd.Dir, cmd.Env = dir, p.environ()
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// run runs the first n steps of a new attempt to publish a version.
func (p *publisher) run(version string, n int) {
	p.t.Helper()
	work, temp := p.t.TempDir(), p.t.TempDir()
	p.git(work, "clone", "--quiet", p.origin, ".")
	if err := os.Mkdir(filepath.Join(temp, "release"), 0o755); err != nil {
		p.t.Fatal(err)
	}
	var sums strings.Builder
	for i, name := range []string{"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64.exe", "windows_arm64.exe", "man.tar.gz"} {
		fmt.Fprintf(&sums, "%064x  modferry_%s\n", i, name)
	}
	if err := os.WriteFile(filepath.Join(temp, "release", "checksums.txt"), []byte(sums.String()), 0o644); err != nil {
		p.t.Fatal(err)
	}
	env := filepath.Join(temp, "env")
	for _, script := range p.steps[:n] {
		cmd := exec.CommandContext(p.t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
		cmd.Dir = work
		cmd.Env = p.environ("IMAGE=ghcr.io/modferry/modferry", "DIGEST=sha256:"+strings.Repeat("0", 64), "VERSION="+version, "GH_TOKEN=x",
			"GITHUB_ACTOR=a", "GITHUB_ENV="+env, "RUNNER_TEMP="+temp)
		if given, err := os.ReadFile(env); err == nil {
			cmd.Env = append(cmd.Env, strings.Split(strings.TrimSpace(string(given)), "\n")...)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			p.t.Fatalf("%v\n%s\n%s", err, script, out)
		}
	}
}

func (p *publisher) tag(name string) string {
	return p.git(p.origin, "for-each-ref", "--format=%(objectname)", "refs/tags/"+name)
}

// names are the names that the image has.
func (p *publisher) names() []string {
	all, err := filepath.Glob(filepath.Join(p.dir, "image-*"))
	if err != nil {
		p.t.Fatal(err)
	}
	for i := range all {
		all[i] = strings.TrimPrefix(filepath.Base(all[i]), "image-")
	}
	return all
}

func (p *publisher) said(name string) string {
	data, _ := os.ReadFile(filepath.Join(p.dir, name))
	return strings.TrimSpace(string(data))
}

func TestPublishingCanBeRunAgainAfterEachStep(t *testing.T) {
	t.Parallel()
	steps := len(newPublisher(t).steps)
	for n := range steps + 1 {
		t.Run(fmt.Sprintf("after %d steps", n), func(t *testing.T) {
			t.Parallel()
			p := newPublisher(t)
			p.run("1.2.3", n)
			p.run("1.2.3", steps)
			if v := p.tag("v1.2.3"); v == "" || v != p.tag("v1") {
				t.Errorf("v1.2.3 is %q, v1 %q", v, p.tag("v1"))
			}
			if got := p.names(); !slices.Equal(got, []string{"1", "1.2.3", "latest"}) {
				t.Errorf("the image's names are %q", got)
			}
			if p.said("v1.2.3") != "false" || p.said("v1.2.3-files") == "" || !strings.Contains(p.said("v1.2.3-edit"), "--latest=true") {
				t.Errorf("the release: draft %q, %q", p.said("v1.2.3"), p.said("v1.2.3-edit"))
			}
			if text := p.git(p.origin, "show", "v1:action.yml"); !strings.Contains(text, "image: docker://ghcr.io/modferry/modferry@sha256:0000") {
				t.Errorf("action.yml is\n%s", text)
			}
		})
	}
}

func TestFollowedNamesNeverGoBack(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	for _, version := range []string{"1.2.3", "1.10.0", "2.0.0", "1.9.9", "1.11.0", "2.1.0-rc.1"} {
		p.run(version, len(p.steps))
	}
	for name, want := range map[string]string{"v1": "v1.11.0", "v2": "v2.0.0"} {
		if p.tag(name) != p.tag(want) {
			t.Errorf("%s is not %s", name, want)
		}
	}
	for version, want := range map[string]string{"2.0.0": "--latest=true", "1.9.9": "--latest=false", "1.11.0": "--latest=false", "2.1.0-rc.1": "--latest=false"} {
		if said := p.said("v" + version + "-edit"); !strings.Contains(said, want) {
			t.Errorf("%s: %s, want %s", version, said, want)
		}
	}
}
