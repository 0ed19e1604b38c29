package e2e

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// The corners of the relay by their numbers: see internal/relay.
//
// TestCorner26ReplicasShareAStoreAndOneDies has two replicas store the same files in one
// bucket, kills one of them at a random instant, damages what they stored, and lets a
// third one, which has nothing of its own, answer.
func TestCorner26ReplicasShareAStoreAndOneDies(t *testing.T) {
	t.Parallel()
	seed := seed(t)
	mods := make([]mirrortest.Module, 30)
	for i := range mods {
		mods[i] = mirrortest.Module{Path: fmt.Sprintf("example.test/m%03d", i), Version: "v1.0.0", Size: 1 << (8 + i%13)}
	}
	f := mirrortest.Build(t, mods...)
	for round := range 8 {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, uint64(round)))
			replicas{t, random, f, servedFiles(f), startVersity(t, false), filepath.Join(t.TempDir(), "relays")}.round()
		})
	}
}

// replicas share a store; they are one after the other, and two at a time.
type replicas struct {
	t      *testing.T
	random *rand.Rand
	f      *mirrortest.Fixtures
	files  []servedFile
	store  *counterpart
	dir    string
}

func (r replicas) round() {
	t := r.t
	mirror := mirrortest.Start(t, mirrortest.Options{Fixtures: r.f})
	at := newPlace(t, mirror)
	db := mirrortest.NewSumDB(t, r.f)
	sums := mirrortest.Start(t, mirrortest.Options{Handler: db})
	at.env = append(r.store.environ(), "GOSUMDB="+db.Key+" "+sums.URL)
	serve := func(name string) *served {
		t.Helper()
		s, err := at.serve(t, filepath.Join(r.dir, name), "127.0.0.1:0", "--shared-store", r.store.cache, "--strict")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.kill)
		return s
	}
	client := newAsker()
	defer client.CloseIdleConnections()

	// Both store the same files at a time. The instant is "when the n-th entry is
	// written, and a little later".
	survivor, victim := serve("survivor"), serve("victim")
	nth, later := 1+r.random.IntN(50), time.Duration(r.random.IntN(10_000))*time.Microsecond
	written := r.store.ArrivedWith(func(q mirrortest.Request) bool { return q.Method == http.MethodPut }, nth)
	var both, clients sync.WaitGroup
	answered := make(chan struct{})
	both.Go(func() {
		select {
		case <-written:
			time.Sleep(later)
		case <-answered: // and fewer were begun
		}
		victim.kill()
	})
	for _, f := range r.files {
		clients.Go(func() { r.expect(client, survivor, f) })
		clients.Go(func() {
			// No answer is fine, since it may be dead; a wrong one is not.
			if got, err := ask(t.Context(), client, victim.url+f.path); err == nil && (got.status != http.StatusOK || !bytes.Equal(got.body, f.body)) {
				t.Errorf("the victim answers %s with %s", f.path, got)
			}
		})
	}
	clients.Wait()
	close(answered)
	both.Wait()
	r.end(survivor)
	r.whole("after a kill " + later.String() + " after entry " + strconv.Itoa(nth) + " was begun")

	// A new replica has all of it from the store, but what is damaged.
	damaged := r.damage()
	mirror.Forget()
	heir := serve("heir")
	var all sync.WaitGroup
	for _, f := range r.files {
		all.Go(func() {
			got := r.expect(client, heir, f)
			if f.kind != "zip" && f.kind != "mod" {
				return
			}
			cache := "STORE"
			if damaged[f.path] != "" {
				cache = "MISS"
			}
			// The mirror is asked twice where its first answer is slow.
			if n := mirror.Count(f.path); got.header.Get("X-Cache") != cache || (n > 0) != (cache == "MISS") {
				t.Errorf("%s (%s) came as %s with %d requests to the mirror, expected %s", f.path, damaged[f.path], got.header.Get("X-Cache"), n, cache)
			}
		})
	}
	all.Wait()
	m, err := heir.metrics(t.Context(), client)
	if got := m[`modferry_shared_store_total{event="rejected"}`]; err != nil || int(got) != len(damaged) {
		t.Errorf("%v entries were rejected, %v, expected %d: %v", got, err, len(damaged), damaged)
	}
	r.end(heir)
	r.whole("after an heir fetched what was damaged")
}

