package github

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay"
	"github.com/modferry/modferry/internal/store/gha/ghatest"
)

// nativeProcess is process of a stage that action/native started.
func (r *runner) nativeProcess(relay string) Process {
	p := r.process()
	p.Native, p.Relay = true, relay
	return p
}

// startRelay starts the relay of the job, as the shim does, and returns its directory.
// ended gets its exit code.
func (r *runner) startRelay() (dir string, ended chan int, stop func()) {
	r.t.Helper()
	r.env["GOMODCACHE"] = r.dir("home/go/pkg/mod")
	dir, ended = r.dir("work/_temp/modferry/relay-1"), make(chan int, 1)
	p := r.nativeProcess(dir)
	p.Stdout = os.Stderr
	ctx, stop := context.WithCancel(r.t.Context())
	go func() { ended <- Relay(ctx, p) }()
	r.t.Cleanup(stop)
	return dir, ended, stop
}

// handOn gives the post stage what main left for it, in a summary of its own.
func (r *runner) handOn() {
	r.t.Helper()
	for _, name := range []string{stateResult, stateGiven, stateJoined} {
		r.env["STATE_"+name] = r.value("STATE", name)
	}
	if proxy := r.value("ENV", "GOPROXY"); proxy != "" {
		r.env["GOPROXY"] = proxy
	}
	r.log.Reset()
	if err := os.Truncate(r.env["GITHUB_STEP_SUMMARY"], 0); err != nil {
		r.t.Fatal(err)
	}
}

// Behind a bar, go commands would ask every mirror for what the relay refuses by a rule.
func TestTheRelayStandsInsteadOfAChainWithRules(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 2000)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	config := filepath.Join(t.TempDir(), "job.yaml")
	if err := os.WriteFile(config, []byte("proxy: ['"+mirror.URL+"']\nrules:\n  - {modules: example.test/secret, mirrors: none}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRunner(t, f, map[string]string{"config": config, "cache": "off"})
	dir, ended, _ := r.startRelay()
	if code := Main(t.Context(), r.nativeProcess(dir)); code != 0 {
		t.Fatalf("exit code %d\n%s", code, r.log.String())
	}
	proxy := r.value("ENV", "GOPROXY")
	address, rest, _ := strings.Cut(proxy, ",")
	if rest != "direct,"+mirror.URL+",direct" || strings.Contains(r.log.String(), "MF390") {
		t.Errorf("exported GOPROXY=%s\n%s", proxy, r.log.String())
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(address + "/example.test/secret/@v/list")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || len(mirror.Matching("*secret*")) > 0 {
		t.Errorf("%d, and the mirror was asked %d times", resp.StatusCode, len(mirror.Matching("*secret*")))
	}
	r.handOn()
	if code := Post(t.Context(), r.nativeProcess(dir)); code != 0 {
		t.Errorf("exit code %d\n%s", code, r.log.String())
	}
	<-ended
}

func TestANativeStepPutsTheRelayInFrontOfTheChain(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 4, 2000)
	more := mirrortest.Build(t, mirrortest.Module{Path: "example.test/tool", Version: "v1.0.0", Size: 2000})
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f.With(more.All()...)})
	service := ghatest.Start(t, ghatest.Options{})
	r := newRunner(t, f, map[string]string{"proxy": mirror.URL, "job-status": "success"})
	for k, v := range service.Env() {
		r.env[k] = v
	}
	dir, ended, _ := r.startRelay()
	if code := Main(t.Context(), r.nativeProcess(dir)); code != 0 {
		t.Fatalf("exit code %d\n%s", code, r.log.String())
	}
	proxy := r.value("ENV", "GOPROXY")
	address, chain, _ := strings.Cut(proxy, "|")
	if chain != mirror.URL || relay.Behind(proxy) != chain {
		t.Errorf("exported GOPROXY=%s", proxy)
	}
	if !strings.Contains(r.log.String(), "::add-mask::"+filepath.Base(address)) || strings.Contains(r.value("OUTPUT", "goproxy"), "|") {
		t.Errorf("the secret is not masked:\n%s", r.log.String())
	}
	if r.value("ENV", "GOMODCACHE") != "" || r.value("OUTPUT", "gomodcache") != r.env["GOMODCACHE"] {
		t.Errorf("exported GOMODCACHE=%s", r.value("ENV", "GOMODCACHE"))
	}
	if summary := r.file("STEP_SUMMARY"); summary != "" {
		t.Errorf("the summary does not wait for post:\n%s", summary)
	}

	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(address + "/example.test/tool/@v/v1.0.0.zip") // a later step
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	r.handOn()
	if code := Post(t.Context(), r.nativeProcess(dir)); code != 0 || resp.StatusCode != 200 {
		t.Errorf("exit code %d, status %d\n%s", code, resp.StatusCode, r.log.String())
	}
	if code := <-ended; code != 0 {
		t.Errorf("the relay's exit code is %d", code)
	}
	summary := r.file("STEP_SUMMARY")
	for _, want := range []string{"4 modules in ", "1 file downloaded by later steps through the relay", "example.test/tool", "saved to the cache gha"} {
		if !strings.Contains(summary, want) {
			t.Errorf("the summary lacks %q:\n%s", want, summary)
		}
	}
	if strings.Contains(summary+r.log.String(), filepath.Base(address)) {
		t.Error("the secret is shown")
	}
	if n := len(service.Entries()); n != 2 {
		t.Errorf("%d entries in the cache service, want an index and a layer\n%s", n, r.log.String())
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory of the relay is left")
	}
}

