package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/outlet"
	"github.com/modferry/modferry/internal/report"
)

// writeJSON writes the result to a file, all of it or nothing; "-" is standard
// output. checkout is the directory of the run, "" when it is not known.
func (p process) writeJSON(target, checkout string, res *report.Result) error {
	var b bytes.Buffer
	if err := report.JSON(&b, res); err != nil {
		return fmt.Errorf("render the result as JSON: %w", err)
	}
	return p.writeTo(target, checkout, b.Bytes())
}

// writeTo writes to a file or, for "-", to standard output. checkout is the
// directory of the run, "" when it is not known.
func (p process) writeTo(target, checkout string, data []byte) error {
	if target == "-" {
		if _, err := outlet.Data(p.stdout).Write(data); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
		return nil
	}
	if err := checkTarget(target); err != nil {
		return err
	}
	if err := diskfile.WriteOutput(target, data, ".", checkout); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// checkTarget finds out before the run whether its result has a place to go.
func checkTarget(target string) error {
	if target == "" || target == "-" {
		return nil
	}
	if info, err := os.Stat(target); err == nil && info.IsDir() {
		return fmt.Errorf("--json: found the directory %s, expected a file; write --json %s", target, filepath.Join(target, "modferry.json"))
	}
	dir := filepath.Dir(target)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("--json: found no directory %s, expected an existing one for the file; create it or correct the path", dir)
	case err != nil:
		return fmt.Errorf("--json: %w", err)
	case !info.IsDir():
		return fmt.Errorf("--json: found the file %s, expected a directory; correct the path", dir)
	}
	return nil
}
