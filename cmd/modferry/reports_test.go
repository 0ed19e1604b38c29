package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/export"
)

const reportsDoc = "../../docs/reports.md"

// metrics are the rows of the table of metrics, from the metrics of all golden
// results of the renderings.
func metrics(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../testdata/results/*.json")
	if err != nil {
		t.Fatal(err)
	}
	help := regexp.MustCompile(`(?m)^# HELP (\S+) (.*)$`)
	sample := regexp.MustCompile(`(?m)^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$`)
	label := regexp.MustCompile(`(\w+)="`)
	about, labels := map[string]string{}, map[string][]string{}
	for _, file := range files {
		if strings.Contains(strings.TrimSuffix(filepath.Base(file), ".json"), ".") || filepath.Base(file) == "hostile.json" {
			continue
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := report.Decode(f)
		f.Close()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var b bytes.Buffer
		if err := export.Prometheus(&b, r); err != nil {
			t.Fatal(err)
		}
		for _, m := range help.FindAllStringSubmatch(b.String(), -1) {
			about[m[1]] = m[2]
		}
		for _, m := range sample.FindAllStringSubmatch(b.String(), -1) {
			for _, l := range label.FindAllStringSubmatch(m[2], -1) {
				if l[1] != "le" && !slices.Contains(labels[m[1]], l[1]) {
					labels[m[1]] = append(labels[m[1]], l[1])
				}
			}
		}
	}
	var rows []string
	for name, text := range about {
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |\n", name, strings.Join(labels[name], ", "), text))
	}
	slices.Sort(rows)
	return rows
}

func TestDocsHaveTheMetricsOfTheProgram(t *testing.T) {
	data, err := os.ReadFile(reportsDoc)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- metrics: begin -->\n| metric | labels | is |\n|---|---|---|\n", "<!-- metrics: end -->"
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no table of metrics", reportsDoc)
	}
	rows := metrics(t)
	if len(rows) < 15 {
		t.Fatalf("%d metrics, expected those of mirrors, files and cache", len(rows))
	}
	want := before + begin + strings.Join(rows, "") + end + after
	if want == string(data) {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the metrics; run go test ./cmd/modferry -run Docs -update", reportsDoc)
	}
	if err := os.WriteFile(reportsDoc, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDocsNameTheFormatsOfTheProgram(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(reportsDoc)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range new(app).formats(false) {
		want = append(want, f.name)
	}
	var got []string
	table, _, _ := strings.Cut(string(data), "\n## ")
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table, -1) {
		got = append(got, m[1])
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s names the formats %q, the program has %q", reportsDoc, got, want)
	}
}
