//go:build linux

package runner

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// What the jobs of the documents find, and leave behind.

// inCheckout writes a file of the checkout.
func (j *job) inCheckout(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(j.paths.workspace, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := chown(j.paths.workspace); err != nil {
		t.Fatal(err)
	}
	return file
}

// authority is the text of the network's CA certificate.
func (n *internet) authority(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(n.hosts.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// trusted is a job whose machine trusts the network's hosts, as all trust public ones.
func trusted(t *testing.T, n *internet, j *job) {
	j.env["SSL_CERT_FILE"] = j.inCheckout(t, ".public.pem", n.authority(t))
}

// corporate is a job whose checkout has the CA certificate of the company.
func corporate(t *testing.T, n *internet, j *job) { j.inCheckout(t, "ci/corp-ca.pem", n.authority(t)) }

// afterTheAction is a job with a program on its PATH.
func afterTheAction(t *testing.T, n *internet, j *job) {
	trusted(t, n, j)
	bin := filepath.Join(j.paths.home, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(bin, "modferry")); err != nil {
		t.Fatal(err)
	}
	j.path = append(j.path, bin)
}

// monorepo is a job with a service more.
func monorepo(t *testing.T, n *internet, j *job) {
	trusted(t, n, j)
	for _, name := range []string{"services/api", "services/web"} {
		n.w.modules.WriteCheckout(t, filepath.Join(j.paths.workspace, name), mirrortest.Checkout{Module: "example.test/" + name})
	}
	if err := chown(j.paths.workspace); err != nil {
		t.Fatal(err)
	}
}

// fromChinaAlone finds no other public mirror asked.
func fromChinaAlone(t *testing.T, n *internet, j *job) {
	asked := n.hosts.Asked()
	china := 0
	for _, p := range mirror.PublicCatalogue().Region("cn") {
		if slices.ContainsFunc(asked, func(host string) bool { return strings.Contains(p.URL, "//"+host) }) {
			china++
		}
	}
	if china < 2 {
		t.Errorf("asked %v: no mirrors of China", asked)
	}
}

const private = "github.com/my-org/lib"

// privateModule is a job that imports a module that GOPRIVATE matches.
func privateModule(t *testing.T, n *internet, j *job) {
	trusted(t, n, j)
	f := mirrortest.Build(t, mirrortest.Module{Path: private, Version: "v1.0.0"})
	f.WriteCheckout(t, j.paths.workspace, mirrortest.Checkout{})
	if err := chown(j.paths.workspace); err != nil {
		t.Fatal(err)
	}
}

func leftToGit(t *testing.T, n *internet, j *job) {
	done := j.main().expect(t, 0)
	if got := done.outputs["deferred"]; got == "0" || done.outputs["failed"] != "0" {
		t.Errorf("%s files are left to the go command, %s failed", got, done.outputs["failed"])
	}
	if asked := n.hosts.Asked(); len(asked) > 0 {
		t.Errorf("asked %v", asked)
	}
}

func gitHasTheToken(t *testing.T, _ *internet, j *job) {
	text, err := os.ReadFile(filepath.Join(j.paths.home, ".gitconfig"))
	if err != nil || !strings.Contains(string(text), `[url "https://x-access-token:hunter2-of-git@github.com/my-org/"]`) ||
		!strings.Contains(string(text), "insteadOf = https://github.com/my-org/\n") {
		t.Errorf("git has\n%s, %v", text, err)
	}
}

func netrcOfLaterSteps(t *testing.T, _ *internet, j *job) {
	file := filepath.Join(j.paths.home, ".netrc")
	text, err := os.ReadFile(file)
	if err != nil || string(text) != "machine goproxy.corp.example login ci password "+mirrorPassword+"\n" {
		t.Errorf("the netrc is %q, %v", text, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Errorf("everybody may read it: %v, %v", info, err)
	}
}
