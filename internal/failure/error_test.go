package failure_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/failure"
)

func TestAnErrorIsOneLine(t *testing.T) {
	t.Parallel()
	const zip = "https://mirror.example.test/rsc.io/quote/@v/v1.5.2.zip"
	refused := &url.Error{Op: "Get", URL: zip, Err: errors.New("dial tcp 192.0.2.1:443: connect: connection refused")}
	with := func(e *failure.Error, change func(*failure.Error)) *failure.Error {
		change(e)
		return e
	}
	tests := []struct {
		name string
		err  *failure.Error
		want string
	}{
		{"a status is named by its number and its title",
			with(failure.New(failure.Forbidden, "get", zip, nil), func(e *failure.Error) { e.Status, e.Detail = 403, "blocked by policy" }),
			"get " + zip + ": forbidden (HTTP 403): blocked by policy"},
		{"the wait that was asked for is named",
			with(failure.New(failure.Throttled, "get", zip, nil), func(e *failure.Error) { e.Status, e.RetryAfter = 429, 1500 }),
			"get " + zip + ": too many requests (HTTP 429, asks to wait 2 s)"},
		{"the URL is not repeated, nor is a title that the cause says",
			failure.New(failure.Refused, "get", zip, refused),
			"get " + zip + ": dial tcp 192.0.2.1:443: connect: connection refused"},
		{"a title that the cause does not say precedes it",
			failure.New(failure.CutBody, "read", zip, errors.New("the body ended after 5 of 9 bytes")),
			"read " + zip + ": transfer cut short: the body ended after 5 of 9 bytes"},
		{"detail and cause are both shown",
			&failure.Error{Class: failure.Permission, Op: "open module cache", Detail: "/cache cannot be used", Err: errors.New("mkdir /cache: permission denied")},
			"open module cache: /cache cannot be used: mkdir /cache: permission denied"},
		{"a detail that contains the cause is enough",
			&failure.Error{Class: failure.LocalIO, Op: "write", Detail: "write x: input/output error", Err: syscall.EIO},
			"write: local file error: write x: input/output error"},
		{"without anything else the title remains", &failure.Error{Class: failure.Disabled}, "no mirror to ask"},
		{"an unclassified one is unknown", &failure.Error{Op: "get"}, "get: unknown failure"},
		{"the credentials of a URL are hidden",
			failure.New(failure.NotFound, "get", "https://u:s3cret@mirror.example.test/x", nil),
			"get https://u:xxxxx@mirror.example.test/x: not found"},
		{"the credentials of a cause are hidden",
			failure.New(failure.Unknown, "get", "", errors.New("via https://u:s3cret@proxy.example.test")),
			"get: unknown failure: via https://u:xxxxx@proxy.example.test"},
		{"fields that were set carelessly are neutralised and redacted",
			&failure.Error{Class: failure.ServerError, Op: "get", URL: "https://s3cret@h.example.test/x", Status: 500, Detail: "oops\n::error::pwned \x1b[31m##[error]", Err: errors.New("a\r\nb")},
			"get https://xxxxx@h.example.test/x: server error (HTTP 500): oops ::error::pwned # #[error]: a b"},
		{"text before the colons does not hide a command",
			&failure.Error{Op: "\n::error::pwned", Class: failure.Reset},
			": :error::pwned: connection reset"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.err.Error(); got != tt.want {
				t.Errorf("Error()\n got %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestNewRedactsAndDescribes(t *testing.T) {
	t.Parallel()
	cause := errors.New("https://u:s3cret@h.example.test: \x1b[31mno")
	e := failure.New(failure.Reset, "get", "https://u:s3cret@h.example.test/x", cause)
	if e.URL != "https://u:xxxxx@h.example.test/x" {
		t.Errorf("URL = %q, want it redacted", e.URL)
	}
	if e.Detail != "https://u:xxxxx@h.example.test: no" {
		t.Errorf("Detail = %q, want the cause redacted and neutral", e.Detail)
	}
	if !errors.Is(fmt.Errorf("wrapped: %w", e), cause) {
		t.Error("the cause is not in the chain")
	}
	if strings.Contains(e.Error(), "s3cret") {
		t.Errorf("Error() = %q shows the password", e.Error())
	}
}

func TestStatusesHaveTheirClasses(t *testing.T) {
	t.Parallel()
	tests := map[failure.Class][]int{
		"":                   {200},
		failure.Unauthorized: {401},
		failure.Forbidden:    {403, 451},
		failure.NotFound:     {404},
		failure.ProxyAuth:    {407},
		failure.Gone:         {410},
		failure.Throttled:    {429},
		failure.ServerError:  {408, 424, 425, 500, 501, 502, 503, 504, 520, 599},
		failure.HTTPStatus:   {0, 100, 201, 204, 206, 302, 304, 400, 402, 405, 418, 600, 999},
	}
	for want, codes := range tests {
		for _, code := range codes {
			if got := failure.FromStatus(code); got != want {
				t.Errorf("FromStatus(%d) = %q, want %q", code, got, want)
			}
		}
	}
}
