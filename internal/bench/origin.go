package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"
)

// originLatency is how long the origin takes for each answer.
const originLatency = 20 * time.Millisecond

// An origin is the module proxy behind the relays: it counts what it is asked for,
// answers late, and passes on a checksum database that knows its files.
type origin struct {
	url    string
	key    string // of the database, for GOSUMDB
	server *http.Server
	done   chan error

	mu    sync.Mutex
	asked map[string]int // by path of a file
}

// serveOrigin serves dir, the cache/download directory of a module cache.
func serveOrigin(dir string) (*origin, error) {
	const name = "sum.bench.test"
	signer, verifier, err := note.GenerateKey(nil, name)
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &origin{url: "http://" + ln.Addr().String(), key: verifier, done: make(chan error, 1), asked: map[string]int{}}
	files := http.FileServerFS(os.DirFS(dir))
	database := http.StripPrefix("/sumdb/"+name, sumdb.NewServer(sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
		return sumLines(dir, module.Version{Path: path, Version: version})
	})))
	o.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/supported"):
		case strings.HasPrefix(r.URL.Path, "/sumdb/"):
			database.ServeHTTP(w, r)
		default:
			o.mu.Lock()
			o.asked[r.URL.Path]++
			o.mu.Unlock()
			time.Sleep(originLatency)
			files.ServeHTTP(w, r)
		}
	})}
	go func() { o.done <- o.server.Serve(ln) }()
	return o, nil
}

// count is how many requests for files there were since the last call, and the
// most for one of them.
func (o *origin) count() (all, most int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, n := range o.asked {
		all, most = all+n, max(most, n)
	}
	clear(o.asked)
	return all, most
}

func (o *origin) close() error { return stop(o.server, o.done) }

// sumLines are the go.sum lines of a module whose files are in dir.
func sumLines(dir string, m module.Version) ([]byte, error) {
	place, err := downloadPath(m.String())
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, filepath.FromSlash(place))
	zip, err := dirhash.HashZip(file+".zip", dirhash.Hash1)
	if err != nil {
		return nil, err
	}
	mod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return os.Open(file + ".mod") })
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s %s %s\n%[1]s %[2]s/go.mod %[4]s\n", m.Path, m.Version, zip, mod), nil
}
