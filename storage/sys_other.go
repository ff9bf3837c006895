//go:build unix && !linux

package storage

import (
	"errors"
	"os"
)

// reserve: no space is allocated ahead, so every sync also writes the new
// length of the file, and there is no ballast (space.go).
func reserve(*os.File, int64, int64) error { return errors.ErrUnsupported }

// fdatasync is Sync: on macOS F_FULLFSYNC, which empties the drive's own cache,
// as only that is durable there; elsewhere fsync. The handle may be closed
// meanwhile by a seal, which has synced everything before it closes.
func fdatasync(f *os.File) error {
	if err := f.Sync(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// startWriteback: the sync writes everything itself.
func startWriteback(*os.File, int64, int64) {}
