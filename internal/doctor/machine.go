package doctor

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
)

// machine examines what the go command finds on this machine: forward proxies,
// credentials, CA certificates, go commands, the module cache.
func (e examination) machine() []finding.Finding {
	var out []finding.Finding
	if e.s.Options.Getenv != nil {
		out = append(out, goenv.ReadForward(e.s.Options.Getenv).Check(e.s.Configured)...)
		out = append(out, e.certificates()...)
		out = append(out, e.goCommands()...)
	}
	out = append(out, e.credentials()...)
	return append(out, e.writableCache()...)
}

// certificates checks what the go command trusts servers by. On Windows and
// macOS the system decides, and no variable (crypto/x509: root_unix.go).
func (e examination) certificates() []finding.Finding {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return nil
	}
	file := e.s.Options.Getenv("SSL_CERT_FILE")
	if file == "" {
		if e.s.Values.CAFile == "" {
			return nil
		}
		return []finding.Finding{{Check: "ca-file-not-for-go", Severity: finding.Info, Setting: "--ca-file", Found: e.s.Values.CAFile,
			Effect: "modferry trusts these CA certificates as well as the system's; the go command knows only the system's, and fails when it contacts such a mirror itself.",
			Fix:    "SSL_CERT_FILE with a file that has both, or the CA certificate in the system's store"}}
	}
	f := finding.Finding{Check: "ca-file-unreadable", Severity: finding.Error, Setting: "SSL_CERT_FILE", Found: file, Source: "environment",
		Fix: "a file with certificates in PEM format, the system's own included"}
	switch pem, err := diskfile.Read(file, mirror.MaxCertificates); {
	case err != nil:
		f.Effect = fmt.Sprintf("It cannot be read (%s), and the go command silently reads no other file in its place: certificates from the CAs in it are not trusted.", reason(err))
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		f.Effect = "It has no certificate (a block that begins with -----BEGIN CERTIFICATE-----), and the go command silently reads no other file in its place: certificates from the CAs in it are not trusted."
	default:
		return nil
	}
	return []finding.Finding{f}
}

// reason is an error of the file system without the path, which is said already.
func reason(err error) string {
	if named, ok := errors.AsType[*fs.PathError](err); ok {
		err = named.Err
	}
	return failure.Plain(err.Error())
}

// goCommands tells of several go commands on PATH: which one a step runs then
// depends on its PATH.
func (e examination) goCommands() []finding.Finding {
	switch found := e.s.Programs("go"); len(found) {
	case 0:
		return []finding.Finding{{Check: "go-missing", Severity: finding.Info, Setting: "PATH",
			Effect: "No go command is on PATH: modferry assumes the defaults that Go ships with for GOPROXY, GOSUMDB and GOTOOLCHAIN, and compares no versions."}}
	case 1:
		return nil
	default:
		return []finding.Finding{{Check: "go-several", Severity: finding.Info, Setting: "PATH", Found: strings.Join(found, ", "),
			Effect: "The first one runs; with a different PATH another one runs, with its own settings in go.env."}}
	}
}

// writableCache finds out whether modules can be added to the module cache: at
// its top and where downloads go, which another user may have made.
func (e examination) writableCache() []finding.Finding {
	top := e.s.Env.Get("GOMODCACHE")
	if !filepath.IsAbs(top) {
		return nil // another finding says so
	}
	for _, dir := range []string{filepath.Join(top, "cache", "download"), top} {
		if err := writable(dir); err != nil {
			return []finding.Finding{{Check: "modcache-unusable", Severity: finding.Error, Setting: "GOMODCACHE", Found: top, Source: e.s.Env.Source("GOMODCACHE"),
				Effect: fmt.Sprintf("Nothing can be written to %s (%s): the go command can use what is there, but fails if a module is missing or not yet extracted.", dir, reason(err)),
				Fix:    "a directory that this user can write to, or another GOMODCACHE"}}
		}
	}
	return nil
}

// writable reports why no file can be made in a directory, or in the nearest one
// above it that exists. It leaves nothing behind.
func writable(dir string) error {
	for {
		info, err := os.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
			dir = filepath.Dir(dir)
			continue
		}
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return errors.New("not a directory")
		}
		f, err := os.CreateTemp(dir, ".modferry-doctor-*")
		if err != nil {
			return err
		}
		return errors.Join(f.Close(), os.Remove(f.Name()))
	}
}
