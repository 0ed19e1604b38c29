package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
)

// bench is a checkout, an empty module cache and a command line in process.
type bench struct {
	dir, modcache  string
	more           []string // variables
	stdout, stderr bytes.Buffer
}

func newBench(t *testing.T, f *mirrortest.Fixtures) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir(), modcache: filepath.Join(t.TempDir(), "mod")}
	f.WriteCheckout(t, b.dir, mirrortest.Checkout{})
	return b
}

func (b *bench) environ() []string {
	return append([]string{
		"GOMODCACHE=" + b.modcache, "GOENV=off", "GOWORK=off", "GOSUMDB=off", "GOFLAGS=",
		"MODFERRY_PROBE_TIMEOUT=1m", // a healthy mirror is one on a busy machine, too
		"HOME=" + b.dir, "PATH=" + os.Getenv("PATH"),
	}, b.more...)
}

func (b *bench) run(ctx context.Context, args ...string) int {
	b.stdout.Reset()
	return b.runTo(ctx, &b.stdout, args...)
}

// runTo is run with another standard output.
func (b *bench) runTo(ctx context.Context, stdout io.Writer, args ...string) int {
	b.stderr.Reset()
	return run(ctx, args, process{
		stdin: strings.NewReader(""), stdout: stdout, stderr: &b.stderr,
		getenv: func(name string) string {
			for _, e := range b.environ() {
				if v, ok := strings.CutPrefix(e, name+"="); ok {
					return v
				}
			}
			return ""
		},
		environ: b.environ,
	})
}

func decode(t *testing.T, data []byte) *report.Result {
	t.Helper()
	res, err := report.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	return res
}

func TestAnInterruptedRunWritesItsResult(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 3, 1<<10)
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	s.Fault(mirrortest.Always("*.zip", mirrortest.StallAfter(10, nil)))
	b := newBench(t, f)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	go func() {
		<-s.Arrived("*.zip", 1)
		cancel(errors.New("a signal arrived"))
	}()
	if code := b.run(ctx, "fetch", "-C", b.dir, "--proxy", s.URL, "--no-probe", "--json", "-"); code != interrupted {
		t.Errorf("exit code %d, want %d", code, interrupted)
	}
	res := decode(t, b.stdout.Bytes())
	if res.Outcome != report.Incomplete || !res.Interrupted {
		t.Errorf("outcome %s, interrupted %v; want an interrupted incomplete run", res.Outcome, res.Interrupted)
	}
	if !strings.Contains(b.stderr.String(), "interrupted") {
		t.Errorf("the report does not say that the run was interrupted:\n%s", b.stderr.String())
	}
}

// The real program gets real signals.
func TestSignalsEndARunWithItsResult(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows sends no signals to other processes")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			f := mirrortest.Generate(t, 3, 1<<10)
			s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
			s.Fault(mirrortest.Always("*.zip", mirrortest.StallAfter(10, nil)))
			b := newBench(t, f)
			result := filepath.Join(t.TempDir(), "result.json")
			cmd := exec.CommandContext(t.Context(), exe)
			cmd.Args = []string{"modferry", "fetch", "-C", b.dir, "--proxy", s.URL, "--no-probe", "--json", result}
			cmd.Env = b.environ()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-s.Arrived("*.zip", 1)
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != interrupted {
				t.Errorf("ended with %v, want exit status %d", err, interrupted)
			}
			data, err := os.ReadFile(result)
			if err != nil {
				t.Fatal(err)
			}
			if res := decode(t, data); !res.Interrupted || !strings.Contains(res.Message, sig.String()) {
				t.Errorf("interrupted %v, message %q; want the signal named", res.Interrupted, res.Message)
			}
		})
	}
}

func TestARefusedRunWritesItsResult(t *testing.T) {
	t.Parallel()
	b := newBench(t, mirrortest.Generate(t, 1, 10))
	if code := b.run(t.Context(), "fetch", "-C", b.dir, "--proxy", "ftp://u:s3cr3t@proxy.example.test", "--json", "-"); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	res := decode(t, b.stdout.Bytes())
	if res.Outcome != report.Settings || !strings.Contains(res.Message, "ftp://u:xxxxx@proxy.example.test") {
		t.Errorf("outcome %s, message %q", res.Outcome, res.Message)
	}
	if strings.Contains(b.stdout.String()+b.stderr.String(), "s3cr3t") {
		t.Error("the password is shown")
	}
}

func TestTheVersionIsTheOneStamped(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"v1.2.3": "v1.2.3", "(devel)": "devel", "": "devel"} {
		if got := stamped(&debug.BuildInfo{Main: debug.Module{Version: version}}); got != want {
			t.Errorf("%q: got %q, want %q", version, got, want)
		}
	}
	if got := stamped(nil); got != "devel" {
		t.Errorf("without build information: got %q", got)
	}
}
