package funcs

import (
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

var errOidRange = pgerr.New(pgerr.NumericValueOutOfRange, "OID out of range")

// inputKernel converts text to type to by its input function.
func inputKernel(to types.OID, assign bool) Kernel {
	switch types.T(to).Class() {
	case types.I64:
		return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
			a := args[0]
			forRows(rows, sel, func(i int) {
				v, err := types.ParseI64(out.Type, a.Str(i), ctx.Env)
				if err != nil {
					ctx.Fail(int32(i), pgerr.Of(err))
					return
				}
				out.I64[i] = v
			})
		}
	case types.F64:
		return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
			a := args[0]
			forRows(rows, sel, func(i int) {
				v, err := types.ParseF64(out.Type, a.Str(i))
				if err != nil {
					ctx.Fail(int32(i), pgerr.Of(err))
					return
				}
				out.F64[i] = v
			})
		}
	}
	if (to == types.Varchar || to == types.BPChar) && !assign {
		return explicitChars
	}
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a := args[0]
		appendRows(ctx, rows, sel, out, func(i int) (err error) {
			out.Buf, err = types.AppendParsedBytes(out.Buf, out.Type, a.Str(i), ctx.Env)
			return err
		})
	}
}

func explicitChars(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
	fitChars(ctx, args[0], rows, sel, out, true)
}

func assignedChars(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
	fitChars(ctx, args[0], rows, sel, out, false)
}

func fitChars(ctx *Ctx, a *vec.Vec, rows int, sel []int32, out *vec.Vec, explicit bool) {
	appendRows(ctx, rows, sel, out, func(i int) (err error) {
		out.Buf, err = keep(out.Buf)(types.AppendCharCoerced(out.Buf, out.Type, a.Str(i), explicit))
		return err
	})
}

// chars is the kernel of casts between strings that fit the target's length.
func chars(assign bool) Kernel {
	if assign {
		return assignedChars
	}
	return explicitChars
}

// outputKernel converts type from to a string type by its output function.
func outputKernel(from, to types.OID, assign bool) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a := args[0]
		var tmp []byte
		appendRows(ctx, rows, sel, out, func(i int) error {
			if to == types.Text || to == types.Varchar && out.Type.Mod < 0 {
				out.Buf = appendText(out.Buf, ctx, a, i)
				return nil
			}
			tmp = appendText(tmp[:0], ctx, a, i)
			if to == types.Name {
				out.Buf = append(out.Buf, types.TruncateName(types.Str(tmp))...)
				return nil
			}
			var err error
			out.Buf, err = keep(out.Buf)(types.AppendCharCoerced(out.Buf, out.Type, types.Str(tmp), !assign))
			return err
		})
	}
}

// appendText appends the text of value i of v, which is not null.
func appendText(dst []byte, ctx *Ctx, v *vec.Vec, i int) []byte {
	switch v.Type.Class() {
	case types.I64:
		return types.AppendI64Text(dst, v.Type, v.I64[i], ctx.Env)
	case types.F64:
		return types.AppendF64Text(dst, v.Type, v.F64[i])
	}
	return types.AppendBytesText(dst, v.Type, v.Bytes(i), ctx.Env)
}

// appendCast appends value i of v as its cast to text has it, which for some types is not what the output function
// says.
func appendCast(dst []byte, ctx *Ctx, v *vec.Vec, i int) []byte {
	switch v.Type.OID {
	case types.Bool:
		return append(dst, boolText(v.I64[i])...)
	case types.BPChar:
		return append(dst, types.TrimBPChar(v.Bytes(i))...)
	}
	return appendText(dst, ctx, v, i)
}

func copyBytes(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
	a := args[0]
	appendRows(ctx, rows, sel, out, func(i int) error {
		out.Buf = append(out.Buf, a.Bytes(i)...)
		return nil
	})
}

