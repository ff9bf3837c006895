package funcs

import (
	"github.com/millracedb/millrace/sql/types"
)

// fallible adapts an append function that cannot fail.
func fallible(f func(dst, a []byte) []byte) func(dst, a []byte) ([]byte, error) {
	return func(dst, a []byte) ([]byte, error) { return f(dst, a), nil }
}

func numericFuncs() []Func {
	one, two := []types.OID{types.Numeric}, []types.OID{types.Numeric, types.Numeric}
	scaled := []types.OID{types.Numeric, types.Int4}
	f2 := func(kind FuncKind, name, doc, ex string, f func(dst, a, b []byte) ([]byte, error)) Func {
		return Func{Name: name, Kind: kind, Args: two, Ret: types.Numeric, Vol: Immutable, CanFail: true,
			Kernel: Bytes2ToBytes(f), Section: secMath, Doc: doc, Example: ex}
	}
	f1 := func(kind FuncKind, name, doc, ex string, canFail bool, f func(dst, a []byte) ([]byte, error)) Func {
		return Func{Name: name, Kind: kind, Args: one, Ret: types.Numeric, Vol: Immutable, CanFail: canFail,
			Kernel: BytesToBytes(f), Section: secMath, Doc: doc, Example: ex}
	}
	fs := []Func{
		f2(Operator, "+", "Adds.", "1.10 + 2.2 → 3.30", types.NumericAdd),
		f2(Operator, "-", "Subtracts.", "1.10 - 2.2 → -1.10", types.NumericSub),
		f2(Operator, "*", "Multiplies.", "1.1 * 2.20 → 2.420", types.NumericMul),
		f2(Operator, "/", "Divides.", "1.0 / 3 → 0.33333333333333333333", types.NumericDiv),
		f2(Operator, "%", "Remainder.", "5.5 % 2 → 1.5", types.NumericMod),
		f2(Function, "mod", "Remainder.", "mod(5.5, 2) → 1.5", types.NumericMod),
		f2(Function, "div", "Integer quotient, cut towards zero.", "div(9, 4) → 2", types.NumericIntDiv),
		f2(Function, "gcd", "Greatest common divisor.", "gcd(1.5, 0.25) → 0.25", types.NumericGCD),
		f2(Function, "lcm", "Least common multiple.", "lcm(1.5, 0.5) → 1.5", types.NumericLCM),
		f1(Prefix, "-", "Negates.", "- (1.50) → -1.50", false, fallible(types.NumericNeg)),
		f1(Prefix, "+", "The number itself.", "", false, func(dst, a []byte) ([]byte, error) { return append(dst, a...), nil }),
		f1(Prefix, "@", "Absolute value.", "@ (-1.50) → 1.50", false, fallible(types.NumericAbs)),
		f1(Function, "abs", "Absolute value.", "abs(-17.4) → 17.4", false, fallible(types.NumericAbs)),
		f1(Function, "ceil", "The nearest integer not below.", "ceil(42.2) → 43", true, types.NumericCeil),
		f1(Function, "ceiling", "The nearest integer not below.", "ceiling(95.3) → 96", true, types.NumericCeil),
		f1(Function, "floor", "The nearest integer not above.", "floor(-42.8) → -43", true, types.NumericFloor),
		f1(Function, "sign", "-1, 0 or 1.", "sign(-8.4) → -1", false, fallible(types.NumericSignum)),
		f1(Function, "trim_scale", "Without trailing zeros of the fraction.", "trim_scale(8.4100) → 8.41", false, fallible(types.NumericTrimScale)),
		f1(Function, "round", "The nearest integer, ties away from zero.", "round(42.5) → 43", true,
			func(dst, a []byte) ([]byte, error) { return types.NumericRound(dst, a, 0) }),
		f1(Function, "trunc", "Cut towards zero.", "trunc(42.8) → 42", true,
			func(dst, a []byte) ([]byte, error) { return types.NumericTrunc(dst, a, 0) }),
		{Name: "round", Kind: Function, Args: scaled, Ret: types.Numeric, Vol: Immutable, CanFail: true, Section: secMath,
			Doc: "Rounded to a number of places, ties away from zero.", Example: "round(42.4382, 2) → 42.44",
			Kernel: Each(func(r *Row) error {
				return r.Append(func(dst []byte) ([]byte, error) { return types.NumericRound(dst, r.Bytes(0), clampScale(r.Int(1))) })
			})},
		{Name: "trunc", Kind: Function, Args: scaled, Ret: types.Numeric, Vol: Immutable, CanFail: true, Section: secMath,
			Doc: "Cut to a number of places.", Example: "trunc(42.4382, 2) → 42.43",
			Kernel: Each(func(r *Row) error {
				return r.Append(func(dst []byte) ([]byte, error) { return types.NumericTrunc(dst, r.Bytes(0), clampScale(r.Int(1))) })
			})},
		{Name: "scale", Kind: Function, Args: one, Ret: types.Int4, Vol: Immutable, Section: secMath,
			Doc: "Digits after the point.", Example: "scale(8.4100) → 4", Kernel: Each(scaleOf(types.NumericScale))},
		{Name: "min_scale", Kind: Function, Args: one, Ret: types.Int4, Vol: Immutable, Section: secMath,
			Doc: "Digits after the point that are needed.", Example: "min_scale(8.4100) → 2", Kernel: Each(scaleOf(types.NumericMinScale))},
	}
	for _, name := range []string{"power", "pow"} {
		fs = append(fs, f2(Function, name, "a raised to b.", name+"(9.0, 3.0) → 729.0000000000000000", types.NumericPower))
	}
	return append(fs,
		f2(Operator, "^", "a raised to b.", "2.0 ^ 3 → 8.0000000000000000", types.NumericPower),
		f2(Function, "log", "Logarithm of b to base a.", "log(2.0, 64.0) → 6.0000000000000000", types.NumericLog),
		f1(Function, "sqrt", "Square root.", "sqrt(2.0) → 1.414213562373095", true, types.NumericSqrt),
		f1(Function, "exp", "e to a power.", "exp(1.0) → 2.7182818284590452", true, types.NumericExp),
		f1(Function, "ln", "Natural logarithm.", "ln(2.0) → 0.6931471805599453", true, types.NumericLn),
		f1(Function, "log", "Logarithm to base 10.", "log(100.0) → 2.0000000000000000", true, log10Numeric),
		f1(Function, "log10", "Logarithm to base 10.", "log10(1000.0) → 3.0000000000000000", true, log10Numeric))
}

var numericTen = types.AppendNumericInt(nil, 10)

func log10Numeric(dst, a []byte) ([]byte, error) { return types.NumericLog(dst, numericTen, a) }

// clampScale keeps the number of places within what PostgreSQL shows.
func clampScale(n int64) int { return int(min(max(n, -131072), 16383)) }

func scaleOf(f func([]byte) (int, bool)) func(r *Row) error {
	return func(r *Row) error {
		n, ok := f(r.Bytes(0))
		if !ok {
			return r.PutNull()
		}
		return r.PutInt(int64(n))
	}
}
