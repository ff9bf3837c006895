package types

import (
	"testing"
	"time"
)

func benchText(b *testing.B, t Type, s string) {
	loc, _ := time.LoadLocation(oracleZone)
	env := &Env{TimeZone: loc}
	var buf, out [128]byte
	b.Run("parse/"+t.String(), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var err error
			switch t.Class() {
			case I64:
				_, err = ParseI64(t, s, env)
			case F64:
				_, err = ParseF64(t, s)
			default:
				_, err = AppendParsedBytes(buf[:0], t, s, env)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	c, err := parseCell(t, s, env)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("print/"+t.String(), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			AppendText(out[:0], t, c.i, c.f, c.b, env)
		}
	})
}

func BenchmarkText(b *testing.B) {
	benchText(b, T(Int8), "1234567890123")
	benchText(b, T(Float8), "12345.678")
	benchText(b, T(Timestamp), "2020-01-05 12:34:56.789012")
	benchText(b, T(TimestampTZ), "2020-01-05 12:34:56.789012+00")
	benchText(b, T(Date), "2020-01-05")
	benchText(b, T(Numeric), "12345.6789")
	benchText(b, T(Text), "hello")
	benchText(b, T(UUID), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
	benchText(b, T(JSON), `{"a": [1, 2, {"b": "c"}]}`)
	benchText(b, T(JSONB), `{"a": [1, 2, {"b": "c"}]}`)
}

func BenchmarkNumeric(b *testing.B) {
	x, y := num("12345.6789"), num("-0.15")
	var buf [64]byte
	for _, op := range []struct {
		name string
		fn   func(dst, a, b []byte) ([]byte, error)
	}{{"add", NumericAdd}, {"mul", NumericMul}, {"div", NumericDiv}, {"mod", NumericMod}} {
		b.Run(op.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := op.fn(buf[:0], x, y); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("compare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			NumericCompare(x, y)
		}
	})
	b.Run("sum", func(b *testing.B) {
		b.ReportAllocs()
		var s NumericSum
		for b.Loop() {
			s.Add(x, 1)
		}
	})
	b.Run("sum/stored", func(b *testing.B) {
		b.ReportAllocs()
		var s NumericSum
		state := make([]byte, 0, 64)
		for b.Loop() {
			s.Decode(state)
			s.Add(x, 1)
			state = s.Encode(state[:0])
		}
	})
}

func BenchmarkFloatSum(b *testing.B) {
	b.Run("add", func(b *testing.B) {
		var s FloatSum
		for b.Loop() {
			s.Add(12345.678, 1)
		}
	})
	b.Run("stored", func(b *testing.B) {
		b.ReportAllocs()
		var s FloatSum
		state := make([]byte, 0, 64)
		for b.Loop() {
			s.Decode(state)
			s.Add(12345.678, 1)
			state = s.Encode(state[:0])
		}
	})
}

// TestNoAllocation guards the paths that run once a value.
func TestNoAllocation(t *testing.T) {
	loc, _ := time.LoadLocation(oracleZone)
	env := &Env{TimeZone: loc}
	var buf, key [256]byte
	for _, c := range []struct {
		t Type
		s string
	}{
		{T(Int4), "-42"}, {T(Int8), "1234567890123"}, {T(Bool), "true"}, {T(Float8), "12345.678"}, {T(Date), "2020-01-05"},
		{T(Timestamp), "2020-01-05 12:34:56.5"}, {T(TimestampTZ), "2020-07-05T12:34:56"}, {T(Numeric), "12345.6789"},
		{Type{Numeric, NumericTypmod(10, 2)}, "12345.67"}, {T(Text), "hello"}, {Type{Varchar, 14}, "hello"},
		{T(UUID), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}, {T(Bytea), `\xdeadbeef`}, {T(JSON), `{"a": [1, "b"]}`},
	} {
		v, err := parseCell(c.t, c.s, env)
		if err != nil {
			t.Fatal(err)
		}
		n := testing.AllocsPerRun(100, func() {
			switch c.t.Class() {
			case I64:
				_, _ = ParseI64(c.t, c.s, env)
			case F64:
				_, _ = ParseF64(c.t, c.s)
			default:
				_, _ = AppendParsedBytes(buf[:0], c.t, c.s, env)
				AppendKey(key[:0], c.t, v.b)
				AppendOrderedBytes(key[:0], c.t, v.b, true)
			}
			AppendText(buf[:0], c.t, v.i, v.f, v.b, env)
			AppendBinary(buf[:0], c.t, v.i, v.f, v.b)
		})
		if n != 0 {
			t.Errorf("%s %q: %v allocations", c.t, c.s, n)
		}
	}
}
