package op

import (
	"bytes"
	"encoding/binary"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/types"
)

// A key whose equal values may look different (1.0 and 1.00) shows as the least of its representatives, the rows'
// encodings compared as bytes (D10). So that one can be taken away again all are kept, with their weights:
//
//	uvarint bytes that follow | (varint weight | uvarint length | encoding)*, ascending
//
// Append-only input needs the least one alone.
type repCodec struct {
	codec   *state.Codec // rows of the key columns, as they are
	retract bool
}

func newRepCodec(ts []types.Type, retract bool) *repCodec {
	return &repCodec{codec: state.NewRowCodec(ts), retract: retract}
}

// cutReps splits a list off the front of b, without its length.
func cutReps(b []byte) (list, rest []byte) {
	n, w := binary.Uvarint(b)
	end := w + int(n)
	return b[w:end:end], b[end:]
}

func appendReps(dst, list []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(list))), list...)
}

// nextRep splits the first representative off a list.
func nextRep(list []byte) (w int64, rep, rest []byte) {
	w, n := binary.Varint(list)
	list = list[n:]
	l, n := binary.Uvarint(list)
	end := n + int(l)
	return w, list[n:end], list[end:]
}

func appendRep(dst []byte, w int64, rep []byte) []byte {
	dst = binary.AppendVarint(dst, w)
	dst = binary.AppendUvarint(dst, uint64(len(rep)))
	return append(dst, rep...)
}

// leastRep is the representative shown, nil if there is none.
func leastRep(list []byte) []byte {
	for len(list) > 0 {
		w, rep, rest := nextRep(list)
		if w > 0 {
			return rep
		}
		list = rest
	}
	return nil
}

// add returns list with w more of rep. It does not change list's bytes.
func (c *repCodec) add(list, rep []byte, w int64) []byte {
	if !c.retract {
		if old := leastRep(list); old != nil && bytes.Compare(old, rep) <= 0 {
			return list
		}
		return appendRep(nil, 1, rep)
	}
	out := make([]byte, 0, len(list)+len(rep)+12)
	done := false
	for len(list) > 0 {
		n, r, rest := nextRep(list)
		list = rest
		if !done && bytes.Compare(r, rep) >= 0 {
			done = true
			if bytes.Equal(r, rep) {
				n += w
			} else {
				out = appendRep(out, w, rep)
			}
		}
		if n != 0 {
			out = appendRep(out, n, r)
		}
	}
	if !done && w != 0 {
		out = appendRep(out, w, rep)
	}
	return out
}