func TestASecondUseJoinsTheRelayAndTakesItForNoMirror(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 2000)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	r := newRunner(t, f, map[string]string{"cache": "off"})
	r.env["GOPROXY"] = mirror.URL
	dir, ended, _ := r.startRelay()
	if code := Main(t.Context(), r.nativeProcess(dir)); code != 0 {
		t.Fatalf("exit code %d\n%s", code, r.log.String())
	}
	first := r.value("ENV", "GOPROXY")
	second := newRunner(t, f, map[string]string{"cache": "off"})
	second.env["GOPROXY"] = first
	if code := Main(t.Context(), second.nativeProcess(dir)); code != 0 {
		t.Fatalf("exit code %d\n%s", code, second.log.String())
	}
	if got := second.value("ENV", "GOPROXY"); got != first {
		t.Errorf("exported %s, want %s", got, first)
	}
	// Its post has no relay of its own to stop.
	second.handOn()
	if code := Post(t.Context(), second.nativeProcess("")); code != 0 {
		t.Errorf("exit code %d\n%s", code, second.log.String())
	}
	if summary := second.file("STEP_SUMMARY"); !strings.Contains(summary, "modferry: ok") {
		t.Errorf("the summary of the second use is\n%s", summary)
	}
	r.handOn()
	if code := Post(t.Context(), r.nativeProcess(dir)); code != 0 || <-ended != 0 {
		t.Errorf("exit code %d\n%s", code, r.log.String())
	}
}

func TestAJobGoesOnWithoutItsRelay(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 2000)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	r := newRunner(t, f, map[string]string{"proxy": mirror.URL, "cache": "off"})
	dir := r.dir("work/_temp/modferry/relay-1")
	if err := relay.SayReady(dir, relay.Ready{Without: "it ended at once (2)"}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "relay.log"), []byte("fatal error: all is lost\n::error::\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := Main(t.Context(), r.nativeProcess(dir)); code != 0 {
		t.Errorf("exit code %d\n%s", code, r.log.String())
	}
	if got := r.value("ENV", "GOPROXY"); got != mirror.URL {
		t.Errorf("exported GOPROXY=%s", got)
	}
	if summary := r.file("STEP_SUMMARY"); !strings.Contains(summary, "it ended at once") {
		t.Errorf("the summary does not say so:\n%s", summary)
	}
	if log := r.log.String(); !strings.Contains(log, "relay: fatal error: all is lost") || strings.Contains(log, "\n::error") {
		t.Errorf("the log does not say how it ended:\n%s", log)
	}
}

