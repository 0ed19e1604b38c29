package worklist

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/finding"
)

func TestMissingLine(t *testing.T) {
	t.Parallel()
	dir := checkout(t, `
-- go.mod --
module m.test
go 1.22
require example.test/a v1.0.0
require example.test/b v1.0.0
replace example.test/b => example.test/fork v1.5.0
-- go.sum --
example.test/fork v1.5.0 h1:f
`)
	l, err := Load(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []finding.Finding{
		{
			Check: "go-sum-missing-line", Severity: finding.Warning, File: "go.mod", Line: 3, Found: "example.test/a v1.0.0",
			Effect: "go.sum has no line for its zip, so modferry does not download it; a build that uses the module stops with " +
				"“missing go.sum entry for module providing package example.test/a”.",
			Fix: "go mod tidy",
		},
		{
			Check: "go-sum-missing-line", Severity: finding.Warning, File: "go.mod", Line: 4, Found: "example.test/fork v1.5.0",
			Effect: "go.sum has no line for its go.mod, so modferry does not download it; a build that uses the module stops with " +
				"“example.test/fork@v1.5.0: missing go.sum entry for go.mod file”.",
			Fix: "go mod tidy",
		},
	}
	if diff := cmp.Diff(want, l.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// A go.sum that was emptied is one thing to say, not hundreds; what a build
// stumbles over comes first.
func TestManyMissingLinesAreBounded(t *testing.T) {
	t.Parallel()
	var mod strings.Builder
	mod.WriteString("-- m.go --\npackage m\nimport _ \"example.test/m29/sub\"\n-- go.sum --\n-- go.mod --\nmodule m.test\ngo 1.22\n")
	for i := range 30 {
		fmt.Fprintf(&mod, "require example.test/m%d v1.0.0\n", i)
	}
	l, err := Load(checkout(t, mod.String()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(l.Findings); n != 11 || l.Lacking != 30 {
		t.Fatalf("%d findings, %d lacking", n, l.Lacking)
	}
	first, last := l.Findings[0], l.Findings[10]
	if first.Severity != finding.Error || first.Line != 32 || last.Found != "example.test/m9 v1.0.0 and 19 more" || last.Severity != finding.Warning {
		t.Errorf("first %+v\nlast %+v", first, last)
	}
}

// Files for another platform than the one built for say nothing.
