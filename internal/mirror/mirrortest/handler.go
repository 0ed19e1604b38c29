package mirrortest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// mirrorHandler is a healthy module mirror: the GOPROXY protocol as
// https://go.dev/ref/mod#goproxy-protocol describes it.
type mirrorHandler struct {
	f            *Fixtures
	sumdb        *SumDB
	noRange      bool
	noETag       bool
	lastModified bool
}

func (h *mirrorHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	p := strings.TrimPrefix(r.URL.Path, "/")
	if rest, ok := strings.CutPrefix(p, "sumdb/"); ok {
		if h.sumdb == nil {
			notFound(w, "no checksum database here")
			return
		}
		h.sumdb.serveBelow(w, r, rest)
		return
	}
	if escaped, ok := strings.CutSuffix(p, "/@latest"); ok {
		h.latest(w, r, escaped)
		return
	}
	escaped, file, ok := strings.Cut(p, "/@v/")
	path, err := module.UnescapePath(escaped)
	if !ok || err != nil {
		notFound(w, "not a module proxy path: "+p)
		return
	}
	if file == "list" {
		h.versions(w, r, path)
		return
	}
	dot := strings.LastIndexByte(file, '.')
	if dot < 0 {
		notFound(w, "not a module proxy path: "+p)
		return
	}
	version, err := module.UnescapeVersion(file[:dot])
	if err != nil {
		notFound(w, err.Error())
		return
	}
	a := h.f.Get(path, version)
	if a == nil {
		notFound(w, fmt.Sprintf("%s@%s: invalid version: unknown revision %[2]s", path, version))
		return
	}
	data, kind := a.File(file[dot+1:]), file[dot+1:]
	if data == nil {
		notFound(w, "no such file: "+file)
		return
	}
	h.send(w, r, kind, data)
}

func (h *mirrorHandler) versions(w http.ResponseWriter, r *http.Request, path string) {
	vs := h.f.list(path)
	if vs == nil {
		notFound(w, "module "+path+": not found")
		return
	}
	h.send(w, r, "list", []byte(strings.Join(vs, "\n")+"\n"))
}

func (h *mirrorHandler) latest(w http.ResponseWriter, r *http.Request, escaped string) {
	path, err := module.UnescapePath(escaped)
	if err != nil {
		notFound(w, err.Error())
		return
	}
	best := ""
	for _, v := range h.f.list(path) {
		if best == "" || semver.Prerelease(v) == "" || semver.Prerelease(best) != "" {
			best = v
		}
	}
	if best == "" {
		notFound(w, "module "+path+": no matching versions for query \"latest\"")
		return
	}
	h.send(w, r, "info", h.f.Get(path, best).Info)
}

// contentTypes are those of the public mirrors.
var contentTypes = map[string]string{
	"zip":  "application/zip",
	"mod":  "text/plain; charset=UTF-8",
	"info": "application/json",
	"list": "text/plain; charset=UTF-8",
}

// send answers with data, or the part of it that is asked for.
func (h *mirrorHandler) send(w http.ResponseWriter, r *http.Request, kind string, data []byte) {
	w.Header().Set("Content-Type", contentTypes[kind])
	if !h.noETag {
		w.Header().Set("ETag", ETag(data))
	}
	var modified time.Time
	if h.lastModified {
		modified = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	}
	if !h.noRange {
		http.ServeContent(w, r, "", modified, bytes.NewReader(data))
		return
	}
	if h.lastModified {
		w.Header().Set("Last-Modified", modified.Format(http.TimeFormat))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method != http.MethodHead {
		w.Write(data) // a client that is gone is no concern of the server
	}
}

// ETag is the entity tag that servers give to data.
func ETag(data []byte) string {
	return fmt.Sprintf(`"%x"`, sha256.Sum256(data))
}

func notFound(w http.ResponseWriter, text string) {
	http.Error(w, "not found: "+text, http.StatusNotFound)
}

// serveEntity answers with data or the range asked for, under whatever headers
// are set already.
func serveEntity(w http.ResponseWriter, r *http.Request, data []byte) {
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}
