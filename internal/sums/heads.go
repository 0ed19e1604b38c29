package sums

import (
	"crypto/rand"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// heads judges the heads that a database signs. While it changes its key, there are
// two that it may sign with, and sumdb.Client knows one: so each head that one of the
// keys vouches for is signed again, with a key that this process alone has.
type heads struct {
	known  note.Verifiers
	signer note.Signer
	key    string // of signer
	log    func(line string)

	mu     sync.Mutex
	by     map[uint32]bool // hashes of the keys that have signed
	newest int64           // the size of its tree
	signed []byte          // the newest head as the database has signed it
}

// newHeads knows the keys of one database. log is told which of several keys has
// signed; nil is nobody.
func newHeads(keys []string, log func(line string)) (*heads, error) {
	h := &heads{by: map[uint32]bool{}}
	var known []note.Verifier
	for _, key := range keys {
		v, err := note.NewVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("read a key of the checksum database: %w", err)
		}
		known = append(known, v)
	}
	if len(keys) > 1 {
		h.log = log
	}
	h.known = note.VerifierList(known...)
	secret, key, err := note.GenerateKey(rand.Reader, known[0].Name())
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	h.key = key
	h.signer, err = note.NewSigner(secret)
	return h, err
}

// own is the head with the signature of this process.
func (h *heads) own(signed []byte) ([]byte, error) {
	n, err := note.Open(signed, h.known)
	if err != nil {
		return nil, err
	}
	tree, err := tlog.ParseTree([]byte(n.Text))
	if err != nil {
		return nil, err
	}
	h.heard(tree, n.Sigs, signed)
	return note.Sign(&note.Note{Text: n.Text}, h.signer)
}

func (h *heads) heard(tree tlog.Tree, by []note.Signature, signed []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if tree.N >= h.newest {
		h.newest, h.signed = tree.N, signed
	}
	fresh := false
	var names []string
	for _, s := range by {
		fresh, h.by[s.Hash] = fresh || !h.by[s.Hash], true
		names = append(names, fmt.Sprintf("%s+%08x", s.Name, s.Hash))
	}
	if fresh && h.log != nil {
		h.log(fmt.Sprintf("checksum database: the head with %d records is signed by %s", tree.N, strings.Join(names, " and ")))
	}
}

// last is the newest head as the database has signed it; nil before the first.
func (h *heads) last() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.signed
}
