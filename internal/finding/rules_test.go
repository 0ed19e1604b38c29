package finding

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestRulesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	form := regexp.MustCompile(`^MF[123]\d\d$`)
	for _, r := range Rules() {
		if !form.MatchString(r.Code) {
			t.Errorf("%s is no code", r.Code)
		}
		if r.Title == "" || !strings.HasSuffix(r.Title, ".") {
			t.Errorf("%s: title %q, want a sentence", r.Code, r.Title)
		}
		for _, s := range []string{r.Code, r.Check} {
			if seen[s] {
				t.Errorf("%s stands twice", s)
			}
			seen[s] = true
		}
	}
}

// Every name of a check that the program uses is a rule, and every rule is used.
func TestRulesAreUsed(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, r := range Rules() {
		known[r.Check] = false
	}
	for _, top := range []string{"../../internal", "../../action", "../../cmd"} {
		err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && (d.Name() == "testdata" || d.Name() == "e2e" || d.Name() == "reporttest") {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(filepath.ToSlash(name), "internal/finding/rules.go") {
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if f, ok := n.(*ast.KeyValueExpr); ok {
					if key, ok := f.Key.(*ast.Ident); ok && key.Name == "Check" {
						if lit, ok := f.Value.(*ast.BasicLit); ok {
							check, _ := strconv.Unquote(lit.Value)
							if _, ok := known[check]; !ok {
								t.Errorf("%s: the check %q is no rule", name, check)
							}
						}
					}
				}
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, _ := strconv.Unquote(lit.Value)
					if _, ok := known[text]; ok {
						known[text] = true
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for check, used := range known {
		if !used {
			t.Errorf("no code finds %q", check)
		}
	}
}

func TestAFindingsJSONNamesItsCodeAndPage(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(Finding{Check: "goproxy-separator", Severity: Warning, Effect: "E."})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"code":"MF131","check":"goproxy-separator","severity":"warning","effect":"E.","doc":"` + Reference + `#mf131"}`
	if string(data) != want {
		t.Errorf("got  %s\nwant %s", data, want)
	}
	if data, err = json.Marshal(Finding{Check: "of-another-version", Severity: Info}); err != nil || strings.Contains(string(data), "code") {
		t.Errorf("got %s, %v", data, err)
	}
}
