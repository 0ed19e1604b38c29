package github

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/modferry/modferry/action/owndir"
	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/finding"
	"github.com/modferry/modferry/internal/goenv"
	"github.com/modferry/modferry/internal/session"
	"github.com/modferry/modferry/internal/settings"
)

func newStep(p Process) (*step, error) {
	if p.Native {
		p.Getenv = behindRelay(p.Getenv)
	}
	s := &step{Process: p, actions: Commands(p.Stdout), files: &fileCommands{p.Getenv, rand.Reader}}
	var err error
	if s.inputs, err = readInputs(p.Getenv); err != nil {
		return nil, err
	}
	if p.Native {
		s.host, err = findNative(p.Getenv)
		return s, err
	}
	if s.host, err = findHost(p.Getenv, s.inputs.own["host-temp"], isDirectory, isMount); err != nil {
		return nil, err
	}
	return s, nil
}

// opener is session.Open, or that of a relay.
type opener func(*settings.Values, goenv.Env, session.Options) (*session.Session, error)

func (s *step) prepare(open opener) error {
	var err error
	if s.values, err = s.resolve(); err != nil {
		return err
	}
	v := s.values
	if s.report, err = s.reportFile(); err != nil {
		return err
	}
	if v.ModCache == "" && !s.Native {
		s.chooseModcache()
	}
	if err := s.host.makeTemp(); err != nil {
		return fmt.Errorf("make a directory that later steps can see: %w", err)
	}
	getenv, forget, err := s.goGetenv()
	if err != nil {
		return err
	}
	defer forget()
	machine := goenv.Host{Getenv: getenv, ReadFile: diskfile.ReadSettings, EvalSymlinks: filepath.EvalSymlinks, LookPath: s.lookPath(), GOOS: runtime.GOOS}
	env, findings, err := owndir.Environment(v, machine, s.isRemoved)
	if err != nil {
		return err
	}
	s.modcache = env.Get("GOMODCACHE")
	s.remarks = append(s.remarks, findings...)
	s.job, err = open(v, env, session.Options{Tool: s.Tool, Log: s.debug(), Getenv: getenv, Mask: s.actions.AddMask, Secrets: s.Secrets})
	return err
}

// chooseModcache chooses the module cache where no setting names one.
func (s *step) chooseModcache() {
	variable := s.Getenv("GOMODCACHE")
	dir, remark := s.host.modcache(variable)
	s.values.ModCache, s.values.Sources["modcache"] = dir, "the action"
	if dir == s.host.inside(variable) {
		s.values.Sources["modcache"] = "environment"
	}
	if remark != "" {
		s.remarks = append(s.remarks, finding.Finding{Check: "modcache-unseen", Severity: finding.Info, Setting: "GOMODCACHE",
			Found: variable, Source: "environment", Effect: remark, Fix: "set input modcache to a path below ${{ runner.temp }}"})
	}
}

// goGetenv is the environment from which the go command's settings are read.
// GOROOT and GOPATH, which earlier steps exported for the host's toolchain, do not
// exist in this container. Input netrc becomes a file until forget is called, once the
// session has read it.
func (s *step) goGetenv() (getenv func(string) string, forget func(), err error) {
	file := ""
	forget = func() {}
	if netrc := s.inputs.own["netrc"]; netrc != "" {
		f, err := os.CreateTemp("", "netrc-*") // mode 0600
		if err == nil {
			_, err = f.WriteString(netrc + "\n")
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return nil, nil, fmt.Errorf("keep the text of input netrc: %w", err)
		}
		file = f.Name()
		forget = func() { _ = os.Remove(file) }
	}
	return func(name string) string {
		switch {
		case name == "NETRC" && file != "":
			return file
		case s.host.container && (name == "GOROOT" || name == "GOPATH"):
			return ""
		case name == "GOWORK" || name == "NETRC" || name == "GOENV":
			if value := s.Getenv(name); filepath.IsAbs(value) {
				return s.host.inside(value)
			}
		}
		return s.Getenv(name)
	}, forget, nil
}

// isRemoved reports whether others remove the module cache: a self-hosted runner
// removes its temporary files, the next checkout what is in the workspace.
func (s *step) isRemoved(modcache string) bool {
	_, inWorkspace := below(modcache, s.host.workspace)
	return inWorkspace || s.Getenv("RUNNER_ENVIRONMENT") == "self-hosted" && !s.Native
}
