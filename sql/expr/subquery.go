package expr

import (
	"encoding/binary"
	"math"

	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// subqueryNode runs a subplan once for each distinct tuple of outer values in an Eval.
type subqueryNode struct {
	e     *Subquery
	args  []node
	argv  []*vec.Vec
	test  *Program
	out   result
	memo  map[string]subResult
	key   []byte
	outer []vec.Scalar
}

// subResult is what a run of the subplan gave.
type subResult struct {
	batch *vec.Batch
	err   error
}

func compileSubquery(e *Subquery) (node, error) {
	args, err := compileAll(e.Args)
	if err != nil {
		return nil, err
	}
	s := &subqueryNode{e: e, args: args, argv: make([]*vec.Vec, len(args)), out: newResult(e.T),
		outer: make([]vec.Scalar, len(args))}
	if e.Kind == SubAny || e.Kind == SubAll {
		if s.test, err = Compile(e.Test); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *subqueryNode) eval(ctx *funcs.Ctx, in *vec.Batch, sel []int32) *vec.Vec {
	for i, a := range s.args {
		s.argv[i] = a.eval(ctx, in, sel)
	}
	s.memo = map[string]subResult{}
	s.out.reset(in.N)
	bytesOut := s.out.Type.Class() == types.Bytes
	next := 0
	each(in.N, sel, func(i int) {
		for ; bytesOut && next < i; next++ {
			s.out.FinishBytes()
		}
		next = i + 1
		s.row(ctx, in, i, bytesOut)
	})
	for ; bytesOut && next < in.N; next++ {
		s.out.FinishBytes()
	}
	return &s.out.Vec
}

func each(n int, sel []int32, f func(i int)) {
	if sel == nil {
		for i := range n {
			f(i)
		}
		return
	}
	for _, i := range sel {
		f(int(i))
	}
}

// row computes row i.
func (s *subqueryNode) row(ctx *funcs.Ctx, in *vec.Batch, i int, bytesOut bool) {
	var val vec.Scalar
	err := error(nil)
	if ctx.Failed(int32(i)) {
		val = vec.NullOf(s.e.T)
	} else {
		val, err = s.value(ctx, in, i)
	}
	if err != nil {
		ctx.Fail(int32(i), pgerr.Of(err))
		val = vec.NullOf(s.e.T)
	}
	switch {
	case bytesOut:
		s.out.Buf = append(s.out.Buf, val.B...)
		s.out.FinishBytes()
	case val.Null:
	case s.out.I64 != nil:
		s.out.I64[i] = val.I
	default:
		s.out.F64[i] = val.F
	}
	if val.Null {
		s.out.setNull(i, in.N)
	}
}

func (s *subqueryNode) value(ctx *funcs.Ctx, in *vec.Batch, i int) (vec.Scalar, error) {
	rows, err := s.run(ctx, i)
	if err != nil {
		return vec.Scalar{}, err
	}
	switch s.e.Kind {
	case SubExists:
		return boolScalar(rows.N > 0), nil
	case SubScalar:
		switch rows.N {
		case 0:
			return vec.NullOf(s.e.T), nil
		case 1:
			return rows.Cols[0].At(0), nil
		}
		return vec.Scalar{}, pgerr.New(pgerr.CardinalityViolation, "more than one row returned by a subquery used as an expression")
	case SubArray:
		return arrayOf(s.e.T, rows)
	}
	return s.quantify(ctx, in, i, rows)
}

// run returns the rows of the subplan for the outer values of row i. Weights are spelled out as repeated rows by
// the runner; a batch here has one row a row.
func (s *subqueryNode) run(ctx *funcs.Ctx, i int) (*vec.Batch, error) {
	s.key = s.key[:0]
	for _, v := range s.argv {
		s.key = appendCell(s.key, v, i)
	}
	if r, ok := s.memo[string(s.key)]; ok {
		return r.batch, r.err
	}
	if ctx.Subquery == nil {
		return nil, pgerr.Unsupported("a subquery in this place")
	}
	for k, v := range s.argv {
		s.outer[k] = v.At(i)
	}
	var r subResult
	r.batch, r.err = ctx.Subquery(s.e.ID, append([]vec.Scalar{}, s.outer...))
	s.memo[string(s.key)] = r
	return r.batch, r.err
}

// quantify tests row i against all rows of the subquery.
func (s *subqueryNode) quantify(ctx *funcs.Ctx, in *vec.Batch, i int, rows *vec.Batch) (vec.Scalar, error) {
	joined := &vec.Batch{N: rows.N, Cols: make([]*vec.Vec, 0, len(in.Cols)+len(rows.Cols))}
	same := make([]int32, rows.N)
	for k := range same {
		same[k] = int32(i)
	}
	for _, c := range in.Cols {
		r := vec.New(c.Type, rows.N)
		r.AppendSel(c, same)
		joined.Cols = append(joined.Cols, r)
	}
	joined.Cols = append(joined.Cols, rows.Cols...)
	sub := ctx.Fork()
	v := s.test.Eval(sub, joined, nil)
	all := s.e.Kind == SubAll
	null := false
	for k := range rows.N {
		switch {
		case sub.Failed(int32(k)):
			return vec.Scalar{}, sub.Errors[0].Err
		case v.IsNull(k):
			null = true
		case v.Bool(k) != all:
			return boolScalar(!all), nil
		}
	}
	if null {
		return vec.NullOf(s.e.T), nil
	}
	return boolScalar(all), nil
}

func boolScalar(b bool) vec.Scalar {
	s := vec.Scalar{Type: types.T(types.Bool)}
	if b {
		s.I = 1
	}
	return s
}

// appendCell appends value i of v so that different values give different bytes.
func appendCell(dst []byte, v *vec.Vec, i int) []byte {
	if v.IsNull(i) {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	switch v.Type.Class() {
	case types.I64:
		return binary.LittleEndian.AppendUint64(dst, uint64(v.I64[i]))
	case types.F64:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.F64[i]))
	}
	b := v.Bytes(i)
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}
