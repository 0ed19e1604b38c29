package truth

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// folklorePages are the pages that name claims as their evidence, in each
// language.
func folklorePages() []string {
	return []string{"../../docs/folklore.md", "../../docs/folklore.zh-CN.md"}
}

// named is a claim as the pages write it.
var named = regexp.MustCompile("`(TestGoCommand/[^`]+)`")

// folkloreRow is a section of a page: what is said, and the tests that show
// what is so.
type folkloreRow struct {
	title string
	tests []string
}

func readFolklore(t *testing.T, page string) []folkloreRow {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var rows []folkloreRow
	for i, section := range strings.Split(string(text), "\n### ") {
		if i == 0 {
			continue
		}
		section, _, _ = strings.Cut(section, "\n## ")
		title, rest, _ := strings.Cut(section, "\n")
		row := folkloreRow{title: title}
		for _, match := range named.FindAllStringSubmatch(rest, -1) {
			row.tests = append(row.tests, match[1])
		}
		rows = append(rows, row)
	}
	return rows
}

// inFolklore reports whether a page names the claim.
func inFolklore(t *testing.T, test string) bool {
	t.Helper()
	for _, row := range readFolklore(t, folklorePages()[0]) {
		for _, name := range row.tests {
			if name == test {
				return true
			}
		}
	}
	return false
}

func TestFolkloreNamesClaimsThatAreTested(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{}
	for _, s := range subjects() {
		for _, c := range s.claims {
			tested["TestGoCommand/"+s.name+"/"+c.id] = true
		}
	}
	for _, page := range folklorePages() {
		rows := readFolklore(t, page)
		if len(rows) < 15 {
			t.Errorf("%s has %d rows, fewer than there were", filepath.Base(page), len(rows))
		}
		for _, row := range rows {
			if len(row.tests) == 0 {
				t.Errorf("%s: %s names no test", filepath.Base(page), row.title)
			}
			for _, name := range row.tests {
				if !tested[name] {
					t.Errorf("%s: %s names %s, which is no test", filepath.Base(page), row.title, name)
				}
			}
		}
	}
}
