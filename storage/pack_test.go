package storage

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Pages that pack well, pages that do not, and a large one of several chunks either way: what is put is what is loaded,
// also after the store was opened again.
func TestPackedPages(t *testing.T) {
	s := mustOpen(t, testOptions(t.TempDir()))
	plain := bytes.Repeat([]byte("an aggregate and its key; "), 700)
	noise := make([]byte, 1<<20)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(noise)
	pages := map[uint64][]byte{
		1: plain, 2: noise[:16<<10], 3: {}, 4: []byte("x"),
		5: bytes.Repeat(plain, 100), 6: append(noise, bytes.Repeat(plain, 100)...),
	}
	if _, err := s.Commit(1, nil, Record{Rel: 1, Payload: []byte("row")}); err != nil {
		t.Fatal(err)
	}
	c := s.BeginCheckpoint(1)
	for page, data := range pages {
		if err := c.Put(PageID{1, page}, data); err != nil {
			t.Fatal(err)
		}
	}
	if packed := c.changed[PageID{1, 1}]; !packed.packed || int(packed.length) > len(plain)/4 {
		t.Errorf("a page of %d equal lines is stored in %d bytes", len(plain), packed.length)
	}
	if c.changed[PageID{1, 2}].packed {
		t.Error("a random page is packed")
	}
	if err := c.Commit([]byte("manifest")); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	n := 0
	err := s.LoadTable(1, func(page uint64, data []byte) error {
		n++
		if !bytes.Equal(data, pages[page]) {
			t.Errorf("page %d has other %d bytes than the %d it was put with", page, len(data), len(pages[page]))
		}
		return nil
	})
	if err != nil || n != len(pages) {
		t.Fatalf("%d pages, %v", n, err)
	}
	s.Close()
}

// FuzzUnpack: what cannot be unpacked is an error.
func FuzzUnpack(f *testing.F) {
	var p packer
	packed, _ := p.pack(bytes.Repeat([]byte("ab"), 100))
	f.Add(packed)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 0 && b[0] > 0x7f {
			return // it claims to be large
		}
		_, _ = unpack(nil, b)
	})
}
