package goenv_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/goenv"
)

func TestCredentialsAreFoundInEveryForm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, value string
		want        []string
	}{
		{"nothing", "https://a.test|https://b.test/x@y,direct", nil},
		{"an empty value", "", nil},
		{"no URL", "direct", nil},
		{"a password", "https://u:pass@a.test,direct", []string{"pass"}},
		{"an encoded password", "https://u:p%40s%20s@a.test/go", []string{"p@s s", "p%40s+s", "p%40s%20s"}},
		{"a user without password", "https://token@a.test", []string{"token"}},
		{"an empty password", "https://token:@a.test", []string{"token"}},
		{"a sign in the path", "https://u:pass@a.test/b@c", []string{"pass"}},
		{"several mirrors", "https://u:one@a.test|https://v:two@b.test,https://u:one@c.test,off", []string{"one", "two"}},
		{"a parameter", "https://a.test/go?region=eu&token=a%2Bb", []string{"a%2Bb", "a+b"}},
		{"the token of a relay", "https://a.test/RelayTok3nXYZ12345/x,b.test:1/3f9a1c07be52d84466e0", []string{"RelayTok3nXYZ12345", "3f9a1c07be52d84466e0"}},
		{"a database", "sum.a.test+0123abcd+AAAA https://u:pass@sum.a.test", []string{"pass"}},
		{"not parseable", "https://u:pass@a.test:port", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, goenv.Secrets(tt.value)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
