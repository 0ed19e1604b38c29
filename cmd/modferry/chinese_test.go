package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/docs/docstest"
	"github.com/modferry/modferry/internal/settings"
)

// A heading of a Chinese page has a mark below it:
//
//	<!-- en: 1a2b3c4d -->           translates the English section with that digest
//	<!-- en: 1a2b3c4d, adapted -->  says the same to other readers, with code and links of its own
//	<!-- en: none -->               has no English counterpart
//
// The digest is a promise of whoever translated, so -update does not renew it.
var translated = flag.String("translated", "", "renew the marks of this page, such as docs/cache.zh-CN.md, whose Chinese follows the English again")

var mark = regexp.MustCompile(`^<!-- en: ([0-9a-f]{8}|none)(, adapted)? -->$`)

// section is a heading of a page, and what stands below it until the next one.
type section struct {
	level   int
	heading string
	text    string // the mark left out
	mark    string // digest, none or ""
	adapted bool
}

func (s section) digest() string {
	words := strings.Join(strings.Fields(s.heading+"\n"+s.text), " ") // breaks of lines mean nothing
	return fmt.Sprintf("%x", sha256.Sum256([]byte(words)))[:8]
}

func readSections(t *testing.T, page string) []section {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []section
	code := false
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
		}
		if signs, heading, ok := strings.Cut(line, " "); ok && !code && strings.Trim(signs, "#") == "" && signs != "" {
			all = append(all, section{level: len(signs), heading: strings.TrimSpace(heading)})
			continue
		}
		if len(all) == 0 {
			t.Fatalf("%s does not begin with a heading", page)
		}
		last := &all[len(all)-1]
		if m := mark.FindStringSubmatch(strings.TrimSpace(line)); m != nil && last.text == "" {
			last.mark, last.adapted = m[1], m[2] != ""
			continue
		}
		last.text += line
	}
	return all
}

// A Chinese page has the sections of the English one, and in each the same
// code, links and tables. Where the English text changes, the Chinese has to
// follow.
func TestChinesePagesFollowTheEnglish(t *testing.T) {
	t.Parallel()
	for _, chinese := range chinesePages(t) {
		t.Run(strings.TrimPrefix(chinese, "../../"), func(t *testing.T) {
			t.Parallel()
			english := strings.Replace(chinese, ".zh-CN.md", ".md", 1)
			if "../../"+*translated == chinese {
				renewMarks(t, english, chinese)
			}
			from, to := readSections(t, english), readSections(t, chinese)
			follows := map[string]bool{}
			for _, s := range to {
				if s.mark == "" {
					t.Errorf("the section %q has no mark <!-- en: … -->", s.heading)
				}
				follows[s.mark] = true
			}
			stale := false
			for _, s := range from {
				if !follows[s.digest()] {
					stale = true
					t.Errorf("the section %q is new in %s or has changed: bring its translation up to date, then run\ngo test ./cmd/modferry -run Chinese -translated %s", s.heading, english[6:], chinese[6:])
				}
			}
			to = slices.DeleteFunc(to, func(s section) bool { return s.mark == "none" })
			for i := range max(len(from), len(to)) {
				switch {
				case i >= len(from):
					t.Fatalf("the section %q has no counterpart in %s", to[i].heading, english[6:])
				case i >= len(to):
					t.Fatalf("no section is a counterpart of %q", from[i].heading)
				case from[i].level != to[i].level:
					t.Fatalf("the section %q has the level %d, %q of %s the level %d", to[i].heading, to[i].level, from[i].heading, english[6:], from[i].level)
				case !stale && from[i].digest() != to[i].mark:
					t.Fatalf("the section %q stands where %s has %q", to[i].heading, english[6:], from[i].heading)
				case to[i].adapted:
					continue
				}
				want := factsOf(from[i], func(link string) string { return counterpart(t, english, link) })
				got := factsOf(to[i], func(link string) string { return link })
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("the section %q differs from %q (-English +Chinese):\n%s", to[i].heading, from[i].heading, diff)
				}
			}
		})
	}
}

func chinesePages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"../../*.zh-CN.md", "../../docs/*.zh-CN.md"} {
		pages, err := filepath.Glob(pattern)
		if err != nil || len(pages) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		for _, page := range pages {
			all = append(all, filepath.ToSlash(page))
		}
	}
	return all
}

// facts are what is the same in both languages.
type facts struct {
	Blocks []string   // fenced code without comments
	Spans  []string   // inline code, in the heading too
	Links  []string   // where they lead
	Tables [][]string // the inline code of each row, by cell
}

var (
	fenced     = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	remark     = regexp.MustCompile(`(?m)(^|[ \t]+)(#|//)( .*)?$`)
	emptyLines = regexp.MustCompile(`\n\s*\n`)
	span       = regexp.MustCompile("`([^`]+)`")
	target     = regexp.MustCompile(`\]\(([^)\s]*)\)`)
	cellBorder = regexp.MustCompile(`[^\\]\|`)
)

