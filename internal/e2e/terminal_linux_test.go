package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report/render"
)

// inTerminal runs a command in a pseudo-terminal of so many columns. Once it shows that so
// many modules are there as interruptAt says, 0 for never, and they are, somebody presses
// Ctrl-C.
func inTerminal(t *testing.T, s stated, columns, interruptAt int, args ...string) (raw string, code int) {
	t.Helper()
	script, err := exec.LookPath("script")
	need(t, err == nil, "script is not on the search path")
	cmd := s.command(t, append([]string{"fetch", "-C", s.dir, "--modcache", s.modcache, "--proxy", s.proxy}, args...)...)
	words := make([]string, len(cmd.Args))
	for i, arg := range cmd.Args {
		words[i] = "'" + arg + "'"
	}
	line := fmt.Sprintf("stty cols %d rows 40; exec %s", columns, strings.Join(words, " "))
	inside := exec.Command(script, "-qec", line, os.DevNull)
	inside.Dir, inside.Env = cmd.Dir, append(cmd.Env, "TERM=xterm", "PATH="+os.Getenv("PATH"), "SHELL=/bin/sh")
	keys, typed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	defer typed.Close()
	shown := said{want: regexp.MustCompile(fmt.Sprintf(`(: %d) of \d+ modules`, interruptAt)), found: make(chan string, 1)}
	inside.Stdin, inside.Stdout, inside.Stderr = keys, &shown, &shown
	if interruptAt > 0 {
		go func() {
			<-shown.found // counts zips
			for s.whole() < interruptAt && t.Context().Err() == nil {
				time.Sleep(10 * time.Millisecond)
			}
			io.WriteString(typed, "\x03")
		}()
	}
	inside.Run()
	if shots != "" {
		name := strings.ReplaceAll(t.Name(), "/", "-") + ".txt"
		if err := os.WriteFile(filepath.Join(shots, name), shown.text.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return shown.text.String(), inside.ProcessState.ExitCode()
}

var control = regexp.MustCompile("[\x00-\x08\x0b-\x1f\x7f]")

// screen is what a terminal shows in the end, and everything that stood in its live
// line before. Any control but those of a live line and of colours is an error.
func screen(t *testing.T, raw string) (lines, live []string) {
	t.Helper()
	for text := range strings.SplitSeq(strings.ReplaceAll(colours.ReplaceAllString(raw, ""), "\r\n", "\n"), "\n") {
		states := strings.Split(text, "\r")
		for i, state := range states {
			states[i] = strings.ReplaceAll(state, "\x1b[K", "")
			if found := control.FindString(states[i]); found != "" {
				t.Errorf("%q is printed in %q", found, text)
			}
		}
		last := len(states) - 1
		lines = append(lines, states[last])
		live = append(live, states[:last]...)
	}
	return lines, live
}

// unbreakable reports whether a word of a line has no room in any.
func unbreakable(line string, columns int) bool {
	const indent = 11 // of what stands beside a label
	return slices.ContainsFunc(strings.Fields(line), func(word string) bool { return render.Cells(word) > columns-indent })
}

// slowly answers after a second and a half, so that there is a progress to be seen.
func slowly(w http.ResponseWriter, r *http.Request, next http.Handler) {
	select {
	case <-time.After(1500 * time.Millisecond):
		next.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

// whole is how many modules are in the module cache, with their zips and go.mod files.
func (s stated) whole() (n int) {
	filepath.WalkDir(filepath.Join(s.modcache, "cache", "download"), func(name string, _ os.DirEntry, err error) error {
		if zip, ok := strings.CutSuffix(name, ".zip"); ok && err == nil {
			if _, err := os.Stat(zip + ".mod"); err == nil {
				n++
			}
		}
		return nil
	})
	return n
}

// zipsBeyond withholds all zips but the first n, each of which may be asked for again.
func zipsBeyond(n int) mirrortest.Rule {
	first := map[string]bool{}
	return mirrortest.Rule{Path: "*.zip", Do: mirrortest.SlowFirstByte(nil), Match: func(r *http.Request) bool {
		if len(first) < n {
			first[r.URL.Path] = true
		}
		return !first[r.URL.Path]
	}}
}

func TestARunInATerminal(t *testing.T) {
	t.Parallel()
	f := shop(t, 49)
	slow := mirrortest.Always("*part3*/@v/*.zip", slowly)
	for _, tt := range []struct {
		name        string
		faults      []mirrortest.Rule
		dead        bool // the only mirror
		interruptAt int
		code        int
		want        string // in the first line of the report
		most        int    // lines of the report
	}{
		{name: "good", faults: []mirrortest.Rule{slow}, want: "ok: 49 modules in ", most: 1},
		{name: "retrying", faults: []mirrortest.Rule{mirrortest.FirstOfEach(2, "*part20/@v/*.zip", mirrortest.Status(503)), slow}, want: "ok: 49 modules in ", most: 1},
		{name: "failed", dead: true, code: 1, want: "incomplete: connection refused at ", most: 20},
		{name: "interrupted", faults: []mirrortest.Rule{zipsBeyond(20)}, interruptAt: 20, code: 130, want: "interrupted: 20 of 49 modules are there, ", most: 2},
	} {
		for _, columns := range []int{60, 100, 200} {
			t.Run(fmt.Sprintf("%s/%d", tt.name, columns), func(t *testing.T) {
				t.Parallel()
				s := newStated(t, f, tt.faults...)
				if tt.dead {
					s.proxy = "http://" + mirrortest.Refused(t)
				}
				raw, code := inTerminal(t, s, columns, tt.interruptAt)
				lines, live := screen(t, raw)
				text := strings.TrimSpace(strings.Join(lines, "\n"))
				if code != tt.code || !strings.HasPrefix(text, tt.want) || strings.Count(text, "\n") >= tt.most {
					t.Errorf("exit code %d, expected %d; the screen shows\n%s\nexpected %q first and no more than %d lines", code, tt.code, text, tt.want, tt.most)
				}
				for _, line := range append(lines, live...) {
					if n := render.Cells(line); n > columns && !unbreakable(line, columns) {
						t.Errorf("%d columns for a line of %d: %q", columns, n, line)
					}
				}
				if len(live) < 2 && !tt.dead {
					t.Errorf("no progress is shown: %q", raw)
				}
			})
		}
	}
}
