package download

import (
	"context"

	"github.com/modferry/modferry/internal/failure"
)

// answer reports whether a failure is an answer about the module rather than
// one of the transfer.
func answer(c failure.Class) bool {
	switch c {
	case failure.NotFound, failure.Gone, failure.Unauthorized, failure.Forbidden:
		return true
	}
	return false
}

// Local reports whether a failure is this machine's, which no mirror can help.
// Too many open files are among them, but that passes.
func Local(c failure.Class) bool {
	switch c {
	case failure.DiskFull, failure.Permission, failure.LocalIO:
		return true
	}
	return false
}

// overload reports whether fewer requests at a time might have prevented it.
func overload(fe *failure.Error) bool {
	if failure.TooManyOpen(fe) {
		return true
	}
	switch fe.Class {
	case failure.Throttled, failure.ServerError, failure.Reset, failure.HTTP2Reset, failure.Refused,
		failure.ConnectTimeout, failure.TLSTimeout, failure.FirstByteTimeout, failure.Stall:
		return true
	}
	return false
}

func cancelled(ctx context.Context) *failure.Error {
	return failure.New(failure.Cancelled, "get", "", context.Cause(ctx))
}

// content reports whether a failure is about the bytes of a complete file.
func content(c failure.Class) bool {
	switch c {
	case failure.HashMismatch, failure.WrongContent, failure.UnsafeZip, failure.TooLarge:
		return true
	}
	return false
}
