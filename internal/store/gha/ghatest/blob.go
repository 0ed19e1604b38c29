package ghatest

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// readBlob serves a signed URL.
func (s *Server) readBlob(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.Atoi(r.PathValue("id"))
	e, ok := s.entries.granted(id, r.URL.Query().Get("sig"), false)
	switch {
	case !ok:
		azureError(w, http.StatusForbidden, "AuthenticationFailed", "Server failed to authenticate the request")
	case e == nil:
		azureError(w, http.StatusNotFound, "BlobNotFound", "The specified blob does not exist")
	default:
		s.serveEntry(w, r, e)
	}
}

// serveEntry sends the bytes of an entry.
func (s *Server) serveEntry(w http.ResponseWriter, r *http.Request, e *entry) {
	c, tag, created := s.entries.snapshot(e)
	size := c.size()
	w.Header().Set("Content-Type", "application/octet-stream")
	switch {
	case s.o.NoRanges, s.o.NoLength:
		if !s.o.NoLength {
			w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		}
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush()
		if r.Method == http.MethodGet {
			io.Copy(w, io.NewSectionReader(c, 0, size))
		}
		return
	case size == 0 && r.Header.Get("Range") != "" && s.o.Like != Act:
		w.Header().Set("Content-Range", "bytes */0") // as Azure does, unlike net/http
		azureError(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The range specified is invalid")
		return
	}
	if !s.o.NoETag && s.o.Like != Act {
		w.Header().Set("ETag", tag)
	}
	http.ServeContent(w, r, "", created.Truncate(time.Second), io.NewSectionReader(c, 0, size))
}

// writeBlob takes a block blob as a whole, a block of it, or the list of its
// blocks.
func (s *Server) writeBlob(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.Atoi(r.PathValue("id"))
	query := r.URL.Query()
	e, ok := s.entries.granted(id, query.Get("sig"), true)
	switch {
	case !ok:
		azureError(w, http.StatusForbidden, "AuthenticationFailed", "Server failed to authenticate the request")
		return
	case e == nil:
		azureError(w, http.StatusNotFound, "BlobNotFound", "The specified blob does not exist")
		return
	case r.ContentLength < 0:
		azureError(w, http.StatusLengthRequired, "MissingContentLengthHeader", "Content-Length was not specified")
		return
	}
	switch comp := query.Get("comp"); {
	case comp == "" && r.Header.Get("X-Ms-Blob-Type") != "BlockBlob":
		azureError(w, http.StatusBadRequest, "MissingRequiredHeader", "x-ms-blob-type is missing")
		return
	case comp == "", comp == "block":
		name := query.Get("blockid")
		if comp == "block" && name == "" {
			azureError(w, http.StatusBadRequest, "InvalidQueryParameterValue", "blockid is missing")
			return
		}
		p, err := s.entries.store(e, r.Body, r.ContentLength)
		if err != nil {
			azureError(w, http.StatusInternalServerError, "InternalError", err.Error())
			return
		}
		s.entries.stage(e, name, p)
		if comp == "" {
			s.entries.assemble(e, []string{""})
		}
	case comp == "blocklist":
		var list struct {
			Latest []string `xml:"Latest"`
		}
		if err := xml.NewDecoder(r.Body).Decode(&list); err != nil {
			azureError(w, http.StatusBadRequest, "InvalidXmlDocument", err.Error())
			return
		}
		if !s.entries.assemble(e, list.Latest) {
			azureError(w, http.StatusBadRequest, "InvalidBlockList", "The specified block list is invalid")
			return
		}
	default:
		azureError(w, http.StatusBadRequest, "InvalidQueryParameterValue", "comp")
		return
	}
	_, tag, _ := s.entries.snapshot(e)
	w.Header().Set("ETag", tag)
	w.Header().Set("Last-Modified", s.o.Now().UTC().Format(http.TimeFormat))
	w.Header().Set("X-Ms-Request-Id", "00000000-0000-0000-0000-000000000000")
	w.WriteHeader(http.StatusCreated)
}

// azureError answers as Azure's blob service does.
func azureError(w http.ResponseWriter, status int, code, message string) {
	body := fmt.Sprintf("\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
	w.Header().Set("X-Ms-Error-Code", code)
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	io.WriteString(w, body)
}
