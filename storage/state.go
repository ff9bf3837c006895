package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Keys in Badger; integers big endian, so that iteration is in their order.
//
//	'M'                                  manifest head (manifest.go)
//	'm' checkpoint u64, chunk u16        manifest payload
//	'k' table u32, page u64, checkpoint  page copy: chunks u16 (top bit: packed), length u32, crc u32
//	                                     with no value: the page is dropped there
//	'p' table, page, checkpoint, chunk   a copy's bytes, packed if that makes them fewer (pack.go)
//	't' table u32, checkpoint u64        older copies of the table's pages are dropped there
//	's' segment u64                      a log segment that must be there
//
// Checkpoint is the attempt's number: one more than any before, never used
// twice while anything under it may exist. The small 'k' keys lie together, so
// Open learns what there is without touching the pages.
const (
	keyManifest = 'M'
	keyPayload  = 'm'
	keyIndex    = 'k'
	keyPage     = 'p'
	keyTable    = 't'
	keySegment  = 's'

	// chunkSize keeps values under Badger's value threshold, beyond which they
	// go to the value log, whose space does not come back.
	chunkSize      = 512 << 10
	chunksMax      = 1 << 14
	valueThreshold = 600 << 10 // less than Badger lets a transaction have, 15 % of a memtable

	// memTableSize is small because of what Badger takes beside a memtable: the
	// builder that writes it out grows by doubling to two or three times its size,
	// and up to eight builders are kept for reuse. With 32 MB, half a gigabyte
	// was seen. In exchange more of its tables may lie in level 0.
	memTableSize = 4 << 20
	levelZero    = 4
)

// PageID names a page of a state table.
type PageID struct {
	Table uint32
	Page  uint64
}

func indexKey(id PageID, ckpt uint64) []byte {
	b := make([]byte, 0, 23)
	b = append(b, keyIndex)
	b = binary.BigEndian.AppendUint32(b, id.Table)
	b = binary.BigEndian.AppendUint64(b, id.Page)
	return binary.BigEndian.AppendUint64(b, ckpt)
}

func chunkKey(id PageID, ckpt uint64, chunk int) []byte {
	b := indexKey(id, ckpt)
	b[0] = keyPage
	return binary.BigEndian.AppendUint16(b, uint16(chunk))
}

func parseIndexKey(k []byte) (id PageID, ckpt uint64, ok bool) {
	if len(k) != 21 || k[0] != keyIndex {
		return id, 0, false
	}
	id.Table = binary.BigEndian.Uint32(k[1:])
	id.Page = binary.BigEndian.Uint64(k[5:])
	return id, binary.BigEndian.Uint64(k[13:]), true
}

func tableKey(table uint32, ckpt uint64) []byte {
	b := append(make([]byte, 0, 13), keyTable)
	b = binary.BigEndian.AppendUint32(b, table)
	return binary.BigEndian.AppendUint64(b, ckpt)
}

func numberKey(kind byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 11), kind), n)
}

func payloadKey(ckpt uint64, chunk int) []byte {
	return binary.BigEndian.AppendUint16(numberKey(keyPayload, ckpt), uint16(chunk))
}

// pageCopy describes the live copy of a page.
type pageCopy struct {
	ckpt   uint64
	crc    uint32 // of the bytes as they are stored
	length uint32
	chunks uint16
	packed bool
}

const packedBit = 1 << 15 // of chunks, as stored

func (p pageCopy) encode() []byte {
	chunks := p.chunks
	if p.packed {
		chunks |= packedBit
	}
	b := binary.LittleEndian.AppendUint16(make([]byte, 0, 10), chunks)
	b = binary.LittleEndian.AppendUint32(b, p.length)
	return binary.LittleEndian.AppendUint32(b, p.crc)
}

func (p *pageCopy) decode(b []byte) (ok bool) {
	if len(b) != 10 {
		return false
	}
	chunks := binary.LittleEndian.Uint16(b)
	p.chunks, p.packed = chunks&^packedBit, chunks&packedBit != 0
	p.length = binary.LittleEndian.Uint32(b[2:])
	p.crc = binary.LittleEndian.Uint32(b[6:])
	return true
}

// digest mixes what identifies a copy and its content into a number; the sum
// over all live copies is in the manifest.
func (p pageCopy) digest(id PageID) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, v := range [...]uint64{uint64(id.Table), id.Page, p.ckpt, uint64(p.crc)<<32 | uint64(p.length)} {
		h = (h ^ v) * 0xff51afd7ed558ccd
		h ^= h >> 33
	}
	return h
}

// stateDB is Badger and what is known of its content.
type stateDB struct {
	store *Store
	dir   string
	db    *badger.DB

	// ckptMu is held from BeginCheckpoint to Commit or Abort.
	ckptMu sync.Mutex
	next   uint64 // number of the next checkpoint attempt
	gc     chan error

	// segMu keeps a segment from being unlinked while a manifest is on its way
	// that says it must be there. Before mu and the log's mu.
	segMu sync.Mutex

	mu       sync.Mutex // guards what follows
	pages    map[uint32]map[uint64]pageCopy
	manifest manifest
	payload  []byte
	segments []uint64 // those with an 's' key
}

