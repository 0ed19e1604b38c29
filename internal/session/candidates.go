package session

import (
	"slices"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/mirror"
)

// Choice of mirrors: whether the preflight ranks and which candidates join.
type Choice string

// The choices of --mirrors.
const (
	Configured Choice = "configured" // the chain as configured, without the dead
	Auto       Choice = "auto"       // and the whole public catalogue, ranked by measurement
	CN         Choice = "cn"         // and the catalogue's mirrors in China
)

// candidates returns the chain with the catalogue's mirrors that a choice
// adds. They stand after the last mirror that the chain names (before direct),
// or with the first public one if there is one, so that they are ranked
// together. Nothing is added before off: that keyword says that there are no
// other sources.
func candidates(how Choice, configured goenv.Chain, catalogue mirror.Catalogue) []goenv.Entry {
	var add mirror.Catalogue
	switch how {
	case Auto:
		add = catalogue
	case CN:
		add = catalogue.Region("cn")
	}
	mirrors := configured.Mirrors()
	if len(add) == 0 || len(configured) == 0 || configured[len(configured)-1].Kind == goenv.Off {
		return mirrors
	}
	at := len(mirrors)
	for i, e := range mirrors {
		if _, ok := catalogue.Find(e.URL); ok {
			at = i + 1
			break
		}
	}
	var extra []goenv.Entry
	for _, p := range add {
		if !slices.ContainsFunc(mirrors, func(e goenv.Entry) bool { return e.URL == p.URL }) {
			extra = append(extra, goenv.Entry{Kind: goenv.Mirror, URL: p.URL, Sep: goenv.Pipe})
		}
	}
	return slices.Insert(slices.Clone(mirrors), at, extra...)
}
