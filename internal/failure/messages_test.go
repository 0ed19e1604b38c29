package failure_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/golog"
)

// downloadMessages are how go commands word failed downloads: what people look for on
// the page. The log is a line of one that says it.
var downloadMessages = []struct {
	says, log string
	want      failure.Class
}{
	{"dial tcp: lookup HOST: no such host", `go: example.test/m@v1.0.0: Get "https://mirror.test/example.test/m/@v/v1.0.0.mod": dial tcp: lookup mirror.test on 192.0.2.1:53: no such host`, failure.NameLookup},
	{"lookup HOST: server misbehaving", `go: example.test/m@v1.0.0: Get "https://mirror.test/example.test/m/@v/v1.0.0.mod": dial tcp: lookup mirror.test on 192.0.2.1:53: server misbehaving`, failure.NameLookup},
	{"connect: connection refused", `go: example.test/m@v1.0.0: Get "https://mirror.test/example.test/m/@v/v1.0.0.mod": dial tcp 192.0.2.1:443: connect: connection refused`, failure.Refused},
	{"connect: network is unreachable, no route to host", `go: example.test/m@v1.0.0: Get "https://mirror.test/example.test/m/@v/v1.0.0.mod": dial tcp 192.0.2.1:443: connect: network is unreachable`, failure.Unreachable},
	{"dial tcp: i/o timeout", `go: example.test/m@v1.0.0: Get "https://mirror.test/example.test/m/@v/v1.0.0.mod": dial tcp 192.0.2.1:443: i/o timeout`, failure.ConnectTimeout},
	{`Get "https://…": EOF`, `go: example.test/m@v1.0.0: Get "https://mirror.test/example.test/m/@v/v1.0.0.mod": EOF`, failure.Reset},
	{"connection reset by peer", `go: example.test/m@v1.0.0: Get "https://mirror.test/example.test/m/@v/v1.0.0.mod": read tcp 192.0.2.2:40000->192.0.2.1:443: read: connection reset by peer`, failure.Reset},
	{"net/http: TLS handshake timeout", `go: example.test/m@v1.0.0: Get "https://mirror.test/example.test/m/@v/v1.0.0.mod": net/http: TLS handshake timeout`, failure.TLSTimeout},
	{"x509: certificate signed by unknown authority", `go: example.test/m@v1.0.0: Get "https://mirror.test/example.test/m/@v/v1.0.0.mod": tls: failed to verify certificate: x509: certificate signed by unknown authority`, failure.TLSUnknownAuthority},
	{"x509: certificate is valid for A, not B", `go: example.test/m@v1.0.0: Get "https://mirror.test/example.test/m/@v/v1.0.0.mod": tls: failed to verify certificate: x509: certificate is valid for other.test, not mirror.test`, failure.TLSWrongName},
	{"x509: certificate has expired or is not yet valid", `go: example.test/m@v1.0.0: Get "https://mirror.test/example.test/m/@v/v1.0.0.mod": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-01-01T00:00:00Z is after 2025-01-01T00:00:00Z`, failure.TLSExpired},
	{"http: server gave HTTP response to HTTPS client", `go: example.test/m@v1.0.0: Get "https://mirror.test/example.test/m/@v/v1.0.0.mod": http: server gave HTTP response to HTTPS client`, failure.NotTLS},
	{"Proxy Authentication Required", `go: example.test/m@v1.0.0: Get "https://mirror.test/example.test/m/@v/v1.0.0.mod": Proxy Authentication Required`, failure.ProxyAuth},
	{"proxyconnect tcp: …", `go: example.test/m@v1.0.0: Get "https://mirror.test/example.test/m/@v/v1.0.0.mod": proxyconnect tcp: dial tcp 192.0.2.1:3128: connect: connection refused`, failure.ProxyConnect},
	{"401 Unauthorized", `go: example.test/m@v1.0.0: reading https://mirror.test/example.test/m/@v/v1.0.0.mod: 401 Unauthorized`, failure.Unauthorized},
	{"403 Forbidden", `go: example.test/m@v1.0.0: reading https://mirror.test/example.test/m/@v/v1.0.0.mod: 403 Forbidden`, failure.Forbidden},
	{"404 Not Found", `go: example.test/m@v1.0.0: reading https://mirror.test/example.test/m/@v/v1.0.0.mod: 404 Not Found`, failure.NotFound},
	{"410 Gone", `go: example.test/m@v1.0.0: reading https://mirror.test/example.test/m/@v/v1.0.0.mod: 410 Gone`, failure.Gone},
	{"429 Too Many Requests", `go: example.test/m@v1.0.0: reading https://mirror.test/example.test/m/@v/v1.0.0.mod: 429 Too Many Requests`, failure.Throttled},
	{"500, 502, 503, 504", `go: example.test/m@v1.0.0: reading https://mirror.test/example.test/m/@v/v1.0.0.mod: 502 Bad Gateway`, failure.ServerError},
	{"unexpected EOF", `go: example.test/m@v1.0.0: reading https://mirror.test/example.test/m/@v/v1.0.0.zip: unexpected EOF`, failure.CutBody},
	{"stream error: stream ID 1; INTERNAL_ERROR", `go: example.test/m@v1.0.0: reading https://mirror.test/example.test/m/@v/v1.0.0.zip: stream error: stream ID 1; INTERNAL_ERROR; received from peer`, failure.HTTP2Reset},
	{"stopped after 10 redirects", `go: example.test/m@v1.0.0: Get "https://mirror.test/login": stopped after 10 redirects`, failure.RedirectLoop},
	{"zip: not a valid zip file", `go: example.test/m@v1.0.0: zip: not a valid zip file`, failure.WrongContent},
	{"checksum mismatch, SECURITY ERROR", "verifying example.test/m@v1.0.0: checksum mismatch\n\tdownloaded: h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\tgo.sum:     h1:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=\n\nSECURITY ERROR", failure.HashMismatch},
	{"missing go.sum entry", `main.go:3:8: missing go.sum entry for module providing package example.test/m (imported by example.test/main); to add:`, failure.MissingSum},
	{"unknown revision v1.0.0", `go: example.test/m@v1.0.0: invalid version: unknown revision v1.0.0`, failure.NotFound},
	{"terminal prompts disabled, could not read Username", "go: example.test/m@v1.0.0: invalid version: git ls-remote -q origin in /x: exit status 128:\n\tfatal: could not read Username for 'https://example.test': terminal prompts disabled", failure.Unauthorized},
	{"module lookup disabled by GOPROXY=off", `go: example.test/m@v1.0.0: module lookup disabled by GOPROXY=off`, failure.Disabled},
	{"no space left on device", `go: example.test/m@v1.0.0: write /home/runner/go/pkg/mod/cache/download/example.test/m/@v/v1.0.0.zip1.tmp: no space left on device`, failure.DiskFull},
	{"mkdir …: permission denied", `go: example.test/m@v1.0.0: mkdir /home/runner/go/pkg/mod/cache: permission denied`, failure.Permission},
	{"too many open files", `go: example.test/m@v1.0.0: open /home/runner/go/pkg/mod/cache/download/x: too many open files`, failure.LocalIO},
}

