package report_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/reporttest"
)

// result.schema.json is made from the Go types and their comments, so that it
// cannot say anything else.
//
//go:generate go test . -count=1 -run SchemaIs -update

const schemaFile = "result.schema.json"

// schema is the part of JSON Schema that is used.
type schema struct {
	Dialect     string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        string             `json:"type,omitempty"`
	Const       string             `json:"const,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Ref         string             `json:"$ref,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	Values      *schema            `json:"additionalProperties,omitempty"` // of a map
	Defs        map[string]*schema `json:"$defs,omitempty"`
}

// enums are the fields whose values are listed: those whose list is closed
// within this version of the format. Failure classes are not.
func enums() map[string][]string {
	return map[string][]string{
		"Result.outcome":   {"ok", "not-ready", "incomplete", "settings", "integrity"},
		"Mirror.state":     {report.Healthy, report.Slow, report.Degraded, report.Failing, report.Skipped},
		"Cache.hit":        {"exact", "partial", "miss", "off"},
		"Module.kind":      {report.KindZip, report.KindMod, report.KindToolchain, report.KindInfo, report.KindList, report.KindLatest, report.KindQuery},
		"Module.source":    {report.FromPresent, report.FromCache, report.FromMirror, report.FromDeferred, report.FromFailed},
		"Finding.severity": {"error", "warning", "info"},
	}
}

// drawing makes a schema from types.
type drawing struct {
	comments map[string]string // "Type" or "Type.Field"
	defs     map[string]*schema
}

// published is the schema of report.Result.
func published(t *testing.T) *schema {
	t.Helper()
	d := &drawing{comments: map[string]string{}, defs: map[string]*schema{}}
	for _, file := range []string{"result.go", "../finding/finding.go"} {
		d.read(t, file)
	}
	s := d.object(reflect.TypeFor[report.Result]())
	s.Dialect, s.Title, s.Defs = "https://json-schema.org/draft/2020-12/schema", "Result of a run of modferry ("+report.Schema+")", d.defs
	s.Properties["schema"].Const = report.Schema
	return s
}

// read takes the comments of types and fields from a file.
func (d *drawing) read(t *testing.T, file string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	line := func(g *ast.CommentGroup) string { return strings.Join(strings.Fields(g.Text()), " ") }
	for _, decl := range f.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, spec := range gen.Specs {
			typ := spec.(*ast.TypeSpec)
			d.comments[typ.Name.Name] = line(gen.Doc)
			fields, ok := typ.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range fields.Fields.List {
				for _, name := range field.Names {
					d.comments[typ.Name.Name+"."+name.Name] = line(field.Comment)
				}
			}
		}
	}
}

func (d *drawing) object(typ reflect.Type) *schema {
	s := &schema{Type: "object", Description: d.comments[typ.Name()], Properties: map[string]*schema{}}
	for f := range typ.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := d.of(f.Type)
		p.Description = d.comments[typ.Name()+"."+f.Name]
		p.Enum = enums()[typ.Name()+"."+name]
		s.Properties[name] = p
		if options != "omitempty" {
			s.Required = append(s.Required, name)
		}
	}
	if typ == reflect.TypeFor[finding.Finding]() { // what its MarshalJSON adds
		s.Properties["code"] = &schema{Type: "string", Description: "stable code of the check, e.g. \"MF131\""}
		s.Properties["doc"] = &schema{Type: "string", Description: "where the check is explained"}
	}
	return s
}

func (d *drawing) of(typ reflect.Type) *schema {
	switch typ.Kind() {
	case reflect.Pointer:
		return d.of(typ.Elem())
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return &schema{Type: "integer"}
	case reflect.Float64:
		return &schema{Type: "number"}
	case reflect.Slice:
		return &schema{Type: "array", Items: d.of(typ.Elem())}
	case reflect.Map:
		return &schema{Type: "object", Values: d.of(typ.Elem())}
	case reflect.Struct:
		if d.defs[typ.Name()] == nil {
			d.defs[typ.Name()] = d.object(typ)
		}
		return &schema{Ref: "#/$defs/" + typ.Name()}
	}
	panic("no schema for " + typ.String())
}

