package ghatest

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// routes is the healthy service.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	const v2 = "POST /twirp/github.actions.results.api.v1.CacheService/"
	mux.HandleFunc(v2+"GetCacheEntryDownloadURL", s.twirp(s.v2Lookup))
	mux.HandleFunc(v2+"CreateCacheEntry", s.twirp(s.v2Reserve))
	mux.HandleFunc(v2+"FinalizeCacheEntryUpload", s.twirp(s.v2Finalize))
	mux.HandleFunc("GET /blob/{id}", s.readBlob)
	mux.HandleFunc("PUT /blob/{id}", s.writeBlob)

	const v1 = "/{base}/_apis/artifactcache/"
	mux.HandleFunc("GET "+v1+"cache", s.rest(s.v1Lookup))
	mux.HandleFunc("POST "+v1+"caches", s.rest(s.v1Reserve))
	mux.HandleFunc("PATCH "+v1+"caches/{id}", s.rest(s.v1Upload))
	mux.HandleFunc("POST "+v1+"caches/{id}", s.rest(s.v1Commit))
	mux.HandleFunc("GET "+v1+"artifacts/{id}", s.v1Read)
	return mux
}

// v2Request is what the three calls bring. Protobuf's JSON is read in both
// spellings, and its int64 as a string or a number.
type v2Request struct {
	Key, Version string
	RestoreKeys  []string
	SizeBytes    int64
}

func (q *v2Request) UnmarshalJSON(data []byte) error {
	var raw struct {
		Key          string          `json:"key"`
		Version      string          `json:"version"`
		RestoreKeys  []string        `json:"restore_keys"`
		RestoreCamel []string        `json:"restoreKeys"`
		SizeBytes    json.RawMessage `json:"size_bytes"`
		SizeCamel    json.RawMessage `json:"sizeBytes"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	q.Key, q.Version = raw.Key, raw.Version
	q.RestoreKeys = append(raw.RestoreKeys, raw.RestoreCamel...)
	size := strings.Trim(string(raw.SizeBytes)+string(raw.SizeCamel), `"`)
	if size == "" {
		return nil
	}
	var err error
	q.SizeBytes, err = strconv.ParseInt(size, 10, 64)
	return err
}

// twirp wraps a call of the service v2.
func (s *Server) twirp(call func(w http.ResponseWriter, q v2Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.authorized(r) {
			twirpError(w, http.StatusUnauthorized, "unauthenticated", "the token is not valid")
			return
		}
		if r.Header.Get("Content-Type") != "application/json" {
			twirpError(w, http.StatusNotFound, "bad_route", "unexpected Content-Type: "+strconv.Quote(r.Header.Get("Content-Type")))
			return
		}
		var q v2Request
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			twirpError(w, http.StatusBadRequest, "malformed", err.Error())
			return
		}
		if bad := wrongKey(append([]string{q.Key}, q.RestoreKeys...)); bad != "" {
			twirpError(w, http.StatusBadRequest, "invalid_argument", bad)
			return
		}
		call(w, q)
	}
}

// wrongKey says what is wrong with keys, "" when nothing is.
func wrongKey(keys []string) string {
	if len(keys) > 10 {
		return "too many keys"
	}
	for _, k := range keys {
		if k == "" || len(k) > 512 || strings.Contains(k, ",") {
			return "a key is empty, too long or holds a comma"
		}
	}
	return ""
}

func (s *Server) v2Lookup(w http.ResponseWriter, q v2Request) {
	e := s.entries.match(append([]string{q.Key}, q.RestoreKeys...), q.Version)
	if e == nil {
		writeJSON(w, http.StatusOK, map[string]any{"ok": false})
		return
	}
	url := s.blobURL(e, false)
	if s.o.Camel {
		writeJSON(w, http.StatusOK, map[string]any{"ok": true, "signedDownloadUrl": url, "matchedKey": e.key})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"ok": true, "signed_download_url": url, "matched_key": e.key})
}

// Denied is how GitHub refuses a token that may only read.
const Denied = "cache write denied: token has no writable scopes"

func (s *Server) v2Reserve(w http.ResponseWriter, q v2Request) {
	if s.isReadOnly() {
		writeJSON(w, http.StatusOK, map[string]any{"ok": false, "message": Denied})
		return
	}
	e, err := s.entries.reserve(q.Key, q.Version, false)
	switch {
	case errors.Is(err, errTaken) && s.o.Like == Gitea:
		writeJSON(w, http.StatusOK, map[string]any{"ok": false})
	case errors.Is(err, errTaken):
		twirpError(w, http.StatusConflict, "already_exists", err.Error())
	case err != nil:
		twirpError(w, http.StatusInternalServerError, "internal", err.Error())
	case s.o.Camel:
		writeJSON(w, http.StatusOK, map[string]any{"ok": true, "signedUploadUrl": s.blobURL(e, true), "message": ""})
	default:
		writeJSON(w, http.StatusOK, map[string]any{"ok": true, "signed_upload_url": s.blobURL(e, true), "message": ""})
	}
}

func (s *Server) v2Finalize(w http.ResponseWriter, q v2Request) {
	e := s.entries.pending(q.Key, q.Version)
	if e == nil {
		twirpError(w, http.StatusNotFound, "not_found", "no such upload")
		return
	}
	c, _, _ := s.entries.snapshot(e)
	if c == nil || c.size() != q.SizeBytes {
		twirpError(w, http.StatusBadRequest, "invalid_argument", "the size is not that of the blob")
		return
	}
	s.entries.finish(e)
	name := "entry_id"
	if s.o.Camel {
		name = "entryId"
	}
	writeJSON(w, http.StatusOK, map[string]any{"ok": true, name: strconv.Itoa(e.id), "message": ""})
}

func (s *Server) blobURL(e *entry, write bool) string {
	return s.URL + "/blob/" + strconv.Itoa(e.id) + "?" + s.entries.sign(e, write)
}

func twirpError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]any{"code": code, "msg": message, "meta": map[string]string{}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of plain values
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	w.Write(data)
}
