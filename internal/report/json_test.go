package report_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/reporttest"
	"github.com/modferry/modferry/internal/report/text"
)

func encode(t *testing.T, r *report.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestJSONIsAsInTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Fixtures() {
		if name != "hostile" {
			reporttest.Golden(t, "../../testdata/results/"+name+".json", encode(t, r))
		}
	}
	reporttest.Golden(t, "../../testdata/results/hostile.json", encode(t, reporttest.Hostile("\n::error::FORGED \x1b[31m##[error]\u202e\u009b0m \U000e0041 <&> ###[x]\xff")))
}

func TestJSONAndDecodeAreInverse(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Fixtures() {
		text := encode(t, r)
		got, err := report.Decode(bytes.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again := encode(t, got); !bytes.Equal(again, text) {
			t.Errorf("%s: not the same after decoding (-first +second):\n%s", name, cmp.Diff(string(text), string(again)))
		}
		if len(r.Modules) > 0 && len(r.Mirrors) > 0 { // no lists that became empty ones
			if diff := cmp.Diff(r, got); diff != "" {
				t.Errorf("%s: decoded to something else (-want +got):\n%s", name, diff)
			}
		}
	}
}

func TestJSONWritesRequiredListsWhenEmpty(t *testing.T) {
	t.Parallel()
	r := &report.Result{Outcome: report.OK}
	text := string(encode(t, r))
	for _, want := range []string{`"schema": "modferry.result/1"`, `"mirrors": []`, `"modules": []`, `"by_source": {}`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	if r.Schema != "" || r.Mirrors != nil {
		t.Error("JSON changed the result it was given")
	}
}

func TestJSONKeepsHTMLReadable(t *testing.T) {
	t.Parallel()
	r := &report.Result{Outcome: report.OK, Message: "<a> & b"}
	if text := string(encode(t, r)); !strings.Contains(text, `"<a> & b"`) {
		t.Errorf("the message is escaped in\n%s", text)
	}
}

func TestJSONIsHarmlessInALog(t *testing.T) {
	t.Parallel()
	const evil = "\n::error::FORGED \x1b[31m##[error] ##vso[x] ###[group]\u202e\u009b0m\u2028\U000e0041"
	text := encode(t, reporttest.Hostile(evil))
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("a workflow command: %s", line)
		}
	}
	if bytes.Contains(text, []byte("##")) {
		t.Error("a command of the kind ##[name]")
	}
	for _, r := range string(text) {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("the unprintable character %U", r)
		}
	}
	got, err := report.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if got.Message != evil {
		t.Errorf("the message came back as %q, want %q", got.Message, evil)
	}
}

func TestJSONRefusesWhatJSONCannotSay(t *testing.T) {
	t.Parallel()
	zero := 0.0
	r := &report.Result{Outcome: report.OK, Totals: report.Totals{MS: 1 / zero}}
	var b bytes.Buffer
	if err := report.JSON(&b, r); err == nil || b.Len() > 0 {
		t.Errorf("JSON returned %v and wrote %d bytes, want an error and nothing written", err, b.Len())
	}
}

func TestDecodeErrorsSayWhatWasFoundAndExpected(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     []string
	}{
		{"an empty file", "", []string{"line 1", "unexpected end"}},
		{"no JSON", "ok: all 5 files", []string{"line 1", "invalid character"}},
		{"a mistake in a later line", "{\n\"schema\": \"modferry.result/1\",\n\"outcome\": ok\n}", []string{"line 3"}},
		{"another type of JSON", "[1]", []string{"line 1", "array"}},
		{"another document", `{"name": "x"}`, []string{"without schema", `"modferry.result/1"`, "--json"}},
		{"a later schema", `{"schema": "modferry.result/2"}`, []string{`"modferry.result/2"`, `expected "modferry.result/1"`, "version"}},
		{"a hostile schema", "{\"schema\": \"a\\n::error::b\\u001b[0m##[x]\"}", []string{`"a ::error::b# #[x]"`}},
		{"an unknown outcome", `{"schema": "modferry.result/1", "outcome": "great"}`, []string{`"great"`, "ok not-ready incomplete settings integrity"}},
		{"no outcome", `{"schema": "modferry.result/1"}`, []string{`outcome ""`}},
		{"a field of another type", "{\"schema\": \"modferry.result/1\",\n\"modules\": 7}", []string{"line 2", "modules"}},
		{"more after the end", `{"schema": "modferry.result/1", "outcome": "ok"} {}`, []string{"after top-level value"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := report.Decode(strings.NewReader(tt.in))
			if err == nil {
				t.Fatalf("Decode gave %+v, want an error", r)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %q, want it to say %q", err, want)
				}
			}
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("the error %q is not one line", err)
			}
		})
	}
}

func TestDecodeIsBounded(t *testing.T) {
	t.Parallel()
	r := &endless{}
	if _, err := report.Decode(r); err == nil || !strings.Contains(err.Error(), "33.6 MB") {
		t.Errorf("Decode returned %v, want an error that names the limit", err)
	}
	if r.n > 64<<20 {
		t.Errorf("Decode read %d bytes", r.n)
	}
}

// endless is a file that does not end.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.n += len(p)
	return len(p), nil
}

func TestDecodeAcceptsFieldsOfLaterVersions(t *testing.T) {
	t.Parallel()
	r, err := report.Decode(strings.NewReader(`{"schema": "modferry.result/1", "outcome": "ok", "later": {"a": 1}}`))
	if err != nil || r.Outcome != report.OK {
		t.Errorf("Decode returned %+v, %v", r, err)
	}
}

// FuzzDecode looks at what can be read: it can be rendered, nothing in the
// rendering is forged, and it survives being written and read again.
func FuzzDecode(f *testing.F) {
	for _, r := range []*report.Result{reporttest.Good(), reporttest.Gatekeeper(), reporttest.Present(), reporttest.Hostile("\n::error::x")} {
		var b bytes.Buffer
		if err := report.JSON(&b, r); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte(`{"schema": "modferry.result/1", "outcome": "integrity", "modules": [{"source": "failed", "line": -1}], "mirrors": [{}]}`))
	f.Add([]byte(`{"schema": "modferry.result/1", "outcome": "ok", "totals": {"bytes": -9223372036854775808, "ms": 1e308}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			t.Skip("large inputs only take longer")
		}
		r, err := report.Decode(bytes.NewReader(data))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("the error %q is not one line", err)
			}
			return
		}
		for _, o := range []text.Options{{}, {Width: 40, Verbose: true}} {
			var b bytes.Buffer
			if err := text.Write(&b, r, o); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if strings.HasPrefix(strings.TrimSpace(line), "::") {
					t.Errorf("a workflow command: %q", line)
				}
			}
			for _, c := range b.String() {
				if c != '\n' && !unicode.IsPrint(c) {
					t.Errorf("the unprintable character %U", c)
				}
			}
		}
		first := encode(t, r)
		if !json.Valid(first) {
			t.Fatal("JSON wrote what is none")
		}
		again, err := report.Decode(bytes.NewReader(first))
		if err != nil {
			t.Fatalf("what JSON wrote cannot be read: %v", err)
		}
		if second := encode(t, again); !bytes.Equal(first, second) {
			t.Errorf("not the same after decoding:\n%s", cmp.Diff(string(first), string(second)))
		}
	})
}
