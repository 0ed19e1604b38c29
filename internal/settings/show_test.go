package settings_test

import (
	"testing"

	"github.com/modferry/modferry/internal/settings"
)

func unset(string) string { return "" }

// What a setting is shown as can be given again.
func TestEveryValueIsShownAsItWouldBeWritten(t *testing.T) {
	t.Parallel()
	v, err := settings.Resolve(nil, unset, files{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range settings.Table() {
		value, source := v.Show(s)
		if s.Name != "cache" && (value != s.Default || source != "default") {
			t.Errorf("%s is shown as %q (%s), want %q", s.Name, value, source, s.Default)
		}
	}
	for name, values := range map[string][]string{
		"timeout":     {"0", "90s", "1m30s", "2h", "1h0m30s", "1.5s"},
		"cache-floor": {"0", "1B", "1000B", "1KiB", "3MiB"},
	} {
		s, _ := settings.Find(name)
		for _, value := range values {
			v, err := settings.Resolve(map[string]string{name: value}, unset, files{})
			if err != nil {
				t.Fatal(err)
			}
			shown, _ := v.Show(s)
			again, err := settings.Resolve(map[string]string{name: shown}, unset, files{})
			if err != nil || again.Timeout != v.Timeout || again.CacheFloor != v.CacheFloor {
				t.Errorf("%s %s is shown as %q: %v", name, value, shown, err)
			}
		}
	}
}

func TestWhatTheCheckoutSaysIsShownAsItsOwn(t *testing.T) {
	t.Parallel()
	v, err := settings.Resolve(nil, unset, files{".modferry.yaml": "proxy: ['https://u:s3cr3t@a.example.test']\nprivate: corp.example.test\n"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"proxy":   "https://u:xxxxx@a.example.test,direct file .modferry.yaml:1, in this run only",
		"private": "corp.example.test file .modferry.yaml:2, in this run only",
	} {
		s, _ := settings.Find(name)
		if value, source := v.Show(s); value+" "+source != want {
			t.Errorf("%s is shown as %q from %q", name, value, source)
		}
	}
}
