package relay_test

import (
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
)

// certificate is that of a server, for who is to trust it.
func certificate(s *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

// nothing is a log of handshakes that are meant to fail.
func nothing() *log.Logger { return log.New(io.Discard, "", 0) }