func badgerOptions(dir string, log *slog.Logger) badger.Options {
	return badger.DefaultOptions(dir).
		WithSyncWrites(false). // see sync
		WithNumVersionsToKeep(1).
		WithDetectConflicts(false).
		WithMetricsEnabled(false).
		WithMemTableSize(memTableSize).
		WithValueThreshold(valueThreshold).
		WithNumMemtables(3).
		WithNumLevelZeroTables(levelZero).
		WithNumLevelZeroTablesStall(8 * levelZero).
		WithNumCompactors(2).
		WithValueLogFileSize(64 << 20).
		WithCompression(options.None). // pages are packed already
		WithBlockCacheSize(0).
		WithChecksumVerificationMode(options.NoVerification). // see verifyTables
		WithLogger(badgerLogger{log})
}

// openState opens Badger, then the manifest, then makes the two agree.
func openState(s *Store, dir string, fresh bool) (*stateDB, error) {
	st := &stateDB{store: s, dir: dir, pages: map[uint32]map[uint64]pageCopy{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, permission(dir, err)
	}
	if err := st.repair(fresh); err != nil {
		return nil, err
	}
	if err := st.openBadger(); err != nil {
		return nil, err
	}
	err := st.load()
	if err == nil {
		// After a kill the newest manifest may be in the page cache only, and the
		// log is truncated on its word.
		err = st.sync()
	}
	if err != nil {
		st.db.Close()
		return nil, err
	}
	return st, nil
}

// repair removes what makes Badger's Open fail after a kill (empty memtable
// and value log files), and refuses what makes it start with nothing.
func (st *stateDB) repair(fresh bool) error {
	list, err := os.ReadDir(st.dir)
	if err != nil {
		return permission(st.dir, err)
	}
	hasManifest, hasData := false, false
	for _, e := range list {
		name := e.Name()
		info, err := e.Info()
		if err != nil {
			return err
		}
		switch filepath.Ext(name) {
		case ".mem", ".vlog":
			if info.Size() == 0 {
				st.store.opts.Logger.Warn("removed an empty file that a crash left behind", "file", filepath.Join(st.dir, name))
				if err := os.Remove(filepath.Join(st.dir, name)); err != nil {
					return err
				}
			}
		case ".sst":
			hasData = true
		}
		if name == badger.ManifestFilename {
			hasManifest = true
		}
	}
	if hasManifest {
		return st.verifyTables()
	}
	if !fresh || hasData {
		return damaged(filepath.Join(st.dir, badger.ManifestFilename), -1, "file is missing")
	}
	return nil
}

// openBadger opens the database; its panics over damaged files are errors.
func (st *stateDB) openBadger() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damaged(st.dir, -1, "cannot be opened: %.200v", p)
		}
	}()
	st.db, err = badger.Open(badgerOptions(st.dir, st.store.opts.Logger))
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), "Cannot acquire directory lock") {
		return fmt.Errorf("%w: %w", ErrLocked, err)
	}
	if errors.Is(err, os.ErrPermission) {
		return permission(st.dir, err)
	}
	return &DamageError{Path: st.dir, Offset: -1, Detail: "cannot be opened", Err: err}
}

func (st *stateDB) close() error {
	st.waitGC()
	return st.db.Close()
}

// sync makes everything durable that was committed to Badger before the call.
// Badger could sync each transaction (SyncWrites), which made checkpoints a
// third slower and the log commits beside them several times; its own Sync
// leaves out memtables that wait to be flushed. What is not in a table file,
// synced when it is made, is in the write-ahead logs of the memtables: so those
// files are synced. One that is gone meanwhile has become a table.
func (st *stateDB) sync() error {
	list, err := filepath.Glob(filepath.Join(st.dir, "*.mem"))
	if err != nil {
		return err
	}
	for _, path := range list {
		if err := syncFile(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return syncDir(st.dir)
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return fdatasync(f)
}

// forgetSegments removes log segments from the list of those that must exist.
func (st *stateDB) forgetSegments(gone []*segment) error {
	txn := st.db.NewTransaction(true)
	defer txn.Discard()
	for _, g := range gone {
		if err := txn.Delete(numberKey(keySegment, g.seq)); err != nil {
			return err
		}
	}
	if err := txn.Commit(); err != nil {
		return err
	}
	if err := st.sync(); err != nil {
		return err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.segments = slices.DeleteFunc(st.segments, func(seq uint64) bool {
		return slices.ContainsFunc(gone, func(g *segment) bool { return g.seq == seq })
	})
	return nil
}

// badgerLogger passes Badger's warnings on; its chatter is for debugging.
type badgerLogger struct{ l *slog.Logger }

func (b badgerLogger) Errorf(f string, a ...any)   { b.l.Error(text(f, a), "from", "badger") }
func (b badgerLogger) Warningf(f string, a ...any) { b.l.Warn(text(f, a), "from", "badger") }
func (b badgerLogger) Infof(f string, a ...any)    { b.l.Debug(text(f, a), "from", "badger") }
func (b badgerLogger) Debugf(string, ...any)       {}

func text(format string, args []any) string {
	return strings.TrimSpace(fmt.Sprintf(format, args...))
}
