package types

import (
	"math"
	"math/big"
	"math/rand"
	"testing"

	"github.com/millracedb/millrace/sql/pgerr"
)

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"int": "integer", "int4": "integer", "bigint": "bigint", "serial": "integer", "float": "double precision", "real": "real",
		"decimal": "numeric", "varchar": "character varying", "char": "character", `"char"`: `"char"`, "timestamptz": "timestamp with time zone",
		"timestamp": "timestamp without time zone", "timestamp with time zone": "timestamp with time zone", "text[]": "text[]",
		"int[][]": "integer[]", "_int4": "integer[]", "pg_catalog.int8": "bigint", "bool": "boolean", "pg_catalog.char": `"char"`,
		"time with time zone": "time with time zone", "numeric": "numeric", "jsonb": "jsonb", "name": "name", "regclass": "regclass",
	} {
		oid, ok := ByName(name)
		if !ok || oid.String() != want {
			t.Errorf("ByName(%q) = %s, %v, want %s", name, oid, ok, want)
		}
	}
	for _, name := range []string{"", "string", "foo", "[]", "foo[]", "INT"} {
		if oid, ok := ByName(name); ok {
			t.Errorf("ByName(%q) = %s", name, oid)
		}
	}
}

func TestTypeTable(t *testing.T) {
	for i, in := range Infos() {
		if i > 0 && Infos()[i-1].OID >= in.OID {
			t.Errorf("%s is out of order", in.Name)
		}
		if in.Array != 0 {
			if e, ok := ElemOf(in.Array); !ok || e != in.OID {
				t.Errorf("the array type of %s is over %s", in.Name, e)
			}
		}
	}
}

func TestTypmodIn(t *testing.T) {
	for _, c := range []struct {
		oid  OID
		mods []int32
		want string // the type, or the error
	}{
		{Varchar, []int32{20}, "character varying(20)"}, {BPChar, []int32{3}, "character(3)"}, {BPChar, nil, "character(1)"},
		{Varchar, []int32{0}, "length for type varchar must be at least 1"},
		{BPChar, []int32{10485761}, "length for type char cannot exceed 10485760"},
		{Numeric, []int32{10, 2}, "numeric(10,2)"}, {Numeric, []int32{5}, "numeric(5,0)"}, {Numeric, []int32{3, -2}, "numeric(3,-2)"},
		{Numeric, []int32{0}, "NUMERIC precision 0 must be between 1 and 1000"},
		{Numeric, []int32{5, 1001}, "NUMERIC scale 1001 must be between -1000 and 1000"},
		{Numeric, []int32{1, 2, 3}, "invalid NUMERIC type modifier"},
		{Timestamp, []int32{3}, "timestamp(3) without time zone"}, {TimestampTZ, []int32{9}, "timestamp(6) with time zone"},
		{Time, []int32{-1}, "TIME(-1) precision must not be negative"},
		{Interval, []int32{IntervalDay | IntervalHour}, "interval day to hour"},
		{Interval, []int32{IntervalFullRange, 3}, "interval(3)"}, {Interval, []int32{IntervalSecond, 2}, "interval second(2)"},
		{Int4, []int32{4}, `type modifier is not allowed for type "int4"`}, {VarcharArray, []int32{5}, "character varying(5)[]"},
	} {
		mod, err := TypmodIn(c.oid, c.mods)
		got := Type{c.oid, mod}.String()
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %v: %s, want %s", c.oid, c.mods, got, c.want)
		}
	}
}

// TestFloatSum: the exact sum is the rounded true sum, in any order, with values taken back, and across
// encoding.
func TestFloatSum(t *testing.T) {
	r := rand.New(rand.NewSource(7))
	for range 2000 {
		var s FloatSum
		exact := new(big.Rat)
		for range r.Intn(8) {
			f := randomFloat(r)
			s.Add(f, 1)
			exact.Add(exact, new(big.Rat).SetFloat64(f))
		}
		for range r.Intn(3) {
			f := randomFloat(r)
			w := int64(r.Intn(5) + 1)
			s.Add(f, w)
			var again FloatSum
			again.Decode(s.Encode(nil))
			s = again
			s.Add(f, -w)
		}
		got, null, err := s.Sum()
		want, _ := new(big.Float).SetPrec(3000).SetRat(exact).Float64()
		switch {
		case null:
			if s.Count() != 0 {
				t.Fatal("null sum of some values")
			}
		case math.IsInf(want, 0):
			if !pgerr.Is(err, pgerr.NumericValueOutOfRange) {
				t.Fatalf("sum beyond the range: %v, %v", got, err)
			}
		case got != want:
			t.Fatalf("sum %v, want %v", got, want)
		}
	}
	var s FloatSum
	s.Add(math.Inf(1), 1)
	s.Add(1.5, 1)
	s.Add(math.NaN(), 1)
	s.Add(math.NaN(), -1)
	if f, _, _ := s.Sum(); !math.IsInf(f, 1) {
		t.Errorf("sum with an infinity: %v", f)
	}
	s.Add(math.Inf(1), -1)
	if f, _, _ := s.Sum(); f != 1.5 {
		t.Errorf("sum after the infinity left: %v", f)
	}
}

func randomFloat(r *rand.Rand) float64 {
	switch r.Intn(4) {
	case 0:
		return r.NormFloat64()
	case 1:
		return float64(r.Intn(100)) / 8
	case 2:
		return math.Float64frombits(uint64(r.Intn(2))<<63 | uint64(r.Intn(1<<20))) // subnormal
	}
	for {
		if f := math.Float64frombits(r.Uint64()); f == f && !math.IsInf(f, 0) {
			return f
		}
	}
}

// TestNumericEncoding: small and big forms meet where they should, and every encoding is canonical.
func TestNumericEncoding(t *testing.T) {
	for _, s := range []string{"0", "0.00", "18446744073709551615", "18446744073709551616", "-18446744073709551615", "1e-255", "1e-256", "0e-300"} {
		b := num(s)
		again := num(string(AppendNumericText(nil, b)))
		if string(b) != string(again) {
			t.Errorf("%s: %x, then %x", s, b, again)
		}
		sum, _ := NumericSub(nil, b, b)
		if NumericSign(sum) != 0 {
			t.Errorf("%s - itself = %s", s, AppendNumericText(nil, sum))
		}
	}
	if NumericCompare(nil, num("0")) != 0 {
		t.Error("the slot of a null does not read as 0")
	}
}
