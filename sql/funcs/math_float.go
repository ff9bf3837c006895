package funcs

import (
	"math"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

var (
	errFloatOverflow  = pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: overflow")
	errFloatUnderflow = pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: underflow")
	errDivZero        = pgerr.New(pgerr.DivisionByZero, "division by zero")
	errInputRange     = pgerr.New(pgerr.NumericValueOutOfRange, "input is out of range")
)

// floatType rounds results to the type's precision.
type floatType struct {
	oid   types.OID
	round func(float64) float64
}

func floatFuncs() []Func {
	single := func(f float64) float64 { return float64(float32(f)) }
	double := func(f float64) float64 { return f }
	var fs []Func
	for _, a := range []types.OID{types.Float4, types.Float8} {
		for _, b := range []types.OID{types.Float4, types.Float8} {
			t := floatType{types.Float8, double}
			if a == types.Float4 && b == types.Float4 {
				t = floatType{types.Float4, single}
			}
			fs = append(fs, t.ops(a, b)...)
		}
	}
	fs = append(fs, floatType{types.Float4, single}.unary()...)
	fs = append(fs, floatType{types.Float8, double}.unary()...)
	return append(fs, floatMath()...)
}

func (t floatType) ops(a, b types.OID) []Func {
	op := func(name, doc, ex string, f func(x, y float64) (float64, error)) Func {
		fn := Func{Name: name, Kind: Operator, Args: []types.OID{a, b}, Ret: t.oid, Vol: Immutable, CanFail: true,
			Kernel: BinaryErr(f), Section: secMath, Doc: doc}
		if a == types.Float8 && b == types.Float8 {
			fn.Example = ex
		}
		return fn
	}
	return []Func{
		op("+", "Adds.", "1.5::float8 + 2 → 3.5", func(x, y float64) (float64, error) { return t.check(x+y, x, y) }),
		op("-", "Subtracts.", "1.5::float8 - 2 → -0.5", func(x, y float64) (float64, error) { return t.check(x-y, x, y) }),
		op("*", "Multiplies.", "1.5::float8 * 2 → 3", func(x, y float64) (float64, error) {
			r, err := t.check(x*y, x, y)
			if r == 0 && x != 0 && y != 0 && err == nil {
				err = errFloatUnderflow
			}
			return r, err
		}),
		op("/", "Divides.", "1::float8 / 3 → 0.3333333333333333", func(x, y float64) (float64, error) {
			if y == 0 && !math.IsNaN(x) {
				return 0, errDivZero
			}
			r, err := t.check(x/y, x, y)
			if r == 0 && x != 0 && !math.IsInf(y, 0) && err == nil {
				err = errFloatUnderflow
			}
			return r, err
		}),
	}
}

// check raises what overflowed from finite operands.
func (t floatType) check(r, x, y float64) (float64, error) {
	r = t.round(r)
	if math.IsInf(r, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		return 0, errFloatOverflow
	}
	return r, nil
}

func (t floatType) unary() []Func {
	one := []types.OID{t.oid}
	mk := func(kind FuncKind, name, doc, ex string, f func(float64) float64) Func {
		fn := Func{Name: name, Kind: kind, Args: one, Ret: t.oid, Vol: Immutable, Kernel: Unary(f), Section: secMath, Doc: doc}
		if t.oid == types.Float8 {
			fn.Example = ex
		}
		return fn
	}
	return []Func{
		mk(Prefix, "-", "Negates.", "", func(x float64) float64 { return -x }),
		mk(Prefix, "+", "The number itself.", "", func(x float64) float64 { return x }),
		mk(Prefix, "@", "Absolute value.", "", math.Abs),
		mk(Function, "abs", "Absolute value.", "abs(-1.5::float8) → 1.5", math.Abs),
	}
}

// floatMath are the functions of double precision.
func floatMath() []Func {
	var fs []Func
	total := func(name, doc, ex string, f func(float64) float64) {
		fs = append(fs, Func{Name: name, Kind: Function, Args: []types.OID{types.Float8}, Ret: types.Float8, Vol: Immutable,
			Kernel: Unary(f), Section: secMath, Doc: doc, Example: ex})
	}
	partial := func(name, doc, ex string, f func(float64) (float64, error)) {
		fs = append(fs, Func{Name: name, Kind: Function, Args: []types.OID{types.Float8}, Ret: types.Float8, Vol: Immutable,
			CanFail: true, Kernel: UnaryErr(f), Section: secMath, Doc: doc, Example: ex})
	}
	total("ceil", "The nearest integer not below.", "ceil(-42.8::float8) → -42", math.Ceil)
	total("ceiling", "The nearest integer not below.", "ceiling(-42.8::float8) → -42", math.Ceil)
	total("floor", "The nearest integer not above.", "floor(-42.8::float8) → -43", math.Floor)
	total("round", "The nearest integer, ties to even.", "round(2.5::float8) → 2", math.RoundToEven)
	total("trunc", "Cut towards zero.", "trunc(-42.8::float8) → -42", math.Trunc)
	total("sign", "-1, 0 or 1.", "sign(-8.4::float8) → -1", floatSign)
	total("cbrt", "Cube root.", "cbrt(27::float8) → 3", math.Cbrt)
	partial("degrees", "Radians to degrees.", "degrees(0.5) → 28.64788975654116",
		checked(func(x float64) float64 { return x / (math.Pi / 180) }))
	partial("radians", "Degrees to radians.", "radians(45.0) → 0.7853981633974483",
		checked(func(x float64) float64 { return x * (math.Pi / 180) }))
	total("atan", "Arc tangent.", "atan(1) → 0.7853981633974483", math.Atan)
	total("tanh", "Hyperbolic tangent.", "tanh(0) → 0", math.Tanh)
	total("asinh", "Inverse hyperbolic sine.", "asinh(0) → 0", math.Asinh)
	partial("sqrt", "Square root.", "sqrt(2::float8) → 1.4142135623730951", floatSqrt)
	partial("exp", "e to a power.", "exp(1.0::float8) → 2.718281828459045", floatExp)
	partial("ln", "Natural logarithm.", "ln(2.0::float8) → 0.6931471805599453", logOf(ln))
	partial("log", "Logarithm to base 10.", "log(100::float8) → 2", logOf(log10))
	partial("log10", "Logarithm to base 10.", "log10(1000::float8) → 3", logOf(log10))
	partial("sin", "Sine of radians.", "sin(0) → 0", finite(math.Sin))
	partial("cos", "Cosine of radians.", "cos(0) → 1", finite(math.Cos))
	partial("tan", "Tangent of radians.", "tan(0) → 0", finite(math.Tan))
	partial("cot", "Cotangent of radians.", "", finite(func(x float64) float64 { return 1 / math.Tan(x) }))
	partial("asin", "Arc sine.", "asin(1) → 1.5707963267948966", within(-1, 1, math.Asin))
	partial("acos", "Arc cosine.", "acos(1) → 0", within(-1, 1, math.Acos))
	partial("atanh", "Inverse hyperbolic tangent.", "atanh(0) → 0", within(-1, 1, math.Atanh))
	partial("acosh", "Inverse hyperbolic cosine.", "acosh(1) → 0", within(1, math.Inf(1), math.Acosh))
	total("sinh", "Hyperbolic sine.", "sinh(0) → 0", math.Sinh)
	total("cosh", "Hyperbolic cosine.", "cosh(0) → 1", math.Cosh)
	partial("sind", "Sine of degrees.", "sind(30) → 0.5", finite(sind))
	partial("cosd", "Cosine of degrees.", "cosd(60) → 0.5", finite(cosd))
	partial("tand", "Tangent of degrees.", "tand(45) → 1", finite(tand))
	fs = append(fs, floatBinary()...)
	return fs
}

func floatBinary() []Func {
	two := []types.OID{types.Float8, types.Float8}
	fn := func(kind FuncKind, name, doc, ex string, canFail bool, f func(x, y float64) (float64, error)) Func {
		return Func{Name: name, Kind: kind, Args: two, Ret: types.Float8, Vol: Immutable, CanFail: canFail,
			Kernel: BinaryErr(f), Section: secMath, Doc: doc, Example: ex}
	}
	atan2 := func(y, x float64) (float64, error) { return math.Atan2(y, x), nil }
	return []Func{
		fn(Function, "power", "a raised to b.", "power(9::float8, 3) → 729", true, floatPower),
		fn(Function, "pow", "a raised to b.", "pow(9::float8, 3) → 729", true, floatPower),
		fn(Operator, "^", "a raised to b.", "2::float8 ^ 3 → 8", true, floatPower),
		fn(Function, "atan2", "Arc tangent of y/x.", "atan2(1, 0) → 1.5707963267948966", false, atan2),
		{Name: "|/", Kind: Prefix, Args: two[:1], Ret: types.Float8, Vol: Immutable, CanFail: true, Kernel: UnaryErr(floatSqrt),
			Section: secMath, Doc: "Square root.", Example: "|/ 25.0 → 5"},
		{Name: "||/", Kind: Prefix, Args: two[:1], Ret: types.Float8, Vol: Immutable, Kernel: Unary(math.Cbrt),
			Section: secMath, Doc: "Cube root.", Example: "||/ 64.0 → 4"},
		{Name: "pi", Kind: Function, Ret: types.Float8, Vol: Immutable, Section: secMath, Doc: "The constant.",
			Example: "pi() → 3.141592653589793", Kernel: Each(func(r *Row) error { return r.PutFloat(math.Pi) })},
	}
}

func floatSign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

func floatSqrt(x float64) (float64, error) {
	if x < 0 {
		return 0, pgerr.New(pgerr.InvalidArgumentForPower, "cannot take square root of a negative number")
	}
	return math.Sqrt(x), nil
}

func floatExp(x float64) (float64, error) {
	r := math.Exp(x)
	switch {
	case math.IsInf(r, 1) && !math.IsInf(x, 1):
		return 0, errFloatOverflow
	case r == 0 && !math.IsInf(x, -1):
		return 0, errFloatUnderflow
	}
	return r, nil
}

func logOf(f func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) {
		switch {
		case x == 0:
			return 0, pgerr.New(pgerr.InvalidArgumentForLog, "cannot take logarithm of zero")
		case x < 0:
			return 0, pgerr.New(pgerr.InvalidArgumentForLog, "cannot take logarithm of a negative number")
		}
		return f(x), nil
	}
}

