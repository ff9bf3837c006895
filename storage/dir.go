package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	formatFile   = "FORMAT"
	formatPrefix = "millrace data format "
	// formatVersion 2 packs pages (pack.go); what 1 wrote is read as it is.
	formatVersion = 2
)

// dirLock is a flock on DIR/LOCK; the kernel drops it when the process dies.
type dirLock struct{ f *os.File }

func lockDir(dir string) (*dirLock, error) {
	if dir == "" {
		return nil, errors.New("no data directory given")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, permission(dir, err)
	}
	path := filepath.Join(dir, "LOCK")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, permission(dir, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("cannot lock %s: %w", path, err)
		}
		who, _ := os.ReadFile(path)
		return nil, fmt.Errorf("%w: %s is in use by another process (pid %s)", ErrLocked, dir, strings.TrimSpace(string(who)))
	}
	if err := f.Truncate(0); err == nil {
		fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return &dirLock{f}, nil
}

func (l *dirLock) close() error { return l.f.Close() }

// permission names the directory in an access error.
func permission(dir string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: this user cannot use %s: %w", ErrPermission, dir, err)
	}
	return err
}

// checkFormat reads the version in the FORMAT file. A directory without one is
// fresh, version 0, if it holds nothing of ours but a first opening that did not finish.
func checkFormat(dir string) (version int, err error) {
	path := filepath.Join(dir, formatFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, checkFresh(dir)
	}
	if err != nil {
		return 0, permission(dir, err)
	}
	text := strings.TrimSpace(string(b))
	if n, err := fmt.Sscanf(text, formatPrefix+"%d", &version); n != 1 || err != nil || version < 1 {
		return 0, damaged(path, 0, "does not name a data format: %.40q", text)
	}
	if version > formatVersion {
		return 0, fmt.Errorf("%w: %s has data format %d, written by a newer version; this program reads up to %d",
			ErrFormat, dir, version, formatVersion)
	}
	return version, nil
}

// checkFresh refuses to start a new data directory on top of someone's files.
func checkFresh(dir string) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return permission(dir, err)
	}
	for _, e := range list {
		switch e.Name() {
		case "LOCK", "ATTEMPTS", "BALLAST", "log", "state", formatFile + ".tmp", "lost+found":
		default:
			return fmt.Errorf("%w: %s is not empty and has no %s file (found %s)", ErrFormat, dir, formatFile, e.Name())
		}
	}
	// A first opening that did not finish has at most one empty segment.
	segs, err := filepath.Glob(filepath.Join(dir, "log", "*.log"))
	if err != nil {
		return err
	}
	if len(segs) > 1 {
		return damaged(filepath.Join(dir, formatFile), -1, "missing, but there are log segments")
	}
	return nil
}

func writeFormat(dir string) error {
	tmp := filepath.Join(dir, formatFile+".tmp")
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s%d\n", formatPrefix, formatVersion)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, filepath.Join(dir, formatFile))
	}
	if err == nil {
		err = syncDir(dir)
	}
	return err
}
