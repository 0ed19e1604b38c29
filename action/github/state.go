package github

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/report"
	"github.com/modferry/modferry/internal/settings"
)

// The names in the runner's state, which main writes and post reads.
const (
	stateResult = "result" // the file with the result
	stateGiven  = "given"  // what main was given, as JSON
	stateJoined = "joined" // whether later steps ask the relay of the job
)

// remembered are the variables in which a stage is given inputs and settings,
// but for those with credentials: the runner shows its state when debug logging
// is on.
func remembered() map[string]bool {
	names := map[string]bool{}
	for _, s := range settings.Table() {
		if s.Input && !s.Secret {
			names[variable(s.InputName())], names[s.Env()] = true, true
		}
	}
	for _, i := range ownInputs() {
		if !i.Secret {
			names[variable(i.Name)] = true
		}
	}
	return names
}

// remember hands to post what this stage was given, and the module cache that
// came of it. Post would be given something else: the inputs of an action within
// a composite one are evaluated anew there and come out empty, and steps in
// between set variables, another use of the action among them.
func (s *step) remember() error {
	given := map[string]string{}
	for name := range remembered() {
		if text := s.Getenv(name); text != "" {
			given[name] = text
		}
	}
	given[variable("modcache")] = s.modcache
	text, err := json.Marshal(given)
	if err != nil {
		return err
	}
	return s.files.set(stateFile, stateGiven, string(text))
}

// recall is getenv of the post stage with what main was given; getenv itself
// where no state is handed over, as under act.
func recall(getenv func(string) string) (func(string) string, error) {
	text := getenv("STATE_" + stateGiven)
	if text == "" {
		return getenv, nil
	}
	given := map[string]string{}
	if err := json.Unmarshal([]byte(text), &given); err != nil {
		return nil, fmt.Errorf("read what the main stage was given: found %w in STATE_%s, expected JSON written by it", err, stateGiven)
	}
	known := remembered()
	return func(name string) string {
		if known[name] {
			return given[name]
		}
		return getenv(name)
	}, nil
}

// reportFile is the file of input report, "" for none.
func (s *step) reportFile() (string, error) {
	name := s.inputs.own["report"]
	if name == "" {
		return "", nil
	}
	// Of its directory, since a link in the file's own place is not followed.
	dir, err := s.host.place("input report", filepath.Dir(name))
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, filepath.Base(name))
	if info, err := os.Lstat(file); err == nil && info.IsDir() {
		return "", fmt.Errorf("input report: found the directory %s, expected a file; write report: %s", name, filepath.Join(name, "modferry.json"))
	}
	return file, nil
}

// keep leaves for the post stage what it needs of this one, and the result where
// input report wants it.
func (s *step) keep(res *report.Result) error {
	var b bytes.Buffer
	if err := report.JSON(&b, res); err != nil {
		return err
	}
	name := s.host.resultFile(s.Getenv, rand.Text())
	err := errors.Join(diskfile.WriteIn(s.host.temp, name, b.Bytes()), s.files.set(stateFile, stateResult, name), s.remember())
	if s.report != "" {
		name = s.report
		err = errors.Join(err, s.writeReport(b.Bytes()))
	}
	return errors.Join(err, s.files.set(outputFile, "report", s.host.outside(name)))
}

// writeReport writes the file of input report. In the workspace the checkout may
// have put a link in its place, which is replaced and not followed.
func (s *step) writeReport(data []byte) error {
	made, err := firstMissing(s.report) // what of the way to it this step makes
	if _, within := below(s.report, s.host.workspace); err == nil && within {
		err = diskfile.WriteIn(s.host.workspace, s.report, data)
	} else if err == nil {
		if err = os.MkdirAll(filepath.Dir(s.report), 0o777); err == nil {
			err = diskfile.Write(s.report, data)
		}
	}
	if err != nil {
		return fmt.Errorf("input report: %w", err)
	}
	return handOver(made, s.host.workspace)
}

// firstMissing is the topmost directory on the way to a file that is not there,
// or the file itself.
func firstMissing(name string) (string, error) {
	for parent := filepath.Dir(name); !isDirectory(parent); parent = filepath.Dir(name) {
		if parent == name {
			return "", fmt.Errorf("found no directory above %s: %w", name, fs.ErrNotExist)
		}
		name = parent
	}
	return name, nil
}

// resultFile is where main leaves the result for post. unique tells apart the
// uses of the action in one job, also those within composite actions, to which
// the runner may give the same GITHUB_ACTION. Under act post has nothing but that
// to find it by.
func (h *host) resultFile(getenv func(string) string, unique string) string {
	if h.stateless {
		unique = url.PathEscape(getenv("GITHUB_ACTION"))
	}
	return filepath.Join(h.temp, "result-"+unique+".json")
}
