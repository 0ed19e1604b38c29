package main

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/modferry/modferry/docs/docstest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/settings"
)

// runElsewhere are the examples that tests run without naming them: a pattern of
// docstest.Block.ID, and the test that reads all blocks of that kind. Those of buckets
// are opened, not used; those of the tests themselves are held to tests that there are.
// Every other example has a test that names its ID.
var runElsewhere = map[string]string{
	"docs/checks.md#*":                   "cmd/modferry.TestDocsHaveEveryCheck",
	"docs/docker.md#* dockerfile":        "internal/e2e/runner.TestDockerfilesOfTheDocumentation",
	"docs/routing.md#* yaml*":            "cmd/modferry.TestDocsShowConfigurationsThatWork",
	"docs/settings.md#* yaml*":           "cmd/modferry.TestDocsShowConfigurationsThatWork",
	"docs/cache.md#an-s3-bucket text":    "internal/store/s3.TestTheBucketsOfTheDocumentation",
	"docs/cache.md#aws yaml*":            "internal/store/s3.TestTheBucketsOfTheDocumentation",
	"docs/cache.md#cloudflare-r2 yaml":   "internal/store/s3.TestTheBucketsOfTheDocumentation",
	"docs/cache.md#alibaba-cloud-oss sh": "internal/store/s3.TestTheBucketsOfTheDocumentation",
	"docs/cache.md#gitlab yaml":          "internal/store/s3.TestTheBucketsOfTheDocumentation",
	"docs/folklore*.md#* sh":             "cmd/modferry.TestExamplesOfShellsAreScripts",
	"CONTRIBUTING.md#test-one-thing sh":  "cmd/modferry.TestExamplesOfShellsAreScripts",
}

// notRun are the examples that nothing here can run, and why. What can be parsed of
// them is parsed, see the tests below.
var notRun = map[string]string{
	"README.zh-CN.md#在中国大陆先这样设置 sh 2":                 "copies the published image into a registry",
	"CONTRIBUTING.md#update-expected-output sh":       "it rewrites what tests expect, in the checkout that they run in",
	"CONTRIBUTING.md#release sh":                      "it makes a release",
	"docs/architecture.md#the-road-of-a-run text":     "a drawing",
	"docs/cache.md#minio sh":                          "needs mc and a MinIO to administer; TestExamplesOfPolicies tries its policy",
	"docs/cache.md#aws sh":                            "needs an account at Amazon",
	"docs/cache.md#aws json 2":                        "the trust policy of a role, which needs an account at Amazon",
	"docs/cache.md#switching-from-actionssetup-go sh": "needs gh and a repository with caches of setup-go",
	"docs/github.md#pinning-and-verifying sh":         "needs a release, and cosign, gh and buildx to verify it",
}

// Every example is run by a test, or stands above with a reason.
func TestEveryExampleIsRun(t *testing.T) {
	t.Parallel()
	named, tests := literalsOfTests(t)
	used, all := map[string]bool{}, map[string]bool{}
	for _, page := range docstest.Pages(t) {
		for _, b := range docstest.Blocks(t, page) {
			all[b.ID] = true
			covered := named[b.ID] || isTranslation(t, page, b)
			for _, table := range []map[string]string{runElsewhere, notRun} {
				for pattern := range table {
					if mirrortest.Glob(pattern, b.ID) {
						covered, used[pattern] = true, true
					}
				}
			}
			if !covered {
				t.Errorf("%s:%d: no test runs the example %q", page, b.Line, b.ID)
			}
		}
	}
	for text := range named {
		if exampleID.MatchString(text) && !all[text] {
			t.Errorf("a test runs the example %q, which there is not", text)
		}
	}
	for pattern, test := range runElsewhere {
		if !used[pattern] || !tests[test] {
			t.Errorf("%q, run by %s: there is no such example, or no such test", pattern, test)
		}
	}
	for pattern := range notRun {
		if !used[pattern] {
			t.Errorf("there is no example %q", pattern)
		}
	}
}

var exampleID = regexp.MustCompile(`^[\w/.-]+\.md#\S+ [a-z]+( \d+)?$`)

// isTranslation reports whether a block of a translation is one of the original's, with
// other comments.
func isTranslation(t *testing.T, page string, b docstest.Block) bool {
	t.Helper()
	original, ok := strings.CutSuffix(page, ".zh-CN.md")
	if !ok {
		return false
	}
	return slices.ContainsFunc(docstest.Blocks(t, original+".md"), func(o docstest.Block) bool {
		return o.Lang == b.Lang && uncommented(o.Text) == uncommented(b.Text)
	})
}

