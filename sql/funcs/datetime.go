package funcs

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

const secTime = "Dates and times"

const (
	date  = types.Date
	tod   = types.Time
	todTZ = types.TimeTZ
	ts    = types.Timestamp
	tsTZ  = types.TimestampTZ
	itvl  = types.Interval
)

// Interval returns an interval argument.
func (r *Row) Interval(n int) types.IntervalValue { return types.DecodeInterval(r.Bytes(n)) }

// PutInterval sets an interval result, unless err.
func (r *Row) PutInterval(iv types.IntervalValue, err error) error {
	if err != nil {
		return err
	}
	return r.PutBytes(types.AppendInterval(nil, iv))
}

// putI64 sets a result of the I64 class, unless err.
func (r *Row) putI64(v int64, err error) error {
	if err != nil {
		return err
	}
	return r.PutInt(v)
}

func (r *Row) loc() *time.Location { return r.Env.Loc() }

func datetimeFuncs() []Func {
	s := &section{name: secTime}
	addClock(s)
	addTimeOps(s)
	addIntervalOps(s)
	addParts(s)
	addMake(s)
	addZones(s)
	addOverlaps(s)
	return s.fs
}

func addClock(s *section) {
	now := func(r *Row) error { return r.PutInt(r.TxnNow) }
	for _, n := range []string{"now", "transaction_timestamp", "current_timestamp"} {
		s.total(n, nil, tsTZ, now, "When the transaction began.", "").stable()
	}
	s.total("statement_timestamp", nil, tsTZ, func(r *Row) error { return r.PutInt(r.Now) }, "When the statement began.", "").stable()
	s.total("clock_timestamp", nil, tsTZ, func(r *Row) error { return r.PutInt(types.TimestampFromTime(time.Now())) },
		"The clock.", "").volatile()
	s.total("timeofday", nil, text, func(r *Row) error {
		return r.PutStr(time.Now().In(r.loc()).Format("Mon Jan 02 15:04:05.000000 2006 MST"))
	}, "The clock, as text.", "").volatile()
	local := func(r *Row) (int64, error) { return types.TimestampTZAt(r.TxnNow, r.loc()) }
	s.partial("localtimestamp", nil, ts, func(r *Row) error { return r.putI64(local(r)) }, "When the transaction began, in local time.", "").stable()
	s.partial("current_date", nil, date, func(r *Row) error {
		v, err := local(r)
		return r.putI64(types.TimestampToDate(v), err)
	}, "The day on which the transaction began.", "").stable()
	s.partial("localtime", nil, tod, func(r *Row) error {
		v, err := local(r)
		return r.putI64(types.TimestampToTime(v), err)
	}, "The time of day when the transaction began.", "").stable()
	s.partial("current_time", nil, todTZ, func(r *Row) error {
		v, err := local(r)
		if err != nil {
			return err
		}
		_, east := types.ZoneAbbrev(r.TxnNow, r.loc())
		return r.PutBytes(types.AppendTimeTZValue(nil, types.TimestampToTime(v), -east))
	}, "The time of day when the transaction began, with its zone.", "").stable()
	s.partial("pg_sleep", sig(types.Float8), types.Void, func(r *Row) error {
		return sleep(r.Ctx.Context, time.Duration(r.Float(0)*float64(time.Second)))
	}, "Waits for a number of seconds.", "").volatile()
	s.partial("pg_sleep_for", sig(itvl), types.Void, func(r *Row) error {
		iv := r.Interval(0)
		return sleep(r.Ctx.Context, time.Duration(iv.Micros)*time.Microsecond+time.Duration(int64(iv.Days)+30*int64(iv.Months))*24*time.Hour)
	}, "Waits for an interval.", "").volatile()
}

// sleep waits, unless the statement is cancelled.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		if e := new(pgerr.Error); errors.As(context.Cause(ctx), &e) {
			return e
		}
		return pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request")
	}
}

