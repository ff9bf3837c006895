package types

import (
	"math"
	"time"
)

// isoWeekYear is the ISO 8601 week of a date and the year it belongs to.
func isoWeekYear(y, m, d int) (week, year int) {
	j := date2j(y, m, d)
	// The week belongs to the year its Thursday lies in.
	thursday := j - (j2day(j)+6)%7 + 3
	year, _, _ = j2date(thursday)
	return (thursday-date2j(year, 1, 1))/7 + 1, year
}

// calendar is the part of a date that depends on the date alone; ok is false for other units.
func (c *civil) calendar(u unit) (v int, ok bool) {
	switch u {
	case uDay:
		return c.day, true
	case uMonth:
		return c.mon, true
	case uQuarter:
		return (c.mon-1)/3 + 1, true
	case uWeek:
		w, _ := isoWeekYear(c.year, c.mon, c.day)
		return w, true
	case uYear:
		return yearBC(c.year), true
	case uIsoYear:
		_, y := isoWeekYear(c.year, c.mon, c.day)
		return yearBC(y), true
	case uDecade:
		if c.year >= 0 {
			return c.year / 10, true
		}
		return -((8 - (c.year - 1)) / 10), true
	case uCentury:
		return yearSpan(c.year, 100), true
	case uMillennium:
		return yearSpan(c.year, 1000), true
	case uDow:
		return j2day(c.julian()), true
	case uIsoDow:
		return (j2day(c.julian())+6)%7 + 1, true
	case uDoy:
		return c.julian() - date2j(c.year, 1, 1) + 1, true
	}
	return 0, false
}

// yearBC turns the astronomical year into the one shown: there is no year 0.
func yearBC(y int) int {
	if y <= 0 {
		return y - 1
	}
	return y
}

func yearSpan(y, n int) int {
	if y > 0 {
		return (y + n - 1) / n
	}
	return -((n - 1 - (y - 1)) / n)
}

// clockPart appends the part of a time of day; ok is false for other units.
func clockPart(dst []byte, u unit, usec int64) ([]byte, bool) {
	switch u {
	case uMicrosec:
		return AppendNumericInt(dst, usec%usecPerMin), true
	case uMillisec:
		return AppendNumericScaled(dst, usec%usecPerMin, 3), true
	case uSecond:
		return AppendNumericScaled(dst, usec%usecPerMin, 6), true
	case uMinute:
		return AppendNumericInt(dst, usec/usecPerMin%60), true
	case uHour:
		return AppendNumericInt(dst, usec/usecPerHour), true
	}
	return dst, false
}

// extractInf is extract of an infinite value: infinity for units that grow with time, null for cyclic ones.
func extractInf(dst []byte, d DateUnit, neg bool, t OID) (out []byte, null bool, err error) {
	switch d.u {
	case uYear, uDecade, uCentury, uMillennium, uJulian, uIsoYear, uEpoch:
		if neg {
			return append(dst, numNInf), false, nil
		}
		return append(dst, numPInf), false, nil
	case uMicrosec, uMillisec, uSecond, uMinute, uHour, uDay, uMonth, uQuarter, uWeek, uDow, uIsoDow, uDoy:
		return dst, true, nil
	case uTZ, uTZMinute, uTZHour:
		return dst, true, nil
	}
	return dst, false, d.err(t)
}

// ExtractTimestamp appends extract(d from ts) as a numeric.
func ExtractTimestamp(dst []byte, d DateUnit, ts int64) (out []byte, null bool, err error) {
	if isInf(ts) {
		return extractInf(dst, d, ts < 0, Timestamp)
	}
	if d.u == uEpoch {
		return appendEpoch(dst, ts), false, nil
	}
	dst, ok, err := extractLocal(dst, d.u, ts)
	if err == nil && !ok {
		err = d.err(Timestamp)
	}
	return dst, false, err
}

// ExtractTimestampTZ appends extract(d from ts) in loc as a numeric.
func ExtractTimestampTZ(dst []byte, d DateUnit, ts int64, loc *time.Location) (out []byte, null bool, err error) {
	if isInf(ts) {
		return extractInf(dst, d, ts < 0, TimestampTZ)
	}
	if d.u == uEpoch {
		return appendEpoch(dst, ts), false, nil
	}
	east := offsetAt(ts, loc)
	switch d.u {
	case uTZ:
		return AppendNumericInt(dst, int64(east)), false, nil
	case uTZHour:
		return AppendNumericInt(dst, int64(east/3600)), false, nil
	case uTZMinute:
		return AppendNumericInt(dst, int64(east/60%60)), false, nil
	}
	dst, ok, err := extractLocal(dst, d.u, ts+int64(east)*usecPerSec)
	if err == nil && !ok {
		err = d.err(TimestampTZ)
	}
	return dst, false, err
}

