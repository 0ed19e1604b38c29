package goenv

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/note"
)

// AddedSumDB is a checksum database beside that of GOSUMDB, of which the go command
// knows only one, or a database with the keys that are valid while they change.
type AddedSumDB struct {
	SumDB           // Key is the first of Keys
	Patterns string // of the modules that it answers for, as in GOPRIVATE; "" for none
	Keys     []string
}

// ParseSumDBs reads entries like that of GOSUMDB, separated by semicolons:
//
//	[PATTERNS] KEY… [URL]
//
// PATTERNS are as in GOPRIVATE. All keys of an entry have the same name. The error
// says what to write instead.
func ParseSumDBs(value string) ([]AddedSumDB, error) {
	var all []AddedSumDB
	for entry := range strings.SplitSeq(value, ";") {
		fields := strings.Fields(entry)
		if len(fields) == 0 {
			continue
		}
		db, err := parseAdded(fields)
		if err != nil {
			return nil, fmt.Errorf("found %q: %w; write [PATTERNS] KEY... [URL], where a key is NAME+HASH+KEY as the database's operator publishes it", strings.Join(fields, " "), err)
		}
		all = append(all, db)
	}
	return all, nil
}

func parseAdded(fields []string) (AddedSumDB, error) {
	var db AddedSumDB
	if !isKey(fields[0]) {
		if db.Patterns = fields[0]; !validPatterns(db.Patterns) {
			return db, fmt.Errorf("%q is neither a key nor patterns of modules", fields[0])
		}
		fields = fields[1:]
	}
	n := slices.IndexFunc(fields, func(f string) bool { return !isKey(f) })
	if n < 0 {
		n = len(fields)
	}
	if n == 0 {
		return db, fmt.Errorf("it has no key")
	}
	if len(fields) > n+1 {
		return db, fmt.Errorf("%q is no key", fields[n])
	}
	of, err := ParseSumDB(strings.Join(slices.Concat(fields[:1], fields[n:]), " "))
	if err != nil {
		return db, err
	}
	db.SumDB, db.Keys = of, []string{of.Key}
	for _, key := range fields[1:n] {
		also, err := ParseSumDB(key)
		if err != nil {
			return db, err
		}
		if also.Name != of.Name {
			return db, fmt.Errorf("its keys are those of %s and of %s, which are two databases", of.Name, also.Name)
		}
		db.Keys = append(db.Keys, also.Key)
	}
	return db, nil
}

func isKey(field string) bool {
	if field == DefaultSumDB {
		return true
	}
	_, err := note.NewVerifier(field)
	return err == nil
}

// validPatterns reports whether each pattern of a list can match the path of a module.
func validPatterns(list string) bool {
	for p := range strings.SplitSeq(list, ",") {
		if p == "" || module.CheckImportPath(strings.NewReplacer("*", "x", "?", "x", "[", "x", "]", "x").Replace(strings.TrimSuffix(p, "/"))) != nil {
			return false
		}
	}
	return true
}
