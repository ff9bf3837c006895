package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// attempts counts, over crashes of the process, how often each epoch's replay
// was begun and not survived. DIR/ATTEMPTS is one small file written in place
// and not synced: what must survive is a crash of the process, and a power
// failure is not the epoch's fault.
//
//	0    crc u32   over bytes 4..1024
//	4    epoch under way u64, 0 = none
//	12   n u32, then n times {epoch u64, crashes u32}
//	1024 crc u32, length u32, note
type attempts struct {
	mu      sync.Mutex
	f       *os.File
	running uint64
	crashed []crashCount
	note    string
}

type crashCount struct {
	epoch uint64
	n     uint32
}

const (
	attemptsBlock = 1024
	attemptsMax   = 64 // epochs remembered; the oldest goes
	noteMax       = 3 << 10
)

func openAttempts(dir string) (*attempts, error) {
	f, err := os.OpenFile(filepath.Join(dir, "ATTEMPTS"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, permission(dir, err)
	}
	a := &attempts{f: f}
	b := make([]byte, attemptsBlock+8+noteMax)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		f.Close()
		return nil, err
	}
	if n < len(b) {
		if err := f.Truncate(int64(len(b))); err != nil {
			f.Close()
			return nil, err
		}
	}
	a.parse(b)
	if a.running != 0 {
		a.count(a.running)
		a.running = 0
	}
	return a, a.store()
}

// parse takes what is whole; a torn counter starts again from nothing.
func (a *attempts) parse(b []byte) {
	if h := b[:attemptsBlock]; binary.LittleEndian.Uint32(h) == checksum(h[4:]) {
		a.running = binary.LittleEndian.Uint64(h[4:])
		for i := range min(int(binary.LittleEndian.Uint32(h[12:])), attemptsMax) {
			e := h[16+12*i:]
			a.crashed = append(a.crashed, crashCount{binary.LittleEndian.Uint64(e), binary.LittleEndian.Uint32(e[8:])})
		}
	}
	t := b[attemptsBlock:]
	if n := binary.LittleEndian.Uint32(t[4:]); n <= noteMax && binary.LittleEndian.Uint32(t) == checksum(t[4:8+n]) {
		a.note = string(t[8 : 8+n])
	}
}

func (a *attempts) count(epoch uint64) {
	for i := range a.crashed {
		if a.crashed[i].epoch == epoch {
			a.crashed[i].n++
			return
		}
	}
	if len(a.crashed) == attemptsMax {
		a.crashed = append(a.crashed[:0], a.crashed[1:]...)
	}
	a.crashed = append(a.crashed, crashCount{epoch, 1})
}

func (a *attempts) store() error {
	var b [attemptsBlock]byte
	binary.LittleEndian.PutUint64(b[4:], a.running)
	binary.LittleEndian.PutUint32(b[12:], uint32(len(a.crashed)))
	for i, c := range a.crashed {
		binary.LittleEndian.PutUint64(b[16+12*i:], c.epoch)
		binary.LittleEndian.PutUint32(b[16+12*i+8:], c.n)
	}
	binary.LittleEndian.PutUint32(b[:], checksum(b[4:]))
	_, err := a.f.WriteAt(b[:], 0)
	return err
}

func (a *attempts) close() error { return a.f.Close() }

// RecordAttempt is called before an epoch is replayed. It answers which attempt
// this is: 1, or more when the process died in earlier ones.
func (s *Store) RecordAttempt(epoch uint64) (int, error) {
	a := s.tries
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running = epoch
	if err := a.store(); err != nil {
		return 0, fmt.Errorf("recording a replay attempt: %w", err)
	}
	for _, c := range a.crashed {
		if c.epoch == epoch {
			return int(c.n) + 1, nil
		}
	}
	return 1, nil
}

// ClearAttempts is called when recovery is through, or when what crashed was
// taken out of the way.
func (s *Store) ClearAttempts() error {
	a := s.tries
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running, a.crashed = 0, nil
	return a.store()
}

// SetNote remembers a short text over a crash of the process, such as which
// view is running now. It costs one small write and no sync. Text past 3 KiB
// is cut off.
func (s *Store) SetNote(note string) error {
	a := s.tries
	a.mu.Lock()
	defer a.mu.Unlock()
	if note == a.note {
		return nil
	}
	note = note[:min(len(note), noteMax)]
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	b.WriteString(note)
	binary.LittleEndian.PutUint32(b.Bytes()[4:], uint32(len(note)))
	binary.LittleEndian.PutUint32(b.Bytes(), checksum(b.Bytes()[4:]))
	if _, err := a.f.WriteAt(b.Bytes(), attemptsBlock); err != nil {
		return err
	}
	a.note = note
	return nil
}

// Note returns the last note, of this process or an earlier one.
func (s *Store) Note() string {
	s.tries.mu.Lock()
	defer s.tries.mu.Unlock()
	return s.tries.note
}
