package storage

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"
)

const (
	// inFlight is how many Badger transactions of a checkpoint may be on their way.
	inFlight = 2
	// While epochs are being committed, a checkpoint gives way to them: it writes
	// in steps of paceBytes, syncs each, so that no large flush stands in the way
	// of the log's, and rests for paceRest. Otherwise it goes at full speed.
	paceBytes = 1 << 20
	paceRest  = 3 * time.Millisecond
)

// Checkpoint writes pages as they are at one epoch. It is for one goroutine.
// Until Commit returns nothing it wrote counts; after a crash or Abort it
// leaves nothing.
type Checkpoint struct {
	st    *stateDB
	ckpt  uint64
	epoch uint64
	base  int64 // log bytes at the start

	txn     *badger.Txn
	packer  packer
	size    int    // bytes since the last step
	commits uint64 // of the log, at the last step
	slots   chan struct{}
	wg      sync.WaitGroup
	mu      sync.Mutex // guards err
	err     error
	changed map[PageID]pageCopy // chunks == 0: dropped
	tables  map[uint32]bool     // dropped, pages of before this checkpoint
	done    bool
}

// BeginCheckpoint starts a checkpoint of the state as of epoch, which must be
// committed. A checkpoint that is still open is waited for.
func (s *Store) BeginCheckpoint(epoch uint64) *Checkpoint {
	st := s.state
	st.ckptMu.Lock()
	err := st.waitGC()
	if err == nil {
		err = s.fault.get()
	}
	c := &Checkpoint{
		st: st, ckpt: st.next, epoch: epoch, err: err,
		slots:   make(chan struct{}, inFlight),
		commits: s.log.commits.Load(),
		changed: map[PageID]pageCopy{}, tables: map[uint32]bool{},
	}
	st.next++
	s.log.mu.Lock()
	c.base = s.log.total
	s.log.mu.Unlock()
	return c
}

// Put writes a page. The data must not be changed before Commit or Abort. A
// page put twice has the later content.
func (c *Checkpoint) Put(id PageID, data []byte) error {
	if err := c.failed(); err != nil {
		return err
	}
	if err := c.st.store.space.forUpkeep(); err != nil {
		return err
	}
	data, packed := c.packer.pack(data)
	n := max(1, (len(data)+chunkSize-1)/chunkSize)
	if n >= chunksMax {
		return fmt.Errorf("page of %d bytes is too large", len(data))
	}
	p := pageCopy{ckpt: c.ckpt, crc: checksum(data), length: uint32(len(data)), chunks: uint16(n), packed: packed}
	for i := range n {
		if err := c.set(chunkKey(id, c.ckpt, i), data[i*chunkSize:min((i+1)*chunkSize, len(data))]); err != nil {
			return err
		}
	}
	if err := c.unput(id, n); err != nil {
		return err
	}
	if err := c.set(indexKey(id, c.ckpt), p.encode()); err != nil {
		return err
	}
	c.changed[id] = p
	c.size += len(data)
	return c.pace()
}

// pace ends a step and rests, if the log is in use.
func (c *Checkpoint) pace() error {
	if c.size < paceBytes {
		return nil
	}
	c.size = 0
	commits := c.st.store.log.commits.Load()
	if commits == c.commits {
		return nil
	}
	c.commits = commits
	c.send()
	c.wg.Wait()
	if err := c.st.sync(); err != nil {
		return c.fail(err)
	}
	time.Sleep(paceRest)
	return c.failed()
}

// unput takes back the chunks from keep on that an earlier Put of the page in
// this checkpoint wrote: no index entry would know of them any more.
func (c *Checkpoint) unput(id PageID, keep int) error {
	for i := keep; i < int(c.changed[id].chunks); i++ {
		if err := c.write(chunkKey(id, c.ckpt, i), nil, true); err != nil {
			return err
		}
	}
	return nil
}

// DropPage removes a page; one that is not there is no error.
func (c *Checkpoint) DropPage(id PageID) error {
	if err := c.failed(); err != nil {
		return err
	}
	if err := c.unput(id, 0); err != nil {
		return err
	}
	if err := c.set(indexKey(id, c.ckpt), nil); err != nil {
		return err
	}
	c.changed[id] = pageCopy{ckpt: c.ckpt}
	return nil
}