func addTimeOps(s *section) {
	plus := func(l, r types.OID, ret types.OID, f func(r *Row, a, b int) error, doc, ex string) {
		s.op("+", l, r, ret, Each(func(r *Row) error { return f(r, 0, 1) }), doc, ex).failing()
		if l != r {
			s.op("+", r, l, ret, Each(func(r *Row) error { return f(r, 1, 0) }), doc, "").failing()
		}
	}
	minus := func(l, r types.OID, ret types.OID, f func(r *Row) error, doc, ex string) {
		s.op("-", l, r, ret, Each(f), doc, ex).failing()
	}
	const add, sub = "Adds an interval.", "Takes an interval away."
	plus(ts, itvl, ts, func(r *Row, a, b int) error { return r.putI64(types.TimestampAdd(r.Int(a), r.Interval(b))) },
		add, "timestamp '2001-01-31' + interval '1 month' → 2001-02-28 00:00:00")
	plus(tsTZ, itvl, tsTZ, func(r *Row, a, b int) error { return r.putI64(types.TimestampTZAdd(r.Int(a), r.Interval(b), r.loc())) },
		add, "timestamptz '2001-09-28 01:00+00' + interval '23 hours' → 2001-09-29 00:00:00+00")
	plus(date, itvl, ts, func(r *Row, a, b int) error {
		v, err := types.DateToTimestamp(r.Int(a))
		if err != nil {
			return err
		}
		return r.putI64(types.TimestampAdd(v, r.Interval(b)))
	}, add, "date '2001-09-28' + interval '1 hour' → 2001-09-28 01:00:00")
	plus(date, int4, date, func(r *Row, a, b int) error { return r.putI64(types.DateAdd(r.Int(a), r.Int(b))) },
		"Adds days.", "date '2001-09-28' + 7 → 2001-10-05")
	plus(date, tod, ts, func(r *Row, a, b int) error { return r.putI64(types.DateTimeAdd(r.Int(a), r.Int(b))) },
		"Adds a time of day.", "date '2001-09-28' + time '03:00' → 2001-09-28 03:00:00")
	plus(date, todTZ, tsTZ, func(r *Row, a, b int) error {
		usec, west := types.DecodeTimeTZ(r.Bytes(b))
		if d := r.Int(a); d == types.DateInf || d == types.DateNegInf {
			return r.putI64(types.DateToTimestamp(d))
		}
		v, err := types.DateTimeAdd(r.Int(a), usec)
		return r.putI64(v+int64(west)*usecPerSec, err)
	}, "Adds a time of day with its zone.", "")
	plus(tod, itvl, tod, func(r *Row, a, b int) error { return r.PutInt(types.TimeAdd(r.Int(a), r.Interval(b))) },
		add, "time '01:00' + interval '3 hours' → 04:00:00")
	plus(todTZ, itvl, todTZ, func(r *Row, a, b int) error {
		usec, west := types.DecodeTimeTZ(r.Bytes(a))
		return r.PutBytes(types.AppendTimeTZValue(nil, types.TimeAdd(usec, r.Interval(b)), west))
	}, add, "")
	minus(ts, itvl, ts, func(r *Row) error { return r.putI64(types.TimestampSub(r.Int(0), r.Interval(1))) }, sub, "")
	minus(tsTZ, itvl, tsTZ, func(r *Row) error { return r.putI64(types.TimestampTZSub(r.Int(0), r.Interval(1), r.loc())) }, sub, "")
	minus(date, itvl, ts, func(r *Row) error {
		v, err := types.DateToTimestamp(r.Int(0))
		if err != nil {
			return err
		}
		return r.putI64(types.TimestampSub(v, r.Interval(1)))
	}, sub, "date '2001-09-28' - interval '1 hour' → 2001-09-27 23:00:00")
	minus(tod, itvl, tod, func(r *Row) error { return r.PutInt(types.TimeSub(r.Int(0), r.Interval(1))) }, sub, "")
	minus(todTZ, itvl, todTZ, func(r *Row) error {
		usec, west := types.DecodeTimeTZ(r.Bytes(0))
		return r.PutBytes(types.AppendTimeTZValue(nil, types.TimeSub(usec, r.Interval(1)), west))
	}, sub, "")
	minus(date, int4, date, func(r *Row) error { return r.putI64(types.DateAdd(r.Int(0), -r.Int(1))) }, "Takes days away.", "date '2001-10-01' - 7 → 2001-09-24")
	minus(date, date, int4, func(r *Row) error { return r.putI64(types.DateDiff(r.Int(0), r.Int(1))) }, "Days between.", "date '2001-10-01' - date '2001-09-28' → 3")
	minus(ts, ts, itvl, func(r *Row) error { return r.PutInterval(types.TimestampDiff(r.Int(0), r.Int(1))) },
		"Time between.", "timestamp '2001-09-29 03:00' - timestamp '2001-07-27 12:00' → 63 days 15:00:00")
	minus(tsTZ, tsTZ, itvl, func(r *Row) error { return r.PutInterval(types.TimestampDiff(r.Int(0), r.Int(1))) }, "Time between.", "")
	minus(tod, tod, itvl, func(r *Row) error { return r.PutInterval(types.IntervalValue{Micros: r.Int(0) - r.Int(1)}, nil) },
		"Time between.", "time '05:00' - time '03:00' → 02:00:00")
}

