package failure_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/settings"
)

// declared returns the classes that class.go declares, in its order.
func declared(t *testing.T) []failure.Class {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "class.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var classes []failure.Class
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Class" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		classes = append(classes, failure.Class(text))
		return true
	})
	return classes
}

func TestClassesAreTheDeclaredOnes(t *testing.T) {
	t.Parallel()
	want := declared(t)
	if len(want) < 40 {
		t.Fatalf("class.go declares %d classes: the test does not read it rightly", len(want))
	}
	if got := failure.Classes(); !slices.Equal(got, want) {
		t.Errorf("Classes()\n got %q\nwant %q, in the order of class.go", got, want)
	}
}

func TestEveryClassIsExplained(t *testing.T) {
	t.Parallel()
	titles := map[string]failure.Class{}
	for _, c := range failure.Classes() {
		t.Run(string(c), func(t *testing.T) {
			title := c.Title()
			if title == "" || strings.HasSuffix(title, ".") || unicode.IsSpace(rune(title[0])) {
				t.Errorf("Title() = %q, want a few words", title)
			}
			if other, ok := titles[title]; ok {
				t.Errorf("Title() = %q, as that of %s", title, other)
			}
			titles[title] = c
			for name, text := range map[string]string{"Explain": c.Explain(), "Remedy": c.Remedy(), "GoRemedy": c.GoRemedy()} {
				if len(text) < 30 || !strings.HasSuffix(text, ".") || strings.ContainsAny(text, "{}\n") || strings.Contains(text, "  ") {
					t.Errorf("%s() = %q, want whole sentences", name, text)
				}
				if failure.Neutral(text) != text {
					t.Errorf("%s() = %q would be shown as %q", name, text, failure.Neutral(text))
				}
			}
		})
	}
}

// TestRemediesNameSettings pins what a remedy must mention: the setting of
// modferry and, where there is one, the variable of the go command.
func TestRemediesNameSettings(t *testing.T) {
	t.Parallel()
	tests := map[failure.Class][]string{
		failure.NameLookup:          {"--proxy ", "GOPROXY", "HTTPS_PROXY"},
		failure.Refused:             {"--proxy ", "GOPROXY"},
		failure.Unreachable:         {"--proxy ", "HTTPS_PROXY"},
		failure.ConnectTimeout:      {"--connect-timeout ", "HTTPS_PROXY"},
		failure.Reset:               {"--concurrency ", "HTTPS_PROXY"},
		failure.TLSTimeout:          {"--tls-timeout ", "GOPROXY"},
		failure.TLSUnknownAuthority: {"--ca-file ", "SSL_CERT_FILE"},
		failure.TLSWrongName:        {"--proxy ", "GOPROXY"},
		failure.TLSExpired:          {"--proxy ", "GOPROXY"},
		failure.TLS:                 {"--ca-file ", "SSL_CERT_FILE"},
		failure.NotTLS:              {"--proxy ", "GOPROXY", "HTTPS_PROXY"},
		failure.ProxyAuth:           {"HTTPS_PROXY", "NO_PROXY"},
		failure.ProxyConnect:        {"HTTPS_PROXY", "NO_PROXY"},
		failure.Unauthorized:        {".netrc", "NETRC", "--proxy "},
		failure.Forbidden:           {"reason", "operator"},
		failure.NotFound:            {"GOPRIVATE", "--private ", "direct"},
		failure.Gone:                {"GOPRIVATE", "--private ", "direct"},
		failure.Throttled:           {"--concurrency ", "--retries "},
		failure.ServerError:         {"--retries "},
		failure.HTTPStatus:          {"--proxy ", "GOPROXY"},
		failure.RedirectLoop:        {"--proxy ", "NETRC"},
		failure.RedirectRefused:     {"--proxy ", "GOPROXY"},
		failure.BadResponse:         {"--proxy ", "HTTPS_PROXY"},
		failure.FirstByteTimeout:    {"--first-byte-timeout "},
		failure.Stall:               {"--stall-timeout "},
		failure.CutBody:             {"--retries "},
		failure.HTTP2Reset:          {"GODEBUG=http2client=0"},
		failure.Timeout:             {"--request-timeout ", "--timeout ", "--probe-timeout "},
		failure.WrongContent:        {"--proxy ", "NETRC"},
		failure.UnsafeZip:           {"--proxy "},
		failure.TooLarge:            {"go.mod"},
		failure.HashMismatch:        {"GOSUMDB", "go.sum"},
		failure.MissingSum:          {"go mod tidy", "go.sum"},
		failure.DiskFull:            {"--modcache ", "GOMODCACHE", "--extract none "},
		failure.Permission:          {"--modcache ", "GOMODCACHE"},
		failure.LocalIO:             {"--modcache ", "GOMODCACHE"},
		failure.InsecureCredentials: {"--proxy ", "GOPROXY"},
		failure.Disabled:            {"--proxy ", "GOPROXY"},
		failure.OnlyDirect:          {"--proxy ", "GOPROXY"},
		failure.Private:             {"GONOPROXY=none"},
		failure.CircuitOpen:         {"other failures"},
		failure.Cancelled:           {"--timeout "},
		failure.Unknown:             {"--verbose "},
	}
	for _, c := range failure.Classes() {
		words, ok := tests[c]
		if !ok {
			t.Errorf("%s: the test does not say what the remedy must name", c)
		}
		for _, w := range words {
			if !strings.Contains(c.Remedy(), w) {
				t.Errorf("%s: the remedy %q does not name %q", c, c.Remedy(), w)
			}
		}
	}
}