// DropTable removes all pages that the table has; pages put after it in the
// same checkpoint stay.
func (c *Checkpoint) DropTable(table uint32) error {
	for id, p := range c.changed {
		if id.Table == table && p.chunks > 0 {
			if err := c.DropPage(id); err != nil {
				return err
			}
		}
	}
	if err := c.failed(); err != nil {
		return err
	}
	c.tables[table] = true
	return c.set(tableKey(table, c.ckpt), nil)
}

func (c *Checkpoint) set(key, value []byte) error { return c.write(key, value, false) }

// write puts a key into the transaction under way, or a deletion of it, and
// sends the transaction off when it is full.
func (c *Checkpoint) write(key, value []byte, del bool) error {
	put := func() error {
		if c.txn == nil {
			c.txn = c.st.db.NewTransaction(true)
		}
		if del {
			return c.txn.Delete(key)
		}
		return c.txn.Set(key, value)
	}
	err := put()
	if errors.Is(err, badger.ErrTxnTooBig) {
		c.send()
		err = put()
	}
	if err != nil {
		return c.fail(err)
	}
	return nil
}

// send commits the transaction under way without waiting for it.
func (c *Checkpoint) send() {
	if c.txn == nil {
		return
	}
	c.slots <- struct{}{}
	c.wg.Add(1)
	c.txn.CommitWith(func(err error) {
		if err != nil {
			c.fail(err)
		}
		<-c.slots
		c.wg.Done()
	})
	c.txn = nil
}

func (c *Checkpoint) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// fail stops the store: what Badger has now is unknown.
func (c *Checkpoint) fail(err error) error {
	err = c.st.store.fault.set(fmt.Errorf("writing a checkpoint: %w", err))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	return c.err
}

// Commit makes the checkpoint current with the engine's manifest payload. The
// older copies of its pages are deleted in the background afterwards. It ends
// the checkpoint whether it fails or not.
func (c *Checkpoint) Commit(payload []byte) error {
	if c.done {
		return fmt.Errorf("checkpoint is over")
	}
	if err := c.check(); err != nil {
		c.Abort()
		return err
	}
	dead, err := c.commit(payload)
	if err != nil {
		c.fail(err)
		c.Abort()
		return c.failed()
	}
	gc := make(chan error, 1)
	c.st.gc = gc
	go func() { gc <- c.st.deleteAll(dead) }()
	c.end()
	return nil
}

// check refuses a commit that may not be, before anything else is written.
func (c *Checkpoint) check() error {
	if err := c.failed(); err != nil {
		return err
	}
	s := c.st.store
	if err := s.space.forUpkeep(); err != nil {
		return err
	}
	if last := s.LastEpoch(); c.epoch > last {
		return fmt.Errorf("checkpoint at epoch %d, but the log ends at %d", c.epoch, last)
	}
	if at, _, ok := s.Manifest(); ok && c.epoch < at {
		return fmt.Errorf("checkpoint at epoch %d is older than the last at %d", c.epoch, at)
	}
	return s.Sync()
}

// commit writes what is left, then the manifest head alone, and enters the
// checkpoint into the books. It returns the keys that are dead now.
func (c *Checkpoint) commit(payload []byte) ([][]byte, error) {
	st := c.st
	st.segMu.Lock()
	defer st.segMu.Unlock()
	m, segs, err := c.manifest(payload)
	if err != nil {
		return nil, err
	}
	for i := 0; i*chunkSize < len(payload); i++ {
		if err := c.set(payloadKey(c.ckpt, i), payload[i*chunkSize:min((i+1)*chunkSize, len(payload))]); err != nil {
			return nil, err
		}
	}
	for _, seq := range segs {
		if err := c.set(numberKey(keySegment, seq), nil); err != nil {
			return nil, err
		}
	}
	c.send()
	c.wg.Wait()
	if err := c.failed(); err != nil {
		return nil, err
	}
	if err := st.sync(); err != nil {
		return nil, err
	}
	err = st.db.Update(func(txn *badger.Txn) error { return txn.Set([]byte{keyManifest}, m.encode()) })
	if err != nil {
		return nil, err
	}
	if err := st.sync(); err != nil {
		return nil, err
	}
	return c.publish(m, payload, segs), nil
}

