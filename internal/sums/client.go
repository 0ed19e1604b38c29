package sums

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"

	"github.com/modferry/modferry/internal/failure"
)

// verifier looks hashes up in the database and proves that it says the same to
// everybody. sumdb.Client remembers all answers for good, errors too, so one that met
// any is replaced; the signed head and the tiles outlive it.
type verifier struct {
	ctx context.Context // of the relay: sumdb.Client knows none
	d   *Database

	mu     sync.Mutex
	client *client
	asked  int // lookups of the client
	latest []byte
	forged string // a proof that the database misbehaves, in words; "" for none
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

// replace gives a client up after an error, and says what that means.
func (c *verifier) replace(at *client, err error) error {
	c.mu.Lock()
	if c.client == at {
		c.client = nil
	}
	forged := c.forged
	c.mu.Unlock()
	switch {
	case forged != "":
		return forgery(forged)
	case at.failedWith(err):
		return fmt.Errorf("ask %s: %w", c.d.Name(), err)
	}
	c.d.forget()
	return forgery(err.Error())
}

func forgery(text string) error {
	e := failure.New(failure.HashMismatch, "ask the checksum database", "", nil)
	e.Detail = failure.Plain(text)
	return e
}

// unknown reports whether an error of lookup is that the hash is not to be had.
func unknown(err error) bool {
	var fe *failure.Error
	return err != nil && (!errors.As(err, &fe) || fe.Class != failure.HashMismatch)
}

// client is one sumdb.Client, and what it works with.
type client struct {
	*sumdb.Client
	verifier *verifier

	mu     sync.Mutex
	failed []string // errors of its requests
}

// failedWith reports whether an error is that of a request: sumdb.Client keeps no more
// of it than the text.
func (c *client) failedWith(err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.failed, func(text string) bool { return strings.Contains(err.Error(), text) })
}

// ReadRemote asks the database.
func (c *client) ReadRemote(path string) ([]byte, error) {
	body, err := c.verifier.d.Read(c.verifier.ctx, path)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.failed = append(c.failed, err.Error())
	}
	return body, err
}

// ReadConfig returns the key, or the head that was signed last.
func (c *client) ReadConfig(file string) ([]byte, error) {
	if file == "key" {
		return []byte(c.verifier.d.s.SumDB.Key), nil
	}
	c.verifier.mu.Lock()
	defer c.verifier.mu.Unlock()
	return c.verifier.latest, nil
}

// WriteConfig replaces the head.
func (c *client) WriteConfig(_ string, old, head []byte) error {
	c.verifier.mu.Lock()
	defer c.verifier.mu.Unlock()
	if !bytes.Equal(c.verifier.latest, old) {
		return sumdb.ErrWriteConflict
	}
	c.verifier.latest = head
	return nil
}

// ReadCache has nothing: the database keeps what it read.
func (c *client) ReadCache(string) ([]byte, error) { return nil, fs.ErrNotExist }

// WriteCache keeps nothing, see ReadCache.
func (c *client) WriteCache(string, []byte) {}

// Log drops a message: the result says what matters.
func (c *client) Log(string) {}

// SecurityError notes the proof that the database misbehaves.
func (c *client) SecurityError(text string) {
	c.verifier.mu.Lock()
	defer c.verifier.mu.Unlock()
	c.verifier.forged = text
}
