package storage

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

// manifest is the one small value that makes a checkpoint current:
//
//	format u32, checkpoint u64, epoch u64, log end: segment u64, offset u64,
//	live pages u64, digest u64, payload length u64, payload crc u32, crc u32
type manifest struct {
	ckpt    uint64
	epoch   uint64
	end     Position // the log was durable through here
	pages   uint64
	digest  uint64
	length  uint64
	payload uint32 // crc
}

const manifestFormat, manifestSize = 1, 4 + 7*8 + 4 + 4

func (m *manifest) encode() []byte {
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, manifestSize), manifestFormat)
	for _, v := range [...]uint64{m.ckpt, m.epoch, m.end.Segment, uint64(m.end.Offset), m.pages, m.digest, m.length} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	b = binary.LittleEndian.AppendUint32(b, m.payload)
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

func (m *manifest) decode(b []byte) bool {
	if len(b) != manifestSize || binary.LittleEndian.Uint32(b[manifestSize-4:]) != checksum(b[:manifestSize-4]) ||
		binary.LittleEndian.Uint32(b) != manifestFormat {
		return false
	}
	u := func(i int) uint64 { return binary.LittleEndian.Uint64(b[4+8*i:]) }
	*m = manifest{ckpt: u(0), epoch: u(1), end: Position{u(2), int64(u(3))}, pages: u(4), digest: u(5), length: u(6),
		payload: binary.LittleEndian.Uint32(b[manifestSize-8:])}
	return true
}

// Manifest returns the newest checkpoint's epoch and the engine's payload; ok
// is false before the first checkpoint.
func (s *Store) Manifest() (epoch uint64, payload []byte, ok bool) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	m := &s.state.manifest
	return m.epoch, s.state.payload, m.ckpt > 0
}

// load reads the manifest and the page index, deletes what no manifest
// reaches, and compares count and digest.
func (st *stateDB) load() error {
	var dead, marks [][]byte
	err := st.db.View(func(txn *badger.Txn) error {
		if err := st.loadManifest(txn); err != nil {
			return err
		}
		tables, err := st.loadTableDrops(txn, &marks)
		if err != nil {
			return err
		}
		if err := st.loadIndex(txn, tables, &dead); err != nil {
			return err
		}
		return st.loadOthers(txn, &dead)
	})
	if err != nil {
		return err
	}
	var pages, digest uint64
	for table, m := range st.pages {
		for page, c := range m {
			pages++
			digest += c.digest(PageID{table, page})
		}
	}
	if m := &st.manifest; pages != m.pages || digest != m.digest {
		return damaged(st.dir, -1, "the checkpoint at epoch %d has %d pages (digest %x), found %d (digest %x)",
			m.epoch, m.pages, m.digest, pages, digest)
	}
	st.next = st.manifest.ckpt + 1
	// A mark of a drop goes after what it drops.
	return st.deleteAll(append(dead, marks...))
}

func (st *stateDB) loadManifest(txn *badger.Txn) error {
	item, err := txn.Get([]byte{keyManifest})
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil
	}
	if err != nil {
		return st.unreadable(err)
	}
	m := &st.manifest
	err = item.Value(func(b []byte) error {
		if !m.decode(b) {
			return damaged(st.dir, -1, "the checkpoint manifest does not make sense")
		}
		return nil
	})
	if err != nil {
		return st.unreadable(err)
	}
	for chunk := 0; uint64(len(st.payload)) < m.length; chunk++ {
		item, err := txn.Get(payloadKey(m.ckpt, chunk))
		if err != nil {
			return st.unreadable(err)
		}
		if err := item.Value(func(b []byte) error { st.payload = append(st.payload, b...); return nil }); err != nil {
			return st.unreadable(err)
		}
	}
	if checksum(st.payload) != m.payload {
		return damaged(st.dir, -1, "the manifest of the checkpoint at epoch %d has a wrong checksum", m.epoch)
	}
	return nil
}

