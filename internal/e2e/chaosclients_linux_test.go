package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

// client asks relays for files, in several manners, until ctx ends.
func (c *chaos) client(ctx context.Context, random *rand.Rand) {
	client := newAsker()
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		r := c.relays[random.IntN(len(c.relays))]
		s, life := r.now()
		if s == nil {
			continue
		}
		f := c.files[random.IntN(len(c.files))]
		err := c.question(client, random, r, s, f)
		if _, after := r.now(); err != nil && after == life {
			c.fault("no answer to %s: %v", f.path, err)
		} else if err != nil {
			c.count("of a killed relay")
		}
		time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
	}
}

// question asks one and judges the answer. The error says that there was none, though
// the client waited for it.
func (c *chaos) question(client *http.Client, random *rand.Rand, r *chaosRelay, s *served, f servedFile) error {
	// Not that of the chaos: its end must not hide a request without an answer.
	ctx, vanish := context.WithCancel(context.Background())
	defer vanish()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+f.path, nil)
	if err != nil {
		return err
	}
	want, status, until := f.body, http.StatusOK, len(f.body)
	manner := random.IntN(12)
	switch manner {
	case 0: // before the header, perhaps
		gone := time.AfterFunc(time.Duration(random.IntN(20_000))*time.Microsecond, vanish)
		defer gone.Stop()
	case 1:
		until = random.IntN(len(f.body))
	case 2:
		if f.kind == "zip" || f.kind == "mod" {
			from := random.IntN(len(f.body))
			req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
			want, status, until = f.body[from:], http.StatusPartialContent, len(f.body)-from
		}
	case 3:
		req.Method = http.MethodHead
		want = nil
	}
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			c.count("of a client that left")
			return nil
		}
		return err
	}
	defer resp.Body.Close()
	c.count(fmt.Sprintf("status %d %s", resp.StatusCode, resp.Header.Get("X-Cache")))
	if resp.StatusCode != status {
		why, err := io.ReadAll(resp.Body)
		c.refusal(r, f, reply{resp.StatusCode, resp.Header, why})
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if manner == 1 {
		body := make([]byte, until)
		n, err := io.ReadFull(resp.Body, body)
		c.judge(r, f, resp, body[:n], want[:min(n, len(want))])
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.judge(r, f, resp, body, want[:min(len(body), len(want))])
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	c.judge(r, f, resp, body, want)
	return nil
}

// judge compares a body. Other bytes than those of the fixtures may only come where the
// checksum database could not be asked, of a relay that may pass them on and says so.
func (c *chaos) judge(r *chaosRelay, f servedFile, resp *http.Response, body, want []byte) {
	unverified := resp.Header.Get("X-Modferry-Verified") == "no"
	if unverified {
		c.count("unverified")
	}
	switch {
	case unverified && r.strict:
		c.fault("%s is not verified, of a relay that is strict", f.path)
	case unverified || bytes.Equal(body, want):
	default:
		c.fault("WRONG BYTES of %s: %d bytes, expected %d: status %d, %v", f.path, len(body), len(want), resp.StatusCode, resp.Header)
	}
}

// refusal judges a status other than that of success. No mirror ever said 404, and
// only the first relay's disk is ever full.
func (c *chaos) refusal(r *chaosRelay, f servedFile, got reply) {
	switch got.status {
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return
	case http.StatusOK: // to a range: of a file that is passed on
		if bytes.Equal(got.body, f.body) {
			return
		}
	case http.StatusInternalServerError:
		if r == c.relays[0] && c.fillable {
			return
		}
	case http.StatusRequestedRangeNotSatisfiable:
		if got.header.Get("X-Modferry-Verified") == "no" && !r.strict {
			return // other bytes, and fewer
		}
	}
	c.fault("%s: %s", f.path, got)
}
