package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/session"
)

// The relay of a CI job is a process of its own, which nobody waits for. What it tells
// others is in a directory of the job's: where it is reached, once it answers, and a
// journal of what it has downloaded, in case it is killed.
const (
	readyFile   = "ready.json"
	journalFile = "journal.json"
)

// The paths below the secret that are not the protocol's: no module path begins so.
const (
	controlReady  = "/~/ready"
	controlResult = "/~/result"
	controlStop   = "/~/stop"
)

// Ready is what the relay of a job tells about itself.
type Ready struct {
	URL string `json:"url,omitempty"` // without trailing slash, with the secret
	PID int    `json:"pid,omitempty"`
	// Without says why there is no relay; "" for one that answers.
	Without string `json:"without,omitempty"`
}

// Journal is what the relay of a job has done so far.
type Journal struct {
	Answers int64          // questions that were answered
	Result  *report.Result // never nil
	Steps   []Step         // that asked, as far as that can be known; the most bytes first
}

type journal struct {
	Answers int64           `json:"answers"`
	Result  json.RawMessage `json:"result"`
	Steps   []Step          `json:"steps,omitempty"`
}

// JobOptions are those of the relay of a job. The zero value works.
type JobOptions struct {
	Options
	// Beat is how often the journal is written when something is new, and looked
	// whether the directory is still there; 0 means a second.
	Beat time.Duration
	// Longest is when the relay ends by itself; 0 means a day.
	Longest time.Duration
}

// ServeJob is the relay of a job, over a session of Open. It answers until it is told
// to stop, dir is gone, ctx ends, or for the longest time. What it keeps is in dir.
func ServeJob(ctx context.Context, dir string, s *session.Session, o JobOptions) error {
	if o.Beat == 0 {
		o.Beat = time.Second
	}
	if o.Longest == 0 {
		o.Longest = 24 * time.Hour
	}
	if len(s.Chain.Hops) == 0 {
		return SayReady(dir, Ready{Without: "no mirror in GOPROXY that it could ask"})
	}
	o.Dir, o.Once = filepath.Join(dir, "kept"), true // the steps share a module cache
	r, err := New(ctx, s, o.Options)
	if err != nil {
		return errors.Join(err, SayReady(dir, Ready{Without: err.Error()}))
	}
	ctx, stop := context.WithTimeout(ctx, o.Longest)
	defer stop()
	j := &jobRelay{Relay: r, stop: stop, dir: dir}
	at, err := Listen(j)
	if err != nil {
		return errors.Join(err, r.Close(), SayReady(dir, Ready{Without: err.Error()}))
	}
	s.Options.Secrets.Add(at.Secret)
	err = SayReady(dir, Ready{URL: at.URL, PID: os.Getpid()})
	if err == nil {
		j.stay(ctx, o.Beat)
	}
	err = errors.Join(err, at.Close(), r.Close())
	j.busy.Wait() // no handler begins anything any more
	if j.told.Load() {
		_ = os.RemoveAll(o.Dir)
		_ = os.Remove(filepath.Join(dir, journalFile))
		_ = os.Remove(filepath.Join(dir, readyFile)) // last: who told it waits for that
	}
	if _, gone := os.Stat(dir); gone != nil {
		return nil // with whatever was not closed
	}
	return err
}

// SayReady tells who waits in Join about the relay, or about its absence.
func SayReady(dir string, r Ready) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return diskfile.Write(filepath.Join(dir, readyFile), data)
}

// jobRelay is a relay with a way to ask for its result, and to stop it.
type jobRelay struct {
	*Relay
	dir  string
	stop context.CancelFunc
	steps
	told atomic.Bool // that its end has come: whoever said so knows all that it did
}

func (j *jobRelay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch req.Method + " " + req.URL.Path {
	case "GET " + controlReady:
		w.WriteHeader(http.StatusNoContent)
	case "GET " + controlResult:
		data, err := j.journal()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(data)
	case "POST " + controlStop:
		w.WriteHeader(http.StatusNoContent)
		_ = http.NewResponseController(w).Flush() // before everything is cut
		j.told.Store(true)
		j.stop()
	default:
		j.steps.serve(j.Relay, w, req)
	}
}

// stay keeps the journal until ctx ends or the directory is gone.
func (j *jobRelay) stay(ctx context.Context, beat time.Duration) {
	t := time.NewTicker(beat)
	defer t.Stop()
	var written int64
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			if !j.told.Load() {
				j.write()
			}
			return
		}
		if _, err := os.Stat(filepath.Join(j.dir, readyFile)); err != nil {
			return // the job is over, and nobody will tell
		}
		// Of what began before an answer and ended with it, the next beat tells.
		if n := j.Answers() + int64(j.recorded()); n != written {
			j.write()
			written = n
		}
	}
}

// write writes the journal, as far as that can be done.
func (j *jobRelay) write() {
	data, err := j.journal()
	if err == nil {
		err = diskfile.Write(filepath.Join(j.dir, journalFile), data)
	}
	if err != nil && j.o.Log != nil {
		j.o.Log("keep the journal: " + err.Error())
	}
}

func (j *jobRelay) journal() ([]byte, error) {
	res := j.Result()
	res.Hide(j.s.Options.Secrets.Hide)
	var b bytes.Buffer
	if err := report.JSON(&b, res); err != nil {
		return nil, err
	}
	return json.Marshal(journal{Answers: j.Answers(), Result: b.Bytes(), Steps: j.list()})
}

