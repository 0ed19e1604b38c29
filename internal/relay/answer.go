package relay

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/modferry/modferry/internal/download"
	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

var contentTypes = map[string]string{
	report.KindZip:    "application/zip",
	report.KindMod:    "text/plain; charset=utf-8",
	download.KindInfo: "application/json",
	report.KindLatest: "application/json",
	report.KindQuery:  "application/json",
	report.KindList:   "text/plain; charset=utf-8",
}

// answer notes the status and the bytes of an answer.
type answer struct {
	http.ResponseWriter
	status int
	sent   int64
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(p)
	a.sent += int64(n)
	return n, err
}

// ReadFrom keeps what copies a file without the detour through memory.
func (a *answer) ReadFrom(src io.Reader) (int64, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := io.Copy(a.ResponseWriter, src)
	a.sent += n
	return n, err
}

// whole reports whether all of a file was sent.
func (a *answer) whole(req *http.Request) bool {
	return req.Method == http.MethodGet && a.status == http.StatusOK && a.Header().Get("Content-Length") == strconv.FormatInt(a.sent, 10)
}

// What the go command shows of an answer, below "server response:": so many lines
// without an empty one, and so many bytes (cmd/go internal/web: Response.Err).
const (
	mostLines = 8
	mostBytes = 600
)

// say answers with a status and lines of plain text that explain it.
func (r *Relay) say(w http.ResponseWriter, status int, lines ...string) {
	var text strings.Builder
	for i, line := range lines {
		line = "modferry: " + r.s.Options.Secrets.Hide(failure.Sentence(line))
		if i > 0 {
			line = "\n" + strings.TrimPrefix(line, "modferry: ")
		}
		if i == mostLines || text.Len() > 0 && text.Len()+len(line) > mostBytes {
			break
		}
		text.WriteString(line)
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Disable-Module-Fetch")
	w.WriteHeader(status)
	fmt.Fprintln(w, text.String()) // a client that is gone is no concern of ours
}

// refuse answers a question that nothing was brought for. A 404 sends the go command
// on to what follows the relay, which it may only where its own rules would.
func (r *Relay) refuse(w http.ResponseWriter, q question, b brought) {
	fe := failure.As(b.err)
	lines := append([]string{q.String() + ": " + fe.Error()}, r.offline()...)
	if b.it != nil { // last: these may be too long to be sent
		lines = append(lines, others(b.it, fe)...)
	}
	r.say(w, status(b, fe), lines...)
}

// offline is what a relay without a network adds to its refusals.
func (r *Relay) offline() []string {
	if !r.s.Values.Offline {
		return nil
	}
	return []string{"offline: only the module cache and the file:// mirrors of GOPROXY are asked"}
}

// forbid answers for a module that a rule lets nobody be asked for: whatever follows the
// relay must not be asked either. The report tells of it once.
func (r *Relay) forbid(w http.ResponseWriter, q question, why string) {
	it := download.NewPage(q.v, q.kind, q.path, download.PageOptions{})
	err := it.Refuse(why)
	if r.pages.get(q.path).until.IsZero() {
		r.pages.put(q.path, known{not: brought{it: it, err: err}, until: r.o.Now()})
		r.record(it)
	}
	r.say(w, http.StatusForbidden, q.String()+": "+why)
}

func status(b brought, fe *failure.Error) int {
	switch {
	case errors.Is(b.err, errNotFetched), b.it != nil && b.it.Onward:
		return http.StatusNotFound
	case fe.Class == failure.Gone:
		return http.StatusGone
	case fe.Class == failure.NotFound, fe.Class == failure.Private, fe.Class == failure.OnlyDirect, fe.Class == failure.Disabled:
		return http.StatusNotFound
	case fe.Class == failure.Unauthorized, fe.Class == failure.Forbidden:
		return fe.Status
	case download.Local(fe.Class):
		return http.StatusInternalServerError
	case fe.Class == failure.Throttled, fe.Class == failure.Cancelled:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadGateway
}

// others is what the mirrors said last that the failure does not speak of.
func others(it *download.Item, fe *failure.Error) []string {
	var lines []string
	var named []string
	for _, a := range slices.Backward(it.Record.Attempts) {
		if a.Class == "" || slices.Contains(named, a.Mirror) || strings.HasPrefix(fe.URL, a.Mirror) {
			continue
		}
		named = append(named, a.Mirror)
		line := a.Mirror + ": " + a.Class.Title()
		if a.Status != 0 && a.Status != http.StatusOK {
			line += fmt.Sprintf(" (HTTP %d)", a.Status)
		}
		if a.Detail != "" && a.Detail != fe.Detail {
			line += ": " + a.Detail
		}
		lines = append(lines, line)
	}
	slices.Reverse(lines)
	return lines
}