func addIntervalOps(s *section) {
	op := func(name string, l, r types.OID, f func(r *Row) error, doc, ex string) {
		s.op(name, l, r, itvl, Each(f), doc, ex).failing()
	}
	op("+", itvl, itvl, func(r *Row) error { return r.PutInterval(types.IntervalAdd(r.Interval(0), r.Interval(1))) },
		"Adds.", "interval '1 day' + interval '1 hour' → 1 day 01:00:00")
	op("-", itvl, itvl, func(r *Row) error { return r.PutInterval(types.IntervalSub(r.Interval(0), r.Interval(1))) }, "Subtracts.", "")
	op("*", itvl, types.Float8, func(r *Row) error { return r.PutInterval(types.IntervalMul(r.Interval(0), r.Float(1))) },
		"Multiplies.", "interval '1 hour' * 3.5 → 03:30:00")
	op("*", types.Float8, itvl, func(r *Row) error { return r.PutInterval(types.IntervalMul(r.Interval(1), r.Float(0))) }, "Multiplies.", "")
	op("/", itvl, types.Float8, func(r *Row) error {
		if r.Float(1) == 0 {
			return errDivZero
		}
		return r.PutInterval(types.IntervalDiv(r.Interval(0), r.Float(1)))
	}, "Divides.", "interval '1 hour' / 1.5 → 00:40:00")
	s.prefix("-", itvl, itvl, Each(func(r *Row) error { return r.PutInterval(types.IntervalNeg(r.Interval(0))) }), "Negates.", "").failing()
	for _, f := range []struct {
		name, doc, ex string
		f             func(types.IntervalValue) (types.IntervalValue, error)
	}{
		{"justify_days", "With months of 30 days made of the days.", "justify_days(interval '35 days') → 1 mon 5 days", types.JustifyDays},
		{"justify_hours", "With days of 24 hours made of the hours.", "justify_hours(interval '27 hours') → 1 day 03:00:00", types.JustifyHours},
		{"justify_interval", "With months, days and hours in their ranges and of one sign.", "justify_interval(interval '1 mon -1 hour') → 29 days 23:00:00", types.JustifyInterval},
	} {
		s.partial(f.name, sig(itvl), itvl, func(r *Row) error { return r.PutInterval(f.f(r.Interval(0))) }, f.doc, f.ex)
	}
	age := func(t types.OID, f func(r *Row, a, b int64) (types.IntervalValue, error), ex string) {
		s.partial("age", sig(t, t), itvl, func(r *Row) error { return r.PutInterval(f(r, r.Int(0), r.Int(1))) },
			"Time between, in years, months, days and hours.", ex)
		s.partial("age", sig(t), itvl, func(r *Row) error {
			today, err := types.TimestampTZAt(r.TxnNow, r.loc())
			if err != nil {
				return err
			}
			if today = types.TimestampToDate(today) * usecPerDay; t == tsTZ {
				if today, err = types.TimestampInZone(today, r.loc()); err != nil {
					return err
				}
			}
			return r.PutInterval(f(r, today, r.Int(0)))
		}, "Time to the beginning of the current day.", "").stable()
	}
	age(ts, func(_ *Row, a, b int64) (types.IntervalValue, error) { return types.TimestampAge(a, b) },
		"age(timestamp '2001-04-10', timestamp '1957-06-13') → 43 years 9 mons 27 days")
	age(tsTZ, func(r *Row, a, b int64) (types.IntervalValue, error) { return types.TimestampTZAge(a, b, r.loc()) }, "")
	s.total("isfinite", sig(date), types.Bool, func(r *Row) error {
		return r.PutBool(r.Int(0) != types.DateInf && r.Int(0) != types.DateNegInf)
	}, "Not an infinity.", "isfinite(date '2001-02-16') → t")
	for _, t := range []types.OID{ts, tsTZ} {
		s.total("isfinite", sig(t), types.Bool, func(r *Row) error { return r.PutBool(!isInfinite(r.Int(0))) }, "Not an infinity.", "")
	}
	s.total("isfinite", sig(itvl), types.Bool, func(r *Row) error { return r.PutBool(true) }, "Not an infinity.", "")
}

