package query

import (
	"math"

	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// sorted is ORDER BY, LIMIT and OFFSET. Without keys it streams and stops its input as soon as it has enough. With keys and
// a limit it keeps, beside what it is reading, only the first rows so far.
type sorted struct {
	r             *runner
	n             *physical.Sort
	in            Rows
	limit, offset int64      // limit < 0: none
	all           *vec.Batch // what was read, in the order of perm
	perm          []int32
	mem           share
}

func (r *runner) sort(n *physical.Sort) (Rows, error) {
	s := &sorted{r: r, n: n, limit: -1, mem: share{m: r.mem}}
	var err error
	if n.Limit != nil {
		if s.limit, err = r.count(n.Limit, -1, pgerr.InvalidRowCountInLimit, "LIMIT must not be negative"); err != nil {
			return nil, err
		}
	}
	if n.Offset != nil {
		if s.offset, err = r.count(n.Offset, 0, pgerr.InvalidRowCountInOffset, "OFFSET must not be negative"); err != nil {
			return nil, err
		}
	}
	if s.limit == 0 {
		return &batches{}, nil
	}
	s.in, err = r.build(n.Input)
	return s, err
}

// count evaluates a row count; a null means what it says.
func (r *runner) count(e expr.Expr, null int64, code, negative string) (int64, error) {
	v, err := r.constant(e)
	if err != nil {
		return 0, err
	}
	if v.Null {
		return null, nil
	}
	if v.I < 0 {
		return 0, pgerr.New(code, negative)
	}
	return v.I, nil
}

func (s *sorted) Next() (*vec.Batch, error) {
	if len(s.n.Keys) == 0 {
		return s.stream()
	}
	if s.all == nil {
		if err := s.sort(); err != nil {
			return nil, err
		}
	}
	if len(s.perm) == 0 {
		s.Close()
		return nil, nil
	}
	n := min(len(s.perm), sortedRows)
	b := s.keep(s.all).Select(s.perm[:n])
	s.perm = s.perm[n:]
	return b, nil
}

// sortedRows is how many rows of a sorted result are handed on at a time.
const sortedRows = 4096

// stream cuts rows as they come.
func (s *sorted) stream() (*vec.Batch, error) {
	for s.in != nil && s.limit != 0 {
		b, err := s.in.Next()
		if err != nil {
			return nil, err
		}
		if b == nil {
			break
		}
		if s.offset >= int64(b.N) {
			s.offset -= int64(b.N)
			continue
		}
		lo, hi := int(s.offset), b.N
		s.offset = 0
		if s.limit >= 0 {
			hi = int(min(int64(hi), int64(lo)+s.limit))
			s.limit -= int64(hi - lo)
		}
		return s.keep(b.Slice(lo, hi)), nil
	}
	s.Close()
	return nil, nil
}

// sort reads everything and orders it.
func (s *sorted) sort() error {
	top := int64(math.MaxInt64)
	if s.limit >= 0 && s.limit < math.MaxInt64-s.offset {
		top = s.limit + s.offset
	}
	all := vec.NewBatch(fieldTypes(s.n.Input), 0)
	in := s.in
	s.in = nil
	err := s.r.drain(in, func(b *vec.Batch) error {
		all.Append(b)
		if top <= sortChunk && int64(all.N) > 4*sortChunk {
			all = all.Select(op.SortRows(all, s.n.Keys, nil)[:top])
		}
		return s.mem.hold(all, 0)
	})
	if err != nil {
		return err
	}
	// Sorting takes the keys once more, and two lists of row numbers.
	if err := s.mem.hold(all, batchSize(all)+int64(16*all.N)); err != nil {
		return err
	}
	perm := op.SortRows(all, s.n.Keys, func() bool { return s.r.ctx.Err() != nil })
	if err := s.r.live(); err != nil {
		return err
	}
	lo := min(s.offset, int64(len(perm)))
	hi := min(top, int64(len(perm)))
	s.all, s.perm = all, perm[lo:hi]
	return s.mem.hold(all, int64(4*len(perm)))
}

// sortChunk is the largest LIMIT + OFFSET for which only the first rows are kept while reading.
const sortChunk = 8192

// keep drops columns that were only sort keys.
func (s *sorted) keep(b *vec.Batch) *vec.Batch {
	if k := s.n.KeepOut; k > 0 && k < len(b.Cols) {
		return &vec.Batch{Cols: b.Cols[:k], W: b.W, N: b.N}
	}
	return b
}

func (s *sorted) Close() {
	if s.in != nil {
		s.in.Close()
		s.in = nil
	}
	s.all, s.perm = &vec.Batch{}, nil
	s.mem.free()
}
