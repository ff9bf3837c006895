package funcs

import (
	"bytes"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

const secCompare = "Comparison"

// cmpOp is one of the six comparisons; it holds if the order of its arguments is lt, eq or gt where the bit says so.
type cmpOp struct {
	name       string
	lt, eq, gt bool
	doc        string
}

var cmpOps = []cmpOp{
	{"=", false, true, false, "Equal."},
	{"<>", true, false, true, "Not equal."},
	{"<", true, false, false, "Less than."},
	{"<=", true, true, false, "Less than or equal."},
	{">", false, false, true, "Greater than."},
	{">=", false, true, true, "Greater than or equal."},
}

func (o cmpOp) holds(c int) bool {
	switch {
	case c < 0:
		return o.lt
	case c > 0:
		return o.gt
	}
	return o.eq
}

// compareFuncs are the comparison operators of every type that has an order, and across related types.
func compareFuncs() []Func {
	var fs []Func
	pair := func(a, b types.OID, k func(o cmpOp) Kernel) {
		for _, o := range cmpOps {
			fs = append(fs, Func{Name: o.name, Kind: Operator, Args: []types.OID{a, b}, Ret: types.Bool, Vol: Immutable,
				Kernel: k(o), Section: secCompare, Doc: o.doc})
		}
	}
	for _, a := range intTypes {
		for _, b := range intTypes {
			pair(a.oid, b.oid, compareI64)
		}
	}
	for _, t := range []types.OID{types.Bool, types.Oid, types.Char, types.Date, types.Time, types.Timestamp, types.TimestampTZ} {
		pair(t, t, compareI64)
	}
	for _, a := range []types.OID{types.Float4, types.Float8} {
		for _, b := range []types.OID{types.Float4, types.Float8} {
			pair(a, b, compareF64)
		}
	}
	for _, p := range [][2]types.OID{{types.Text, types.Text}, {types.Name, types.Name}, {types.Name, types.Text},
		{types.Text, types.Name}, {types.Bytea, types.Bytea}, {types.UUID, types.UUID}} {
		pair(p[0], p[1], compareRaw)
	}
	for _, t := range []types.OID{types.BPChar, types.Numeric, types.Interval, types.TimeTZ, types.JSONB, types.AnyArray,
		types.OidVector, types.Record} {
		pair(t, t, compareCoded)
	}
	dates := []types.OID{types.Date, types.Timestamp, types.TimestampTZ}
	for _, a := range dates {
		for _, b := range dates {
			if a != b {
				pair(a, b, func(o cmpOp) Kernel { return compareDates(o, a, b) })
			}
		}
	}
	equal32 := func(ne bool) Kernel {
		return Binary(func(a, b int64) int64 { return b2i((uint32(a) == uint32(b)) != ne) })
	}
	for i, o := range cmpOps[:2] {
		for _, r := range []types.OID{types.Xid, types.Int4} {
			fs = append(fs, Func{Name: o.name, Kind: Operator, Args: []types.OID{types.Xid, r}, Ret: types.Bool, Vol: Immutable,
				Kernel: equal32(i == 1), Section: secCompare, Doc: o.doc})
		}
	}
	fs = append(fs, Func{Name: "=", Kind: Operator, Args: []types.OID{types.Cid, types.Cid}, Ret: types.Bool, Vol: Immutable,
		Kernel: equal32(false), Section: secCompare, Doc: "Equal."})
	examples(fs, map[string]string{
		"= int4 int4": "1 = 1 → t", "<> int4 int4": "1 <> 1 → f", "< int4 int4": "1 < 2 → t", "<= int4 int4": "2 <= 2 → t",
		"> text text": "'b' > 'a' → t", ">= numeric numeric": "1.0 >= 1.00 → t",
	})
	return fs
}

// examples sets examples by operator and argument types.
func examples(fs []Func, m map[string]string) {
	for i := range fs {
		k := fs[i].Name
		for _, a := range fs[i].Args {
			k += " " + a.TypName()
		}
		if e, ok := m[k]; ok {
			fs[i].Example = e
		}
	}
}

// compareI64 compares fixed-width integers. The loops are written out: a call per row costs five times the
// comparison.
func compareI64(o cmpOp) Kernel {
	switch o.name {
	case "=", "<>":
		ne := o.lt
		return func(_ *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
			a, b, r := args[0].I64[:rows], args[1].I64[:rows], out.I64[:rows]
			if sel == nil {
				for i, x := range a {
					r[i] = b2i((x == b[i]) != ne)
				}
				return
			}
			for _, i := range sel {
				r[i] = b2i((a[i] == b[i]) != ne)
			}
		}
	case "<", ">=":
		not := o.gt
		return func(_ *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
			a, b, r := args[0].I64[:rows], args[1].I64[:rows], out.I64[:rows]
			if sel == nil {
				for i, x := range a {
					r[i] = b2i((x < b[i]) != not)
				}
				return
			}
			for _, i := range sel {
				r[i] = b2i((a[i] < b[i]) != not)
			}
		}
	}
	not := o.lt
	return func(_ *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, b, r := args[0].I64[:rows], args[1].I64[:rows], out.I64[:rows]
		if sel == nil {
			for i, x := range a {
				r[i] = b2i((x > b[i]) != not)
			}
			return
		}
		for _, i := range sel {
			r[i] = b2i((a[i] > b[i]) != not)
		}
	}
}

func compareF64(o cmpOp) Kernel {
	return func(_ *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, b, r := args[0].F64[:rows], args[1].F64[:rows], out.I64[:rows]
		forRows(rows, sel, func(i int) { r[i] = b2i(o.holds(types.CompareFloat(a[i], b[i]))) })
	}
}

// compareRaw compares byte strings that sort as bytes: text in the C collation.
func compareRaw(o cmpOp) Kernel {
	if o.lt == o.gt {
		ne := o.lt
		return func(_ *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
			a, b, r := args[0], args[1], out.I64[:rows]
			forRows(rows, sel, func(i int) { r[i] = b2i((a.Str(i) == b.Str(i)) != ne) })
		}
	}
	return Bytes2To(func(a, b []byte) int64 { return b2i(o.holds(bytes.Compare(a, b))) })
}

// compareCoded compares values in an encoding of package types.
func compareCoded(o cmpOp) Kernel {
	return func(_ *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, b, t, r := args[0], args[1], args[0].Type, out.I64[:rows]
		forRows(rows, sel, func(i int) { r[i] = b2i(o.holds(types.CompareBytes(t, a.Bytes(i), b.Bytes(i)))) })
	}
}

// compareDates compares date, timestamp and timestamptz with each other: the narrower one is widened, in the
// session's time zone where that matters.
func compareDates(o cmpOp, ta, tb types.OID) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, b, r := args[0].I64[:rows], args[1].I64[:rows], out.I64[:rows]
		forRows(rows, sel, func(i int) {
			r[i] = b2i(o.holds(compareInstants(ctx, ta, a[i], tb, b[i])))
		})
	}
}

func compareInstants(ctx *Ctx, ta types.OID, a int64, tb types.OID, b int64) int {
	zoned := ta == types.TimestampTZ || tb == types.TimestampTZ
	x, y := instant(ctx, ta, a, zoned), instant(ctx, tb, b, zoned)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// instant is a date or timestamp as a timestamp, in UTC if zoned. What lies beyond the range sorts at its end.
func instant(ctx *Ctx, t types.OID, v int64, zoned bool) int64 {
	if t == types.Date {
		ts, err := types.DateToTimestamp(v)
		if err != nil {
			return types.TimestampInf - 1
		}
		v = ts
	}
	if !zoned || t == types.TimestampTZ {
		return v
	}
	ts, err := types.TimestampInZone(v, ctx.Env.Loc())
	if err != nil {
		if v < 0 {
			return types.TimestampNegInf + 1
		}
		return types.TimestampInf - 1
	}
	return ts
}
