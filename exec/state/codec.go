package state

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Codec turns the values of some columns of a row into bytes and back.
//
//	all columns I64 or F64:  one word a column | null bits
//	otherwise:               null bits | for each column that is not null: word, or length (uvarint) and bytes
//
// Two flavours: a row codec keeps every value bit by bit, so that equal encodings are identical rows; a key codec maps
// values that are equal in SQL to one encoding (D10), so that equal encodings are equal keys, nulls among themselves
// included.
type Codec struct {
	ts    []types.Type
	width int // bytes a row, -1 if it varies
	nulls int // bytes of null bits
	key   bool
	loose []bool // equal values may differ in their bits
	buf   []byte
}

// NewRowCodec returns a codec that keeps rows as they are.
func NewRowCodec(ts []types.Type) *Codec { return newCodec(ts, false) }

// NewKeyCodec returns a codec that keeps rows up to SQL equality.
func NewKeyCodec(ts []types.Type) *Codec { return newCodec(ts, true) }

func newCodec(ts []types.Type, key bool) *Codec {
	c := &Codec{ts: ts, key: key, nulls: (len(ts) + 7) / 8, loose: make([]bool, len(ts))}
	c.width = 8*len(ts) + c.nulls
	for i, t := range ts {
		c.loose[i] = key && Loose(t)
		if t.Class() == types.Bytes {
			c.width = -1
		}
	}
	return c
}

// Loose reports whether values of t can be equal in SQL without being identical: 1.0 and 1.00.
func Loose(t types.Type) bool {
	if t.Class() == types.F64 {
		return true
	}
	if t.Class() == types.I64 {
		return false
	}
	switch t.OID {
	case types.Text, types.Varchar, types.Name, types.Bytea, types.UUID, types.JSON:
		return false
	}
	return true
}

// AnyLoose reports whether a column of the codec is Loose.
func (c *Codec) AnyLoose() bool {
	for _, l := range c.loose {
		if l {
			return true
		}
	}
	return false
}

// Clone returns a codec for use by another goroutine.
func (c *Codec) Clone() *Codec {
	n := *c
	n.buf = nil
	return &n
}

// Width is the length of an encoded row, -1 if it varies.
func (c *Codec) Width() int { return c.width }

// Types are the column types.
func (c *Codec) Types() []types.Type { return c.ts }

// Shape describes the layout, for fingerprints.
func (c *Codec) Shape() string {
	var b strings.Builder
	if c.key {
		b.WriteString("key(")
	} else {
		b.WriteString("row(")
	}
	for i, t := range c.ts {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d", t.OID)
	}
	b.WriteByte(')')
	return b.String()
}

// word is the bits of value i of v, which is not of class Bytes.
func (c *Codec) word(v *vec.Vec, i int) uint64 {
	if v.Type.Class() == types.I64 {
		return uint64(v.I64[i])
	}
	f := v.F64[i]
	if c.key {
		f = canonicalFloat(f)
	}
	return math.Float64bits(f)
}

func canonicalFloat(f float64) float64 {
	switch {
	case f == 0:
		return 0
	case f != f:
		return math.NaN()
	}
	return f
}

// Append appends row i of cols.
func (c *Codec) Append(dst []byte, cols []*vec.Vec, i int) []byte {
	if c.width >= 0 {
		o := len(dst)
		dst = extend(dst, c.width)
		for k, v := range cols {
			le.PutUint64(dst[o+8*k:], c.word(v, i))
			if v.IsNull(i) {
				dst[o+8*len(cols)+k>>3] |= 1 << (k & 7)
			}
		}
		return dst
	}
	o := len(dst)
	for range c.nulls {
		dst = append(dst, 0)
	}
	for k, v := range cols {
		switch {
		case v.IsNull(i):
			dst[o+k>>3] |= 1 << (k & 7)
		case v.Type.Class() != types.Bytes:
			dst = le.AppendUint64(dst, c.word(v, i))
		default:
			b := v.Bytes(i)
			if c.loose[k] {
				c.buf = types.AppendKey(c.buf[:0], v.Type, b)
				b = c.buf
			}
			dst = binary.AppendUvarint(dst, uint64(len(b)))
			dst = append(dst, b...)
		}
	}
	return dst
}

