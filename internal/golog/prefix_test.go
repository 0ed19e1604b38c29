package golog_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/modferry/modferry/internal/golog"
)

// shape is a message of the go command and what is to be found in it: the cause
// or, without one, the class, and the module.
type shape struct{ name, text, want string }

// shapes are the messages of the go command, one of each kind of the catalogue.
var shapes = []shape{
	{"status", "go: example.test/m@v1.0.0: reading https://mirror.example.test/example.test/m/@v/v1.0.0.zip: 503 Service Unavailable", "server_error example.test/m"},
	{"status at an import", "main.go:4:2: example.test/m@v1.0.0: reading https://mirror.example.test/example.test/m/@v/v1.0.0.zip: 403 Forbidden", "forbidden example.test/m"},
	{"status in the module cache", "/go/pkg/mod/example.test/m@v1.0.0/x.go:9:2: example.test/n@v1.0.0: reading https://mirror.example.test/example.test/n/@v/v1.0.0.zip: 404 Not Found", "not_found example.test/n"},
	{"status with the server's words", "go: example.test/m@v1.0.0: reading https://mirror.example.test/example.test/m/@v/v1.0.0.mod: 410 Gone\n\tserver response: not here", "gone example.test/m"},
	{"status with the server's lines", "go: example.test/m@v1.0.0: reading https://mirror.example.test/example.test/m/@v/v1.0.0.mod: 429 Too Many Requests\n\tserver response:\n\tslow down\n\tplease", "throttled example.test/m"},
	{"status as Go 1.12 worded it", "go: example.test/m@v1.0.0: unexpected status (https://mirror.example.test/example.test/m/@v/v1.0.0.info): 500 Internal Server Error", "server_error example.test/m"},
	{"query", "go: module example.test/m: reading https://mirror.example.test/example.test/m/@v/list: 502 Bad Gateway", "server_error example.test/m"},
	{"query as Go 1.15 worded it", "go get: module example.test/m: reading https://mirror.example.test/example.test/m/@v/list: 502 Bad Gateway", "server_error example.test/m"},
	{"chain of requirements", "go: example.test/a@v1.0.0 requires\n\texample.test/b@v1.1.0 requires\n\texample.test/m@v1.2.0: reading https://mirror.example.test/example.test/m/@v/v1.2.0.mod: 404 Not Found", "not_found example.test/m"},
	{"chain of imports", "go: example.test/main imports\n\texample.test/m: unrecognized import path \"example.test/m\": https fetch: Get \"https://example.test/m?go-get=1\": dial tcp: lookup example.test on 192.0.2.53:53: no such host", "name_lookup example.test/m"},
	{"chain to an untidy import", "go: example.test/main imports\n\texample.test/d/pkg: cannot find module providing package example.test/d/pkg: module lookup disabled by GOPROXY=off", "disabled "},
	{"no answer", "go: example.test/m@v1.0.0: Get \"https://mirror.example.test/example.test/m/@v/v1.0.0.mod\": dial tcp 192.0.2.1:443: connect: connection refused", "refused example.test/m"},
	{"no answer as Go 1.13 worded it", "go: example.test/m@v1.0.0: Get https://mirror.example.test/example.test/m/@v/v1.0.0.mod: dial tcp 192.0.2.1:443: i/o timeout", "connect_timeout example.test/m"},
	{"page as Go 1.13 worded it", "go: example.test/m@v1.0.0: unrecognized import path \"example.test/m\" (https fetch: Get https://example.test/m?go-get=1: x509: certificate signed by unknown authority)", "tls_unknown_authority example.test/m"},
	{"version of no commit", "go: example.test/m@v0.0.0-00010101000000-000000000000: invalid version: unknown revision 000000000000", "replace-line-lost example.test/m"},
	{"no IPv6", "go: example.test/m@v1.0.0: Get \"https://mirror.example.test/example.test/m/@v/v1.0.0.mod\": dial tcp [2001:db8::1]:443: connect: cannot assign requested address", "unreachable example.test/m"},
	{"broken body", "go: example.test/m@v1.0.0: read \"https://mirror.example.test/example.test/m/@v/v1.0.0.zip\": unexpected EOF", "cut_body example.test/m"},
	{"login page", "go: example.test/m@v1.0.0: invalid response from proxy \"https://mirror.example.test\": invalid character '<' looking for beginning of value", "wrong_content example.test/m"},
	{"other version", "go: example.test/m@v1.0.0: proxy returned info for version v1.0.1 instead of requested version", "wrong_content example.test/m"},
	{"bad zip", "go: example.test/m@v1.0.0: zip: not a valid zip file", "wrong_content example.test/m"},
	{"foreign zip", "go: zip for example.test/m@v1.0.0 has unexpected file evil/x.go", "unsafe_zip example.test/m"},
	{"broken zip in the cache", "-> unzip /go/pkg/mod/cache/download/example.test/m/@v/v1.0.0.zip: zip: not a valid zip file", "wrong_content example.test/m"},
	{"mismatch with go.sum", "verifying example.test/m@v1.0.0: checksum mismatch\n\tdownloaded: h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\tgo.sum:     h1:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=", "hash_mismatch example.test/m"},
	{"mismatch with the database", "go: example.test/m@v1.0.0: verifying module: checksum mismatch\n\tdownloaded: h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\tsum.example.test: h1:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=", "hash_mismatch example.test/m"},
	{"missing line of go.sum", "main.go:6:2: missing go.sum entry for module providing package example.test/m (imported by example.test/main); to add:\n\tgo get example.test/main", "missing_sum "},
	{"merged go.sum", "/src/go.sum:1: wrong number of fields 5", "go-sum-damaged "},
	{"go.sum that is none", "/src/go.sum:3: malformed go.sum: wrong number of fields 1", "go-sum-damaged "},
	{"changed cache", "example.test/m v1.0.0: zip has been modified (/go/pkg/mod/cache/download/example.test/m/@v/v1.0.0.zip)", "hash_mismatch example.test/m"},
	{"chain setting", "go: GOPROXY list is not the empty string, but contains no entries", "goproxy-empty "},
	{"database without the module", "go: example.test/m@v1.0.0: verifying module: example.test/m@v1.0.0: reading https://sum.example.test/lookup/example.test/m@v1.0.0: 404 Not Found", "not_found example.test/m"},
	{"git", "go: example.test/m@v1.0.0: invalid version: git ls-remote -q https://git.example.test/m in /go/pkg/mod/cache/vcs/01: exit status 128:\n\tfatal: could not read Username for 'https://git.example.test': terminal prompts disabled", "unauthorized example.test/m"},
	{"revision", "go: example.test/m@v9.9.9: invalid version: unknown revision v9.9.9", "not_found example.test/m"},
	{"no git", "go: example.test/m@v1.0.0: exec: \"git\": executable file not found in $PATH", "vcs-missing example.test/m"},
	{"no toolchain", "go: download go1.22 for linux/amd64: toolchain not available", "toolchain-unavailable "},
	{"toolchain from a mirror", "go: download go1.99.0: golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64: Get \"https://mirror.example.test/golang.org/toolchain/@v/v0.0.1-go1.99.0.linux-amd64.zip\": EOF", "reset golang.org/toolchain"},
	{"old Go", "go: go.mod requires go >= 1.24.0 (running go 1.23.5; GOTOOLCHAIN=local)", "toolchain-refused "},
	{"old Go for a module", "go: example.test/m@v1.0.0: example.test/m@v1.0.0 requires go >= 1.24.0 (running go 1.23.5; GOTOOLCHAIN=local)", "toolchain-refused example.test/m"},
	{"Go before toolchains", "go: errors parsing go.mod:\n/src/go.mod:3: invalid go version '1.22.0': must match format 1.23", "toolchain-refused-by-old-go "},
	{"old go.work", "go: module ../apps/a listed in go.work file requires go >= 1.26.4, but go.work lists go 1.26.0; to update it:\n\tgo work use", "go-work-too-old "},
	{"member that is missing", "go: cannot load module ../a listed in go.work file: open ../a/go.mod: no such file or directory", "go-work-member-missing "},
	{"replacement that is missing", "main.go:4:2: example.test/m@v1.0.0: replacement directory ../m does not exist", "replace-directory-missing example.test/m"},
	{"go.mod of a replacement without version that is missing", "go: example.test/m (replaced by ./m): reading m/go.mod: open /src/m/go.mod: no such file or directory", "replace-directory-missing example.test/m"},
	{"go.mod of a replacement that is missing", "go: example.test/m@v1.0.0 (replaced by ./m/): reading m/go.mod: open /src/m/go.mod: no such file or directory", "replace-directory-missing example.test/m"},
	{"vendor", "go: inconsistent vendoring in /src:\n\texample.test/m@v1.0.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt", "vendor-inconsistent "},
	{"go.mod that is not tidy", "go: updates to go.mod needed; to update it:\n\tgo mod tidy", "go-mod-untidy "},
	{"GOSUMDB=off for a toolchain", "go: download go1.25.1 for linux/amd64: golang.org/toolchain@v0.0.1-go1.25.1.linux-amd64: verifying module: checksum database disabled by GOSUMDB=off", "sumdb-off-toolchain golang.org/toolchain"},
	{"login page for a version", "go: example.test/m@v1.0.0: parsing https://mirror.example.test/example.test/m/@v/v1.0.0.info: invalid character '<' looking for beginning of value", "wrong_content example.test/m"},
	{"legal reasons", "go: example.test/m@v1.0.0: reading https://mirror.example.test/example.test/m/@v/v1.0.0.zip: 451 Unavailable For Legal Reasons", "forbidden example.test/m"},
	{"server that gave up", "go: example.test/m@v1.0.0: reading https://mirror.example.test/example.test/m/@v/v1.0.0.zip: 408 Request Timeout", "server_error example.test/m"},
	{"go.work that is not up to date", "go: updates to go.work needed", "go-work-untidy "},
	{"go.work without a go line", "go: module . listed in go.work file requires go >= 1.26, but go.work has no go line; to add it:\n\tgo work use", "go-work-too-old "},
	{"go.work of Go 1.18", "go: module . listed in go.work file requires go >= 1.26, but go.work implicitly requires go 1.18; to update it:\n\tgo work use", "go-work-too-old "},
	{"replacements that contradict", "go: conflicting replacements for example.test/m@v1.0.0:\n\t/src/a\n\t/src/b\nuse \"go work edit -replace example.test/m@v1.0.0=[override]\" to resolve", "go-work-conflict "},
	{"replacements of all versions that contradict", "go: conflicting replacements for example.test/m:\n\t./a\n\t./b", "go-work-conflict "},
	{"member twice", "go: module example.test/m appears multiple times in workspace", "go-work-conflict "},
	{"pattern outside the workspace", "pattern ./...: directory prefix . does not contain modules listed in go.work or their selected dependencies", "go-work-not-a-member "},
	{"directory of no member", "current directory is contained in a module that is not one of the workspace modules listed in go.work. You can add the module to the workspace using:\n\tgo work use .", "go-work-not-a-member "},
	{"other directory of no member", "directory tools is contained in a module that is not one of the workspace modules listed in go.work. You can add the module to the workspace using:\n\tgo work use tools", "go-work-not-a-member "},
	{"directory outside the workspace", "directory ../x outside modules listed in go.work or their selected dependencies", "go-work-not-a-member "},
	{"pattern outside the module", "pattern ./sub/...: directory prefix sub does not contain main module or its selected dependencies", "outside-main-module "},
	{"directory outside the module", "directory ../x outside main module or its selected dependencies", "outside-main-module "},
	{"flag that is none", "go: parsing $GOFLAGS: unknown flag -nosuchflag", "goflags-invalid "},
	{"GOFLAGS without a dash", "go: parsing $GOFLAGS: non-flag \"tags\"", "goflags-invalid "},
	{"replaced and not required", "main.go:4:2: module example.test/m provides package example.test/m and is replaced but not required; to add it:\n\tgo get example.test/m", "package-without-module "},
	{"package at a later version", "main.go:4:2: package example.test/m/x provided by example.test/m at latest version v1.1.0 but not at required version v1.0.0", "package-without-module "},
	{"no GOPATH", "package example.test/m: cannot download, $GOPATH not set. For more details see: 'go help gopath'", "gopath-unusable "},
	{"GOPATH that is GOROOT", "package example.test/m: cannot download, $GOPATH must not be set to $GOROOT. For more details see: 'go help gopath'", "gopath-unusable "},
	{"other path", "go: example.test/main imports\n\texample.test/M: example.test/M@v1.9.0: parsing go.mod:\n\tmodule declares its path as: example.test/m\n\t        but was required as: example.test/M", "path-differs example.test/M"},
	{"other case", "package example.test/main: case-insensitive import collision: \"example.test/M\" and \"example.test/m\"", "import-case "},
	{"no module for a package", "main.go:4:2: no required module provides package example.test/m; to add it:\n\tgo get example.test/m", "package-without-module "},
	{"module cache that cannot be written", "go: could not create module cache: mkdir /go/pkg: permission denied", "permission "},
	{"lock that cannot be written", "go: open /go/pkg/mod/cache/download/example.test/m/@v/v1.0.0.lock: permission denied", "permission "},
	{"relative module cache", "go: GOMODCACHE entry is relative; must be absolute path: \"cache\".", "gomodcache-relative "},
	{"full disk", "go: example.test/m@v1.0.0: write /go/pkg/mod/cache/download/example.test/m/@v/v1.0.0.zip12.tmp: no space left on device", "disk_full example.test/m"},
	{"directory in use", `go: example.test/m@v1.0.0: rename C:\go\pkg\mod\example.test\m@v1.0.0.tmp-12 C:\go\pkg\mod\example.test\m@v1.0.0: Access is denied.`, "file-in-use example.test/m"},
}