var comment = regexp.MustCompile(`(?m)(^|\s+)(#|//).*$`)

func uncommented(text string) string { return comment.ReplaceAllString(text, "") }

// literalsOfTests are the strings that stand in tests, and the tests themselves, as
// "internal/e2e.TestX".
func literalsOfTests(t *testing.T) (literals, tests map[string]bool) {
	t.Helper()
	literals, tests = map[string]bool{}, map[string]bool{}
	root := docstest.Root(t)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				tests[filepath.ToSlash(rel)+"."+n.Name.Name] = true
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING && d.Name() != "examples_test.go" {
					literals[text] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return literals, tests
}

var (
	continued  = regexp.MustCompile(`\\\n\s*`)
	ourCommand = regexp.MustCompile("(?m)(?:^|[\\s`'\"(/])modferry +[a-z]+(?:[\\s|;&)>`'\"]|$)")
	inline     = regexp.MustCompile("`modferry [a-z][^`]*`")
	goTest     = regexp.MustCompile(`(?m)^go (?:-C (\S+) )?test (.*)$`)
)

// Every command line of ours in a document, whatever the language around it, has a
// command and flags that there are. In blocks the values are good as well.
func TestExamplesHaveCommandsThatThereAre(t *testing.T) {
	t.Parallel()
	found := 0
	for _, page := range docstest.Pages(t) {
		if page == "docs/checks.md" {
			continue // made by the program
		}
		for _, b := range docstest.Blocks(t, page) {
			if b.Lang == "text" || b.Lang == "json" {
				continue
			}
			for _, words := range ourCommands(uncommented(continued.ReplaceAllString(b.Text, " "))) {
				found++
				if err := accepts(words, true); err != nil {
					t.Errorf("%s:%d: modferry %s: %v", page, b.Line, strings.Join(words, " "), err)
				}
			}
		}
		data, err := os.ReadFile(filepath.Join(docstest.Root(t), filepath.FromSlash(page)))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range inline.FindAllString(string(data), -1) {
			found++
			if err := accepts(shellWords(strings.TrimPrefix(text, "`modferry "), '`'), false); err != nil {
				t.Errorf("%s: %s: %v", page, text, err)
			}
		}
	}
	if found < 150 {
		t.Errorf("found %d command lines of ours, expected more", found)
	}
}

// ourCommands are the arguments of each command line of ours in a text.
func ourCommands(text string) [][]string {
	var all [][]string
	for at := 0; ; {
		m := ourCommand.FindStringIndex(text[at:])
		if m == nil {
			return all
		}
		begin := at + m[0]
		at = begin + strings.Index(text[begin:], "modferry") + len("modferry")
		quote := byte(0)
		if c := text[begin]; c == '\'' || c == '"' || c == '`' {
			quote = c
		}
		if words := shellWords(text[at:], quote); len(words) > 0 && words[0] != "modferry" { // docker exec modferry modferry …
			all = append(all, words)
		}
	}
}

// shellWords are the words up to the end of a command, which the quote in front of it
// ends, too.
func shellWords(text string, end byte) []string {
	var words []string
	word, inWord, quote := "", false, byte(0)
	for i := range len(text) {
		c := text[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word += string(c)
		case c == end || strings.IndexByte("\n|;&)>`", c) >= 0:
			if inWord {
				words = append(words, word)
			}
			return words
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t':
			if inWord {
				words = append(words, word)
			}
			word, inWord = "", false
		default:
			word, inWord = word+string(c), true
		}
	}
	if inWord {
		words = append(words, word)
	}
	return words
}

// accepts is nil for arguments that the program takes. Values are looked at when they
// are not those that somebody has to fill in.
func accepts(words []string, values bool) error {
	a := &app{process: process{getenv: func(string) string { return "" }}}
	cmd, rest, err := a.tree().Find(words)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	args := cmd.Flags().Args()
	if err := cmd.ValidateArgs(args); err != nil {
		return err
	}
	if cmd.HasSubCommands() && len(args) > 0 {
		return unknownCommand(cmd, args)
	}
	if values && !strings.ContainsAny(strings.Join(words, " "), "$…") {
		_, err = settings.Resolve(setFlags(cmd), a.getenv, settings.Disk{WorkDir: "/nowhere"})
	}
	return err
}

// Every shell script in a document is one, and every go test in it names tests that
// there are.
func TestExamplesOfShellsAreScripts(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	_, tests := literalsOfTests(t)
	for _, page := range docstest.Pages(t) {
		for _, b := range docstest.Blocks(t, page) {
			if b.Lang != "sh" {
				continue
			}
			cmd := exec.Command(bash, "-n")
			cmd.Stdin = strings.NewReader(b.Text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s:%d: %v\n%s", page, b.Line, err, out)
			}
			for _, m := range goTest.FindAllStringSubmatch(uncommented(b.Text), -1) {
				checkGoTest(t, m[1], shellWords(m[2], 0), tests)
			}
		}
	}
}

// checkGoTest holds go test to packages and tests that there are.
func checkGoTest(t *testing.T, dir string, words []string, tests map[string]bool) {
	t.Helper()
	pkg, pattern := "", ""
	for i, w := range words {
		switch {
		case strings.HasPrefix(w, "."):
			pkg = path.Join(dir, w)
		case (w == "-run" || w == "-fuzz") && pattern == "" && words[i+1] != "^$":
			pattern = words[i+1]
		}
	}
	if pattern == "" {
		return
	}
	name, _, _ := strings.Cut(pattern, "/")
	re, err := regexp.Compile("^" + regexp.QuoteMeta(pkg) + `\..*` + name)
	if err != nil {
		t.Fatal(err)
	}
	for test := range tests {
		if re.MatchString(test) {
			return
		}
	}
	t.Errorf("go test %q: %s has no test %s", words, pkg, name)
}

// Every JSON and YAML in a document is some.
func TestExamplesOfJSONAndYAMLAreWellFormed(t *testing.T) {
	t.Parallel()
	for _, page := range docstest.Pages(t) {
		for _, b := range docstest.Blocks(t, page) {
			var err error
			var into any
			switch b.Lang {
			case "json":
				err = json.Unmarshal([]byte(b.Text), &into)
			case "yaml":
				err = yaml.Unmarshal([]byte(b.Text), &into)
			}
			if err != nil {
				t.Errorf("%s:%d: %v", page, b.Line, err)
			}
		}
	}
}

// The uses of the actions and of GitLab's template in a document have inputs that
// there are.
func TestExamplesHaveInputsThatThereAre(t *testing.T) {
	t.Parallel()
	inputs := map[string]map[string]any{}
	for name, file := range map[string]string{
		"modferry/modferry@":               "action.yml",
		"modferry/modferry/action/native@": "action/native/action.yml",
		"":                                 "action/gitlab/templates/modferry.yml",
	} {
		data, err := os.ReadFile(filepath.Join(docstest.Root(t), filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		var m struct {
			Inputs map[string]any
			Spec   struct{ Inputs map[string]any }
		}
		if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&m); err != nil {
			t.Fatal(err)
		}
		if inputs[name] = m.Inputs; name == "" {
			inputs[name] = m.Spec.Inputs
		}
	}
	found := 0
	check := func(b docstest.Block, use string, given any) {
		all, _ := given.(map[string]any)
		for input := range all {
			if found++; inputs[use][input] == nil {
				t.Errorf("%s: there is no input %s", b.ID, input)
			}
		}
	}
	for _, page := range docstest.Pages(t) {
		for _, b := range docstest.Blocks(t, page) {
			if b.Lang != "yaml" {
				continue
			}
			var doc any
			if err := yaml.Unmarshal([]byte(b.Text), &doc); err != nil {
				continue // told above
			}
			mappings(doc, func(m map[string]any) {
				if uses, _ := m["uses"].(string); strings.HasPrefix(uses, "modferry/") {
					use := uses[:strings.IndexByte(uses, '@')+1]
					if inputs[use] == nil {
						t.Errorf("%s: there is no action %s", b.ID, uses)
					}
					check(b, use, m["with"])
				} else if m["uses"] == nil && m["inputs"] != nil && !strings.HasPrefix(page, "docs/ci.md") {
					check(b, "", m["inputs"])
				}
			})
		}
	}
	if found < 25 {
		t.Errorf("found %d inputs, expected more", found)
	}
}

// mappings calls f for each mapping in a document.
func mappings(doc any, f func(map[string]any)) {
	switch doc := doc.(type) {
	case map[string]any:
		f(doc)
		for _, v := range doc {
			mappings(v, f)
		}
	case []any:
		for _, v := range doc {
			mappings(v, f)
		}
	}
}
