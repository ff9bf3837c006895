package funcs

import (
	"unsafe"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// This file turns functions of single values into kernels. The loops are here once; the hot kernels of int
// arithmetic and comparison are written out by hand in their own files, since a call through a function value
// costs more than what it computes.

// number is the element type of a fixed-width column.
type number interface{ int64 | float64 }

// slice returns the fixed-width values of v; T must be of v's class.
func slice[T number](v *vec.Vec) []T {
	var zero T
	switch any(zero).(type) {
	case int64:
		return *(*[]T)(unsafe.Pointer(&v.I64))
	}
	return *(*[]T)(unsafe.Pointer(&v.F64))
}

// Unary is a kernel of a function that cannot fail.
func Unary[A, R number](f func(A) R) Kernel {
	return func(_ *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, r := slice[A](args[0])[:rows], slice[R](out)[:rows]
		if sel == nil {
			for i, x := range a {
				r[i] = f(x)
			}
			return
		}
		for _, i := range sel {
			r[i] = f(a[i])
		}
	}
}

// UnaryErr is a kernel of a function that can fail.
func UnaryErr[A, R number](f func(A) (R, error)) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, r := slice[A](args[0])[:rows], slice[R](out)[:rows]
		forRows(rows, sel, func(i int) {
			x, err := f(a[i])
			if err != nil {
				ctx.Fail(int32(i), pgerr.Of(err))
				return
			}
			r[i] = x
		})
	}
}

// Binary is a kernel of a function that cannot fail.
func Binary[A, B, R number](f func(A, B) R) Kernel {
	return func(_ *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, b, r := slice[A](args[0])[:rows], slice[B](args[1])[:rows], slice[R](out)[:rows]
		if sel == nil {
			for i, x := range a {
				r[i] = f(x, b[i])
			}
			return
		}
		for _, i := range sel {
			r[i] = f(a[i], b[i])
		}
	}
}

// BinaryErr is a kernel of a function that can fail.
func BinaryErr[A, B, R number](f func(A, B) (R, error)) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, b, r := slice[A](args[0])[:rows], slice[B](args[1])[:rows], slice[R](out)[:rows]
		forRows(rows, sel, func(i int) {
			x, err := f(a[i], b[i])
			if err != nil {
				ctx.Fail(int32(i), pgerr.Of(err))
				return
			}
			r[i] = x
		})
	}
}

// BytesTo is a kernel from one byte string to a fixed-width value.
func BytesTo[R number](f func([]byte) (R, error)) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, r := args[0], slice[R](out)[:rows]
		forRows(rows, sel, func(i int) {
			x, err := f(a.Bytes(i))
			if err != nil {
				ctx.Fail(int32(i), pgerr.Of(err))
				return
			}
			r[i] = x
		})
	}
}

// Bytes2To is a kernel from two byte strings to a fixed-width value.
func Bytes2To[R number](f func(a, b []byte) R) Kernel {
	return func(_ *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, b, r := args[0], args[1], slice[R](out)[:rows]
		forRows(rows, sel, func(i int) { r[i] = f(a.Bytes(i), b.Bytes(i)) })
	}
}

// ToBytes is a kernel from a fixed-width value to a byte string that f appends to dst.
func ToBytes[A number](f func(dst []byte, a A) ([]byte, error)) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a := slice[A](args[0])[:rows]
		appendRows(ctx, rows, sel, out, func(i int) error {
			b, err := f(out.Buf, a[i])
			if err == nil {
				out.Buf = b
			}
			return err
		})
	}
}

// BytesToBytes is a kernel from one byte string to another that f appends to dst.
func BytesToBytes(f func(dst, a []byte) ([]byte, error)) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a := args[0]
		appendRows(ctx, rows, sel, out, func(i int) error {
			b, err := f(out.Buf, a.Bytes(i))
			if err == nil {
				out.Buf = b
			}
			return err
		})
	}
}

// Bytes2ToBytes is a kernel from two byte strings to one that f appends to dst.
func Bytes2ToBytes(f func(dst, a, b []byte) ([]byte, error)) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, b := args[0], args[1]
		appendRows(ctx, rows, sel, out, func(i int) error {
			r, err := f(out.Buf, a.Bytes(i), b.Bytes(i))
			if err == nil {
				out.Buf = r
			}
			return err
		})
	}
}

// forRows calls f for every selected row.
func forRows(rows int, sel []int32, f func(i int)) {
	if sel == nil {
		for i := range rows {
			f(i)
		}
		return
	}
	for _, i := range sel {
		f(int(i))
	}
}

