package progress_test

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/modferry/modferry/internal/report/progress"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is a display with its run and its output in the hands of a test, in a
// bubble of synctest.
type stage struct {
	*progress.Display
	out syncBuffer
	run atomic.Value // a progress.Snapshot
}

func newStage(t *testing.T, terminal bool, width int, first progress.Snapshot) *stage {
	t.Helper()
	s := &stage{}
	s.run.Store(first)
	options := progress.Options{Terminal: terminal, Width: func() int { return width }}
	s.Display = progress.Start(&s.out, options, func() progress.Snapshot { return s.run.Load().(progress.Snapshot) })
	t.Cleanup(s.Stop)
	return s
}

// after lets the run go on and time pass.
func (s *stage) after(d time.Duration, run progress.Snapshot) {
	s.run.Store(run)
	time.Sleep(d)
	synctest.Wait()
}

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// screen returns what a terminal shows after the output, as far as the
// sequences go that Progress uses.
func screen(t *testing.T, out string) []string {
	t.Helper()
	lines := []string{""}
	column := 0
	for out != "" {
		last := &lines[len(lines)-1]
		switch {
		case out[0] == '\r':
			column, out = 0, out[1:]
		case out[0] == '\n':
			lines, column, out = append(lines, ""), 0, out[1:]
		case strings.HasPrefix(out, "\x1b[K"):
			*last, out = (*last)[:column], out[len("\x1b[K"):]
		case out[0] == '\x1b':
			t.Fatalf("an unexpected sequence: %q", out)
		default:
			if column < len(*last) {
				*last = (*last)[:column] + out[:1] + (*last)[column+1:]
			} else {
				*last += out[:1]
			}
			column, out = column+1, out[1:]
		}
	}
	return lines
}

func TestALogGetsALineWhenSomethingHappened(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, false, 0, progress.Snapshot{})
		fetching := progress.Snapshot{Phase: "fetching", Thing: "module", Total: 49, Done: 10, DoneBytes: 50_000_000, LeftBytes: 150_000_000}
		s.after(5*time.Second, progress.Snapshot{Phase: "probing mirrors"})
		s.after(5*time.Second, fetching)
		s.after(5*time.Second, fetching) // nothing happened
		fetching.Waiting = "rsc.io/quote@v1.5.2 zip (1.0 MB of 2.0 MB) from https://a.example.test for 4 s"
		s.after(5*time.Second, fetching)
		fetching.Waiting = "rsc.io/quote@v1.5.2 zip (1.1 MB of 2.0 MB) from https://a.example.test for 9 s"
		fetching.DoneBytes += 1_000_000
		s.after(5*time.Second, fetching) // nothing but that
		fetching.Retrying, fetching.Waiting = "rsc.io/quote@v1.5.2, connection refused, 3rd try", ""
		s.after(5*time.Second, fetching)
		fetching.Retrying, fetching.Done, fetching.DoneBytes, fetching.LeftBytes = "", 40, 150_000_000, 50_000_000
		s.after(5*time.Second, fetching)
		s.after(5*time.Second, progress.Snapshot{Phase: "finishing", Thing: "module", Total: 49, Done: 49, DoneBytes: 200_000_000})
		s.Stop()
		want := `probing mirrors
fetching: 10 of 49 modules, 50.0 of 200 MB, about 30 s left, 5.0 MB/s
fetching: 10 of 49 modules, 50.0 of 200 MB, waiting for rsc.io/quote@v1.5.2 zip (1.0 MB of 2.0 MB) from https://a.example.test for 4 s
fetching: 10 of 49 modules, 51.0 of 201 MB, about 25 min 0 s left, retrying rsc.io/quote@v1.5.2, connection refused, 3rd try, 100 kB/s
fetching: 40 of 49 modules, 150 of 200 MB, about 5 s left, 9.9 MB/s
finishing: 49 of 49 modules, 200 MB, 14.9 MB/s
`
		if diff := cmp.Diff(want, s.out.String()); diff != "" {
			t.Errorf("the log (-want +got):\n%s", diff)
		}
	})
}

func TestATerminalHasOneLiveLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, true, 80, progress.Snapshot{})
		s.after(time.Second, progress.Snapshot{Phase: "fetching", Total: 699, Done: 100, DoneBytes: 50_000_000, LeftBytes: 250_000_000, Waiting: "rsc.io/quote@v1.5.2"})
		want := []string{"fetching: 100 of 699 files, 50.0 of 300 MB, about 5 s left"}
		if diff := cmp.Diff(want, screen(t, s.out.String())); diff != "" {
			t.Errorf("the screen (-want +got):\n%s", diff)
		}
		s.after(time.Second, progress.Snapshot{Phase: "finishing"})
		if diff := cmp.Diff([]string{"finishing"}, screen(t, s.out.String())); diff != "" {
			t.Errorf("the screen (-want +got):\n%s", diff)
		}
		s.Stop()
		if diff := cmp.Diff([]string{""}, screen(t, s.out.String())); diff != "" {
			t.Errorf("the screen after Stop (-want +got):\n%s", diff)
		}
		if strings.Contains(s.out.String(), "\n") {
			t.Errorf("the live line left a line behind: %q", s.out.String())
		}
	})
}

func TestTheLiveLineFitsTheTerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for width := 1; width < 140; width++ {
			s := newStage(t, true, width, progress.Snapshot{})
			s.after(time.Second, progress.Snapshot{Phase: "fetching", Total: 699, Done: 100, DoneBytes: 50_000_000,
				Waiting: "git.例え.example.test/模块\x1b[31m\n::error::x@v1.5.2"})
			s.Stop()
			for frame := range strings.SplitSeq(s.out.String(), "\r") {
				frame = strings.TrimSuffix(frame, "\x1b[K")
				if n := len([]rune(frame)); n > max(width-1, 1) || strings.ContainsAny(frame, "\x1b\n") {
					t.Fatalf("width %d: the line %q has %d characters", width, frame, n)
				}
			}
		}
	})
}

func TestAnUnknownWidthIsEighty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, true, 0, progress.Snapshot{})
		s.after(time.Second, progress.Snapshot{Phase: strings.Repeat("x", 200)})
		if got := screen(t, s.out.String()); len([]rune(got[0])) > 90 || len(got[0]) < 70 {
			t.Errorf("the line has %d bytes, want about 79 characters", len(got[0]))
		}
	})
}

func TestARunThatEndsBeforeTheFirstTickLeavesNoTrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, terminal := range []bool{false, true} {
			s := newStage(t, terminal, 80, progress.Snapshot{Phase: "fetching", Total: 5})
			s.Stop()
			s.Stop()
			if got := s.out.String(); got != "" {
				t.Errorf("terminal %v: wrote %q, want nothing", terminal, got)
			}
		}
	})
}

func TestNothingIsWrittenAfterStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, false, 0, progress.Snapshot{})
		s.after(5*time.Second, progress.Snapshot{Phase: "fetching"})
		s.Stop()
		s.after(time.Minute, progress.Snapshot{Phase: "finishing"})
		if got := s.out.String(); got != "fetching\n" {
			t.Errorf("wrote %q, want nothing after Stop", got)
		}
	})
}

func TestLinesStandAboveTheLiveLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, true, 80, progress.Snapshot{})
		s.Line("before the first tick")
		s.after(time.Second, progress.Snapshot{Phase: "fetching", Total: 9, Done: 1})
		s.Line("retried \x1b[31mhttps://u:s3cret@h.example.test\n::error::x")
		want := []string{
			"before the first tick",
			"retried https://u:xxxxx@h.example.test ::error::x",
			"fetching: 1 of 9 files, about 8 s left",
		}
		if diff := cmp.Diff(want, screen(t, s.out.String())); diff != "" {
			t.Errorf("the screen (-want +got):\n%s", diff)
		}
		s.Stop()
		if diff := cmp.Diff(append(want[:2:2], ""), screen(t, s.out.String())); diff != "" {
			t.Errorf("the screen after Stop (-want +got):\n%s", diff)
		}
	})
}

func TestRatesAreThoseOfTheLastWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, false, 0, progress.Snapshot{})
		s.after(5*time.Second, progress.Snapshot{Phase: "a", DoneBytes: 500_000_000})
		s.after(5*time.Second, progress.Snapshot{Phase: "b", DoneBytes: 500_000_000})
		s.after(5*time.Second, progress.Snapshot{Phase: "c", DoneBytes: 505_000_000})
		s.after(5*time.Second, progress.Snapshot{Phase: "d", DoneBytes: 510_000_000})
		s.Stop()
		want := "a, 500 MB, 100 MB/s\nb, 500 MB, 50.0 MB/s\nc, 505 MB, 500 kB/s\nd, 510 MB, 1.0 MB/s\n"
		if diff := cmp.Diff(want, s.out.String()); diff != "" {
			t.Errorf("the log (-want +got):\n%s", diff)
		}
	})
}

func TestEstimatesThatMeanNothingAreLeftOut(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		run  progress.Snapshot
		want string
	}{
		{"nothing has come yet", progress.Snapshot{Phase: "x", Total: 9}, "x: 0 of 9 files\n"},
		{"it takes longer than a day", progress.Snapshot{Phase: "x", Total: 1_000_000, Done: 1}, "x: 1 of 1000000 files\n"},
		{"no phase", progress.Snapshot{}, "working\n"},
		{"most have failed", progress.Snapshot{Phase: "x", Total: 9, Done: 1, Failed: 4}, "x: 1 of 9 files, 4 failed, about 4 s left\n"},
		{"all have failed", progress.Snapshot{Phase: "x", Total: 9, Failed: 9}, "x: 0 of 9 files, 9 failed\n"},
		{"a long time", progress.Snapshot{Phase: "x", Total: 101, Done: 1}, "x: 1 of 101 files, about 8 min 20 s left\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, false, 0, progress.Snapshot{})
				s.after(5*time.Second, tt.run)
				s.Stop()
				if got := s.out.String(); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		})
	}
}
