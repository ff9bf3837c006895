package funcs

import (
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

const secArray = "Arrays"

// appendElems appends the elements of an encoded array to v, whose type is the element type.
func appendElems(v *vec.Vec, r *types.ArrayReader) {
	class := v.Type.Class()
	for r.Next() {
		switch {
		case r.Null:
			v.AppendNull()
		case class == types.I64:
			v.AppendI64(r.I64)
		case class == types.F64:
			v.AppendF64(r.F64)
		default:
			v.AppendBytes(r.Bytes)
		}
	}
}

// run applies the kernel of a strict function to n rows, as the evaluator does: rows with a null argument give
// null. Kernels that apply another function to the elements of arrays use it.
func run(ctx *Ctx, f *Func, args []*vec.Vec, n int, t types.Type) *vec.Vec {
	out := vec.New(t, n)
	if t.Class() != types.Bytes {
		out.Resize(n)
	}
	sel := make([]int32, 0, n)
	var null []int
	for i := range n {
		skip := false
		for _, a := range args {
			skip = skip || a.IsNull(i)
		}
		if skip && !f.Lax {
			null = append(null, i)
		} else {
			sel = append(sel, int32(i))
		}
	}
	f.Kernel(ctx, args, n, sel, out)
	for _, i := range null {
		out.SetNull(i)
	}
	return out
}

// arrayCastKernel converts arrays element by element.
func arrayCastKernel(id castID) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		from, to := args[0].Type.ElemType(), out.Type.ElemType()
		f := elemCast(from, to, id.assign)
		b := types.NewArrayBuilder(to)
		appendRows(ctx, rows, sel, out, func(i int) error {
			r := types.ReadArray(from, args[0].Bytes(i))
			elems := vec.New(from, r.Len())
			dims := r.Dims()
			appendElems(elems, &r)
			sub := ctx.Fork()
			vals := elems
			if f != nil {
				vals = run(sub, f, []*vec.Vec{elems}, elems.Len(), to)
			}
			if len(sub.Errors) > 0 {
				return sub.Errors[0].Err
			}
			b.Reset(to)
			for k := range vals.Len() {
				vals.AppendElem(b, k)
			}
			out.Buf = b.FinishDims(out.Buf, dims)
			return nil
		})
	}
}

// elemCast is the cast of one element, nil if there is nothing to do.
func elemCast(from, to types.Type, assign bool) *Func {
	ctx := Explicit
	if assign {
		ctx = Assignment
	}
	f, _ := FindCast(from, to, ctx)
	return f
}