func TestSchemaIsThatOfTheTypes(t *testing.T) {
	t.Parallel()
	want, err := json.MarshalIndent(published(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	reporttest.Golden(t, schemaFile, append(want, '\n'))
}

// validator checks a document against a schema, and that it has no properties
// that the schema does not name: those would be drift.
type validator struct {
	root  *schema
	found []string
}

func (v *validator) wrong(at, format string, args ...any) {
	v.found = append(v.found, at+": "+fmt.Sprintf(format, args...))
}

func (v *validator) check(at string, s *schema, value any) {
	if s.Ref != "" {
		s = v.root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
	}
	switch value := value.(type) {
	case map[string]any:
		v.is(at, s, "object")
		for _, name := range s.Required {
			if _, there := value[name]; !there {
				v.wrong(at, "required: %s is missing", name)
			}
		}
		for name, x := range value {
			p := s.Properties[name]
			if p == nil {
				p = s.Values
			}
			if p == nil {
				v.wrong(at, "unknown: %s", name)
				continue
			}
			v.check(at+"."+name, p, x)
		}
	case []any:
		v.is(at, s, "array")
		for i, x := range value {
			if s.Items != nil {
				v.check(fmt.Sprintf("%s[%d]", at, i), s.Items, x)
			}
		}
	case string:
		v.is(at, s, "string")
		if s.Enum != nil && !slices.Contains(s.Enum, value) {
			v.wrong(at, "enum: found %q, expected one of %q", value, s.Enum)
		}
		if s.Const != "" && value != s.Const {
			v.wrong(at, "const: found %q, expected %q", value, s.Const)
		}
	case json.Number:
		if strings.ContainsAny(value.String(), ".eE") {
			v.is(at, s, "number")
		} else {
			v.is(at, s, "integer", "number")
		}
	case bool:
		v.is(at, s, "boolean")
	default:
		v.wrong(at, "type: found %v", value)
	}
}

func (v *validator) is(at string, s *schema, types ...string) {
	if !slices.Contains(types, s.Type) {
		v.wrong(at, "type: found %s, expected %s", types[0], s.Type)
	}
}

// violations returns what is wrong with a document according to the file.
func violations(t *testing.T, text []byte) []string {
	t.Helper()
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields() // a keyword that the validator does not know
	var s schema
	if err := dec.Decode(&s); err != nil {
		t.Fatal(err)
	}
	var doc any
	dec = json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	v := &validator{root: &s}
	v.check("result", &s, doc)
	slices.Sort(v.found)
	return v.found
}

func TestEveryResultIsAsInTheSchema(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Fixtures() {
		if name == "hostile" {
			continue
		}
		if found := violations(t, encode(t, r)); found != nil {
			t.Errorf("%s: %s", name, strings.Join(found, "\n"))
		}
	}
}

func TestGoldenResultsAreAsInTheSchema(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../testdata/results/*.json")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var head struct {
			Schema string `json:"schema"`
		}
		if err := json.Unmarshal(data, &head); err != nil || head.Schema != report.Schema {
			if _, other := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !other {
				t.Errorf("%s: %v", file, err)
			}
			continue // another format's golden file
		}
		n++
		for _, x := range violations(t, data) {
			// Hostile texts stand in fields whose values are listed, too.
			if filepath.Base(file) != "hostile.json" || !strings.Contains(x, ": enum: ") {
				t.Errorf("%s: %s", file, x)
			}
		}
	}
	if n < 3 {
		t.Errorf("%d golden results, want at least 3", n)
	}
}

func TestSchemaRefusesWhatIsNoResult(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, from, to, want string }{
		{"a missing field", `"outcome": "ok",`, ``, "result: required: outcome is missing"},
		{"an unknown outcome", `"outcome": "ok"`, `"outcome": "great"`, "result.outcome: enum: "},
		{"another schema", `"modferry.result/1"`, `"modferry.result/9"`, "result.schema: const: "},
		{"a text for a number", `"ms": 803`, `"ms": "803"`, "result.totals.ms: type: found string, expected number"},
		{"a fraction for an integer", `"rank": 1`, `"rank": 1.5`, "result.mirrors[0].rank: type: found number, expected integer"},
		{"a null", `"hit": "off"`, `"hit": null`, "result.cache.hit: type: "},
		{"a field that the types do not have", `"hit": "off"`, `"hit": "off", "luck": 1`, "result.cache: unknown: luck"},
		{"a list for an object", `"by_source": {`, `"by_source": [], "x": {`, "result.totals.by_source: type: found array, expected object"},
		{"an unknown source", `"source": "mirror"`, `"source": "moon"`, "result.modules[0].source: enum: "},
	} {
		text := string(encode(t, reporttest.DeadMirror()))
		if !strings.Contains(text, tt.from) {
			t.Errorf("%s: the result has no %s", tt.name, tt.from)
			continue
		}
		found := violations(t, []byte(strings.Replace(text, tt.from, tt.to, 1)))
		if !slices.ContainsFunc(found, func(x string) bool { return strings.HasPrefix(x, tt.want) }) {
			t.Errorf("%s: found %q, want %q", tt.name, found, tt.want)
		}
	}
}