// appendEpoch appends seconds since 1970 with six digits. Where the shift to 1970 does not fit in 64 bits PostgreSQL
// divides, at the scale of any division of such numbers, and only four of the six digits count.
func appendEpoch(dst []byte, ts int64) []byte {
	if ts < math.MaxInt64+unixEpochTimestamp {
		return AppendNumericScaled(dst, ts-unixEpochTimestamp, 6)
	}
	var a, b, c, d [24]byte
	usec, _ := NumericSub(c[:0], AppendNumericInt(a[:0], ts), AppendNumericInt(b[:0], unixEpochTimestamp))
	sec, _ := NumericDiv(d[:0], usec, AppendNumericInt(a[:0], usecPerSec))
	dst, _ = NumericRound(dst, sec, 6)
	return dst
}

func extractLocal(dst []byte, u unit, ts int64) (out []byte, ok bool, err error) {
	day, usec := splitDay(ts)
	if dst, ok := clockPart(dst, u, usec); ok {
		return dst, true, nil
	}
	if u == uJulian {
		var a, b, q [24]byte
		frac, err := NumericDiv(q[:0], AppendNumericInt(a[:0], usec), AppendNumericInt(b[:0], usecPerDay))
		if err == nil {
			dst, err = NumericAdd(dst, AppendNumericInt(a[:0], day+pgEpochJDate), frac)
		}
		return dst, true, err
	}
	c := civilOf(ts)
	v, ok := c.calendar(u)
	if !ok {
		return dst, false, nil
	}
	return AppendNumericInt(dst, int64(v)), true, nil
}

// ExtractDate appends extract(d from day) as a numeric.
func ExtractDate(dst []byte, d DateUnit, day int64) (out []byte, null bool, err error) {
	if isInfDate(day) {
		switch d.u {
		case uMicrosec, uMillisec, uSecond, uMinute, uHour, uTZ, uTZMinute, uTZHour:
			return dst, false, d.err(Date)
		}
		return extractInf(dst, d, day < 0, Date)
	}
	switch d.u {
	case uJulian:
		return AppendNumericInt(dst, day+pgEpochJDate), false, nil
	case uEpoch:
		return AppendNumericInt(dst, (day+pgEpochJDate-unixEpochJDate)*secPerDay), false, nil
	}
	var c civil
	c.year, c.mon, c.day = j2date(int(day) + pgEpochJDate)
	v, ok := c.calendar(d.u)
	if !ok {
		return dst, false, d.err(Date)
	}
	return AppendNumericInt(dst, int64(v)), false, nil
}

// ExtractTime appends extract(d from t) as a numeric.
func ExtractTime(dst []byte, d DateUnit, t int64) ([]byte, error) {
	if d.u == uEpoch {
		return AppendNumericScaled(dst, t, 6), nil
	}
	dst, ok := clockPart(dst, d.u, t)
	if !ok {
		return dst, d.err(Time)
	}
	return dst, nil
}

// ExtractTimeTZ appends extract(d from b) as a numeric.
func ExtractTimeTZ(dst []byte, d DateUnit, b []byte) ([]byte, error) {
	usec, west := DecodeTimeTZ(b)
	switch d.u {
	case uTZ:
		return AppendNumericInt(dst, int64(-west)), nil
	case uTZHour:
		return AppendNumericInt(dst, int64(-west/3600)), nil
	case uTZMinute:
		return AppendNumericInt(dst, int64(-west/60%60)), nil
	case uEpoch:
		return AppendNumericScaled(dst, usec+int64(west)*usecPerSec, 6), nil
	}
	dst, ok := clockPart(dst, d.u, usec)
	if !ok {
		return dst, d.err(TimeTZ)
	}
	return dst, nil
}

// ExtractInterval appends extract(d from iv) as a numeric.
func ExtractInterval(dst []byte, d DateUnit, iv IntervalValue) ([]byte, error) {
	year, mon := int64(iv.Months/12), int64(iv.Months%12)
	switch d.u {
	case uDay:
		return AppendNumericInt(dst, int64(iv.Days)), nil
	case uMonth:
		return AppendNumericInt(dst, mon), nil
	case uQuarter:
		return AppendNumericInt(dst, mon/3+1), nil
	case uYear:
		return AppendNumericInt(dst, year), nil
	case uDecade:
		return AppendNumericInt(dst, year/10), nil
	case uCentury:
		return AppendNumericInt(dst, year/100), nil
	case uMillennium:
		return AppendNumericInt(dst, year/1000), nil
	case uEpoch:
		// A year is 365.25 days, a month 30.
		secs := (1461*year + 120*mon + 4*int64(iv.Days)) * (secPerDay / 4)
		var a, b [16]byte
		return NumericAdd(dst, AppendNumericScaled(a[:0], iv.Micros, 6), AppendNumericInt(b[:0], secs))
	}
	dst, ok := clockPart(dst, d.u, iv.Micros)
	if !ok {
		return dst, d.err(Interval)
	}
	return dst, nil
}
