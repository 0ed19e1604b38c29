package golog_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/golog"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

// readLog reads a log that must be readable.
func readLog(tb testing.TB, text string) *golog.Log {
	tb.Helper()
	log, err := golog.Read(strings.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	return log
}

// rendered is a Log as the expectations under testdata hold it.
func rendered(log *golog.Log) string {
	var b strings.Builder
	for _, f := range log.Failures {
		fmt.Fprintf(&b, "%s ×%d, line %d\n", f.Class, f.Count, f.FirstLine)
		for _, field := range []struct{ name, value string }{
			{"module", f.Module}, {"version", f.Version}, {"mirror", f.Mirror}, {"file", f.File}, {"text", f.Text},
		} {
			if field.name == "file" && f.Line > 0 {
				field.value += fmt.Sprintf(":%d", f.Line)
			}
			if field.value != "" {
				fmt.Fprintf(&b, "  %-8s %s\n", field.name, field.value)
			}
		}
	}
	for _, r := range log.Requests {
		fmt.Fprintf(&b, "%d–%d %s: %d %q %q %v\n", r.Line, r.EndLine, r.URL, r.Status, r.Class, r.Text, r.Time)
	}
	fmt.Fprintf(&b, "%d lines, truncated: %v\n", log.Lines, log.Truncated)
	return b.String()
}

func TestReadLogOfTheRecordedLogs(t *testing.T) {
	t.Parallel()
	logs, err := filepath.Glob("../../testdata/golog/*.log")
	if err != nil || len(logs) < 30 {
		t.Fatalf("%d logs, %v: expected more", len(logs), err)
	}
	for _, name := range logs {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".log"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got, file := rendered(readLog(t, string(data))), strings.TrimSuffix(name, ".log")+".want"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v; run go test -update", err)
			}
			if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
				t.Errorf("%s differs (-want +got); if that is meant, run go test -update:\n%s", file, diff)
			}
		})
	}
}

func TestACleanLogHoldsNoFailure(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../testdata/golog/clean-build-and-test.log")
	if err != nil {
		t.Fatal(err)
	}
	log := readLog(t, string(data))
	if log.Lines < 1000 || len(log.Failures) > 0 || len(log.Requests) > 0 {
		t.Errorf("%d lines, failures %+v, requests %+v: expected many lines and nothing found", log.Lines, log.Failures, log.Requests)
	}
}

