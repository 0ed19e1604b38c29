package truth

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// netrcClaim says whether a netrc file, in which HOST is the mirror's name and
// PORT its port, gets the credentials u:p to a mirror over https.
func netrcClaim(id, says, text string, sent bool) claim {
	return claim{id, says, "internal/mirror/netrc.go, internal/session/netrccheck.go", func(t *testing.T) string {
		f := one(t)
		s, ca := serveTLS(t, mirrortest.Options{Fixtures: f, BasicAuth: "u:p", Base: "/base"})
		_, port, _ := strings.Cut(s.Addr, ":")
		j := newJob(t, f, "https://mirror.example.test:"+port+"/base").trust(ca)
		j.through(map[string]string{"mirror.example.test": s.Addr})
		netrc := filepath.Join(j.temp, "netrc")
		writeFile(t, netrc, strings.NewReplacer("HOST", "mirror.example.test", "PORT", port).Replace(text))
		r := j.set("NETRC", netrc).run("mod", "download")
		if sent {
			return r.works()
		}
		return all(r.fails("401 Unauthorized"), noCredentials(s))
	}}
}

// noCredentials is "" when no request carried any.
func noCredentials(s *mirrortest.Server) string {
	for _, r := range s.Requests() {
		if r.Authorization() != "" {
			return "credentials are sent for " + r.Path
		}
	}
	return ""
}

