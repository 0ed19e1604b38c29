package gha

import (
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/modferry/modferry/internal/failure"
)

func FuzzAnswers(f *testing.F) {
	for _, s := range []string{`{"code":"internal","msg":"no"}`, `{"message":"cache write denied: x"}`, `{"error":"x"}`, `{"error":{"a":1}}`, `[]`, `null`, "plain\ntext", "<html>", "##[error]x", ""} {
		f.Add(s, "application/json")
		f.Add(s, "text/plain")
	}
	s := &Store{secrets: newSecrets(nil, nil)}
	f.Fuzz(func(t *testing.T, body, kind string) {
		a := answer{s: s, r: &request{op: "look up a", url: "https://x.example.test/"}, status: 403,
			header: http.Header{"Content-Type": {kind}}, body: []byte(body)}
		a.code()
		for _, err := range []error{a.refused(), a.failure()} {
			if text := err.Error(); failure.Neutral(text) != text {
				t.Errorf("the error %q is not neutral", text)
			}
		}
	})
}

func FuzzWritable(f *testing.F) {
	for _, s := range []string{`{"ac":"[{\"Permission\":1}]"}`, `{"ac":"[{\"Permission\":2}]"}`, `{"ac":"[]"}`, `{"ac":5}`, `{}`, ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, claims string) {
		payload := base64.RawURLEncoding.EncodeToString([]byte(claims))
		if writable("e30."+payload+".c2ln") != writable("other."+payload+".signature") {
			t.Errorf("something else than the claims %q decides", claims)
		}
		if !writable(claims) && !writable(payload) {
			t.Errorf("%q is no token and forbids", claims)
		}
	})
}
