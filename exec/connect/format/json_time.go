package format

import (
	"cmp"
	"encoding/binary"
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
	if len(s) < 20 || s[10] != 'T' && s[10] != ' ' || s[16] != ':' {
		return 0, 0
	}
	// Digits become 0 to 9, and what divides them 0: none may reach the high bit when 0x76 or 0x7f is added.
	date := binary.LittleEndian.Uint64(s) ^ isoDate
	clock := (binary.LittleEndian.Uint64(s[8:]) ^ isoClock) &^ (0xff << 16) // but for the T
	if (date|(date+0x7f76767f_76767676)|clock|(clock+0x76767f76_767f7676))&highs != 0 {
		return 0, 0
	}
	date, clock = date*10+date>>8, clock*10+clock>>8 // each digit and the one behind it
	part := func(w uint64, at int) uint { return uint(w >> (8 * at) & 0xff) }
	year, month, day := part(date, 0)*100+part(date, 2), part(date, 5), part(clock, 0)
	hour, minute, second := part(clock, 3), part(clock, 6), two(s[17:])
	if year == 0 || month-1 > 11 || day-1 >= daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, 0
	}
	t := int64(daysFrom2000(year, month, day))*24*3600 + int64(hour*3600+minute*60+second)
	t *= 1_000_000
	n := 19
	if s[n] == '.' {
		fraction, end := digits(s, n+1)
		if n = end; n == 20 || n > 26 {
			return 0, 0
		}
		t += int64(fraction * tens[26-n])
	}
	if n < len(s) && s[n] == 'Z' {
		n++
	}
	if n >= len(s) || s[n] != '"' {
		return 0, 0
	}
	return t, n + 1
}

// The parts of a timestamp as words, with zeros for digits: "0000-00-" and "00T00:00".
const (
	isoDate  = '0'*ones ^ ('0'^'-')*(1<<32|1<<56)
	isoClock = '0'*ones ^ ('0'^':')*(1<<40)
)

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
	unit := c.unit
	if unit == unitAuto {
		unit = d.unit
	}
	var us int64
	var ok bool
	n, end := plainInteger(b, p)
	if end > p {
		us, ok = unit.micros(n)
	} else {
		if end = scanNumber(b, p); end == p {
			return d.syntax(b, p, "a number")
		}
		us, ok = oddMicros(unit, b[p:end])
	}
	var t int64
	if ok {
		t, ok = timestampOf(us, c.typ.Mod)
	}
	if !ok {
		return d.badValue(c, p, outOfRange(b[p:end]))
	}
	d.cols[c.index].AppendI64(t)
	return end
}

// oddMicros reads a count of many digits, or with a fraction or an exponent.
func oddMicros(unit timeUnit, text []byte) (us int64, ok bool) {
	if n, err := types.ParseInt(types.Str(text), types.Int8); err == nil {
		return unit.micros(n)
	}
	f, _ := strconv.ParseFloat(types.Str(text), 64)
	return unit.microsOf(f)
}

// dayNumber reads a count of days since 1970, or a time of day in the unit that a schema gives.
func (d *JSON) dayNumber(c *column, b []byte, p int) int {
	n, end := plainInteger(b, p)
	if end == p {
		if end = scanNumber(b, p); end == p {
			return d.syntax(b, p, "a number")
		}
		var err error
		if n, err = types.ParseInt(types.Str(b[p:end]), types.Int8); err != nil {
			return d.badValue(c, p, err)
		}
	}
	var v int64
	var ok bool
	if c.typ.OID == types.Date {
		v, ok = dateOf(n)
	} else {
		v, ok = timeOf(n, cmp.Or(c.unit, d.unit), c.typ.Mod)
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
