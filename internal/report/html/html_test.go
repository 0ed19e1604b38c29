package html_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/html"
	"github.com/modferry/modferry/internal/report/reporttest"
)

// unlabelled is a page without the titles that cells have for phones.
func unlabelled(page string) string { return labels.ReplaceAllString(page, "") }

var labels = regexp.MustCompile(` data-label="[^"]*"`)

func renderHTML(t *testing.T, r *report.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := html.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// htmlBetween returns what stands between two texts, each of which is there once.
func htmlBetween(t *testing.T, page, from, to string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, from)
	text, after, found := strings.Cut(rest, to)
	if !ok || !found || strings.Contains(after, from) {
		t.Fatalf("want one %s…%s", from, to)
	}
	return text
}

func TestHTMLIsAsInTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"good", "dead-mirror", "integrity", "cache-rejected", "warm", "gatekeeper", "cannot-run", "hostile"} {
		// Style and script are the same on every page.
		body := htmlBetween(t, renderHTML(t, reporttest.Fixtures()[name]), "<body>\n", "<script>")
		reporttest.Golden(t, "testdata/"+name+".html", []byte(body))
	}
}

var htmlEvils = []string{
	`</script><img src=x onerror=FORGED()><script>FORGED()</script>`,
	`"><svg onload="FORGED()"><a href="javascript:FORGED()">x</a>`,
	`' autofocus onfocus=FORGED() x='</title></style><style>*{display:none}</style>`,
	`<!-- </code> --> ]]> <base href=//evil.example.test> {{.}} &lt;b&gt;`,
	"\r\n::error::FORGED \x1b[31m##[error]\u202eFORGED\x00<b\x00r>",
}

func htmlPages(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{"empty": renderHTML(t, &report.Result{})}
	for name, r := range reporttest.Fixtures() {
		pages[name] = renderHTML(t, r)
	}
	for i, evil := range htmlEvils {
		pages[fmt.Sprintf("evil %d", i)] = renderHTML(t, reporttest.Hostile(evil))
	}
	return pages
}

// htmlElements are the elements that the page may have, and their attributes.
var htmlElements = map[string]string{
	"html": "lang", "head": "", "meta": "charset http-equiv content name", "title": "", "style": "", "body": "", "script": "",
	"header": "", "nav": "aria-label", "main": "id", "section": "aria-labelledby", "article": "class", "footer": "",
	"h1": "", "h2": "id", "h3": "id", "p": "class", "span": "class", "strong": "", "figure": "", "figcaption": "", "a": "href class", "ul": "class", "ol": "", "li": "", "code": "class",
	"dl": "class", "dt": "", "dd": "", "div": "class role aria-label tabindex", "details": "class", "wbr": "", "summary": "",
	"table": "", "caption": "", "thead": "", "tbody": "", "tr": "class", "th": "scope class data-facet", "td": "class data-sort data-label",
	"svg": "class viewBox preserveAspectRatio role aria-label aria-hidden data-from data-to", "rect": "class x width",
	"path": "class d", "line": "x1 x2 y1 y2", "text": "x y class",
}

// parseHTML reads a page, which is written so that it is XML but for style and
// script, and returns its elements in order. A text of a result that becomes
// markup makes it one that is not ours, or breaks the nesting.
func parseHTML(page string) ([]xml.StartElement, error) {
	for _, tag := range []string{"style", "script"} {
		before, rest, _ := strings.Cut(page, "<"+tag+">")
		_, after, _ := strings.Cut(rest, "</"+tag+">")
		page = before + "<" + tag + "></" + tag + ">" + after
	}
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!DOCTYPE html>")))
	d.Entity = xml.HTMLEntity
	var all []xml.StartElement
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		switch x := token.(type) {
		case xml.StartElement:
			all = append(all, x.Copy())
		case xml.Comment, xml.ProcInst, xml.Directive:
			return nil, fmt.Errorf("found %T, expected elements and text", x)
		}
	}
}

func htmlAttr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func TestTheHTMLPageHasOurElementsOnly(t *testing.T) {
	t.Parallel()
	for name, page := range htmlPages(t) {
		elements, err := parseHTML(page)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, e := range elements {
			allowed, ok := htmlElements[e.Name.Local]
			if !ok {
				t.Errorf("%s: element %s", name, e.Name.Local)
			}
			for _, a := range e.Attr {
				if !slices.Contains(strings.Fields(allowed), a.Name.Local) {
					t.Errorf("%s: attribute %s of %s", name, a.Name.Local, e.Name.Local)
				}
				ours := []string{"#", finding.Reference + "#", failure.Reference + "#", "https://ci.example.test/"}
				if a.Name.Local == "href" && !slices.ContainsFunc(ours, func(s string) bool { return strings.HasPrefix(a.Value, s) }) {
					t.Errorf("%s: a link to %s", name, a.Value)
				}
			}
		}
		for _, s := range []string{"s3cret", "ZgotmplZ", "\x1b", "\u202e", "##[", "NaN"} {
			if strings.Contains(page, s) {
				t.Errorf("%s: %q is in the page", name, s)
			}
		}
	}
}