// ln is math.Log, which is wrong for denormals on some machines.
func ln(x float64) float64 {
	if x < 0x1p-1022 {
		return math.Log(x*0x1p54) - 54*math.Ln2
	}
	return math.Log(x)
}

func log10(x float64) float64 {
	if x < 0x1p-1022 {
		return math.Log10(x*0x1p54) - 54*math.Ln2/math.Ln10
	}
	return math.Log10(x)
}

// checked raises where a finite argument overflows, or one that is not zero vanishes.
func checked(f func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) {
		r := f(x)
		switch {
		case math.IsInf(r, 0) && !math.IsInf(x, 0):
			return 0, errFloatOverflow
		case r == 0 && x != 0:
			return 0, errFloatUnderflow
		}
		return r, nil
	}
}

func finite(f func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) {
		if math.IsInf(x, 0) {
			return 0, errInputRange
		}
		return f(x), nil
	}
}

func within(lo, hi float64, f func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) {
		if x < lo || x > hi {
			return 0, errInputRange
		}
		return f(x), nil
	}
}

func floatPower(x, y float64) (float64, error) {
	switch {
	case math.IsNaN(x) && y != 0, math.IsNaN(y) && x != 1:
		return math.NaN(), nil
	case x == 0 && y < 0:
		return 0, pgerr.New(pgerr.InvalidArgumentForPower, "zero raised to a negative power is undefined")
	case x < 0 && !math.IsInf(y, 0) && y != math.Floor(y):
		return 0, pgerr.New(pgerr.InvalidArgumentForPower, "a negative number raised to a non-integer power yields a complex result")
	}
	r := math.Pow(x, y)
	if x > 0 && x < 0x1p-1022 {
		r = math.Pow(x*0x1p54, y) * math.Exp2(-54*y) // see ln
	}
	if math.IsInf(x, 0) || math.IsInf(y, 0) {
		return r, nil
	}
	if math.IsInf(r, 0) {
		return 0, errFloatOverflow
	}
	if r == 0 && x != 0 {
		return 0, errFloatUnderflow
	}
	return r, nil
}