func TestPostReportsWhatAKilledRelayLeftBehind(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 2, 2000)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	r := newRunner(t, f, map[string]string{"proxy": mirror.URL, "cache": "off"})
	dir, ended, stop := r.startRelay()
	if code := Main(t.Context(), r.nativeProcess(dir)); code != 0 {
		t.Fatalf("exit code %d\n%s", code, r.log.String())
	}
	stop() // it writes its journal last, as one that is killed wrote it before
	<-ended
	r.handOn()
	if code := Post(t.Context(), r.nativeProcess(dir)); code != 0 {
		t.Errorf("exit code %d\n%s", code, r.log.String())
	}
	if summary := r.file("STEP_SUMMARY"); !strings.Contains(summary, "ended before the job did") || !strings.Contains(summary, "MF389") && !strings.Contains(summary, "relay-missing") {
		t.Errorf("the summary does not say so:\n%s", summary)
	}
}

func TestOnlyInvalidContentFailsPost(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 2000)
	of := f.All()[0]
	lie := mirrortest.Corrupt(t, mirrortest.Module{Path: of.Path, Version: of.Version.Version}, mirrortest.OtherContent)
	for name, tt := range map[string]struct {
		all  *mirrortest.Fixtures
		path string
		code int
	}{
		"not found":   {f, "/example.test/none/@v/v1.0.0.zip", 0},
		"wrong bytes": {f.With(lie), "/" + of.Path + "/@v/" + of.Version.Version + ".zip", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: tt.all})
			r := newRunner(t, f, map[string]string{"proxy": mirror.URL, "cache": "off", "fail-on": "integrity"})
			dir, ended, _ := r.startRelay()
			Main(t.Context(), r.nativeProcess(dir))
			address, _, _ := strings.Cut(r.value("ENV", "GOPROXY"), "|")
			resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(address + tt.path)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			r.handOn()
			if code := Post(t.Context(), r.nativeProcess(dir)); code != tt.code {
				t.Errorf("exit code %d, want %d; status %d\n%s", code, tt.code, resp.StatusCode, r.log.String())
			}
			<-ended
		})
	}
}

func TestANativePostWithoutMainStopsTheRelay(t *testing.T) {
	t.Parallel()
	f := mirrortest.Generate(t, 1, 10)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	r := newRunner(t, f, map[string]string{"proxy": mirror.URL})
	dir, ended, _ := r.startRelay()
	if _, err := relay.Join(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if code := Post(t.Context(), r.nativeProcess(dir)); code != 0 || !strings.Contains(r.log.String(), "nothing saved") {
		t.Errorf("exit code %d\n%s", code, r.log.String())
	}
	if code := <-ended; code != 0 {
		t.Errorf("the relay's exit code is %d", code)
	}
}

// The text of input netrc is a secret, which must not stay on the machine.
func TestTheNetrcOfANativeStepIsRemoved(t *testing.T) {
	f := mirrortest.Generate(t, 1, 10)
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	r := newRunner(t, f, map[string]string{"proxy": mirror.URL, "cache": "off", "netrc": "machine goproxy.test login ci password PLANTED"})
	t.Setenv("TMPDIR", r.dir("tmp"))
	t.Setenv("TMP", r.dir("tmp"))
	if code := Main(t.Context(), r.nativeProcess("")); code != 0 {
		t.Errorf("exit code %d\n%s", code, r.log.String())
	}
	if left, _ := filepath.Glob(filepath.Join(r.dir("tmp"), "netrc-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if planted := regexp.MustCompile("PLANTED"); planted.MatchString(r.file("STATE") + r.file("STEP_SUMMARY")) {
		t.Error("the password is in the state or the summary")
	}
}
