package session

import (
	"errors"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/settings"
	"github.com/modferry/modferry/internal/worklist"
)

// Examine opens a session to be examined, with the go command's settings of a
// host. What is wrong with their syntax is a finding, too.
func Examine(v *settings.Values, h goenv.Host, o Options) (*Session, error) {
	env, findings, err := Environment(v, h)
	var syntax *goenv.SyntaxError
	if errors.As(err, &syntax) {
		findings, err = append(findings, syntax.Finding(env.Source(syntax.Setting))), nil
	}
	if err != nil {
		return nil, err
	}
	return OpenForDoctor(v, env, findings, o), nil
}

// OpenForDoctor opens a session to be examined. What Open refuses becomes a
// finding: all that is wrong is told at once, as a compiler does. noticed are
// the findings about where the settings come from.
func OpenForDoctor(v *settings.Values, env goenv.Env, noticed []finding.Finding, o Options) *Session {
	s := newSession(v, env, o)
	s.Findings = append(s.Findings, noticed...)
	if err := s.readList(); err != nil {
		s.Findings = append(s.Findings, inputFinding(err))
	}
	if err := s.open(); err != nil {
		s.Unsound = s.openRest() != nil
		// goenv.Check finds what a SyntaxError says, and more of the kind, where it is
		// not the checkout that says it.
		var said *sourcedError
		switch {
		case errors.As(s.sourced(err), &said):
			if said.source != env.Source(said.err.Setting) {
				s.Findings = append(s.Findings, said.err.Finding(said.source))
			}
		case !errors.As(err, new(*goenv.SyntaxError)):
			s.Findings = append(s.Findings, finding.Finding{Check: "setting-refused", Severity: finding.Error, Setting: "modferry",
				Effect: "It cannot run with the settings it has: " + failure.Plain(err.Error())})
		}
	}
	return s
}

// openRest opens what is left where a setting is wrong: the mirrors that the settings
// name without doubt. They are asked for a public module alone, as a pattern that
// keeps names from them may be what is wrong.
func (s *Session) openRest() error {
	if err := goenv.ReadForward(s.getenv).Err(); err != nil {
		return err // nothing can be asked without telling a part of the password
	}
	list, _ := s.mirrorList()
	if s.Configured = goenv.Understood(list); len(s.Configured.Mirrors()) == 0 {
		return errors.New("no mirror is named")
	}
	var err error
	if s.SumDB, err = goenv.ParseSumDB(s.Env.Get("GOSUMDB")); err != nil {
		s.SumDB = goenv.SumDB{Off: true}
	}
	s.nameless, s.Chain = true, Chain{}
	return s.openMirrors()
}

// inputFinding is what keeps the checkout from being read.
func inputFinding(err error) finding.Finding {
	var input *worklist.InputError
	switch {
	case !errors.As(err, &input):
		return finding.Finding{Check: "checkout-invalid", Severity: finding.Error, Effect: failure.Plain(err.Error())}
	case errors.Is(err, worklist.ErrNoCheckout):
		return finding.Finding{Check: "checkout-missing", Severity: finding.Info, File: input.File, Found: input.Found,
			Effect: "The settings are checked without knowing which modules they apply to.", Fix: input.Remedy}
	}
	return finding.Finding{Check: "checkout-invalid", Severity: finding.Error, File: input.File, Line: input.Line, Found: input.Found,
		Effect: "Expected " + input.Expected + "; builds and modferry fetch fail here.", Fix: input.Remedy}
}
