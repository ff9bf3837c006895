package engine

import (
	"encoding/binary"
	"encoding/json"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

// The kinds of log records. They are part of the data format.
const (
	recRows   byte = 'r' // Rel: a stream. A batch of new rows.
	recLate   byte = 'l' // Rel: a stream. Which of the epoch's rows of it, counted over its recRows, are late; none without it.
	recDelta  byte = 'd' // Rel: a table. A batch with weights: rows out (-1) and in (+1).
	recMeta   byte = 'm' // epochMeta; the last record of every epoch
	recChange byte = 'c' // a catalogChange; before the rows of its epoch
	recError  byte = 'e' // Rel: a stream. A decode error of a connector.
)

// epochMeta is what an epoch settles beside rows.
type epochMeta struct {
	Clock   int64
	Seqs    map[catalog.ID]int64 // logged bound of sequences that moved
	Offsets map[catalog.ID]connect.Offsets
	// Runs cut the rows of a connector's stream into runs of one partition, for watermarks.
	Runs map[catalog.ID][]connect.Run
}

func (m *epochMeta) append(dst []byte) []byte {
	dst = binary.AppendVarint(dst, m.Clock)
	dst = binary.AppendUvarint(dst, uint64(len(m.Seqs)))
	for id, v := range m.Seqs {
		dst = binary.AppendUvarint(dst, uint64(id))
		dst = binary.AppendVarint(dst, v)
	}
	dst = binary.AppendUvarint(dst, uint64(len(m.Offsets)))
	for id, o := range m.Offsets {
		dst = binary.AppendUvarint(dst, uint64(id))
		dst = o.AppendTo(dst)
	}
	dst = binary.AppendUvarint(dst, uint64(len(m.Runs)))
	for id, runs := range m.Runs {
		dst = binary.AppendUvarint(dst, uint64(id))
		dst = binary.AppendUvarint(dst, uint64(len(runs)))
		for _, r := range runs {
			dst = binary.AppendVarint(dst, int64(r.Partition))
			dst = binary.AppendUvarint(dst, uint64(r.Rows))
		}
	}
	return dst
}

func decodeMeta(b []byte) (*epochMeta, error) {
	d := decoder{b: b}
	m := &epochMeta{Clock: d.varint()}
	if n := d.uvarint(); n > 0 {
		m.Seqs = map[catalog.ID]int64{}
		for ; n > 0 && !d.bad; n-- {
			id := catalog.ID(d.uvarint())
			m.Seqs[id] = d.varint()
		}
	}
	if n := d.uvarint(); n > 0 {
		m.Offsets = map[catalog.ID]connect.Offsets{}
		for ; n > 0 && !d.bad; n-- {
			id := catalog.ID(d.uvarint())
			o, rest, err := connect.DecodeOffsets(d.b)
			if err != nil {
				return nil, err
			}
			m.Offsets[id], d.b = o, rest
		}
	}
	if n := d.uvarint(); n > 0 {
		m.Runs = map[catalog.ID][]connect.Run{}
		for ; n > 0 && !d.bad; n-- {
			id := catalog.ID(d.uvarint())
			var runs []connect.Run
			for k := d.uvarint(); k > 0 && !d.bad; k-- {
				p := int32(d.varint())
				runs = append(runs, connect.Run{Partition: p, Rows: int(d.uvarint())})
			}
			m.Runs[id] = runs
		}
	}
	if d.bad {
		return nil, pgerr.New(pgerr.DataCorrupted, "malformed epoch record in the log")
	}
	return m, nil
}

// appendLate encodes which rows of a stream's epoch are late: their distances, ascending.
func appendLate(dst []byte, late []int) []byte {
	prev := 0
	for _, r := range late {
		dst = binary.AppendUvarint(dst, uint64(r-prev))
		prev = r
	}
	return dst
}

func decodeLate(b []byte) []int {
	var late []int
	d := decoder{b: b}
	for prev := 0; len(d.b) > 0; {
		prev += int(d.uvarint())
		if d.bad {
			break
		}
		late = append(late, prev)
	}
	return late
}

// loggedError is a recError: a change of one error row.
type loggedError struct {
	Code, Message, Data string
	At                  *connect.Place `json:",omitempty"`
	Weight              int64          `json:",omitempty"` // 0: 1, as in records without it
}

// catalogChange is a recChange: what DDL did to the catalog and to the state behind it. It is applied live and at replay
// by the same function (core.change).
type catalogChange struct {
	Drop        []catalog.ID        `json:",omitempty"` // relations
	DropSchemas []catalog.ID        `json:",omitempty"`
	DropRoles   []catalog.ID        `json:",omitempty"`
	PutSchemas  []*catalog.Schema   `json:",omitempty"`
	PutRoles    []*catalog.Role     `json:",omitempty"`
	Put         []*catalog.Relation `json:",omitempty"`
	Create      []catalog.ID        `json:",omitempty"` // those of Put that are new, so that their state is made and filled
	Truncate    []catalog.ID        `json:",omitempty"`
	DropSecrets []catalog.ID        `json:",omitempty"`
	PutSecrets  []*catalog.Secret   `json:",omitempty"`
	Restart     []catalog.ID        `json:"-"` // relations whose source begins anew: of this process alone
	NextID      catalog.ID          // ids below are taken
	// Since: a created view sees of each of these streams the rows after the epoch.
	Since map[catalog.ID]uint64 `json:",omitempty"`
	// unchanged: rows of this change were made from these tables as they were at the epoch; checked at the cut.
	unchanged map[catalog.ID]uint64
}

func (c *catalogChange) encode() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // plain data
	}
	return b
}

func (d *decoder) varint() int64 {
	x, n := binary.Varint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return x
}
