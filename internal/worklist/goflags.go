package worklist

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/modferry/modferry/internal/goenv"
)

// goflags is what GOFLAGS says about the main module.
type goflags struct {
	mod     string // value of -mod
	modSet  bool   // -mod is given, if only as "-mod="
	modfile string // value of -modfile; "" when not given
	tags    []string
}

// parseGOFLAGS reads GOFLAGS as the go command does: fields separated by
// blanks, each possibly in quotes without escapes, each a flag with its value
// (cmd/internal/quoted: Split; cmd/go base/goflags.go: InitGOFLAGS). The last
// one of several wins. Other flags than -mod, -modfile and -tags are not looked
// at.
func parseGOFLAGS(value string) (goflags, error) {
	var g goflags
	fields, ok := goenv.SplitFlags(value)
	if !ok {
		return g, &InputError{
			File:  "GOFLAGS",
			Found: "an unterminated string", Expected: "a closing quotation mark",
			Remedy: "close the quotation",
		}
	}
	var instrument []string
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
		case "tags":
			g.tags = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
		case "race", "msan", "asan": // tags as well (cmd/go work/init.go: instrumentInit)
			instrument = slices.DeleteFunc(instrument, func(tag string) bool { return tag == name })
			if on, err := strconv.ParseBool(value); !hasValue || err == nil && on {
				instrument = append(instrument, name)
			}
			continue
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
	g.tags = append(g.tags, instrument...)
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