func TestRemediesOfTheGoCommandNameNoSettingOfModferry(t *testing.T) {
	t.Parallel()
	for _, c := range failure.Classes() {
		if strings.Contains(c.GoRemedy(), "MODFERRY_") {
			t.Errorf("%s: %q", c, c.GoRemedy())
		}
		if c.Remedy() != c.GoRemedy() && !strings.Contains(c.Remedy(), "MODFERRY_") {
			t.Errorf("%s: the remedy names no setting, so the go command needs none of its own", c)
		}
	}
}

// TestRemediesSpellSettingsAsTheTableDoes catches a flag that was renamed.
func TestRemediesSpellSettingsAsTheTableDoes(t *testing.T) {
	t.Parallel()
	known := map[string]settings.Setting{}
	for _, s := range settings.Table() {
		known["--"+s.Name] = s
	}
	for _, c := range failure.Classes() {
		for word := range strings.FieldsSeq(c.Remedy()) {
			if !strings.HasPrefix(word, "--") {
				continue
			}
			s, ok := known[strings.TrimRight(word, ".,;")]
			if !ok {
				t.Errorf("%s: the remedy names %s, which is no setting", c, word)
			} else if !strings.Contains(c.Remedy(), s.Env()) {
				t.Errorf("%s: the remedy names %s, but not its variable %s", c, word, s.Env())
			}
		}
	}
}

func TestClassesAreTemporaryOrNot(t *testing.T) {
	t.Parallel()
	const (
		neither   = "neither"
		temporary = "temporary"
		transport = "transport"
		both      = "temporary transport"
	)
	tests := map[string][]failure.Class{
		both: {
			failure.NameLookup, failure.Refused, failure.Unreachable, failure.ConnectTimeout, failure.Reset,
			failure.TLSTimeout, failure.ProxyConnect, failure.Throttled, failure.ServerError, failure.BadResponse,
			failure.FirstByteTimeout, failure.Stall, failure.CutBody, failure.HTTP2Reset, failure.Timeout,
		},
		transport: {
			failure.TLSUnknownAuthority, failure.TLSWrongName, failure.TLSExpired, failure.TLS, failure.NotTLS,
			failure.ProxyAuth, failure.RedirectLoop, failure.RedirectRefused, failure.CircuitOpen,
		},
		temporary: {failure.Unknown},
		neither: {
			"", failure.Unauthorized, failure.Forbidden, failure.NotFound, failure.Gone, failure.HTTPStatus,
			failure.WrongContent, failure.UnsafeZip, failure.TooLarge, failure.HashMismatch, failure.MissingSum,
			failure.DiskFull, failure.Permission, failure.LocalIO,
			failure.InsecureCredentials, failure.Disabled, failure.OnlyDirect, failure.Private, failure.Cancelled,
		},
	}
	n := 0
	for nature, classes := range tests {
		n += len(classes)
		for _, c := range classes {
			if c.Temporary() != strings.Contains(nature, temporary) || c.Transport() != strings.Contains(nature, transport) {
				t.Errorf("%q: Temporary() = %v, Transport() = %v; want %s", c, c.Temporary(), c.Transport(), nature)
			}
		}
	}
	if want := len(failure.Classes()) + 1; n != want {
		t.Errorf("the test covers %d classes of %d", n, want)
	}
}

func TestClassesOfOtherVersionsAreUnknown(t *testing.T) {
	t.Parallel()
	c := failure.Class("from_the_future")
	if c.Title() != failure.Unknown.Title() || c.Remedy() != failure.Unknown.Remedy() {
		t.Errorf("Title() = %q, Remedy() = %q; want those of Unknown", c.Title(), c.Remedy())
	}
	if got := failure.Class(""); got.Title() != "" || got.Explain() != "" || got.Remedy() != "" {
		t.Errorf("the empty class has the title %q, want none: it is no failure", got.Title())
	}
}
