package format

import (
	"strconv"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

const (
	// epochMicros is 1970-01-01 as a timestamp, which counts microseconds from 2000-01-01.
	epochMicros = -10957 * 24 * 3600 * 1_000_000
	// minTimestamp is PostgreSQL's first, 4714-11-24 BC. Its last is out of reach of an int64 counted from 1970.
	minTimestamp = -211813488000000000
)

// timestamp reads the text of a timestamp with or without time zone.
func (d *JSON) timestamp(c *column, b []byte, p int) int {
	if t, n := isoTimestamp(b[p+1:]); n > 0 && c.typ.Mod < 0 {
		d.cols[c.index].AppendI64(t)
		return p + 1 + n
	}
	return d.general(c, b, p)
}

// isoTimestamp reads the form that programs write, YYYY-MM-DD[T ]hh:mm:ss[.fff[fff]][Z] and its quote, and
// returns its length: 0 for all other forms, and wrong dates, which are left to the type's input function.
func isoTimestamp(s []byte) (int64, int) {
	if len(s) < 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' && s[10] != ' ' || s[13] != ':' || s[16] != ':' {
		return 0, 0
	}
	year := two(s[0:])*100 + two(s[2:])
	month, day := two(s[5:]), two(s[8:])
	hour, minute, second := two(s[11:]), two(s[14:]), two(s[17:])
	if year-1 > 9998 || month-1 > 11 || day-1 >= daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, 0
	}
	t := int64(daysFrom2000(year, month, day))*24*3600 + int64(hour*3600+minute*60+second)
	t *= 1_000_000
	n := 19
	if s[n] == '.' {
		unit := int64(100_000)
		for n++; n < len(s) && s[n]-'0' <= 9; n++ {
			t += int64(s[n]-'0') * unit
			unit /= 10
		}
		if n == 20 || n > 26 {
			return 0, 0
		}
	}
	if n < len(s) && s[n] == 'Z' {
		n++
	}
	if n >= len(s) || s[n] != '"' {
		return 0, 0
	}
	return t, n + 1
}

// two reads two digits; where there are none, the result is too large for any part of a time.
func two(s []byte) uint {
	a, b := uint(s[0]-'0'), uint(s[1]-'0')
	if a > 9 || b > 9 {
		return 1 << 20
	}
	return a*10 + b
}

// daysIn is the number of days of a month.
func daysIn(year, month uint) uint {
	switch {
	case month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	case month == 2:
		return 28
	}
	return 30 + (month+month>>3)&1
}

// daysFrom2000 counts the days of the Gregorian calendar from 2000-01-01. Years begin in March, so that the
// leap day is their last.
func daysFrom2000(year, month, day uint) int {
	if month <= 2 {
		year--
		month += 12
	}
	return int(365*year+year/4-year/100+year/400+(153*(month-3)+2)/5+day) - 730426
}

// epoch reads a count of units since 1970.
func (d *JSON) epoch(c *column, b []byte, p int) int {
	end := scanNumber(b, p)
	if end == p {
		return d.syntax(b, p, "a number")
	}
	text := b[p:end]
	unit := c.unit
	if unit == unitAuto {
		unit = d.unit
	}
	n, err := types.ParseInt(types.Str(text), types.Int8)
	var us int64
	var ok bool
	if err == nil {
		us, ok = unit.micros(n)
	} else { // a fraction or an exponent, or too large either way
		f, _ := strconv.ParseFloat(types.Str(text), 64)
		us, ok = unit.microsOf(f)
	}
	var t int64
	if ok {
		t, ok = timestampOf(us, c.typ.Mod)
	}
	if !ok {
		return d.badValue(c, p, outOfRange(text))
	}
	d.cols[c.index].AppendI64(t)
	return end
}

// dayNumber reads a count of days since 1970, or a time of day in the unit that a schema gives.
func (d *JSON) dayNumber(c *column, b []byte, p int) int {
	end := scanNumber(b, p)
	if end == p {
		return d.syntax(b, p, "a number")
	}
	n, err := types.ParseInt(types.Str(b[p:end]), types.Int8)
	if err != nil {
		return d.badValue(c, p, err)
	}
	var v int64
	var ok bool
	if c.typ.OID == types.Date {
		v, ok = dateOf(n)
	} else {
		v, ok = timeOf(n, c.unit, c.typ.Mod)
	}
	if !ok {
		return d.badValue(c, p, outOfRange(b[p:end]))
	}
	d.cols[c.index].AppendI64(v)
	return end
}

func outOfRange(text []byte) error {
	return pgerr.Newf(pgerr.DatetimeFieldOverflow, "timestamp out of range: \"%s\"", text)
}
