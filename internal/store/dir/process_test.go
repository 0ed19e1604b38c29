package dir

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modferry/modferry/internal/store"
	"github.com/modferry/modferry/internal/store/storetest"
)

// TestMain lets the test binary be the processes that use a directory beside
// the test, or get killed: with childDir set it does not test, but does its
// work there.
func TestMain(m *testing.M) {
	if path := os.Getenv(childDir); path != "" {
		if err := child(path, os.Getenv(childTask), os.Getenv(childWho)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

const (
	childDir  = "MODFERRY_TEST_CHILD_DIR"
	childTask = "MODFERRY_TEST_CHILD_TASK"
	childWho  = "MODFERRY_TEST_CHILD_WHO"
)

// child does a task in the store at path. who begins the seeds that it writes.
func child(path, task, who string) error {
	ctx := context.Background()
	if prepare, ok := beforeOpen[task]; ok {
		prepare()
	}
	s, err := Open(path)
	if err != nil {
		return err
	}
	switch verb, arg, _ := strings.Cut(task, " "); verb {
	case "die": // before the n-th change
		n, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		s.step = at(n, killSelf)
		return work(ctx, s, who, 0, os.Stdout)
	case "work": // until killed
		for round := 0; ; round++ {
			if err := work(ctx, s, who, round, os.Stdout); err != nil {
				return err
			}
		}
	case "race": // for each of the names of other children
		for i := range raceNames {
			err := s.Create(ctx, fmt.Sprint("race-", i), writing(fmt.Sprint(who, "-", i)))
			switch {
			case err == nil:
				fmt.Println("won", i)
			case !errors.Is(err, store.ErrExists):
				return err
			}
		}
		return nil
	case "create":
		return s.Create(ctx, who, writing(who))
	case "use":
		e, err := s.Find(ctx, who)
		if err != nil {
			return err
		}
		r, err := s.Open(ctx, e)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, r)
		return errors.Join(err, r.Close())
	case "delete":
		return s.Delete(ctx, store.Entry{Name: who})
	}
	return fmt.Errorf("unknown task %q", task)
}

const raceNames = 20

// work is everything that a store does. Names are common to all children.
// Before each of them it says a line.
func work(ctx context.Context, s *Store, who string, round int, say io.Writer) error {
	normal := func(err error) error {
		if errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	}
	for i := range 3 {
		name := fmt.Sprint("work-", (round+i)%7)
		fmt.Fprintln(say, name)
		if err := s.Create(ctx, name, writing(fmt.Sprint(who, "-", round, "-", i))); normal(err) != nil {
			return err
		}
		e, err := s.Find(ctx, name, "work-")
		if err != nil {
			return normal(err)
		}
		r, err := s.Open(ctx, e)
		if err != nil {
			if normal(err) != nil {
				return err
			}
			continue
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err == nil {
			_, err = whole(data)
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", e.Name, err)
		}
	}
	// What a killed one may have left in the place of an entry.
	if err := os.Mkdir(s.place("broken"), 0o777); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if err := s.Create(ctx, "broken", writing(who)); normal(err) != nil {
		return err
	}
	if err := s.Delete(ctx, store.Entry{Name: "broken"}); err != nil {
		return err
	}
	_, err := s.Prune(ctx, Limits{Bytes: 200_000})
	return err
}

// killSelf ends the process as kill -9 does.
func killSelf() {
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		p.Kill()
	}
	select {}
}

func startChild(t *testing.T, path, task, who string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childDir+"="+path, childTask+"="+task, childWho+"="+who, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	return cmd
}

// mustBeSound opens a store that others have used and fails unless every entry
// is whole, nothing else is left, and it does all that a store does.
func mustBeSound(t *testing.T, path string) {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	mustBeTidy(t, s)
	list, err := s.List(t.Context(), "")
	if err != nil {
		t.Error(err)
	}
	for _, e := range list {
		read(t, s, e)
	}
	if _, err := s.Prune(t.Context(), Limits{}); err != nil {
		t.Error(err)
	}
	found, err := os.ReadDir(s.dir)
	if err != nil || len(found) != len(list) {
		t.Errorf("found %v, %v; want the entries %q", found, err, names(list))
	}
	if err := work(t.Context(), s, "afterwards", 0, io.Discard); err != nil {
		t.Error(err)
	}
	mustBeTidy(t, s)
}

func TestAKillBeforeAnyChangeLeavesASoundStore(t *testing.T) {
	t.Parallel()
	// Each change of a file system is atomic, so these are all instants that
	// differ; those within a Write are left to the next test.
	const group = 8 // at once, to know when all have been tried
	for first, done := 1, false; !done; first += group {
		t.Run(fmt.Sprint(first), func(t *testing.T) {
			for n := first; n < first+group; n++ {
				t.Run(fmt.Sprint(n), func(t *testing.T) {
					path := filepath.Join(t.TempDir(), "cache")
					err := startChild(t, path, "die "+strconv.Itoa(n), "child").Run()
					if err == nil {
						done = true
						if n < 40 {
							t.Errorf("only %d changes", n-1)
						}
					} else if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Exited() && exit.ExitCode() == 1 && !isWindows {
						t.Errorf("the child was not killed: %v", err)
					}
					mustBeSound(t, path)
				})
			}
		})
	}
}

func TestKillsAtRandomInstantsLeaveASoundStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache")
	// Three at a time use the same directory; one after the other is killed
	// while it goes on from the n-th line that it says, and replaced.
	var children []*exec.Cmd
	var lines []*bufio.Scanner
	begin := func(n int) {
		cmd := startChild(t, path, "work", fmt.Sprint("child", n))
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		children, lines = append(children, cmd), append(lines, bufio.NewScanner(stdout))
	}
	for n := range 3 {
		begin(n)
	}
	for n := 3; len(children) > 0; n++ {
		for line := range 1 + n*5%17 {
			if !lines[0].Scan() {
				t.Fatalf("the child ended before line %d", line)
			}
		}
		if err := children[0].Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines[0].Scan() { // Wait wants the pipe read to its end
		}
		children[0].Wait()
		children, lines = children[1:], lines[1:]
		if n < 15 {
			begin(n)
		}
	}
	mustBeSound(t, path)
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, path) },
		storetest.Options{Large: 3 << 20, Tamper: compliance.Tamper})
}

