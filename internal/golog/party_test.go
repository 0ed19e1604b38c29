package golog_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/golog"
)

// Mirror, checksum database and repository are three parties with three
// remedies: who of them said something decides what is advised.
func TestAdviceSuitsWhoFailed(t *testing.T) {
	t.Parallel()
	const git = "go: example.test/m@v1.0.0: invalid version: git ls-remote -q --end-of-options origin in /go/pkg/mod/cache/vcs/01: exit status 128:\n\t"
	tests := map[string]struct {
		text    string
		party   golog.Party
		remedy  string // what it names
		without string // what neither explanation nor remedy says
	}{
		"mirror": {"go: example.test/m@v1.0.0: reading https://mirror.example.test/example.test/m/@v/v1.0.0.zip: 401 Unauthorized",
			golog.PartyMirror, "GOPROXY", "repository"},
		"mirror with a module named like a database": {"go: example.test/tile/m@v1.0.0: reading https://mirror.example.test/example.test/tile/m/@v/v1.0.0.zip: 401 Unauthorized",
			golog.PartyMirror, "GOPROXY", "database"},
		"git without credentials":     {git + "fatal: could not read Username for 'https://git.example.test': terminal prompts disabled", golog.PartyOrigin, "netrc.*git config", "The mirror"},
		"git with wrong credentials":  {git + "fatal: Authentication failed for 'https://git.example.test/m/'", golog.PartyOrigin, "netrc.*git config", "The mirror"},
		"ssh without a key":           {git + "git@git.example.test: Permission denied (publickey).", golog.PartyOrigin, "SSH key", "The mirror"},
		"ssh with an unknown host":    {git + "Host key verification failed.", golog.PartyOrigin, "known_hosts", "The mirror"},
		"git without the repository":  {git + "remote: Repository not found.", golog.PartyOrigin, "Check path and version", "The mirror"},
		"git without a name":          {git + "fatal: unable to access 'https://git.example.test/m/': Could not resolve host: git.example.test", golog.PartyOrigin, "HTTPS_PROXY", "The mirror"},
		"git without the certificate": {git + "fatal: unable to access 'https://git.example.test/m/': server certificate verification failed.", golog.PartyOrigin, "GIT_SSL_CAINFO", "mirror's certificate"},
		"git with what nobody knows":  {git + "fatal: expected shallow list", golog.PartyOrigin, "GOPROXY", "The mirror"},
		"git at an import":            {"main.go:4:2: " + strings.TrimPrefix(git, "go: ") + "fatal: could not read Username", golog.PartyOrigin, "netrc", "The mirror"},
		"page without an address": {"go: example.test/m@v1.0.0: unrecognized import path \"example.test/m\": https fetch: Get \"https://example.test/m?go-get=1\": dial tcp: lookup example.test: no such host",
			golog.PartyOrigin, "HTTPS_PROXY", "The mirror"},
		"page that is not there": {"go: example.test/m@v1.0.0: unrecognized import path \"example.test/m\": reading https://example.test/m?go-get=1: 404 Not Found",
			golog.PartyOrigin, "GOPRIVATE", "The mirror"},
		"page without a tag": {"go: example.test/m@v1.0.0: unrecognized import path \"example.test/m\": parse https://example.test/m?go-get=1: no go-import meta tags ()",
			golog.PartyOrigin, "GOPRIVATE", "The mirror"},
		"database that does not know": {"go: example.test/m@v1.0.0: verifying module: example.test/m@v1.0.0: reading https://sum.example.test/lookup/example.test/m@v1.0.0: 410 Gone",
			golog.PartyDatabase, "GOPRIVATE.*GONOSUMDB", "The mirror"},
		"database behind a mirror": {"go: example.test/m@v1.0.0: verifying go.mod: example.test/m@v1.0.0/go.mod: reading https://mirror.example.test/sumdb/sum.example.test/lookup/example.test/m@v1.0.0: 404 Not Found",
			golog.PartyDatabase, "GOPRIVATE.*GONOSUMDB", "The mirror does not have"},
		"database that a mirror refuses": {"go: example.test/m@v1.0.0: verifying module: example.test/m@v1.0.0: reading https://mirror.example.test/sumdb/sum.example.test/supported: 403 Forbidden",
			golog.PartyDatabase, "/sumdb/", "The mirror refuses"},
		"database that cannot be reached": {"go: example.test/m@v1.0.0: verifying module: example.test/m@v1.0.0: Get \"https://sum.example.test/lookup/example.test/m@v1.0.0\": dial tcp 192.0.2.1:443: i/o timeout",
			golog.PartyDatabase, "serves the database, too.*go.sum", "The mirror"},
		"database's newest head": {"go: example.test/m@v1.0.0: verifying module: example.test/m@v1.0.0: initializing sumdb.Client: Get \"https://sum.example.test/latest\": dial tcp 192.0.2.1:443: i/o timeout",
			golog.PartyDatabase, "GOSUMDB", "The mirror"},
		"database as Go 1.12 worded it": {"verifying example.test/m@v1.0.0: example.test/m@v1.0.0: reading https://sum.example.test/lookup/example.test/m@v1.0.0: 410 Gone",
			golog.PartyDatabase, "GOPRIVATE", "The mirror"},
		"database with another key": {"go: example.test/m@v1.0.0: verifying module: example.test/m@v1.0.0: initializing sumdb.Client: reading tree note: malformed note",
			golog.PartyDatabase, "GOSUMDB", "GOPROXY"},
		"nobody": {"go: could not create module cache: mkdir /go/pkg: permission denied", "", "GOMODCACHE", "mirror"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := readLog(t, test.text+"\n")
			if len(log.Failures) != 1 {
				t.Fatalf("%d failures, expected 1", len(log.Failures))
			}
			f := log.Failures[0]
			if f.Party != test.party || !f.IsDownload() {
				t.Errorf("Party %q, IsDownload %v; want %q, true", f.Party, f.IsDownload(), test.party)
			}
			if !regexp.MustCompile(test.remedy).MatchString(f.Advice().Remedy) {
				t.Errorf("the remedy does not say %q: %s", test.remedy, f.Advice().Remedy)
			}
			if said := f.Advice().Explain + " " + f.Advice().Remedy; strings.Contains(said, test.without) || strings.Contains(said, "GOSUMDB=off") || strings.Contains(said, "GONOSUMDB=*") {
				t.Errorf("it says %q or loosens the verification: %s", test.without, said)
			}
		})
	}
}