func TestTheHTMLPageIsAccessible(t *testing.T) {
	t.Parallel()
	for name, page := range htmlPages(t) {
		elements, err := parseHTML(page)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ids, level := map[string]bool{}, 0
		var links []string
		for _, e := range elements {
			if id := htmlAttr(e, "id"); id != "" {
				if ids[id] {
					t.Errorf("%s: two elements with the id %s", name, id)
				}
				ids[id] = true
			}
			switch tag := e.Name.Local; tag {
			case "h1", "h2", "h3":
				if n := int(tag[1] - '0'); n > level+1 {
					t.Errorf("%s: %s after a heading of level %d", name, tag, level)
				} else {
					level = n
				}
			case "a":
				if id, ok := strings.CutPrefix(htmlAttr(e, "href"), "#"); ok {
					links = append(links, id)
				}
			case "section":
				links = append(links, htmlAttr(e, "aria-labelledby"))
			case "th":
				if htmlAttr(e, "scope") == "" {
					t.Errorf("%s: a th without scope", name)
				}
			case "svg":
				if htmlAttr(e, "aria-label") == "" && htmlAttr(e, "aria-hidden") == "" {
					t.Errorf("%s: a picture without a text", name)
				}
			}
		}
		for _, id := range links {
			if !ids[id] {
				t.Errorf("%s: a reference to %q, which is no id", name, id)
			}
		}
		for _, landmark := range []string{"<header>", "<main ", "<footer>", `<html lang="en">`} {
			if strings.Count(page, landmark) != 1 {
				t.Errorf("%s: want one %s", name, landmark)
			}
		}
	}
}

// TestTheHTMLPolicyAllowsThePageAlone computes the hashes as a browser does.
func TestTheHTMLPolicyAllowsThePageAlone(t *testing.T) {
	t.Parallel()
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	for name, page := range htmlPages(t) {
		elements, err := parseHTML(page)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		policy := ""
		for _, e := range elements {
			if htmlAttr(e, "http-equiv") == "Content-Security-Policy" {
				policy += htmlAttr(e, "content")
			}
		}
		want := "default-src 'none'; style-src " + hash(htmlBetween(t, page, "<style>", "</style>")) +
			"; script-src " + hash(htmlBetween(t, page, "<script>", "</script>")) + "; base-uri 'none'; form-action 'none'"
		if policy != want {
			t.Errorf("%s: found the policy\n%s\nexpected\n%s", name, policy, want)
		}
	}
}

func TestHTMLShowsWhatAReaderNeeds(t *testing.T) {
	t.Parallel()
	one := reporttest.Start(report.OK)
	one.Modules = reporttest.Modules(1, report.KindZip, report.FromMirror, reporttest.Goproxy)
	tests := []struct {
		name string
		run  *report.Result
		want []string
	}{
		{"a failover after a dead mirror", reporttest.DeadMirror(), []string{
			"<li>" + reporttest.Dead + ": connection refused, 1.5 ms</li><li>" + reporttest.Goproxy + ": brought the file, 20 ms, first byte after 15 ms, 1.0 kB, failover</li>"}},
		{"a wrong hash, its line and what to do", reporttest.Integrity(), []string{
			"integrity failure</span>", failure.HashMismatch.Title(), "<code>go.sum:31</code>", "What to do</dt>", "wrong hash: found h1:"}},
		{"a mirror's phases in words", reporttest.Good(), []string{
			`aria-label="lookup 3.1 ms, connect 12 ms, TLS 25 ms, first byte 41 ms"`, ">not measured<"}},
		{"status codes and hosts", reporttest.Good(), []string{"51 × 200, 1 × 503", "<code>storage.example.test</code>"}},
		{"what a poisoned cache held", reporttest.Rejected(), []string{"hash mismatch: found h1:wrong, expected h1:right"}},
		{"a finding with the right value", reporttest.Good(), []string{"<dd><code>git.example.test</code></dd>"}},
		{"numbers that say what the sentence says", reporttest.AllDead(), []string{"all 20 modules are missing", "<dt>modules</dt><dd>20</dd>", "<dt>missing</dt><dd>20</dd>"}},
		{"one module in the singular", one, []string{"1 module in ", "<dt>module</dt><dd>1</dd>"}},
		{"flags as code", reporttest.CannotRun(), []string{`directory with <code class="flag">--modcache</code> or GOMODCACHE`}},
		{"why settings are refused", reporttest.CannotRun(), []string{"make it writable for this user"}},
	}
	tests[2].run.Mirrors = append(tests[2].run.Mirrors, report.Mirror{URL: reporttest.Dead, State: report.Skipped})
	for _, tt := range tests {
		page := renderHTML(t, tt.run)
		for _, want := range tt.want {
			if !strings.Contains(strings.ReplaceAll(page, "&#43;", "+"), want) {
				t.Errorf("%s: %q is not in the page", tt.name, want)
			}
		}
	}
}

