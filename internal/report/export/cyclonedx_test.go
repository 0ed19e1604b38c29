package export_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"

	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/report/export"
	"github.com/modferry/modferry/internal/report/reporttest"
)

func readBOM(t *testing.T, text []byte) *cyclonedx.BOM {
	t.Helper()
	var bom cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return &bom
}

func TestCycloneDXIsAsInTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"good", "integrity", "nothing-needed"} {
		reporttest.Golden(t, "testdata/"+name+".cdx.json", reporttest.Rendered(t, export.CycloneDX, reporttest.Fixtures()[name]))
	}
}

func TestCycloneDXListsEveryModuleWithCodeOnce(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Fixtures() {
		want := map[string]bool{}
		for _, m := range r.Modules {
			if m.Kind != report.KindMod {
				want[m.Path+"@"+m.Version] = true
			}
		}
		if name == "hostile" {
			continue
		}
		var components []cyclonedx.Component
		if list := readBOM(t, reporttest.Rendered(t, export.CycloneDX, r)).Components; list != nil {
			components = *list
		}
		if n := len(components); n != len(want) {
			t.Errorf("%s: %d components, want %d", name, n, len(want))
		}
		for _, c := range components {
			if !want[c.Name+"@"+c.Version] {
				t.Errorf("%s: the component %s@%s is no module of the result", name, c.Name, c.Version)
			}
		}
	}
}

func TestCycloneDXNamesModulesAndWhereTheyCameFrom(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		m               report.Module
		purl, reference string
		kind            cyclonedx.ComponentType
	}{
		{"a module from a mirror", report.Module{Path: "rsc.io/quote", Version: "v1.5.2", Kind: report.KindZip, Source: report.FromMirror, Mirror: reporttest.Goproxy},
			"pkg:golang/rsc.io/quote@v1.5.2", reporttest.Goproxy + "/rsc.io/quote/@v/v1.5.2.zip", cyclonedx.ComponentTypeLibrary},
		{"capital letters", report.Module{Path: "github.com/BurntSushi/toml", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromMirror, Mirror: reporttest.Goproxy + "/"},
			"pkg:golang/github.com/burntsushi/toml@v1.0.0", reporttest.Goproxy + "/github.com/!burnt!sushi/toml/@v/v1.0.0.zip", cyclonedx.ComponentTypeLibrary},
		{"a version with a plus", report.Module{Path: "example.test/x", Version: "v2.0.0+incompatible", Kind: report.KindZip, Source: report.FromCache},
			"pkg:golang/example.test/x@v2.0.0%2Bincompatible", "", cyclonedx.ComponentTypeLibrary},
		{"a toolchain", report.Module{Path: "golang.org/toolchain", Version: "v0.0.1-go1.26.0.linux-amd64", Kind: report.KindToolchain, Source: report.FromPresent},
			"pkg:golang/golang.org/toolchain@v0.0.1-go1.26.0.linux-amd64", "", cyclonedx.ComponentTypePlatform},
		{"a mirror that is no address", report.Module{Path: "example.test/x", Version: "v1.0.0", Kind: report.KindZip, Source: report.FromMirror, Mirror: "some where"},
			"pkg:golang/example.test/x@v1.0.0", "", cyclonedx.ComponentTypeLibrary},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bom := readBOM(t, reporttest.Rendered(t, export.CycloneDX, &report.Result{Outcome: report.OK, Modules: []report.Module{tt.m}}))
			if n := len(*bom.Components); n != 1 {
				t.Fatalf("%d components, want 1", n)
			}
			c := (*bom.Components)[0]
			reference := ""
			if c.ExternalReferences != nil {
				reference = (*c.ExternalReferences)[0].URL
			}
			if c.PackageURL != tt.purl || reference != tt.reference || c.Type != tt.kind {
				t.Errorf("found %s, %q, %s; want %s, %q, %s", c.PackageURL, reference, c.Type, tt.purl, tt.reference, tt.kind)
			}
		})
	}
}

func TestCycloneDXHasTheHashesOfGoSum(t *testing.T) {
	t.Parallel()
	const sum, digest = "h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Q=", "c397dccac8ebc7bcaab43fda3be43046361938a9da33d521d9be34b44953b374"
	for _, tt := range []struct{ name, sum, want string }{
		{"a hash of go.sum", sum, digest},
		{"no hash", "", ""},
		{"a hash of another kind", "h2:" + sum[3:], ""},
		{"a hash that is too short", "h1:w5fcysjrx7yqtD==", ""},
		{"no base64", "h1:" + strings.Repeat("?", 44), ""},
		{"a line end in the hash", sum[:10] + "\n" + sum[10:], ""},
	} {
		m := report.Module{Path: "rsc.io/quote", Version: "v1.5.2", Kind: report.KindZip, Source: report.FromMirror, Mirror: reporttest.Goproxy, Sum: tt.sum}
		bom := readBOM(t, reporttest.Rendered(t, export.CycloneDX, &report.Result{Outcome: report.OK, Modules: []report.Module{m}}))
		c := (*bom.Components)[0]
		got, property := "", ""
		if c.Hashes != nil {
			got = (*c.Hashes)[0].Value
		}
		for _, p := range *c.Properties {
			if p.Name == "modferry:h1" {
				property = p.Value
			}
		}
		if got != tt.want || (property == tt.sum) != (tt.want != "") && tt.sum != "" {
			t.Errorf("%s: found %q with the property %q, want %q", tt.name, got, property, tt.want)
		}
	}
}

func TestCycloneDXHasASerialNumberOfItsOwn(t *testing.T) {
	t.Parallel()
	valid := regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	first, again, other := reporttest.Good(), reporttest.Good(), reporttest.Good()
	other.Started = "2026-11-20T13:36:00Z"
	var serials []string
	for _, r := range []*report.Result{first, again, other} {
		serials = append(serials, readBOM(t, reporttest.Rendered(t, export.CycloneDX, r)).SerialNumber)
	}
	if !valid.MatchString(serials[0]) || serials[0] != serials[1] || serials[0] == serials[2] {
		t.Errorf("the serial numbers are %q, want the same for the same run and another for another", serials)
	}
}

func TestCycloneDXOfHostileTextIsHarmless(t *testing.T) {
	t.Parallel()
	text := reporttest.Rendered(t, export.CycloneDX, reporttest.Hostile(reporttest.Evil))
	reporttest.Harmless(t, "CycloneDX", text)
	if bom := readBOM(t, text); bom.Metadata.Timestamp != "" {
		t.Errorf("the time is %q, want none: the start is no time", bom.Metadata.Timestamp)
	}
}
