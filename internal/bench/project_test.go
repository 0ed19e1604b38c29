package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSums(t *testing.T) {
	t.Parallel()
	got, err := parseSums([]byte("a.test/x v1.0.0 h1:1=\na.test/x v1.0.0/go.mod h1:2=\nb.test/y v2.0.0/go.mod h1:3=\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a.test/x@v1.0.0"}, got.zips); diff != "" {
		t.Errorf("zips: %s", diff)
	}
	if diff := cmp.Diff([]string{"a.test/x@v1.0.0", "b.test/y@v2.0.0"}, got.mods); diff != "" {
		t.Errorf("go.mod files: %s", diff)
	}
	if got.lines() != 3 {
		t.Errorf("got %d lines, want 3", got.lines())
	}

	_, err = parseSums([]byte("a.test/x v1.0.0 h1:1=\na.test/x v1.0.0\n"))
	if want := "go.sum:2: found 2 fields, expected path, version, hash"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %q", err, want)
	}
}

func TestDownloadPathEscapesCapitals(t *testing.T) {
	t.Parallel()
	got, err := downloadPath("example.test/BurntSushi/x@v1.0.0-Beta")
	if err != nil {
		t.Fatal(err)
	}
	if want := "example.test/!burnt!sushi/x/@v/v1.0.0-!beta"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseProject(t *testing.T) {
	t.Parallel()
	got, err := parseProject("example.test/x/tool@v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if want := (project{module: "example.test/x/tool", version: "v1.2.3"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got.String() != "tool v1.2.3" || got.at() != "example.test/x/tool@v1.2.3" {
		t.Errorf("got names %q and %q", got, got.at())
	}
	for _, bad := range []string{"", "example.test/x", "@v1.2.3", "example.test/x@latest"} {
		if got, err := parseProject(bad); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, got)
		}
	}
}