// What ends a go command without being a failed download is named, with its
// remedy, and with the check that knows the same.
func TestWhatEndsAGoCommandIsTold(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ title, remedy, check string }{
		"go: go.mod requires go >= 1.24.0 (running go 1.23.5; GOTOOLCHAIN=local)":                   {"newer Go than GOTOOLCHAIN allows", "Go 1.24.0 or newer", "toolchain-refused"},
		"go: go.work requires go >= 1.24.0 (running go 1.23.5; GOTOOLCHAIN=go1.23.5)":               {"newer Go", "GOTOOLCHAIN=auto", "toolchain-refused"},
		"go: example.test/tool@v1.0.0 requires go >= 1.24.0 (running go 1.23.5; GOTOOLCHAIN=local)": {"newer Go", "Go 1.24.0 or newer", "toolchain-refused"},
		"go: errors parsing go.mod:\n/src/go.mod:5: unknown directive: toolchain":                   {"newer Go", "on this machine", ""},
		"note: module requires Go 1.21": {"newer Go", "on this machine", ""},
		"go: invalid toolchain: go1.22 is a language version but not a toolchain version (go1.22.x)":                                                             {"toolchain", "go line or the toolchain line", ""},
		"go: cannot find \"go1.99.0\" in PATH":                                                                                                                   {"toolchain", "GOTOOLCHAIN=auto", ""},
		"go: module ../a listed in go.work file requires go >= 1.26.4, but go.work lists go 1.26.0; to update it:\n\tgo work use":                                {"go.work", "go work use", ""},
		"go: module . listed in go.work file requires go >= 1.26.4, but go.work implicitly requires go 1.18; to update it:\n\tgo work use":                       {"go.work", "go work use", ""},
		"go: cannot load module ../a listed in go.work file: open ../a/go.mod: no such file or directory":                                                        {"go.work", "submodules", ""},
		"main.go:4:2: example.test/m@v1.0.0: replacement directory ../m does not exist":                                                                          {"replace line", "copy the directory", "replace-directory-missing"},
		"go: example.test/m@v1.0.0 (replaced by ../m): reading ../m/go.mod: open /src/m/go.mod: no such file or directory":                                       {"replace line", "copy the directory", "replace-directory-missing"},
		`go: example.test/m@v1.0.0 (replaced by ..\m): reading ..\m\go.mod: open C:\src\m\go.mod: The system cannot find the path specified.`:                    {"replace line", "copy the directory", "replace-directory-missing"},
		"go: inconsistent vendoring in /src:\n\texample.test/m@v1.0.0: is explicitly required in go.mod":                                                         {"vendor", "go mod vendor", "vendor-inconsistent"},
		"main.go:4:2: cannot find module providing package example.test/m: import lookup disabled by -mod=vendor\n\t(Go version in go.mod is at least 1.14)":     {"vendor", "go mod vendor", "vendor-incomplete"},
		"go: updates to go.mod needed, disabled by -mod=readonly; to update it:\n\tgo mod tidy":                                                                  {"tidy", "go mod tidy", ""},
		"main.go:4:2: no required module provides package example.test/m; to add it:\n\tgo get example.test/m":                                                   {"package", "go mod tidy", ""},
		"main.go:4:2: package slices is not in std (/usr/local/go/src/slices)":                                                                                   {"standard library", "Go that the go line", ""},
		"package slices is not in GOROOT (/usr/local/go/src/slices)":                                                                                             {"standard library", "Go that the go line", ""},
		"main.go:4:2: ambiguous import: found package example.test/m/a in multiple modules:\n\texample.test/m v1.0.0 (/go/a)\n\texample.test/m/a v1.0.0 (/go/b)": {"two modules", "@none", ""},
		"go: example.test/M@v1.0.0: parsing go.mod:\n\tmodule declares its path as: example.test/m\n\t        but was required as: example.test/M":               {"different path", "replace line", ""},
		"go: example.test/m@v2.0.0: invalid version: module contains a go.mod file, so module path must match major version (\"example.test/m/v2\")":             {"version", "go get", ""},
		"go: cannot find main module, but found .git/config in /src\n\tto create a module there, run:\n\tgo mod init":                                            {"go.mod", "working-directory", "checkout-missing"},
		"go: go.mod file not found in current directory or any parent directory; see 'go help modules'":                                                          {"go.mod", "working-directory", "checkout-missing"},
		"go: modules disabled by GO111MODULE=off; see 'go help modules'":                                                                                         {"switches modules off", "GO111MODULE", "go111module-off"},
		"go: -mod may only be set to readonly or vendor when in workspace mode, but it is set to \"mod\"":                                                        {"workspace", "GOFLAGS", "goflags-workspace"},
		"error obtaining VCS status: exit status 128\n\tUse -buildvcs=false to disable VCS stamping.":                                                            {"git", "safe.directory", ""},
		"failed to initialize build cache at /root/.cache/go-build: mkdir /root/.cache: permission denied":                                                       {"build cache", "GOCACHE", ""},
		"go: errors parsing go.mod:\n/src/go.mod:7: unknown directive: <<<<<<<":                                                                                  {"go.mod", "merge", "checkout-invalid"},
	}
	for text, want := range tests {
		log := readLog(t, text+"\n")
		if len(log.Failures) != 1 {
			t.Errorf("%q: %d failures, expected 1", text, len(log.Failures))
			continue
		}
		f := log.Failures[0]
		if f.IsDownload() || f.Cause == "" || !strings.Contains(f.Advice().Title, want.title) || !strings.Contains(f.Advice().Remedy, want.remedy) || f.Check() != want.check {
			t.Errorf("%q: download %v, cause %q, title %q, remedy %q, check %q; want no download, %+v", text, f.IsDownload(), f.Cause, f.Advice().Title, f.Advice().Remedy, f.Check(), want)
		}
	}
}

