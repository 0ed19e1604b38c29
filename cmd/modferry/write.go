package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/outlet"
)

// open opens a file that an argument names; "-" is standard input.
func (p process) open(ctx context.Context, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(p.stdin), nil
	}
	return diskfile.Stream(ctx, name)
}

// writeJSON writes a result to a file, all of it or nothing; "-" is standard
// output. checkout is the directory of the run, "" when it is not known.
func (p process) writeJSON(target, checkout string, encode func(io.Writer) error) error {
	var b bytes.Buffer
	err := encode(&b)
	if err == nil && target == "-" {
		_, err = outlet.Data(p.stdout).Write(b.Bytes())
	} else if err == nil {
		if err := checkTarget(target); err != nil {
			return err
		}
		err = diskfile.WriteOutput(target, b.Bytes(), ".", checkout)
	}
	if err != nil {
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
