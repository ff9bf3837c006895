package funcs

import (
	"math"
	"math/bits"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

const secMath = "Numbers"

// intType is an integer type and its range.
type intType struct {
	oid    types.OID
	lo, hi int64
	msg    string
}

var (
	int2Type = intType{types.Int2, math.MinInt16, math.MaxInt16, "smallint out of range"}
	int4Type = intType{types.Int4, math.MinInt32, math.MaxInt32, "integer out of range"}
	int8Type = intType{types.Int8, math.MinInt64, math.MaxInt64, "bigint out of range"}
)

var intTypes = []intType{int2Type, int4Type, int8Type}

// wider is the type that arithmetic between two integer types yields.
func wider(a, b intType) intType {
	if a.hi > b.hi {
		return a
	}
	return b
}

func intFuncs() []Func {
	var fs []Func
	for _, a := range intTypes {
		for _, b := range intTypes {
			fs = append(fs, intOps(a, b)...)
		}
	}
	for _, t := range intTypes {
		fs = append(fs, intUnary(t)...)
	}
	fs[0].Example = "2::int2 + 3::int2 → 5"
	return fs
}

func intOps(a, b intType) []Func {
	t := wider(a, b)
	args := []types.OID{a.oid, b.oid}
	op := func(name, doc, example string, k Kernel) Func {
		f := Func{Name: name, Kind: Operator, Args: args, Ret: t.oid, Vol: Immutable, CanFail: true, Kernel: k,
			Section: secMath, Doc: doc}
		if a.oid == types.Int4 && b.oid == types.Int4 {
			f.Example = example
		}
		return f
	}
	fs := []Func{
		op("+", "Adds.", "2 + 3 → 5", addInts(t)),
		op("-", "Subtracts.", "2 - 3 → -1", subInts(t)),
		op("*", "Multiplies.", "2 * 3 → 6", mulInts(t)),
		op("/", "Divides; the quotient is cut towards zero.", "-7 / 2 → -3", divInts(t)),
	}
	if a.oid != b.oid {
		return fs
	}
	fs = append(fs, op("%", "Remainder, with the sign of the dividend.", "-7 % 4 → -3", modInts(t)))
	for _, f := range []Func{
		op("&", "Bitwise and.", "91 & 15 → 11", Binary(func(a, b int64) int64 { return a & b })),
		op("|", "Bitwise or.", "32 | 3 → 35", Binary(func(a, b int64) int64 { return a | b })),
		op("#", "Bitwise exclusive or.", "17 # 5 → 20", Binary(func(a, b int64) int64 { return a ^ b })),
	} {
		f.CanFail = false
		fs = append(fs, f)
	}
	shift := []types.OID{t.oid, types.Int4}
	shl, shr := op("<<", "Bitwise shift left.", "1 << 4 → 16", shiftLeft(t)), op(">>", "Bitwise shift right.", "8 >> 2 → 2", shiftRight(t))
	shl.Args, shl.CanFail, shr.Args, shr.CanFail = shift, false, shift, false
	return append(fs, shl, shr)
}

func intUnary(t intType) []Func {
	one, two := []types.OID{t.oid}, []types.OID{t.oid, t.oid}
	neg := negInts(t)
	fn := func(kind FuncKind, name string, args []types.OID, canFail bool, k Kernel, doc, example string) Func {
		f := Func{Name: name, Kind: kind, Args: args, Ret: t.oid, Vol: Immutable, CanFail: canFail, Kernel: k, Section: secMath, Doc: doc}
		if t.oid == types.Int4 {
			f.Example = example
		}
		return f
	}
	fs := []Func{
		fn(Prefix, "-", one, true, neg, "Negates.", "- (5) → -5"),
		fn(Prefix, "+", one, false, Unary(func(a int64) int64 { return a }), "The number itself.", "+ 3 → 3"),
		fn(Prefix, "~", one, false, Unary(func(a int64) int64 { return ^a }), "Bitwise not.", "~ 1 → -2"),
		fn(Prefix, "@", one, true, absInts(t), "Absolute value.", "@ (-5) → 5"),
		fn(Function, "abs", one, true, absInts(t), "Absolute value.", "abs(-17) → 17"),
		fn(Function, "mod", two, true, modInts(t), "Remainder of y/x, with the sign of y.", "mod(9, 4) → 1"),
	}
	if t.oid != types.Int2 {
		fs = append(fs,
			fn(Function, "gcd", two, true, BinaryErr(t.gcd), "Greatest common divisor.", "gcd(1071, 462) → 21"),
			fn(Function, "lcm", two, true, BinaryErr(t.lcm), "Least common multiple.", "lcm(1071, 462) → 23562"))
	}
	return fs
}

func addInts(t intType) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, b, r := args[0].I64[:rows], args[1].I64[:rows], out.I64[:rows]
		if sel == nil {
			for i, x := range a {
				y := b[i]
				s := x + y
				if s < t.lo || s > t.hi || (x^s)&(y^s) < 0 {
					fail(ctx, i, pgerr.NumericValueOutOfRange, t.msg)
					continue
				}
				r[i] = s
			}
			return
		}
		for _, i := range sel {
			x, y := a[i], b[i]
			s := x + y
			if s < t.lo || s > t.hi || (x^s)&(y^s) < 0 {
				fail(ctx, int(i), pgerr.NumericValueOutOfRange, t.msg)
				continue
			}
			r[i] = s
		}
	}
}

