package sums

import (
	"context"
	"strings"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/tlog"
)

// verifier looks hashes up in the database and proves that it says the same to
// everybody. sumdb.Client remembers all answers for good, errors too, so one that met
// any is replaced; the signed head and the tiles outlive it.
type verifier struct {
	ctx   context.Context // of who looks up: sumdb.Client knows none
	d     *Database
	heads *heads
	keys  []string // that the database may have signed with

	mu     sync.Mutex
	client *client
	asked  int // lookups of the client
	latest []byte
	forged string // a proof that the database misbehaves, in words; "" for none

	// pinned is the head that proves every record, in place of the one that came with
	// it; nil for none. seen is what was read for the proofs, by path; nil for nobody's
	// wanting to know.
	pinned []byte
	seen   map[string][]byte
}

// mostLookups bounds what a client remembers.
const mostLookups = 10_000

// lookup returns the hashes of a version. A *failure.Error of the class HashMismatch
// says that the database contradicts itself; every other one that it cannot be asked,
// or does not know the version.
func (c *verifier) lookup(v module.Version) (hashes, error) {
	at := c.current()
	var h hashes
	for _, of := range []struct {
		version string
		to      *string
	}{{v.Version, &h.zip}, {v.Version + "/go.mod", &h.mod}} {
		lines, err := at.Lookup(v.Path, of.version)
		if err != nil {
			return hashes{}, c.replace(at, err)
		}
		for _, line := range lines {
			if f := strings.Fields(line); len(f) == 3 && strings.HasPrefix(f[2], "h1:") {
				*of.to = f[2]
			}
		}
	}
	return h, nil
}

func (c *verifier) current() *client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == nil || c.asked == mostLookups {
		c.client, c.asked = &client{verifier: c}, 0
		c.client.Client = sumdb.NewClient(c.client)
	}
	c.asked++
	return c.client
}

// record is what the database says of a version, with a head that the client can
// verify.
func (c *verifier) record(path string, body []byte) ([]byte, error) {
	id, text, head, err := tlog.ParseRecord(body)
	if err != nil {
		return nil, err
	}
	if c.pinned != nil {
		head = c.pinned
	}
	own, err := c.heads.own(head)
	if err != nil {
		return nil, err
	}
	record, err := tlog.FormatRecord(id, text)
	if err != nil {
		return nil, err
	}
	c.note(path, append(record[:len(record):len(record)], head...))
	return append(record, own...), nil
}

func (c *verifier) note(path string, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen != nil {
		c.seen[path] = body
	}
}
