package github

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
)

var update = flag.Bool("update", false, "rewrite the generated parts of docs/github.md")

// The tables of docs/github.md:
//
//go:generate go test . -count=1 -run DocsHave -update

// What describes the action to others: to the runner, to a builder of images,
// and to people.
const (
	imageFile = "../../Dockerfile"
	githubDoc = "../../docs/github.md"
	shimDir   = "../native"
)

var manifestFiles = map[way]string{container: "../../action.yml", native: shimDir + "/action.yml"}

// entry is an input or output as action.yml declares it.
type entry struct {
	name        string
	description string // without the sentence on the default
	unset       string // that sentence: what holds when nobody says anything
	fallback    any    // its default, nil for none
}

// manifest is what the tests want to know of action.yml.
type manifest struct {
	inputs, outputs []entry
	runs            struct {
		Using          string `yaml:"using"`
		Image          string `yaml:"image"`
		Entrypoint     string `yaml:"entrypoint"`
		PostEntrypoint string `yaml:"post-entrypoint"`
		Main           string `yaml:"main"`
		Post           string `yaml:"post"`
		PostIf         string `yaml:"post-if"`
	}
}

// The Marketplace refuses longer ones.
func TestTheDescriptionFitsTheMarketplace(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(manifestFiles[container])
	if err != nil {
		t.Fatal(err)
	}
	var m struct{ Description string }
	if err := yaml.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	if n := len(m.Description); n == 0 || n >= 125 {
		t.Errorf("the description has %d bytes: %s", n, m.Description)
	}
}

func readManifest(t *testing.T, of way) *manifest {
	t.Helper()
	data, err := os.ReadFile(manifestFiles[of])
	if err != nil {
		t.Fatal(err)
	}
	var raw struct {
		Inputs  yaml.MapSlice `yaml:"inputs"`
		Outputs yaml.MapSlice `yaml:"outputs"`
		Runs    yaml.MapSlice `yaml:"runs"`
	}
	if err := yaml.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	m := &manifest{inputs: entriesOf(t, raw.Inputs), outputs: entriesOf(t, raw.Outputs)}
	runs, err := yaml.Marshal(raw.Runs)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions(runs, &m.runs, yaml.Strict()); err != nil {
		t.Fatalf("runs has something that it should not have: %v", err)
	}
	return m
}

// entriesOf keeps the order of the file, and knows no keys but two.
func entriesOf(t *testing.T, raw yaml.MapSlice) []entry {
	t.Helper()
	var out []entry
	for _, item := range raw {
		e := entry{name: fmt.Sprint(item.Key)}
		fields, ok := item.Value.(map[string]any)
		if !ok {
			t.Fatalf("%s: found %T, expected description and default", e.name, item.Value)
		}
		for key, value := range fields {
			switch key {
			case "description":
				e.description, e.unset, _ = strings.Cut(strings.TrimSpace(fmt.Sprint(value)), " Default: ")
			case "default":
				e.fallback = value
			default:
				t.Errorf("%s: found the key %s, expected description or default", e.name, key)
			}
		}
		out = append(out, e)
	}
	return out
}

// input is the input of a name, an empty one where the manifest has none: that
// is another test's finding.
func (m *manifest) input(name string) entry {
	for _, e := range m.inputs {
		if e.name == name {
			return e
		}
	}
	return entry{name: name}
}

func names(entries []entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.name)
	}
	return out
}

// tableInputs are the settings that are inputs, in the order of the table.
func tableInputs() []settings.Setting {
	return slices.DeleteFunc(settings.Table(), func(s settings.Setting) bool { return !s.Input })
}

// own are the inputs of a way besides those of the settings table.
func own(of way) []ownInput {
	return slices.DeleteFunc(ownInputs(), func(i ownInput) bool { return i.Only != "" && i.Only != of })
}

func TestManifestHasTheInputsOfTheProgramInItsOrder(t *testing.T) {
	t.Parallel()
	for of := range manifestFiles {
		var want []string
		for _, s := range tableInputs() {
			want = append(want, s.InputName())
		}
		for _, i := range own(of) {
			want = append(want, i.Name)
		}
		if diff := cmp.Diff(want, names(readManifest(t, of).inputs)); diff != "" {
			t.Errorf("the %s action.yml differs from the program (-program +action.yml):\n%s", of, diff)
		}
	}
}

