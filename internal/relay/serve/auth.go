package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/secret"
)

// auth says who is answered. The go command sends no password over http, and neither
// does anything else here: there a token is the first part of the path. Over https
// it may also be a bearer token, or the password of any user.
type auth struct {
	tokens []([sha256.Size]byte)
	certs  bool // clients need a certificate, too
	words  bool // a token looks like words, and is shown where URLs are
}

func (a *auth) wanted() bool { return len(a.tokens) > 0 }

// form is what a token may look like: it stands in URLs, and it cannot be guessed.
var form = regexp.MustCompile(`^[A-Za-z0-9._~-]{16,200}$`)

const largestTokenFile = 64 << 10

// newAuth reads the tokens: one of a variable, and those of a file, a line each. All
// become known as secrets.
func newAuth(token, file string, certs bool, secrets *secret.Set) (*auth, error) {
	a := &auth{certs: certs}
	add := func(source, token string) error {
		if !form.MatchString(token) {
			return fmt.Errorf("%s: found a token of %d characters, expected 16 to 200 letters, digits and . _ ~ -, such as openssl rand -hex 16 prints", source, len(token))
		}
		secrets.Add(token)
		a.words = a.words || !secret.TokenLike(token)
		a.tokens = append(a.tokens, sha256.Sum256([]byte(token)))
		return nil
	}
	if token != "" {
		if err := add("MODFERRY_RELAY_TOKEN", token); err != nil {
			return nil, err
		}
	}
	if file == "" {
		return a, nil
	}
	data, err := diskfile.Read(file, largestTokenFile)
	if err != nil {
		return nil, fmt.Errorf("--token-file: %w", err)
	}
	for n, line := range strings.Split(string(data), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := add(fmt.Sprintf("--token-file, line %d", n+1), line); err != nil {
			return nil, err
		}
	}
	if len(a.tokens) == 0 {
		return nil, fmt.Errorf("--token-file: found no token in %s, expected one a line; without any, leave the file out", file)
	}
	return a, nil
}

// refusal is why somebody is not answered.
type refusal struct {
	status int
	reason string // for the metric
	text   string
	basic  bool // it may be tried again with a password
}

func (f *refusal) answer(w http.ResponseWriter) {
	if f.basic {
		w.Header().Set("WWW-Authenticate", `Basic realm="modferry"`)
	}
	say(w, f.status, "modferry: "+f.text)
}

// admit returns the request as it stands below the token.
func (a *auth) admit(r *http.Request) (*http.Request, *refusal) {
	given := r.Header.Get("Authorization")
	if given != "" && r.TLS == nil {
		return nil, &refusal{http.StatusBadRequest, "plain-credentials",
			"credentials came over plain http, where everybody on the way reads them; use https, or write the token as the first part of the path: http://HOST:PORT/TOKEN", false}
	}
	if a.certs && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0) {
		return nil, &refusal{http.StatusUnauthorized, "no-certificate", "a certificate of the client is needed (--client-ca)", false}
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case a.knows(first):
		inner, to := *r, *r.URL
		inner.URL = &to
		to.Path, to.RawPath = "/"+rest, ""
		return &inner, nil
	case !a.wanted(), given != "" && a.knows(bearer(r, given)):
		return r, nil
	case given != "":
		return nil, &refusal{http.StatusUnauthorized, "wrong-token", "the token is none of those that are let in", true}
	case r.TLS != nil:
		return nil, &refusal{http.StatusUnauthorized, "no-token", "a token is needed: as the password of any user in .netrc, or as the first part of the path, https://HOST:PORT/TOKEN", true}
	}
	return nil, &refusal{http.StatusUnauthorized, "no-token", "a token is needed, as the first part of the path: http://HOST:PORT/TOKEN", false}
}

// bearer is the token of a header Authorization, "" for none.
func bearer(r *http.Request, given string) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, token, _ := strings.Cut(given, " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// knows takes the same time whatever is right about a token.
func (a *auth) knows(token string) bool {
	if token == "" || len(a.tokens) == 0 {
		return false
	}
	sum := sha256.Sum256([]byte(token))
	found := 0
	for _, t := range a.tokens {
		found |= subtle.ConstantTimeCompare(sum[:], t[:])
	}
	return found == 1
}