// otherMessages end a go command for another reason; the cause is golog's name for it.
var otherMessages = []struct{ says, log, want string }{
	{"go.mod requires go >= 1.27.0 (running go 1.26.0; GOTOOLCHAIN=local)", "go: go.mod requires go >= 1.27.0 (running go 1.26.0; GOTOOLCHAIN=local)", "toolchain-refused"},
	{"unknown directive: toolchain, invalid go version", "go: errors parsing go.mod:\n/src/go.mod:5: unknown directive: toolchain", "toolchain-refused-by-old-go"},
	{"toolchain not available", "go: download go1.99.0 for linux/amd64: toolchain not available", "toolchain-unavailable"},
	{"updates to go.mod needed", "go: updates to go.mod needed; to update it:\n\tgo mod tidy", "go-mod-untidy"},
	{"no required module provides package", "main.go:3:8: no required module provides package example.test/m; to add it:\n\tgo get example.test/m", "package-without-module"},
	{"package … is not in std", "main.go:3:8: package maps is not in std (/usr/local/go/src/maps)", "package-not-in-std"},
	{"found, but does not contain package", "main.go:3:8: module example.test/m@latest found (v1.0.0), but does not contain package example.test/m/sub", "package-not-in-module"},
	{"ambiguous import", "main.go:3:8: ambiguous import: found package example.test/m/sub in multiple modules:", "ambiguous-import"},
	{"module declares its path as", "go: example.test/m@v1.0.0: parsing go.mod:\n\tmodule declares its path as: example.test/other\n\t        but was required as: example.test/m", "path-differs"},
	{"replacement directory … does not exist", "go: example.test/m@v1.0.0 (replaced by ../m): reading ../m/go.mod: open /m/go.mod: no such file or directory", "replace-directory-missing"},
	{"inconsistent vendoring", "go: inconsistent vendoring in /src:", "vendor-inconsistent"},
	{"module … listed in go.work file requires go >=", "go: module a listed in go.work file requires go >= 1.26.0, but go.work lists go 1.25.0; to update it:", "go-work-too-old"},
	{"is not one of the workspace modules listed in go.work", "main.go:3:8: current directory is contained in a module that is not one of the workspace modules listed in go.work. You can add the module to the workspace using:", "go-work-not-a-member"},
	{"go.mod file not found in current directory or any parent directory", "go: go.mod file not found in current directory or any parent directory; see 'go help modules'", "no-main-module"},
	{"errors parsing go.mod", "go: errors parsing go.mod:\n/src/go.mod:3: unknown directive: <<<<<<<", "go-mod-damaged"},
	{"error obtaining VCS status: exit status 128", "error obtaining VCS status: exit status 128", "vcs-status"},
	{`exec: "git": executable file not found`, `go: example.test/m@v1.0.0: git init --bare in /x: exec: "git": executable file not found in $PATH`, "vcs-missing"},
	{"module cache not found", "go: module cache not found: neither GOMODCACHE nor GOPATH is set", "gomodcache-missing"},
	{"failed to initialize build cache", "failed to initialize build cache at /root/.cache/go-build: mkdir /root/.cache: permission denied", "build-cache"},
	{"parsing $GOFLAGS", "go: parsing $GOFLAGS: unknown flag -x", "goflags-invalid"},
}

