package secret

import (
	"net/url"
	"strings"
	"unicode"
)

// variables are those whose whole value is sent as a credential, or proves who
// a job is: those of CI systems, of the AWS tools, and inputs of the action.
var variables = map[string]bool{
	"ACTIONS_RUNTIME_TOKEN": true, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": true, "GITHUB_TOKEN": true, "GH_TOKEN": true, "INPUT_TOKEN": true,
	"CI_JOB_TOKEN": true, "CI_BUILD_TOKEN": true, "CI_JOB_JWT": true, "CI_JOB_JWT_V2": true, "CI_REGISTRY_PASSWORD": true,
	"CI_DEPLOY_PASSWORD": true, "GITLAB_TOKEN": true, "MODFERRY_GITLAB_TOKEN": true, "GITEA_TOKEN": true, "FORGEJO_TOKEN": true,
	"AWS_SECRET_ACCESS_KEY": true, "AWS_SECRET_KEY": true, "AWS_SESSION_TOKEN": true, "AWS_CONTAINER_AUTHORIZATION_TOKEN": true,
	"MODFERRY_RELAY_TOKEN": true, "MINIO_ROOT_PASSWORD": true, "MINIO_SECRET_KEY": true,
}

// AddEnviron makes known what the variables of an environment ("NAME=value")
// hold: the values that are secrets as a whole, and the credentials in URLs of
// settings. Other variables are not read: a commit's message is in some, and
// its author could have ordinary words hidden.
func (s *Set) AddEnviron(environ []string) {
	for _, entry := range environ {
		name, v, _ := strings.Cut(entry, "=")
		upper := strings.ToUpper(name)
		switch {
		case variables[upper]:
			s.Add(v)
		case upper == "GOPROXY", upper == "GOSUMDB", strings.HasSuffix(upper, "_PROXY"),
			strings.HasPrefix(upper, "MODFERRY_"), strings.HasPrefix(upper, "INPUT_"):
			s.AddURLs(v)
		}
	}
}

// AddURLs makes known the credentials of all URLs in a text, such as a GOPROXY
// list: userinfo, parameters of queries that prove a right, and tokens in paths.
func (s *Set) AddURLs(text string) {
	for _, entry := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '|' || unicode.IsSpace(r) }) {
		scheme, rest, found := strings.Cut(entry, "//")
		if host, _, _ := strings.Cut(entry, "/"); !found && strings.ContainsAny(host, ".:") {
			s.addPath(entry) // the go command adds the scheme
		}
		for found {
			s.addUserinfo(rest)
			if OfHTTP(scheme) {
				s.addPath(rest)
			}
			scheme, rest, found = strings.Cut(rest, "//") // a URL may carry another one in its query
		}
		_, query, _ := strings.Cut(entry, "?")
		query, _, _ = strings.Cut(query, "#")
		for parameter := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
			if name, v, _ := strings.Cut(parameter, "="); IsParameter(name) {
				s.Add(v)
				if decoded, err := url.QueryUnescape(v); err == nil {
					s.Add(decoded)
				}
			}
		}
	}
}

// addPath makes the token known that a relay reads in the path of a URL.
func (s *Set) addPath(rest string) {
	start, end := PathToken(rest)
	s.Add(rest[start:end])
}

// addUserinfo reads what follows the "//" of a URL, which may be one that no
// parser takes: a password with an unescaped "/" is a password all the same.
func (s *Set) addUserinfo(rest string) {
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		if _, err := url.Parse("//" + rest); err == nil {
			return // an "@" of the path
		}
		if at = strings.LastIndexByte(rest, '@'); at < 0 {
			return
		}
	}
	s.addLogin(rest[:at])
	// The "@" of a password may have a "/" behind it: what ends there is hidden, too.
	if last := strings.LastIndexByte(rest, '@'); last > at {
		s.addLogin(rest[:last])
	}
}

// addLogin makes a userinfo known, as it is written and decoded.
func (s *Set) addLogin(userinfo string) {
	login, password, _ := strings.Cut(userinfo, ":")
	if password == "" && (login == "git" || login == "hg") {
		return // how every Git host is spoken to by ssh
	}
	s.AddLogin(login, password)
	decodedLogin, err1 := url.PathUnescape(login)
	decoded, err2 := url.PathUnescape(password)
	if err1 == nil && err2 == nil {
		s.AddLogin(decodedLogin, decoded)
	}
}

// IsParameter reports whether a parameter of a query proves a right: "sig" of
// Azure, what S3, Google, Gitea and others have in its place.
func IsParameter(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "sig", "sign", "auth", "code", "key", "pass", "pwd":
		return true
	}
	for _, end := range []string{"signature", "token", "password", "passwd", "secret", "credential", "credentials", "apikey", "api_key", "api-key", "access_key", "access-key", "accesskey", "private_key", "private-key", "privatekey", "secret_key", "secret-key", "secretkey"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}