// manifest computes the head, and the log segments that must exist from now on.
func (c *Checkpoint) manifest(payload []byte) (*manifest, []uint64, error) {
	st, l := c.st, c.st.store.log
	m := &manifest{ckpt: c.ckpt, epoch: c.epoch, length: uint64(len(payload)), payload: checksum(payload)}
	l.mu.Lock()
	m.end = l.visible
	var segs []uint64
	for _, g := range l.segs {
		segs = append(segs, g.seq)
	}
	l.mu.Unlock()

	st.mu.Lock()
	defer st.mu.Unlock()
	m.pages, m.digest = st.manifest.pages, st.manifest.digest
	forget := func(id PageID, p pageCopy) {
		m.pages--
		m.digest -= p.digest(id)
	}
	for table := range c.tables {
		for page, p := range st.pages[table] {
			forget(PageID{table, page}, p)
		}
	}
	for id, p := range c.changed {
		if old, ok := st.pages[id.Table][id.Page]; ok && !c.tables[id.Table] {
			forget(id, old)
		}
		if p.chunks > 0 {
			m.pages++
			m.digest += p.digest(id)
		}
	}
	known := map[uint64]bool{}
	for _, seq := range st.segments {
		known[seq] = true
	}
	var fresh []uint64
	for _, seq := range segs {
		if !known[seq] {
			fresh = append(fresh, seq)
		}
	}
	return m, fresh, nil
}

// publish brings the books in memory to the new manifest.
func (c *Checkpoint) publish(m *manifest, payload []byte, segs []uint64) (dead [][]byte) {
	st, l := c.st, c.st.store.log
	st.mu.Lock()
	bury := func(id PageID, p pageCopy) {
		for i := range int(p.chunks) {
			dead = append(dead, chunkKey(id, p.ckpt, i))
		}
		dead = append(dead, indexKey(id, p.ckpt))
	}
	for i := 0; uint64(i)*chunkSize < st.manifest.length; i++ {
		dead = append(dead, payloadKey(st.manifest.ckpt, i))
	}
	var marks [][]byte
	for table := range c.tables {
		for page, p := range st.pages[table] {
			bury(PageID{table, page}, p)
		}
		delete(st.pages, table)
		marks = append(marks, tableKey(table, c.ckpt))
	}
	for id, p := range c.changed {
		t := st.pages[id.Table]
		if old, ok := t[id.Page]; ok {
			bury(id, old)
		}
		if p.chunks == 0 {
			delete(t, id.Page)
			marks = append(marks, indexKey(id, c.ckpt))
			continue
		}
		if t == nil {
			t = map[uint64]pageCopy{}
			st.pages[id.Table] = t
		}
		t[id.Page] = p
	}
	st.manifest, st.payload = *m, append([]byte(nil), payload...)
	st.segments = append(st.segments, segs...)
	st.mu.Unlock()

	l.mu.Lock()
	l.manifest, l.ckpt, l.atBase = m.epoch, m.ckpt, c.base
	l.mu.Unlock()
	// A mark of a drop goes after what it drops: a crash between must not
	// bring the pages back.
	return append(dead, marks...)
}

// Abort ends the checkpoint and deletes what it wrote. After Commit it does
// nothing.
func (c *Checkpoint) Abort() {
	if c.done {
		return
	}
	if c.txn != nil {
		c.txn.Discard()
		c.txn = nil
	}
	c.wg.Wait()
	if c.failed() == nil {
		if err := c.st.deleteAll(c.keys()); err != nil {
			c.fail(err)
		}
	}
	c.end()
}

// keys lists everything that an attempt may have written.
func (c *Checkpoint) keys() [][]byte {
	var keys [][]byte
	for id, p := range c.changed {
		for i := range int(p.chunks) {
			keys = append(keys, chunkKey(id, c.ckpt, i))
		}
		keys = append(keys, indexKey(id, c.ckpt))
	}
	for table := range c.tables {
		keys = append(keys, tableKey(table, c.ckpt))
	}
	return keys
}

func (c *Checkpoint) end() {
	c.done = true
	c.st.ckptMu.Unlock()
}

// waitGC waits for the deletions of the last checkpoint. The caller holds
// ckptMu or is alone.
func (st *stateDB) waitGC() error {
	if st.gc == nil {
		return nil
	}
	err := <-st.gc
	st.gc = nil
	if err != nil {
		return st.store.fault.set(fmt.Errorf("deleting old pages: %w", err))
	}
	return nil
}