func (st *stateDB) unreadable(err error) error {
	if errors.Is(err, ErrDamaged) {
		return err
	}
	return &DamageError{Path: st.dir, Offset: -1, Detail: "cannot be read", Err: err}
}

// each calls fn for the keys with a prefix. Values are read on demand.
func each(txn *badger.Txn, prefix []byte, fn func(item *badger.Item) error) error {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if err := fn(it.Item()); err != nil {
			return err
		}
	}
	return nil
}

// loadTableDrops returns, for tables dropped by a checkpoint that counts, its
// number. All such marks go: Open finishes what they announce.
func (st *stateDB) loadTableDrops(txn *badger.Txn, marks *[][]byte) (map[uint32]uint64, error) {
	drops := map[uint32]uint64{}
	err := each(txn, []byte{keyTable}, func(item *badger.Item) error {
		k := item.KeyCopy(nil)
		if len(k) != 13 {
			return damaged(st.dir, -1, "unknown key %x", k)
		}
		table, ckpt := binary.BigEndian.Uint32(k[1:]), binary.BigEndian.Uint64(k[5:])
		if ckpt <= st.manifest.ckpt {
			drops[table] = max(drops[table], ckpt)
		}
		*marks = append(*marks, k)
		return nil
	})
	return drops, err
}

// loadIndex finds the live copy of each page: the newest that the manifest
// reaches, unless it or its table was dropped. Every other copy is dead.
func (st *stateDB) loadIndex(txn *badger.Txn, drops map[uint32]uint64, dead *[][]byte) error {
	bury := func(id PageID, c pageCopy) {
		for i := range int(c.chunks) {
			*dead = append(*dead, chunkKey(id, c.ckpt, i))
		}
		*dead = append(*dead, indexKey(id, c.ckpt))
	}
	return each(txn, []byte{keyIndex}, func(item *badger.Item) error {
		id, ckpt, ok := parseIndexKey(item.Key())
		c := pageCopy{ckpt: ckpt}
		err := item.Value(func(b []byte) error {
			ok = ok && (len(b) == 0 || c.decode(b))
			return nil
		})
		if err != nil {
			return st.unreadable(err)
		}
		if !ok {
			return damaged(st.dir, -1, "unknown page key %x", item.Key())
		}
		if ckpt > st.manifest.ckpt || ckpt < drops[id.Table] {
			bury(id, c)
			return nil
		}
		m := st.pages[id.Table]
		if m == nil {
			m = map[uint64]pageCopy{}
			st.pages[id.Table] = m
		}
		if old, ok := m[id.Page]; ok {
			bury(id, old) // keys come in order: this one is newer
			delete(m, id.Page)
		}
		if c.chunks == 0 {
			bury(id, c)
		} else {
			m[id.Page] = c
		}
		return nil
	})
}

// loadOthers reads the list of log segments and finds dead manifest payloads.
func (st *stateDB) loadOthers(txn *badger.Txn, dead *[][]byte) error {
	err := each(txn, []byte{keySegment}, func(item *badger.Item) error {
		if k := item.Key(); len(k) == 9 {
			st.segments = append(st.segments, binary.BigEndian.Uint64(k[1:]))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return each(txn, []byte{keyPayload}, func(item *badger.Item) error {
		if k := item.KeyCopy(nil); len(k) != 11 || binary.BigEndian.Uint64(k[1:]) != st.manifest.ckpt {
			*dead = append(*dead, k)
		}
		return nil
	})
}

// deleteAll deletes keys, in as many transactions as it takes: they are dead,
// so it does not matter how many of them are gone after a crash.
func (st *stateDB) deleteAll(keys [][]byte) error {
	for part := range slices.Chunk(keys, 4096) {
		txn := st.db.NewTransaction(true)
		for _, k := range part {
			if err := txn.Delete(k); err != nil {
				txn.Discard()
				return err
			}
		}
		if err := txn.Commit(); err != nil {
			return err
		}
	}
	return nil
}
