package storetest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

// A server keeps entries in memory: the simplest one that a store can have.
type server struct {
	mu      sync.Mutex
	entries map[string]*kept
	created int64 // entries so far; tells their age
}

type kept struct {
	Entry store.Entry
	data  []byte
}

func (v *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" {
		v.list(w, r.URL.Query().Get("prefix"))
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	switch r.Method {
	case http.MethodPut:
		data, err := io.ReadAll(r.Body)
		v.mu.Lock()
		defer v.mu.Unlock()
		switch {
		case err != nil:
			w.WriteHeader(http.StatusBadRequest)
		case v.entries[name] != nil && r.Header.Get("If-None-Match") == "*":
			w.WriteHeader(http.StatusPreconditionFailed)
		default:
			v.created++
			v.entries[name] = &kept{store.Entry{Name: name, Size: int64(len(data)), Created: time.Unix(v.created, 0)}, data}
		}
	case http.MethodDelete:
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.entries[name] == nil {
			w.WriteHeader(http.StatusNotFound)
		}
		delete(v.entries, name)
	default:
		v.mu.Lock()
		k := v.entries[name]
		v.mu.Unlock()
		if k == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(k.data)))
		w.Write(k.data)
	}
}

func (v *server) list(w http.ResponseWriter, prefix string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := []store.Entry{}
	for name, k := range v.entries {
		if strings.HasPrefix(name, prefix) {
			list = append(list, k.Entry)
		}
	}
	slices.SortFunc(list, func(a, b store.Entry) int { return b.Created.Compare(a.Created) })
	json.NewEncoder(w).Encode(list)
}

// A remote is the store of a server. It is right unless it has a defect.
type remote struct {
	server *server
	url    string
	client *http.Client
	defect string
}

func (r *remote) do(ctx context.Context, method, name string, query url.Values, body io.Reader) (*http.Response, error) {
	u := r.url + "/" + url.PathEscape(name) + "?" + query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u, body)
	if err != nil {
		return nil, err
	}
	if r.defect != "replaces entries" {
		req.Header.Set("If-None-Match", "*")
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, failure.New(failure.Classify(err), method, u, err)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return resp, nil
	case http.StatusNotFound:
		err = store.ErrNotFound
	case http.StatusPreconditionFailed:
		err = store.ErrExists
	default:
		err = &failure.Error{Class: failure.ServerError, Op: method, Status: resp.StatusCode}
		if r.defect == "takes failures for misses" {
			err = store.ErrNotFound
		}
	}
	resp.Body.Close()
	return nil, err
}

func (r *remote) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	if r.defect == "ignores the context of lists" {
		ctx = context.WithoutCancel(ctx)
	}
	resp, err := r.do(ctx, http.MethodGet, "", url.Values{"prefix": {prefix}}, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var list []store.Entry
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return nil, failure.New(failure.CutBody, "list", r.url, err)
	}
	if r.defect == "lists the oldest first" {
		slices.Reverse(list)
	}
	return list, nil
}

func (r *remote) Delete(ctx context.Context, e store.Entry) error {
	resp, err := r.do(ctx, http.MethodDelete, e.Name, nil, nil)
	if errors.Is(err, store.ErrNotFound) && r.defect != "deletes once" {
		return nil
	}
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (r *remote) Find(ctx context.Context, name string, prefixes ...string) (store.Entry, error) {
	if r.defect == "takes a name for a prefix" {
		prefixes = append([]string{name}, prefixes...)
	}
	all, err := r.List(ctx, "")
	if err != nil {
		return store.Entry{}, err
	}
	for _, e := range all {
		if e.Name == name && r.defect != "forgets exact names" {
			return e, nil
		}
	}
	if r.defect == "takes the newest of all prefixes" {
		slices.SortStableFunc(all, func(a, b store.Entry) int { return b.Created.Compare(a.Created) })
		for _, e := range all {
			if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(e.Name, p) }) {
				return e, nil
			}
		}
	}
	if r.defect == "takes the first by name" {
		slices.SortFunc(all, func(a, b store.Entry) int { return cmp.Compare(b.Name, a.Name) })
	}
	for _, prefix := range prefixes {
		for _, e := range all {
			if strings.HasPrefix(e.Name, prefix) {
				return e, nil
			}
		}
	}
	return store.Entry{}, store.ErrNotFound
}

