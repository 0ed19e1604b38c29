package settings

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// SchemaURL is where editors find the schema of the configuration file. They
// read it of a file whose first line is
//
//	# yaml-language-server: $schema=URL
const SchemaURL = "https://raw.githubusercontent.com/modferry/modferry/main/docs/modferry.schema.json"

// object is a part of a JSON schema.
type object = map[string]any

// Schema is the JSON schema (draft 7) of the configuration file.
func Schema() []byte {
	profile := object{"type": "object", "additionalProperties": false, "properties": layerSchema()}
	top := layerSchema()
	top[keyProfiles] = object{
		"description":          "Overlays of the top level, chosen with --profile.",
		"type":                 "object",
		"additionalProperties": object{"$ref": "#/definitions/profile"},
	}
	data, err := json.MarshalIndent(object{
		"$schema":              "http://json-schema.org/draft-07/schema#",
		"$id":                  SchemaURL,
		"title":                configName,
		"description":          "Configuration of modferry.",
		"type":                 "object",
		"additionalProperties": false,
		"properties":           top,
		"definitions": object{
			"profile":  profile,
			"mirror":   mirrorSchema(),
			"rule":     ruleSchema(),
			"duration": object{"type": "string", "pattern": `^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$`, "examples": []string{"500ms", "30s", "1h30m"}},
			"size":     object{"type": "string", "pattern": `^\d+(\.\d+)? ?([KMGTkmgt][Ii]?)?[Bb]$`, "examples": []string{"512KiB", "10GB"}},
		},
	}, "", "  ")
	if err != nil {
		panic("settings: " + err.Error()) // of maps, texts and numbers
	}
	return append(data, '\n')
}

// layerSchema is the keys of the top level and of a profile.
func layerSchema() object {
	keys := object{
		keyRules:  object{"type": "array", "minItems": 1, "items": object{"$ref": "#/definitions/rule"}, "description": "which mirrors may be asked for which modules; the first rule that matches decides"},
		keyDirect: object{"type": "boolean", "default": true, "description": "version control follows the list of mirrors below proxy"},
	}
	for _, s := range Table() {
		if s.Config == "" {
			continue
		}
		key := s.schema()
		key["description"] = s.Usage + " (" + cmp.Or(s.Default, s.Unset) + ")"
		keys[s.Config] = key
	}
	return keys
}

// schema is what a key of the setting may hold.
func (s Setting) schema() object {
	text := object{"type": "string", "minLength": 1}
	switch s.Kind {
	case Bool:
		return object{"type": "boolean"}
	case Int:
		return object{"type": "integer", "minimum": 0, "maximum": s.most}
	case Choice:
		return object{"enum": s.Choices}
	case Duration:
		return reference("duration", s.zero)
	case Size:
		return reference("size", true)
	case List:
		return object{"oneOf": []object{text, {"type": "array", "minItems": 1, "items": text}}}
	case Chain:
		return object{"oneOf": []object{text, {"type": "array", "minItems": 1, "items": object{"$ref": "#/definitions/mirror"}}}}
	}
	return text
}

// reference is a value of the schema's definitions, or the number 0.
func reference(name string, zero bool) object {
	ref := object{"$ref": "#/definitions/" + name}
	if !zero {
		return object{"allOf": []object{ref}} // a description beside $ref alone would not count
	}
	return object{"oneOf": []object{ref, {"const": 0}}}
}

// mirrorSchema is an entry of the list of mirrors: its URL, or that and options.
func mirrorSchema() object {
	url := object{"type": "string", "pattern": "^(https?|file)://"}
	word := func(text string) object { return object{"type": "string", "minLength": 1, "description": text} }
	timeouts := object{}
	for name := range timeoutKeys {
		timeouts[name] = object{"$ref": "#/definitions/duration"}
	}
	options := object{
		"url":           url,
		"weight":        object{"type": "integer", "minimum": 1, "maximum": maxWeight, "default": 1, "description": "preference when mirrors are ranked"},
		"fall-through":  object{"enum": []string{fallThroughNotFound, FallThroughAny}, "default": fallThroughNotFound, "description": "failures after which the next mirror is asked: a comma of GOPROXY is not-found, a bar any"},
		"fallback-only": object{"type": "boolean", "default": false, "description": "used after all others"},
		"name":          word("what rules call it"),
		"region":        word("where it is: mirrors of the job's region are asked first"),
		keyCAFile:       word("CA certificates to trust for this mirror, in PEM format"),
		keyCert:         word("certificate that this mirror is shown, in PEM format"),
		keyKey:          word("key of the client certificate, if that file lacks it"),
		"timeouts":      object{"type": "object", "additionalProperties": false, "properties": timeouts, "description": "limits of this mirror alone"},
	}
	if names := slices.Sorted(maps.Keys(mirrorKeys)); !slices.Equal(names, slices.Sorted(maps.Keys(options))) {
		panic("settings: the schema of a mirror lacks one of " + strings.Join(names, ", "))
	}
	return object{"oneOf": []object{url, {"type": "object", "additionalProperties": false, "required": []string{"url"}, "properties": options}}}
}
