package owndir

import "testing"

func TestRemovable(t *testing.T) {
	t.Parallel()
	for goflags, want := range map[string]string{
		"":                                "-modcacherw",
		"-mod=mod":                        "-mod=mod -modcacherw",
		"-buildvcs=false '-ldflags=-s x'": "-buildvcs=false '-ldflags=-s x' -modcacherw",
		"-modcacherw":                     "",
		"--modcacherw=false -mod=mod":     "",
	} {
		if got := Removable(goflags); got != want {
			t.Errorf("%q: got %q, want %q", goflags, got, want)
		}
	}
}
