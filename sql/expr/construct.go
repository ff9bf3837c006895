package expr

import (
	"math"
	"slices"

	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// arrayNode is ARRAY[...]. Elements that are arrays themselves make an array of one more dimension.
type arrayNode struct {
	elems  []node
	argv   []*vec.Vec
	nested bool
	out    result
	b      *types.ArrayBuilder
}

func compileArray(e *Array) (node, error) {
	elems, err := compileAll(e.Elems)
	a := &arrayNode{elems: elems, argv: make([]*vec.Vec, len(elems)), out: newResult(e.T), b: types.NewArrayBuilder(e.T.ElemType())}
	for _, x := range e.Elems {
		a.nested = a.nested || x.Type().OID.IsArray()
	}
	return a, err
}

func (a *arrayNode) eval(ctx *funcs.Ctx, in *vec.Batch, sel []int32) *vec.Vec {
	for i, e := range a.elems {
		a.argv[i] = e.eval(ctx, in, sel)
	}
	a.out.reset(in.N)
	appendEach(&a.out, in.N, sel, func(i int) error {
		a.b.Reset(a.out.Type.ElemType())
		if a.nested {
			return a.nest(i)
		}
		for _, v := range a.argv {
			v.AppendElem(a.b, i)
		}
		a.out.Buf = a.b.Finish(a.out.Buf)
		return nil
	}, ctx)
	return &a.out.Vec
}

// nest stacks arrays, which must agree in their dimensions.
func (a *arrayNode) nest(i int) error {
	var dims []types.ArrayDim
	for k, v := range a.argv {
		r := types.ReadArray(a.out.Type.ElemType(), v.Bytes(i))
		if k == 0 {
			dims = r.Dims()
		} else if !slices.Equal(dims, r.Dims()) {
			return pgerr.New(pgerr.ArraySubscriptError, "multidimensional arrays must have array expressions with matching dimensions")
		}
		for r.Next() {
			a.b.AppendElem(&r)
		}
	}
	dims = append([]types.ArrayDim{{Len: int32(len(a.argv)), Lower: 1}}, dims...)
	a.out.Buf = a.b.FinishDims(a.out.Buf, dims)
	return nil
}

// arrayOf makes the array of a subquery's first column.
func arrayOf(t types.Type, rows *vec.Batch) (vec.Scalar, error) {
	if rows.Cols[0].Type.OID.IsArray() {
		return arrayOfArrays(t, rows.Cols[0], rows.N)
	}
	b := types.NewArrayBuilder(t.ElemType())
	for i := range rows.N {
		rows.Cols[0].AppendElem(b, i)
	}
	return vec.Scalar{Type: t, B: b.Finish(nil)}, nil
}

// arrayOfArrays stacks the arrays of a column; as in PostgreSQL none may be null or empty.
func arrayOfArrays(t types.Type, col *vec.Vec, n int) (vec.Scalar, error) {
	b := types.NewArrayBuilder(t.ElemType())
	var dims []types.ArrayDim
	for i := range n {
		if col.IsNull(i) {
			return vec.Scalar{}, pgerr.New(pgerr.NullValueNotAllowed, "cannot accumulate null arrays")
		}
		r := types.ReadArray(t.ElemType(), col.Bytes(i))
		switch d := r.Dims(); {
		case len(d) == 0:
			return vec.Scalar{}, pgerr.New(pgerr.ArraySubscriptError, "cannot accumulate empty arrays")
		case i == 0:
			dims = d
		case !slices.Equal(dims, d):
			return vec.Scalar{}, pgerr.New(pgerr.ArraySubscriptError, "cannot accumulate arrays of different dimensionality")
		}
		for r.Next() {
			b.AppendElem(&r)
		}
	}
	dims = append([]types.ArrayDim{{Len: int32(n), Lower: 1}}, dims...)
	return vec.Scalar{Type: t, B: b.FinishDims(nil, dims)}, nil
}

// rowNode is ROW(...).
type rowNode struct {
	elems []node
	argv  []*vec.Vec
	out   result
}

func compileRow(e *Row) (node, error) {
	elems, err := compileAll(e.Elems)
	return &rowNode{elems: elems, argv: make([]*vec.Vec, len(elems)), out: newResult(e.Type())}, err
}

func (r *rowNode) eval(ctx *funcs.Ctx, in *vec.Batch, sel []int32) *vec.Vec {
	for i, e := range r.elems {
		r.argv[i] = e.eval(ctx, in, sel)
	}
	r.out.reset(in.N)
	appendEach(&r.out, in.N, sel, func(i int) error {
		for _, v := range r.argv {
			r.out.Buf = appendField(r.out.Buf, v, i)
		}
		return nil
	}, ctx)
	return &r.out.Vec
}

// appendField appends value i of v as a field of a record.
func appendField(dst []byte, v *vec.Vec, i int) []byte {
	t := v.Type.OID
	switch {
	case v.IsNull(i):
		return types.AppendRecordNull(dst, t)
	case v.Type.Class() == types.I64:
		return types.AppendRecordI64(dst, t, v.I64[i])
	case v.Type.Class() == types.F64:
		return types.AppendRecordI64(dst, t, int64(math.Float64bits(v.F64[i])))
	}
	return types.AppendRecordBytes(dst, t, v.Bytes(i))
}

// appendEach appends a value of the Bytes class for each row: what f appends for the selected ones, nothing for
// the others, null for those that fail.
func appendEach(out *result, n int, sel []int32, f func(i int) error, ctx *funcs.Ctx) {
	next := 0
	each(n, sel, func(i int) {
		for ; next < i; next++ {
			out.FinishBytes()
		}
		next++
		start := len(out.Buf)
		if !ctx.Failed(int32(i)) {
			if err := f(i); err != nil {
				ctx.Fail(int32(i), pgerr.Of(err))
			}
		}
		failed := ctx.Failed(int32(i))
		if failed {
			out.Buf = out.Buf[:start]
		}
		out.FinishBytes()
		if failed {
			out.setNull(i, n)
		}
	})
	for ; next < n; next++ {
		out.FinishBytes()
	}
}
