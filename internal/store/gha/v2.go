package gha

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/store"
)

// v2 is the cache service of github.com: three calls in Twirp's JSON, and
// signed URLs of block blobs.
type v2 struct{ s *Store }

const twirpPath = "/twirp/github.actions.results.api.v1.CacheService/"

// v2Request is what the calls bring. Protobuf's JSON has int64 as strings.
type v2Request struct {
	Key         string   `json:"key"`
	RestoreKeys []string `json:"restore_keys,omitempty"`
	SizeBytes   string   `json:"size_bytes,omitempty"`
	Version     string   `json:"version"`
}

// v2Answer is what they return, in either spelling that protobuf's JSON allows.
type v2Answer struct {
	OK               bool   `json:"ok"`
	Message          string `json:"message"`
	DownloadURL      string `json:"signed_download_url"`
	DownloadURLCamel string `json:"signedDownloadUrl"`
	UploadURL        string `json:"signed_upload_url"`
	UploadURLCamel   string `json:"signedUploadUrl"`
	MatchedKey       string `json:"matched_key"`
	MatchedKeyCamel  string `json:"matchedKey"`
}

// call asks the service. Its answer is a success, or err says why not.
func (v v2) call(ctx context.Context, p *patience, method, op string, q v2Request) (v2Answer, answer, error) {
	q.Version = version
	body, err := json.Marshal(q)
	if err != nil {
		return v2Answer{}, answer{}, err // strings can be marshalled
	}
	var out v2Answer
	a, err := v.s.ask(ctx, p, &request{
		op: op, method: http.MethodPost, url: v.s.place.base + twirpPath + method, body: body, token: true,
		header: map[string]string{"Content-Type": "application/json", "Accept": "application/json"},
		passes: serverFails,
	}, &out)
	return out, a, err
}

func (v v2) find(ctx context.Context, p *patience, keys []string) (store.Entry, error) {
	// The service is said to look at the restore keys alone, so the first key
	// is among them, as in BuildKit's client; a key found twice does no harm.
	out, a, err := v.call(ctx, p, "GetCacheEntryDownloadURL", "look up "+keys[0], v2Request{Key: keys[0], RestoreKeys: keys})
	switch {
	case err != nil:
		return store.Entry{}, err
	case a.status == http.StatusNotFound && a.code() == "not_found":
		return store.Entry{}, store.ErrNotFound
	case !a.ok():
		return store.Entry{}, a.refused()
	case !out.OK:
		if err := a.denial(out.Message); err != nil {
			return store.Entry{}, err
		}
		return store.Entry{}, store.ErrNotFound
	}
	e := store.Entry{Name: out.MatchedKey + out.MatchedKeyCamel, Size: -1, Location: out.DownloadURL + out.DownloadURLCamel}
	return e, v.s.found(a, e)
}

// found checks what the service says of an entry, and keeps its URL secret.
func (s *Store) found(a answer, e store.Entry) error {
	s.secrets.addURL(e.Location)
	if origin(e.Location) == "" {
		return s.fail(failure.WrongContent, a.r.op, a.r.url, errors.New("found an entry without a URL"))
	}
	if err := store.CheckName(e.Name); err != nil {
		return s.fail(failure.WrongContent, a.r.op, a.r.url, err)
	}
	return nil
}

func (v v2) reserve(ctx context.Context, p *patience, name string) (reservation, error) {
	out, a, err := v.call(ctx, p, "CreateCacheEntry", "save "+name, v2Request{Key: name})
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusConflict && p.unknown.Load():
		// github.com/actions/cache/issues/1612: it stays reserved.
		return nil, &refusal{op: a.r.op, is: []error{store.ErrExists},
			detail: "reserved perhaps by an attempt of ours whose answer got lost"}
	case !a.ok():
		return nil, a.refused()
	case !out.OK:
		if err := a.denial(out.Message); err != nil {
			return nil, err
		}
		// Gitea's answer to a name that is taken.
		return nil, a.taken(out.Message)
	}
	blob := out.UploadURL + out.UploadURLCamel
	v.s.secrets.addURL(blob)
	if origin(blob) == "" {
		return nil, v.s.fail(failure.WrongContent, a.r.op, a.r.url, errors.New("reserved the name without a URL to write to"))
	}
	return &blockBlob{v: v, p: p, name: name, url: blob}, nil
}

// blockBlob is a reservation of v2: an Azure block blob that can be written
// with a signed URL.
type blockBlob struct {
	v    v2
	p    *patience
	name string
	url  string
}

// put writes to the blob. The URL's own query, which is signed, stays as it is.
func (b *blockBlob) put(ctx context.Context, query string, header map[string]string, data []byte) (free bool, err error) {
	if data == nil {
		data = []byte{} // an empty body rather than none
	}
	u := b.url
	if query != "" {
		u += map[bool]string{true: "&", false: "?"}[strings.Contains(u, "?")] + query
	}
	header["Content-Type"] = "application/octet-stream"
	r := &request{
		op: "save " + b.name, method: http.MethodPut, url: u, header: header, body: data, passes: serverFails, far: true,
	}
	a, err := b.v.s.ask(ctx, b.p, r, nil)
	if err == nil && !a.ok() {
		err = a.failure()
	}
	return r.open.Load() == 0, err
}

func (b *blockBlob) whole(ctx context.Context, data []byte) error {
	_, err := b.put(ctx, "", map[string]string{"x-ms-blob-type": "BlockBlob"}, data)
	return err
}

// blockID names a block; all names of a blob must have the same length.
func blockID(index int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "modferry-%08d", index))
}

func (b *blockBlob) part(ctx context.Context, index int, _ int64, data []byte) (bool, error) {
	return b.put(ctx, "comp=block&blockid="+url.QueryEscape(blockID(index)), map[string]string{}, data)
}

func (b *blockBlob) commit(ctx context.Context, parts int, size int64) error {
	if parts > 0 {
		var list bytes.Buffer
		list.WriteString(`<?xml version="1.0" encoding="utf-8"?><BlockList>`)
		for i := range parts {
			list.WriteString("<Latest>" + blockID(i) + "</Latest>")
		}
		list.WriteString("</BlockList>")
		if _, err := b.put(ctx, "comp=blocklist", map[string]string{"x-ms-blob-content-type": "application/octet-stream"}, list.Bytes()); err != nil {
			return err
		}
	}
	retry := retrier{p: b.p}
	for {
		out, a, err := b.v.call(ctx, b.p, "FinalizeCacheEntryUpload", "save "+b.name,
			v2Request{Key: b.name, SizeBytes: strconv.FormatInt(size, 10)})
		switch {
		case err != nil:
			return err
		case a.status == http.StatusNotFound && a.code() == "not_found":
			if b.p.unknown.Load() {
				return a.failure() // perhaps an attempt before got through
			}
			// The service may not see yet what was just written.
			if err := retry.again(ctx, a.failure()); err != nil {
				return err
			}
			continue
		case !a.ok():
			return a.refused()
		case !out.OK:
			if err := a.denial(out.Message); err != nil {
				return err
			}
			return b.v.s.fail(failure.ServerError, a.r.op, a.r.url, fmt.Errorf("the service did not take the entry: %q", out.Message))
		}
		return nil
	}
}
