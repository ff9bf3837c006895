package funcs

import (
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

const (
	usecPerSec = 1_000_000
	usecPerDay = 86400 * usecPerSec
)

// i64Cast is the kernel of a cast between I64 types that may look at the session's time zone and the target's
// typmod.
func i64Cast(f func(ctx *Ctx, mod int32, v int64) (int64, error)) func(bool) Kernel {
	return fixed(func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		a, r, mod := args[0].I64[:rows], out.I64[:rows], out.Type.Mod
		forRows(rows, sel, func(i int) {
			v, err := f(ctx, mod, a[i])
			if err != nil {
				ctx.Fail(int32(i), pgerr.Of(err))
				return
			}
			r[i] = v
		})
	})
}

// bytesCast is the kernel of a cast from a Bytes to an I64 type that cannot fail.
func bytesCast(f func(mod int32, v []byte) int64) func(bool) Kernel {
	return fixed(func(_ *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		forRows(rows, sel, func(i int) { out.I64[i] = f(out.Type.Mod, args[0].Bytes(i)) })
	})
}

// toBytesCast is i64Cast to a Bytes type.
func toBytesCast(f func(ctx *Ctx, dst []byte, mod int32, v int64) ([]byte, error)) func(bool) Kernel {
	return fixed(func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		appendRows(ctx, rows, sel, out, func(i int) (err error) {
			out.Buf, err = keep(out.Buf)(f(ctx, out.Buf, out.Type.Mod, args[0].I64[i]))
			return err
		})
	})
}

func timeCasts() []castRow {
	const i, a = Implicit, Assignment
	round := i64Cast(func(_ *Ctx, mod int32, v int64) (int64, error) { return types.RoundTimestamp(v, mod), nil })
	return []castRow{
		{types.Timestamp, types.Timestamp, i, round, true},
		{types.TimestampTZ, types.TimestampTZ, i, round, true},
		{types.Time, types.Time, i, i64Cast(func(_ *Ctx, mod int32, v int64) (int64, error) { return types.RoundTime(v, mod), nil }), true},
		{types.Date, types.Timestamp, i, i64Cast(func(_ *Ctx, _ int32, v int64) (int64, error) { return types.DateToTimestamp(v) }), false},
		{types.Date, types.TimestampTZ, i, i64Cast(dateToTZ), false},
		{types.Timestamp, types.Date, a, i64Cast(func(_ *Ctx, _ int32, v int64) (int64, error) { return types.TimestampToDate(v), nil }), true},
		{types.TimestampTZ, types.Date, a, i64Cast(func(ctx *Ctx, _ int32, v int64) (int64, error) {
			ts, err := types.TimestampTZAt(v, ctx.Env.Loc())
			return types.TimestampToDate(ts), err
		}), false},
		{types.Timestamp, types.TimestampTZ, i, i64Cast(func(ctx *Ctx, mod int32, v int64) (int64, error) {
			ts, err := types.TimestampInZone(v, ctx.Env.Loc())
			return types.RoundTimestamp(ts, mod), err
		}), false},
		{types.TimestampTZ, types.Timestamp, a, i64Cast(func(ctx *Ctx, mod int32, v int64) (int64, error) {
			ts, err := types.TimestampTZAt(v, ctx.Env.Loc())
			return types.RoundTimestamp(ts, mod), err
		}), false},
		{types.Timestamp, types.Time, a, fixed(timestampToTime), true},
		{types.TimestampTZ, types.Time, a, fixed(timestampTZToTime), false},
		{types.TimestampTZ, types.TimeTZ, a, fixed(timestampTZToTimeTZ), false},
		{types.Time, types.TimeTZ, i, toBytesCast(func(ctx *Ctx, dst []byte, mod int32, v int64) ([]byte, error) {
			_, east := types.ZoneAbbrev(ctx.TxnNow, ctx.Env.Loc())
			return types.AppendTimeTZValue(dst, types.RoundTime(v, mod), -east), nil
		}), true},
		{types.TimeTZ, types.Time, a, bytesCast(func(mod int32, v []byte) int64 {
			usec, _ := types.DecodeTimeTZ(v)
			return types.RoundTime(usec, mod)
		}), true},
		{types.TimeTZ, types.TimeTZ, i, fixed(roundTimeTZ), true},
		{types.Time, types.Interval, i, toBytesCast(func(_ *Ctx, dst []byte, mod int32, v int64) ([]byte, error) {
			return appendInterval(dst, types.IntervalValue{Micros: v}, mod)
		}), false},
		{types.Interval, types.Time, a, bytesCast(func(mod int32, v []byte) int64 {
			return types.RoundTime(types.IntervalToTime(types.DecodeInterval(v)), mod)
		}), true},
		{types.Interval, types.Interval, i, fixed(intervalTypmod), false},
	}
}

func floorMod(a, b int64) int64 {
	if r := a % b; r < 0 {
		return r + b
	}
	return a % b
}

func appendInterval(dst []byte, iv types.IntervalValue, mod int32) ([]byte, error) {
	iv, err := types.CoerceInterval(iv, mod)
	if err != nil {
		return dst, err
	}
	return types.AppendInterval(dst, iv), nil
}

func intervalTypmod(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
	appendRows(ctx, rows, sel, out, func(i int) (err error) {
		out.Buf, err = appendInterval(out.Buf, types.DecodeInterval(args[0].Bytes(i)), out.Type.Mod)
		return err
	})
}

func dateToTZ(ctx *Ctx, mod int32, v int64) (int64, error) {
	ts, err := types.DateToTimestamp(v)
	if err != nil {
		return 0, err
	}
	ts, err = types.TimestampInZone(ts, ctx.Env.Loc())
	return types.RoundTimestamp(ts, mod), err
}

func isInfinite(ts int64) bool { return ts == types.TimestampInf || ts == types.TimestampNegInf }

// timestampToTime takes the time of day; an infinity has none: null.
var timestampToTime = Each(func(r *Row) error {
	if isInfinite(r.Int(0)) {
		return r.PutNull()
	}
	return r.PutInt(types.RoundTime(types.TimestampToTime(r.Int(0)), r.out.Type.Mod))
})

var timestampTZToTime = Each(func(r *Row) error {
	if isInfinite(r.Int(0)) {
		return r.PutNull()
	}
	ts, err := types.TimestampTZAt(r.Int(0), r.Env.Loc())
	if err != nil {
		return err
	}
	return r.PutInt(types.RoundTime(types.TimestampToTime(ts), r.out.Type.Mod))
})

var timestampTZToTimeTZ = Each(func(r *Row) error {
	if isInfinite(r.Int(0)) {
		return r.PutNull()
	}
	ts, err := types.TimestampTZAt(r.Int(0), r.Env.Loc())
	if err != nil {
		return err
	}
	_, east := types.ZoneAbbrev(r.Int(0), r.Env.Loc())
	return r.PutBytes(types.AppendTimeTZValue(nil, types.RoundTime(types.TimestampToTime(ts), r.out.Type.Mod), -east))
})

func roundTimeTZ(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
	appendRows(ctx, rows, sel, out, func(i int) error {
		usec, west := types.DecodeTimeTZ(args[0].Bytes(i))
		out.Buf = types.AppendTimeTZValue(out.Buf, types.RoundTime(usec, out.Type.Mod), west)
		return nil
	})
}