// appendRows calls f for every selected row; f appends the row's value to out.Buf. Rows not selected, and rows
// that fail, get an empty value.
func appendRows(ctx *Ctx, rows int, sel []int32, out *vec.Vec, f func(i int) error) {
	if sel == nil {
		for i := range rows {
			appendRow(ctx, i, out, f)
		}
		return
	}
	next := 0
	for _, i := range sel {
		for ; next < int(i); next++ {
			out.FinishBytes()
		}
		appendRow(ctx, next, out, f)
		next++
	}
	for ; next < rows; next++ {
		out.FinishBytes()
	}
}

// maxColumn keeps offsets within their 32 bits.
const maxColumn = 1<<31 - 1

func appendRow(ctx *Ctx, i int, out *vec.Vec, f func(i int) error) {
	start := len(out.Buf)
	err := f(i)
	if err == nil && len(out.Buf) > maxColumn {
		err = pgerr.New(pgerr.OutOfMemory, "out of memory").WithDetail("The values of one column of a batch exceed %d bytes.", maxColumn)
	}
	if err != nil {
		ctx.Fail(int32(i), pgerr.Of(err))
		out.Buf = out.Buf[:start]
	}
	out.FinishBytes()
}

// Row is one row of a call, for functions whose cost dwarfs that of the access: arguments by position, and the
// result set once.
type Row struct {
	*Ctx
	args []*vec.Vec
	out  *vec.Vec
	i    int
	null bool
}

// Each makes a kernel of a function of one row. It sets its result with one of the Put functions; without one the
// result is zero or the empty string.
func Each(f func(r *Row) error) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		r := &Row{Ctx: ctx, args: args, out: out}
		if len(out.Off) == 0 {
			forRows(rows, sel, func(i int) {
				r.i, r.null = i, false
				if err := f(r); err != nil {
					ctx.Fail(int32(i), pgerr.Of(err))
				} else if r.null {
					out.SetNull(i)
				}
			})
			return
		}
		var nulls []int32 // set at the end: the bitmap has room for what is there
		appendRows(ctx, rows, sel, out, func(i int) error {
			r.i, r.null = i, false
			start := len(out.Buf)
			err := f(r)
			if r.null && err == nil {
				out.Buf = out.Buf[:start]
				nulls = append(nulls, int32(i))
			}
			return err
		})
		for _, i := range nulls {
			out.SetNull(int(i))
		}
	}
}

// Num returns the number of arguments.
func (r *Row) Num() int { return len(r.args) }

// Null reports whether argument n is null.
func (r *Row) Null(n int) bool { return r.args[n].IsNull(r.i) }

// Int returns an argument of the I64 class.
func (r *Row) Int(n int) int64 { return r.args[n].I64[r.i] }

// Float returns an argument of the F64 class.
func (r *Row) Float(n int) float64 { return r.args[n].F64[r.i] }

// Bytes returns an argument of the Bytes class.
func (r *Row) Bytes(n int) []byte { return r.args[n].Bytes(r.i) }

// Str returns an argument of the Bytes class as a string, valid during the call.
func (r *Row) Str(n int) string { return r.args[n].Str(r.i) }

// PutNull makes the result null.
func (r *Row) PutNull() error { r.null = true; return nil }

// PutInt sets a result of the I64 class.
func (r *Row) PutInt(v int64) error { r.out.I64[r.i] = v; return nil }

// PutBool sets a bool result.
func (r *Row) PutBool(v bool) error { r.out.I64[r.i] = b2i(v); return nil }

// PutFloat sets a result of the F64 class.
func (r *Row) PutFloat(v float64) error { r.out.F64[r.i] = v; return nil }

// PutStr sets a result of the Bytes class.
func (r *Row) PutStr(s string) error { r.out.Buf = append(r.out.Buf, s...); return nil }

// PutBytes sets a result of the Bytes class.
func (r *Row) PutBytes(b []byte) error { r.out.Buf = append(r.out.Buf, b...); return nil }

// Append sets a result of the Bytes class to what f appends to dst.
func (r *Row) Append(f func(dst []byte) ([]byte, error)) error {
	b, err := f(r.out.Buf)
	if err == nil {
		r.out.Buf = b
	}
	return err
}

// scalar copies argument n.
func (r *Row) scalar(n int) vec.Scalar { return r.args[n].At(r.i) }

// put sets the result to s, a value of the result's class.
func (r *Row) put(s vec.Scalar) error {
	switch {
	case s.Null:
		return r.PutNull()
	case r.out.I64 != nil:
		return r.PutInt(s.I)
	case r.out.F64 != nil:
		return r.PutFloat(s.F)
	}
	return r.PutBytes(s.B)
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func fail(ctx *Ctx, i int, code, msg string) { ctx.Fail(int32(i), pgerr.New(code, msg)) }