func subInts(t intType) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, b, r := args[0].I64[:rows], args[1].I64[:rows], out.I64[:rows]
		if sel == nil {
			for i, x := range a {
				y := b[i]
				s := x - y
				if s < t.lo || s > t.hi || (x^y)&(x^s) < 0 {
					fail(ctx, i, pgerr.NumericValueOutOfRange, t.msg)
					continue
				}
				r[i] = s
			}
			return
		}
		for _, i := range sel {
			x, y := a[i], b[i]
			s := x - y
			if s < t.lo || s > t.hi || (x^y)&(x^s) < 0 {
				fail(ctx, int(i), pgerr.NumericValueOutOfRange, t.msg)
				continue
			}
			r[i] = s
		}
	}
}

func mulInts(t intType) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, b, r := args[0].I64[:rows], args[1].I64[:rows], out.I64[:rows]
		mul := func(i int) {
			p, ok := mul64(a[i], b[i])
			if !ok || p < t.lo || p > t.hi {
				fail(ctx, i, pgerr.NumericValueOutOfRange, t.msg)
				return
			}
			r[i] = p
		}
		forRows(rows, sel, mul)
	}
}

// mul64 multiplies; ok is false on overflow.
func mul64(a, b int64) (p int64, ok bool) {
	if int64(int32(a)) == a && int64(int32(b)) == b {
		return a * b, true
	}
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if a < 0 {
		hi -= uint64(b)
	}
	if b < 0 {
		hi -= uint64(a)
	}
	return int64(lo), int64(hi) == int64(lo)>>63
}

func divInts(t intType) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, b, r := args[0].I64[:rows], args[1].I64[:rows], out.I64[:rows]
		forRows(rows, sel, func(i int) {
			x, y := a[i], b[i]
			switch {
			case y == 0:
				fail(ctx, i, pgerr.DivisionByZero, "division by zero")
			case y == -1 && x == t.lo:
				fail(ctx, i, pgerr.NumericValueOutOfRange, t.msg)
			default:
				r[i] = x / y
			}
		})
	}
}

func modInts(t intType) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, b, r := args[0].I64[:rows], args[1].I64[:rows], out.I64[:rows]
		forRows(rows, sel, func(i int) {
			switch y := b[i]; y {
			case 0:
				fail(ctx, i, pgerr.DivisionByZero, "division by zero")
			case -1: // the remainder is 0 even where the quotient overflows
			default:
				r[i] = a[i] % y
			}
		})
	}
}

func negInts(t intType) Kernel {
	return UnaryErr(func(a int64) (int64, error) {
		if a == t.lo {
			return 0, pgerr.New(pgerr.NumericValueOutOfRange, t.msg)
		}
		return -a, nil
	})
}

func absInts(t intType) Kernel {
	return UnaryErr(func(a int64) (int64, error) {
		if a == t.lo {
			return 0, pgerr.New(pgerr.NumericValueOutOfRange, t.msg)
		}
		return max(a, -a), nil
	})
}

// shiftLeft and shiftRight use the shift count modulo the width, as the hardware under PostgreSQL does; an int2
// is shifted as an int4 and cut.
func shiftLeft(t intType) Kernel {
	return Binary(func(a, n int64) int64 {
		switch t.oid {
		case types.Int2:
			return int64(int16(int32(a) << (uint(n) & 31)))
		case types.Int4:
			return int64(int32(a) << (uint(n) & 31))
		}
		return a << (uint(n) & 63)
	})
}

func shiftRight(t intType) Kernel {
	mask := uint(31)
	if t.oid == types.Int8 {
		mask = 63
	}
	return Binary(func(a, n int64) int64 { return a >> (uint(n) & mask) })
}

func (t intType) gcd(a, b int64) (int64, error) {
	for b != 0 {
		if b == -1 {
			a, b = b, 0
			break
		}
		a, b = b, a%b
	}
	if a == t.lo {
		return 0, pgerr.New(pgerr.NumericValueOutOfRange, t.msg)
	}
	return max(a, -a), nil
}

func (t intType) lcm(a, b int64) (int64, error) {
	if a == 0 || b == 0 {
		return 0, nil
	}
	g, err := t.gcd(a, b)
	if err != nil {
		return 0, err
	}
	p, ok := mul64(a/g, b)
	if !ok || p <= t.lo || p > t.hi {
		return 0, pgerr.New(pgerr.NumericValueOutOfRange, t.msg)
	}
	return max(p, -p), nil
}
