package fetch

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
)

// machine examines what the go command finds on this machine: forward proxies,
// credentials, authorities, go commands, the module cache.
func (j *Job) machine() []finding.Finding {
	var out []finding.Finding
	if j.o.Getenv != nil {
		out = append(out, goenv.ReadForward(j.o.Getenv).Check(j.configured)...)
		out = append(out, j.authorities()...)
		out = append(out, j.goCommands()...)
	}
	out = append(out, j.credentials()...)
	return append(out, j.writableCache()...)
}

// authorities checks what the go command trusts servers by. On Windows and
// macOS the system decides, and no variable (crypto/x509: root_unix.go).
func (j *Job) authorities() []finding.Finding {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return nil
	}
	file := j.o.Getenv("SSL_CERT_FILE")
	if file == "" {
		if j.values.CAFile == "" {
			return nil
		}
		return []finding.Finding{{Check: "ca-file-not-for-go", Severity: finding.Info, Setting: "--ca-file", Found: j.values.CAFile,
			Effect: "modferry trusts these authorities as well as the system's; the go command knows only the system's, and fails where it asks such a mirror itself.",
			Fix:    "SSL_CERT_FILE with a file that has both, or the certificate in the system's store"}}
	}
	f := finding.Finding{Check: "ca-file-unreadable", Severity: finding.Error, Setting: "SSL_CERT_FILE", Found: file, Source: "environment",
		Fix: "a file with certificates in PEM format, the system's own included"}
	switch pem, err := diskfile.Read(file, maxCertificates); {
	case err != nil:
		f.Effect = fmt.Sprintf("It cannot be read (%s), and the go command reads no other file in its place, without a word: certificates that it would vouch for are not trusted.", reason(err))
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		f.Effect = "It has no certificate (a block that begins with -----BEGIN CERTIFICATE-----), and the go command reads no other file in its place, without a word: certificates that it would vouch for are not trusted."
	default:
		return nil
	}
	return []finding.Finding{f}
}

// reason is an error of the file system without the path, which is said already.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return failure.Plain(err.Error())
}

// goCommands tells of several go commands on PATH: which one a step runs then
// depends on its PATH.
func (j *Job) goCommands() []finding.Finding {
	switch found := j.programs("go"); len(found) {
	case 0:
		return []finding.Finding{{Check: "go-missing", Severity: finding.Info, Setting: "PATH",
			Effect: "No go command is on PATH: the defaults of GOPROXY, GOSUMDB and GOTOOLCHAIN are taken to be those that Go ships with, and no version is compared."}}
	case 1:
		return nil
	default:
		return []finding.Finding{{Check: "go-several", Severity: finding.Info, Setting: "PATH", Found: strings.Join(found, ", "),
			Effect: "The first one runs; another PATH runs another one, with settings of its own in go.env."}}
	}
}

// programs are the different files that a name stands for on PATH.
func (j *Job) programs(name string) []string {
	if j.o.Getenv == nil {
		return nil
	}
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	var found []string
	for _, dir := range filepath.SplitList(j.o.Getenv("PATH")) {
		real, err := filepath.EvalSymlinks(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		if info, err := os.Stat(real); err == nil && info.Mode().IsRegular() && !slices.Contains(found, real) {
			found = append(found, real)
		}
	}
	return found
}

// writableCache finds out whether modules can be added to the module cache: at
// its top and where downloads go, which another user may have made.
func (j *Job) writableCache() []finding.Finding {
	top := j.env.Get("GOMODCACHE")
	if !filepath.IsAbs(top) {
		return nil // another finding says so
	}
	for _, dir := range []string{filepath.Join(top, "cache", "download"), top} {
		if err := writable(dir); err != nil {
			return []finding.Finding{{Check: "modcache-unusable", Severity: finding.Error, Setting: "GOMODCACHE", Found: top, Source: j.env.Source("GOMODCACHE"),
				Effect: fmt.Sprintf("Nothing can be written to %s (%s): the go command can use what is there, and fails where a module is missing or not yet extracted.", dir, reason(err)),
				Fix:    "a directory that belongs to this user, or GOMODCACHE elsewhere"}}
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