// stacks are what stands before the n-th line of a message in logs from many
// places, one prefix before the other.
var stacks = map[string]func(n int) string{
	"nothing": func(int) string { return "" },
	"GitHub":  func(n int) string { return fmt.Sprintf("2026-03-01T10:00:%02d.1234567Z ", 9+n) },
	"gh run view": func(n int) string {
		return fmt.Sprintf("build (1.26, ubuntu)\tRun go build ./...\t2026-03-01T10:00:%02d.1234567Z ", 9+n)
	},
	"gh run view, first line": func(n int) string {
		return "build\tUNKNOWN STEP\t" + strings.Repeat("\ufeff", 1-min(n, 1)) + "2026-03-01T10:00:09.1234567Z "
	},
	"gh run view, blanks": func(n int) string {
		return fmt.Sprintf("build  Run go build ./...  2026-03-01T10:00:%02d.1234567Z ", 9+n)
	},
	"gh run view, container": func(n int) string {
		return fmt.Sprintf("build\tRun docker build\t2026-03-01T10:00:09Z #15 %d.619 ", 9+n)
	},
	"GitHub's page":                func(n int) string { return fmt.Sprintf("%d ", 99+n) },
	"GitHub's page, tab":           func(n int) string { return fmt.Sprintf("%d\t", 99+n) },
	"GitHub's page and time":       func(n int) string { return fmt.Sprintf("%d Sun, 01 Mar 2026 10:00:%02d GMT ", 99+n, 9+n) },
	"GitHub's error mark":          func(n int) string { return "2026-03-01T10:00:09.1234567Z " + strings.Repeat("##[error]", 1-min(n, 1)) },
	"GitLab":                       func(n int) string { return fmt.Sprintf("2026-03-01T10:00:%02d.123456Z 01E ", 9+n) },
	"GitLab, compose":              func(n int) string { return "2026-03-01T10:00:09.123456Z 01O builder-1  | " },
	"Azure":                        func(n int) string { return fmt.Sprintf("2026-03-01T10:00:%02d.1234567Z ", 9+n) },
	"Jenkins":                      func(n int) string { return fmt.Sprintf("[2026-03-01T10:00:%02d.123Z] ", 9+n) },
	"Jenkins, time of day":         func(n int) string { return fmt.Sprintf("10:00:%02d  ", 9+n) },
	"Jenkins, parallel":            func(n int) string { return fmt.Sprintf("[2026-03-01T10:00:%02d.123Z] [unit tests] ", 9+n) },
	"Jenkins, container":           func(n int) string { return fmt.Sprintf("10:00:09  #12 %d.3 ", 9+n) },
	"TeamCity":                     func(n int) string { return fmt.Sprintf("[10:00:%02d]W:\t [Step 1/2] ", 9+n) },
	"Buildkite":                    func(n int) string { return "\x1b_bk;t=1700000000000\a" },
	"Travis":                       func(int) string { return "\x1b[0K" },
	"CircleCI":                     func(int) string { return "\x1b[31m" },
	"AppVeyor":                     func(n int) string { return fmt.Sprintf("[00:01:%02d] ", 9+n) },
	"Drone":                        func(n int) string { return fmt.Sprintf("[build:%d] ", 9+n) },
	"Cloud Build":                  func(int) string { return `Step #2 - "build": ` },
	"Cloud Foundry":                func(int) string { return "   2026-03-01T10:00:09.12+0000 [STG/0] ERR " },
	"CloudWatch":                   func(n int) string { return fmt.Sprintf("17000000000%02d\t", 9+n) },
	"Heroku":                       func(int) string { return "remote:        " },
	"BuildKit":                     func(n int) string { return fmt.Sprintf("#15 %d.619 ", 9+n) },
	"BuildKit's summary":           func(n int) string { return fmt.Sprintf("%d.326 ", 9+n) },
	"BuildKit's summary, indented": func(n int) string { return fmt.Sprintf(" > %d.326 ", 9+n) },
	"BuildKit on a terminal":       func(int) string { return " => => # " },
	"Earthly":                      func(int) string { return "              +build | " },
	"Earthly, failed":              func(int) string { return "   ./app+build *failed* | " },
	"Dagger":                       func(n int) string { return fmt.Sprintf("12: [%d.4s] | ", 9+n) },
	"Nix":                          func(int) string { return "app> " },
	"compose":                      func(int) string { return "builder-1  | " },
	"compose, colours and time": func(n int) string {
		return fmt.Sprintf("\x1b[36mbuilder-1  |\x1b[0m 2026-03-01T10:00:%02d.123456789Z ", 9+n)
	},
	"foreman":               func(n int) string { return fmt.Sprintf("10:00:%02d web.1   | ", 9+n) },
	"kubectl logs --prefix": func(int) string { return "[pod/build-x7k2p/build] " },
	"kubectl, time": func(n int) string {
		return fmt.Sprintf("[pod/build-x7k2p/build] 2026-03-01T10:00:%02d.123456789Z ", 9+n)
	},
	"container runtime":        func(n int) string { return fmt.Sprintf("2026-03-01T10:00:%02d.123456789Z stderr F ", 9+n) },
	"journald":                 func(n int) string { return fmt.Sprintf("Mar 01 10:00:%02d runner-3 build[4711]: ", 9+n) },
	"journald, ISO":            func(n int) string { return fmt.Sprintf("2026-03-01T10:00:%02d+0000 runner-3 build[4711]: ", 9+n) },
	"syslog without a process": func(n int) string { return fmt.Sprintf("Mar  1 10:00:%02d runner-3 build: ", 9+n) },
	"make":                     func(int) string { return "make[1]: " },
	"turbo":                    func(int) string { return "@scope/app:build: " },
	"concurrently":             func(int) string { return "[0] " },
	"Vagrant":                  func(int) string { return "    default: " },
	"Terraform":                func(int) string { return "null_resource.build (local-exec): " },
	"npm":                      func(int) string { return "npm ERR! " },
	"a program's log":          func(n int) string { return fmt.Sprintf("2026/03/01 10:00:%02d ERROR ", 9+n) },
	"a commented log":          func(n int) string { return fmt.Sprintf("2026-03-01 10:00:%02d,123 [main] INFO ", 9+n) },
	"grep -n":                  func(n int) string { return fmt.Sprintf("%d:", 99+n) },
	"grep -Hn":                 func(n int) string { return fmt.Sprintf("build.log:%d: ", 99+n) },
	"a quoted log":             func(int) string { return "> " },
	"logrus":                   func(n int) string { return fmt.Sprintf("INFO[%04d] ", 12+n) },
	"logback":                  func(n int) string { return fmt.Sprintf("10:00:%02d.123 [main] INFO  c.e.Build - ", 9+n) },
	"syslog, RFC 5424": func(n int) string {
		return fmt.Sprintf("<12>1 2026-03-01T10:00:%02d.123Z runner-3 build 4711 - - ", 9+n)
	},
	"act":                           func(int) string { return "[CI/build]   ❌  " },
	"act, bar":                      func(int) string { return "| " },
	"Alpine":                        func(int) string { return ">>> app: " },
	"set -x":                        func(int) string { return "+ " },
	"Buildah":                       func(int) string { return "STEP 4/6: " },
	"bake":                          func(int) string { return "target app: " },
	"Fabric":                        func(int) string { return "[host1] out: " },
	"Harness":                       func(n int) string { return fmt.Sprintf("I 2026-03-01 10:00:%02d ", 9+n) },
	"Prow":                          func(n int) string { return fmt.Sprintf("I0301 10:00:%02d.123456 ", 9+n) },
	"Railway":                       func(int) string { return "[stage-0  4/6] RUN: " },
	"Loki":                          func(n int) string { return fmt.Sprintf(`2026-03-01T10:00:%02dZ {job="x"} `, 9+n) },
	"mise":                          func(int) string { return "mise ERROR " },
	"vet":                           func(int) string { return "vet: " },
	"GoReleaser":                    func(n int) string { return strings.Repeat("  ⨯ release failed after 0s error=", 1-min(n, 1)) },
	"Buildkite without escapes":     func(int) string { return "_bk;t=1700000000000" },
	"act, padded":                   func(int) string { return "[CI/build ] ❗  ::error::" },
	"act, output":                   func(int) string { return "[CI/build ]   | " },
	"GitHub's archive":              func(n int) string { return fmt.Sprintf("build/3_Run go.txt:12:2026-03-01T10:00:%02d.1234567Z ", 9+n) },
	"GitHub's archive, no time":     func(n int) string { return fmt.Sprintf("build/3_Run go.txt:%d:", 99+n) },
	"grep -n in a folder":           func(n int) string { return fmt.Sprintf("logs/build.log:%d:", 99+n) },
	"grep":                          func(int) string { return "build.log:" },
	"stern":                         func(int) string { return "build-x7k2p builder " },
	"stern, time":                   func(n int) string { return fmt.Sprintf("build-x7k2p builder 2026-03-01T10:00:%02d.123456789Z ", 9+n) },
	"klog":                          func(n int) string { return fmt.Sprintf("E0301 10:00:%02d.123456       1 x.go:12] ", 9+n) },
	"Zuul":                          func(n int) string { return fmt.Sprintf("2026-03-01 10:00:%02d.123456 | ubuntu | ", 9+n) },
	"TeamCity, plain":               func(n int) string { return fmt.Sprintf("[10:00:%02d] :\t [Step 1/2] ", 9+n) },
	"Dependabot":                    func(n int) string { return fmt.Sprintf("updater | 2026/03/01 10:00:%02d ERROR <job_1> ", 9+n) },
	"a step's name":                 func(int) string { return "build: " },
	"PowerShell":                    func(int) string { return "go.exe : " },
	"Dagger, bar":                   func(int) string { return "12: ┃ " },
	"Tilt":                          func(int) string { return "   backend │ " },
	"a bar":                         func(int) string { return "│ " },
	"a bullet":                      func(int) string { return "• " },
	"an emoji":                      func(int) string { return "\u26a0\ufe0f \U0001f6a8 " },
	"Go's time":                     func(n int) string { return fmt.Sprintf("2026-03-01 10:00:%02d +0000 UTC ", 9+n) },
	"a time and its zone":           func(n int) string { return fmt.Sprintf("2026-03-01 10:00:%02d CEST ", 9+n) },
	"golangci-lint":                 func(int) string { return "ERRO [x] typechecking error: " },
	"a level in brackets":           func(n int) string { return fmt.Sprintf("2026-03-01 10:00:%02d [ERROR] ", 9+n) },
	"pairs":                         func(n int) string { return fmt.Sprintf("time=2026-03-01T10:00:%02d level=error ", 9+n) },
	"a list":                        func(n int) string { return []string{"- ", "  "}[min(n, 1)] },
	"a list with stars":             func(n int) string { return []string{"* ", "  "}[min(n, 1)] },
	"a numbered list":               func(n int) string { return []string{"1. ", "   "}[min(n, 1)] },
	"code":                          func(n int) string { return []string{"`", ""}[min(n, 1)] },
	"code in a list":                func(n int) string { return []string{"- `", "  "}[min(n, 1)] },
	"blanks of a web page":          func(n int) string { return fmt.Sprintf("%d\u00a0\u00a0", 99+n) },
	"Jenkins, note":                 func(int) string { return "\x1b[8mha:////4AbCd+/x==\x1b[0m" },
	"Jenkins, note without escapes": func(int) string { return "[8mha:////4AbCd+/x==[0m" },
	"Gradle":                        func(int) string { return ":app:goBuild > " },
	"a program that ran it": func(n int) string {
		return strings.Repeat("Error: release failed after 1s: hook failed: exit status 1: ", 1-min(n, 1))
	},
	"an indented log":         func(int) string { return "    " },
	"colours without escapes": func(int) string { return "[31m" },
	"three in a row": func(n int) string {
		return fmt.Sprintf("2026-03-01T10:00:%02d.1234567Z builder-1  | 10:00:09  #12 %d.3 ", 9+n, 9+n)
	},
	"four in another order": func(n int) string {
		return fmt.Sprintf("[build] Mar  1 10:00:%02d runner-3 make[2]: 01E %d.3 ", 9+n, 9+n)
	},
}

