package progress_test

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/modferry/modferry/internal/report/progress"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is a Progress with its clock, its run and its output in the hands of a
// test.
type stage struct {
	*progress.Display
	out   syncBuffer
	ticks chan time.Time

	mu  sync.Mutex
	now time.Time
	run progress.Snapshot
}

func newStage(t *testing.T, terminal bool, width int, first progress.Snapshot) *stage {
	t.Helper()
	s := &stage{ticks: make(chan time.Time), now: time.Unix(1_700_000_000, 0), run: first}
	s.Display = progress.Start(&s.out, progress.Options{
		Terminal: terminal, Ticks: s.ticks,
		Width: func() int { return width },
		Now: func() time.Time {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.now
		},
	}, func() progress.Snapshot {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.run
	})
	t.Cleanup(s.Stop)
	return s
}

// after lets time pass and the run go on, and ticks. The second tick makes
// sure that the first has been dealt with; it finds nothing new.
func (s *stage) after(d time.Duration, run progress.Snapshot) {
	s.mu.Lock()
	s.now, s.run = s.now.Add(d), run
	s.mu.Unlock()
	s.ticks <- time.Time{}
	s.ticks <- time.Time{}
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
	s := newStage(t, false, 0, progress.Snapshot{})
	s.after(0, progress.Snapshot{Phase: "probing mirrors"})
	s.after(5*time.Second, progress.Snapshot{Phase: "fetching", Total: 699, Done: 100, DoneBytes: 50_000_000, InFlight: 8})
	s.after(5*time.Second, progress.Snapshot{Phase: "fetching", Total: 699, Done: 100, DoneBytes: 50_000_000, InFlight: 3, Waiting: "rsc.io/quote@v1.5.2"})
	s.after(5*time.Second, progress.Snapshot{Phase: "fetching", Total: 699, Done: 400, DoneBytes: 150_000_000, KnownBytes: 189_000_000, InFlight: 8, Waiting: "rsc.io/quote@v1.5.2"})
	s.after(5*time.Second, progress.Snapshot{Phase: "finishing", Total: 699, Done: 699, DoneBytes: 189_000_000, KnownBytes: 189_000_000})
	s.Stop()
	want := `probing mirrors
fetching: 100 of 699 files, 50.0 MB, 10.0 MB/s, about 29 s left, 8 in flight
fetching: 100 of 699 files, 50.0 MB, 5.0 MB/s, about 59 s left, 3 in flight, waiting for rsc.io/quote@v1.5.2
fetching: 400 of 699 files, 150 MB of 189 MB, 10.0 MB/s, about 3 s left, 8 in flight, waiting for rsc.io/quote@v1.5.2
finishing: 699 of 699 files, 189 MB of 189 MB, 13.9 MB/s
`
	if diff := cmp.Diff(want, s.out.String()); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
}

func TestATerminalHasOneLiveLine(t *testing.T) {
	t.Parallel()
	s := newStage(t, true, 80, progress.Snapshot{})
	s.after(time.Second, progress.Snapshot{Phase: "fetching", Total: 699, Done: 100, DoneBytes: 50_000_000, KnownBytes: 189_000_000, InFlight: 8, Waiting: "rsc.io/quote@v1.5.2"})
	want := []string{"fetching: 100 of 699 files, 50.0 MB of 189 MB, 50.0 MB/s, about 2 s left"}
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
}

func TestTheLiveLineFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for width := 1; width < 140; width++ {
		s := newStage(t, true, width, progress.Snapshot{})
		s.after(time.Second, progress.Snapshot{Phase: "fetching", Total: 699, Done: 100, DoneBytes: 50_000_000, KnownBytes: 189_000_000, InFlight: 8,
			Waiting: "git.例え.example.test/模块\x1b[31m\n::error::x@v1.5.2"})
		s.Stop()
		for frame := range strings.SplitSeq(s.out.String(), "\r") {
			frame = strings.TrimSuffix(frame, "\x1b[K")
			if n := len([]rune(frame)); n > max(width-1, 1) || strings.ContainsAny(frame, "\x1b\n") {
				t.Fatalf("width %d: the line %q has %d characters", width, frame, n)
			}
		}
	}
}

func TestAnUnknownWidthIsEighty(t *testing.T) {
	t.Parallel()
	s := newStage(t, true, 0, progress.Snapshot{})
	s.after(time.Second, progress.Snapshot{Phase: strings.Repeat("x", 200)})
	if got := screen(t, s.out.String()); len([]rune(got[0])) > 90 || len(got[0]) < 70 {
		t.Errorf("the line has %d bytes, want about 79 characters", len(got[0]))
	}
}

func TestARunThatEndsBeforeTheFirstTickLeavesNoTrace(t *testing.T) {
	t.Parallel()
	for _, terminal := range []bool{false, true} {
		s := newStage(t, terminal, 80, progress.Snapshot{Phase: "fetching", Total: 5})
		s.Stop()
		s.Stop()
		if got := s.out.String(); got != "" {
			t.Errorf("terminal %v: wrote %q, want nothing", terminal, got)
		}
	}
}

func TestNothingIsWrittenAfterStop(t *testing.T) {
	t.Parallel()
	for range 50 {
		var stopped atomic.Bool
		w := writerFunc(func(p []byte) (int, error) {
			if stopped.Load() {
				t.Errorf("wrote %q after Stop", p)
			}
			return len(p), nil
		})
		ticks := make(chan time.Time, 3)
		for range cap(ticks) {
			ticks <- time.Time{}
		}
		done := 0
		p := progress.Start(w, progress.Options{Ticks: ticks}, func() progress.Snapshot {
			done++
			return progress.Snapshot{Done: done, Total: 9}
		})
		p.Stop()
		stopped.Store(true)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestARealTickerShowsProgress(t *testing.T) {
	t.Parallel()
	written := make(chan struct{}, 1)
	w := writerFunc(func(p []byte) (int, error) {
		select {
		case written <- struct{}{}:
		default:
		}
		return len(p), nil
	})
	p := progress.Start(w, progress.Options{Terminal: true, Every: time.Millisecond}, func() progress.Snapshot { return progress.Snapshot{} })
	<-written
	p.Stop()
}

func TestLinesStandAboveTheLiveLine(t *testing.T) {
	t.Parallel()
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
}

func TestRatesAreThoseOfTheLastWhile(t *testing.T) {
	t.Parallel()
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
		{"more has come than was known", progress.Snapshot{Phase: "x", Total: 1, DoneBytes: 2000, KnownBytes: 1000}, "x: 0 of 1 file, 2.0 kB of 1.0 kB, 200 B/s\n"},
		{"no phase", progress.Snapshot{}, "working\n"},
		{"a long time", progress.Snapshot{Phase: "x", Total: 101, Done: 1}, "x: 1 of 101 files, about 16 min 40 s left\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, false, 0, progress.Snapshot{})
			s.after(10*time.Second, tt.run)
			s.Stop()
			if got := s.out.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
