package mirrortest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// gocmd runs the go command of this toolchain in dir with an environment of its
// own, and returns what it says. Without HOME there is no telemetry, whose
// process may outlive the command and write into a directory that is being
// removed.
func gocmd(t *testing.T, dir string, env []string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "GOPATH=" + t.TempDir(), "GOENV=off", "GOTOOLCHAIN=local",
		"GOFLAGS=-mod=readonly -modcacherw", "GOCACHE=" + filepath.Join(t.TempDir(), "build"), "GOWORK=off",
		"SSL_CERT_DIR=" + filepath.Join(t.TempDir(), "none"),
	}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestTheGoCommandDownloadsVerifiesAndLoadsFromAHealthyMirror(t *testing.T) {
	t.Parallel()
	f := mirrortest.Build(t,
		mirrortest.Module{Path: "example.test/Upper/one", Version: "v1.2.3", Size: 5000},
		mirrortest.Module{Path: "example.test/two/v2", Version: "v2.0.0"},
		mirrortest.Module{Path: "example.test/old", Version: "v0.1.0"})
	old := f.Versions()[1]
	if old.Path != "example.test/old" {
		t.Fatalf("fixtures are sorted otherwise: %v", f.Versions())
	}
	db := mirrortest.NewSumDB(t, f)
	dir := t.TempDir()
	f.WriteCheckout(t, dir, mirrortest.Checkout{})

	run := func(t *testing.T, proxy string, env ...string) {
		env = append(env, "GOMODCACHE="+filepath.Join(t.TempDir(), "mod"), "GOPROXY="+proxy)
		for _, args := range [][]string{{"mod", "download", "-x"}, {"mod", "verify"}, {"list", "-deps", "./..."}} {
			if out, err := gocmd(t, dir, env, args...); err != nil {
				t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
			}
		}
	}
	eachProtocol(t, func(t *testing.T, p mirrortest.Protocol) {
		if p != mirrortest.HTTP1 {
			mirrortest.NeedSSLCertFile(t)
		}
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, Protocol: p})
		run(t, s.URL, "GOSUMDB=off", "SSL_CERT_FILE="+s.CAFile())
		if s.Count("*.zip") != 3 {
			t.Errorf("go asked for %d zips, expected 3", s.Count("*.zip"))
		}
	})
	t.Run("a file mirror", func(t *testing.T) {
		t.Parallel()
		run(t, f.WriteProxy(t, t.TempDir()), "GOSUMDB=off")
	})
	t.Run("with the checksum database through the mirror", func(t *testing.T) {
		t.Parallel()
		// Without go.sum the go command asks the database for every hash.
		fresh := t.TempDir()
		f.WriteCheckout(t, fresh, mirrortest.Checkout{})
		if err := os.Remove(filepath.Join(fresh, "go.sum")); err != nil {
			t.Fatal(err)
		}
		s := mirrortest.Start(t, mirrortest.Options{Fixtures: f, SumDB: db})
		out, err := gocmd(t, fresh, []string{
			"GOMODCACHE=" + filepath.Join(t.TempDir(), "mod"), "GOPROXY=" + s.URL, "GOSUMDB=" + db.Key,
			"GOFLAGS=-mod=mod -modcacherw",
		}, "list", "-deps", "./...")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if s.Count("/sumdb/*/lookup/*") == 0 || s.Count("/sumdb/*/tile/*") == 0 {
			t.Errorf("the database was not asked:\n%s", out)
		}
	})
}

func TestTheGoCommandRefusesEvil(t *testing.T) {
	t.Parallel()
	m := mirrortest.Module{Path: "example.test/m", Version: "v1.0.0", Size: 3000}
	honest := mirrortest.Build(t, m)
	for _, tt := range []struct {
		kind mirrortest.Evil
		says string
	}{
		{mirrortest.OtherContent, "checksum mismatch"},
		{mirrortest.OtherMod, "checksum mismatch"},
		{mirrortest.TruncatedZip, "not a valid zip file"},
		{mirrortest.DotDot, "evil.go"},
		{mirrortest.Absolute, "unexpected file /evil.go"},
		{mirrortest.WrongPrefix, "unexpected file"},
		{mirrortest.CaseCollision, "case-insensitive"},
		{mirrortest.Backslash, "malformed file path"},
		{mirrortest.Bomb, "too large"},
		{mirrortest.OversizedMod, "too large"},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			t.Parallel()
			evil := honest.With(mirrortest.Corrupt(t, m, tt.kind))
			dir := t.TempDir()
			evil.WriteCheckout(t, dir, mirrortest.Checkout{}) // with the evil's own sums where it has some
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: evil})
			out, err := gocmd(t, dir, []string{
				"GOMODCACHE=" + filepath.Join(t.TempDir(), "mod"), "GOPROXY=" + s.URL, "GOSUMDB=off",
			}, "mod", "download")
			if err == nil || !strings.Contains(out, tt.says) {
				t.Errorf("go says %v, expected %q:\n%s", err, tt.says, out)
			}
		})
	}
}