// credentialClaims say where credentials come from.
func credentialClaims() []claim {
	const leans = "internal/mirror/netrc.go, internal/goenv/check_proxy.go (goproxy-credentials, goproxy-http-credentials)"
	return []claim{
		netrcClaim("netrc-with-port", "a machine line of netrc with host and port as in the URL counts", "machine HOST:PORT login u password p\n", true),
		netrcClaim("netrc-without-port", "a machine line without the URL's port does not count", "machine HOST login u password p\n", false),
		netrcClaim("netrc-default", "the default line of netrc does not count", "default login u password p\n", false),
		netrcClaim("netrc-parent-domain", "a machine line for a parent domain does not count", "machine example.test:PORT login u password p\nmachine example.test login u password p\n", false),
		netrcClaim("netrc-with-path", "a machine line of host and path counts", "machine HOST:PORT/base login u password p\n", true),
		netrcClaim("netrc-over-several-lines", "login and password may stand on lines of their own", "machine HOST:PORT\n\tlogin u\n\tpassword p\n", true),
		netrcClaim("netrc-without-password", "a machine without a password does not count, whatever follows", "machine HOST:PORT login u\nmachine other.test login u password p\n", false),
		netrcClaim("netrc-without-login", "a machine without a login does not count", "machine HOST:PORT password p\n", false),
		netrcClaim("netrc-quoted-machine", "quotes around a machine are part of its name", "machine \"HOST:PORT\" login u password p\n", false),
		netrcClaim("netrc-url", "a machine may be an https:// URL", "machine https://HOST:PORT/base/ login u password p\n", true),
		netrcClaim("netrc-http-url", "a URL with another scheme is no machine", "machine http://HOST:PORT/base login u password p\n", false),
		netrcClaim("netrc-upper-case", "a machine in other letters does not count", "machine MIRROR.example.test:PORT login u password p\n", false),
		netrcClaim("netrc-other-path", "a machine line for another path of the host does not count", "machine HOST:PORT/npm login u password p\n", false),
		netrcClaim("netrc-in-macdef", "what stands in a macdef without an empty line behind it is not read", "macdef init\nmachine HOST:PORT login u password p\n", false),
		netrcClaim("netrc-after-macdef", "an empty line ends a macdef", "macdef init\ncd /\n\nmachine HOST:PORT login u password p\n", true),
		netrcClaim("netrc-byte-order-mark", "a byte order mark before machine hides it", "\ufeffmachine HOST:PORT login u password p\n", false),
		{"netrc-in-home", "without NETRC it is .netrc in the home directory", leans, func(t *testing.T) string {
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f, BasicAuth: "u:p"})
			j := newJob(t, f, s.URL).trust(ca)
			writeFile(t, filepath.Join(j.setHome(), ".netrc"), "machine "+s.Addr+" login u password p\n")
			return j.run("mod", "download").works()
		}},
		{"netrc-over-http", "netrc is not used over plain http", leans, func(t *testing.T) string {
			f := one(t)
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, BasicAuth: "u:p"})
			j := newJob(t, f, s.URL)
			netrc := filepath.Join(j.temp, "netrc")
			writeFile(t, netrc, "machine "+s.Addr+" login u password p\n")
			return all(j.set("NETRC", netrc).run("mod", "download").fails("401 Unauthorized"), noCredentials(s))
		}},
		{"goauth-off", "GOAUTH=off leaves netrc unread", leans + ", internal/session/environment.go", func(t *testing.T) string {
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f, BasicAuth: "u:p"})
			j := newJob(t, f, s.URL).trust(ca)
			netrc := filepath.Join(j.temp, "netrc")
			writeFile(t, netrc, "machine "+s.Addr+" login u password p\n")
			return all(j.set("NETRC", netrc, "GOAUTH", "off").run("mod", "download").fails("401 Unauthorized"), noCredentials(s))
		}},
		{"goauth-command", "GOAUTH may be a command, which prints a URL and the headers for what is below it", leans + ", internal/goenv/check_mode.go (goauth-command)", func(t *testing.T) string {
			if runtime.GOOS == "windows" {
				t.Skip("the command is a shell script")
			}
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f, BasicAuth: "u:p"})
			j := newJob(t, f, s.URL).trust(ca)
			script := filepath.Join(j.temp, "credentials")
			writeFile(t, script, fmt.Sprintf("printf '%s\\n\\nAuthorization: Basic %s\\n\\n'\n", s.URL, base64.StdEncoding.EncodeToString([]byte("u:p"))))
			return j.set("GOAUTH", "sh "+script).run("mod", "download").works()
		}},
		{"goauth-git-needs-a-directory", "git in GOAUTH needs an absolute directory", "internal/goenv/check_mode.go (goauth-invalid)", func(t *testing.T) string {
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f})
			return newJob(t, f, s.URL).trust(ca).set("GOAUTH", "git relative").run("mod", "download").fails("GOAUTH=git", "absolute path")
		}},
		{"url-wins-over-netrc", "credentials in the URL win over netrc, and the password is hidden in errors", leans, func(t *testing.T) string {
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f, BasicAuth: "u:p", Faults: []mirrortest.Rule{mirrortest.Always("*.zip", mirrortest.Status(500))}})
			j := newJob(t, f, s.WithUser("u:p")).trust(ca)
			netrc := filepath.Join(j.temp, "netrc")
			writeFile(t, netrc, "machine "+s.Addr+" login other password wrong\n")
			r := j.set("NETRC", netrc).run("mod", "download", "-x")
			return all(r.fails("500 Internal Server Error", "u:xxxxx@"), r.omits("u:p@"))
		}},
		{"lone-token-is-shown", "a token without a password is taken for a user name and shown", leans, func(t *testing.T) string {
			f := one(t)
			s, ca := serveTLS(t, mirrortest.Options{Fixtures: f, Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(500))}})
			return newJob(t, f, s.WithUser("t0ken")).trust(ca).run("mod", "download").fails("t0ken@")
		}},
		{"credentials-over-http-before-comma", "credentials in an http URL are refused, and a comma does not pass that on", leans + ", internal/failure/class.go (insecure_credentials)", func(t *testing.T) string {
			f := one(t)
			s, second := serve(t, f), serve(t, f)
			r := newJob(t, f, s.WithUser("u:p")+","+second.URL).run("mod", "download")
			return all(r.fails("refusing to pass credentials to insecure URL"), asked(s, "*", 0), asked(second, "*", 0))
		}},
		{"credentials-over-http-before-pipe", "credentials in an http URL are refused, and a pipe passes that on", leans, func(t *testing.T) string {
			f := one(t)
			s, second := serve(t, f), serve(t, f)
			r := newJob(t, f, s.WithUser("u:p")+"|"+second.URL).run("mod", "download")
			return all(r.works(), asked(s, "*", 0), asked(second, "*", 3))
		}},
		{"no-client-certificate", "no client certificate is sent to a mirror that demands one", "internal/failure/kind.go (tls)", func(t *testing.T) string {
			f := one(t)
			ca := mirrortest.NewAuthority(t)
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, mirrortest.GoodCert)}, ClientAuth: tls.RequireAnyClientCert}
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			t.Cleanup(s.Close)
			return newJob(t, f, s.URL).trust(ca).run("mod", "download").fails("tls: certificate required")
		}},
	}
}
