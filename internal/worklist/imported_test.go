package worklist

import (
	"testing"

	"github.com/modferry/modferry/internal/finding"
)

func TestImportsByPlatform(t *testing.T) {
	t.Parallel()
	dir := checkout(t, `
-- m_plan9.go --
package m
import _ "example.test/a"
-- go.sum --
-- go.mod --
module m.test
go 1.22
require example.test/a v1.0.0
`)
	for goos, want := range map[string]finding.Severity{"plan9": finding.Error, "linux": finding.Warning} {
		l, err := Load(dir, Options{GOOS: goos, GOARCH: "amd64"})
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Findings) != 1 || l.Findings[0].Severity != want {
			t.Errorf("GOOS=%s: %+v", goos, l.Findings)
		}
	}
}
