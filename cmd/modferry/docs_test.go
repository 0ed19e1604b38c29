package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/docs/docstest"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/starter"
)

// The tables of docs/settings.md and docs/reports.md, and docs/checks.md:
//
//go:generate go test . -count=1 -run Docs -update

var update = flag.Bool("update", false, "rewrite the generated parts of docs and the expectations of scripts")

const (
	settingsDoc = "../../docs/settings.md"
	tableBegin  = "<!-- settings: begin -->\n"
	tableEnd    = "<!-- settings: end -->\n"
)

// The table of the program, the table in the documentation and the flags in
// --help are the same.

func TestDocsHaveTheTableOfTheProgram(t *testing.T) {
	data, err := os.ReadFile(settingsDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), tableBegin)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no lines %q and %q", settingsDoc, tableBegin, tableEnd)
	}
	want := before + tableBegin + renderTable() + tableEnd + after
	if want == string(data) {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the table of settings; run go test ./cmd/modferry -run Docs -update", settingsDoc)
	}
	if err := os.WriteFile(settingsDoc, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// renderTable is the table of settings as Markdown.
func renderTable() string {
	var b strings.Builder
	group := ""
	for _, s := range settings.Table() {
		if s.Group != group {
			if group != "" {
				b.WriteString("\n")
			}
			group = s.Group
			fmt.Fprintf(&b, "**%s**\n\n| flag | variable | key | checkout | default | meaning | commands |\n|---|---|---|---|---|---|---|\n", group)
		}
		flag := "`--" + s.Name + "`"
		if s.Short != "" {
			flag = "`-" + s.Short + "`, " + flag
		}
		key, voice, value, meaning := "", "", s.Unset, s.Usage
		if s.Config != "" {
			key, voice = "`"+s.Config+"`", s.Checkout.String()
		}
		if s.Default != "" {
			value = "`" + s.Default + "`"
		}
		if len(s.Choices) > 0 {
			meaning += ": `" + strings.Join(s.Choices, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s | %s | %s |\n", flag, s.Env(), key, voice, value, meaning, shortList(s.Commands))
	}
	return b.String()
}

// shortList joins the names of commands, those of a group after its name.
func shortList(commands []string) string {
	var out []string
	group := ""
	for _, c := range commands {
		if g, verb, ok := strings.Cut(c, " "); ok && g == group {
			out = append(out, verb)
			continue
		} else if ok {
			group = g
		}
		out = append(out, c)
	}
	return strings.Join(out, ", ")
}

func TestHelpNamesExactlyTheSettingsOfTheTable(t *testing.T) {
	t.Parallel()
	own := map[string]string{"env": "format ", "fetch": "dry-run "} // flags that are no settings
	flagLine := regexp.MustCompile(`(?m)^  (?:-([A-Za-z]), |    )--([a-z-]+) (.*)$`)
	for _, command := range []string{"fetch", "probe", "env", "verify", "cache restore", "cache save", "cache list", "cache prune"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			text := helpOf(t, command)
			var got, want []string
			for _, m := range flagLine.FindAllStringSubmatch(text, -1) {
				got = append(got, m[2]+" "+m[1])
				for _, s := range settings.Table() {
					if s.Name == m[2] && !strings.HasSuffix(m[0], describe(s)) {
						t.Errorf("the line does not say %q:\n%s", describe(s), m[0])
					}
				}
			}
			for _, s := range settings.Table() {
				if s.Takes(command) {
					want = append(want, s.Name+" "+s.Short)
				}
			}
			if flag, ok := own[command]; ok {
				want = append(want, flag)
			}
			if !slices.Equal(got, want) {
				t.Errorf("help names\n%q, the table\n%q", got, want)
			}
		})
	}
}

// A screen is 80 columns, and as many lines as laptops show.
func TestHelpFitsAScreen(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"", "fetch", "probe", "env", "exec", "doctor", "verify", "action", "report", "init", "settings", "explain", "completion", "version", "cache", "cache restore", "cache save", "cache list", "cache prune"} {
		lines := strings.Split(strings.TrimSuffix(helpOf(t, command), "\n"), "\n")
		if len(lines) > 72 {
			t.Errorf("modferry %s --help has %d lines", command, len(lines))
		}
		for _, line := range lines {
			if n := len([]rune(line)); n > 80 {
				t.Errorf("modferry %s --help has a line of %d columns: %s", command, n, line)
			}
		}
	}
}

