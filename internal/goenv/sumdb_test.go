package goenv

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// testKey is a verifier key for a database that nobody runs.
func testKey(t testing.TB, name string) string {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	key, err := note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestGOSUMDBIsReadAsByTheGoCommand(t *testing.T) {
	t.Parallel()
	key := testKey(t, "db.test/x")
	for _, test := range []struct {
		name, value string
		want        SumDB
	}{
		{"off", "off", SumDB{Off: true}},
		{"the known name stands for its key", DefaultSumDB, SumDB{Name: DefaultSumDB, Key: defaultSumDBKey, URL: "https://" + DefaultSumDB}},
		{"the alias is the same database at another URL", DefaultSumDBAlias, SumDB{Name: DefaultSumDB, Key: defaultSumDBKey, URL: "https://" + DefaultSumDBAlias, BypassMirrors: true}},
		{"a verifier key names its database", key, SumDB{Name: "db.test/x", Key: key, URL: "https://db.test/x"}},
		{"blanks around the fields do not matter", "  " + key + "\t https://u.test/y/ \r", SumDB{Name: "db.test/x", Key: key, URL: "https://u.test/y", BypassMirrors: true}},
		{"the URL needs no scheme", DefaultSumDB + " u.test/y", SumDB{Name: DefaultSumDB, Key: defaultSumDBKey, URL: "https://u.test/y", BypassMirrors: true}},
		{"the URL may be plain http", DefaultSumDB + " http://127.0.0.1:80", SumDB{Name: DefaultSumDB, Key: defaultSumDBKey, URL: "http://127.0.0.1:80", BypassMirrors: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseSumDB(test.value)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("ParseSumDB(%q) = %+v, want %+v", test.value, got, test.want)
			}
		})
	}
}

func TestDatabasesThatTheGoCommandRefusesAreErrors(t *testing.T) {
	t.Parallel()
	key := testKey(t, "db.test")
	const published = "NAME+HASH+KEY, the verifier key that the database's operator publishes, optionally followed by its URL"
	for _, test := range []struct {
		name, value, check, fix string
	}{
		{"an empty value", "", "gosumdb-empty", DefaultSumDB},
		{"a blank value", " ", "gosumdb-empty", DefaultSumDB},
		{"three fields", key + " https://u.test x", "gosumdb-fields", key + " https://u.test"},
		{"off in upper case", "OFF", "gosumdb-key", "off"},
		{"off after a blank", " off", "gosumdb-key", "off"},
		{"a URL in place of the name", "https://" + DefaultSumDB + "/", "gosumdb-key", DefaultSumDB},
		{"a misspelt name", strings.Replace(DefaultSumDB, "sum", "sun", 1), "gosumdb-key", DefaultSumDB},
		{"the alias with a URL", DefaultSumDBAlias + " https://u.test", "gosumdb-key", DefaultSumDB + " https://u.test"},
		{"an unknown host without key", "db.test", "gosumdb-key", published},
		{"a key with a wrong hash", strings.Replace(key, "+", "+0", 1), "gosumdb-key", published},
		{"a name that is no host", testKey(t, "db.test?x"), "gosumdb-name", "the key as its operator publishes it, NAME+HASH+KEY"},
		{"a URL that reads as a scheme", key + " u.test:8080", "gosumdb-url", key + " https://u.test:8080"},
		{"a URL with another scheme", key + " ftp://u.test", "gosumdb-url", key + " https://u.test"},
		{"a URL without host", DefaultSumDB + " https://", "gosumdb-url", published},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseSumDB(test.value)
			var bad *SyntaxError
			if !errors.As(err, &bad) {
				t.Fatalf("ParseSumDB(%q) gave %v, want a *SyntaxError", test.value, err)
			}
			if bad.Setting != "GOSUMDB" || bad.Check != test.check || bad.Fix != test.fix {
				t.Errorf("ParseSumDB(%q) gave %s %s, fix %q; want check %s, fix %q", test.value, bad.Setting, bad.Check, bad.Fix, test.check, test.fix)
			}
		})
	}
}

func FuzzParseSumDB(f *testing.F) {
	key := testKey(f, "db.test")
	for _, value := range []string{"off", " off", DefaultSumDB, DefaultSumDBAlias, key, key + " u.test", key + " http://u:p@u.test/x", key + " a b", key + " :", "db+1+2"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		db, err := ParseSumDB(value)
		if err != nil {
			var bad *SyntaxError
			if !errors.As(err, &bad) || bad.Problem == "" || bad.Fix == "" || bad.Check == "" {
				t.Fatalf("ParseSumDB(%q): incomplete error %#v", value, err)
			}
			return
		}
		if db.Off {
			if db != (SumDB{Off: true}) {
				t.Fatalf("ParseSumDB(%q) = %+v, off with other fields", value, db)
			}
			return
		}
		if db.Name == "" || db.URL == "" || strings.HasSuffix(db.URL, "/") && !strings.HasPrefix(db.URL, "file:") {
			t.Fatalf("ParseSumDB(%q) = %+v", value, db)
		}
		if _, err := note.NewVerifier(db.Key); err != nil {
			t.Fatalf("ParseSumDB(%q): key %q: %v", value, db.Key, err)
		}
	})
}
