package worklist

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSum(t *testing.T) {
	t.Parallel()
	const hash = "h1:ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="
	for _, c := range []struct{ name, data, want string }{
		{"an empty file has no lines", "", ""},
		{"zip and go.mod lines are told apart", "x.test v1.0.0 " + hash + "\nx.test v1.0.0/go.mod " + hash + "\n", "1 zip\n2 mod\n"},
		{"the last line needs no line break", "x.test v1.0.0 " + hash, "1 zip\n"},
		{"line breaks may be CRLF", "x.test v1.0.0 " + hash + "\r\n\r\nx.test v1.0.0/go.mod " + hash + "\r\n", "1 zip\n3 mod\n"},
		{"blanks may be any", "\t x.test\u00a0v1.0.0 \t" + hash + " \n", "1 zip\n"},
		{"an equal line again is nothing", "x.test v1.0.0 " + hash + "\nx.test v1.0.0 " + hash + "\n", "1 zip\n"},
		{"an unknown algorithm is no line", "x.test v1.0.0 h2:abc\nx.test v1.0.0 " + hash + "\n", "2 zip\n"},
		{"a hash without algorithm is no line", "x.test v1.0.0 abc\n", ""},
		{"the hash of an empty go.mod is no line", "x.test v1.0.0/go.mod " + emptyModHash + "\nx.test v1.0.0/go.mod " + hash + "\n", "2 mod\n"},
		{"equal signs of a hash are no merge marker", "========x.test v1.0.0 " + hash + "\n", "1 zip\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, err := parseSum("go.sum", []byte(c.data))
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, l := range f.lines {
				kind := "zip"
				if l.mod {
					kind = "mod"
				}
				fmt.Fprintf(&got, "%d %s\n", l.pos.Line, kind)
				if l.version != "v1.0.0" || l.hash != hash {
					t.Errorf("line %d: %+v", l.pos.Line, l)
				}
			}
			if diff := cmp.Diff(c.want, got.String()); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseSum(f *testing.F) {
	const hash = "h1:ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="
	for _, seed := range []string{
		"x.test v1.0.0 " + hash + "\nx.test v1.0.0/go.mod " + hash + "\r\n",
		"x.test v1.0.0 h1:a\nx.test v1.0.0 h1:b\n",
		"x.test v1.0.0\n",
		"<<<<<<< HEAD\n=======\n>>>>>>> x\n",
		"\x00 \x00 h1:\n\n /go.mod h1:x\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sum, err := parseSum("go.sum", data)
		if err != nil {
			checkInputError(t, err)
			return
		}
		all := strings.Split(string(data), "\n")
		for i, l := range sum.lines {
			version := l.version
			if l.mod {
				version += "/go.mod"
			}
			want := []string{l.path, version, l.hash}
			if diff := cmp.Diff(want, strings.Fields(all[l.pos.Line-1])); diff != "" {
				t.Errorf("line %d (-want +got):\n%s", l.pos.Line, diff)
			}
			if found, ok := sum.find(l.sumKey); !ok || found != sum.lines[i] {
				t.Errorf("line %d is not found by its key", l.pos.Line)
			}
		}
	})
}

// checkInputError holds what every error of this package promises: a place, a
// message that fits on a line of a terminal, no control characters.
func checkInputError(t *testing.T, err error) {
	t.Helper()
	var input *InputError
	if !errors.As(err, &input) {
		t.Fatalf("%T: %v", err, err)
	}
	text := err.Error()
	if input.File == "" || input.Found == "" || len(text) > 4096 {
		t.Errorf("%+v", input)
	}
	for _, r := range text {
		if r < ' ' || r == 0x7f {
			t.Errorf("control character in %q", text)
		}
	}
}
