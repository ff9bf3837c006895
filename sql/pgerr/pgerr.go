package pgerr

import (
	"errors"
	"fmt"
)

// Error is an error with the fields of a PostgreSQL ErrorResponse.
type Error struct {
	Code       string // SQLSTATE, five characters
	Message    string
	Detail     string
	Hint       string
	Position   int // 1-based character offset into the statement text, 0 if unknown
	Where      string
	Schema     string
	Table      string
	Column     string
	Constraint string
}

// Error returns the primary message.
func (e *Error) Error() string { return e.Message }

// New returns an error with a SQLSTATE and a fixed message.
func New(code, message string) *Error { return &Error{Code: code, Message: message} }

// Newf returns an error with a SQLSTATE and a formatted message.
func Newf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Unsupported is 0A000 for a feature that is valid SQL but not run by this version; feature names it.
func Unsupported(feature string) *Error {
	return Newf(FeatureNotSupported, "%s is not supported", feature)
}

// WithDetail returns e with its detail set. It changes e: call it while e is being built.
func (e *Error) WithDetail(format string, args ...any) *Error {
	e.Detail = fmt.Sprintf(format, args...)
	return e
}

// WithHint returns e with its hint set. It changes e: call it while e is being built.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// At returns e with its position set to a 0-based byte offset, unless it already has one or off is
// negative. It changes e: call it while e is being built. The session turns bytes into characters.
func (e *Error) At(off int) *Error {
	if e.Position == 0 && off >= 0 {
		e.Position = off + 1
	}
	return e
}

// Of returns the Error inside err. An error without one is an internal error: XX000 with err's text.
// Of(nil) is nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: Internal, Message: err.Error()}
}

// Is reports whether err carries the SQLSTATE code.
func Is(err error, code string) bool {
	if err == nil {
		return false
	}
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
