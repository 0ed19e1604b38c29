package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/goenv/assign"
	"github.com/modferry/modferry/internal/goenv/assign/assigntest"
)

// shells read what "modferry env" prints. PowerShell is not among them: it is in
// no registry that these tests use; package assign holds its output against
// PowerShell's documented grammar.
var shells = []struct {
	name    string
	command []string // runs the script that follows
	format  string
	read    string // evaluates the file $TEXT
	eval    string // evaluates modferry env ARGS, as users do
}{
	{"dash", []string{"dash", "-euc"}, "sh", posixRead, posixEval},
	{"bash", []string{"bash", "-euc"}, "sh", posixRead, posixEval},
	{"bash in POSIX mode", []string{"bash", "--posix", "-euc"}, "sh", posixRead, posixEval},
	{"busybox", []string{"busybox", "sh", "-euc"}, "sh", posixRead, posixEval},
	{"fish", []string{"fish", "--no-config", "-c"}, "fish", "source $TEXT", "$MODFERRY env --format fish ARGS | source"},
}

const (
	posixRead = `eval "$(cat "$TEXT")"`
	posixEval = `eval "$("$MODFERRY" env ARGS)"`
)

// inShell runs a script and returns what it prints. It fails the test when
// anything goes to standard error.
func inShell(t *testing.T, command []string, script string, env ...string) string {
	t.Helper()
	path, err := exec.LookPath(command[0])
	need(t, err == nil, command[0]+" is not on the search path; apt-get install "+command[0])
	cmd := exec.Command(path, append(command[1:], script)...)
	home := t.TempDir()
	noTelemetry(t, home)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C.UTF-8",
		"GOENV=off", "GOTOOLCHAIN=local"}, env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%v\n%s", err, tail(stderr.Bytes()))
	}
	return string(out)
}

func TestShellsGetEveryValueAsItIs(t *testing.T) {
	t.Parallel()
	for _, shell := range shells {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			text, err := textOf(shell.format, assigntest.All())
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "text")
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for entry := range strings.SplitSeq(inShell(t, shell.command, shell.read+"; exec env -0", "TEXT="+file), "\x00") {
				name, value, _ := strings.Cut(entry, "=")
				got[name] = value
			}
			for _, v := range assigntest.All() {
				if value, ok := got[v.Name]; !ok || value != v.Value {
					t.Errorf("%s is %q, want %q", v.Name, value, v.Value)
				}
			}
			if value, ok := got["EVIL"]; ok {
				t.Errorf("a value became a variable of its own: EVIL=%q", value)
			}
		})
	}
}

func textOf(format string, vars []assign.Variable) (string, error) {
	for _, f := range assign.Formats() {
		if f.Name == format {
			return f.Text(vars, rand.Reader)
		}
	}
	panic("no format " + format)
}

// The go command has, in the shell that evaluated them, the settings that
// modferry printed.
func TestSettingsReachTheGoCommandThroughTheShell(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"GOPROXY":    "https://u:it%27s-s3cr3t@goproxy.example.test/it's/$HOME/!!/%60id%60|https://b.example.test/a;b&&c/*,direct",
		"GOPRIVATE":  "*.corp.example.test,corp.example.test/[a-z]*",
		"GONOPROXY":  "none",
		"GONOSUMDB":  "*.corp.example.test,corp.example.test/[a-z]*", // follows from GOPRIVATE
		"GOSUMDB":    "off",
		"GOMODCACHE": "/tmp/it's $a \"cache\"",
	}
	for _, shell := range shells {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			script := strings.ReplaceAll(shell.eval, "ARGS", "--no-probe") + "; exec go env -json"
			for name := range want {
				script += " " + name
			}
			out := inShell(t, shell.command, script, "MODFERRY="+binary, "MODFERRY_PROXY="+want["GOPROXY"], "MODFERRY_PRIVATE="+want["GOPRIVATE"],
				"MODFERRY_NOPROXY=none", "MODFERRY_SUMDB=off", "MODFERRY_MODCACHE="+want["GOMODCACHE"])
			got := map[string]string{}
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(want, got) {
				t.Errorf("the go command has\n%q, want\n%q", got, want)
			}
		})
	}
}

func TestAShellKeepsItsSettingsWhenTheCommandFails(t *testing.T) {
	t.Parallel()
	for _, shell := range shells {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			script := strings.ReplaceAll(shell.eval, "ARGS", "--proxy ftp://mirror.example.test 2>/dev/null") + "; exec go env GOPROXY"
			if got := inShell(t, shell.command, script, "MODFERRY="+binary, "GOPROXY=off"); got != "off\n" {
				t.Errorf("GOPROXY is %q", got)
			}
		})
	}
}

func TestATerminalShowsNoCredentials(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("script")
	need(t, err == nil && runtime.GOOS == "linux", "script of util-linux is not on the search path; apt-get install bsdutils")
	for _, format := range []string{"sh", "fish", "powershell", "github"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(path, "-qec", `"$MODFERRY" env --no-probe --format `+format, "/dev/null")
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "MODFERRY=" + binary, "GOENV=off", "GOPATH=" + t.TempDir(), "SHELL=/bin/sh",
				"GOPROXY=https://user:s3cr3t@goproxy.example.test/go?token=s3cr3t,direct"}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, tail(out))
			}
			if text := string(out); strings.Contains(text, "s3cr3t") || !strings.Contains(text, "https://user:xxxxx@goproxy.example.test/go?token=xxxxx,direct") ||
				!strings.Contains(text, "credentials are hidden because this is a terminal") {
				t.Errorf("the terminal shows\n%s", text)
			}
		})
	}
}
