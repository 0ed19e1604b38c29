package worklist

import (
	"fmt"
	"strings"
)

// goflags is what GOFLAGS says about the main module.
type goflags struct {
	mod     string // value of -mod
	modSet  bool   // -mod is given, if only as "-mod="
	modfile string // value of -modfile; "" when not given
}

// parseGOFLAGS reads GOFLAGS as the go command does: fields separated by
// blanks, each possibly in quotes without escapes, each a flag with its value
// (cmd/internal/quoted: Split; cmd/go base/goflags.go: InitGOFLAGS). The last
// one of several wins. Other flags than -mod and -modfile are not looked at.
func parseGOFLAGS(value string) (goflags, error) {
	var g goflags
	fields, err := splitQuoted(value)
	if err != nil {
		return g, err
	}
	for _, field := range fields {
		name, ok := strings.CutPrefix(field, "-")
		if !ok || name == "" {
			return g, &InputError{
				File:  "GOFLAGS",
				Found: quote(field), Expected: "flags only, with their values as -flag=value",
				Remedy: "write `-mod=mod`, not `-mod mod`",
			}
		}
		name, value, hasValue := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		switch name {
		case "mod":
			g.mod, g.modSet = value, true
		case "modfile":
			g.modfile = value
		default:
			continue
		}
		if !hasValue {
			return g, &InputError{
				File:  "GOFLAGS",
				Found: quote(field) + " without a value", Expected: fmt.Sprintf("-%s=value", name),
				Remedy: "add the value or remove the flag",
			}
		}
	}
	switch g.mod {
	case "", "readonly", "vendor", "mod":
	default: // cmd/go work/init.go: buildModeInit
		return g, &InputError{
			File:  "GOFLAGS",
			Found: quote("-mod=" + g.mod), Expected: "-mod=readonly, -mod=vendor or -mod=mod",
			Remedy: "correct GOFLAGS",
		}
	}
	if g.modfile != "" && !strings.HasSuffix(g.modfile, ".mod") {
		return g, &InputError{
			File:  "GOFLAGS",
			Found: quote("-modfile=" + g.modfile), Expected: "a file name that ends in .mod",
			Remedy: "rename the file or correct GOFLAGS",
		}
	}
	return g, nil
}

// splitQuoted splits s at blanks, with '…' and "…" around whole fields.
func splitQuoted(s string) ([]string, error) {
	const blanks = " \t\r\n"
	var fields []string
	for {
		s = strings.TrimLeft(s, blanks)
		if s == "" {
			return fields, nil
		}
		if s[0] == '\'' || s[0] == '"' {
			field, rest, ok := strings.Cut(s[1:], s[:1])
			if !ok {
				return nil, &InputError{
					File:  "GOFLAGS",
					Found: "an unterminated string", Expected: "a closing " + s[:1],
					Remedy: "close the quotation",
				}
			}
			fields, s = append(fields, field), rest
			continue
		}
		end := strings.IndexAny(s, blanks)
		if end < 0 {
			end = len(s)
		}
		fields, s = append(fields, s[:end]), s[end:]
	}
}