// byMessage writes the part of the page that is searched for messages.
func byMessage(t *testing.T, b *strings.Builder) {
	t.Helper()
	read := func(log string) golog.Failure {
		l, err := golog.Read(strings.NewReader(log + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Failures) != 1 {
			t.Fatalf("%d failures in %q", len(l.Failures), log)
		}
		return l.Failures[0]
	}
	b.WriteString("\n## By message\n\nWhat go commands, and the servers behind them, say of a failed download:\n\n| message | what it is |\n|---|---|\n")
	for _, m := range downloadMessages {
		if got := read(m.log).Class; got != m.want {
			t.Errorf("%q is %s, want %s", m.log, got, m.want)
		}
		fmt.Fprintf(b, "| `%s` | [%s](#%s) |\n", m.says, m.want.Title(), m.want)
	}
	b.WriteString("\nWhat else ends a go command:\n\n| message | what it means | what to do |\n|---|---|---|\n")
	for _, m := range otherMessages {
		f := read(m.log)
		if f.Cause != m.want {
			t.Errorf("%q is %q, want %q", m.log, f.Cause, m.want)
		}
		a := f.Advice()
		more := ""
		if code := (finding.Finding{Check: f.Check()}).Code(); code != "" {
			more = fmt.Sprintf(" ([%s](checks.md#%s))", code, strings.ToLower(code))
		}
		fmt.Fprintf(b, "| `%s` | %s%s | %s |\n", m.says, a.Explain, more, a.Remedy)
	}
	b.WriteString(reportWords)
}

// reportWords explain the first word of a report.
const reportWords = `
What a report of modferry begins with:

| it says | the job |
|---|---|
| ` + "`ok`" + ` | can go on: everything is there, or left to the go command |
| ` + "`not ready`" + ` | will fail at its next go command, for the reason that follows: correct the checkout, most often with ` + "`go mod tidy`" + ` |
| ` + "`incomplete`" + ` | lacks something, for the reason that follows: one of those below |
| ` + "`integrity failure`" + ` | was offered wrong content, and no source had the right one: [wrong hash](#hash_mismatch) |
| ` + "`cannot run`" + ` | has a setting or file that must be corrected: the message says what was found and what was expected |
| ` + "`nothing restored`, `restored in part`, `nothing saved`" + ` | goes on without the cache, or with less of it: [the cache](cache.md) |
| ` + "`interrupted`" + ` | was stopped; the next run goes on from what is there |
| ` + "`the command failed with exit code N`" + ` | ran a command with ` + "`modferry exec`" + ` that failed, though no download did: its own output says why |
`