// What both ways have means the same in both, but for where files are.
func TestManifestsAgree(t *testing.T) {
	t.Parallel()
	places := []string{"modcache", "cache", "ca-file", "report", "netrc", "goproxy", "gomodcache"}
	one, other := readManifest(t, container), readManifest(t, native)
	for _, pair := range [][2][]entry{{one.inputs, other.inputs}, {one.outputs, other.outputs}} {
		for _, e := range pair[0] {
			for _, o := range pair[1] {
				if o.name == e.name && o.description != e.description && !slices.Contains(places, e.name) {
					t.Errorf("%s: the descriptions differ:\n%s\n%s", e.name, e.description, o.description)
				}
			}
		}
	}
	if diff := cmp.Diff(names(one.outputs), names(other.outputs)); diff != "" {
		t.Errorf("the outputs differ (-container +native):\n%s", diff)
	}
}

// A default in action.yml would win over the variables and the configuration
// file, which is why there is none for a setting.
func TestManifestLeavesTheDefaultsOfSettingsToTheProgram(t *testing.T) {
	t.Parallel()
	for of := range manifestFiles {
		leavesDefaults(t, readManifest(t, of))
	}
}

func leavesDefaults(t *testing.T, m *manifest) {
	t.Helper()
	for _, s := range tableInputs() {
		e := m.input(s.InputName())
		if e.fallback != nil {
			t.Errorf("%s: found the default %v, expected none", e.name, e.fallback)
		}
		switch {
		case e.unset == "":
			t.Errorf("%s: the description does not end by telling the default", e.name)
		case s.Default != "" && e.unset != "`"+s.Default+"`":
			t.Errorf("%s: the description says %s, the program's default is `%s`", e.name, e.unset, s.Default)
		case strings.HasPrefix(s.Unset, "GO") && !strings.Contains(e.unset, s.Unset):
			t.Errorf("%s: the description says %s, the program takes %s", e.name, e.unset, s.Unset)
		}
	}
}

func TestManifestHasTheDefaultsOfTheActionsOwnInputs(t *testing.T) {
	t.Parallel()
	for of := range manifestFiles {
		m := readManifest(t, of)
		for _, i := range own(of) {
			e := m.input(i.Name)
			switch {
			case i.Default == "" && e.fallback != nil:
				t.Errorf("%s: found the default %v, expected none", e.name, e.fallback)
			// A word like true without quotes is no text.
			case i.Default != "" && e.fallback != any(i.Default):
				t.Errorf("%s: found the default %#v, expected %q", e.name, e.fallback, i.Default)
			}
		}
	}
}

func TestDescriptionsSayWhatAnInputTakes(t *testing.T) {
	t.Parallel()
	choices := map[string][]string{}
	for _, s := range tableInputs() {
		choices[s.InputName()] = s.Choices
		if s.Kind == settings.Bool {
			choices[s.InputName()] = []string{"true"} // the other one is the default
		}
	}
	for _, i := range ownInputs() {
		choices[i.Name] = i.Choices
		if slices.Contains(i.Choices, "true") {
			choices[i.Name] = []string{"true"}
		}
	}
	for _, e := range append(readManifest(t, container).inputs, readManifest(t, native).inputs...) {
		if !strings.Contains(e.description, "`") {
			t.Errorf("%s: the description has no example", e.name)
		}
		for _, word := range choices[e.name] {
			if !strings.Contains(e.description, "`"+word+"`") {
				t.Errorf("%s: the description does not tell the choice `%s`", e.name, word)
			}
		}
	}
}

// The runner takes an expression in a description for one that it should
// evaluate, and refuses the whole action.
func TestDescriptionsHaveNoExpressions(t *testing.T) {
	t.Parallel()
	m, n := readManifest(t, container), readManifest(t, native)
	for _, e := range slices.Concat(m.inputs, m.outputs, n.inputs, n.outputs) {
		if strings.Contains(e.description+e.unset, "${{") {
			t.Errorf("%s: the description has an expression", e.name)
		}
		if !strings.HasSuffix(e.description, ".") {
			t.Errorf("%s: the description does not end as a sentence: %s", e.name, e.description)
		}
	}
}