func factsOf(s section, counterpart func(link string) string) facts {
	var f facts
	for _, block := range fenced.FindAllString(s.text, -1) {
		f.Blocks = append(f.Blocks, emptyLines.ReplaceAllString(remark.ReplaceAllString(block, ""), "\n"))
	}
	prose := s.heading + "\n" + fenced.ReplaceAllString(s.text, "")
	f.Spans = spansOf(prose)
	for _, m := range target.FindAllStringSubmatch(prose, -1) {
		f.Links = append(f.Links, counterpart(m[1]))
	}
	slices.Sort(f.Links)
	var table []string
	for line := range strings.Lines(prose + "\n\n") {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			if table != nil {
				f.Tables = append(f.Tables, table)
			}
			table = nil
			continue
		}
		var row []string
		for _, cell := range cellBorder.Split(line, -1) {
			row = append(row, strings.Join(spansOf(cell), " "))
		}
		table = append(table, strings.Join(row, " | "))
	}
	return f
}

func spansOf(text string) []string {
	set := map[string]bool{}
	for _, m := range span.FindAllStringSubmatch(text, -1) {
		set[strings.Join(strings.Fields(m[1]), " ")] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// counterpart is where the Chinese page has to lead if the English one leads to
// link: to the Chinese page and heading, if there are.
func counterpart(t *testing.T, english, link string) string {
	t.Helper()
	if strings.Contains(link, "://") {
		return link
	}
	file, anchor, _ := strings.Cut(link, "#")
	if file == strings.Replace(filepath.Base(english), ".md", ".zh-CN.md", 1) {
		return filepath.Base(english) // each leads to the other
	}
	page := english
	if file != "" {
		page = filepath.Join(filepath.Dir(english), filepath.FromSlash(file))
	}
	chinese := strings.Replace(page, ".md", ".zh-CN.md", 1)
	if _, err := os.Stat(chinese); err != nil || page == chinese {
		return link
	}
	file = strings.Replace(file, ".md", ".zh-CN.md", 1)
	if anchor == "" {
		return file
	}
	from := readSections(t, page)
	to := slices.DeleteFunc(readSections(t, chinese), func(s section) bool { return s.mark == "none" })
	i := slices.IndexFunc(from, func(s section) bool { return docstest.Anchor(s.heading) == anchor })
	if i < 0 {
		return link
	}
	if same := slices.IndexFunc(to, func(s section) bool { return s.mark == from[i].digest() }); same >= 0 {
		i = same
	}
	if i >= len(to) {
		return link
	}
	return file + "#" + docstest.Anchor(to[i].heading)
}

func renewMarks(t *testing.T, english, chinese string) {
	t.Helper()
	from, to := readSections(t, english), readSections(t, chinese)
	var b strings.Builder
	i := 0
	for _, s := range to {
		if s.mark != "none" {
			if i >= len(from) {
				t.Fatalf("the section %q has no counterpart in %s", s.heading, english)
			}
			s.mark = from[i].digest()
			i++
		}
		fmt.Fprintf(&b, "%s %s\n<!-- en: %s%s -->\n%s", strings.Repeat("#", s.level), s.heading, s.mark, map[bool]string{true: ", adapted"}[s.adapted], s.text)
	}
	if err := os.WriteFile(chinese, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The Chinese table of settings has the program's own rows, with other words.
func TestChineseSettingsHaveTheTableOfTheProgram(t *testing.T) {
	t.Parallel()
	voices := map[string]string{
		"": "", "yes": "可以", "no": "不可以", "adds": "可追加", "inside it": "限其内部", "this run": "仅本次运行", "narrower only": "只可收紧",
	}
	data, err := os.ReadFile("../../docs/settings.zh-CN.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := func(text string) [][]string {
		var all [][]string
		for line := range strings.Lines(text) {
			if cells := strings.Split(line, " | "); len(cells) == 7 && strings.Contains(cells[0], "`") {
				all = append(all, cells)
			}
		}
		return all
	}
	want, got := rows(renderTable()), rows(string(data))
	if len(got) != len(want) || len(want) != len(settings.Table()) {
		t.Fatalf("the Chinese page has %d rows, the English one %d, the program %d settings", len(got), len(want), len(settings.Table()))
	}
	for i, row := range want {
		for _, column := range []int{0, 1, 2, 6} { // flag, variable, key and commands
			if got[i][column] != row[column] {
				t.Errorf("the row %d has %q, the English page %q", i+1, got[i][column], row[column])
			}
		}
		if voice, ok := voices[row[3]]; !ok || got[i][3] != voice {
			t.Errorf("the row of%s says %q of the checkout, which is not %q", row[0][1:], got[i][3], row[3])
		}
	}
}
