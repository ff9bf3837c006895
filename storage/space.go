package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// space guards against a full disk. Badger writes through mmap: a full disk
// there is a SIGBUS and not an error, at run time and at open. So writes are
// refused while there is still room, and a ballast file can be given back to
// get a full directory open again.
type space struct {
	dir     string
	min     int64
	ballast string
	free    func(dir string) (int64, error)
}

func statFree(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(st.Bavail) * int64(st.Bsize), nil // their types differ between systems
}

// openSpace makes room for opening, from the ballast if need be, or makes the
// ballast when there is plenty.
func openSpace(dir string, o Options) (*space, error) {
	sp := &space{dir: dir, min: max(o.MinFree, 0), ballast: filepath.Join(dir, "BALLAST"), free: o.freeSpace}
	if sp.min == 0 {
		return sp, nil
	}
	free, err := sp.free(dir)
	if err != nil {
		return nil, err
	}
	size := max(o.Ballast, 0)
	if free < sp.min/2 {
		st, err := os.Stat(sp.ballast)
		if err != nil || st.Size() == 0 {
			return nil, fmt.Errorf("%w: %d MB free in %s, %d MB needed to open it", ErrDiskFull, free>>20, dir, sp.min/2>>20)
		}
		o.Logger.Warn("disk is full: giving back the ballast file", "file", sp.ballast, "bytes", st.Size())
		return sp, os.Remove(sp.ballast)
	}
	if _, err := os.Stat(sp.ballast); size > 0 && errors.Is(err, fs.ErrNotExist) && free > 2*sp.min+size {
		return sp, makeBallast(sp.ballast, size)
	}
	return sp, nil
}

// makeBallast reserves real blocks; where they cannot be, there is no ballast.
func makeBallast(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := reserve(f, 0, size); err != nil {
		return os.Remove(path)
	}
	return nil
}

// check answers ErrDiskFull when less than need is free. need is a share of
// the guard: ordinary writes stop first, so that what gives space back (DROP,
// checkpoints and the truncation after them) still can.
func (sp *space) check(need int64) error {
	if sp.min == 0 {
		return nil
	}
	free, err := sp.free(sp.dir)
	if err != nil {
		return err
	}
	if free < need {
		return fmt.Errorf("%w: %d MB free in %s, %d MB needed", ErrDiskFull, free>>20, sp.dir, need>>20)
	}
	return nil
}

// forRows is asked before rows are taken in, forUpkeep before anything else.
func (sp *space) forRows() error   { return sp.check(sp.min) }
func (sp *space) forUpkeep() error { return sp.check(sp.min / 2) }

// FreeSpace is what the file system has left for this user.
func (s *Store) FreeSpace() (int64, error) { return s.space.free(s.dir) }

// DiskUsage is how many bytes of disk the log and the state occupy.
func (s *Store) DiskUsage() (log, state int64, err error) {
	if log, err = diskUsage(filepath.Join(s.dir, "log")); err != nil {
		return 0, 0, err
	}
	state, err = diskUsage(filepath.Join(s.dir, "state"))
	return log, state, err
}

// diskUsage counts blocks, not lengths: Badger's open files are sparse.
func diskUsage(dir string) (int64, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, e := range list {
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(dir, e.Name()), &st); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				continue // compacted or truncated away meanwhile
			}
			return 0, err
		}
		sum += st.Blocks * 512
	}
	return sum, nil
}
