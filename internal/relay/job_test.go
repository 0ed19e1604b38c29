package relay_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/fetch/fetchtest"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
	"github.com/modferry/modferry/internal/relay"
)

// served is the relay of a job in a directory of its own.
type served struct {
	dir    string
	joined *relay.Joined
	stop   func() // as a signal does
	ended  chan error
}

func serve(t *testing.T, b *fetchtest.Bench, proxy string, o relay.JobOptions) *served {
	t.Helper()
	b.Values.NoProbe = true
	s := &served{dir: filepath.Join(t.TempDir(), "relay"), ended: make(chan error, 1)}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	session := sessionOf(t, b, proxy)
	ctx, stop := context.WithCancel(t.Context())
	go func() { s.ended <- relay.ServeJob(ctx, s.dir, session, o) }()
	s.stop = stop
	t.Cleanup(stop)
	var err error
	if s.joined, err = relay.Join(t.Context(), s.dir); err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(t *testing.T, url string) int {
	t.Helper()
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestTheRelayOfAJobTellsWhatItDidAndStops(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	j := serve(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL, relay.JobOptions{})
	if code := ask(t, j.joined.URL+"/example.test/m/@v/v1.0.0.zip"); code != 200 {
		t.Errorf("status %d", code)
	}
	done, asked, err := j.joined.Journal(t.Context())
	if err != nil || !asked || done.Answers != 1 || len(done.Result.Modules) != 1 || done.Result.Modules[0].Path != "example.test/m" {
		t.Fatalf("%+v, %v, %v", done, asked, err)
	}
	if err := j.joined.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-j.ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(j.dir); err == nil {
		t.Error("its directory is left")
	}
}

func TestARelayThatIsGoneHasLeftItsJournal(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	j := serve(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL, relay.JobOptions{})
	ask(t, j.joined.URL+"/example.test/m/@v/v1.0.0.zip")
	j.stop()
	if err := <-j.ended; err != nil {
		t.Error(err)
	}
	done, asked, err := j.joined.Journal(t.Context())
	if err != nil || asked || len(done.Result.Modules) != 1 {
		t.Errorf("%+v, %v, %v", done, asked, err)
	}
	if err := j.joined.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(j.dir); err == nil {
		t.Error("its directory is left")
	}
}

func TestTheRelayOfAJobEndsByItself(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	t.Run("with its directory", func(t *testing.T) {
		t.Parallel()
		j := serve(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL, relay.JobOptions{Beat: time.Millisecond})
		if err := os.Rename(j.dir, j.dir+".gone"); err != nil {
			t.Fatal(err)
		}
		if err := <-j.ended; err != nil {
			t.Error(err)
		}
	})
	t.Run("after the longest time", func(t *testing.T) {
		t.Parallel()
		session := sessionOf(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL)
		if err := relay.ServeJob(t.Context(), t.TempDir(), session, relay.JobOptions{Longest: 1}); err != nil {
			t.Error(err)
		}
	})
}

func TestNobodyWaitsForARelayThatHasNobodyToAsk(t *testing.T) {
	t.Parallel()
	b := fetchtest.New(t, modules(t, "example.test/m"), mirrortest.Checkout{})
	dir := t.TempDir()
	if err := relay.ServeJob(t.Context(), dir, sessionOf(t, b, "off"), relay.JobOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := relay.Join(t.Context(), dir); !errors.Is(err, relay.ErrWithout) || !strings.Contains(err.Error(), "GOPROXY") {
		t.Errorf("%v", err)
	}
	ctx, end := context.WithTimeout(t.Context(), time.Millisecond)
	defer end()
	if _, err := relay.Join(ctx, t.TempDir()); err == nil || errors.Is(err, relay.ErrWithout) {
		t.Errorf("%v", err)
	}
}

func TestOnlyWhoKnowsTheSecretStopsTheRelay(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	j := serve(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL, relay.JobOptions{})
	secret := filepath.Base(j.joined.URL)
	resp, err := http.Post(strings.Replace(j.joined.URL, secret, strings.Repeat("0", len(secret)), 1)+"/~/stop", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if code := ask(t, j.joined.URL+"/~/ready"); resp.StatusCode != 404 || code != 204 {
		t.Errorf("status %d, then %d", resp.StatusCode, code)
	}
	if err := j.joined.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	<-j.ended
}

func TestTheRelayOfAJobIsFoundInGOPROXY(t *testing.T) {
	t.Parallel()
	const at = "http://127.0.0.1:4711/0123456789abcdef0123456789abcdef"
	for goproxy, want := range map[string]string{
		relay.Before(at, "https://a.test,direct"):                "https://a.test,direct",
		relay.Instead(at, "https://a.test,direct", goenv.Direct): "https://a.test,direct",
		relay.Instead(at, "https://a.test", goenv.Mirror):        "https://a.test",
		"https://a.test|direct":                                  "https://a.test|direct",
		"http://127.0.0.1:3000|direct":                           "http://127.0.0.1:3000|direct", // somebody's own
		at + ",direct":                                           at + ",direct",                 // of exec
		"":                                                       "",
	} {
		if got := relay.Behind(goproxy); got != want {
			t.Errorf("%s: %s", goproxy, got)
		}
	}
}

// Ports of programs that have ended are given to others.
func TestAnotherProgramInThePlaceOfARelayIsNoRelay(t *testing.T) {
	t.Parallel()
	f := modules(t, "example.test/m")
	s := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	for _, status := range []int{200, 404, 500} {
		j := serve(t, fetchtest.New(t, f, mirrortest.Checkout{}), s.URL, relay.JobOptions{})
		ask(t, j.joined.URL+"/example.test/m/@v/v1.0.0.zip")
		j.stop()
		if err := <-j.ended; err != nil {
			t.Fatal(err)
		}
		other := mirrortest.Start(t, mirrortest.Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, "<html>another program")
		})})
		j.joined.URL = other.URL + "/" + filepath.Base(j.joined.URL)
		done, asked, err := j.joined.Journal(t.Context())
		if err != nil || asked || done.Answers != 1 {
			t.Errorf("%d: %+v, %v, %v", status, done, asked, err)
		}
		if err := j.joined.Stop(t.Context()); err != nil {
			t.Errorf("%d: %v", status, err)
		}
		if _, err := os.Stat(j.dir); err == nil {
			t.Errorf("%d: its directory is left", status)
		}
	}
}
