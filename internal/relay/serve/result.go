package serve

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/modferry/modferry/internal/relay"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/html"
)

// result answers with the result so far: as a page where a browser asks, else as JSON.
func (s *Server) result(w http.ResponseWriter, r *http.Request, of *relay.Relay) {
	format := r.URL.Query().Get("format")
	if format == "" && strings.Contains(r.Header.Get("Accept"), "text/html") {
		format = "html"
	}
	s.results.Lock() // it takes some memory
	defer s.results.Unlock()
	res := of.Result()
	res.Hide(s.o.Session.Secrets.Hide)
	var body bytes.Buffer
	var err error
	switch format {
	case "html":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		err = html.Write(&body, res)
	case "", "json":
		w.Header().Set("Content-Type", "application/json")
		err = report.JSON(&body, res)
	default:
		say(w, http.StatusBadRequest, "modferry: found another format, expected ?format=json or ?format=html")
		return
	}
	if err != nil {
		say(w, http.StatusInternalServerError, "modferry: the result cannot be written: "+err.Error())
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Vary", "Accept")
	_, _ = w.Write(body.Bytes()) // a client that is gone is no concern of ours
}