func (r *remote) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if err := store.CheckName(name); err != nil && r.defect != "takes any name" {
		return err
	}
	if r.defect == "writes what is taken" {
		if _, err := r.Find(ctx, name); err == nil {
			return nil
		}
	}
	pr, pw := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		resp, err := r.do(ctx, http.MethodPut, name, nil, pr)
		pr.CloseWithError(cmp.Or(err, io.ErrClosedPipe))
		if err == nil {
			resp.Body.Close()
		}
		sent <- err
	}()
	if r.defect == "writes elsewhere" {
		outer := write
		write = func(w io.Writer) error {
			done := make(chan error)
			go func() { done <- outer(w) }()
			return <-done
		}
	}
	err := write(pw)
	if err == nil && r.defect != "ignores the context of writes" {
		err = ctx.Err()
	}
	if r.defect == "keeps what a failed write left" {
		pw.Close()
		<-sent
		return err
	}
	pw.CloseWithError(err)
	serr := <-sent
	switch {
	case errors.Is(serr, store.ErrExists):
		return serr
	case serr != nil && errors.Is(err, io.ErrClosedPipe):
		return serr // which closed it
	case err != nil && r.defect == "loses the error of write":
		return failure.New(failure.Unknown, "put", "", nil)
	case err != nil:
		return err
	}
	return serr
}

func (r *remote) Open(ctx context.Context, e store.Entry) (io.ReadCloser, error) {
	own, cancel := context.WithCancel(ctx)
	if r.defect == "ignores the context of streams" {
		own, cancel = context.WithCancel(context.WithoutCancel(ctx))
	}
	resp, err := r.do(own, http.MethodGet, e.Name, nil, nil)
	if err != nil {
		cancel()
		return nil, err
	}
	if r.defect == "reads ahead for ever" {
		go func() { <-ctx.Done() }()
	}
	return &stream{own, resp.Body, e.Size, r.defect, cancel}, nil
}

type stream struct {
	ctx    context.Context // of the Open
	body   io.ReadCloser
	left   int64
	defect string
	cancel func()
}

func (s *stream) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		// What the system has received already may be all of a small body.
		return 0, failure.New(failure.Classify(err), "read", "", err)
	}
	n, err := s.body.Read(p)
	s.left -= int64(n)
	switch {
	case s.defect == "takes a broken stream for its end" && err != nil:
		return n, io.EOF
	case s.defect == "believes the end of a stream" && err == io.EOF:
		return n, err
	case s.defect == "does not classify" && err != nil:
		return n, err
	case s.defect == "vouches" && n > 0 && p[0] != small("").bytes()[0]:
		return 0, failure.New(failure.WrongContent, "read", "", nil)
	case err == io.EOF && s.left > 0:
		return n, failure.New(failure.CutBody, "read", "", io.ErrUnexpectedEOF)
	case err != nil && err != io.EOF:
		return n, failure.New(failure.Classify(err), "read", "", err)
	}
	return n, err
}

func (s *stream) Close() error {
	if s.defect == "does not close" {
		return nil
	}
	s.cancel()
	return s.body.Close()
}

// openRemote opens a store whose requests go through wrap.
func openRemote(t *testing.T, defect string, wrap func(http.RoundTripper) http.RoundTripper) *remote {
	kept := &server{entries: map[string]*kept{}}
	v := httptest.NewServer(kept)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		v.CloseClientConnections()
		v.Close()
	})
	return &remote{kept, v.URL, &http.Client{Transport: wrap(transport)}, defect}
}

// options are those for a remote.
func options(defect string) Options {
	return Options{
		Large: 6 << 20,
		Through: func(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper) Store {
			return openRemote(t, defect, wrap)
		},
		Tamper: func(t *testing.T, s Store, e store.Entry, data []byte) {
			v := s.(*remote).server
			v.mu.Lock()
			defer v.mu.Unlock()
			v.entries[e.Name].data = data
		},
	}
}
