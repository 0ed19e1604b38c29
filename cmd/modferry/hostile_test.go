package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// hostile are names as a pull request, a mirror or a variable may have them.
var hostile = map[string]string{
	"line feed":       "x\n::add-mask::q",
	"carriage return": "x\r::add-mask::q",
	"old command":     "x ##[add-mask]q ##vso[task.setvariable]q ##VSO[task.complete]q",
	"escapes":         "x\x1b]0;pwned\x07\x1b[2K\u009b1A",
	"section":         "x\nsection_start:1:a[collapsed=true]\r\x1b[0Kq",
	"buildkite":       "--- x\n--- q\n+++ q\n^^^ +++\n\x1b[31m~~~ q",
	"direction":       "x\u202eq\u2066q\u200bq\u2028::add-mask::q",
	"no text":         "x\xff\xfe\n ::stop-commands::q",
	"very long":       strings.Repeat("x ::add-mask::q", 15),
}

// sectionOfBuildkite is what Buildkite takes as the head of a section, or as the mark
// that opens one.
var sectionOfBuildkite = regexp.MustCompile(`^(?:(?:---|\+\+\+|~~~)\s|\^\^\^\s+\+\+\+\s*$)`)

// acts says what in a text would act on who shows it, "" for nothing.
func acts(text string) string {
	if !utf8.ValidString(text) {
		return "bytes that are no text"
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") || strings.Contains(strings.ToLower(line), "##vso[") || sectionOfBuildkite.MatchString(line) {
			return "the command " + line
		}
	}
	for _, r := range text {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r) {
			return "the character " + string(r)
		}
	}
	return ""
}

// place is where a hostile name may stand. It returns what to add to every
// command line.
type place struct {
	name string
	put  func(t *testing.T, b *bench, name string) []string
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func appendTo(t *testing.T, dir, name, text string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, name, string(data)+text)
}

func quoted(name string) string {
	data, err := json.Marshal(name)
	if err != nil {
		panic(err)
	}
	return string(data)
}

var places = []place{
	{"directory", func(t *testing.T, b *bench, name string) []string {
		if len(name) > 200 {
			name = name[:200]
		}
		if runtime.GOOS == "darwin" {
			name = strings.ToValidUTF8(name, "_") // its file system takes nothing else
		}
		dir := filepath.Join(b.dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"go.mod", "go.sum"} {
			data, err := os.ReadFile(filepath.Join(b.dir, file))
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, file, string(data)+"bad\n")
		}
		return []string{"-C", dir}
	}},
	{"missing directory", func(t *testing.T, b *bench, name string) []string {
		return []string{"-C", filepath.Join(b.dir, name)}
	}},
	{"line of go.mod", func(t *testing.T, b *bench, name string) []string {
		appendTo(t, b.dir, "go.mod", "\nrequire "+name+" v1.0.0\n")
		return nil
	}},
	{"quoted path in go.mod", func(t *testing.T, b *bench, name string) []string {
		appendTo(t, b.dir, "go.mod", "\nrequire "+quoted(name)+" v1.0.0\nreplace a.test/b => "+quoted("./"+name)+"\n")
		return nil
	}},
	{"version in go.mod", func(t *testing.T, b *bench, name string) []string {
		appendTo(t, b.dir, "go.mod", "\nrequire a.test/b "+quoted(name)+"\n")
		return nil
	}},
	{"line of go.sum", func(t *testing.T, b *bench, name string) []string {
		appendTo(t, b.dir, "go.sum", name+"\na.test/b "+name+" h1:x\n")
		return nil
	}},
	{"member of go.work", func(t *testing.T, b *bench, name string) []string {
		write(t, b.dir, "go.work", "go 1.24\nuse "+quoted("./"+name)+"\n")
		b.more = append(b.more, "GOWORK="+filepath.Join(b.dir, "go.work"))
		return nil
	}},
	{"value in the configuration", func(t *testing.T, b *bench, name string) []string {
		write(t, b.dir, ".modferry.yaml", "timeout: "+quoted(name)+"\n")
		return nil
	}},
	{"key in the configuration", func(t *testing.T, b *bench, name string) []string {
		write(t, b.dir, ".modferry.yaml", quoted(name)+": 1\n")
		return nil
	}},
	{"private in the configuration", func(t *testing.T, b *bench, name string) []string {
		write(t, b.dir, ".modferry.yaml", "private: "+quoted(name)+"\n")
		return nil
	}},
	{"text of the configuration", func(t *testing.T, b *bench, name string) []string {
		write(t, b.dir, ".modferry.yaml", "a: [\n"+name+"\n")
		return nil
	}},
	{"mirror in the configuration", func(t *testing.T, b *bench, name string) []string {
		write(t, b.dir, ".modferry.yaml", "proxy:\n  - url: "+quoted("https://"+name+".example.test")+"\n")
		return nil
	}},
	{"GOPROXY", func(t *testing.T, b *bench, name string) []string {
		b.more = append(b.more, "GOPROXY=https://"+name+".example.test")
		return nil
	}},
	{"GOFLAGS", func(t *testing.T, b *bench, name string) []string {
		b.more = append(b.more, "GOFLAGS=-mod="+name)
		return nil
	}},
	{"GOPRIVATE", func(t *testing.T, b *bench, name string) []string {
		b.more = append(b.more, "GOPRIVATE="+name)
		return nil
	}},
	{"GOSUMDB", func(t *testing.T, b *bench, name string) []string {
		b.more = append(b.more, "GOSUMDB="+name)
		return nil
	}},
	{"variable of ours", func(t *testing.T, b *bench, name string) []string {
		b.more = append(b.more, "MODFERRY_TIMEOUT="+name, "MODFERRY_"+name+"=1")
		return nil
	}},
	{"cache", func(t *testing.T, b *bench, name string) []string {
		return []string{"--cache", "dir:" + filepath.Join(b.dir, name, "cache")}
	}},
	{"store", func(t *testing.T, b *bench, name string) []string { return []string{"--cache", name} }},
	{"flag", func(t *testing.T, b *bench, name string) []string { return []string{"--" + name} }},
	{"argument", func(t *testing.T, b *bench, name string) []string { return []string{name} }},
}

