package funcs

import (
	"math"
	"math/bits"
	"math/rand/v2"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

func miscMathFuncs() []Func {
	s := &section{name: secMath}
	s.total("random", nil, types.Float8, func(r *Row) error { return r.PutFloat(rand.Float64()) },
		"A random number from 0 (included) to 1.", "").volatile()
	s.partial("setseed", sig(types.Float8), types.Void, func(r *Row) error {
		if f := r.Float(0); math.IsNaN(f) || f < -1 || f > 1 {
			return pgerr.Newf(pgerr.InvalidParameterValue, "setseed parameter %v is out of allowed range [-1,1]", f)
		}
		return nil
	}, "Accepted; random numbers cannot be repeated.", "").volatile()
	s.partial("width_bucket", sig(types.Float8, types.Float8, types.Float8, int4), int4, func(r *Row) error {
		x, lo, hi := r.Float(0), r.Float(1), r.Float(2)
		if err := bucketErrors(r.Int(3), lo == hi, math.IsNaN(x) || math.IsNaN(lo) || math.IsNaN(hi),
			math.IsInf(lo, 0) || math.IsInf(hi, 0)); err != nil {
			return err
		}
		return floatBucket(r, x, lo, hi)
	}, "The bucket, of a number of equal ones between two bounds, that a value falls in.", "width_bucket(5.35::float8, 0.024, 10.06, 5) → 3")
	s.partial("width_bucket", sig(types.Numeric, types.Numeric, types.Numeric, int4), int4, numericBucket,
		"The bucket, of a number of equal ones between two bounds, that a value falls in.", "width_bucket(5.35, 0.024, 10.06, 5) → 3")
	s.partial("factorial", sig(types.Int8), types.Numeric, func(r *Row) error {
		n := r.Int(0)
		switch {
		case n < 0:
			return pgerr.New(pgerr.NumericValueOutOfRange, "factorial of a negative number is undefined")
		case n > 32177:
			return pgerr.New(pgerr.NumericValueOutOfRange, "value overflows numeric format")
		}
		acc := types.AppendNumericInt(nil, 1)
		for k := int64(2); k <= n; k++ {
			var err error
			if acc, err = types.NumericMul(nil, acc, types.AppendNumericInt(nil, k)); err != nil {
				return err
			}
		}
		return r.PutBytes(acc)
	}, "Factorial.", "factorial(5) → 120")
	nulls := func(want bool) func(r *Row) error {
		return func(r *Row) error {
			n := int64(0)
			for i := range r.Num() {
				n += b2i(r.Null(i) == want)
			}
			return r.PutInt(n)
		}
	}
	s.total("num_nulls", sig(types.Any), int4, nulls(true), "Number of arguments that are null.", "num_nulls(1, null, 2) → 1").variadic().lax()
	s.total("num_nonnulls", sig(types.Any), int4, nulls(false), "Number of arguments that are not null.", "num_nonnulls(1, null, 2) → 2").variadic().lax()
	s.total("bit_count", sig(bytea), types.Int8, func(r *Row) error {
		n := 0
		for _, c := range r.Bytes(0) {
			n += bits.OnesCount8(c)
		}
		return r.PutInt(int64(n))
	}, "Number of bits that are set.", `bit_count('\x1234567890'::bytea) → 15`)
	return s.fs
}

const invalidBucket = "2201G" // invalid_argument_for_width_bucket_function

func bucketErrors(count int64, equal, nan, inf bool) error {
	switch {
	case count <= 0:
		return pgerr.New(invalidBucket, "count must be greater than zero")
	case nan:
		return pgerr.New(invalidBucket, "operand, lower bound, and upper bound cannot be NaN")
	case inf:
		return pgerr.New(invalidBucket, "lower and upper bounds must be finite")
	case equal:
		return pgerr.New(invalidBucket, "lower bound cannot equal upper bound")
	}
	return nil
}

func floatBucket(r *Row, x, lo, hi float64) error {
	n := r.Int(3)
	var k float64
	switch {
	case lo < hi && x < lo, lo > hi && x > lo:
		return r.PutInt(0)
	case lo < hi && x >= hi, lo > hi && x <= hi:
		if n == math.MaxInt32 {
			return pgerr.New(pgerr.NumericValueOutOfRange, int4Type.msg)
		}
		return r.PutInt(n + 1)
	case !math.IsInf(hi-lo, 0):
		k = (x - lo) / (hi - lo)
	default:
		k = (x/2 - lo/2) / (hi/2 - lo/2)
	}
	return r.PutInt(int64(k*float64(n)) + 1)
}

func numericBucket(r *Row) error {
	x, lo, hi := r.Bytes(0), r.Bytes(1), r.Bytes(2)
	special := func(b []byte) bool { _, ok := types.NumericScale(b); return !ok }
	nan := types.IsNumericNaN(x) || types.IsNumericNaN(lo) || types.IsNumericNaN(hi)
	c := types.NumericCompare(lo, hi)
	if err := bucketErrors(r.Int(3), c == 0, nan, special(lo) || special(hi)); err != nil {
		return err
	}
	n := r.Int(3)
	switch cl, ch := types.NumericCompare(x, lo), types.NumericCompare(x, hi); {
	case c < 0 && cl < 0, c > 0 && cl > 0:
		return r.PutInt(0)
	case c < 0 && ch >= 0, c > 0 && ch <= 0:
		if n == math.MaxInt32 {
			return pgerr.New(pgerr.NumericValueOutOfRange, int4Type.msg)
		}
		return r.PutInt(n + 1)
	}
	top, err := types.NumericSub(nil, x, lo)
	if err != nil {
		return err
	}
	bottom, err := types.NumericSub(nil, hi, lo)
	if err != nil {
		return err
	}
	if top, err = types.NumericMul(nil, top, types.AppendNumericInt(nil, n)); err != nil {
		return err
	}
	q, err := types.NumericDiv(nil, top, bottom)
	if err == nil {
		q, err = types.NumericFloor(nil, q)
	}
	if err != nil {
		return err
	}
	k, err := types.NumericToInt64(q, types.Int4)
	if err != nil {
		return err
	}
	return r.putI64(types.NarrowInt(k+1, types.Int4))
}
