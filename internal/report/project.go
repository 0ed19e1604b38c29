package report

import (
	"net/url"

	"github.com/modferry/modferry/internal/failure"
)

// Name is the repository, or else the main module, with the directory of the
// checkout in it; "" when neither is known. It is neutral.
func (p *Project) Name() string {
	if p == nil {
		return ""
	}
	name := p.Repository
	if name == "" {
		name = p.Module
	} else if p.Dir != "" {
		name += "/" + p.Dir
	}
	return failure.Plain(name)
}

// ShortCommit is the commit as people write it; "" when it is not known.
func (p *Project) ShortCommit() string {
	if p == nil {
		return ""
	}
	hash := failure.Neutral(p.Commit)
	return hash[:min(len(hash), 7)]
}

// Link is the address of the job's page; "" when there is none that a browser may
// open without a password in it.
func (p *Project) Link() string {
	if p == nil {
		return ""
	}
	u, err := url.Parse(p.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || failure.Plain(p.URL) != p.URL {
		return ""
	}
	return u.String()
}
