package sums

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb"

	"github.com/modferry/modferry/internal/failure"
)

// client is one sumdb.Client, and what it works with.
type client struct {
	*sumdb.Client
	verifier *verifier

	mu     sync.Mutex
	failed []error // of its requests
}

// cause is the failed request that an error comes from, nil for none: sumdb.Client keeps
// no more of it than the text.
func (c *client) cause(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.failed {
		if strings.Contains(err.Error(), f.Error()) {
			return f
		}
	}
	return nil
}

// ReadRemote asks the database.
func (c *client) ReadRemote(path string) ([]byte, error) {
	body, err := c.verifier.d.Read(c.verifier.ctx, path)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.failed = append(c.failed, err)
		return nil, err
	}
	if !strings.HasPrefix(path, "/lookup/") {
		c.verifier.note(path, body)
		return body, nil
	}
	return c.verifier.record(path, body)
}

// ReadConfig returns the key that heads are signed with here, or the head that was
// merged last.
func (c *client) ReadConfig(file string) ([]byte, error) {
	if file == "key" {
		return []byte(c.verifier.heads.key), nil
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

// replace gives a client up after an error, and says what that means.
func (c *verifier) replace(at *client, err error) error {
	c.mu.Lock()
	if c.client == at {
		c.client = nil
	}
	forged := c.forged
	c.mu.Unlock()
	if forged != "" {
		return forgery(forged)
	}
	if cause := at.cause(err); cause != nil {
		return fmt.Errorf("ask the checksum database %s: %w", c.d.Name(), cause)
	}
	c.d.forget()
	return forgery(err.Error())
}
