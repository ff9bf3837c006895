package storage

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// What the log asks of the operating system, for Linux; sys_other.go is the
// same for others, where it is slower or left out.

// reserve allocates disk space for a range of the file, which reads as zeros.
// A file system that cannot answers errors.ErrUnsupported.
func reserve(f *os.File, off, n int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, off, n)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
		return errors.ErrUnsupported
	}
	return &os.PathError{Op: "fallocate", Path: f.Name(), Err: err}
}

// fdatasync syncs the file's bytes. The handle may be closed meanwhile by a
// seal, which has synced everything before it closes.
func fdatasync(f *os.File) error {
	rc, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	err = rc.Control(func(fd uintptr) {
		for {
			if serr = syscall.Fdatasync(int(fd)); !errors.Is(serr, syscall.EINTR) {
				return
			}
		}
	})
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	if err == nil && serr != nil {
		err = &os.PathError{Op: "fdatasync", Path: f.Name(), Err: serr}
	}
	return err
}

// startWriteback asks the kernel to begin writing a range, so that the sync of
// a large commit finds most of it on disk already. n = 0 is to the end of the
// file. A refusal costs only time.
func startWriteback(f *os.File, off, n int64) {
	if rc, err := f.SyscallConn(); err == nil {
		rc.Control(func(fd uintptr) {
			unix.SyncFileRange(int(fd), off, n, unix.SYNC_FILE_RANGE_WRITE)
		})
	}
}
