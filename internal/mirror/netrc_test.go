package mirror_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

func TestNetrcIsReadAsTheGoCommandReadsIt(t *testing.T) {
	t.Parallel()
	ann := mirror.NetrcEntry{Machine: "a.test", Login: "ann", Password: "pw"}
	bob := mirror.NetrcEntry{Machine: "b.test", Login: "bob", Password: "pw"}
	for _, test := range []struct {
		name, text string
		want       []mirror.NetrcEntry
	}{
		{"one machine a line", "machine a.test login ann password pw\nmachine b.test login bob password pw\n", []mirror.NetrcEntry{ann, bob}},
		{"one token a line", "machine a.test\nlogin ann\npassword pw", []mirror.NetrcEntry{ann}},
		{"two machines on a line", "machine a.test login ann password pw machine b.test login bob password pw", []mirror.NetrcEntry{ann, bob}},
		{"the password before the login", "machine a.test password pw login ann", []mirror.NetrcEntry{ann}},
		{"line ends of Windows", "machine a.test\r\nlogin ann password pw\r\n", []mirror.NetrcEntry{ann}},
		{"credentials of no machine", "login ann password pw\nmachine b.test login bob password pw", []mirror.NetrcEntry{bob}},
		{"a machine without a password keeps no credentials for the next", "machine a.test login ann\nmachine b.test login bob password pw", []mirror.NetrcEntry{bob}},
		{"a machine without a login", "machine a.test password pw\n", nil},
		{"a token without a value", "machine a.test login\nmachine b.test login bob password pw extra", []mirror.NetrcEntry{bob}},
		{"a macro is no list of machines", "macdef init\nmachine a.test login ann password pw\n\nmachine b.test login bob password pw", []mirror.NetrcEntry{bob}},
		{"nothing counts behind default", "machine a.test login ann password pw\ndefault\nmachine b.test login bob password pw", []mirror.NetrcEntry{ann}},
		{"the login of default is nobody's", "default login ann password pw\n", nil},
		{"nothing", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got, _ := mirror.ParseNetrc(test.text); !slices.Equal(got, test.want) {
				t.Errorf("ParseNetrc(%q)\n got %v\nwant %v", test.text, got, test.want)
			}
		})
	}
}

// What stands in a netrc file is for the machine and the path that it names,
// over TLS, and for nobody near them.
func TestNetrcCredentialsGoToTheirMachineOnly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		machine string
		url     string
		sent    bool
	}{
		{"the machine", "go.example.test", "https://go.example.test", true},
		{"the machine with a path in the URL", "go.example.test", "https://go.example.test/mirror/go", true},
		{"the machine with its port", "go.example.test:8443", "https://go.example.test:8443", true},
		{"the machine over plain http", "go.example.test", "http://go.example.test", false},
		{"another machine", "other.example.test", "https://go.example.test", false},
		{"a machine of the parent domain", "example.test", "https://go.example.test", false},
		{"a machine of a subdomain", "go.example.test", "https://example.test", false},
		{"a machine whose name ends alike", "o.example.test", "https://go.example.test", false},
		{"a machine whose name begins alike", "go.example", "https://go.example.test", false},
		{"the machine without the port of the URL", "go.example.test", "https://go.example.test:8443", false},
		{"the machine with a port that the URL has not", "go.example.test:8443", "https://go.example.test", false},
		{"no machine at all", "", "https://go.example.test", false},
		{"the path", "go.example.test/mirror", "https://go.example.test/mirror", true},
		{"the path and a slash", "go.example.test/mirror/", "https://go.example.test/mirror/", true},
		{"below the path", "go.example.test/mirror", "https://go.example.test/mirror/go", true},
		{"beside the path", "go.example.test/mirror", "https://go.example.test/other", false},
		{"a path that begins alike", "go.example.test/mirror", "https://go.example.test/mirrored", false},
		{"above the path", "go.example.test/mirror/go", "https://go.example.test/mirror", false},
		{"the path without a path in the URL", "go.example.test/mirror", "https://go.example.test", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			protocol := mirrortest.HTTP1TLS
			if strings.HasPrefix(test.url, "http:") {
				protocol = mirrortest.HTTP1
			}
			s := mirrortest.Start(t, mirrortest.Options{Protocol: protocol, Handler: http.NotFoundHandler()})
			network := new(mirrortest.Network)
			for _, host := range []string{"example.test", "go.example.test"} {
				network.Route(host, s.Addr)
			}
			m := open(t, s, mirror.Options{
				Netrc: []mirror.NetrcEntry{{Machine: test.machine, Login: "ann", Password: "s3cret"}},
				Dial:  network.DialContext,
				Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
			}, test.url)
			read(m, mirror.Request{Path: "example.test/a/@v/v1.0.0.mod"})
			asked := s.Requests()
			if len(asked) != 1 {
				t.Fatalf("%d requests, want 1", len(asked))
			}
			if sent := asked[0].Authorization() != ""; sent != test.sent {
				t.Errorf("machine %s, mirror %s: credentials sent %v, want %v", test.machine, test.url, sent, test.sent)
			}
		})
	}
}

