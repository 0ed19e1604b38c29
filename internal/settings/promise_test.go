package settings_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/settings"
)

func TestOfflineIsAPromiseOfEveryCommand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		command, cache string
		refused, quiet bool // refused, or kept by asking no mirror
	}{
		{command: "action", refused: true},
		{command: "export", refused: true},
		{command: "probe", refused: true},
		{command: "env", quiet: true},
		{command: "doctor", quiet: true},
		{command: "fetch"},
		{command: "exec"},
		{command: "serve"},
		{command: "import"},
		{command: "verify"},
		{command: "settings"},
		{command: "cache list", cache: "dir:/cache"},
		{command: "cache save", cache: "off"},
		{command: "cache restore", cache: "s3://bucket/prefix?endpoint=https://s3.example.test", refused: true},
	} {
		t.Run(test.command, func(t *testing.T) {
			t.Parallel()
			for _, offline := range []string{"true", "false", ""} {
				environ := map[string]string{"MODFERRY_OFFLINE": offline, "MODFERRY_CACHE": test.cache}
				v, err := settings.Resolve(nil, func(name string) string { return environ[name] }, settings.Disk{WorkDir: t.TempDir()})
				if err != nil {
					t.Fatal(err)
				}
				err = v.Promise(test.command)
				var told *settings.Error
				if is := errors.As(err, &told); is != (test.refused && offline == "true") {
					t.Errorf("offline %q gave %v", offline, err)
				} else if is && !strings.Contains(told.Error(), "variable MODFERRY_OFFLINE") {
					t.Errorf("%v does not say where it is from", told)
				}
				if v.NoProbe != (test.quiet && offline == "true") {
					t.Errorf("offline %q: no-probe is %v", offline, v.NoProbe)
				}
			}
		})
	}
}
