package diskfile_test

import (
	"net/url"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/modferry/modferry/internal/diskfile"
)

func TestFromURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"file:///srv/go%20proxy": "/srv/go proxy",
		"file:///a/%2e%2e/b":     "/a/../b",
		"file:///C:/proxy":       map[bool]string{true: "C:/proxy", false: "/C:/proxy"}[runtime.GOOS == "windows"],
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := diskfile.FromURL(u); got != filepath.FromSlash(want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
