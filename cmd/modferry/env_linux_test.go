package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// terminal is a pseudo-terminal. What is written to it is read after it was
// closed.
func terminal(t *testing.T) (tty *os.File, shown func() string) {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here: ", err)
	}
	t.Cleanup(func() { control.Close() })
	if err := unix.IoctlSetPointerInt(int(control.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(control.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return tty, func() string {
		tty.Close()
		data, _ := io.ReadAll(control) // ends with EIO: nobody has the terminal open any more
		return strings.ReplaceAll(string(data), "\r\n", "\n")
	}
}

func TestEnvShowsNoCredentialsOnATerminal(t *testing.T) {
	t.Parallel()
	b := newBench(t, mirrortest.Generate(t, 1, 10))
	args := []string{"env", "-C", b.dir, "--no-probe", "--proxy", "https://ann:s3cret@mirror.example.test"}
	tty, shown := terminal(t)
	if code := b.runTo(t.Context(), tty, args...); code != 0 {
		t.Fatalf("exit code %d: %s", code, b.stderr.String())
	}
	if text := shown(); !strings.Contains(text, "https://ann:xxxxx@mirror.example.test") || strings.Contains(text+b.stderr.String(), "s3cret") {
		t.Errorf("the terminal shows %q and %q, want the mirror without its password", text, b.stderr.String())
	}
	if !strings.Contains(b.stderr.String(), "credentials are hidden") {
		t.Errorf("standard error %q does not say that credentials are hidden", b.stderr.String())
	}
	// Whoever reads it at once gets them.
	if code := b.run(t.Context(), args...); code != 0 || !strings.Contains(b.stdout.String(), "https://ann:s3cret@mirror.example.test") {
		t.Errorf("exit code %d, standard output %q; want the mirror with its password", code, b.stdout.String())
	}
	if strings.Contains(b.stderr.String(), "s3cret") {
		t.Errorf("standard error %q shows the password", b.stderr.String())
	}
}