func TestHostileNamesDoNothing(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("such names cannot be there")
	}
	f := mirrortest.Generate(t, 2, 1<<10)
	commands := [][]string{
		{"fetch", "--no-probe", "--verbose"}, {"fetch", "--no-probe", "--json", "-"}, {"probe"}, {"env", "--no-probe"}, {"env", "--no-probe", "--verbose", "--format", "dotenv"},
		{"doctor"}, {"verify"}, {"cache", "restore"}, {"cache", "save"}, {"cache", "list"}, {"cache", "prune"}, {"report"}, {"action", "main"}, {"action", "post"}, {"version"}, nil,
	}
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			for kind, name := range hostile {
				b := newBench(t, f)
				b.more = []string{"GITHUB_ACTIONS=true", "HTTPS_PROXY=http://127.0.0.1:1"}
				args := p.put(t, b, name)
				for _, command := range commands {
					line := append(append([]string{}, command...), args...)
					if !strings.Contains(strings.Join(args, " "), "-C ") && len(command) > 0 && takesDir(command[0]) {
						line = append(line, "-C", b.dir)
					}
					if len(command) > 0 && takesDir(command[0]) && p.name != "GOPROXY" && p.name != "mirror in the configuration" {
						line = append(line, "--proxy", "off")
					}
					b.run(t.Context(), line...)
					out, err := b.stdout.String(), b.stderr.String()
					if len(command) > 0 && command[0] == "action" {
						out = withoutCommands(out)
					}
					if what := acts(out); what != "" {
						t.Errorf("%s, %q: standard output has %q:\n%s", kind, line, what, out)
					}
					if what := acts(err); what != "" {
						t.Errorf("%s, %q: standard error has %q:\n%s", kind, line, what, err)
					}
					if len(out)+len(err) > 20<<10 {
						t.Errorf("%s, %q: %d bytes are printed", kind, line, len(out)+len(err))
					}
				}
			}
		})
	}
}

func takesDir(command string) bool {
	return command != "report" && command != "action" && command != "version"
}

// withoutCommands drops the workflow commands that the action itself gives.
func withoutCommands(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "::error title=modferry") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestHostileLogsAndNamesOfLogsDoNothing(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("such names cannot be there")
	}
	f := mirrortest.Generate(t, 1, 1<<10)
	for kind, name := range hostile {
		if runtime.GOOS == "darwin" {
			name = strings.ToValidUTF8(name, "_") // its file system takes nothing else
		}
		b := newBench(t, f)
		log := filepath.Join(b.dir, strings.ReplaceAll(name[:min(len(name), 200)], "/", "_"))
		write(t, b.dir, filepath.Base(log), "go: "+name+"@v1.0.0: reading https://"+name+"/@v/v1.0.0.mod: 404 Not Found\n\tserver response: "+name+"\n")
		for _, files := range [][]string{{log}, {log, log}, {log + "missing"}, {b.dir}} {
			b.run(t.Context(), append([]string{"doctor", "-C", b.dir, "--proxy", "off"}, files...)...)
			if what := acts(b.stdout.String() + b.stderr.String()); what != "" {
				t.Errorf("%s, %q: printed is %q", kind, files, what)
			}
		}
		b.run(t.Context(), "report", log)
		if what := acts(b.stdout.String() + b.stderr.String()); what != "" {
			t.Errorf("%s: report prints %q", kind, what)
		}
	}
}
