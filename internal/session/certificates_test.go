package session_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestOneServerMayHaveAuthoritiesOfItsOwn(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	b := fetchtest.New(t, mirrortest.Build(t), mirrortest.Checkout{})
	j, err := b.Open("off")
	if err != nil {
		t.Fatal(err)
	}
	get := func(transport http.RoundTripper) error {
		resp, err := (&http.Client{Transport: transport}).Get(server.URL)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	trusting, err := j.TransportTrusting("X", file)
	if err != nil {
		t.Fatal(err)
	}
	if err := get(trusting); err != nil {
		t.Error(err)
	}
	plain, err := j.TransportTrusting("X", "")
	if err != nil {
		t.Fatal(err)
	}
	for name, transport := range map[string]http.RoundTripper{"without a file": plain, "others": j.Transport()} {
		if err := get(transport); err == nil {
			t.Errorf("%s: the server is trusted", name)
		}
	}
	if err := os.WriteFile(file, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{file, file + ".missing"} {
		if _, err := j.TransportTrusting("X", bad); err == nil || !strings.Contains(err.Error(), "X") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
