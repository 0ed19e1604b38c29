package owndir

import (
	"path/filepath"
	"testing"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/settings"
)

func TestAModuleCacheThatOthersRemoveIsWritable(t *testing.T) {
	t.Parallel()
	mod := filepath.Join(t.TempDir(), "mod")
	for goflags, want := range map[string]string{
		"":                                "-modcacherw",
		"-mod=mod":                        "-mod=mod -modcacherw",
		"-buildvcs=false '-ldflags=-s x'": "-buildvcs=false '-ldflags=-s x' -modcacherw",
		"-modcacherw":                     "",
		"--modcacherw=false -mod=mod":     "",
	} {
		for _, removed := range []bool{true, false} {
			vars := map[string]string{"GOMODCACHE": mod, "GOFLAGS": goflags}
			v := &settings.Values{Sources: map[string]string{}}
			env, _, err := Environment(v, goenv.Host{Getenv: func(name string) string { return vars[name] }}, func(dir string) bool { return removed && dir == mod })
			if err != nil {
				t.Fatal(err)
			}
			set, all := want, want
			if !removed {
				set, all = "", goflags
			} else if want == "" {
				all = goflags
			}
			if v.GOFLAGS != set || env.Get("GOFLAGS") != all {
				t.Errorf("%q: set %q, the go command has %q", goflags, v.GOFLAGS, env.Get("GOFLAGS"))
			}
		}
	}
}
