//go:build unix

package fetch_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/modferry/modferry/internal/fetch"
	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

// fewFiles makes this process the one that a test runs with few open files: its
// value is the checkout, the module cache and the chain.
const fewFiles = "FETCH_TEST_FEW_FILES"

func TestFetchWithFewOpenFiles(t *testing.T) {
	if job := os.Getenv(fewFiles); job != "" {
		fetchWithFewFiles(t, strings.Split(job, "\n"))
		return
	}
	t.Parallel()
	f := mirrortest.Generate(t, 60, 20<<10)
	b := fetchtest.New(t, f, mirrortest.Checkout{})
	var chain []string
	for range 3 {
		chain = append(chain, mirrortest.Start(t, mirrortest.Options{Fixtures: f}).URL)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), fewFiles+"="+strings.Join([]string{b.Dir, b.ModCache, strings.Join(chain, "|")}, "\n"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b.Complete()
}

func fetchWithFewFiles(t *testing.T, job []string) {
	few := syscall.Rlimit{Cur: 48, Max: 48}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	v, err := settings.Resolve(map[string]string{"dir": job[0], "extract": "all"}, func(string) string { return "" }, settings.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	j, err := session.Open(v, goenv.Env{"GOPROXY": {Value: job[2]}, "GOMODCACHE": {Value: job[1]}, "GOSUMDB": {Value: "off"}}, session.Options{Tool: "modferry test"})
	if err != nil {
		t.Fatal(err)
	}
	r, _ := fetch.Run(t.Context(), j, nil)
	fetchtest.WantOutcome(t, r, report.OK)
}
