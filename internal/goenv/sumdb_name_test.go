package goenv_test

import (
	"crypto/rand"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/modferry/modferry/internal/goenv"
)

// The name in a verifier key becomes a part of URLs: of the database's own, and
// of what mirrors are asked for.
func TestNamesOfDatabasesAreJudgedAsByTheGoCommand(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{
		"sum.example.test":        true,
		"sum.example.test:8443":   true,
		"sum.example.test/db":     true,
		"sum.example.test/":       false,
		"sum.example.test/db/":    false,
		"/db":                     false,
		"ann@sum.example.test":    false,
		"ann:pw@sum.example.test": false,
		"sum.example.test?x=y":    false,
		"sum.example.test#x":      false,
		"sum.example.test/a%2fb":  false,
		"sum.example.test/%zz":    false,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, key, err := note.GenerateKey(rand.Reader, name)
			if err != nil {
				t.Fatal(err)
			}
			db, err := goenv.ParseSumDB(key)
			if !good {
				if _, ok := errors.AsType[*goenv.SyntaxError](err); !ok {
					t.Errorf("%+v, %v; want a *SyntaxError", db, err)
				}
				return
			}
			if err != nil || db.Name != name || db.Key != key || db.URL != "https://"+name || db.BypassMirrors {
				t.Errorf("%+v, %v; want %s at its own address", db, err, name)
			}
		})
	}
}

func TestURLsOfDatabasesAreJudgedAsByTheGoCommand(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://sum.example.test/":     "https://sum.example.test",
		"http://sum.example.test:8080":  "http://sum.example.test:8080",
		"sum.example.test/db":           "https://sum.example.test/db",
		"file:///srv/sumdb":             "file:///srv/sumdb",
		"https://sum.example.test/a#b":  "https://sum.example.test/a",
		"https:///db":                   "",
		"https://":                      "",
		"ftp://sum.example.test":        "",
		"https://sum.example.test:port": "",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			db, err := goenv.ParseSumDB(goenv.DefaultSumDB + " " + text)
			if want == "" {
				if err == nil {
					t.Errorf("%s was accepted: %+v", text, db)
				}
				return
			}
			if err != nil || db.URL != want || !db.BypassMirrors {
				t.Errorf("%+v, %v; want %s, past the mirrors", db, err, want)
			}
		})
	}
}
