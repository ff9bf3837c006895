package engine

import (
	"context"

	"github.com/millracedb/millrace/exec/query"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/vec"
	"github.com/millracedb/millrace/storage"
)

// A stream's rows are read from the log, where they were written once (D5).

// streamBatchRows is how many rows of small log records are put together.
const streamBatchRows = 2048

// stream reads the retained rows of a stream up to the pinned epoch, then the transaction's own.
func (s *txnSources) stream(_ context.Context, n *physical.Scan, meta *catalog.Relation) (query.Rows, error) {
	t := s.t
	if t.pins == nil {
		t.pins = t.e.pinRead([]catalog.ID{n.Rel})
	}
	out := &streamRows{}
	if c, forgotten, ok := t.e.streamState(n.Rel); ok {
		var err error
		if out, err = c.streamRows(meta, n.Cols, forgotten, t.pins.epoch); err != nil {
			return nil, storeError(err)
		}
	}
	for _, w := range t.streams {
		if w.id == n.Rel {
			own := &vec.Batch{N: w.rows.N}
			for _, col := range n.Cols {
				if col < len(w.rows.Cols) {
					own.Cols = append(own.Cols, w.rows.Cols[col])
				} else {
					own = withLate(own, nil)
				}
			}
			out.own = append(out.own, own)
		}
	}
	return out, nil
}

// streamState says whether a stream exists, and up to which epoch its rows are forgotten.
func (e *Engine) streamState(id catalog.ID) (c *core, forgotten uint64, ok bool) {
	e.publish.RLock()
	defer e.publish.RUnlock()
	r := e.core.rels[id]
	if r == nil || r.stream == nil {
		return nil, 0, false
	}
	return e.core, r.stream.forgotten, true
}

// streamRows reads a stream's rows in epochs (from, to] from the log.
type streamRows struct {
	scan *storage.Scanner // nil: ended
	cols []int
	full *vec.Batch // decoding target: all columns, nil where not wanted
	out  *vec.Batch
	own  []*vec.Batch // rows of the reading transaction, afterwards

	// Lateness is wanted: the late rows of each epoch that has any, and where in which epoch the next row stands.
	wantLate bool
	late     map[uint64][]int
	epoch    uint64
	row      int
}

func (c *core) streamRows(meta *catalog.Relation, cols []int, from, to uint64) (*streamRows, error) {
	r := &streamRows{cols: cols}
	r.full = &vec.Batch{Cols: make([]*vec.Vec, len(meta.Columns))}
	r.out = &vec.Batch{Cols: make([]*vec.Vec, len(cols))}
	for i, col := range cols {
		r.out.Cols[i] = vec.New(columnType(meta, col), 0)
		if col == len(meta.Columns) {
			r.wantLate = true
		} else {
			r.full.Cols[col] = vec.New(meta.Columns[col].Type, streamBatchRows)
		}
	}
	if r.wantLate {
		if err := r.readLate(c, meta.ID, from, to); err != nil {
			return nil, err
		}
	}
	var err error
	r.scan, err = c.store.Scan(meta.ID, from, to)
	return r, err
}

// readLate finds the late rows first, since they stand behind the rows in the log.
func (r *streamRows) readLate(c *core, id catalog.ID, from, to uint64) error {
	sc, err := c.store.Scan(id, from, to)
	if err != nil {
		return err
	}
	defer sc.Close()
	r.late = map[uint64][]int{}
	for {
		rec, ok, err := sc.Next()
		if err != nil || !ok {
			return err
		}
		if rec.Kind == recLate {
			r.late[rec.Epoch] = decodeLate(rec.Payload)
		}
	}
}

func (r *streamRows) Next() (*vec.Batch, error) {
	for r.scan != nil {
		b, err := r.fill()
		if err != nil {
			return nil, storeError(err)
		}
		if b != nil {
			return b, nil
		}
	}
	if len(r.own) > 0 {
		b := r.own[0]
		r.own = r.own[1:]
		return b, nil
	}
	return nil, nil
}

// fill decodes records until there are enough rows or none left.
func (r *streamRows) fill() (*vec.Batch, error) {
	r.full.N = 0
	for _, v := range r.full.Cols {
		if v != nil {
			v.Reset()
		}
	}
	flags := r.lateColumn()
	for r.full.N < streamBatchRows {
		rec, ok, err := r.scan.Next()
		if err != nil {
			return nil, err
		}
		if !ok {
			r.Close()
			break
		}
		if rec.Kind != recRows {
			continue
		}
		before := r.full.N
		if err := decodeBatch(rec.Payload, r.full); err != nil {
			return nil, err
		}
		if flags != nil {
			r.markLate(flags, rec.Epoch, r.full.N-before)
		}
	}
	if r.full.N == 0 {
		return nil, nil
	}
	r.out.N = r.full.N
	for i, c := range r.cols {
		if c < len(r.full.Cols) {
			r.out.Cols[i] = r.full.Cols[c]
		}
	}
	return r.out, nil
}

func (r *streamRows) lateColumn() *vec.Vec {
	for i, c := range r.cols {
		if c == len(r.full.Cols) {
			r.out.Cols[i].Reset()
			return r.out.Cols[i]
		}
	}
	return nil
}

func (r *streamRows) markLate(flags *vec.Vec, epoch uint64, rows int) {
	if epoch != r.epoch {
		r.epoch, r.row = epoch, 0
	}
	late := r.late[epoch]
	for range rows {
		for len(late) > 0 && late[0] < r.row {
			late = late[1:]
		}
		flags.AppendBool(len(late) > 0 && late[0] == r.row)
		r.row++
	}
	r.late[epoch] = late
}

func (r *streamRows) Close() {
	if r.scan != nil {
		r.scan.Close()
		r.scan = nil
	}
}