func TestManifestHasTheOutputsThatTheActionSets(t *testing.T) {
	t.Parallel()
	files := newRunnerFiles(t)
	temp := t.TempDir()
	s := &step{
		Process: Process{Getenv: files.getenv},
		files:   &fileCommands{files.getenv, bytes.NewReader(make([]byte, 4096))},
		inputs:  &inputs{own: map[string]string{}},
		host:    &host{workspace: temp, temp: temp},
	}
	res := &report.Result{Schema: report.Schema, Outcome: report.OK}
	if err := s.outputs(res, "off"); err != nil {
		t.Fatal(err)
	}
	if err := s.keep(res); err != nil {
		t.Fatal(err)
	}
	var set []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+)<<`).FindAllStringSubmatch(files.content(t, "GITHUB_OUTPUT"), -1) {
		set = append(set, m[1])
	}
	declared := names(readManifest(t, container).outputs)
	slices.Sort(set)
	slices.Sort(declared)
	if diff := cmp.Diff(set, declared); diff != "" {
		t.Errorf("action.yml differs from what the action sets (-set +action.yml):\n%s", diff)
	}
}

// On the commit of a release the image is the published one, by its digest.
var publishedImage = regexp.MustCompile(`^docker://ghcr\.io/modferry/modferry@sha256:[0-9a-f]{64}$`)

func TestManifestRunsTheStagesThatTheImageHas(t *testing.T) {
	t.Parallel()
	runs := readManifest(t, container).runs
	if runs.Using != "docker" || runs.Image != "Dockerfile" && !publishedImage.MatchString(runs.Image) {
		t.Errorf("found using: %s, image: %s, expected docker and Dockerfile, or the published image by its digest", runs.Using, runs.Image)
	}
	dockerfile, err := os.ReadFile(imageFile)
	if err != nil {
		t.Fatal(err)
	}
	for want, got := range map[string]string{"modferry-main": runs.Entrypoint, "modferry-post": runs.PostEntrypoint} {
		if got != "/usr/local/bin/"+want {
			t.Errorf("found the entry point %s, expected /usr/local/bin/%s", got, want)
		}
		if !strings.Contains(string(dockerfile), "ln -s modferry /out"+got) {
			t.Errorf("the image has no %s", got)
		}
	}
}

// A later node runs the files of an earlier one; runners before node24 refuse the job.
func TestNativeManifestRunsTheFilesOfTheShim(t *testing.T) {
	t.Parallel()
	runs := readManifest(t, native).runs
	if runs.Using != "node24" || runs.PostIf != "always()" {
		t.Errorf("found using: %s, post-if: %s, expected node24 and always()", runs.Using, runs.PostIf)
	}
	for _, file := range []string{runs.Main, runs.Post} {
		if info, err := os.Stat(filepath.Join(shimDir, file)); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%q is no file of the shim: %v", file, err)
		}
	}
}

func TestDocsHaveTheTablesOfTheManifest(t *testing.T) {
	data, err := os.ReadFile(githubDoc)
	if err != nil {
		t.Fatal(err)
	}
	m := readManifest(t, container)
	want := string(data)
	for part, table := range map[string]string{"inputs": inputTable(m), "outputs": outputTable(m), "native inputs": differences(m, readManifest(t, native))} {
		begin, end := "<!-- "+part+": begin -->\n", "<!-- "+part+": end -->\n"
		before, rest, ok := strings.Cut(want, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no lines %q and %q", githubDoc, begin, end)
		}
		want = before + begin + table + end + after
	}
	if want == string(data) {
		return
	}
	if !*update {
		t.Fatalf("%s differs from action.yml; run go test ./action/github -run Docs -update", githubDoc)
	}
	if err := os.WriteFile(githubDoc, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// inputTable is the inputs as Markdown, with the headings of the settings table.
func inputTable(m *manifest) string {
	var b strings.Builder
	head := func(title string) {
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "**%s**\n\n| input | meaning | default |\n|---|---|---|\n", title)
	}
	group := ""
	table := tableInputs()
	for k, e := range m.inputs {
		value := e.unset
		switch {
		case k < len(table):
			if table[k].Group != group {
				group = table[k].Group
				head(group)
			}
		case k == len(table):
			head("Of the action alone")
		}
		if e.fallback != nil {
			value = fmt.Sprintf("`%v`", e.fallback)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", e.name, e.description, value)
	}
	return b.String()
}

// differences are the inputs of the native entry that the other has not, or means
// otherwise.
func differences(m, n *manifest) string {
	var b strings.Builder
	b.WriteString("| input | meaning | default |\n|---|---|---|\n")
	for _, e := range n.inputs {
		if m.input(e.name) == e {
			continue
		}
		value := e.unset
		if e.fallback != nil {
			value = fmt.Sprintf("`%v`", e.fallback)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", e.name, e.description, value)
	}
	return b.String()
}

// outputTable is the outputs as Markdown.
func outputTable(m *manifest) string {
	var b strings.Builder
	b.WriteString("| output | meaning |\n|---|---|\n")
	for _, e := range m.outputs {
		fmt.Fprintf(&b, "| `%s` | %s |\n", e.name, e.description)
	}
	return b.String()
}