func stringCasts() []castRow {
	const i, a = Implicit, Assignment
	trim := fixed(BytesToBytes(func(dst, s []byte) ([]byte, error) { return append(dst, types.TrimBPChar(s)...), nil }))
	trimChars := func(assign bool) Kernel { return trimThen(chars(assign)) }
	name := fixed(BytesToBytes(func(dst, s []byte) ([]byte, error) {
		return append(dst, types.TruncateName(types.Str(s))...), nil
	}))
	trimName := fixed(BytesToBytes(func(dst, s []byte) ([]byte, error) {
		return append(dst, types.TruncateName(types.Str(types.TrimBPChar(s)))...), nil
	}))
	firstByte := fixed(BytesTo(func(s []byte) (int64, error) {
		if len(s) == 0 {
			return 0, nil
		}
		return int64(s[0]), nil
	}))
	out := func(from, to types.OID) func(bool) Kernel {
		return func(assign bool) Kernel { return outputKernel(from, to, assign) }
	}
	rows := []castRow{
		{types.Text, types.BPChar, i, nil, false}, {types.Text, types.Varchar, i, nil, false},
		{types.Varchar, types.Text, i, nil, true}, {types.Varchar, types.BPChar, i, nil, false},
		{types.BPChar, types.Text, i, trim, true}, {types.BPChar, types.Varchar, i, trimChars, false},
		{types.BPChar, types.BPChar, i, chars, false}, {types.Varchar, types.Varchar, i, chars, false},
		{types.Text, types.Name, i, name, true}, {types.Varchar, types.Name, i, name, true}, {types.BPChar, types.Name, i, trimName, true},
		{types.Name, types.Text, i, fixed(copyBytes), true}, {types.Name, types.Varchar, a, chars, false},
		{types.Name, types.BPChar, a, chars, false},
		{types.PgNodeTree, types.Text, i, nil, true},
		{types.Text, types.Char, a, firstByte, true}, {types.Varchar, types.Char, a, firstByte, true}, {types.BPChar, types.Char, a, firstByte, true},
		{types.Char, types.Int4, Explicit, fixed(Unary(func(c int64) int64 { return int64(int8(c)) })), true},
		{types.Int4, types.Char, Explicit, fixed(UnaryErr(intToChar)), false},
		{types.Bool, types.Text, a, fixed(boolWord), true},
		{types.Bool, types.Varchar, a, func(assign bool) Kernel { return boolChars(assign) }, false},
		{types.Bool, types.BPChar, a, func(assign bool) Kernel { return boolChars(assign) }, false},
	}
	for _, to := range []types.OID{types.Text, types.Varchar, types.BPChar} {
		ctx := a
		if to == types.Text {
			ctx = i
		}
		rows = append(rows, castRow{types.Char, to, ctx, out(types.Char, to), false})
	}
	return rows
}

func intToChar(v int64) (int64, error) {
	if v < -128 || v > 127 {
		return 0, pgerr.New(pgerr.NumericValueOutOfRange, `"char" out of range`)
	}
	return v & 0xff, nil
}

// boolWord casts bool to text: true, where its output function says t.
func boolWord(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
	appendRows(ctx, rows, sel, out, func(i int) error {
		out.Buf = append(out.Buf, boolText(args[0].I64[i])...)
		return nil
	})
}

func boolText(b int64) string {
	if b != 0 {
		return "true"
	}
	return "false"
}

func boolChars(assign bool) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		appendRows(ctx, rows, sel, out, func(i int) (err error) {
			out.Buf, err = keep(out.Buf)(types.AppendCharCoerced(out.Buf, out.Type, boolText(args[0].I64[i]), !assign))
			return err
		})
	}
}

// trimThen takes the padding of a char(n) off before k sees it.
func trimThen(k Kernel) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		trimmed := vec.New(types.T(types.Text), rows)
		appendRows(ctx, rows, sel, trimmed, func(i int) error {
			trimmed.Buf = append(trimmed.Buf, types.TrimBPChar(args[0].Bytes(i))...)
			return nil
		})
		k(ctx, []*vec.Vec{trimmed}, rows, sel, out)
	}
}

// typmodKernel applies a typmod to a value that is already of the type, or of one with the same values.
func typmodKernel(id castID) Kernel {
	switch id.to {
	case types.Varchar, types.BPChar:
		return chars(id.assign)
	}
	if id.to.IsArray() {
		return arrayCastKernel(id)
	}
	if types.T(id.to).Class() == types.I64 {
		return copyI64
	}
	return copyBytes
}

// runes counts characters.
func runes(s []byte) int { return utf8.RuneCount(s) }
