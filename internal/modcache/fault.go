package modcache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"syscall"

	"golang.org/x/mod/module"

	"github.com/modferry/modferry/internal/diskfile"
	"github.com/modferry/modferry/internal/failure"
)

// An ExtractError says that a zip is verified and in its place, but could not
// be extracted: it breaks the module zip rules (which the go command checks
// only when it extracts, and would then fail too), or the disk is full.
type ExtractError struct {
	Module module.Version
	Err    error // a *failure.Error
}

func (e *ExtractError) Error() string {
	return fmt.Sprintf("%v; the zip of %s is in the module cache, its tree is not", e.Err, e.Module)
}

func (e *ExtractError) Unwrap() error { return e.Err }

// OfModule reports whether the module is what cannot be extracted, whoever tries
// and wherever: the module zip rules forbid it, or a name in it is longer than
// this file system allows. Otherwise this machine cannot go on.
func (e *ExtractError) OfModule() bool {
	switch failure.As(e.Err).Class {
	case failure.DiskFull, failure.Permission, failure.LocalIO:
		return errors.Is(e.Err, syscall.ENAMETOOLONG) || isWindows(e.Err, windowsInvalidName) || isWindows(e.Err, windowsNameTooLong)
	case failure.Cancelled:
		return false
	}
	return true
}

// Windows error codes that its syscall package does not map to the Unix ones.
const (
	windowsNotSameDevice = syscall.Errno(17)
	windowsDiskFull      = syscall.Errno(112)
	windowsInvalidName   = syscall.Errno(123) // also of a name with more than 255 characters
	windowsNameTooLong   = syscall.Errno(206)
)

// local classifies err, an error of the file system or of a context, as the
// failure of op. An error that is classified already is kept.
func local(op string, err error) error {
	if err == nil {
		return nil
	}
	var known *failure.Error
	if errors.As(err, &known) {
		return err
	}
	return &failure.Error{Class: localClass(err), Op: op, Err: err}
}

func localClass(err error) failure.Class {
	switch {
	case errors.Is(err, context.Canceled):
		return failure.Cancelled
	case errors.Is(err, context.DeadlineExceeded):
		return failure.Timeout
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), isWindows(err, windowsDiskFull):
		return failure.DiskFull
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return failure.Permission
	}
	return failure.LocalIO
}

// crossDevice reports whether a rename failed because its two ends are on
// different file systems, as when only a part of GOMODCACHE is a mount.
func crossDevice(err error) bool {
	return errors.Is(err, syscall.EXDEV) || isWindows(err, windowsNotSameDevice)
}

// special reports whether there is something at the place of a file that is no
// regular one: a FIFO, a device, a directory.
func special(err error) bool {
	var kind *diskfile.KindError
	return errors.As(err, &kind)
}

// foreign reports whether what is at the place of a small file cannot be one of
// the module cache: it is special, or larger than any go.mod may be.
func foreign(err error) bool {
	var size *diskfile.SizeError
	return special(err) || errors.As(err, &size)
}

func isWindows(err error, code syscall.Errno) bool {
	return runtime.GOOS == "windows" && errors.Is(err, code)
}

// reject is the verdict on content that must not enter the module cache. What
// format takes from the content is neutralised.
func reject(class failure.Class, what string, m module.Version, format string, args ...any) error {
	return &failure.Error{
		Class:  class,
		Op:     fmt.Sprintf("verify %s of %s", what, m),
		Detail: failure.Neutral(fmt.Sprintf(format, args...)),
	}
}

func mismatch(what string, m module.Version, got, want string) error {
	return reject(failure.HashMismatch, what, m, "found %s, expected %s", got, want)
}

// needSum refuses to work without a hash to verify against.
func needSum(what string, m module.Version, h1 string) error {
	if validSum(h1) {
		return nil
	}
	found := "no hash"
	if h1 != "" {
		found = fmt.Sprintf("hash %q", h1)
	}
	return reject(failure.MissingSum, what, m, "found %s, expected the h1: hash of a go.sum line", found)
}
