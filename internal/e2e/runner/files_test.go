//go:build linux

package runner

import (
	"fmt"
	"strings"
	"testing"
)

// pair is an entry of a command file.
type pair struct{ name, value string }

// parseFile reads a file of GITHUB_ENV, GITHUB_OUTPUT or GITHUB_STATE as the
// runner does (FileCommandManager.cs in actions/runner): entries name=value or
// name<<DELIMITER, and whichever of the two signs comes first decides.
func parseFile(text string) ([]pair, error) {
	var pairs []pair
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		equals, here := strings.Index(line, "="), strings.Index(line, "<<")
		switch {
		case line == "":
		case equals >= 0 && (here < 0 || equals < here):
			if equals == 0 {
				return nil, fmt.Errorf("line %q: the name is empty", line)
			}
			pairs = append(pairs, pair{line[:equals], line[equals+1:]})
		case here >= 0:
			name, delimiter := line[:here], line[here+2:]
			if name == "" || delimiter == "" {
				return nil, fmt.Errorf("line %q: name or delimiter is empty", line)
			}
			var value []string
			for {
				if text == "" {
					return nil, fmt.Errorf("entry %s: its delimiter %q does not come", name, delimiter)
				}
				line, rest, found := strings.Cut(text, "\n")
				text = rest
				if line == delimiter {
					break
				}
				if !found {
					return nil, fmt.Errorf("entry %s: its delimiter %q does not come", name, delimiter)
				}
				value = append(value, line)
			}
			pairs = append(pairs, pair{name, strings.Join(value, "\n")})
		default:
			return nil, fmt.Errorf("line %q: neither name=value nor name<<DELIMITER", line)
		}
	}
	return pairs, nil
}

func TestCommandFilesAreReadAsTheRunnerDoes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       string // the pairs as %q, or what the error says
	}{
		{"nothing", "", "[]"},
		{"a line", "A=b=c\n", `[{"A" "b=c"}]`},
		{"no line feed at the end", "A=b", `[{"A" "b"}]`},
		{"an equals sign first", "A=b<<c\n", `[{"A" "b<<c"}]`},
		{"several lines", "A<<=E\nb\n\nc=d\n=E\nF=\n", `[{"A" "b\n\nc=d"} {"F" ""}]`},
		{"an empty value", "A<<E\nE\n", `[{"A" ""}]`},
		{"a delimiter without line feed", "A<<E\nb\nE", `[{"A" "b"}]`},
		{"no delimiter", "A<<E\nb\n", "does not come"},
		{"no name", "=b\n", "name is empty"},
		{"no entry", "A\n", "neither"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pairs, err := parseFile(tt.text)
			if got := fmt.Sprintf("%q", pairs); err == nil && got != tt.want {
				t.Errorf("got %s, expected %s", got, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, expected %s", err, tt.want)
			}
		})
	}
}
