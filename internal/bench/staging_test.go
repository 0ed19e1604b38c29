package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRestageRequiresStagedModulesAsTheSourceTreeDoes(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "go.mod")
	if err := os.WriteFile(name, []byte(`module a.test/one

go 1.26

require (
	a.test/two v0.32.0
	b.test/other v0.32.0
)

require a.test/three v0.32.0 // indirect
`), 0o444); err != nil {
		t.Fatal(err)
	}
	if err := restage(name, map[string]string{"a.test/one": "one", "a.test/two": "two", "a.test/three": "three"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := `module a.test/one

go 1.26

require (
	a.test/two v0.0.0
	b.test/other v0.32.0
)

require a.test/three v0.0.0 // indirect
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}
