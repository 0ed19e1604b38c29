package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindOfficialSaysHowToInstall(t *testing.T) {
	t.Parallel()
	other := t.TempDir()
	place := filepath.Join(other, "node_modules", "@actions", "cache")
	if err := os.MkdirAll(place, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(place, "package.json"), []byte(`{"version": "1.0.0"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, dir string
		want      []string
	}{
		{"no directory is named", "", []string{"found no -official", "npm ci --ignore-scripts --prefix DIR"}},
		{"nothing is installed there", t.TempDir(), []string{"find the official client", "npm ci --ignore-scripts --prefix"}},
		{"another version is installed there", other, []string{"found version 1.0.0 in " + other + ", expected ", "npm ci --ignore-scripts --prefix " + other}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := findOfficial(test.dir, "official")
			if err == nil {
				t.Fatal("got no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got error %v, want %q in it", err, want)
				}
			}
		})
	}
}
