package export

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// CycloneDX renders the modules of r as a software bill of materials in
// CycloneDX 1.6 JSON: every module and toolchain whose code the run was to
// bring, with the mirror it came from. Modules of which only the go.mod file is
// needed are no part of a build, and no components.
//
// A component that is there has the hash of go.sum that it was compared with,
// as cyclonedx-gomod writes it: the digest of h1:, in hex, as SHA-256. It is
// not the SHA-256 of the zip but that of the list of the SHA-256 of its files
// (https://go.dev/ref/mod#go-sum-files), whoever served the module; the property
// modferry:h1 has it as go.sum does, modferry:mirror who served it. The serial
// number is made from the content, so that the same result gives the same bytes.
func CycloneDX(w io.Writer, r *report.Result) error {
	// Not NewBOM and its encoder, which make the program 250 kB larger for all versions
	// and formats that there are.
	bom := &cyclonedx.BOM{BOMFormat: cyclonedx.BOMFormat, SpecVersion: cyclonedx.SpecVersion1_6, Version: 1,
		JSONSchema: "http://cyclonedx.org/schema/bom-1.6.schema.json"}
	components := bomComponents(r.Modules)
	if len(components) > 0 {
		bom.Components = &components
	}
	bom.Metadata = bomMetadata(r)
	bom.SerialNumber = serial(r, components)
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(bom); err != nil {
		return fmt.Errorf("write CycloneDX document: %w", err)
	}
	if _, err := w.Write(report.EscapeHostile(b.Bytes())); err != nil {
		return fmt.Errorf("write CycloneDX document: %w", err)
	}
	return nil
}

func bomMetadata(r *report.Result) *cyclonedx.Metadata {
	name, version, _ := strings.Cut(failure.Plain(r.Tool), " ")
	m := &cyclonedx.Metadata{
		Tools: &cyclonedx.ToolsChoice{Components: &[]cyclonedx.Component{
			{Type: cyclonedx.ComponentTypeApplication, Name: cmp.Or(name, "modferry"), Version: version},
		}},
		Properties: properties("modferry:outcome", failure.Neutral(string(r.Outcome)), "modferry:chain", failure.Plain(r.Choice.Chain)),
	}
	if t, err := time.Parse(time.RFC3339, r.Started); err == nil {
		m.Timestamp = t.UTC().Format(time.RFC3339)
	}
	return m
}

func bomComponents(modules []report.Module) []cyclonedx.Component {
	components := []cyclonedx.Component{}
	seen := map[string]bool{}
	for _, m := range modules {
		if m.Kind == report.KindMod || m.Page() {
			continue
		}
		c := component(m)
		if seen[c.BOMRef] {
			continue
		}
		seen[c.BOMRef] = true
		components = append(components, c)
	}
	slices.SortFunc(components, func(a, b cyclonedx.Component) int { return cmp.Compare(a.BOMRef, b.BOMRef) })
	return components
}

func component(m report.Module) cyclonedx.Component {
	path, version := failure.Neutral(m.Path), failure.Neutral(m.Version)
	digest, sum := h1(m.Sum)
	c := cyclonedx.Component{
		BOMRef: path + "@" + version, Type: cyclonedx.ComponentTypeLibrary, Name: cmp.Or(path, "unknown"), Version: version,
		PackageURL: packageURL(path, version),
		Properties: properties("modferry:source", failure.Neutral(m.Source), "modferry:mirror", failure.Plain(m.Mirror),
			"modferry:h1", sum, "modferry:class", failure.Neutral(string(m.Class)), "modferry:position", report.Position(m.File, m.Line)),
	}
	if sum != "" {
		c.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: digest}}
	}
	if m.Kind == report.KindToolchain {
		c.Type = cyclonedx.ComponentTypePlatform
	}
	if from := distribution(m); from != "" {
		c.ExternalReferences = &[]cyclonedx.ExternalReference{{Type: cyclonedx.ERTypeDistribution, URL: from}}
	}
	return c
}

// h1 returns a hash of go.sum and the digest in it, in hex; nothing when sum is
// no such hash.
func h1(sum string) (digest, same string) {
	text, _ := strings.CutPrefix(sum, "h1:")
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != sha256.Size || "h1:"+base64.StdEncoding.EncodeToString(b) != sum {
		return "", ""
	}
	return hex.EncodeToString(b), sum
}

// distribution is the address that a module's zip came from, "" when it came
// from elsewhere or has no address that a reader could use.
func distribution(m report.Module) string {
	if m.Source != report.FromMirror {
		return ""
	}
	mirror := failure.Plain(m.Mirror)
	if u, err := url.Parse(mirror); err != nil || u.Scheme == "" || strings.Contains(mirror, " ") {
		return ""
	}
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return ""
	}
	version, err := module.EscapeVersion(m.Version)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(mirror, "/") + "/" + path + "/@v/" + version + ".zip"
}

// packageURL is the purl of a module. Its type golang wants names in lower
// case, therefore it is not the identity of a component.
func packageURL(path, version string) string {
	elems := strings.Split(strings.ToLower(path), "/")
	for i, e := range elems {
		elems[i] = percent(e)
	}
	p := "pkg:golang/" + strings.Join(elems, "/")
	if version != "" {
		p += "@" + percent(version)
	}
	return p
}

// percent escapes what has to be escaped in a purl (package-url specification,
// "Character encoding").
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~:", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// properties makes pairs of names and values into properties, without those
// that have no value; nil when there are none.
func properties(pairs ...string) *[]cyclonedx.Property {
	var list []cyclonedx.Property
	for p := range slices.Chunk(pairs, 2) {
		if p[1] != "" {
			list = append(list, cyclonedx.Property{Name: p[0], Value: p[1]})
		}
	}
	if list == nil {
		return nil
	}
	return &list
}

// serial is a UUID made from start, tool and components (version 8 of RFC
// 9562: any content).
func serial(r *report.Result, components []cyclonedx.Component) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", r.Started, r.Tool)
	for _, c := range components {
		fmt.Fprintf(h, "%q\n", c.BOMRef)
		if c.Properties != nil {
			fmt.Fprintf(h, "%q\n", *c.Properties)
		}
	}
	id := h.Sum(nil)[:16]
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
