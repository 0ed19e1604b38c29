//go:build linux

package runner

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/e2e/program"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestDockerfilesByBuildKit(t *testing.T) {
	t.Parallel()
	by := startBuildKit(t)
	t.Run("good", func(t *testing.T) { dockerfilesBuild(t, by) })
	t.Run("failed", func(t *testing.T) { failedBuildSaysWhy(t, by) })
	t.Run("terminal", func(t *testing.T) {
		b := newBuild(t, mirrortest.Generate(t, 2, 1000))
		b.missing = "*m001*"
		screen := by.screen(t, b, dockerfiles(t, by)["docker build"])
		if !strings.Contains(screen, "\nincomplete: not found (HTTP 404)") {
			t.Errorf("the screen does not say why the build failed\n%s", tail(screen))
		}
	})
}

// buildkit builds with BuildKit, whose daemon runs steps on this machine's network.
type buildkit struct {
	buildctl string
	address  string
	images   []string // arguments that give it the images of the documentation
	tries    int
}

// startBuildKit starts a daemon with an empty state.
func startBuildKit(t *testing.T) *buildkit {
	t.Helper()
	if os.Getenv("MODFERRY_E2E_ALL") != "1" {
		t.Skip("BuildKit takes minutes to compile: set MODFERRY_E2E_ALL=1")
	}
	bin := program.Build(t, "require github.com/moby/buildkit v0.34.2",
		"github.com/moby/buildkit/cmd/buildkitd", "github.com/moby/buildkit/cmd/buildctl")
	ours := programImage(t)
	dir := newDir(t)
	by := &buildkit{buildctl: filepath.Join(bin, "buildctl"), address: "unix://" + filepath.Join(dir, "socket")}
	for documented, name := range map[string]string{"golang:1.26": goImage, "ghcr.io/modferry/modferry:1": ours} {
		id := regexp.MustCompile(`\W`).ReplaceAllString(name, "-")
		layout := filepath.Join(dir, id)
		if _, err := images.command("buildah", "push", name, "oci:"+layout); err != nil {
			t.Fatal(err)
		}
		by.images = append(by.images, "--oci-layout", id+"="+layout,
			"--opt", "context:"+documented+"=oci-layout://"+id+"@"+digest(t, layout))
	}
	cmd := exec.Command(filepath.Join(bin, "buildkitd"), "--root", filepath.Join(dir, "state"), "--addr", by.address,
		"--otel-socket-path", filepath.Join(dir, "traces"), "--config", filepath.Join(dir, "none.toml"), "--cdi-disabled",
		"--containerd-worker=false", "--oci-worker=true", "--oci-worker-gc=false", "--oci-worker-binary=runc", "--oci-worker-net=host")
	cmd.Env = images.environ()
	listening(t, cmd, strings.TrimPrefix(by.address, "unix://"))
	return by
}

// digest is that of the image in a layout.
func digest(t *testing.T, layout string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct{ Manifests []struct{ Digest string } }
	if err := json.Unmarshal(data, &index); err != nil || len(index.Manifests) != 1 {
		t.Fatalf("%v in %s", err, data)
	}
	return index.Manifests[0].Digest
}

// dockerfile leaves out the line that names a frontend of a registry, so that the
// daemon's own reads the file. The compiler's files are kept between builds.
func (by *buildkit) dockerfile(text string) string {
	text = strings.TrimPrefix(text, "# syntax=docker/dockerfile:1\n")
	if !strings.Contains(text, "target=/root/.cache/go-build") {
		kept := "RUN --mount=type=cache,target=/root/.cache/go-build"
		text = strings.NewReplacer("RUN CGO_ENABLED=0 go", kept+" CGO_ENABLED=0 go", "    CGO_ENABLED=0 modferry exec", "    "+kept[len("RUN "):]+" \\\n    CGO_ENABLED=0 modferry exec").Replace(text)
	}
	return text
}

// command is a build, whose log is for a terminal or plain. Its steps differ from those
// of every other build, since --no-cache would empty the cache mounts. The certificate
// of a mirror that speaks TLS comes as docs/docker.md says.
func (by *buildkit) command(b *build, dockerfile, progress string, secrets ...string) *exec.Cmd {
	b.t.Helper()
	dir := filepath.Join(b.dir, "..", "dockerfile")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	by.tries++
	dockerfile = strings.Replace(dockerfile, "ENV GOSUMDB=off", fmt.Sprint("ENV GOSUMDB=off TRY=", by.tries), 1)
	if strings.HasPrefix(b.mirror.URL, "https:") {
		dockerfile = strings.NewReplacer("ENV GOSUMDB=off", "ENV MODFERRY_CA_FILE=/run/ca.pem GOSUMDB=off",
			"    modferry fetch\n", "    --mount=type=secret,id=ca,target=/run/ca.pem \\\n    modferry fetch\n").Replace(dockerfile)
		secrets = append(secrets, "ca="+b.mirror.CAFile())
	}
	writeFile(b.t, filepath.Join(dir, "Dockerfile"), dockerfile)
	args := append([]string{"--addr", by.address, "build", "--progress=" + progress, "--frontend=dockerfile.v0",
		"--local", "context=" + b.dir, "--local", "dockerfile=" + dir, "--opt", "build-arg:GOPROXY=" + b.mirror.URL}, by.images...)
	for _, secret := range secrets {
		id, file, _ := strings.Cut(secret, "=")
		args = append(args, "--secret", "id="+id+",src="+file)
	}
	cmd := exec.Command(by.buildctl, args...)
	cmd.Env = images.environ()
	return cmd
}

func (by *buildkit) run(b *build, dockerfile string, secrets ...string) (string, error) {
	b.t.Helper()
	out, err := by.command(b, dockerfile, "plain", secrets...).CombinedOutput()
	return stamp.ReplaceAllString(string(out), ""), err
}

// screen is the last text of a terminal in which a build failed.
func (by *buildkit) screen(t *testing.T, b *build, dockerfile string) string {
	t.Helper()
	cmd := by.command(b, dockerfile, "tty")
	var quoted strings.Builder
	for _, arg := range cmd.Args {
		quoted.WriteString("'" + arg + "' ")
	}
	shown := exec.Command("script", "-qec", quoted.String(), "/dev/null")
	shown.Env = append(cmd.Env, "TERM=xterm", "SHELL=/bin/sh")
	out, err := shown.CombinedOutput()
	if err == nil {
		t.Fatalf("the build went on\n%s", tail(string(out)))
	}
	text := regexp.MustCompile(`\x1b\[[0-9;?]*[a-zA-Z]|\r`).ReplaceAllString(string(out), "")
	_, text, _ = strings.Cut(text, "------\n")
	return stamp.ReplaceAllString(text, "")
}

// stamp is what BuildKit writes before a line of a step: its number and its time.
var stamp = regexp.MustCompile(`(?m)^(#\d+ )?(\d+\.\d+ )?`)