// expect asks for a file that must come.
func (r replicas) expect(client *http.Client, s *served, f servedFile) reply {
	got, err := ask(r.t.Context(), client, s.url+f.path)
	if err != nil || got.status != http.StatusOK || !bytes.Equal(got.body, f.body) {
		r.t.Errorf("%s: %s, %v\n%s", f.path, got, err, s.said.String())
	}
	return got
}

// end ends a replica, which gives the store what it has not given it yet.
func (r replicas) end(s *served) {
	r.t.Helper()
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(chaosPatience):
		r.t.Fatalf("the replica does not end\n%s", s.said.String())
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		r.t.Errorf("the replica ended with %s\n%s", s.cmd.ProcessState, s.said.String())
	}
}

// entry is the name of a file in the store.
func (f servedFile) entry() string {
	name := strings.NewReplacer("/@v/", "@").Replace(strings.TrimPrefix(f.path, "/"))
	sum := sha256.Sum256([]byte(name))
	return "f1-" + hex.EncodeToString(sum[:])
}

// whole holds the store to what its replicas were asked for.
func (r replicas) whole(when string) {
	r.t.Helper()
	sizes := r.store.kept.sizes(r.t)
	for _, f := range r.files {
		if f.kind != "zip" && f.kind != "mod" {
			continue
		}
		if _, ok := sizes[f.entry()]; !ok {
			r.t.Errorf("%s: the store does not have %s", when, f.path)
		} else if got := r.store.kept.read(r.t, f.entry()); !bytes.Equal(got, f.body) {
			r.t.Errorf("%s: the store has %d other bytes for %s, expected %d", when, len(got), f.path, len(f.body))
		}
	}
}

// damage tears and forges a third of the entries, and returns what it did by path.
func (r replicas) damage() map[string]string {
	did := map[string]string{}
	other := map[string][]byte{}
	for _, m := range r.f.All() {
		evil := mirrortest.Corrupt(r.t, mirrortest.Module{Path: m.Path, Version: m.Version.Version, Size: 500}, mirrortest.OtherContent)
		other["/"+m.Path+"/@v/"+m.Version.Version+".zip"] = evil.Zip
		other["/"+m.Path+"/@v/"+m.Version.Version+".mod"] = append(bytes.Clone(m.Mod), "\n// forged\n"...)
	}
	for _, f := range r.files {
		if other[f.path] == nil || r.random.IntN(3) > 0 {
			continue
		}
		data := bytes.Clone(f.body)
		switch r.random.IntN(4) {
		case 0:
			did[f.path], data = "torn", data[:r.random.IntN(len(data))]
		case 1:
			did[f.path], data = "empty", []byte{}
		case 2:
			did[f.path] = "one bit"
			for f.same(data) {
				data[r.random.IntN(len(data))] ^= 1
			}
		case 3:
			did[f.path], data = "forged", other[f.path]
		}
		r.store.kept.write(r.t, f.entry(), data)
	}
	return did
}

// same reports whether the hash of a body is the right one. A bit of a zip may be one that
// its hash does not cover, such as that of a date.
func (f servedFile) same(body []byte) bool {
	if bytes.Equal(body, f.body) {
		return true
	}
	got, err := hashOfZip(body)
	want, _ := hashOfZip(f.body)
	return f.kind == "zip" && err == nil && got == want
}

func hashOfZip(data []byte) (string, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return "", err
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	return dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		for _, f := range z.File {
			if f.Name == name {
				return f.Open()
			}
		}
		return nil, fs.ErrNotExist
	})
}
