package format

import (
	"bytes"
	"maps"
	"slices"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// debezium decodes FORMAT DEBEZIUM: a record is a change of one row, with the row before it and after it.
//
//	op c, r   +1 after
//	op u      +1 after, and in front of it -1 before if the key differs
//	op d      -1 before; if there is none, -1 of the record's key
//	op t      all rows go (Said)
//	none      as the parts that are there say
//
// A record without a value is a tombstone: it tells the broker's compaction what the record in front of it told us.
// Messages (op m) are no rows.
//
// A value that PostgreSQL keeps apart (TOAST) and that a change leaves alone is not in the change: Debezium writes
// a placeholder. The row has its old value, which the receiver of the rows knows (Said.Unchanged). Where the key changes,
// Debezium writes the deletion of the old row, a tombstone, and the new row: its old values are those of the row deleted.
type debezium struct {
	skips
	said   Said
	took   int // of the last change in the partition: the row it took away, -1: none
	change changeDecoder
	cols   []column // of the rows
	keys   []column
	key    rowDecoder // of a delete without a row; nil: there is none to be had
	nulls  []column   // what the key does not fill
}

// changeDecoder takes a change apart and reads its rows.
type changeDecoder interface {
	rowDecoder // of before and after
	// parts returns the encoded rows, nil where there is none, and what happened, 0 where it is not said.
	parts(value []byte) (before, after []byte, op byte, err error)
	// known returns a row with something that can be read in the place of values that it does not tell, and the columns
	// of these.
	known(row []byte) ([]byte, []int)
}

func (m *maker) debezium() (Decoder, error) {
	var fields, keys []field
	d := &debezium{skips: m.skips(), took: -1}
	for i, c := range m.Columns {
		pk := slices.Contains(m.PrimaryKey, i)
		switch {
		case c.Include != "" && (pk || m.keyColumn(c)):
			return nil, pgerr.Newf(pgerr.InvalidTableDefinition, "column \"%s\" cannot be filled by FORMAT DEBEZIUM", c.Name).
				WithHint("Its primary key comes from the rows before and after a change.")
		case c.Include != "":
			continue
		case pk:
			keys = append(keys, field{i, c})
		default:
			d.nulls = append(d.nulls, newColumn(i, c))
		}
		fields = append(fields, field{i, c})
	}
	d.cols, d.keys = newColumns(fields), newColumns(keys)
	rows, err := m.value.changes(fields)
	if err != nil {
		return nil, err
	}
	d.change = rows
	if len(keys) > 0 {
		d.key, err = m.keyDecoder(pathless(keys))
	}
	return d, err
}

// changes returns the decoder of the encoding's changes.
func (s side) changes(fields []field) (changeDecoder, error) {
	if s.name == "AVRO" {
		return newAvroChanges(s, fields)
	}
	s.options = maps.Clone(s.options)
	for name, debeziums := range map[string]string{optBytea: "base64", optJSON: "text"} {
		if s.options[name] == "" {
			s.options[name] = debeziums
		}
	}
	d := &jsonChanges{JSON: newJSON(s, fields), connect: connectSchema{row: "after"}}
	for _, f := range fields {
		d.binary = d.binary || f.Type.OID == types.Bytea
		_, array := types.ElemOf(f.Type.OID)
		d.arrays = d.arrays || array
	}
	return d, nil
}

// pathless are key columns by their names alone: a path is a way into the value.
func pathless(fields []field) []field {
	out := make([]field, len(fields))
	for i, f := range fields {
		out[i] = field{f.index, catalog.Column{Name: f.Name, Type: f.Type}}
	}
	return out
}

// Said implements Changer.
func (d *debezium) Said() Said { return d.said }

// Break implements Changer.
func (d *debezium) Break() { d.took = -1 }

// Decode implements Decoder.
func (d *debezium) Decode(key, value []byte, dst *vec.Batch) error {
	d.said = Said{}
	if value == nil {
		return nil
	}
	took := d.took
	d.took = -1
	before, after, op, err := d.change.parts(value)
	if err != nil {
		return err
	}
	switch op {
	case 'm':
		return nil
	case 't':
		d.said.Truncate = true
		return nil
	case 'c', 'r':
		before = nil
	case 'd':
		after = nil
	case 'u', 0:
	default:
		return pgerr.Newf(pgerr.InvalidParameterValue, "unknown operation \"%c\" of Debezium", op)
	}
	switch {
	case after != nil:
		return d.put(before, after, op, took, dst)
	case before != nil:
		d.took = dst.N
		return d.take(before, dst)
	case op == 'd' && key != nil && d.key != nil:
		d.took = dst.N
		return d.takeKey(key, dst)
	}
	return pgerr.New(pgerr.NullValueNotAllowed, "change has no row").
		WithHint("FORMAT DEBEZIUM reads objects with the fields before, after and op.")
}

// put appends a row, and in front of it the deletion of the one it replaces, if that has another key. took is the row
// that the record in front took away.
func (d *debezium) put(before, after []byte, op byte, took int, dst *vec.Batch) error {
	n := dst.N
	if before != nil {
		if err := d.take(before, dst); err != nil {
			return err
		}
	}
	after, unchanged := d.change.known(after)
	if err := d.row(after, dst); err != nil {
		d.dropRows(dst, n)
		return err
	}
	from := dst.N
	if dst.N > n {
		if from = n; d.sameKey(dst, n, dst.N) {
			// What the row replaces has its key: the row alone says it all.
			d.dropRows(dst, n)
			if err := d.row(after, dst); err != nil {
				return err
			}
		}
	} else if op == 'c' {
		from = took
	}
	addRow(dst, 1)
	if len(unchanged) > 0 {
		d.said.Unchanged, d.said.Of = unchanged, from
	}
	return nil
}

// dropRows takes the rows from n on back, a row that is not counted yet included.
func (d *debezium) dropRows(dst *vec.Batch, n int) {
	if dst.W != nil {
		dst.W = dst.W[:n]
	}
	dst.N = n
	cutRow(d.cols, dst)
}

func (d *debezium) row(data []byte, dst *vec.Batch) error {
	if err := d.change.row(data, dst); err != nil {
		return err
	}
	err := checkKey(d.keys, dst)
	if err != nil {
		cutRow(d.cols, dst)
	}
	return err
}

func (d *debezium) take(row []byte, dst *vec.Batch) error {
	row, _ = d.change.known(row) // only its key counts
	if err := d.row(row, dst); err != nil {
		return err
	}
	addRow(dst, -1)
	return nil
}

func (d *debezium) takeKey(key []byte, dst *vec.Batch) error {
	if err := d.key.row(key, dst); err != nil {
		return inKey(err)
	}
	if err := checkKey(d.keys, dst); err != nil {
		cutRow(d.keys, dst)
		return err
	}
	for i := range d.nulls {
		dst.Cols[d.nulls[i].index].AppendNull()
	}
	addRow(dst, -1)
	return nil
}

func (d *debezium) sameKey(b *vec.Batch, i, j int) bool {
	for k := range d.keys {
		switch v := b.Cols[d.keys[k].index]; v.Type.Class() {
		case types.I64:
			if v.I64[i] != v.I64[j] {
				return false
			}
		case types.F64:
			if v.F64[i] != v.F64[j] {
				return false
			}
		default:
			if !bytes.Equal(v.Bytes(i), v.Bytes(j)) {
				return false
			}
		}
	}
	return true
}

// jsonChanges takes changes in JSON apart, in Kafka Connect's envelope or without.
type jsonChanges struct {
	*JSON
	connect   connectSchema
	spans     [3][]byte
	binary    bool // there are bytea columns
	arrays    bool
	rewritten []byte // a row whose placeholders are nulls
	unchanged []int
}

var changeNames = []string{"before", "after", "op"}

func (d *jsonChanges) parts(value []byte) (before, after []byte, op byte, err error) {
	payload, err := d.connect.unwrap(d.JSON, value)
	if err != nil {
		return nil, nil, 0, err
	}
	if payload == nil || string(bytes.TrimSpace(payload)) == "null" {
		return nil, nil, 'm', nil // a tombstone, as Kafka Connect may write it
	}
	if err := d.split(payload, changeNames, d.spans[:]); err != nil {
		return nil, nil, 0, err
	}
	if s := d.spans[2]; len(s) == 3 && s[0] == '"' {
		op = s[1]
	} else if s != nil {
		op = '?'
	}
	return d.spans[0], d.spans[1], op, nil
}