func TestAMessageOfNoKnownKindIsShown(t *testing.T) {
	t.Parallel()
	log := readLog(t, "10:00:00  go: what nobody has heard of\ngo: downloading example.test/m v1.0.0\n    go: \"1.26\"\n      go: 1.26.x\n")
	if len(log.Failures) != 0 || len(log.Unknown) != 1 || log.Unknown[0] != (golog.Line{Line: 1, Text: "go: what nobody has heard of"}) {
		t.Errorf("failures %+v, unknown %+v; want one unknown message, and no setting of a CI system", log.Failures, log.Unknown)
	}
}

func TestWhatIsTheGoCommandsIsCounted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"npm install\nadded 12 packages\n": 0,
		"":                                 0,
		"go: downloading example.test/m v1.0.0\nok  \texample.test/a\t0.1s": 2,
		"#12 1.2 go: downloading example.test/m v1.0.0\n":                   1,
		"# get https://mirror.example.test/x\n":                             1,
	} {
		if got := readLog(t, text).Recognised; got != want {
			t.Errorf("%q: %d lines recognised, want %d", text, got, want)
		}
	}
}

// A log may be that of a job without modferry: none of modferry's settings counts
// there.
func TestAdviceIsForTheGoCommand(t *testing.T) {
	t.Parallel()
	for _, class := range failure.Classes() {
		for _, party := range []golog.Party{"", golog.PartyMirror, golog.PartyDatabase, golog.PartyOrigin} {
			if do := (golog.Failure{Class: class, Party: party}).Advice().Remedy; do == "" || strings.Contains(do, "MODFERRY_") || strings.Contains(do, "{") {
				t.Errorf("%s of %q: the remedy is %q", class, party, do)
			}
		}
	}
	log := readLog(t, "go: example.test/m@v1.0.0: reading https://mirror.example.test/example.test/m/@v/v1.0.0.zip: stream error: stream ID 13; INTERNAL_ERROR; received from peer\n")
	if do := log.Failures[0].Advice().Remedy; !strings.HasPrefix(do, "Run again. Put modferry fetch before the go command") {
		t.Errorf("of a transfer that broke: %q", do)
	}
}