func extend(b []byte, n int) []byte {
	for range n >> 3 {
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	for range n & 7 {
		b = append(b, 0)
	}
	return b
}

// Decode appends the values of an encoded row to out: column k to out[want[k]], not at all if that is negative. It
// returns the rest of b. Key codecs decode only columns that are not Loose.
func (c *Codec) Decode(b []byte, want []int, out []*vec.Vec) []byte {
	if c.width >= 0 {
		nulls := b[8*len(c.ts):]
		for k := range c.ts {
			if want[k] >= 0 {
				appendWord(out[want[k]], le.Uint64(b[8*k:]), nulls[k>>3]&(1<<(k&7)) != 0)
			}
		}
		return b[c.width:]
	}
	nulls := b
	b = b[c.nulls:]
	for k, t := range c.ts {
		null := nulls[k>>3]&(1<<(k&7)) != 0
		var v *vec.Vec
		if want[k] >= 0 {
			v = out[want[k]]
		}
		switch {
		case null:
			if v != nil {
				v.AppendNull()
			}
		case t.Class() != types.Bytes:
			if v != nil {
				appendWord(v, le.Uint64(b), false)
			}
			b = b[8:]
		default:
			n, w := binary.Uvarint(b)
			end := w + int(n)
			if v != nil {
				v.AppendBytes(b[w:end])
			}
			b = b[end:]
		}
	}
	return b
}

// DecodeAll is Decode for many rows, column by column where it can.
func (c *Codec) DecodeAll(rows [][]byte, want []int, out []*vec.Vec) {
	if c.width < 0 {
		for _, b := range rows {
			c.Decode(b, want, out)
		}
		return
	}
	for k := range c.ts {
		if want[k] >= 0 {
			c.decodeWords(rows, k, out[want[k]])
		}
	}
}

// decodeWords appends column k of rows to v.
func (c *Codec) decodeWords(rows [][]byte, k int, v *vec.Vec) {
	null, bit, any := 8*len(c.ts)+k>>3, byte(1)<<(k&7), byte(0)
	for _, b := range rows {
		any |= b[null] & bit
	}
	switch {
	case any != 0:
		for _, b := range rows {
			appendWord(v, le.Uint64(b[8*k:]), b[null]&bit != 0)
		}
	case v.Nulls != nil:
		for _, b := range rows {
			appendWord(v, le.Uint64(b[8*k:]), false)
		}
	case v.Type.Class() == types.I64:
		for _, b := range rows {
			v.I64 = append(v.I64, int64(le.Uint64(b[8*k:])))
		}
	default:
		for _, b := range rows {
			v.F64 = append(v.F64, math.Float64frombits(le.Uint64(b[8*k:])))
		}
	}
}

// Skip returns what follows the encoded row at the front of b.
func (c *Codec) Skip(b []byte) []byte {
	if c.width >= 0 {
		return b[c.width:]
	}
	nulls := b
	b = b[c.nulls:]
	for k, t := range c.ts {
		switch {
		case nulls[k>>3]&(1<<(k&7)) != 0:
		case t.Class() != types.Bytes:
			b = b[8:]
		default:
			n, w := binary.Uvarint(b)
			b = b[w+int(n):]
		}
	}
	return b
}

// HasNull reports whether an encoded row has a null.
func (c *Codec) HasNull(b []byte) bool {
	nulls := b
	if c.width >= 0 {
		nulls = b[8*len(c.ts):]
	}
	for _, x := range nulls[:c.nulls] {
		if x != 0 {
			return true
		}
	}
	return false
}

func appendWord(v *vec.Vec, w uint64, null bool) {
	switch {
	case null:
		v.AppendNull()
	case v.Type.Class() == types.I64:
		v.AppendI64(int64(w))
	default:
		v.AppendF64(math.Float64frombits(w))
	}
}

// Keys are the encoded keys of the rows of a batch, with their hashes.
type Keys struct {
	N     int
	Hash  []uint64
	buf   []byte
	off   []uint32
	width int
}

// At returns key i.
func (k *Keys) At(i int) []byte {
	if k.width >= 0 {
		return k.buf[i*k.width : (i+1)*k.width : (i+1)*k.width]
	}
	return k.buf[k.off[i]:k.off[i+1]:k.off[i+1]]
}

// Reset empties k for rows of codec c, to be filled with AppendRow.
func (k *Keys) Reset(c *Codec) {
	k.N, k.buf, k.Hash, k.width = 0, k.buf[:0], k.Hash[:0], c.width
	k.off = append(k.off[:0], 0)
}

// AppendRow appends the key in row i of cols.
func (k *Keys) AppendRow(c *Codec, cols []*vec.Vec, i int) {
	o := len(k.buf)
	k.buf = c.Append(k.buf, cols, i)
	k.off = append(k.off, uint32(len(k.buf)))
	k.Hash = append(k.Hash, Hash(k.buf[o:]))
	k.N++
}

// Encode fills k with the keys of the n rows of cols.
func (c *Codec) Encode(k *Keys, cols []*vec.Vec, n int) { c.EncodeRange(k, cols, 0, n) }

// EncodeRange fills k with the keys of rows [lo, hi) of cols.
func (c *Codec) EncodeRange(k *Keys, cols []*vec.Vec, lo, hi int) {
	if c.width < 0 {
		k.Reset(c)
		for i := lo; i < hi; i++ {
			k.AppendRow(c, cols, i)
		}
		return
	}
	n := hi - lo
	k.N, k.width = n, c.width
	k.Hash = sized(k.Hash, n)
	k.buf = sized(k.buf, n*c.width)
	w := c.width
	if len(cols) == 1 && cols[0].Type.Class() == types.I64 {
		k.encodeInts(cols[0], lo, n)
		return
	}
	clear(k.buf)
	for j, v := range cols {
		for i := range n {
			le.PutUint64(k.buf[i*w+8*j:], c.word(v, lo+i))
		}
		if v.Nulls != nil {
			for i := range n {
				if v.Nulls.Get(lo + i) {
					k.buf[i*w+8*len(cols)+j>>3] |= 1 << (j & 7)
				}
			}
		}
	}
	for i := range n {
		k.Hash[i] = Hash(k.buf[i*w : (i+1)*w])
	}
}

// encodeInts is Encode for the commonest key, one integer: Hash of nine bytes, written out.
func (k *Keys) encodeInts(v *vec.Vec, lo, n int) {
	buf, hash, x := k.buf[:9*n], k.Hash[:n], v.I64[lo:lo+n]
	if v.Nulls == nil {
		for i, w := range x {
			b := buf[9*i : 9*i+9]
			le.PutUint64(b, uint64(w))
			b[8] = 0
			hash[i] = mix(uint64(w)^mixA, uint64(w)>>8^mixB)
		}
		return
	}
	for i, w := range x {
		var null uint64
		if v.Nulls.Get(lo + i) {
			null = 1
		}
		b := buf[9*i : 9*i+9]
		le.PutUint64(b, uint64(w))
		b[8] = byte(null)
		hash[i] = mix(uint64(w)^mixA, (uint64(w)>>8|null<<56)^mixB)
	}
}

func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 2*cap(s)))
	}
	return s[:n]
}

// ResetRaw empties k for keys that are already encoded.
func (k *Keys) ResetRaw() {
	k.N, k.buf, k.Hash, k.width = 0, k.buf[:0], k.Hash[:0], -1
	k.off = append(k.off[:0], 0)
}

// AppendRaw appends an encoded key.
func (k *Keys) AppendRaw(b []byte) {
	k.buf = append(k.buf, b...)
	k.off = append(k.off, uint32(len(k.buf)))
	k.Hash = append(k.Hash, Hash(b))
	k.N++
}
