//go:build linux

package runner

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/modferry/modferry/docs/docstest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// docker is a shell in which Podman answers to docker, with images that are here under
// the names in the documents.
type docker struct {
	t   *testing.T
	dir string
	env []string
}

// newDocker is one whose builds and containers get more options.
func newDocker(t *testing.T, dir string, build, run []string) *docker {
	t.Helper()
	bin := newDir(t)
	script := fmt.Sprintf("#!/bin/sh\ncommand=$1; shift\ncase $command in\nbuild) exec podman build --isolation=chroot --pull=never --signature-policy %s %s \"$@\" ;;\nrun) exec podman run --pull=never %s \"$@\" ;;\n*) exec podman $command \"$@\" ;;\nesac\n",
		filepath.Join(images.dir, "policy.json"), strings.Join(build, " "), strings.Join(run, " "))
	if err := os.WriteFile(filepath.Join(bin, "docker"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(bin, "modferry")); err != nil {
		t.Fatal(err)
	}
	home := newDir(t)
	telemetry := filepath.Join(home, ".config", "go", "telemetry") // whose process may outlive the go command
	if err := errors.Join(os.MkdirAll(telemetry, 0o755), os.WriteFile(filepath.Join(telemetry, "mode"), []byte("off"), 0o644)); err != nil {
		t.Fatal(err)
	}
	env := append(images.environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+home, "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local",
		"GOCACHE="+goCache, "MODFERRY_PROBE_TIMEOUT=1m")
	return &docker{t, dir, env}
}

func (d *docker) bash(script string, env ...string) string {
	d.t.Helper()
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = d.dir, append(d.env, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Fatalf("%v\n%s\n%s", err, script, tail(string(out)))
	}
	return string(out)
}

// naming is held while an image gets a name: podman tag loses one of two that are given
// at a time.
var naming sync.Mutex

// named gives an image that is here a name.
func named(t *testing.T, image, name string) {
	t.Helper()
	naming.Lock()
	defer naming.Unlock()
	if _, err := images.command("podman", "tag", image, name); err != nil {
		t.Fatal(err)
	}
}

// TestExamplesOfDockerBuild runs docker build as the documents have it.
func TestExamplesOfDockerBuild(t *testing.T) {
	t.Parallel()
	program := programImage(t)
	named(t, goImage, "localhost/golang:1.26")
	named(t, program, "ghcr.io/modferry/modferry:1")
	const password = "hunter2-of-the-mirror"
	b := newBuild(t, mirrortest.Generate(t, 3, 10_000), password)
	d := newDocker(t, b.dir, []string{"--no-cache", "--volume", b.mirror.CAFile() + ":/etc/ssl/certs/ca-certificates.crt"}, nil)
	d.bash("umask 077 && printf 'machine %s login me password %s\\n' " + strings.TrimPrefix(b.mirror.URL, "https://") + " " + password + " >~/.netrc")

	writeFile(t, filepath.Join(b.dir, "Dockerfile"), docstest.Swap(t, docstest.Text(t, "docs/docker.md#private-mirrors dockerfile"), "ARG GOPROXY\n", "ARG GOPROXY\nENV GOSUMDB=off\n"))
	d.bash(docstest.Swap(t, docstest.Text(t, "docs/docker.md#private-mirrors sh"), "https://goproxy.example.test", b.mirror.URL))

	writeFile(t, filepath.Join(b.dir, "Dockerfile"), docstest.Text(t, "docs/env.md#docker-build dockerfile"))
	d.bash(docstest.Text(t, "docs/env.md#docker-build sh"), "GOPROXY="+b.mirror.URL, "GOSUMDB=off", "SSL_CERT_FILE="+b.mirror.CAFile())

	// The line in place of RUN go mod download, and an argument that is a setting.
	text := "FROM golang:1.26 AS build\nENV GOSUMDB=off\nWORKDIR /src\n" + docstest.Text(t, "docs/docker.md#settings dockerfile") + "COPY go.mod go.sum ./\n" +
		docstest.Swap(t, docstest.Text(t, "docs/README.md#a-dockerfile dockerfile"), "RUN ", "RUN --mount=type=secret,id=netrc,target=/root/.netrc ") + "COPY . .\nRUN go build -o /app .\n"
	writeFile(t, filepath.Join(b.dir, "Dockerfile"), text)
	d.bash(`docker build --secret id=netrc,src="$HOME/.netrc" --build-arg GOPROXY=` + b.mirror.URL + ` --build-arg MODFERRY_MIRRORS=configured .`)
}

// TestExamplesOfTheImage builds the image from bases with other names.
func TestExamplesOfTheImage(t *testing.T) {
	t.Parallel()
	images.needBases(t)
	settings, err := exec.Command("go", "env", "GOPROXY", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	own, kept, _ := strings.Cut(strings.TrimSpace(string(settings)), "\n")
	// This machine's own build cache, else the standard library is compiled each time.
	d := newDocker(t, repository, []string{"--volume", kept + ":/root/.cache/go-build"}, nil)
	for _, registry := range []string{"registry.corp.example", "registry.example.test"} {
		named(t, goImage, registry+"/golang:1.26")
		named(t, busyboxImage, registry+"/busybox:1.37-musl")
	}
	d.bash(docstest.Swap(t, docstest.Text(t, "docs/github.md#the-image sh"), "https://goproxy.corp.example/go", own))
	d.bash("docker run --rm localhost/modferry modferry version")
}

// TestExamplesOfAServerInAContainer starts the image as the documents do. Containers
// have the network of this machine here, so each has a port of its own.
func TestExamplesOfAServerInAContainer(t *testing.T) {
	t.Parallel()
	program := programImage(t)
	named(t, program, "ghcr.io/modferry/modferry:1")
	named(t, program, "registry.example.test/tools/modferry:1")
	nested := map[string]string{"cmd/stringer/main.go": "package main\n\nfunc main() {}\n"}
	f := mirrortest.Generate(t, 3, 10_000)
	all := f.With(mirrortest.Build(t, mirrortest.Module{Path: "golang.org/x/tools", Version: "v0.40.0", Files: nested}).All()...)
	db := mirrortest.NewSumDB(t, all)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: all, SumDB: db})
	dir := newDir(t)
	f.WriteCheckout(t, dir, mirrortest.Checkout{})
	for _, id := range []string{
		"docs/relay.md#a-relay-as-a-server sh 2", "docs/relay.md#examples sh", "docs/relay.zh-CN.md#在中国大陆 sh",
	} {
		port := mirrortest.FreePort(t)
		d := newDocker(t, dir, nil, []string{"--env", "MODFERRY_PROXY=" + mirror.URL, "--env", "MODFERRY_SUMDB='" + db.Key + "'", "--env", "MODFERRY_MIRRORS=configured"})
		text := docstest.Swap(t, docstest.Text(t, id), "8642", port)
		if id == "docs/relay.md#examples sh" {
			text = docstest.Swap(t, text, "docker run ", "docker run -d --name modferry ")
		}
		out := d.bash("trap 'docker rm -f modferry >/dev/null' EXIT\n"+text+"\nuntil docker exec modferry modferry serve --check; do sleep 0.1; done\nGOPROXY=http://localhost:"+port+",direct go build ./...\n", "GOSUMDB="+db.Key)
		if strings.Contains(text, "/result") && !strings.Contains(out, "golang.org/x/tools") {
			t.Errorf("%s: the report does not tell what was installed\n%s", id, tail(out))
		}
	}
}