func TestOfSeveralProcessesOneWinsEachName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache")
	const writers = 4
	var outs [writers]strings.Builder
	var children []*exec.Cmd
	for i := range writers {
		cmd := startChild(t, path, "race", fmt.Sprint("child", i))
		cmd.Stdout = &outs[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, cmd)
	}
	for _, cmd := range children {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	winners := map[string][]string{} // of each name
	for i := range outs {
		for line := range strings.Lines(outs[i].String()) {
			n := strings.TrimSpace(strings.TrimPrefix(line, "won "))
			winners[n] = append(winners[n], fmt.Sprintf("child%d-%s", i, n))
		}
	}
	s := open(t, path)
	for i := range raceNames {
		n := strconv.Itoa(i)
		e, err := s.Find(t.Context(), "race-"+n)
		if err != nil {
			t.Fatal(err)
		}
		if seed := read(t, s, e); !slices.Equal(winners[n], []string{seed}) {
			t.Errorf("race-%d: won by %q, holds %q", i, winners[n], seed)
		}
	}
	mustBeTidy(t, s)
}

// A store of the system's clock finds the newest.
func TestTheSystemsClockWillDo(t *testing.T) {
	t.Parallel()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	create(t, s, "p-1")
	e, err := s.Find(t.Context(), "", "p-")
	if err != nil || e.Created.Before(before) || e.Created.After(time.Now()) {
		t.Errorf("Find = %+v, %v; want creation at about %v", e, err, before)
	}
}
