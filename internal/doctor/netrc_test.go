package doctor_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestPasswordsAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	f := mirrortest.Generate(t, 1, 100)
	good := mirrortest.Start(t, mirrortest.Options{Fixtures: f}).URL
	for mode, open := range map[os.FileMode]bool{
		0o600: false, 0o400: false, 0o700: false,
		0o640: true, 0o620: true, 0o610: true, 0o604: true, 0o602: true, 0o601: true, 0o644: true,
	} {
		t.Run(fmt.Sprintf("%04o", mode), func(t *testing.T) {
			t.Parallel()
			b := fetchtest.New(t, f, mirrortest.Checkout{})
			b.Netrc("machine a.test login u password p\n", mode)
			got := fetchtest.Found(examine(b, good), "netrc-readable")
			if (got != nil) != open {
				t.Errorf("found %+v, want a finding: %v", got, open)
			}
		})
	}
}
