package storage

import (
	"errors"
	"fmt"
)

// What callers tell apart with errors.Is. The texts of the errors returned
// name the file, the place and the cause; these are only the kinds.
var (
	// ErrDiskFull: refused before anything was written, because free space fell
	// under the guard. The store goes on; reads work; the call may be repeated.
	ErrDiskFull = errors.New("not enough free disk space")
	// ErrDamaged: bytes on disk are not what was written (a *DamageError).
	ErrDamaged = errors.New("data directory is damaged")
	// ErrLocked: another process has the directory open.
	ErrLocked = errors.New("data directory is locked")
	// ErrFormat: the directory is not ours or is written by a newer version.
	ErrFormat = errors.New("unsupported data format")
	// ErrPermission: the directory cannot be read or written by this user.
	ErrPermission = errors.New("data directory permission")
	// ErrStopped: an earlier write or fsync failed; close and open again.
	ErrStopped = errors.New("storage stopped after a failed write")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("storage is closed")
)

// DamageError says where the damage is. Offset is -1 when it has none.
type DamageError struct {
	Path   string
	Offset int64
	Detail string
	Err    error // what was found underneath, if anything
}

func (e *DamageError) Error() string {
	s := "data directory is damaged: " + e.Path
	if e.Offset >= 0 {
		s += fmt.Sprintf(" at offset %d", e.Offset)
	}
	s += ": " + e.Detail
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Is makes errors.Is(err, ErrDamaged) true.
func (e *DamageError) Is(target error) bool { return target == ErrDamaged }

func (e *DamageError) Unwrap() error { return e.Err }

func damaged(path string, off int64, format string, args ...any) error {
	return &DamageError{Path: path, Offset: off, Detail: fmt.Sprintf(format, args...)}
}