// extractor appends a field of argument 1, named by argument 0, as a numeric.
type extractor func(r *Row, d types.DateUnit, dst []byte) (out []byte, null bool, err error)

func addParts(s *section) {
	plain := func(f func(r *Row, d types.DateUnit, dst []byte) ([]byte, error)) extractor {
		return func(r *Row, d types.DateUnit, dst []byte) ([]byte, bool, error) {
			b, err := f(r, d, dst)
			return b, false, err
		}
	}
	for _, p := range []struct {
		t  types.OID
		f  extractor
		ex string
	}{
		{date, func(r *Row, d types.DateUnit, dst []byte) ([]byte, bool, error) {
			return types.ExtractDate(dst, d, r.Int(1))
		}, "extract(dow from date '2001-02-16') → 5"},
		{ts, func(r *Row, d types.DateUnit, dst []byte) ([]byte, bool, error) {
			return types.ExtractTimestamp(dst, d, r.Int(1))
		}, "extract(hour from timestamp '2001-02-16 20:38:40') → 20"},
		{tsTZ, func(r *Row, d types.DateUnit, dst []byte) ([]byte, bool, error) {
			return types.ExtractTimestampTZ(dst, d, r.Int(1), r.loc())
		}, "extract(epoch from timestamptz '2001-02-16 20:38:40+00') → 982355920.000000"},
		{tod, plain(func(r *Row, d types.DateUnit, dst []byte) ([]byte, error) { return types.ExtractTime(dst, d, r.Int(1)) }), ""},
		{todTZ, plain(func(r *Row, d types.DateUnit, dst []byte) ([]byte, error) {
			return types.ExtractTimeTZ(dst, d, r.Bytes(1))
		}), ""},
		{itvl, plain(func(r *Row, d types.DateUnit, dst []byte) ([]byte, error) {
			return types.ExtractInterval(dst, d, r.Interval(1))
		}), "extract(day from interval '40 days 1 minute') → 40"},
	} {
		s.partial("extract", sig(text, p.t), types.Numeric, extractNumeric(p.f), "A field, as numeric.", p.ex)
		ex := ""
		if p.t == ts {
			ex = "date_part('month', timestamp '2001-02-16 20:38:40') → 2"
		}
		part := p.f
		if p.t == date {
			part = dateAsTimestamp
		}
		s.partial("date_part", sig(text, p.t), types.Float8, extractFloat(part), "A field, as double precision.", ex)
	}
	unit := func(r *Row) types.DateUnit { return types.LookupUnit(r.Str(0)) }
	s.partial("date_trunc", sig(text, ts), ts, func(r *Row) error { return r.putI64(types.TruncTimestamp(unit(r), r.Int(1))) },
		"Cut to a unit.", "date_trunc('hour', timestamp '2001-02-16 20:38:40') → 2001-02-16 20:00:00")
	s.partial("date_trunc", sig(text, tsTZ), tsTZ, func(r *Row) error { return r.putI64(types.TruncTimestampTZ(unit(r), r.Int(1), r.loc())) },
		"Cut to a unit, in the session's time zone.", "date_trunc('day', timestamptz '2001-02-16 20:38:40+00') → 2001-02-16 00:00:00+00")
	s.partial("date_trunc", sig(text, tsTZ, text), tsTZ, func(r *Row) error {
		if isInfinite(r.Int(1)) {
			return r.PutInt(r.Int(1))
		}
		loc, err := types.ZoneForSQL(r.Str(2))
		if err != nil {
			return err
		}
		return r.putI64(types.TruncTimestampTZ(unit(r), r.Int(1), loc))
	}, "Cut to a unit, in a time zone.", "date_trunc('day', timestamptz '2001-02-16 20:38:40+00', 'Australia/Sydney') → 2001-02-16 13:00:00+00")
	s.partial("date_trunc", sig(text, itvl), itvl, func(r *Row) error { return r.PutInterval(types.TruncInterval(unit(r), r.Interval(1))) },
		"Cut to a unit.", "date_trunc('hour', interval '2 days 03:04:05') → 2 days 03:00:00")
	for _, t := range []types.OID{ts, tsTZ} {
		ex := ""
		if t == ts {
			ex = "date_bin(interval '15 minutes', timestamp '2001-02-16 20:38:40', timestamp '2001-02-16 20:05:00') → 2001-02-16 20:35:00"
		}
		s.partial("date_bin", sig(itvl, t, t), t, func(r *Row) error { return r.putI64(types.DateBin(r.Interval(0), r.Int(1), r.Int(2))) },
			"Cut to a grid of intervals through an origin.", ex)
	}
}

