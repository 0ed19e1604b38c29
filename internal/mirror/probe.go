package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/modferry/modferry/internal/failure"
)

// Sizes that the go command accepts (golang.org/x/mod/zip); an .info has no
// limit there. Ours is a thousand times what they have: they are held in memory,
// as many as there are requests at a time.
const (
	MaxMod  = 16 << 20
	MaxInfo = 256 << 10
	MaxZip  = 500 << 20
)

// Sample is a module version whose go.mod hash is known, to test a mirror's
// correctness with.
type Sample struct {
	module.Version
	ModHash string // "h1:…"
}

// PublicSample is asked for when there is no work list to take samples from.
// Its hash is the one of every go.sum and of the checksum database.
var PublicSample = Sample{
	module.Version{Path: "golang.org/x/text", Version: "v0.3.0"},
	"h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ=",
}

// Verdict is what one probe found out.
type Verdict struct {
	// Class and Reason say what is wrong; an empty Class means that the mirror
	// answers correctly.
	Class  failure.Class
	Reason string
	// Issuer is who issued the certificate that is not trusted; "" when that is
	// not what is wrong.
	Issuer string
	// Limit is the caller's limit of time, in words, when that is what is wrong:
	// the mirror may be slow only.
	Limit string
	// Seen is the way to the mirror as its first response showed it, on a
	// fresh connection. Its Proto is empty when no response arrived.
	Seen Seen
	// Has counts the samples that the mirror returned with valid content, Lacks
	// those it answered with 404 or 410.
	Has, Lacks int
	// SumDB says whether the mirror serves the checksum database; nil means
	// that it was not asked or did not answer.
	SumDB *bool
}

// Probe asks the mirror for the .mod and .info of the samples and for the
// support of the checksum database named sumdb ("" asks nothing), all at once.
// A captive portal that answers everything with 200 is found out by the hash.
// The caller bounds the time by ctx; what is not answered when it ends is a
// failure. Samples that the mirror does not have prove nothing against it.
func (m *Mirror) Probe(ctx context.Context, samples []Sample, sumdb string) Verdict {
	type answer struct {
		err   *failure.Error
		seen  Seen
		lacks bool
	}
	ask := func(s Sample, ext string) (a answer) {
		path, err := FilePath(s.Version, ext)
		if err != nil {
			return answer{err: failure.New(failure.Unknown, "probe", m.name, err)}
		}
		shown := m.name + "/" + path
		limit := int64(MaxMod)
		if ext == "info" {
			limit = MaxInfo
		}
		resp, err := m.Get(ctx, Request{Path: path, Max: limit, Seen: &a.seen})
		if err != nil {
			if fe := failure.As(err); fe.Class == failure.NotFound || fe.Class == failure.Gone {
				a.lacks = true
			} else {
				a.err = fe
			}
			return a
		}
		defer resp.Close()
		if ext == "mod" {
			a.err = ReadMod(io.Discard, resp, s.ModHash, shown)
		} else {
			_, a.err = ReadInfo(resp, s.Version, shown)
		}
		return a
	}

	var v Verdict
	note := func(a answer) {
		switch {
		case a.err != nil && v.Class == "":
			v.Class, v.Reason, v.Issuer = a.err.Class, a.err.Error(), a.err.Issuer
			if limit := context.Cause(ctx); limit != nil && errors.Is(a.err, limit) {
				v.Limit = limit.Error()
			}
		case a.err != nil:
		case a.lacks:
			v.Lacks++
		default:
			v.Has++
		}
	}
	if len(samples) == 0 {
		samples = []Sample{PublicSample}
	}
	// The first request opens the connection, so that its timing shows every
	// phase; the others follow once it is there and share it.
	first := ask(samples[0], "mod")
	note(first)
	v.Seen = first.seen
	if v.Class != "" {
		return v
	}
	var wg sync.WaitGroup
	answers := make([]answer, 2*len(samples)-1)
	for i, s := range samples {
		if i > 0 {
			wg.Go(func() { answers[2*i-1] = ask(s, "mod") })
		}
		wg.Go(func() { answers[2*i] = ask(s, "info") })
	}
	if sumdb != "" && !m.Local() {
		wg.Go(func() {
			resp, err := m.Get(ctx, Request{Path: "sumdb/" + sumdb + "/supported", Max: MaxInfo})
			if err == nil {
				_, err = io.Copy(io.Discard, resp)
				resp.Close()
			}
			if fe := failure.As(err); fe == nil || fe.Status != 0 {
				ok := fe == nil
				v.SumDB = &ok
			}
		})
	}
	wg.Wait()
	for _, a := range answers {
		note(a)
	}
	return v
}

// ReadMod copies the go.mod of a response to w and compares it with the hash
// it must have. It holds nothing of it: a go.mod may have 16 MiB.
func ReadMod(w io.Writer, resp *Response, want, shown string) *failure.Error {
	var first head
	got, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(io.TeeReader(resp, io.MultiWriter(w, &first))), nil
	})
	switch {
	case err != nil:
		return failure.As(err)
	case got == want:
		return nil
	case isPage(first, resp):
		return page(shown)
	}
	e := failure.New(failure.HashMismatch, "verify", shown, nil)
	e.Detail = fmt.Sprintf("got %s, expected %s", got, want)
	return e
}

type head []byte

func (h *head) Write(p []byte) (int, error) {
	const enough = 512
	*h = append(*h, p[:min(len(p), enough-len(*h))]...)
	return len(p), nil
}

// ReadInfo reads the .info of a response and checks it: it is JSON and names the
// version asked for, as the go command wants it (cmd/go/internal/modfetch/proxy.go:
// Stat).
func ReadInfo(resp *Response, v module.Version, shown string) ([]byte, *failure.Error) {
	data, err := io.ReadAll(resp)
	if err != nil {
		return nil, failure.As(err)
	}
	var info struct{ Version string }
	err = json.Unmarshal(data, &info)
	if err == nil && info.Version == v.Version {
		return data, nil
	}
	if err != nil && isPage(data, resp) {
		return nil, page(shown)
	}
	e := failure.New(failure.WrongContent, "verify", shown, nil)
	if err != nil {
		e.Detail = "the .info is not JSON"
	} else {
		e.Detail = failure.Plain(fmt.Sprintf("the .info names version %q instead of %s", info.Version, v.Version))
	}
	return nil, e
}

func page(shown string) *failure.Error {
	e := failure.New(failure.WrongContent, "verify", shown, nil)
	e.Detail = "an HTML page instead of the file: a login page, a captive portal or a wrong URL"
	return e
}

// isPage also believes a server that says so itself.
func isPage(data []byte, resp *Response) bool {
	return failure.IsPage(data) || strings.HasPrefix(resp.Type, "text/html")
}

// SlowFirstByte is the wait for a first byte from which a mirror counts as
// slow.
const SlowFirstByte = time.Second
