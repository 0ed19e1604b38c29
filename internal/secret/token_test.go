package secret_test

import (
	"testing"

	"github.com/modferry/modferry/internal/secret"
)

func TestTokensInPathsAreToldFromWords(t *testing.T) {
	t.Parallel()
	for part, want := range map[string]bool{
		"RelayTok3nXYZ12345": true, "3f9a1c07be52d84466e0917ac3d5f8b2": true, // openssl rand -hex 16
		"xVJ3-k9Qm2_LZr7T1pW8aBcD": true, "7d1f5c9e-3b2a-4f6d-8c1e-9a0b3d5f7e21": true,
		"artifactory": false, "go-virtual-prod": false, "go-virtual-prod-2024": false, "team1-go2-virtual-prod3": false, "k8s-e2e-mirror-v2-go1": false,
		"golangvirtualrepo2024": false, "goproxy20241129": false, "1234567890123456789": false, "abcdefghijklmnopqrstuvwxyz": false,
		"go.opentelemetry.io": false, "code2024.example.test": false, "a1b2c3d4": false, "": false,
	} {
		if got := secret.TokenLike(part); got != want {
			t.Errorf("TokenLike(%q) = %v, want %v", part, got, want)
		}
	}
}

func TestTokensOfRelaysAreLearned(t *testing.T) {
	t.Parallel()
	const token = "RelayTok3nXYZ12345"
	for _, entry := range []string{"MODFERRY_RELAY_TOKEN=" + token, "GOPROXY=https://h.test:1/" + token + ",direct", "MODFERRY_PROXY=https://a.test|http://h.test//" + token + "/x", "GOPROXY=localhost:1/" + token + "|direct"} {
		var s secret.Set
		s.AddEnviron([]string{entry})
		if got := s.Hide("found " + token); got != "found xxxxx" {
			t.Errorf("after %s: %q", entry, got)
		}
	}
	var s secret.Set
	s.AddEnviron([]string{"GOPROXY=https://h.test/artifactory/api/go/go-virtual-prod", "MODFERRY_CACHE=s3://bucket/3f9a1c07be52d84466e0", "MODFERRY_KEEP_DIR=/3f9a1c07be52d84466e0"})
	if got := s.Hide("artifactory 3f9a1c07be52d84466e0"); got != "artifactory 3f9a1c07be52d84466e0" {
		t.Errorf("what is no token was learned: %q", got)
	}
}
