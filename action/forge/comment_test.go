package forge

import (
	"strings"
	"testing"
)

func TestMarkerHoldsNothingOfTheKey(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, key := range []string{"", "job", "--> <script>", "a\nb"} {
		m := commentMarker(key)
		if seen[m] || len(m) != len("<!-- modferry:")+24+len(" -->") || strings.Count(m, "-->") != 1 || strings.Contains(m, "\n") {
			t.Errorf("the marker of %q is %q", key, m)
		}
		seen[m] = true
	}
}

func TestMarkdownIsCutAtALineAndClosed(t *testing.T) {
	t.Parallel()
	const rest = "\nThe rest did not fit; the job summary has it.\n"
	line := strings.Repeat("é", 49) + "\n" // 99 bytes
	tests := map[string]struct{ text, prefix, suffix string }{
		"prose":        {strings.Repeat(line, 20), line, line + rest},
		"a fence":      {"```mermaid\n" + strings.Repeat("<details>"+line, 20) + "```\n", "```mermaid\n", line + "```\n" + rest},
		"details":      {"<details><summary>x</summary>\n" + strings.Repeat(line, 20) + "</details>\n", "<details>", line + "\n</details>\n" + rest},
		"closed":       {"<details>\n```\n</details>\n```\n</details>\n" + strings.Repeat(line, 20), "<details>", line + rest},
		"one line":     {strings.Repeat("x", 2000), rest, rest},
		"what fits":    {strings.Repeat("x", 1000), "x", "x"},
		"nothing":      {"", "", ""},
		"a wild forge": {strings.Repeat("<details>\n", 200), "<details>", strings.Repeat("\n</details>\n", 8) + rest},
	}
	for name, test := range tests {
		got := CutMarkdown(test.text, 1000)
		if len(got) > 1000 || !strings.HasPrefix(got, test.prefix) || !strings.HasSuffix(got, test.suffix) {
			t.Errorf("%s: %d bytes, %q", name, len(got), got)
		}
	}
}
