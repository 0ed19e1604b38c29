package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// What a job may do with the cache.
const (
	canRead  = 1
	canWrite = 2
)

// token is a runtime token as a job gets it: its claim "ac" says what the job
// may do. The signature is nobody's business but GitHub's.
func token(permission int) string {
	ac := fmt.Sprintf(`[{"Scope":"refs/heads/main","Permission":%d}]`, permission)
	claims, err := json.Marshal(map[string]any{"ac": ac, "exp": 4102444800, "iss": "https://token.example.test"})
	if err != nil {
		panic(err) // strings and numbers can be marshalled
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims) + "." + encode([]byte("signature"))
}

// permissionOf is what a token allows, 0 when it is none.
func permissionOf(token string) int {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return 0
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return 0
	}
	var claims struct{ AC string }
	var scopes []struct{ Permission int }
	if json.Unmarshal(data, &claims) != nil || json.Unmarshal([]byte(claims.AC), &scopes) != nil {
		return 0
	}
	all := 0
	for _, s := range scopes {
		all |= s.Permission
	}
	return all
}
