package storetest

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func plain(base http.RoundTripper) http.RoundTripper { return base }

func TestASimpleStorePasses(t *testing.T) {
	t.Parallel()
	Run(t, func(t *testing.T) Store { return openRemote(t, "", plain) }, options(""))
}

// theDefect names the defect of the store that TestAStoreWithADefect tests.
const theDefect = "MODFERRY_TEST_DEFECT"

// TestAStoreWithADefect is run by TestEveryDefectIsFound and must fail.
func TestAStoreWithADefect(t *testing.T) {
	defect := os.Getenv(theDefect)
	if defect == "" {
		t.Skip("no defect is asked for")
	}
	run(t, func(t *testing.T) Store { return openRemote(t, defect, plain) }, options(defect), 50*time.Millisecond)
}

func TestEveryDefectIsFound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ defect, behaviour string }{
		{"takes a name for a prefix", "similar names are not taken for one another"},
		{"forgets exact names", "the exact name comes before newer entries of a prefix"},
		{"takes the first by name", "a prefix finds its newest entry"},
		{"takes the newest of all prefixes", "the first prefix that has an entry decides"},
		{"takes failures for misses", "a server that is overloaded is an error and no miss"},
		{"ignores the context of lists", "a cancelled search is an error and no miss"},
		{"ignores the context of lists", "a cancelled list is an error"},
		{"lists the oldest first", "a list has the entries of a prefix, newest first"},
		{"deletes once", "what is deleted is gone, and its name free"},
		{"takes any name", "other names are refused before anything is written"},
		{"replaces entries", "a taken name stays what it is"},
		{"replaces entries", "of several writers of one name exactly one wins"},
		{"writes what is taken", "a taken name stays what it is"},
		{"writes elsewhere", "write is called once and in the goroutine of Create"},
		{"keeps what a failed write left", "the error of write comes back and nothing stays"},
		{"keeps what a failed write left", "what is cancelled while it is written leaves nothing"},
		{"loses the error of write", "the error of write comes back and nothing stays"},
		{"ignores the context of streams", "a reader that is cancelled stops with an error"},
		{"ignores the context of streams", "a cancelled context opens nothing"},
		{"reads ahead for ever", "a reader that is closed early leaves nothing running"},
		{"reads ahead for ever", "a reader at its end leaves nothing running"},
		{"does not close", "a reader that is closed early leaves nothing running"},
		{"does not close", "closing a stalled stream stops everything"},
		{"does not classify", "a stream that always breaks is an error and never short data"},
		{"takes a broken stream for its end", "a stream that always breaks is an error and never short data"},
		{"takes a broken stream for its end", "a stream that breaks once is repaired or an error"},
		{"believes the end of a stream", "a stream that always breaks is an error and never short data"},
		{"believes the end of a stream", "an entry that became shorter is an error when its size was known"},
		{"vouches", "the store does not vouch for bytes"},
	} {
		t.Run(tt.defect+", "+tt.behaviour, func(t *testing.T) {
			t.Parallel()
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestAStoreWithADefect$/^"+tt.behaviour+"$", "-test.v")
			cmd.Env = append(os.Environ(), theDefect+"="+tt.defect, "GORACE=atexit_sleep_ms=0")
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			failed := "--- FAIL: TestAStoreWithADefect/" + strings.ReplaceAll(tt.behaviour, " ", "_") + " "
			if !errors.As(err, &exit) || !strings.Contains(string(out), failed) {
				t.Errorf("the suite passes a store that %s: %v\n%s", tt.defect, err, out)
			}
		})
	}
}