// dateAsTimestamp is how date_part reads a date; extract does not.
func dateAsTimestamp(r *Row, d types.DateUnit, dst []byte) ([]byte, bool, error) {
	v, err := types.DateToTimestamp(r.Int(1))
	if err != nil {
		return dst, false, err
	}
	return types.ExtractTimestamp(dst, d, v)
}

func extractNumeric(f extractor) func(r *Row) error {
	return func(r *Row) error {
		null := false
		err := r.Append(func(dst []byte) (out []byte, err error) {
			out, null, err = f(r, types.LookupUnit(r.Str(0)), dst)
			return out, err
		})
		if null && err == nil {
			return r.PutNull()
		}
		return err
	}
}

func extractFloat(f extractor) func(r *Row) error {
	return func(r *Row) error {
		b, null, err := f(r, types.LookupUnit(r.Str(0)), nil)
		if err != nil {
			return err
		}
		if null {
			return r.PutNull()
		}
		v, err := types.NumericToFloat(b, types.Float8)
		if err != nil {
			return err
		}
		return r.PutFloat(v)
	}
}

func addMake(s *section) {
	f8 := types.Float8
	s.partial("make_date", sig(int4, int4, int4), date, func(r *Row) error {
		return r.putI64(types.MakeDate(int(r.Int(0)), int(r.Int(1)), int(r.Int(2))))
	}, "A date from year, month and day.", "make_date(2013, 7, 15) → 2013-07-15")
	s.partial("make_time", sig(int4, int4, f8), tod, func(r *Row) error {
		return r.putI64(types.MakeTime(int(r.Int(0)), int(r.Int(1)), r.Float(2)))
	}, "A time from hour, minute and second.", "make_time(8, 15, 23.5) → 08:15:23.5")
	mk := func(r *Row) (int64, error) {
		return types.MakeTimestamp(int(r.Int(0)), int(r.Int(1)), int(r.Int(2)), int(r.Int(3)), int(r.Int(4)), r.Float(5))
	}
	s.partial("make_timestamp", sig(int4, int4, int4, int4, int4, f8), ts, func(r *Row) error { return r.putI64(mk(r)) },
		"A timestamp from its parts.", "make_timestamp(2013, 7, 15, 8, 15, 23.5) → 2013-07-15 08:15:23.5")
	s.partial("make_timestamptz", sig(int4, int4, int4, int4, int4, f8), tsTZ, func(r *Row) error {
		v, err := mk(r)
		if err != nil {
			return err
		}
		return r.putI64(types.TimestampInZone(v, r.loc()))
	}, "A timestamp with time zone from its parts.", "make_timestamptz(2013, 7, 15, 8, 15, 23.5) → 2013-07-15 08:15:23.5+00")
	s.partial("make_timestamptz", sig(int4, int4, int4, int4, int4, f8, text), tsTZ, func(r *Row) error {
		v, err := mk(r)
		if err != nil {
			return err
		}
		loc, err := isoZone(r.Str(6))
		if err != nil {
			return err
		}
		return r.putI64(types.TimestampInZone(v, loc))
	}, "A timestamp with time zone from its parts in a zone.", "")
	for n := range 8 {
		args := sig(int4, int4, int4, int4, int4, int4, f8)
		ex := ""
		if n == 4 {
			ex = "make_interval(0, 0, 0, 10) → 10 days"
		}
		if n == 0 {
			args = nil
		}
		s.partial("make_interval", args[:min(n, len(args))], itvl, makeInterval, "An interval from years, months, weeks, days, hours, minutes, seconds.", ex)
	}
	s.partial("to_timestamp", sig(f8), tsTZ, func(r *Row) error {
		if math.IsNaN(r.Float(0)) {
			return pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp cannot be NaN")
		}
		return r.putI64(types.TimestampFromEpoch(r.Float(0)))
	}, "From seconds since 1970.", "to_timestamp(1284352323) → 2010-09-13 04:32:03+00")
}