// told is what was found, as shapes say it.
func told(log *golog.Log) string {
	var all []string
	for _, f := range log.Failures {
		what := string(f.Class)
		if f.Cause != "" {
			what = f.Cause
		}
		all = append(all, fmt.Sprintf("%s %s", what, f.Module))
	}
	return strings.Join(all, "; ")
}

// behind writes a message as it stands behind a prefix, with blanks for tabs as
// terminals show them.
func behind(prefix func(int) string, text string, tab string) string {
	var b strings.Builder
	for n, line := range strings.Split(text, "\n") {
		if rest, ok := strings.CutPrefix(line, "\t"); ok {
			line = tab + rest
		}
		b.WriteString(prefix(n) + line + "\n")
	}
	return b.String()
}

func TestEveryMessageIsFoundBehindEveryPrefix(t *testing.T) {
	t.Parallel()
	for name, prefix := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, s := range shapes {
				for _, tab := range []string{"\t", "       "} {
					if !strings.Contains(s.text, "\n\t") && tab != "\t" {
						continue
					}
					text := behind(prefix, s.text, tab)
					log := readLog(t, text+prefix(4)+"ok  \texample.test/a\t0.1s\n")
					if got := told(log); got != s.want {
						t.Errorf("%s: got %q, want %q, in\n%s", s.name, got, s.want, text)
						continue
					}
					plain := readLog(t, s.text+"\n").Failures[0]
					if f := log.Failures[0]; f.Text != plain.Text || f.Mirror != plain.Mirror || f.Party != plain.Party || f.File != plain.File {
						t.Errorf("%s: got %+v, without the prefix %+v, in\n%s", s.name, f, plain, text)
					}
				}
			}
		})
	}
}

