package storage

import (
	"bytes"
	"encoding/binary"
	"iter"
	"os"
	"testing"
)

// logOnly is a store with nothing but a log, for reading strange segments fast.
func logOnly(dir string) (*Store, error) {
	o := testOptions(dir).withDefaults()
	o.SegmentSize = 4 << 10
	s := &Store{opts: o, dir: dir, state: &stateDB{}}
	var err error
	s.space, _ = openSpace(dir, o)
	s.log, err = openLog(s, dir, false)
	return s, err
}

// FuzzLog opens a log of one segment with any bytes in it. It must say that it
// is damaged, or read as whole epochs, take another, and read the same again.
func FuzzLog(f *testing.F) {
	dir := f.TempDir()
	if err := os.WriteFile(segmentPath(dir, 1), encodeSegmentHeader(1, 0), 0o600); err != nil {
		f.Fatal(err)
	}
	s, err := logOnly(dir)
	if err != nil {
		f.Fatal(err)
	}
	s.opts.SegmentSize = 1 << 20
	for e := uint64(1); e < 6; e++ {
		s.Append(e, rec(uint32(e), "some row"), rec(2, "another"))
		if _, err := s.Commit(e, []uint64{e}, rec(0, "clock")); err != nil {
			f.Fatal(err)
		}
	}
	a := s.log.active()
	whole, err := os.ReadFile(a.path)
	if err != nil {
		f.Fatal(err)
	}
	whole = whole[:a.end]
	f.Add(whole, false)
	f.Add(whole[:len(whole)-3], false)
	f.Add(append(bytes.Clone(whole), a.appendFooter(nil)...), true)
	f.Add(whole, true)
	f.Add([]byte{}, false)
	s.log.close()

	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		dir := t.TempDir()
		if data = bytes.Clone(data); seal {
			fixChecksums(data)
		}
		if err := os.WriteFile(segmentPath(dir, 1), data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := logOnly(dir)
		if err != nil {
			return
		}
		before, err := epochsOf(s)
		if err != nil {
			return
		}
		last := s.LastEpoch()
		if last > 1<<62 {
			return
		}
		if _, err := s.Commit(last+1, nil, rec(1, "appended")); err != nil {
			t.Fatal(err)
		}
		s.log.close()
		if s, err = logOnly(dir); err != nil {
			t.Fatalf("after an append: %v", err)
		}
		defer s.log.close()
		after, err := epochsOf(s)
		if err != nil {
			t.Fatalf("after an append: %v", err)
		}
		if len(after) != len(before)+1 {
			t.Fatalf("%d epochs, then %d", len(before), len(after))
		}
		if _, err := s.Scan(1, 0, last+1); err != nil {
			t.Fatal(err)
		}
	})
}

// fixChecksums makes whatever stands where frames stand pass for frames, so
// that the fuzzer gets behind the checksums.
func fixChecksums(b []byte) {
	for off := segmentHeader; off+frameHeader <= len(b); {
		h := b[off:]
		n := int(binary.LittleEndian.Uint32(h[8:]))
		if n > len(h)-frameHeader {
			return
		}
		f := frame{typ: h[6], kind: h[7], length: n, rel: binary.LittleEndian.Uint32(h[12:]), crc: checksum(h[frameHeader : frameHeader+n])}
		f.putHeader(h)
		off += frameHeader + n
	}
}

func epochsOf(s *Store) (list []uint64, err error) {
	err = s.Replay(0, func(epoch uint64, recs iter.Seq2[Record, error]) error {
		list = append(list, epoch)
		for _, err := range recs {
			if err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// FuzzCommit decodes any commit payload, and what it accepts it encodes alike.
func FuzzCommit(f *testing.F) {
	c := commit{epoch: 9, prev: 7, durable: Position{3, 100}, rels: []uint32{1, 2}, extents: []extent{{seg: 4, off: 100, len: 50, rel: 2}}}
	f.Add(c.append(nil, 5))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c, d commit
		if !c.parse(data, 5) {
			return
		}
		if !d.parse(c.append(nil, 5), 5) || d.epoch != c.epoch || d.prev != c.prev || len(d.extents) != len(c.extents) {
			t.Fatalf("%+v became %+v", c, d)
		}
	})
}