// isoZone reads a zone whose offset, if it is one, is positive to the east: what AT TIME ZONE '+03' does not do.
func isoZone(name string) (*time.Location, error) {
	if name == "" || name[0] != '+' && name[0] != '-' {
		if name != "" && name[0] >= '0' && name[0] <= '9' {
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, `invalid input syntax for type numeric time zone: "%s"`, name).
				WithHint(`Numeric time zones must have "-" or "+" as first character.`)
		}
		return types.ZoneForSQL(name)
	}
	return types.ZoneForSQL(string('+'+'-'-name[0]) + name[1:])
}

func makeInterval(r *Row) error {
	var p [6]int64
	for i := range min(6, r.Num()) {
		p[i] = r.Int(i)
	}
	secs := 0.0
	if r.Num() > 6 {
		secs = r.Float(6)
	}
	return r.PutInterval(types.MakeInterval(p[0], p[1], p[2], p[3], p[4], p[5], secs))
}

func addZones(s *section) {
	zone := func(r *Row, f func(int64, *time.Location) (int64, error)) error {
		if isInfinite(r.Int(1)) {
			return r.PutInt(r.Int(1))
		}
		loc, err := types.ZoneForSQL(r.Str(0))
		if err != nil {
			return err
		}
		return r.putI64(f(r.Int(1), loc))
	}
	s.partial("timezone", sig(text, ts), tsTZ, func(r *Row) error { return zone(r, types.TimestampInZone) },
		"Local time in a zone as a point in time: AT TIME ZONE.", "timezone('America/Denver', timestamp '2001-02-16 20:38:40') → 2001-02-17 03:38:40+00")
	s.partial("timezone", sig(text, tsTZ), ts, func(r *Row) error { return zone(r, types.TimestampTZAt) },
		"A point in time as local time in a zone: AT TIME ZONE.", "timezone('America/Denver', timestamptz '2001-02-16 20:38:40-05') → 2001-02-16 18:38:40")
	fixedZone := func(r *Row) (*time.Location, error) {
		iv := r.Interval(0)
		if iv.Months != 0 || iv.Days != 0 {
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, `interval time zone "%s" must not include months or days`,
				types.AppendIntervalText(nil, iv))
		}
		return types.FixedZone(int(iv.Micros / usecPerSec)), nil
	}
	s.partial("timezone", sig(itvl, ts), tsTZ, func(r *Row) error {
		if isInfinite(r.Int(1)) {
			return r.PutInt(r.Int(1))
		}
		loc, err := fixedZone(r)
		if err != nil {
			return err
		}
		return r.putI64(types.TimestampInZone(r.Int(1), loc))
	}, "Local time at an offset as a point in time: AT TIME ZONE.", "")
	s.partial("timezone", sig(itvl, tsTZ), ts, func(r *Row) error {
		if isInfinite(r.Int(1)) {
			return r.PutInt(r.Int(1))
		}
		loc, err := fixedZone(r)
		if err != nil {
			return err
		}
		return r.putI64(types.TimestampTZAt(r.Int(1), loc))
	}, "A point in time as local time at an offset: AT TIME ZONE.", "")
	s.partial("timezone", sig(text, todTZ), todTZ, func(r *Row) error {
		loc, err := types.ZoneForSQL(r.Str(0))
		if err != nil {
			return err
		}
		_, east := types.ZoneAbbrev(r.TxnNow, loc)
		usec, west := types.DecodeTimeTZ(r.Bytes(1))
		usec = floorMod(usec+int64(west+east)*usecPerSec, usecPerDay)
		return r.PutBytes(types.AppendTimeTZValue(nil, usec, -east))
	}, "A time of day in another zone: AT TIME ZONE.", "").stable()
}