func TestReadLogSeesThroughWhatACISystemAdds(t *testing.T) {
	t.Parallel()
	const want = "forbidden example.test/m v1.0.0 https://mirror.example.test/goproxy main.go:4"
	const line = "main.go:4:2: example.test/m@v1.0.0: reading https://mirror.example.test/goproxy/example.test/m/@v/v1.0.0.zip: 403 Forbidden"
	tests := map[string]string{
		"as it is":                         line,
		"GitHub's time stamp":              "2026-11-20T12:00:00.1234567Z " + line,
		"GitHub's error mark":              "2026-11-20T12:00:00.1234567Z ##[error]" + line,
		"GitLab's time stamp and stream":   "2026-11-20T12:00:00.123456Z 01O " + line,
		"GitLab's continued line":          "2026-11-20T12:00:00.123456Z 00E+" + line,
		"a container build's step":         "#12 3.456 " + line,
		"colours":                          "\x1b[31mmain.go:4:2:\x1b[0m" + strings.TrimPrefix(line, "main.go:4:2:") + "\x1b[0m",
		"carriage returns":                 line + "\r",
		"a byte order mark":                "\ufeff" + line,
		"an event of go build -json":       `{"ImportPath":"example.test/main","Action":"build-output","Output":"` + line + `\n"}`,
		"an event behind a stamp":          "2026-11-20T12:00:00.1234567Z " + `{"ImportPath":"example.test/main","Action":"build-output","Output":"` + line + `\n"}`,
		"no end of the last line, repeats": "ok  \texample.test/a\t0.1s\n" + line,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := readLog(t, text)
			if len(log.Failures) != 1 {
				t.Fatalf("%d failures, expected 1", len(log.Failures))
			}
			f := log.Failures[0]
			if got := fmt.Sprintf("%s %s %s %s %s:%d", f.Class, f.Module, f.Version, f.Mirror, f.File, f.Line); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestReadLogIgnoresWhatIsNoDownload(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"go: downloading example.test/m v1.0.0",
		"go: added example.test/m v1.0.0",
		"go: warning: ignoring symlink x",
		"main.go:4:2: undefined: x",
		"main.go:4:2: EOF",
		"    main_test.go:12: example.test/m@v1.0.0: reading https://mirror.example.test/x: 403 Forbidden",
		"--- FAIL: TestDownload (0.00s)",
		"FAIL\texample.test/m [build failed]",
		`{"Action":"output","Package":"p","Test":"T","Output":"go: example.test/m@v1.0.0: reading https://mirror.example.test/x: 403 Forbidden\n"}`,
		`{"Action":"build-output","Output":"{\"Action\":\"build-output\"}"}`,
		"# example.test/main",
		"2026-11-20T12:00:00Z",
		"\t403 Forbidden",
	} {
		if log := readLog(t, line+"\n"); len(log.Failures)+len(log.Requests) > 0 {
			t.Errorf("%q is taken for %+v %+v", line, log.Failures, log.Requests)
		}
	}
}

func TestReadLogIsBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	const lots = 10_100
	for i := range lots {
		fmt.Fprintf(&b, "go: example.test/m%d@v1.0.0: reading https://u:s3cret@mirror.example.test/x: 403 Forbidden\n", i)
		fmt.Fprintf(&b, "# get https://mirror.example.test/%d\n", i)
	}
	log, err := golog.Read(strings.NewReader(b.String()))
	if err != nil || len(log.Failures) != 1000 || len(log.Requests) != 10_000 || !log.Truncated || log.Lines != 2*lots {
		t.Errorf("%d failures, %d requests, truncated %v, %d lines, %v; expected 1000, 10000, true, 20200", len(log.Failures), len(log.Requests), log.Truncated, log.Lines, err)
	}
	if strings.Contains(rendered(log), "s3cret") {
		t.Error("a password is shown")
	}

	log = readLog(t, strings.Repeat("x", 1<<20)+"\n"+"go: example.test/m@v1.0.0: unexpected EOF"+"\n")
	if log.Lines != 2 || len(log.Failures) != 1 || log.Failures[0].FirstLine != 2 {
		t.Errorf("behind a long line: %s", rendered(log))
	}
}

func TestReadLogReturnsWhatItReadBeforeAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk gone")
	log, err := golog.Read(io.MultiReader(strings.NewReader("go: example.test/m@v1.0.0: EOF\n"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || len(log.Failures) != 1 {
		t.Errorf("%v and %d failures, expected the reader's error and 1", err, len(log.Failures))
	}
}

// BenchmarkReadLog reads a log as they are, with a failure now and then, and one
// of failures alone.
func BenchmarkReadLog(b *testing.B) {
	read := func(names ...string) []byte {
		var all []byte
		for _, name := range names {
			data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "golog", name+".log"))
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, data...)
		}
		return bytes.Repeat(all, 1+(8<<20)/len(all))
	}
	for name, data := range map[string][]byte{
		"clean but for one failure": read("clean-build-and-test", "status-404"),
		"failures alone":            read("git-and-others"),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := golog.Read(bytes.NewReader(data)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func FuzzReadLog(f *testing.F) {
	logs, err := filepath.Glob("../../testdata/golog/*.log")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range logs {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 8<<10 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		log, err := golog.Read(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range log.Failures {
			if x.Class == "" || x.Count < 1 || x.FirstLine < 1 || x.FirstLine > log.Lines {
				t.Errorf("incomplete: %+v of %d lines", x, log.Lines)
			}
			for _, s := range []string{x.Module, x.Version, x.Mirror, x.File, x.Text} {
				if failure.Plain(s) != s || !utf8.ValidString(s) {
					t.Errorf("%q is not fit for being shown", s)
				}
			}
		}
		for _, r := range log.Requests {
			if failure.Plain(r.URL) != r.URL || failure.Plain(r.Text) != r.Text {
				t.Errorf("%+v is not fit for being shown", r)
			}
		}
	})
}
