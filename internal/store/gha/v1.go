package gha

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

// v1 is the cache service of GitHub Enterprise Server, act, Gitea and Forgejo.
type v1 struct{ s *Store }

// call asks the service with JSON, or without a body when in is nil. An answer
// that is no success is an error.
func (v v1) call(ctx context.Context, p *patience, op, method, path string, in, into any) (answer, error) {
	r := &request{
		op: op, method: method, url: v.s.place.base + path, token: true, passes: serverDown,
		header: map[string]string{"Accept": "application/json;api-version=6.0-preview.1"},
	}
	if in != nil {
		body, err := json.Marshal(in)
		if err != nil {
			return answer{}, err // plain values can be marshalled
		}
		r.body = body
		r.header["Content-Type"] = "application/json"
	}
	return v.s.demand(ctx, p, r, into)
}

func (v v1) find(ctx context.Context, p *patience, keys []string) (store.Entry, error) {
	var out struct{ CacheKey, ArchiveLocation, CreationTime string }
	path := "cache?keys=" + url.QueryEscape(strings.Join(keys, ",")) + "&version=" + version
	a, err := v.call(ctx, p, "look up "+keys[0], http.MethodGet, path, nil, &out)
	switch {
	case err != nil:
		return store.Entry{}, err
	case a.status == http.StatusNoContent:
		return store.Entry{}, store.ErrNotFound
	}
	e := store.Entry{Name: out.CacheKey, Size: -1, Location: out.ArchiveLocation}
	if t, err := time.Parse(time.RFC3339, out.CreationTime); err == nil {
		e.Created = t
	}
	return e, v.s.found(a, e)
}

func (v v1) reserve(ctx context.Context, p *patience, name string) (reservation, error) {
	// The size is not known yet. The first clients sent none either, and
	// servers then go by the size in the commit.
	in := map[string]string{"key": name, "version": version}
	var out struct{ CacheID json.RawMessage }
	a, err := v.call(ctx, p, "save "+name, http.MethodPost, "caches", in, &out)
	if err != nil {
		return nil, err
	}
	id := strings.Trim(string(out.CacheID), `"`)
	if id == "" || id == "null" || id == "0" || strings.HasPrefix(id, "-") {
		return nil, v.s.fail(failure.WrongContent, a.r.op, a.r.url, errors.New("reserved the name without a cacheId"))
	}
	return &chunks{v: v, p: p, name: name, path: "caches/" + url.PathEscape(id)}, nil
}

// chunks is a reservation of v1, which is written in pieces with their offset.
type chunks struct {
	v    v1
	p    *patience
	name string
	path string
}

// whole sends one piece, also of an empty entry: act has nothing to commit
// otherwise.
func (c *chunks) whole(ctx context.Context, data []byte) error {
	if data == nil {
		data = []byte{}
	}
	_, err := c.part(ctx, 0, 0, data)
	return err
}

func (c *chunks) part(ctx context.Context, _ int, offset int64, data []byte) (bool, error) {
	r := &request{
		op: "save " + c.name, method: http.MethodPatch, url: c.v.s.place.base + c.path, body: data, token: true,
		header: map[string]string{
			"Accept":        "application/json;api-version=6.0-preview.1",
			"Content-Type":  "application/octet-stream",
			"Content-Range": fmt.Sprintf("bytes %d-%d/*", offset, offset+max(int64(len(data)), 1)-1),
		},
		passes: serverFails, far: true,
	}
	_, err := c.v.s.demand(ctx, c.p, r, nil)
	return r.open.Load() == 0, err
}

func (c *chunks) commit(ctx context.Context, _ int, size int64) error {
	_, err := c.v.call(ctx, c.p, "save "+c.name, http.MethodPost, c.path, map[string]int64{"size": size}, nil)
	return err
}
