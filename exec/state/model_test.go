package state

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"sort"
	"testing"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// disk plays the storage of checkpoints.
type disk map[uint64][]byte

func (d disk) checkpoint(p Pages) (done func(bool)) {
	return p.BeginCheckpoint(func(page uint64, data []byte) {
		if data == nil {
			delete(d, page)
			return
		}
		d[page] = bytes.Clone(data)
	})
}

func (d disk) restore(t *testing.T, p Pages) {
	t.Helper()
	for page, data := range d {
		if err := p.LoadPage(page, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Loaded(); err != nil {
		t.Fatal(err)
	}
}

func randKey(r *rand.Rand, w, n int) []byte {
	k := fmt.Appendf(nil, "%08d", r.Intn(n))
	if w < 0 {
		return k
	}
	return append(make([]byte, w-8), k...)
}

func randVal(r *rand.Rand, w int) []byte {
	n := w
	if w < 0 {
		switch r.Intn(200) {
		case 0:
			n = r.Intn(60000)
		case 1:
			n = r.Intn(9000)
		default:
			n = r.Intn(60)
		}
	}
	b := make([]byte, n)
	r.Read(b)
	return b
}

// TestTableModel drives a table of each layout beside a Go map, with snapshots, checkpoints and recoveries between.
func TestTableModel(t *testing.T) {
	for _, w := range [][2]int{{9, 8}, {8, 0}, {-1, 16}, {17, -1}, {-1, -1}, {9, 5000}} {
		t.Run(fmt.Sprint(w), func(t *testing.T) {
			seed := rand.Int63()
			t.Log("seed", seed)
			r := rand.New(rand.NewSource(seed))
			tab, model, d := NewTable(1, "", w[0], w[1]), map[string]string{}, disk{}
			for step := range 20 {
				for range r.Intn(700) {
					k := randKey(r, w[0], 1200)
					v := randVal(r, w[1])
					ref, ok := tab.Find(Hash(k), k)
					if _, want := model[string(k)]; want != ok {
						t.Fatalf("step %d: found %v, want %v", step, ok, want)
					}
					switch {
					case !ok:
						tab.Insert(Hash(k), k, v)
						model[string(k)] = string(v)
					case r.Intn(3) == 0 || step%10 == 9:
						tab.Delete(ref, Hash(k))
						delete(model, string(k))
					default:
						tab.Update(ref, Hash(k), v)
						model[string(k)] = string(v)
					}
				}
				checkTable(t, tab, model)
				switch r.Intn(4) {
				case 0:
					d.checkpoint(tab)(true)
				case 1:
					// A failed attempt: what it wrote is not trusted, its pages must come again.
					tab.BeginCheckpoint(func(uint64, []byte) {})(false)
				case 2:
					d.checkpoint(tab)(true)
					tab = NewTable(1, "", w[0], w[1])
					d.restore(t, tab)
					checkTable(t, tab, model)
				}
			}
			tab.Clear()
			checkTable(t, tab, map[string]string{})
			d.checkpoint(tab)(true)
			if len(d) != 0 {
				t.Fatalf("%d pages left on disk", len(d))
			}
		})
	}
}

func checkTable(t *testing.T, tab *Table, model map[string]string) {
	t.Helper()
	if tab.Len() != len(model) {
		t.Fatalf("%d rows, want %d", tab.Len(), len(model))
	}
	s := tab.Snapshot()
	defer s.Release()
	it := s.Rows()
	n := 0
	for {
		k, v, ok := it.Next()
		if !ok {
			break
		}
		n++
		if want, ok := model[string(k)]; !ok || want != string(v) {
			t.Fatalf("row %q: wrong value", k)
		}
	}
	if n != len(model) {
		t.Fatalf("scan has %d rows, want %d", n, len(model))
	}
	for k, v := range model {
		ref, ok := tab.Find(Hash([]byte(k)), []byte(k))
		if !ok || string(tab.Value(ref)) != v {
			t.Fatalf("key %q is not found", k)
		}
	}
}

// TestOrderedModel is TestTableModel for the ordered table: iteration both ways, seeks.
func TestOrderedModel(t *testing.T) {
	seed := rand.Int63()
	t.Log("seed", seed)
	r := rand.New(rand.NewSource(seed))
	tab, model, d := NewOrdered(1, ""), map[string]string{}, disk{}
	for step := range 30 {
		for range r.Intn(1500) {
			k := fmt.Appendf(nil, "%d", r.Intn(4000))
			if r.Intn(100) == 0 {
				k = append(k, make([]byte, r.Intn(20000))...)
			}
			if r.Intn(3) == 0 || step%10 > 7 {
				_, want := model[string(k)]
				if tab.Delete(k) != want {
					t.Fatal("delete disagrees")
				}
				delete(model, string(k))
				continue
			}
			v := randVal(r, -1)
			tab.Put(k, v)
			model[string(k)] = string(v)
		}
		keys := slices.Sorted(maps.Keys(model))
		if tab.Len() != len(keys) {
			t.Fatalf("%d entries, want %d", tab.Len(), len(keys))
		}
		it := tab.Seek(nil)
		for _, k := range keys {
			if !it.Valid() || string(it.Key()) != k || string(it.Value()) != model[k] {
				t.Fatalf("iteration is wrong at %.20q", k)
			}
			it.Next()
		}
		if it.Valid() {
			t.Fatal("iteration goes on past the end")
		}
		for range 50 {
			k := fmt.Appendf(nil, "%d", r.Intn(4000))
			i := sort.SearchStrings(keys, string(k))
			if it := tab.Seek(k); it.Valid() != (i < len(keys)) || it.Valid() && string(it.Key()) != keys[i] {
				t.Fatalf("seek %q", k)
			}
			if it := tab.SeekBefore(k); it.Valid() != (i > 0) || it.Valid() && string(it.Key()) != keys[i-1] {
				t.Fatalf("seek before %q", k)
			}
		}
		if r.Intn(3) == 0 {
			d.checkpoint(tab)(true)
			tab = NewOrdered(1, "")
			d.restore(t, tab)
		}
	}
}

// TestSnapshotWhileWriting reads a snapshot in other goroutines while the table changes. Run with -race.
func TestSnapshotWhileWriting(t *testing.T) {
	ts := []types.Type{types.T(types.Int8), types.T(types.Text)}
	rel := NewRelation(1, ts, []int{0}, false)
	put := func(lo, hi int64, s string, w int64) {
		b := vec.NewBatch(ts, 0)
		for k := lo; k < hi; k++ {
			b.Cols[0].AppendI64(k)
			b.Cols[1].AppendStr(s)
			b.N++
		}
		if w != 1 {
			b.SetWeights()
			for i := range b.W {
				b.W[i] = w
			}
		}
		rel.Apply(b)
	}
	put(0, 20000, "old", 1)
	snap := rel.Pin()
	done := make(chan error)
	for range 2 {
		go func() {
			n := int64(0)
			err := snap.Scan([]int{1, 0}, func(b *vec.Batch) error {
				for i := range b.N {
					if b.Cols[0].Str(i) != "old" {
						return fmt.Errorf("row %d is %q", b.Cols[1].I64[i], b.Cols[0].Str(i))
					}
				}
				n += int64(b.N)
				return nil
			})
			if err == nil && n != 20000 {
				err = fmt.Errorf("%d rows", n)
			}
			done <- err
		}()
	}
	put(5000, 10000, "old", -1)
	put(0, 5000, "a newer and longer text", 1)
	put(20000, 40000, "new", 1)
	ckpt := rel.BeginCheckpoint(func(uint64, []byte) {})
	put(0, 100, "x", 1)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	snap.Release()
	ckpt(true)
	put(0, 100, "y", 1)
	if rel.Rows() != 35000 {
		t.Errorf("%d rows", rel.Rows())
	}
}

// TestArrangementModel drives chains with random inserts and deletes beside a map of multisets.
func TestArrangementModel(t *testing.T) {
	ts := []types.Type{types.T(types.Int8), types.T(types.Text)}
	seed := rand.Int63()
	t.Log("seed", seed)
	r := rand.New(rand.NewSource(seed))
	a, model, d := NewArrangement(1, ts, []int{0}, true, true), map[string]int64{}, disk{}
	rowKey := func(k int64, s string) string { return fmt.Sprint(k, "/", s) }
	for range 30 {
		b := vec.NewBatch(ts, 0)
		for range r.Intn(2000) {
			k, s := int64(r.Intn(50)), fmt.Sprint(r.Intn(20))
			w := int64(1)
			if model[rowKey(k, s)] > 0 && r.Intn(2) == 0 {
				w = -1
			}
			model[rowKey(k, s)] += w
			b.Cols[0].AppendI64(k)
			b.Cols[1].AppendStr(s)
			b.N++
			b.SetWeights()
			b.W = append(b.W[:b.N-1], w)
		}
		var keys Keys
		a.Codec().Key.Encode(&keys, a.Codec().KeyVecs(b.Cols), b.N)
		for i := range b.N {
			a.Apply(&keys, b.Cols, i, b.W[i], 7)
		}
		if r.Intn(3) == 0 {
			d.checkpoint(a)(true)
			a = NewArrangement(1, ts, []int{0}, true, true)
			d.restore(t, a)
		}
		got := map[string]int64{}
		out := vec.NewBatch(ts, 0)
		p := a.Codec().Project([]int{0, 1})
		for k := range int64(50) {
			q := vec.NewBatch(ts[:1], 1)
			q.Cols[0].AppendI64(k)
			var keys Keys
			a.Codec().Key.Encode(&keys, q.Cols, 1)
			for ref := a.First(keys.Hash[0], keys.At(0)); ref != None; ref = a.Next(ref) {
				out.Reset()
				a.Decode(ref, p, out.Cols)
				if out.Cols[0].I64[0] != k || a.Extra(ref) != 7 {
					t.Fatal("a chain has a row of another key")
				}
				got[rowKey(k, out.Cols[1].Str(0))] += a.Weight(ref)
			}
		}
		maps.DeleteFunc(model, func(_ string, n int64) bool { return n == 0 })
		if !maps.Equal(got, model) {
			t.Fatalf("%d rows, want %d", len(got), len(model))
		}
	}
}
