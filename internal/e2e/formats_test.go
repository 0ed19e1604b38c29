package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/modferry/modferry/internal/report"
)

// testdata of the renderings: the golden results, and schemas/README.md says
// where the schemas are from.
var testdata = filepath.Join("..", "..", "testdata")

// goldens returns the golden results by name, one file each.
func goldens(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testdata, "results", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); !strings.Contains(name, ".") {
			all[name] = file
		}
	}
	if len(all) < 15 {
		t.Fatalf("found %d golden results in %s, expected one for each kind of run", len(all), testdata)
	}
	return all
}

// rendering is what "modferry report" prints of a result.
func rendering(t *testing.T, format, file string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(binary, "report", "--format", format, file)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return out
}

func TestJUnitReportsAreAsJenkinsPublishedTheFormat(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("xmllint")
	need(t, err == nil, "xmllint is not on the search path")
	validate := func(text []byte) (string, error) {
		cmd := exec.Command("xmllint", "--noout", "--nonet", "--schema", filepath.Join(testdata, "schemas", "jenkins-junit.xsd"), "-")
		cmd.Stdin = bytes.NewReader(text)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for name, file := range goldens(t) {
		text := rendering(t, "junit", file)
		if out, err := validate(text); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if out, err := validate(bytes.Replace(text, []byte("<testcase "), []byte(`<testcase luck="1" `), 1)); err == nil {
			t.Errorf("%s: an attribute that the schema does not know was not found: %s", name, out)
		}
	}
}

// schemaIn reads a JSON Schema from a file; those that it refers to by name stand
// beside it, at names that the map tells where they are others.
func schemaIn(t *testing.T, dir, name string, elsewhere map[string]string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseLoader(schemas(func(url string) (any, error) {
		base := url[strings.LastIndex(url, "/")+1:]
		if other := elsewhere[base]; other != "" {
			base = other
		}
		f, err := os.Open(filepath.Join(dir, base))
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return jsonschema.UnmarshalJSON(f)
	}))
	s, err := c.Compile("http://schema.test/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type schemas func(url string) (any, error)

func (f schemas) Load(url string) (any, error) { return f(url) }

// conforms checks the renderings of all golden results but the left out ones;
// broken makes one that must be refused out of a good one.
func conforms(t *testing.T, s *jsonschema.Schema, format string, leftOut string, broken func(text string) string) {
	t.Helper()
	refused := 0
	for name, file := range goldens(t) {
		if name == leftOut {
			continue
		}
		text := rendering(t, format, file)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := s.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wrong := broken(string(text))
		if wrong == string(text) {
			continue
		}
		if doc, err = jsonschema.UnmarshalJSON(strings.NewReader(wrong)); err != nil {
			t.Fatalf("%s, broken: %v", name, err)
		}
		if s.Validate(doc) == nil {
			t.Errorf("%s: nothing was found in a broken document", name)
		}
		refused++
	}
	if refused == 0 {
		t.Errorf("no document was broken, expected that the schema refuses some")
	}
}

func TestResultsAreAsInThePublishedSchema(t *testing.T) {
	t.Parallel()
	s := schemaIn(t, filepath.Join("..", "report"), "result.schema.json", nil)
	// Hostile texts stand in fields whose values are listed, too.
	conforms(t, s, "json", "hostile", func(text string) string {
		return strings.Replace(text, `"outcome": "`, `"outcome": "almost `, 1)
	})
}

func TestCodeQualityReportsAreAsGitLabDocumentsThem(t *testing.T) {
	t.Parallel()
	s := schemaIn(t, filepath.Join(testdata, "schemas"), "gitlab-codequality.schema.json", nil)
	conforms(t, s, "codequality", "", func(text string) string {
		return strings.Replace(text, `"path": "`, `"path": "./`, 1)
	})
}

func TestBillsOfMaterialsAreAsCycloneDXPublishedTheFormat(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatalf("find the module cyclonedx-go: %v", err)
	}
	s := schemaIn(t, filepath.Join(strings.TrimSpace(string(out)), "schema"), "bom-1.6.schema.json",
		map[string]string{"jsf-0.82.schema.json": "jsf-0.82.schemax.json"})
	conforms(t, s, "cyclonedx", "", func(text string) string {
		return strings.Replace(text, `"alg": "SHA-256"`, `"alg": "h1"`, 1)
	})
}

func TestMetricsAreReadAsThePrometheusParserReadsThem(t *testing.T) {
	t.Parallel()
	for name, file := range goldens(t) {
		text := rendering(t, "prometheus", file)
		problems, err := promlint.New(bytes.NewReader(text)).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: promtool would say %v (%v)", name, problems, err)
		}
		p := expfmt.NewTextParser(model.UTF8Validation)
		families, err := p.TextToMetricFamilies(bytes.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var r report.Result
		if err := json.Unmarshal(data, &r); err != nil {
			t.Fatal(err)
		}
		attempts := 0
		for _, m := range r.Modules {
			attempts += len(m.Attempts)
		}
		counted, observed, ok := 0.0, uint64(0), 0.0
		for _, m := range families["modferry_downloads_total"].GetMetric() {
			counted += m.GetCounter().GetValue()
			for _, l := range m.GetLabel() {
				if l.GetName() == "class" && l.GetValue() == "ok" {
					ok += m.GetCounter().GetValue()
				}
			}
		}
		for _, m := range families["modferry_download_duration_seconds"].GetMetric() {
			h := m.GetHistogram()
			observed += h.GetSampleCount()
			if b := h.GetBucket(); b[len(b)-1].GetCumulativeCount() != h.GetSampleCount() {
				t.Errorf("%s: the last bucket has %d, want all %d", name, b[len(b)-1].GetCumulativeCount(), h.GetSampleCount())
			}
		}
		if counted != float64(attempts) || float64(observed) != ok {
			t.Errorf("%s: found %v requests and %d durations, want %d requests and %v durations, one for each file brought", name, counted, observed, attempts, ok)
		}
		if families["modferry_outcome"] == nil || families["modferry_cache_hit"] == nil {
			t.Errorf("%s: outcome or cache hit is missing", name)
		}
	}
}
