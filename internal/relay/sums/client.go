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
// everybody. sumdb.Client remembers errors for good, so one that met any is
// replaced; the signed head and the tiles outlive it.
type verifier struct {
	ctx context.Context // of the relay: sumdb.Client knows none
	d   *Database

	mu     sync.Mutex
	client *sumdb.Client
	latest []byte
	failed []string // errors of requests since the client was made
	forged string   // a proof that the database misbehaves, in words; "" for none
}

// lookup returns the hashes of a version. A *failure.Error of the class HashMismatch
// says that the database contradicts itself; every other one that it cannot be asked,
// or does not know the version.
func (c *verifier) lookup(v module.Version) (hashes, error) {
	c.mu.Lock()
	if c.client == nil {
		c.client, c.failed = sumdb.NewClient(c), nil
	}
	client := c.client
	c.mu.Unlock()
	var h hashes
	for _, of := range []struct {
		version string
		to      *string
	}{{v.Version, &h.zip}, {v.Version + "/go.mod", &h.mod}} {
		lines, err := client.Lookup(v.Path, of.version)
		if err != nil {
			return hashes{}, c.replace(client, err)
		}
		for _, line := range lines {
			if f := strings.Fields(line); len(f) == 3 && strings.HasPrefix(f[2], "h1:") {
				*of.to = f[2]
			}
		}
	}
	return h, nil
}

// replace gives a client up after an error, and says what that means.
func (c *verifier) replace(client *sumdb.Client, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == client {
		c.client = nil
	}
	asked := slices.ContainsFunc(c.failed, func(text string) bool { return strings.Contains(err.Error(), text) })
	switch {
	case c.forged != "":
		return forgery(c.forged)
	case asked:
		return fmt.Errorf("ask %s: %w", c.d.Name(), err)
	}
	return forgery(err.Error())
}

func forgery(text string) error {
	e := failure.New(failure.HashMismatch, "ask the checksum database", "", nil)
	e.Detail = failure.Plain(text)
	return e
}

// ReadRemote, ReadConfig, WriteConfig, ReadCache, WriteCache, Log and SecurityError
// are what sumdb.Client works with.
func (c *verifier) ReadRemote(path string) ([]byte, error) {
	body, err := c.d.Read(c.ctx, path)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.failed = append(c.failed, err.Error())
	}
	return body, err
}

func (c *verifier) ReadConfig(file string) ([]byte, error) {
	if file == "key" {
		return []byte(c.d.s.SumDB.Key), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.latest, nil
}

func (c *verifier) WriteConfig(_ string, old, head []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !bytes.Equal(c.latest, old) {
		return sumdb.ErrWriteConflict
	}
	c.latest = head
	return nil
}

func (c *verifier) ReadCache(string) ([]byte, error) { return nil, fs.ErrNotExist }

func (c *verifier) WriteCache(string, []byte) {} // the database keeps what it read

func (c *verifier) Log(string) {}

func (c *verifier) SecurityError(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forged = text
}

// unknown reports whether an error of lookup is that the hash is not to be had.
func unknown(err error) bool {
	var fe *failure.Error
	return err != nil && (!errors.As(err, &fe) || fe.Class != failure.HashMismatch)
}