func helpOf(t *testing.T, command string) string {
	t.Helper()
	args := strings.Fields(command)
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), append(args, "--help"), process{
		stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		getenv: func(string) string { return "" }, environ: func() []string { return nil },
	})
	if code != 0 || stderr.Len() > 0 {
		t.Fatalf("exit code %d, standard error %q", code, stderr.String())
	}
	return stdout.String()
}

// Every configuration in the documentation is accepted, with each of its
// profiles.
func TestDocsShowConfigurationsThatWork(t *testing.T) {
	t.Parallel()
	var blocks [][]string
	for name, least := range map[string]int{settingsDoc: 2, "../../docs/routing.md": 3} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(string(data), -1)
		if len(found) < least {
			t.Fatalf("%s shows %d configurations", name, len(found))
		}
		blocks = append(blocks, found...)
	}
	for _, block := range blocks {
		profiles := []string{""}
		if _, text, ok := strings.Cut(block[1], "\nprofiles:\n"); ok {
			for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+):$`).FindAllStringSubmatch(text, -1) {
				profiles = append(profiles, m[1])
			}
		}
		for _, profile := range profiles {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, ".modferry.yaml"), []byte(block[1]), 0o666); err != nil {
				t.Fatal(err)
			}
			flags := map[string]string{"trust-checkout": "true"}
			if profile != "" {
				flags["profile"] = profile
			}
			v, err := settings.Resolve(flags, func(string) string { return "" }, settings.Disk{WorkDir: dir})
			if err != nil {
				t.Errorf("profile %q: %v", profile, err)
			} else if v.ProxyList() == "" {
				t.Errorf("profile %q: says nothing about mirrors", profile)
			}
		}
	}
}

// The first thing that people paste is what init writes.
func TestReadmesShowTheWorkflowOfInit(t *testing.T) {
	t.Parallel()
	written := (&starter.Checkout{CI: starter.GitHub, Dir: ".", Go: "1.26.0", GoFile: "go.mod", Modules: []string{"."}}).Text()
	for name, change := range map[string]func(string) string{
		"README.md": func(text string) string { return text },
		"README.zh-CN.md": func(text string) string {
			return strings.Replace(text, "      - uses: actions/cache", "        with: {mirrors: cn}\n      - uses: actions/cache", 1)
		},
	} {
		data, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		_, block, _ := strings.Cut(string(data), "```yaml\njobs:\n")
		block, _, _ = strings.Cut(block, "```")
		bare := regexp.MustCompile(` +#.*`)
		if text := change(written); block == "" || !strings.Contains(bare.ReplaceAllString(text, ""), bare.ReplaceAllString(block, "")) {
			t.Errorf("%s shows\n%s\ninit writes\n%s", name, block, text)
		}
		if lines := strings.Count(string(data), "\n"); lines >= 150 {
			t.Errorf("%s has %d lines", name, lines)
		}
	}
}

// Every link to a file of the repository leads to one, and to a heading of it.
func TestDocsLinkToWhatIsThere(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	top, err := filepath.Glob("../../*.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)\s]*)\)`)
	anchors := map[string]map[string]bool{}
	for _, page := range append(pages, top...) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text := regexp.MustCompile("(?ms)^ *```.*?^ *```").ReplaceAllString(string(data), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), filepath.FromSlash(file))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
				continue
			}
			if anchor == "" || filepath.Ext(target) != ".md" {
				continue
			}
			if anchors[target] == nil {
				anchors[target] = anchorsOf(t, target)
			}
			if !anchors[target][anchor] {
				t.Errorf("%s links to %s, but there is no such heading", page, m[1])
			}
		}
	}
}

// anchorsOf are the anchors of a page as GitHub makes them of its headings, and
// those that it names itself.
func anchorsOf(t *testing.T, page string) map[string]bool {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ +(.*)$`).FindAllStringSubmatch(string(data), -1) {
		all[docstest.Anchor(m[1])] = true
	}
	for _, m := range regexp.MustCompile(`<a id="([^"]*)">`).FindAllStringSubmatch(string(data), -1) {
		all[m[1]] = true
	}
	return all
}
