package golog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
)

// A mirror that does not answer leaves no message: the job's time limit ends the
// go command, and the log holds nothing but the beginning of the download.
func TestADownloadThatHungUntilItsJobWasStoppedIsFound(t *testing.T) {
	t.Parallel()
	const at, later, begun = "2026-11-29T10:00:01Z ", "2026-11-29T10:25:01Z ", "go: downloading example.test/m v1.0.0\n"
	tests := map[string]struct {
		text string
		wait time.Duration
		said string
	}{
		"GitHub": {at + begun + later + "##[error]The operation was canceled.", 25 * time.Minute, "The operation was canceled."},
		"GitHub, limit of a step": {"2026-11-29T10:00:01.1234567Z " + begun + "2026-11-29T10:25:01.7654321Z ##[error]The action 'Run go test ./...' has timed out after 25 minutes.",
			25 * time.Minute, "The action 'Run go test ./...' has timed out after 25 minutes."},
		"gh run view":      {"build\tRun go test\t" + at + begun + "build\tRun go test\t" + later + "##[error]The operation was canceled.", 25 * time.Minute, "The operation was canceled."},
		"without the time": {begun + "Error: The operation was canceled.", 0, "The operation was canceled."},
		"GitLab":           {begun + "\nERROR: Job failed: execution took longer than 1h0m0s seconds", 0, "Job failed: execution took longer than 1h0m0s seconds"},
		"GitLab, time and streams": {"2026-11-29T10:00:01.123456Z 01E " + begun + "2026-11-29T11:00:01.123456Z 00O WARNING: step_script could not run to completion because the timeout was exceeded. For more control",
			time.Hour, "step_script could not run to completion because the timeout was exceeded. For more control"},
		"Jenkins":                {"[2026-11-29T10:00:01.123Z] " + begun + "Cancelling nested steps due to timeout", 0, "Cancelling nested steps due to timeout"},
		"docker build":           {"#12 3.456 " + begun + "#9 4.1 another stage\nERROR: failed to build: failed to solve: Canceled: context canceled", 0, "failed to solve: Canceled: context canceled"},
		"timeout of the shell":   {begun + "##[error]Process completed with exit code 124.", 0, "exit code 124."},
		"the last of several":    {"go: downloading example.test/a v1.0.0\n" + begun + "make: *** [Makefile:3: test] Terminated", 0, "] Terminated"},
		"with its requests (-x)": {begun + "# get https://mirror.example.test/example.test/m/@v/v1.0.0.zip\nError: The operation was canceled.", 0, "The operation was canceled."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := readLog(t, test.text+"\n")
			if len(log.Failures) != 1 {
				t.Fatalf("failures %+v, expected 1", log.Failures)
			}
			f := log.Failures[0]
			if f.Module != "example.test/m" || f.Version != "v1.0.0" || f.Class != failure.Cancelled || !f.IsDownload() || f.Wait != test.wait || f.Text != test.said {
				t.Errorf("got %+v; want the module, a wait of %v and the words %q", f, test.wait, test.said)
			}
			if do := f.Advice().Remedy; !strings.Contains(do, "modferry exec --") || !strings.Contains(do, "--stall-timeout") {
				t.Errorf("the remedy is %q", do)
			}
		})
	}
}

func TestAJobThatWasStoppedAfterItsDownloadsHasNoneThatHung(t *testing.T) {
	t.Parallel()
	const begun, end = "go: downloading example.test/m v1.0.0\n", "Error: The operation was canceled.\n"
	for name, text := range map[string]string{
		"no download":           end,
		"a test that hung":      begun + "=== RUN   TestServer\n" + end,
		"tests that ended":      begun + "ok  \texample.test/a\t0.1s\n" + end,
		"a program that ran":    begun + "listening on :8080\n" + end,
		"another step":          "2026-11-29T10:00:01Z " + begun + "2026-11-29T10:00:09Z ##[group]Run sleep 9999\n2026-11-29T10:25:01Z ##[error]The operation was canceled.\n",
		"output of GitLab":      "2026-11-29T10:00:01.123456Z 01E " + begun + "2026-11-29T10:00:09.123456Z 01O listening\nERROR: Job failed: canceled\n",
		"stopped after seconds": "2026-11-29T10:00:01Z " + begun + "2026-11-29T10:00:04Z ##[error]The operation was canceled.\n",
		"another exit":          begun + "Error: Process completed with exit code 1.\n",
		"the end of the log":    begun,
	} {
		if log := readLog(t, text); len(log.Failures) > 0 {
			t.Errorf("%s: found %+v", name, log.Failures)
		}
	}
	if log := readLog(t, begun+"go: example.test/m@v1.0.0: unexpected EOF\n"+end); len(log.Failures) != 1 || log.Failures[0].Class != failure.CutBody {
		t.Errorf("a failure with a message: found %+v", log.Failures)
	}
}