func TestHTMLPercentilesAreMeasuredValues(t *testing.T) {
	t.Parallel()
	r := reporttest.Start(report.OK)
	for i := range 200 {
		ms := float64(200 - i)
		r.Modules = append(r.Modules, report.Module{Path: "a.example.test", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromMirror, Mirror: reporttest.Goproxy, MS: ms,
			Attempts: []report.Attempt{{Mirror: reporttest.Goproxy, Class: failure.Reset, MS: 9000}, {Mirror: reporttest.Goproxy, MS: ms}}})
	}
	row := `<td>whole file</td><td class="number" data-sort="200">200</td><td class="number" data-sort="100">100 ms</td>` +
		`<td class="number" data-sort="190">190 ms</td><td class="number" data-sort="198">198 ms</td><td class="number" data-sort="200">200 ms</td>`
	if !strings.Contains(strings.ReplaceAll(unlabelled(renderHTML(t, r)), "\n", ""), row) {
		t.Errorf("want the row %s", row)
	}
}

func TestBarsStayInsideTheirBoxes(t *testing.T) {
	t.Parallel()
	r := reporttest.Start(report.OK)
	r.Mirrors[0].DNSMS, r.Mirrors[0].TLSMS, r.Mirrors[1].FirstByteMS = reporttest.F(-4), reporttest.F(math.MaxFloat64), reporttest.F(math.MaxFloat64)
	for _, x := range []struct{ start, ms float64 }{{0, math.MaxFloat64}, {-5, 3}, {math.MaxFloat64, math.MaxFloat64}, {3, 1e-9}} {
		r.Modules = append(r.Modules, report.Module{Source: report.FromMirror, Mirror: reporttest.Goproxy, StartMS: x.start, MS: x.ms,
			Attempts: []report.Attempt{{Mirror: reporttest.Goproxy, StartMS: x.start, MS: x.ms}}})
	}
	elements, err := parseHTML(renderHTML(t, r))
	if err != nil {
		t.Fatal(err)
	}
	bars := 0
	for _, e := range elements {
		if e.Name.Local != "rect" {
			continue
		}
		bars++
		var x, width float64
		if _, err := fmt.Sscan(htmlAttr(e, "x")+" "+htmlAttr(e, "width"), &x, &width); err != nil || x < 0 || width <= 0 || x+width > 1000.1 {
			t.Errorf("found a piece from %q of width %q, expected it between 0 and 1000 (%v)", htmlAttr(e, "x"), htmlAttr(e, "width"), err)
		}
	}
	if bars < 8 {
		t.Errorf("found %d pieces, expected some for each fetch and each mirror", bars)
	}
}

func TestTheHTMLOfALargeResultIsBounded(t *testing.T) {
	t.Parallel()
	r := reporttest.Start(report.Incomplete)
	r.Modules = reporttest.Modules(20_000, report.KindZip, report.FromMirror, reporttest.Goproxy)
	r.Modules = append(r.Modules, reporttest.Modules(20_000, report.KindZip, report.FromFailed, "")...)
	for i := range 3000 {
		r.Hosts = append(r.Hosts, fmt.Sprintf("h%d.example.test", i))
	}
	page := renderHTML(t, r)
	if len(page) > 3<<20 {
		t.Errorf("found %d bytes, expected at most 3 MiB", len(page))
	}
	for _, want := range []string{"The slowest 500 of 20000 modules", "and 38000 more of 40000 files, not shown: ", "and 18000 more of 20000 files, not shown", "And 2800 more of 3000 hosts, not shown"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
}

func TestHTMLReportsAWriteError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken pipe")
	if err := html.Write(reporttest.Failing{Err: broken}, reporttest.Good()); !errors.Is(err, broken) {
		t.Errorf("HTML returned %v, want the error of the writer", err)
	}
}
