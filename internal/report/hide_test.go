package report_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/compare"
	"github.com/modferry/modferry/internal/report/export"
	"github.com/modferry/modferry/internal/report/html"
	"github.com/modferry/modferry/internal/report/markdown"
	"github.com/modferry/modferry/internal/report/text"
	"github.com/modferry/modferry/internal/secret"
)

// fill makes everything of a value say text, two of everything that there can
// be several of. What has words of ours keeps what it has.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		if v.String() == "" && v.Type() == reflect.TypeFor[string]() {
			v.SetString(text)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		}
		for i := range v.Len() {
			fill(v.Index(i), text)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, text)
		fill(value, text)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Float64:
		v.SetFloat(7)
	case reflect.Bool:
		v.SetBool(true)
	}
}

// saying is a result that says text wherever it can say something, of modules
// that failed and that did not.
func saying(text string) *report.Result {
	r := &report.Result{
		Schema: report.Schema, Tool: "modferry test", Started: "2026-01-02T03:04:05Z", Outcome: report.Incomplete,
		Mirrors:  []report.Mirror{{State: report.Failing, Class: failure.Forbidden, HTTP: "HTTP/2.0"}, {State: report.Healthy, HTTP: "HTTP/2.0"}},
		Cache:    report.Cache{Hit: "partial"},
		Settings: report.EffectiveSettings{Scope: "imports"},
		Modules: []report.Module{
			{Kind: report.KindZip, Source: report.FromFailed, Class: failure.Forbidden, Sum: "h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ="},
			{Kind: report.KindMod, Source: report.FromMirror, Sum: "h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ="},
			{Kind: report.KindZip, Source: report.FromDeferred, Class: failure.NotFound, Sum: "h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ="},
		},
		Findings: []finding.Finding{
			{Check: "goproxy-separator", Setting: "GOPROXY", Severity: finding.Error},
			{Check: "goproxy-separator", Setting: "GOPROXY", Severity: finding.Info},
		},
	}
	r.Machine = &report.Machine{OS: "linux", Arch: "amd64"}
	machine := *r.Machine
	fill(reflect.ValueOf(r).Elem(), text)
	*r.Machine = machine
	return r
}

// renderings are all ways in which a result is shown.
var renderings = map[string]func(io.Writer, *report.Result) error{
	"text":        func(w io.Writer, r *report.Result) error { return text.Write(w, r, text.Options{}) },
	"all text":    func(w io.Writer, r *report.Result) error { return text.Write(w, r, text.Options{Verbose: true}) },
	"diagnosis":   func(w io.Writer, r *report.Result) error { return text.Diagnosis(w, r, text.Options{}) },
	"markdown":    func(w io.Writer, r *report.Result) error { return markdown.Write(w, r, markdown.Options{}) },
	"html":        html.Write,
	"json":        report.JSON,
	"junit":       export.Place{}.JUnit,
	"codequality": export.Place{}.CodeQuality,
	"cyclonedx":   export.CycloneDX,
	"prometheus":  export.Prometheus,
	"comparison":  func(w io.Writer, r *report.Result) error { return compare.Write(w, saying("before"), r) },
	"later": func(w io.Writer, r *report.Result) error {
		return markdown.WriteLater(w, &markdown.Later{Modules: r.Modules, Saved: r.Cache.Saved, Store: r.Cache.Store}, markdown.Options{})
	},
}

func TestNoRenderingShowsAHiddenSecret(t *testing.T) {
	t.Parallel()
	const password = "PL@NT:ED/9Q z"
	var secrets secret.Set
	secrets.AddLogin("login", password)
	quoted, _ := json.Marshal(password)
	for name, encoded := range map[string]string{
		"as it is": password, "in a query": url.QueryEscape(password), "in a path": url.PathEscape(password),
		"basic": base64.StdEncoding.EncodeToString([]byte("login:" + password)), "in JSON": string(quoted),
		"in a URL": url.UserPassword("login", password).String(), "hexadecimal": fmt.Sprintf("%x", password),
	} {
		for format, render := range renderings {
			t.Run(format+" "+name, func(t *testing.T) {
				t.Parallel()
				r := saying("denied for " + encoded + " today")
				r.Hide(secrets.Hide)
				var b bytes.Buffer
				if err := render(&b, r); err != nil {
					t.Fatal(err)
				}
				// Renderings escape and lay out: what is left of that is compared.
				text := strings.Join(strings.Fields(b.String()), " ")
				for _, shown := range []string{encoded, url.QueryEscape(encoded), "ED/9Q", "ED%2F9Q", "UExATlQ6RUQvOV"} {
					if strings.Contains(text, shown) {
						t.Errorf("%q is shown", shown)
					}
				}
				if secrets.Hide(b.String()) != b.String() {
					t.Error("something is left to be hidden")
				}
			})
		}
	}
}

func TestHidingKeepsWhatAResultMeans(t *testing.T) {
	t.Parallel()
	r := saying("text")
	before, after := saying("text"), r
	var secrets secret.Set
	// A password may be any word.
	secrets.Add("mirror", "failed", "healthy", "partial", "goproxy-separator", "GOPROXY", "linux", report.Schema, "incomplete", string(failure.Forbidden), "zip")
	after.Hide(secrets.Hide)
	if !reflect.DeepEqual(before, after) {
		t.Errorf("got %+v\nwant %+v", after, before)
	}
	var b bytes.Buffer
	if err := report.JSON(&b, after); err != nil {
		t.Fatal(err)
	}
	if _, err := report.Decode(&b); err != nil {
		t.Error(err)
	}
}

// A relay makes results of records that it goes on writing, several at a time.
func TestHidingLeavesSharedRecordsAlone(t *testing.T) {
	t.Parallel()
	of := saying("s3cret")
	modules, mirrors, machine := of.Modules, of.Mirrors, of.Machine
	attempts := []report.Attempt{{Mirror: "https://s3cret.example.test"}}
	modules[0].Attempts = attempts
	r := *of
	r.Hide(func(text string) string { return strings.ReplaceAll(text, "s3cret", "***") })
	if got := r.Modules[0].Attempts[0].Mirror; got != "https://***.example.test" {
		t.Errorf("found %q", got)
	}
	if attempts[0].Mirror != "https://s3cret.example.test" || mirrors[0].URL != "s3cret" || modules[1].Path != "s3cret" || machine != of.Machine {
		t.Errorf("what the result was made of changed: %q, %q, %q", attempts[0].Mirror, mirrors[0].URL, modules[1].Path)
	}
}
