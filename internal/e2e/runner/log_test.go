//go:build linux

package runner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// command is a workflow command in a step's log.
type command struct {
	name       string // in lower case
	properties map[string]string
	data       string
}

// known are the commands that a runner acts on; what else looks like one is
// text.
var known = []string{
	"add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "internal-set-repo-path",
	"notice", "remove-matcher", "save-state", "set-env", "set-output", "stop-commands", "warning",
}

// parseLog reads one stream of a step's log as the runner does
// (ActionCommand.cs and ActionCommandManager.cs in actions/runner). What is left
// is the text without commands.
func parseLog(text string) (commands []command, rest string) {
	var left strings.Builder
	stopped := "" // the token that ends stop-commands
	for line := range strings.Lines(text) {
		c, ok := parseCommand(strings.TrimRight(line, "\r\n"))
		switch {
		case stopped != "":
			if strings.TrimSpace(line) == "::"+stopped+"::" {
				stopped = ""
			}
			left.WriteString(line)
		case !ok:
			left.WriteString(line)
		case c.name == "stop-commands":
			stopped = c.data
		default:
			commands = append(commands, c)
		}
	}
	return commands, left.String()
}

// parseCommand reads a line: ::name k=v,k=v::data at its beginning, or the
// older ##[name k=v;k=v]data anywhere in it.
func parseCommand(line string) (command, bool) {
	if after, ok := strings.CutPrefix(strings.TrimLeft(line, " \t\r\n\v\f"), "::"); ok {
		if info, data, ok := strings.Cut(after, "::"); ok {
			if c, ok := newCommand(info, ",", unescape(false)); ok {
				c.data = unescape(false).Replace(data)
				return c, true
			}
		}
	}
	if _, after, ok := strings.Cut(line, "##["); ok {
		if info, data, ok := strings.Cut(after, "]"); ok {
			if c, ok := newCommand(info, ";", unescape(true)); ok {
				c.data = unescape(true).Replace(data)
				return c, true
			}
		}
	}
	return command{}, false
}

func newCommand(info, separator string, unescape *strings.Replacer) (command, bool) {
	name, properties, _ := strings.Cut(info, " ")
	c := command{name: strings.ToLower(name), properties: map[string]string{}}
	for p := range strings.SplitSeq(properties, separator) {
		if k, v, ok := strings.Cut(strings.TrimSpace(p), "="); ok && v != "" {
			c.properties[strings.ToLower(k)] = unescape.Replace(v)
		}
	}
	return c, slices.Contains(known, c.name)
}

// unescape undoes the escapes of either form. Those of properties and of data
// are undone alike, which only finds more.
func unescape(old bool) *strings.Replacer {
	if old {
		return strings.NewReplacer("%3B", ";", "%0D", "\r", "%0A", "\n", "%5D", "]", "%25", "%")
	}
	return strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
}

// String shows a command in messages.
func (c command) String() string { return fmt.Sprintf("::%s %v::%s", c.name, c.properties, c.data) }

func TestWorkflowCommandsAreFoundAsTheRunnerFindsThem(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, log, want, rest string }{
		{"an error", "::error file=go.mod,line=3,title=a%2Cb::c%25d\n", "::error map[file:go.mod line:3 title:a,b]::c%d", ""},
		{"after blanks, whatever the case", "  ::Group::x\n", "::group map[]::x", ""},
		{"not within a line", "x ::error::y\n", "", "x ::error::y\n"},
		{"the older form within a line", "x ##[error file=a;line=1]y\n", "::error map[file:a line:1]::y", ""},
		{"unknown names are text", "::hello::\n##[section]x\n", "", "::hello::\n##[section]x\n"},
		{"not while commands are stopped", "::stop-commands::tok\n::error::x\n::tok::\n::error::y\n", "::error map[]::y", "::error::x\n::tok::\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			commands, rest := parseLog(tt.log)
			var got []string
			for _, c := range commands {
				got = append(got, c.String())
			}
			if s := strings.Join(got, "\n"); s != tt.want || rest != tt.rest {
				t.Errorf("got %s and %q, expected %s and %q", s, rest, tt.want, tt.rest)
			}
		})
	}
}
