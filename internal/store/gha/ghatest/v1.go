package ghatest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rest wraps a call of the service v1.
func (s *Server) rest(call http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.o.Like == Act && r.PathValue("base") != actSecret:
			http.NotFound(w, r)
		case !s.authorized(r):
			s.restError(w, http.StatusUnauthorized, "the token is not valid")
		default:
			call(w, r)
		}
	}
}

func (s *Server) restError(w http.ResponseWriter, status int, message string) {
	if s.o.Like == Act {
		writeJSON(w, status, map[string]any{"error": message})
		return
	}
	writeJSON(w, status, map[string]any{"message": message, "typeKey": "ArtifactCacheException"})
}

func (s *Server) v1Lookup(w http.ResponseWriter, r *http.Request) {
	keys := strings.Split(r.URL.Query().Get("keys"), ",")
	if bad := wrongKey(keys); bad != "" {
		s.restError(w, http.StatusBadRequest, bad)
		return
	}
	e := s.entries.match(keys, r.URL.Query().Get("version"))
	switch {
	case e == nil:
		w.WriteHeader(http.StatusNoContent)
	case s.o.Like == Act:
		writeJSON(w, http.StatusOK, map[string]any{
			"result": "hit", "cacheKey": e.key,
			"archiveLocation": fmt.Sprintf("%s/%s/_apis/artifactcache/artifacts/%d", s.URL, actSecret, e.id),
		})
	default:
		writeJSON(w, http.StatusOK, map[string]any{
			"cacheKey": e.key, "cacheVersion": e.version, "scope": "refs/heads/main",
			"creationTime": e.created.UTC().Format(time.RFC3339Nano), "archiveLocation": s.blobURL(e, false),
		})
	}
}

func (s *Server) v1Reserve(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Key, Version string
		CacheSize    int64
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		s.restError(w, http.StatusBadRequest, err.Error())
		return
	}
	if s.isReadOnly() && s.o.Like != Act {
		s.restError(w, http.StatusForbidden, Denied)
		return
	}
	if s.o.Like == Act {
		q.Key = strings.ToLower(q.Key)
	}
	e, err := s.entries.reserve(q.Key, q.Version, s.o.Like == Act)
	switch {
	case errors.Is(err, errTaken):
		s.restError(w, http.StatusConflict, err.Error())
	case err != nil:
		s.restError(w, http.StatusInternalServerError, err.Error())
	case s.o.Like == Act:
		writeJSON(w, http.StatusOK, map[string]any{"cacheId": e.id})
	default:
		writeJSON(w, http.StatusCreated, map[string]any{"cacheId": e.id})
	}
}

// v1Entry is the entry that a request is about, when it can be written.
func (s *Server) v1Entry(w http.ResponseWriter, r *http.Request) *entry {
	id, _ := strconv.Atoi(r.PathValue("id"))
	e := s.entries.get(id)
	if e == nil || e.complete {
		s.restError(w, http.StatusBadRequest, fmt.Sprintf("cache %d: not reserved", id))
		return nil
	}
	return e
}

func (s *Server) v1Upload(w http.ResponseWriter, r *http.Request) {
	e := s.v1Entry(w, r)
	if e == nil {
		return
	}
	var start, end int64
	if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/*", &start, &end); err != nil || r.ContentLength < 0 {
		s.restError(w, http.StatusBadRequest, "Content-Range or Content-Length is missing")
		return
	}
	if r.ContentLength > 0 && end-start+1 != r.ContentLength {
		s.restError(w, http.StatusBadRequest, "Content-Range and Content-Length are not the same")
		return
	}
	p, err := s.entries.store(e, r.Body, r.ContentLength)
	if err != nil {
		s.restError(w, http.StatusInternalServerError, err.Error())
		return
	}
	s.entries.stage(e, fmt.Sprintf("%020d", start), p)
	if s.o.Like == Act {
		writeJSON(w, http.StatusOK, map[string]any{})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) v1Commit(w http.ResponseWriter, r *http.Request) {
	e := s.v1Entry(w, r)
	if e == nil {
		return
	}
	var q struct{ Size int64 }
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		s.restError(w, http.StatusBadRequest, err.Error())
		return
	}
	s.entries.mu.Lock()
	names := slices.Sorted(maps.Keys(e.staged))
	s.entries.mu.Unlock()
	s.entries.assemble(e, names)
	c, _, _ := s.entries.snapshot(e)
	next := int64(0)
	for i, name := range names {
		if start, _ := strconv.ParseInt(name, 10, 64); start != next {
			s.restError(w, http.StatusBadRequest, "a chunk is missing")
			return
		}
		next += c[i].size
	}
	switch {
	case len(names) == 0 && s.o.Like == Act, c.size() != q.Size && s.o.Like == Act:
		s.restError(w, http.StatusInternalServerError, fmt.Sprintf("broken file: %d != %d", c.size(), q.Size))
		return
	case c.size() != q.Size:
		s.restError(w, http.StatusBadRequest, "the size is not that of the chunks")
		return
	}
	s.entries.finish(e)
	if s.o.Like == Act {
		writeJSON(w, http.StatusOK, map[string]any{})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// v1Read is act's download, whose secret stands in the path.
func (s *Server) v1Read(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.Atoi(r.PathValue("id"))
	e := s.entries.get(id)
	if e == nil || !e.complete || r.PathValue("base") != actSecret {
		http.NotFound(w, r)
		return
	}
	s.serveEntry(w, r, e)
}