func TestTheNetrcEntryThatCounts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		lines func(addr string) string
	}{
		{"of a path, before that of its host", func(addr string) string {
			return "machine " + addr + "/go login right password pw\nmachine " + addr + " login wrong password pw"
		}},
		{"of a path, behind that of its host", func(addr string) string {
			return "machine " + addr + " login wrong password pw\nmachine " + addr + "/go login right password pw"
		}},
		{"the first of one machine", func(addr string) string {
			return "machine " + addr + " login right password pw\nmachine " + addr + " login wrong password pw"
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mirrortest.Start(t, mirrortest.Options{Protocol: mirrortest.HTTP1TLS, BasicAuth: "right:pw", Base: "/go"})
			entries, _ := mirror.ParseNetrc(test.lines(s.Addr))
			m := open(t, s, mirror.Options{Netrc: entries}, s.URL)
			if _, _, err := read(m, mirror.Request{Path: "example.test/a/@v/v1.0.0.mod"}); failure.Classify(err) != failure.NotFound {
				t.Errorf("%v; want a 404, which the right credentials get", err)
			}
		})
	}
}

func TestReadNetrc(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := "machine a.test login ann password pw\n"
	ann := []mirror.NetrcEntry{{Machine: "a.test", Login: "ann", Password: "pw"}}
	for name, text := range map[string]string{".netrc": text, "named": text, "large": strings.Repeat(" ", mirror.MaxNetrc) + text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	named := filepath.Join(dir, "named")
	for _, test := range []struct {
		name   string
		env    map[string]string
		goauth string
		want   []mirror.NetrcEntry
		fails  bool
	}{
		{"home", map[string]string{"HOME": dir}, "", ann, false},
		{"home of Windows", map[string]string{"USERPROFILE": dir}, "", ann, false},
		{"NETRC", map[string]string{"NETRC": named, "HOME": "/nowhere"}, "", ann, false},
		{"GOAUTH with netrc", map[string]string{"HOME": dir}, "netrc; git /src", ann, false},
		{"GOAUTH without netrc", map[string]string{"HOME": dir, "NETRC": named}, "off", nil, false},
		{"no home", nil, "", nil, false},
		{"no file", map[string]string{"NETRC": filepath.Join(dir, "none")}, "", nil, false},
		{"a directory", map[string]string{"NETRC": dir}, "", nil, true},
		{"too large", map[string]string{"NETRC": filepath.Join(dir, "large")}, "", nil, true},
	} {
		got, err := mirror.ReadNetrc(func(name string) string { return test.env[name] }, test.goauth)
		if !slices.Equal(got, test.want) || (err != nil) != test.fails {
			t.Errorf("%s: %v, %v; want %v", test.name, got, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: %q shows a password", test.name, err)
		}
	}
	if got, err := mirror.ReadNetrc(nil, ""); got != nil || err != nil {
		t.Errorf("without an environment: %v, %v", got, err)
	}
}
