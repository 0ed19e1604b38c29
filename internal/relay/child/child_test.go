//go:build unix

package child_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/relay/child"
)

// The test's program is also what it runs: MODE says as what.
func TestMain(m *testing.M) {
	mode, rest, _ := strings.Cut(os.Getenv("MODE"), " ")
	switch mode {
	case "":
		os.Exit(m.Run())
	case "run": // as modferry does
		code, err := child.Run(child.Command{Args: []string{os.Args[0]}, Env: append(os.Environ(), "MODE="+rest), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
		if err != nil {
			fmt.Println(err)
		}
		os.Exit(code)
	case "between": // as a make that waits for its child
		signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM)
		cmd := exec.Command(os.Args[0])
		cmd.Env, cmd.Stdout = append(os.Environ(), "MODE="+rest), os.Stdout
		err := cmd.Run()
		fmt.Println("between:", err)
		os.Exit(cmd.ProcessState.ExitCode())
	case "trap": // as a go command
		got := make(chan os.Signal, 1)
		signal.Notify(got, syscall.SIGINT, syscall.SIGTERM)
		fmt.Println("ready")
		fmt.Println(<-got)
		os.Exit(7)
	case "wait": // as what does not care
		never := make(chan os.Signal, 1)
		signal.Notify(never, syscall.SIGUSR2)
		fmt.Println("ready")
		<-never
	case "exit":
		os.Exit(len(rest))
	case "echo":
		line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
		fmt.Print(line)
	}
}

// start runs child.Run in a process of its own, away from any terminal.
func start(t *testing.T, mode string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "MODE=run "+mode)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Stdin = strings.NewReader("hello\n")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(out)
}

func end(t *testing.T, cmd *exec.Cmd, out *bufio.Reader) (code int, said string) {
	t.Helper()
	var b strings.Builder
	if _, err := out.WriteTo(&b); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
	return cmd.ProcessState.ExitCode(), b.String()
}

func TestSignalsReachTheChildAndItsChildren(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"trap", "between trap"} {
		for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(mode+" "+s.String(), func(t *testing.T) {
				t.Parallel()
				cmd, out := start(t, mode)
				if line, err := out.ReadString('\n'); line != "ready\n" {
					t.Fatalf("%q, %v", line, err)
				}
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
				if code, said := end(t, cmd, out); code != 7 || !strings.HasPrefix(said, s.String()+"\n") {
					t.Errorf("exit code %d, %q", code, said)
				}
			})
		}
	}
}

func TestExitCodesAreThoseOfAShell(t *testing.T) {
	t.Parallel()
	t.Run("its own", func(t *testing.T) {
		t.Parallel()
		cmd, out := start(t, "exit xxxxx")
		if code, said := end(t, cmd, out); code != 5 || said != "" {
			t.Errorf("%d, %q", code, said)
		}
	})
	t.Run("ended by a signal", func(t *testing.T) {
		t.Parallel()
		cmd, out := start(t, "wait")
		if line, err := out.ReadString('\n'); line != "ready\n" {
			t.Fatalf("%q, %v", line, err)
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if code, _ := end(t, cmd, out); code != 128+int(syscall.SIGTERM) {
			t.Errorf("%d", code)
		}
	})
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{filepath.Join(t.TempDir(), "none"): 127, "modferry-has-no-such-program": 127, plain: 126} {
		if code, err := child.Run(child.Command{Args: []string{name}}); code != want || err == nil {
			t.Errorf("%s: %d, %v", name, code, err)
		}
	}
}

func TestStreamsAreTheChilds(t *testing.T) {
	t.Parallel()
	cmd, out := start(t, "echo")
	if code, said := end(t, cmd, out); code != 0 || said != "hello\n" {
		t.Errorf("%d, %q", code, said)
	}
}