// sind, cosd and tand are exact where a right-minded person expects it: at multiples of 30 and 45 degrees.
func sind(x float64) float64 {
	x = math.Mod(x, 360)
	sign := 1.0
	if x < 0 {
		x, sign = -x, -1
	}
	if x > 180 {
		x, sign = 360-x, -sign
	}
	if x > 90 {
		x = 180 - x
	}
	return sign * sindQ1(x)
}

func cosd(x float64) float64 {
	x = math.Abs(math.Mod(x, 360))
	if x > 180 {
		x = 360 - x
	}
	if x > 90 {
		return -cosdQ1(180 - x)
	}
	return cosdQ1(x)
}

// tand divides sine by cosine in the first quadrant, scaled so that it is 1 at 45.
func tand(x float64) float64 {
	x = math.Mod(x, 360)
	sign := 1.0
	if x < 0 {
		x, sign = -x, -1
	}
	if x > 180 {
		x, sign = 360-x, -sign
	}
	if x > 90 {
		x, sign = 180-x, -sign
	}
	r := sign * (sindQ1(x) / cosdQ1(x) / tan45)
	if r == 0 {
		return 0 // not -0
	}
	return r
}

const radPerDeg = 0.0174532925199432957692

var (
	sin30         = math.Sin(30 * degToRad(1))
	oneMinusCos60 = 1 - math.Cos(60*degToRad(1))
	tan45         = sindQ1(45) / cosdQ1(45)
)

// degToRad keeps the compiler from folding constants with more precision than float64 has.
func degToRad(x float64) float64 { return x * radPerDeg }

func sindQ1(x float64) float64 {
	if x <= 30 {
		return math.Sin(degToRad(x)) / sin30 / 2
	}
	return cos0(90 - x)
}

func cosdQ1(x float64) float64 {
	if x <= 60 {
		return cos0(x)
	}
	return math.Sin(degToRad(90-x)) / sin30 / 2
}

// cos0 is the cosine of degrees up to 60, exact at 0 and 60.
func cos0(x float64) float64 {
	return 1 - (1-math.Cos(degToRad(x)))/oneMinusCos60/2
}