// What is none of the go command's may quote it.
func TestProseThatQuotesTheGoCommandIsNoFailure(t *testing.T) {
	t.Parallel()
	const message = "go: example.test/m@v1.0.0: reading https://mirror.example.test/example.test/m/@v/v1.0.0.zip: 404 Not Found"
	for _, line := range []string{
		"Note: " + message,
		"If you see " + message + ", set GOPRIVATE.",
		"See also: " + message,
		`echo "` + message + `"`,
		"+ echo " + message,
		"$ echo '" + message + "'",
		"# " + message,
		"// " + message,
		"`" + message + "` means that it is private.",
		"- see `" + message + "`",
		"- We saw " + message,
		"we saw " + message,
		"it says " + message,
		"error was " + message,
		"the answer — " + message,
		"“" + message + "”",
		"Error: you may see this: " + message,
		"Error: main_test.go:17: " + message,
		"Warning: please never trust " + message,
		"2026-03-01 10:00:09 INFO checking whether " + message,
		`level=info msg="docs mention ` + message + ` in passing"`,
		"Error: expected \"x\", got: " + message,
		"| " + message + " |",
		"2026/03/01 ERROR client.go:17: " + message,
		"❌ failed with " + message,
		"I found this in build.log: " + message,
		`quote="` + message + `"`,
		"Note : " + message,
		"| " + message + " | set GOPRIVATE |",
		"The job failed at 2026-03-01T10:00:09Z with " + message,
		"2026-03-01T10:00:09.1234567Z Author wrote: " + message,
		"fix: " + message,
		"commit 0123abc fix the build: " + message,
		"    main_test.go:12: " + message,
		"main_test.go:12: " + message,
		"10:00:09  client.go:17: " + message,
		"2026/03/01 10:00:09 client.go:17: " + message,
		"expected " + message,
		"want: " + message,
		"    want: " + message,
		`    x_test.go:3: got "` + message + `"`,
		`{"Action":"output","Package":"p","Output":"` + message + `\n"}`,
		`{"level":"info","quote":"` + message + `"}`,
		"--- FAIL: TestX (0.01s)\n    x_test.go:9: it printed\n        " + message,
		"=== RUN   TestX\n    " + message,
	} {
		for name, prefix := range map[string]string{"alone": "", "behind a stamp": "2026-03-01T10:00:09.1234567Z ", "of a service": "builder-1  | "} {
			text := prefix + strings.ReplaceAll(line, "\n", "\n"+prefix) + "\n"
			if log := readLog(t, text); len(log.Failures) > 0 {
				t.Errorf("%s: taken for %q: %s", name, told(log), text)
			}
		}
	}
}

