package ghatest

import (
	"net/http"
	"strings"
	"sync"
)

// Op is what a request is for, in both protocols.
type Op string

// The kinds of requests.
const (
	Lookup    Op = "lookup"     // v2 GetCacheEntryDownloadURL, v1 GET cache
	Reserve   Op = "reserve"    // v2 CreateCacheEntry, v1 POST caches
	Whole     Op = "whole"      // v2 PUT of a blob
	Part      Op = "part"       // v2 PUT of a block, v1 PATCH
	BlockList Op = "block list" // v2 PUT of the list of blocks
	Commit    Op = "commit"     // v2 FinalizeCacheEntryUpload, v1 POST caches/ID
	Read      Op = "read"       // GET of an entry's bytes
	Other     Op = "other"      // what no client of ours sends
)

// Request is one request that came in.
type Request struct {
	Seq    int // counted from 1
	Op     Op
	Method string
	Path   string // without the query, which holds secrets
	Header http.Header
	Length int64 // of the request's body, -1 unknown

	Status int   // of the answer, 0 while there is none
	Bytes  int64 // of the answer's body
}

// describe says what a request is.
func (s *Server) describe(r *http.Request) Request {
	req := Request{Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone(), Length: r.ContentLength, Op: Other}
	isV1 := strings.Contains(r.URL.Path, "/_apis/artifactcache/cache")
	single := strings.Contains(r.URL.Path, "/caches/")
	switch {
	case strings.HasSuffix(r.URL.Path, "/GetCacheEntryDownloadURL"), isV1 && r.Method == http.MethodGet:
		req.Op = Lookup
	case strings.HasSuffix(r.URL.Path, "/CreateCacheEntry"), isV1 && !single && r.Method == http.MethodPost:
		req.Op = Reserve
	case strings.HasSuffix(r.URL.Path, "/FinalizeCacheEntryUpload"), isV1 && single && r.Method == http.MethodPost:
		req.Op = Commit
	case isV1 && single && r.Method == http.MethodPatch:
		req.Op = Part
	case r.Method == http.MethodGet:
		req.Op = Read
	case r.Method == http.MethodPut:
		switch r.URL.Query().Get("comp") {
		case "block":
			req.Op = Part
		case "blocklist":
			req.Op = BlockList
		case "":
			req.Op = Whole
		}
	}
	req.Seq = s.rec.next()
	return req
}

// Requests returns all requests so far, in the order in which they came.
func (s *Server) Requests() []Request {
	s.rec.mu.Lock()
	defer s.rec.mu.Unlock()
	list := make([]Request, 0, len(s.rec.list))
	for _, r := range s.rec.list {
		list = append(list, *r)
	}
	return list
}

// Count returns how many requests of a kind came, "" means all.
func (s *Server) Count(op Op) int {
	n := 0
	for _, r := range s.Requests() {
		if op == "" || r.Op == op {
			n++
		}
	}
	return n
}

type recorder struct {
	mu   sync.Mutex
	last int
	list []*Request
}

func (rec *recorder) next() int {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.last++
	return rec.last
}

func (rec *recorder) add(r Request) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.list = append(rec.list, &r)
}

func (rec *recorder) answered(seq, status int, bytes int64) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, r := range rec.list {
		if r.Seq == seq {
			r.Status, r.Bytes = status, bytes
		}
	}
}

// counter notes what is answered.
type counter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (c *counter) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *counter) Write(b []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	n, err := c.ResponseWriter.Write(b)
	c.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
