package goenv

import (
	"errors"
	"net/url"
	"strings"

	"github.com/modferry/modferry/internal/finding"
)

func (c *checker) sumDB() {
	value := c.env.Get("GOSUMDB")
	db, err := ParseSumDB(value)
	var bad *SyntaxError
	switch {
	case errors.As(err, &bad):
		c.addError(bad, "")
		return
	case db.Off:
		c.sumDBOff()
		return
	case !db.BypassMirrors:
		return
	}
	u, err := url.Parse(db.URL)
	if err != nil {
		return
	}
	name := db.Key
	if name == defaultSumDBKey {
		name = DefaultSumDB
	}
	bare := *u
	bare.User = nil
	switch {
	case u.User != nil && u.Scheme == "http":
		bare.Scheme = "https"
		c.addValue("gosumdb-http-credentials", finding.Error, "GOSUMDB", value,
			`The go command sends no credentials over plain http: every lookup fails with "refusing to pass credentials to insecure URL".`,
			name+" "+bare.String(), "")
	case u.User != nil:
		c.addValue("gosumdb-credentials", finding.Warning, "GOSUMDB", value, credentialsEffect(u), name+" "+bare.String(), "")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		bare.Scheme = "https"
		c.addValue("gosumdb-http", finding.Info, "GOSUMDB", value,
			"Lookups are unencrypted: anyone on the network path sees the module names; the answers are signed and cannot be forged.",
			name+" "+bare.String(), "")
	}
	if strings.Contains(value, " ") { // not the alias, whose purpose this is
		c.add("gosumdb-bypasses-mirrors", finding.Info, "GOSUMDB", value,
			"With a URL in GOSUMDB the go command asks that server for every hash that go.sum lacks, never a mirror; with the name alone, mirrors can answer.", name+", where mirrors should answer")
	}
}

// sumDBOff is about GOSUMDB=off. What to write is never off.
func (c *checker) sumDBOff() {
	effect := "The go command verifies against go.sum only: a module without a go.sum line is accepted unverified; GOPRIVATE exempts only private modules."
	if c.env.Get("GOTOOLCHAIN") != "local" {
		effect += ` A download of a newer toolchain fails with "checksum database disabled by GOSUMDB=off".`
	}
	c.add("gosumdb-off", finding.Warning, "GOSUMDB", keywordOff, effect, DefaultSumDB)
}