// Steps of a container build run side by side and write in turn.
func TestMessagesOfTwoStepsMayBeInterleaved(t *testing.T) {
	t.Parallel()
	log := readLog(t, `#12 1.1 go: example.test/a@v1.0.0 requires
#15 1.2 go: example.test/b@v1.0.0 requires
#12 1.3 	example.test/c@v1.0.0: reading https://mirror.example.test/example.test/c/@v/v1.0.0.mod: 404 Not Found
#15 1.3 	example.test/d@v1.0.0: reading https://mirror.example.test/example.test/d/@v/v1.0.0.mod: 503 Service Unavailable
`)
	if got, want := told(log), "not_found example.test/c; server_error example.test/d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A web page that is copied gives the number of a line as a line of its own, and
// no indentation.
func TestNumbersOfLinesDoNotPartAMessage(t *testing.T) {
	t.Parallel()
	log := readLog(t, "12\ngo: example.test/a@v1.0.0 requires\n13\nexample.test/m@v1.0.0: reading https://mirror.example.test/example.test/m/@v/v1.0.0.mod: 404 Not Found\n14\nand more\n")
	if got, want := told(log), "not_found example.test/m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What follows a message and is indented by another program is not part of it.
func TestIndentedLinesOfOthersDoNotContinueAMessage(t *testing.T) {
	t.Parallel()
	for _, next := range []string{"  an indented line", "        a deeply indented line", "    at /usr/lib/x.js:3", "error: process failed"} {
		log := readLog(t, "go: example.test/m@v1.0.0: unexpected EOF\n"+next+"\n")
		if len(log.Failures) != 1 || log.Failures[0].Text != "unexpected EOF" {
			t.Errorf("with %q below: %+v", next, log.Failures)
		}
	}
}

// Loggers write a message as the value of a key, with its lines as escapes.
func TestEveryMessageIsFoundAsAValue(t *testing.T) {
	t.Parallel()
	for name, format := range map[string]string{
		"slog":          `time=2026-03-01T10:00:09.123Z level=ERROR msg=%q`,
		"slog, more":    `time=2026-03-01T10:00:09.123Z level=ERROR msg="build failed" err=%q attempt=2`,
		"argo":          `time="2026-03-01T10:00:09Z" level=info msg=%q podName=build-x`,
		"behind others": `2026-03-01T10:00:09.1234567Z builder-1  | level=error error=%q`,
		"JSON":          `{"level":"error","msg":%q}`,
	} {
		for _, s := range shapes {
			if name == "JSON" && strings.Contains(s.text, "\n") {
				continue
			}
			text := fmt.Sprintf(format, s.text)
			if got := told(readLog(t, text+"\n")); got != s.want {
				t.Errorf("%s: %s: got %q, want %q, in\n%s", name, s.name, got, s.want, text)
			}
		}
	}
}

// What a program wrote, as it stands in JSON over several lines.
func TestAMemberOfJSONIsRead(t *testing.T) {
	t.Parallel()
	for _, s := range shapes {
		text := fmt.Sprintf("{\n  \"stderr\": %q,\n  \"code\": 1\n}\n", s.text+"\n")
		if got := told(readLog(t, text)); got != s.want {
			t.Errorf("%s: got %q, want %q, in\n%s", s.name, got, s.want, text)
		}
	}
}

// Code in Markdown is closed behind the message.
func TestAMessageMarkedAsCodeIsRead(t *testing.T) {
	t.Parallel()
	for _, s := range shapes {
		if strings.Contains(s.text, "\n") {
			continue
		}
		for _, format := range []string{"`%s`", "- `%s`", "1. `%s`.", "```%s```"} {
			text := fmt.Sprintf(format, s.text)
			log, plain := readLog(t, text+"\n"), readLog(t, s.text+"\n")
			if told(log) != s.want || log.Failures[0].Text != plain.Failures[0].Text {
				t.Errorf("%s: got %+v, want %q, in\n%s", s.name, log.Failures, s.want, text)
			}
		}
	}
}

// Two words may be any, where a module at a version follows.
func TestFreeWordsStandBeforeAModuleAtAVersion(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"pod container ", "2026-03-01 10:00:09 pod container ", "[ci] pod container "} {
		for _, s := range shapes {
			if strings.HasPrefix(s.text, "go: example.test/m@v1.0.0: ") {
				text := behind(func(int) string { return prefix }, s.text, "\t")
				if got := told(readLog(t, text)); got != s.want {
					t.Errorf("%s: got %q, want %q, in\n%s", s.name, got, s.want, text)
				}
			}
		}
		if log := readLog(t, prefix+"go: unexpected EOF\n"); len(log.Failures) > 0 {
			t.Errorf("%q: taken for %q", prefix, told(log))
		}
	}
}

// Some programs leave "go: " out, and the go command writes positions in more
// than one way.
func TestWhatStandsInPlaceOfGo(t *testing.T) {
	t.Parallel()
	const cause = "example.test/m@v1.0.0: reading https://mirror.example.test/example.test/m/@v/v1.0.0.zip: 503 Service Unavailable"
	for prefix, file := range map[string]string{
		"Error: can't load config: go: ":                        "",
		"WARN [runner] Can't run linter: go: ":                  "",
		"ERROR: no such package '@com_github_x//': gazelle: ":   "",
		"  failed to fetch: gazelle: finding module path: go: ": "",
		"12go: ":            "", // a number of a web page
		"\timports x: go: ": "",
		"builder-abc-xyz step-build main.go:4:2: ": "main.go:4",
		"fetch_repo: ":                            "",
		"go build example.test/x: ":               "",
		"go list: go: ":                           "",
		"go: download go1.25.1 for linux/amd64: ": "",
		"go.mod:4:2: ":                            "go.mod:4",
		"go.work:4:2: ":                           "go.work:4",
		"main.go:4: ":                             "main.go:4",
		"/src/my project/main.go:4:2: ":           "/src/my project/main.go:4",
		`C:\My Projects\main.go:4:2: `:            `C:\My Projects\main.go:4`,
		"../my project/main.go:4:2: ":             "../my project/main.go:4",
	} {
		for stack, before := range map[string]string{"alone": "", "behind a stamp": "2026-03-01T10:00:09.1234567Z "} {
			log := readLog(t, before+prefix+cause+"\n")
			if told(log) != "server_error example.test/m" {
				t.Errorf("%s, %s: got %q", prefix, stack, told(log))
			} else if f := log.Failures[0]; f.Line > 0 && fmt.Sprintf("%s:%d", f.File, f.Line) != file || f.Line == 0 && file != "" {
				t.Errorf("%s, %s: got %s:%d, want %s", prefix, stack, f.File, f.Line, file)
			}
		}
	}
	if log := readLog(t, "main_test.go:4: "+cause+"\n"); len(log.Failures) > 0 {
		t.Errorf("what a test says is taken for %q", told(log))
	}
}

// Old terminals and bars of progress end lines by a carriage return alone.
func TestACarriageReturnEndsALine(t *testing.T) {
	t.Parallel()
	for _, s := range shapes {
		if got := told(readLog(t, "one\rtwo\r"+strings.ReplaceAll(s.text, "\n", "\r")+"\rmore\r")); got != s.want {
			t.Errorf("%s, no line feed: got %q, want %q", s.name, got, s.want)
		}
		log := readLog(t, "one\n 10%\r 20%\r"+strings.ReplaceAll(s.text, "\n", "\r")+"\rmore\nend\n")
		if told(log) != s.want || log.Failures[0].FirstLine != 2 || log.Lines != 3 {
			t.Errorf("%s: got %+v of %d lines, want %q", s.name, log.Failures, log.Lines, s.want)
		}
	}
	if log := readLog(t, "one\rgo: example.test/m@v1.0.0: unexpected EOF\r"+strings.Repeat("x", 1<<17)+"\rgo: example.test/n@v1.0.0: unexpected EOF\r"); log.Lines != 4 || len(log.Failures) != 2 {
		t.Errorf("got %+v of %d lines", log.Failures, log.Lines)
	}
}

// go mod download -json on one line, as jq -c and log collectors leave it.
func TestAnObjectOnOneLineIsRead(t *testing.T) {
	t.Parallel()
	const object = `{"Path":"example.test/m","Version":"v1.0.0","Error":"example.test/m@v1.0.0: reading https://mirror.example.test/example.test/m/@v/v1.0.0.mod: 403 Forbidden\n\tserver response: not for you"}`
	for name, prefix := range stacks {
		prefix := strings.ReplaceAll(prefix(0), "\u00a0", " ")
		if !strings.HasSuffix(prefix, "  ") && !strings.HasSuffix(prefix, "\t") { // indented JSON is what a server said
			if log := readLog(t, prefix+object+"\n"); told(log) != "forbidden example.test/m" || log.Failures[0].Version != "v1.0.0" || !strings.HasSuffix(log.Failures[0].Text, "not for you") {
				t.Errorf("%s: %+v", name, log.Failures)
			}
		}
	}
	for _, line := range []string{`{"Path":"example.test/m","Version":"v1.0.0"}`, `{"Path":"/x","Error":""}`, `{"Error":"403 Forbidden"}`} {
		if log := readLog(t, line+"\n"); len(log.Failures) > 0 {
			t.Errorf("%s is taken for %q", line, told(log))
		}
	}
}

// Programs that run the go command quote it whole.
func TestAMessageInQuotesIsRead(t *testing.T) {
	t.Parallel()
	log := readLog(t, `level=error msg="Running error: err: exit status 1: stderr: go: example.test/m@v1.0.0: reading https://mirror.example.test/example.test/m/@v/v1.0.0.zip: 403 Forbidden\n\tserver response: not for you\n"`+"\n")
	if told(log) != "forbidden example.test/m" || !strings.HasSuffix(log.Failures[0].Text, "403 Forbidden server response: not for you") {
		t.Errorf("%+v", log.Failures)
	}
}

func TestWhatTheServerSaidAsJSONBelongsToTheMessage(t *testing.T) {
	t.Parallel()
	const message = "go: example.test/m@v1.0.0: reading https://mirror.example.test/example.test/m/@v/v1.0.0.zip: 403 Forbidden\n" +
		"\tserver response:\n\t{\"message\":\"not for you\"}\n\t{\"Action\":\"output\"}"
	for name, prefix := range stacks {
		for _, tab := range []string{"\t", "        "} {
			log := readLog(t, behind(prefix, message, tab))
			if len(log.Failures) != 1 || !strings.HasSuffix(log.Failures[0].Text, `server response: {"message":"not for you"} {"Action":"output"}`) {
				t.Errorf("%s: %+v", name, log.Failures)
			}
		}
	}
}

// PowerShell writes logs as UTF-16.
func TestALogInUTF16IsRead(t *testing.T) {
	t.Parallel()
	const text = "\ufeff\U0001f600 and more\r\ngo: example.test/m@v1.0.0: unexpected EOF\r\n"
	for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		var b []byte
		for _, unit := range utf16.Encode([]rune(text)) {
			b = order.AppendUint16(b, unit)
		}
		if log := readLog(t, string(b)); told(log) != "cut_body example.test/m" || log.Lines != 2 {
			t.Errorf("%s end first: %+v", name, log)
		}
		if log := readLog(t, string(b[:len(b)-1])); told(log) != "cut_body example.test/m" {
			t.Errorf("%s end first, cut in a character: %+v", name, log)
		}
	}
}
