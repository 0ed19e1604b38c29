package relay

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/sums"
)

// brief is said of what may be another one in a minute, or where a better one may come.
const brief = "max-age=60"

// sumdb answers for the checksum database of the settings, and for no other one. The
// go command verifies what it says.
func (r *Relay) sumdb(w http.ResponseWriter, req *http.Request, rest string) {
	name, path, ok := strings.Cut(rest, "/")
	for ok { // a database's name may have slashes
		if _, err := r.sums.Database(name); err == nil {
			break
		}
		var more string
		more, path, ok = strings.Cut(path, "/")
		name += "/" + more
	}
	d, err := r.sums.Database(name)
	switch {
	case !ok || err != nil:
		r.say(w, http.StatusNotFound, "no checksum database of the relay's settings")
		return
	case path == "supported":
		// Offline, nobody else is to be asked either.
		if err := d.Supported(req.Context()); err != nil && !r.s.Values.Offline {
			r.unavailable(w, err)
			return
		}
		w.Header().Set("Cache-Control", brief)
		w.WriteHeader(http.StatusOK)
		return
	case !fs.ValidPath(path), path != "latest" && !strings.HasPrefix(path, "lookup/") && !strings.HasPrefix(path, "tile/"):
		r.say(w, http.StatusNotFound, "no path of a checksum database")
		return
	}
	if of, ok := strings.CutPrefix(path, "lookup/"); ok {
		v, err := sums.Lookup(of)
		if err != nil {
			r.say(w, http.StatusNotFound, "no module version")
			return
		}
		if why := r.s.Access.Refuses(v.Path); why != "" {
			r.say(w, http.StatusForbidden, v.String()+": "+why)
			return
		}
		if r.sums.Hidden(d, v.Path) {
			r.say(w, http.StatusNotFound, v.String()+": private: the checksum database is not told its name; set GONOSUMDB or GOPRIVATE for the go command as well")
			return
		}
	}
	body, err := d.Read(req.Context(), "/"+path)
	if err != nil {
		r.unavailable(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", immutable)
	if path == "latest" {
		w.Header().Set("Cache-Control", brief)
	}
	deliver(w, req, bytes.NewReader(body))
}

// unavailable answers a question that the database has no answer to. A 404 of its own
// is one: of a tile that is not full yet, or a module that it cannot get.
func (r *Relay) unavailable(w http.ResponseWriter, err error) {
	fe := failure.As(err)
	if errors.Is(err, sums.ErrUnreachable) { // the go command has another way, perhaps
		r.say(w, http.StatusNotFound, "the checksum database: "+err.Error())
		return
	}
	if fe.Class == failure.NotFound || fe.Class == failure.Gone {
		r.say(w, http.StatusNotFound, append([]string{fe.Error()}, r.offline()...)...)
		return
	}
	r.say(w, http.StatusBadGateway, "the checksum database cannot be asked: "+fe.Error())
}
