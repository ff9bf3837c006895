package funcs

import (
	"sync"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// castRow is a row of PostgreSQL's pg_cast. A nil kernel means that the value is the same in both types. total
// says that the cast fails for no value.
type castRow struct {
	from, to types.OID
	context  CastContext
	kernel   func(assign bool) Kernel
	total    bool
}

var castTable = sync.OnceValue(func() map[castKey]castRow {
	m := map[castKey]castRow{}
	for _, rows := range [][]castRow{numberCasts(), stringCasts(), timeCasts(), otherCasts(), regCasts()} {
		for _, r := range rows {
			m[castKey{r.from, r.to}] = r
		}
	}
	return m
})

// CastRow is a row of pg_cast for the catalog.
type CastRow struct {
	From, To types.OID
	Context  CastContext
	Method   byte // castmethod: 'f' function, 'b' binary
}

// CastRows returns the cast table.
func CastRows() []CastRow {
	var rows []CastRow
	for _, r := range castTable() {
		method := byte('f')
		if r.kernel == nil {
			method = 'b'
		}
		rows = append(rows, CastRow{r.from, r.to, r.context, method})
	}
	return rows
}

// fixed is the kernel of a cast that does not depend on how it was written.
func fixed(k Kernel) func(bool) Kernel { return func(bool) Kernel { return k } }

func numberCasts() []castRow {
	const i, a, e = Implicit, Assignment, Explicit
	same := fixed(copyI64)
	rows := []castRow{
		{types.Int2, types.Int4, i, same, true}, {types.Int2, types.Int8, i, same, true}, {types.Int4, types.Int8, i, same, true},
		{types.Int4, types.Int2, a, fixed(narrowInts(int2Type)), false},
		{types.Int8, types.Int2, a, fixed(narrowInts(int2Type)), false},
		{types.Int8, types.Int4, a, fixed(narrowInts(int4Type)), false},
		{types.Float4, types.Float8, i, fixed(Unary(func(f float64) float64 { return f })), true},
		{types.Float8, types.Float4, a, fixed(UnaryErr(types.Float8ToFloat4)), false},
		{types.Bool, types.Int4, e, same, true},
		{types.Int4, types.Bool, e, fixed(Unary(func(a int64) int64 { return b2i(a != 0) })), true},
		{types.Numeric, types.Numeric, i, fixed(numericTypmodKernel), false},
	}
	for _, t := range intTypes {
		rows = append(rows,
			castRow{t.oid, types.Float4, i, fixed(Unary(func(a int64) float64 { return float64(float32(a)) })), true},
			castRow{t.oid, types.Float8, i, fixed(Unary(func(a int64) float64 { return float64(a) })), true},
			castRow{t.oid, types.Numeric, i, fixed(intToNumeric), false},
			castRow{types.Float4, t.oid, a, fixed(floatToInt(t)), false},
			castRow{types.Float8, t.oid, a, fixed(floatToInt(t)), false},
			castRow{types.Numeric, t.oid, a, fixed(BytesTo(func(b []byte) (int64, error) { return types.NumericToInt64(b, t.oid) })), false})
	}
	for _, f := range []types.OID{types.Float4, types.Float8} {
		rows = append(rows,
			castRow{f, types.Numeric, a, fixed(floatToNumeric(f)), false},
			castRow{types.Numeric, f, i, fixed(BytesTo(func(b []byte) (float64, error) { return types.NumericToFloat(b, f) })), false})
	}
	return rows
}

func copyI64(_ *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
	if sel == nil {
		copy(out.I64[:rows], args[0].I64[:rows])
		return
	}
	for _, i := range sel {
		out.I64[i] = args[0].I64[i]
	}
}

func narrowInts(t intType) Kernel {
	return UnaryErr(func(a int64) (int64, error) { return types.NarrowInt(a, t.oid) })
}

func floatToInt(t intType) Kernel {
	return UnaryErr(func(f float64) (int64, error) { return types.FloatToInt(f, t.oid) })
}

func intToNumeric(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
	var tmp []byte
	appendRows(ctx, rows, sel, out, func(i int) (err error) {
		if out.Type.Mod < 0 {
			out.Buf = types.AppendNumericInt(out.Buf, args[0].I64[i])
			return nil
		}
		tmp = types.AppendNumericInt(tmp[:0], args[0].I64[i])
		out.Buf, err = keep(out.Buf)(types.AppendNumericCoerced(out.Buf, tmp, out.Type.Mod))
		return err
	})
}

// keep guards a buffer against functions that answer nil with their error.
func keep(buf []byte) func([]byte, error) ([]byte, error) {
	return func(b []byte, err error) ([]byte, error) {
		if err != nil {
			return buf, err
		}
		return b, nil
	}
}

func floatToNumeric(f types.OID) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		var tmp []byte
		appendRows(ctx, rows, sel, out, func(i int) (err error) {
			if out.Type.Mod < 0 {
				out.Buf = types.AppendNumericFloat(out.Buf, args[0].F64[i], f)
				return nil
			}
			tmp = types.AppendNumericFloat(tmp[:0], args[0].F64[i], f)
			out.Buf, err = keep(out.Buf)(types.AppendNumericCoerced(out.Buf, tmp, out.Type.Mod))
			return err
		})
	}
}

func numericTypmodKernel(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
	appendRows(ctx, rows, sel, out, func(i int) (err error) {
		out.Buf, err = keep(out.Buf)(types.AppendNumericCoerced(out.Buf, args[0].Bytes(i), out.Type.Mod))
		return err
	})
}

// regTypes are the types of catalog object numbers that integers and oid convert to.
var regTypes = []types.OID{types.Oid, types.RegProc, types.RegProcedure, types.RegOper, types.RegOperator, types.RegClass,
	types.RegType, types.RegNamespace, types.RegRole, types.RegCollation}

func regCasts() []castRow {
	var rows []castRow
	toOid := fixed(UnaryErr(func(a int64) (int64, error) {
		if a < 0 || a > 1<<32-1 {
			return 0, errOidRange
		}
		return a, nil
	}))
	wrap := fixed(Unary(func(a int64) int64 { return int64(uint32(a)) }))
	toInt4 := fixed(Unary(func(a int64) int64 { return int64(int32(a)) }))
	for _, r := range regTypes {
		rows = append(rows,
			castRow{types.Int2, r, Implicit, wrap, true}, castRow{types.Int4, r, Implicit, wrap, true},
			castRow{types.Int8, r, Implicit, toOid, false},
			castRow{r, types.Int4, Assignment, toInt4, true}, castRow{r, types.Int8, Assignment, fixed(copyI64), true})
		if r != types.Oid {
			rows = append(rows, castRow{r, types.Oid, Implicit, nil, true}, castRow{types.Oid, r, Implicit, nil, true})
		}
	}
	for _, p := range [][2]types.OID{{types.RegProc, types.RegProcedure}, {types.RegOper, types.RegOperator}} {
		rows = append(rows, castRow{p[0], p[1], Implicit, nil, true}, castRow{p[1], p[0], Implicit, nil, true})
	}
	return append(rows,
		castRow{types.Text, types.RegClass, Implicit, fixed(inputKernel(types.RegClass, false)), false},
		castRow{types.Varchar, types.RegClass, Implicit, fixed(inputKernel(types.RegClass, false)), false})
}
