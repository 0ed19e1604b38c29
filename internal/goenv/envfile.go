package goenv

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/settings"
)

// envLine is one assignment of a go env file.
type envLine struct {
	key, value string
	number     int // 1-based
}

// skippedLine is a line that the go command ignores though it says something.
type skippedLine struct {
	text   string
	number int
	why    string // a clause
}

// parseEnvFile reads a go env file as cmd/go/internal/cfg: readEnvFile does:
// KEY=value lines whose key starts with A–Z in the first column; everything
// else is ignored without a word. Values are taken as they stand, blanks and
// carriage returns included. Of equal keys the last counts; all are returned.
func parseEnvFile(data []byte) (lines []envLine, skipped []skippedLine) {
	number := 0
	for len(data) > 0 {
		number++
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		key, value, found := strings.Cut(string(line), "=")
		if found && key != "" && key[0] >= 'A' && key[0] <= 'Z' {
			lines = append(lines, envLine{key, value, number})
			continue
		}
		if text := strings.TrimSpace(string(line)); text != "" && text[0] != '#' {
			skipped = append(skipped, skippedLine{text, number, whySkipped(string(line))})
		}
	}
	return lines, skipped
}

func whySkipped(line string) string {
	switch trimmed := strings.TrimLeft(line, " \t"); {
	case strings.HasPrefix(line, "\ufeff"):
		return "the file starts with a byte order mark"
	case !strings.Contains(line, "="):
		return "it has no ="
	case strings.HasPrefix(trimmed, "export "), strings.HasPrefix(trimmed, "set "):
		return "the file is not a shell script"
	case trimmed != line:
		return "it starts with a space or tab"
	default:
		return "its name does not start with an upper-case letter"
	}
}

func correctedLine(text string) string {
	text = strings.TrimPrefix(text, "\ufeff")
	for _, prefix := range []string{"export ", "set ", "$env:"} {
		text = strings.TrimPrefix(text, prefix)
	}
	key, value, found := strings.Cut(text, "=")
	if !found {
		return "KEY=value"
	}
	return strings.ToUpper(strings.TrimSpace(key)) + "=" + unquote(strings.TrimSpace(value))
}

// onlyEnvironment are names that an env file cannot set, however often it is
// tried (cmd/go envcmd: checkEnvWrite; the others are not the go command's).
func onlyEnvironment(key string) bool {
	switch key {
	case "GOENV", "GODEBUG", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
		"NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_TERMINAL_PROMPT":
		return true
	}
	return false
}

// envFile is the user env file: GOENV, else go/env in the user's configuration
// directory.
type envFile struct {
	path       string // "off" when GOENV says so, "" when there is no such directory
	origin     string // where the path comes from
	unreadable bool   // GOENV names it, but it cannot be read
	lines      []envLine
	skipped    []skippedLine
	crlf       bool
}

// userEnvFile finds and reads the user env file (cmd/go internal/cfg:
// EnvFile). A missing file is an empty one.
func (h Host) userEnvFile() *envFile {
	f := &envFile{path: h.getenv("GOENV"), origin: sourceEnvironment}
	if f.path == "" {
		f.origin = sourceBuiltin
		if dir := h.userConfigDir(); dir != "" {
			f.path = filepath.Join(dir, "go", "env")
		}
	}
	if f.path == "" || f.path == keywordOff {
		return f
	}
	data, err := h.readFile(f.path)
	if err != nil {
		f.unreadable = f.origin == sourceEnvironment
		return f
	}
	f.lines, f.skipped = parseEnvFile(data)
	f.crlf = bytes.Contains(data, []byte("\r\n"))
	return f
}

func (f *envFile) source() string { return "user env file " + f.path }

func (f *envFile) lookup(key string) (value string, found bool) {
	for i := len(f.lines) - 1; i >= 0; i-- {
		if f.lines[i].key == key {
			return f.lines[i].value, true
		}
	}
	return "", false
}

// findings names what the go command silently makes of the file. getenv tells
// which of its values the environment hides.
func (f *envFile) findings(getenv func(string) string) []finding.Finding {
	var all []finding.Finding
	add := func(check string, severity finding.Severity, line int, setting, found, effect, fix string) {
		all = append(all, finding.Finding{
			Check: check, Severity: severity, Setting: setting, Found: settings.Redact(found),
			Source: f.source(), Line: line, Effect: effect, Fix: pasteable(fix),
		})
	}
	if f.unreadable {
		add("env-file-unreadable", finding.Warning, 0, "GOENV", f.path,
			"The go command cannot read this file and silently continues without it.",
			"the path of an existing file, or GOENV=off")
	}
	for _, s := range f.skipped {
		add("env-file-ignored-line", finding.Warning, s.number, "GOENV", s.text,
			fmt.Sprintf("The go command silently ignores this line, because %s.", s.why), correctedLine(s.text))
	}
	if f.crlf {
		add("env-file-carriage-return", finding.Warning, 1, "GOENV", "",
			"Lines end in CR LF, and the go command keeps the carriage return as part of each value: the last pattern of a list then matches nothing and off is no longer off.",
			"the same file with LF line endings")
	}
	seen := map[string]int{}
	for _, l := range f.lines {
		trimmed := strings.TrimSpace(l.key)
		value := strings.TrimSuffix(l.value, "\r")
		switch {
		case trimmed != l.key:
			add("env-file-ignored-line", finding.Warning, l.number, "GOENV", l.key+"="+value,
				"The go command stores the value under a name that ends in a space, and never reads it.",
				trimmed+"="+strings.TrimSpace(value))
			continue
		case onlyEnvironment(l.key):
			add("env-file-unsupported", finding.Warning, l.number, l.key, l.key+"="+value,
				"The go command reads this variable from the environment only; the line has no effect.",
				fmt.Sprintf("set %s in the environment", l.key))
			continue
		case !slices.Contains(names, l.key):
			continue
		}
		if first, twice := seen[l.key]; twice {
			add("env-file-duplicate", finding.Info, l.number, l.key, l.key+"="+value,
				fmt.Sprintf("The go command uses this line and not line %d, which sets the same variable.", first),
				fmt.Sprintf("remove line %d", first))
		}
		seen[l.key] = l.number
		if l.key != "GOFLAGS" && unquote(value) != value { // quotes mean something in GOFLAGS
			add("env-file-quotes", finding.Warning, l.number, l.key, l.key+"="+value,
				"The go command keeps the quotes as part of the value.", l.key+"="+unquote(value))
		}
		if unexpanded.MatchString(value) {
			add("env-file-unexpanded", finding.Warning, l.number, l.key, l.key+"="+value,
				"The go command does not expand variables in this file; the value is used literally.",
				"the expanded value")
		}
		if value == "" && (l.key == "GOPROXY" || l.key == "GOSUMDB") && getenv(l.key) == "" {
			fails := "every download fails"
			if l.key == "GOSUMDB" {
				fails = `every download that go.sum has no line for fails with "missing GOSUMDB"`
			}
			add("env-file-empty", finding.Error, l.number, l.key, l.key+"=",
				fmt.Sprintf("The empty value hides the default of GOROOT's go.env, so %s is empty and %s.", l.key, fails),
				fmt.Sprintf("remove the line: go env -u %s", l.key))
		}
		if set := getenv(l.key); set != "" && set != value {
			add("env-file-overridden", finding.Info, l.number, l.key, l.key+"="+value,
				"The environment sets another value, and the go command uses that one.",
				fmt.Sprintf("unset %s in the environment, or go env -u %s", l.key, l.key))
		}
	}
	return all
}
