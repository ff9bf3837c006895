package types

import (
	"math/rand"
	"testing"
)

// Every parser takes any text or bytes without a panic, and what it accepts it prints in a form that it
// accepts again, as the same value.

func fuzzText(f *testing.F, seeds []string, ts ...Type) {
	for _, s := range seeds {
		f.Add(s)
	}
	env := &Env{}
	f.Fuzz(func(t *testing.T, s string) {
		for _, typ := range ts {
			c, err := parseCell(typ, s, env)
			if err != nil {
				continue
			}
			text := c.text(env)
			d, err := parseCell(typ, text, env)
			if err != nil {
				t.Fatalf("%s %q prints as %q, which does not parse: %v", typ, s, text, err)
			}
			if again := d.text(env); again != text {
				t.Fatalf("%s %q prints as %q, then as %q", typ, s, text, again)
			}
			if c.compare(d) != 0 || c.key() != d.key() || c.ordered(false) != d.ordered(false) {
				t.Fatalf("%s %q differs from its own text %q", typ, s, text)
			}
		}
	})
}

func FuzzNumber(f *testing.F) {
	fuzzText(f, numericInputs, T(Int2), T(Int4), T(Int8), T(Float4), T(Float8), T(Numeric),
		Type{Numeric, NumericTypmod(7, 3)}, T(Oid), T(Bool))
}

func FuzzDateTime(f *testing.F) {
	fuzzText(f, append(dateInputs, timeInputs...), T(Date), T(Timestamp), T(TimestampTZ), T(Time), T(TimeTZ))
}

func FuzzInterval(f *testing.F) { fuzzText(f, intervalInputs, T(Interval)) }

func FuzzJSON(f *testing.F) { fuzzText(f, jsonInputs, T(JSON), T(JSONB)) }

func FuzzArray(f *testing.F) {
	fuzzText(f, arrayInputs, T(TextArray), T(Int4Array), T(NumericArray), T(Float8Array), T(IntervalArray), T(Int2Vector))
}

func FuzzString(f *testing.F) {
	fuzzText(f, []string{`\xab`, `a\\b\001`, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "(1,2)"}, T(Bytea), T(UUID), T(Tid), T(RegType),
		Type{Varchar, 7}, Type{BPChar, 7})
}

// FuzzBinary reads any bytes as the wire form of each type; what is accepted is written back and read again.
func FuzzBinary(f *testing.F) {
	r := rand.New(rand.NewSource(1))
	for _, ti := range typeInputs() {
		for _, in := range ti.inputs[:min(4, len(ti.inputs))] {
			if c, err := parseCell(ti.t, in, nil); err == nil {
				f.Add(c.binary())
			}
		}
		if ti.random != nil {
			if c, err := parseCell(ti.t, ti.random(r), nil); err == nil {
				f.Add(c.binary())
			}
		}
	}
	ts := make([]Type, 0, 40)
	for _, ti := range typeInputs() {
		ts = append(ts, ti.t)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, typ := range ts {
			c, err := cell{t: typ}.fromBinary(b)
			if err != nil {
				continue
			}
			c.text(nil)
			d, err := c.fromBinary(c.binary())
			if err != nil {
				if typ.Mod >= 0 {
					continue // rounding may leave the range of the wire form
				}
				t.Fatalf("%s %x is written as %x, which does not read: %v", typ, b, c.binary(), err)
			}
			if c.compare(d) != 0 {
				t.Fatalf("%s %x changes when written and read", typ, b)
			}
		}
	})
}