// addOverlaps adds (start, end) OVERLAPS (start, end); an end may be null, or an interval.
func addOverlaps(s *section) {
	for _, t := range []types.OID{ts, tsTZ, tod} {
		ex := ""
		if t == ts {
			ex = "overlaps(timestamp '2001-02-16', timestamp '2001-12-21', timestamp '2001-10-30', timestamp '2002-10-30') → t"
		}
		for _, e1 := range []types.OID{t, itvl} {
			for _, e2 := range []types.OID{t, itvl} {
				if e1 == itvl || e2 == itvl {
					ex = ""
				}
				s.partial("overlaps", sig(t, e1, t, e2), types.Bool, overlaps, "The periods overlap.", ex).lax()
			}
		}
	}
}

func overlaps(r *Row) error {
	s1, e1, err := period(r, 0)
	if err != nil {
		return err
	}
	s2, e2, err := period(r, 2)
	if err != nil {
		return err
	}
	// PostgreSQL's rules: the starts decide; a null end makes true only what the other bounds make true.
	if s1 == nil || s2 == nil {
		return r.PutNull()
	}
	switch {
	case *s1 > *s2:
		if e2 == nil {
			return r.PutNull()
		}
		if *s1 < *e2 {
			return r.PutBool(true)
		}
		if e1 == nil {
			return r.PutNull()
		}
		return r.PutBool(false)
	case *s1 < *s2:
		if e1 == nil {
			return r.PutNull()
		}
		if *s2 < *e1 {
			return r.PutBool(true)
		}
		if e2 == nil {
			return r.PutNull()
		}
		return r.PutBool(false)
	}
	if e1 == nil || e2 == nil {
		return r.PutNull()
	}
	return r.PutBool(true)
}

// period reads a start and an end in order; if only one is known it is the start.
func period(r *Row, n int) (start, end *int64, err error) {
	if !r.Null(n) {
		v := r.Int(n)
		start = &v
	}
	switch {
	case r.Null(n + 1):
	case r.args[n+1].Type.OID != itvl:
		v := r.Int(n + 1)
		end = &v
	case start != nil:
		var v int64
		switch r.args[n].Type.OID {
		case ts:
			v, err = types.TimestampAdd(*start, r.Interval(n+1))
		case tsTZ:
			v, err = types.TimestampTZAdd(*start, r.Interval(n+1), r.loc())
		default:
			v = types.TimeAdd(*start, r.Interval(n+1))
		}
		end = &v
	}
	if start == nil || end != nil && *start > *end {
		start, end = end, start
	}
	return start, end, err
}
