package e2e

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// TestACorporateNetwork reaches a mirror the way it is reached in many
// companies: by a name that only the forward proxy can look up, through a squid
// that wants credentials and opens TLS with a certificate of its own authority,
// with the mirror's credentials in a .netrc.
func TestACorporateNetwork(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 8, 50_000)
	origin := mirrortest.NewAuthority(t)
	s := mirrortest.Start(t, mirrortest.Options{
		Fixtures: f, Protocol: mirrortest.HTTP2, Authority: origin, BasicAuth: "build:m1rr0r-s3cret",
	})
	const host = "goproxy.example.test"
	squid := startSquid(t, origin, host)
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	mirror := "https://" + net.JoinHostPort(host, port)

	netrc := filepath.Join(t.TempDir(), "netrc")
	// The go command compares the machine with the host as the URL has it, port
	// included.
	text := fmt.Sprintf("machine %s login build password m1rr0r-s3cret\n", net.JoinHostPort(host, port))
	if err := os.WriteFile(netrc, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := "HTTPS_PROXY=http://me:secret@" + squid.addr

	for _, tt := range []struct {
		name  string
		env   []string
		ca    string // SSL_CERT_FILE
		args  []string
		class failure.Class // of the modules that fail; "" when all is well
	}{
		{name: "works with everything in place", env: []string{proxy, "NETRC=" + netrc}, ca: squid.caFile},
		{name: "works with the authority as a flag", env: []string{proxy, "NETRC=" + netrc}, args: []string{"--ca-file", squid.caFile}},
		{name: "says that the authority is unknown", env: []string{proxy, "NETRC=" + netrc}, class: failure.TLSUnknownAuthority},
		{name: "says that the forward proxy wants credentials", env: []string{"HTTPS_PROXY=http://" + squid.addr, "NETRC=" + netrc}, ca: squid.caFile, class: failure.ProxyAuth},
		{name: "says that the mirror wants credentials", env: []string{proxy}, ca: squid.caFile, class: failure.Unauthorized},
		{name: "says that the forward proxy is down", env: []string{"HTTPS_PROXY=http://" + mirrortest.Refused(t), "NETRC=" + netrc}, ca: squid.caFile, class: failure.ProxyConnect},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at := newPlace(t, s)
			at.dir = t.TempDir()
			f.WriteCheckout(t, at.dir, mirrortest.Checkout{})
			at.proxy, at.caFile = mirror, tt.ca
			at.env = append(at.env, tt.env...)
			if tt.class == "" {
				at.fetch(t, 0, tt.args...)
				at.goOffline(t, "mod", "verify")
				at.goOffline(t, "list", "-deps", "./...")
				return
			}
			r := at.fetch(t, 1, append(tt.args, "--retries", "0")...)
			// Once it is clear that the mirror cannot be had, the rest is not
			// even tried.
			named := 0
			for _, m := range r.Modules {
				switch m.Class {
				case tt.class:
					named++
				case failure.CircuitOpen:
				default:
					t.Errorf("%s %s: %s (%s), expected %s", m.Kind, m.Path, m.Class, m.Message, tt.class)
				}
			}
			if named == 0 {
				t.Errorf("no module failed with %s", tt.class)
			}
			if len(r.Mirrors) != 1 || r.Mirrors[0].Class != tt.class || r.Mirrors[0].State != report.Failing {
				t.Errorf("mirrors %+v, expected one that fails with %s", r.Mirrors, tt.class)
			}
		})
	}
}

// squid is a running squid.
type squid struct {
	addr   string
	caFile string // of the authority that it shows to clients
}

// startSquid starts a squid that asks for me:secret, opens TLS, trusts origin,
// and knows host as this machine.
func startSquid(t *testing.T, origin *mirrortest.Authority, host string) squid {
	t.Helper()
	const lib = "/usr/lib/squid"
	program, err := exec.LookPath("squid")
	if err != nil {
		program = "/usr/sbin/squid"
	}
	_, missing := os.Stat(filepath.Join(lib, "security_file_certgen"))
	need(t, missing == nil, "squid with TLS interception is not installed (Debian: squid-openssl)")

	// Squid gives up root, so its files are not below the test's directory,
	// which is root's alone.
	dir, err := os.MkdirTemp("", "modferry-squid-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	shown := mirrortest.NewAuthority(t)
	for name, text := range map[string]string{
		"ca.pem":     string(shown.PEM()) + string(shown.KeyPEM()),
		"origin.pem": string(origin.PEM()),
		"hosts":      "127.0.0.1 " + host + "\n",
		"users":      "me:$apr1$modferry$5xuDpmICMP/SroBC.w4Ug0\n", // secret
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	addr := "127.0.0.1:" + mirrortest.FreePort(t)
	conf := filepath.Join(dir, "squid.conf")
	err = os.WriteFile(conf, []byte(strings.NewReplacer("ADDR", addr, "DIR", dir, "LIB", lib).Replace(`
http_port ADDR ssl-bump cert=DIR/ca.pem generate-host-certificates=on dynamic_cert_mem_cache_size=4MB
sslcrtd_program LIB/security_file_certgen -s DIR/certs -M 4MB
sslcrtd_children 2
tls_outgoing_options cafile=DIR/origin.pem
ssl_bump bump all
auth_param basic program LIB/basic_ncsa_auth DIR/users
auth_param basic children 2
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
hosts_file DIR/hosts
cache deny all
access_log none
cache_log DIR/cache.log
pid_filename DIR/squid.pid
coredump_dir DIR
pinger_enable off
shutdown_lifetime 0 seconds
`)), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	who := ordinaryUser(t, dir)

	certs := exec.Command(filepath.Join(lib, "security_file_certgen"), "-c", "-s", filepath.Join(dir, "certs"), "-M", "4MB")
	certs.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	if out, err := certs.CombinedOutput(); err != nil {
		t.Fatalf("security_file_certgen: %v\n%s", err, out)
	}

	// The name keeps its shared memory apart from that of other squids.
	name := "modferry" + strconv.Itoa(os.Getpid())
	cmd := exec.Command(program, "-N", "-d1", "-n", name, "-f", conf)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan bool, 1)
	drained := make(chan struct{})
	var said strings.Builder // read by this goroutine's owner after drained or ready
	go func() {
		defer close(drained)
		lines := bufio.NewScanner(stderr)
		for up := false; lines.Scan(); {
			if !up {
				said.WriteString(lines.Text() + "\n")
			}
			if strings.Contains(lines.Text(), "Accepting SSL bumped HTTP Socket connections") {
				up = true
				ready <- true
			}
		}
		close(ready)
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM) // SIGKILL would leave its shared memory behind
		<-drained
		cmd.Wait()
	})
	if !<-ready {
		t.Fatalf("squid did not start:\n%s", said.String())
	}
	return squid{addr: addr, caFile: shown.CAFile()}
}

// ordinaryUser is the user that squid runs as when the test is root, who owns
// dir from then on; nil otherwise.
func ordinaryUser(t *testing.T, dir string) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("proxy")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Chown(filepath.Join(dir, e.Name()), uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