func decodeJournal(r io.Reader) (*Journal, error) {
	var raw journal
	if err := json.NewDecoder(r).Decode(&raw); err != nil {
		return nil, fmt.Errorf("read the journal of the relay: %w", err)
	}
	res, err := report.Decode(bytes.NewReader(raw.Result))
	if err != nil {
		return nil, fmt.Errorf("read the journal of the relay: %w", err)
	}
	return &Journal{Answers: raw.Answers, Result: res, Steps: raw.Steps}, nil
}

// address is what a URL of Listen looks like, at the head of a GOPROXY of Before or
// Instead.
var address = regexp.MustCompile(`^http://(127\.0\.0\.1|\[::1\]):[0-9]+/[0-9a-f]{32}(\||,direct,|,off,)`)

// Before is a GOPROXY that asks the relay of a job first. A bar follows it: when the
// relay is gone, or a step runs where it cannot be reached, go commands go on as they
// would without. What it refuses they ask the chain, which refuses it as well.
func Before(url, chain string) string { return url + "|" + chain }

// Instead is a GOPROXY that asks the relay of a job and, where the chain ends in direct,
// version control. The chain stands where go commands do not read it any more: they do
// not know the rules by which the relay asks it. When the relay is gone, they fail.
func Instead(url, chain string, end goenv.Kind) string {
	if end == goenv.Direct {
		return url + ",direct," + chain
	}
	return url + ",off," + chain
}

// Behind is the chain in a GOPROXY of Before or Instead; any other GOPROXY stays as it is.
func Behind(goproxy string) string { return goproxy[len(address.FindString(goproxy)):] }

// Joined is the relay of a job as its stages see it.
type Joined struct {
	Ready
	dir    string
	client *http.Client
}

// ErrWithout is that there is no relay, because it says so itself.
var ErrWithout = errors.New("no relay")

// Join waits until the relay of a directory answers, or ctx ends. ErrWithout in the
// error means that the relay itself says why it does not.
func Join(ctx context.Context, dir string) (*Joined, error) {
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	for {
		j, err := Joining(dir)
		if err == nil {
			return j, j.call(ctx, http.MethodGet, controlReady, nil)
		}
		if errors.Is(err, ErrWithout) {
			return nil, err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil, errors.Join(errors.New("it did not answer in time"), err)
		}
	}
}

// Joining is the relay that was in a directory, whether or not it still answers.
func Joining(dir string) (*Joined, error) {
	data, err := diskfile.Read(filepath.Join(dir, readyFile), 1<<16)
	if err != nil {
		return nil, err
	}
	j := &Joined{dir: dir, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}} // nothing is told to a forward proxy
	if err := json.Unmarshal(data, &j.Ready); err != nil {
		return nil, fmt.Errorf("read what the relay says: %w", err)
	}
	if j.Without != "" {
		return nil, fmt.Errorf("%w: %s", ErrWithout, j.Without)
	}
	if !address.MatchString(j.URL + "|") {
		return nil, fmt.Errorf("read what the relay says: found %s without its address", readyFile)
	}
	return j, nil
}

// Journal is what the relay has done so far. Asked is whether it said so itself: one
// that is gone has left its journal, which may lack the last second; another program
// may have its port by then.
func (j *Joined) Journal(ctx context.Context) (done *Journal, asked bool, err error) {
	var b bytes.Buffer
	if err := j.call(ctx, http.MethodGet, controlResult, &b); err == nil {
		if done, err = decodeJournal(&b); err == nil {
			return done, true, nil
		}
	}
	f, err := diskfile.Open(filepath.Join(j.dir, journalFile))
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	done, err = decodeJournal(f)
	return done, false, err
}

// Stop ends the relay, and waits for its end: kindly, or, when it does not react until
// ctx ends, by force. One that is gone already is no error. Its directory is removed.
func (j *Joined) Stop(ctx context.Context) error {
	err := j.call(ctx, http.MethodPost, controlStop, nil)
	switch {
	case err == nil:
		j.wait(ctx)
	case errors.Is(err, context.DeadlineExceeded): // something holds its port and is silent
		if p, found := os.FindProcess(j.PID); found == nil {
			err = p.Kill()
		}
	case errors.Is(err, errNobody):
		err = nil
	}
	_ = diskfile.RemoveAll(j.dir) // or the runner does, with all of its temporary files
	return err
}

// wait waits until a relay that was told to stop has done so, or ctx ends.
func (j *Joined) wait(ctx context.Context) {
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	for {
		if _, err := os.Stat(filepath.Join(j.dir, readyFile)); err != nil {
			return
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// errNobody is that no relay listens where one was: nobody, or another program.
var errNobody = errors.New("it does not answer there")

func (j *Joined) call(ctx context.Context, method, path string, into io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, method, j.URL+path, nil)
	if err != nil {
		return err
	}
	resp, err := j.client.Do(req)
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("ask the relay: %w", ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("ask the relay: %w", errNobody) // the error itself tells the secret
	}
	defer resp.Body.Close()
	expected := http.StatusNoContent
	if into != nil {
		expected = http.StatusOK
	}
	if resp.StatusCode != expected {
		return fmt.Errorf("ask the relay: %w: found HTTP status %d", errNobody, resp.StatusCode)
	}
	if into != nil {
		_, err = io.Copy(into, io.LimitReader(resp.Body, largestJournal))
	}
	return err
}

// largestJournal is more than the largest result that can be read.
const largestJournal = 64 << 20
