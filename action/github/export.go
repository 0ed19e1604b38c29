package github

import (
	"errors"
	"strconv"

	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/relay"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
)

// export sets for later steps the variables that the go command reads. GOMODCACHE
// also when it has this value here: later steps may see another one.
func (s *step) export() error {
	var errs []error
	for _, v := range s.job.Exports(s.chain, false) {
		switch {
		case v.Name == "GOPROXY" && s.relay != nil:
			continue
		case v.Name == "GOMODCACHE":
			v.Value = s.host.outside(v.Value)
		case v.Value == s.Getenv(v.Name):
			continue
		}
		s.maskCredentials(v.Value)
		errs = append(errs, s.files.set(envFile, v.Name, v.Value))
	}
	if s.relay != nil {
		chain := s.goproxy()
		s.maskCredentials(chain)
		through := relay.Before(s.relay.URL, chain)
		if len(s.values.Rules) > 0 { // which would not hold behind a bar
			through = relay.Instead(s.relay.URL, chain, s.job.Chain.End)
		}
		errs = append(errs, s.files.set(envFile, "GOPROXY", through), s.files.set(stateFile, stateJoined, "true"))
	}
	return errors.Join(errs...)
}

// maskCredentials masks the credentials of a setting: the log shows its value in
// the header of every later step.
func (s *step) maskCredentials(value string) {
	for _, credential := range goenv.Secrets(value) {
		s.actions.AddMask(credential)
	}
}

// goproxy is GOPROXY of later steps, behind a relay.
func (s *step) goproxy() string {
	if vars := s.job.Exports(s.chain, false); len(vars) > 0 && vars[0].Name == "GOPROXY" {
		return vars[0].Value
	}
	return s.job.Env.Get("GOPROXY")
}

// outputs sets the outputs of the step. goproxy is what later steps get.
func (s *step) outputs(res *report.Result, goproxy string) error {
	by := res.Totals.BySource
	var errs []error
	for _, o := range []struct{ name, value string }{
		{"outcome", string(res.Outcome)},
		{"cache-hit", res.Cache.Hit},
		{"goproxy", settings.Redact(goproxy)},
		{"gosumdb", res.Settings.GOSUMDB},
		{"gomodcache", s.host.outside(s.modcache)},
		{"modules", strconv.Itoa(res.Totals.Modules)},
		{"files", strconv.Itoa(res.Totals.Files)},
		{"fetched", strconv.Itoa(by[report.FromMirror])},
		{"restored", strconv.Itoa(by[report.FromCache])},
		{"deferred", strconv.Itoa(by[report.FromDeferred])},
		{"failed", strconv.Itoa(by[report.FromFailed])},
		{"bytes", strconv.FormatInt(res.Totals.Bytes, 10)},
	} {
		errs = append(errs, s.files.set(outputFile, o.name, o.value))
	}
	return errors.Join(errs...)
}
