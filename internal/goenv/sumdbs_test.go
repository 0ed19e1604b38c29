package goenv

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func TestParseSumDBs(t *testing.T) {
	t.Parallel()
	key := func(name string) string {
		_, v, err := note.GenerateKey(nil, name)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	one, two, other := key("sum.corp.test"), key("sum.corp.test"), key("sum.other.test")
	for _, test := range []struct {
		name, value string
		want        []AddedSumDB
		problem     string // "" for none
	}{
		{"nothing", " ; ", nil, ""},
		{"a key", one, []AddedSumDB{{SumDB{Name: "sum.corp.test", Key: one, URL: "https://sum.corp.test"}, "", []string{one}}}, ""},
		{"patterns, two keys and a URL", "corp.test/*,*.corp.test " + one + " " + two + " https://h.test/x", []AddedSumDB{{
			SumDB{Name: "sum.corp.test", Key: one, URL: "https://h.test/x", BypassMirrors: true}, "corp.test/*,*.corp.test", []string{one, two}}}, ""},
		{"two entries", one + "; a.test " + other, []AddedSumDB{
			{SumDB{Name: "sum.corp.test", Key: one, URL: "https://sum.corp.test"}, "", []string{one}},
			{SumDB{Name: "sum.other.test", Key: other, URL: "https://sum.other.test"}, "a.test", []string{other}}}, ""},
		{"no key", "corp.test", nil, "no key"},
		{"a cut key", "corp.test " + one[:len(one)-2], nil, "no key"},
		{"keys of two databases", one + " " + other, nil, "two databases"},
		{"two URLs", one + " https://a.test https://b.test", nil, "is no key"},
		{"a URL first", "https://a.test " + one, nil, "neither a key nor patterns"},
		{"off", "off", nil, "no key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseSumDBs(test.value)
			if test.problem != "" {
				if err == nil || !strings.Contains(err.Error(), test.problem) || !strings.Contains(err.Error(), "write ") {
					t.Errorf("%v, want %q and what to write", err, test.problem)
				}
				return
			}
			if err != nil || !slices.EqualFunc(got, test.want, func(a, b AddedSumDB) bool {
				return a.SumDB == b.SumDB && a.Patterns == b.Patterns && slices.Equal(a.Keys, b.Keys)
			}) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}
