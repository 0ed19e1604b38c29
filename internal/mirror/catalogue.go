package mirror

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

//go:embed catalogue.json
var catalogueJSON []byte

// Public is one mirror of the public catalogue.
type Public struct {
	URL      string `json:"url"` // without trailing slash
	Operator string `json:"operator"`
	Region   string `json:"region"` // Global or a country code in lower case, e.g. "cn"
	SumDB    string `json:"sumdb"`  // "yes", "no" or "unknown": what the operator documents
}

// Global is the region of a public mirror that is near everywhere.
const Global = "global"

// Catalogue is a list of public mirrors. Whatever a mirror of it answers is
// nobody's policy for the user, so every failure may fall back to the next one.
type Catalogue []Public

// PublicCatalogue returns the mirrors that come with modferry. It panics if
// the embedded file is broken, which a test rules out.
func PublicCatalogue() Catalogue {
	var file struct {
		Mirrors Catalogue `json:"mirrors"`
	}
	if err := json.Unmarshal(catalogueJSON, &file); err != nil {
		panic(fmt.Sprintf("mirror: catalogue.json: %v", err))
	}
	return file.Mirrors
}

// Find returns the entry for the mirror at rawURL. Scheme and host have to be
// the same and the path has to be the entry's or below it (some operators
// serve special views there, e.g. /cached-only). A URL with credentials is
// somebody's own arrangement and never public.
func (c Catalogue) Find(rawURL string) (Public, bool) {
	u, err := url.Parse(rawURL)
	if err != nil || u.User != nil {
		return Public{}, false
	}
	for _, p := range c {
		pu, err := url.Parse(p.URL)
		if err != nil || !strings.EqualFold(u.Scheme, pu.Scheme) || !strings.EqualFold(u.Host, pu.Host) {
			continue
		}
		path := strings.TrimRight(u.Path, "/")
		if path == pu.Path || strings.HasPrefix(path, pu.Path+"/") {
			return p, true
		}
	}
	return Public{}, false
}

// Region returns the mirrors of a region in the order of the catalogue.
func (c Catalogue) Region(region string) Catalogue {
	var out Catalogue
	for _, p := range c {
		if p.Region == region {
			out = append(out, p)
		}
	}
	return out
}
