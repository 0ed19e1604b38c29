package text_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/golog"
	"github.com/modferry/modferry/internal/report/reporttest"
	"github.com/modferry/modferry/internal/report/text"
)

func TestLogTextIsAsInTheGoldenFiles(t *testing.T) {
	t.Parallel()
	hostile := "::error::FORGED \x1b[31m##[error]FORGED"
	logs := map[string]*golog.Log{
		"log-clean":   {Lines: 1234, Recognised: 1200},
		"log-nothing": {Lines: 1234},
		"log-unknown": {Lines: 12, Recognised: 1, Unknown: []golog.Line{{Line: 3, Text: "go: what nobody has heard of"}}},
		"log-stopped": {Lines: 12, Recognised: 1, Failures: []golog.Failure{{Class: failure.Unknown, Cause: "go-work-too-old", Text: "module ../a listed in go.work file requires go >= 1.26.4, but go.work lists go 1.26.0", Count: 1, FirstLine: 1}}},
		"log-hung":    {Lines: 12, Recognised: 1, Failures: []golog.Failure{{Class: failure.Cancelled, Cause: "download-unanswered", Module: "example.test/m", Version: "v1.0.0", Text: "The operation was canceled.", Wait: 25 * time.Minute, Count: 1, FirstLine: 11}}},
		"log-parties": {Lines: 99, Recognised: 9, Failures: []golog.Failure{
			{Class: failure.Unauthorized, Party: golog.PartyOrigin, Module: "example.test/m", Version: "v1.0.0", Text: "git ls-remote: exit status 128: fatal: could not read Username", Count: 1, FirstLine: 12},
			{Class: failure.Gone, Party: golog.PartyDatabase, Module: "example.test/m", Version: "v1.0.0", Mirror: "https://sum.example.test", Text: "410 Gone", Count: 1, FirstLine: 13},
			{Class: failure.Gone, Party: golog.PartyMirror, Module: "example.test/m", Version: "v1.0.0", Mirror: "https://mirror.example.test", Text: "410 Gone", Count: 1, FirstLine: 14},
			{Class: failure.Unknown, Cause: "toolchain-refused", Text: "go.mod requires go >= 1.24.0 (running go 1.23.5; GOTOOLCHAIN=local)", Count: 1, FirstLine: 15},
		}},
		"log-failures": {Lines: 5120, Truncated: true,
			Failures: []golog.Failure{
				{Class: failure.HashMismatch, Module: "example.test/m", Version: "v1.0.0", Text: "checksum mismatch", Count: 3, FirstLine: 12},
				{Class: failure.Refused, Module: "example.test/other", Mirror: "https://goproxy.example.test", Text: "dial tcp 192.0.2.7:443: connect: connection refused", Count: 1, FirstLine: 40},
				{Class: failure.MissingSum, File: "main.go", Line: 7, Text: "missing go.sum entry", Count: 1, FirstLine: 99},
			},
			Requests: []golog.Request{
				{URL: "https://goproxy.example.test/example.test/m/@v/v1.0.0.zip", Status: 200, Text: "200 OK", Time: 1200 * time.Millisecond, Line: 3, EndLine: 4},
				{URL: "https://goproxy.example.test/example.test/m/@v/v1.0.0.mod", Line: 5},
			}},
		"log-hostile": {Lines: 1, Failures: []golog.Failure{
			{Class: failure.Unknown, Module: hostile, Version: hostile, Mirror: hostile, File: hostile, Line: 1, Text: hostile, Count: 1, FirstLine: 1}}},
	}
	for name, l := range logs {
		var b bytes.Buffer
		err := text.Log(&b, l, func(path, version string) string {
			if path == "example.test/m" && version == "v1.0.0" {
				return "go.mod:7"
			}
			return ""
		}, text.Options{})
		if err != nil {
			t.Fatal(err)
		}
		reporttest.Golden(t, "testdata/"+name+".txt", b.Bytes())
		for line := range strings.Lines(b.String()) {
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") || strings.Contains(line, "\x1b") {
				t.Errorf("%s: a command in %q", name, line)
			}
		}
	}
}
