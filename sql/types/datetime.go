package types

import (
	"math"
	"time"

	"github.com/millracedb/millrace/sql/pgerr"
)

// A timestamp is microseconds since 2000-01-01 00:00 (UTC for timestamptz), a date is days since 2000-01-01,
// a time is microseconds since midnight.
const (
	usecPerSec  = 1000000
	usecPerMin  = 60 * usecPerSec
	usecPerHour = 60 * usecPerMin
	usecPerDay  = 24 * usecPerHour
	secPerDay   = 86400

	// TimestampInf and TimestampNegInf are 'infinity' and '-infinity', DateInf and DateNegInf for dates.
	TimestampInf    int64 = math.MaxInt64
	TimestampNegInf int64 = math.MinInt64
	DateInf         int64 = math.MaxInt32
	DateNegInf      int64 = math.MinInt32

	pgEpochJDate   = 2451545                                     // date2j(2000, 1, 1)
	unixEpochJDate = 2440588                                     // date2j(1970, 1, 1)
	unixEpochSecs  = (pgEpochJDate - unixEpochJDate) * secPerDay // 2000-01-01 in Unix time

	minTimestamp = -211813488000000000 // 4714-11-24 BC
	endTimestamp = 9223371331200000000 // 294277-01-01
	minDate      = -pgEpochJDate
	endDate      = 2147483494 - pgEpochJDate // 5874898-06-03
)

// civil is a date and time of day in its parts: PostgreSQL's struct pg_tm with fsec.
type civil struct {
	year, mon, day, hour, min, sec int
	usec                           int
}

func isInf(ts int64) bool { return ts == TimestampInf || ts == TimestampNegInf }

func isInfDate(d int64) bool { return d == DateInf || d == DateNegInf }

func validTimestamp(ts int64) bool { return ts >= minTimestamp && ts < endTimestamp }

func validDate(d int64) bool { return d >= minDate && d < endDate }

// validJulian reports whether date2j is right for this year and month.
func validJulian(y, m int) bool {
	return (y > -4713 || y == -4713 && m >= 11) && (y < 5874898 || y == 5874898 && m < 6)
}

// date2j is the Julian day of a proleptic Gregorian date.
func date2j(y, m, d int) int {
	if m > 2 {
		m++
		y += 4800
	} else {
		m += 13
		y += 4799
	}
	century := y / 100
	j := y*365 - 32167
	j += y/4 - century + century/4
	return j + 7834*m/256 + d
}

// j2date is the inverse of date2j.
func j2date(jd int) (y, m, d int) {
	j := uint32(jd) + 32044
	quad := j / 146097
	extra := (j-quad*146097)*4 + 3
	j += 60 + quad*3 + extra/146097
	quad = j / 1461
	j -= quad * 1461
	yy := j * 4 / 1461
	if yy != 0 {
		j = (j + 305) % 365
	} else {
		j = (j + 306) % 366
	}
	j += 123
	yy += quad * 4
	y = int(yy) - 4800
	quad = j * 2141 / 65536
	d = int(j - 7834*quad/256)
	m = int((quad+10)%12 + 1)
	return
}

// j2day is the day of the week, Sunday 0.
func j2day(jd int) int {
	d := (jd + 1) % 7
	if d < 0 {
		d += 7
	}
	return d
}

func isLeap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

var monthDays = [2][13]int{
	{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0},
	{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0},
}

func daysInMonth(y, m int) int {
	if isLeap(y) {
		return monthDays[1][m-1]
	}
	return monthDays[0][m-1]
}

// splitDay splits a timestamp into days since 2000-01-01 and microseconds of the day.
func splitDay(ts int64) (day, usec int64) {
	day, usec = ts/usecPerDay, ts%usecPerDay
	if usec < 0 {
		usec += usecPerDay
		day--
	}
	return
}

// civilOf splits a finite timestamp into its parts.
func civilOf(ts int64) (c civil) {
	day, usec := splitDay(ts)
	c.year, c.mon, c.day = j2date(int(day) + pgEpochJDate)
	c.setTime(usec)
	return
}

func (c *civil) setTime(usec int64) {
	c.hour = int(usec / usecPerHour)
	usec -= int64(c.hour) * usecPerHour
	c.min = int(usec / usecPerMin)
	usec -= int64(c.min) * usecPerMin
	c.sec = int(usec / usecPerSec)
	c.usec = int(usec - int64(c.sec)*usecPerSec)
}

func (c *civil) timeUsec() int64 {
	return int64(c.hour)*usecPerHour + int64(c.min)*usecPerMin + int64(c.sec)*usecPerSec + int64(c.usec)
}

// julian is the Julian day of c's date.
func (c *civil) julian() int { return date2j(c.year, c.mon, c.day) }

// timestamp joins the parts; ok is false outside the range of timestamps.
func (c *civil) timestamp() (ts int64, ok bool) {
	if !validJulian(c.year, c.mon) {
		return 0, false
	}
	day := int64(c.julian() - pgEpochJDate)
	if day > math.MaxInt64/usecPerDay || day < math.MinInt64/usecPerDay {
		return 0, false
	}
	usec := c.timeUsec()
	ts = day*usecPerDay + usec
	// The day is near the limit only when adding the time wraps around.
	if day > 0 && ts < 0 {
		return 0, false
	}
	return ts, validTimestamp(ts)
}

// timestampTZ is timestamp for a local time west*seconds west of Greenwich.
func (c *civil) timestampTZ(west int) (int64, bool) {
	if !validJulian(c.year, c.mon) {
		return 0, false
	}
	ts, _ := c.timestamp()
	if day := int64(c.julian() - pgEpochJDate); day > 0 && ts <= 0 || day > 106751990 || day < -106751990 {
		return 0, false
	}
	ts += int64(west) * usecPerSec
	return ts, validTimestamp(ts)
}

func appendInt2(dst []byte, v int) []byte { return append(dst, byte('0'+v/10), byte('0'+v%10)) }

// appendYMD appends year-month-day without the era.
func appendYMD(dst []byte, y, m, d int) []byte {
	if y <= 0 {
		y = 1 - y
	}
	if y < 10000 {
		dst = appendInt2(dst, y/100)
		dst = appendInt2(dst, y%100)
	} else {
		dst = appendUint(dst, uint64(y), 0)
	}
	dst = append(dst, '-')
	dst = appendInt2(dst, m)
	dst = append(dst, '-')
	return appendInt2(dst, d)
}

// appendHMS appends a time of day with as many fraction digits as are needed.
func appendHMS(dst []byte, usec int64) []byte {
	var c civil
	c.setTime(usec)
	dst = appendInt2(dst, c.hour)
	dst = append(dst, ':')
	dst = appendInt2(dst, c.min)
	dst = append(dst, ':')
	dst = appendInt2(dst, c.sec)
	return appendFraction(dst, c.usec)
}

// appendFraction appends .ffffff without trailing zeros, or nothing.
func appendFraction(dst []byte, usec int) []byte {
	if usec == 0 {
		return dst
	}
	dst = append(dst, '.')
	for p := 100000; usec != 0; p /= 10 {
		dst = append(dst, byte('0'+usec/p))
		usec %= p
	}
	return dst
}

func appendUint(dst []byte, v uint64, width int) []byte {
	var buf [20]byte
	i := len(buf)
	for v != 0 || width > 0 || i == len(buf) {
		i--
		buf[i] = byte('0' + v%10)
		v /= 10
		width--
	}
	return append(dst, buf[i:]...)
}

func appendInf(dst []byte, neg bool) []byte {
	if neg {
		dst = append(dst, '-')
	}
	return append(dst, "infinity"...)
}

// AppendTimestamp appends a timestamp in ISO style.
func AppendTimestamp(dst []byte, ts int64) []byte {
	if isInf(ts) {
		return appendInf(dst, ts < 0)
	}
	day, usec := splitDay(ts)
	y, m, d := j2date(int(day) + pgEpochJDate)
	dst = appendYMD(dst, y, m, d)
	dst = append(dst, ' ')
	dst = appendHMS(dst, usec)
	return appendEra(dst, y)
}

func appendEra(dst []byte, y int) []byte {
	if y <= 0 {
		dst = append(dst, " BC"...)
	}
	return dst
}

// AppendTimestampTZ appends a timestamptz in ISO style, in the zone loc.
func AppendTimestampTZ(dst []byte, ts int64, loc *time.Location) []byte {
	if isInf(ts) {
		return appendInf(dst, ts < 0)
	}
	east := offsetAt(ts, loc)
	day, usec := splitDay(ts + int64(east)*usecPerSec)
	y, m, d := j2date(int(day) + pgEpochJDate)
	dst = appendYMD(dst, y, m, d)
	dst = append(dst, ' ')
	dst = appendHMS(dst, usec)
	dst = appendOffset(dst, east)
	return appendEra(dst, y)
}

// appendOffset appends +hh[:mm[:ss]].
func appendOffset(dst []byte, east int) []byte {
	sign := byte('+')
	if east < 0 {
		sign, east = '-', -east
	}
	dst = append(dst, sign)
	dst = appendInt2(dst, east/3600)
	if east%3600 != 0 {
		dst = append(dst, ':')
		dst = appendInt2(dst, east/60%60)
		if east%60 != 0 {
			dst = append(dst, ':')
			dst = appendInt2(dst, east%60)
		}
	}
	return dst
}

// AppendDate appends a date in ISO style.
func AppendDate(dst []byte, d int64) []byte {
	if isInfDate(d) {
		return appendInf(dst, d < 0)
	}
	y, m, dd := j2date(int(d) + pgEpochJDate)
	return appendEra(appendYMD(dst, y, m, dd), y)
}

// AppendTime appends a time of day.
func AppendTime(dst []byte, t int64) []byte { return appendHMS(dst, t) }

func errTimestampRange() error {
	return pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp out of range")
}

func errDateRange(d int64, to string) error {
	return pgerr.Newf(pgerr.DatetimeFieldOverflow, "date out of range for %s", to)
}

var timeScale = [...]int64{1000000, 100000, 10000, 1000, 100, 10, 1}

// roundUsec rounds to the precision of a time typmod, half away from zero.
func roundUsec(v int64, mod int32) int64 {
	if mod < 0 || mod >= maxTimePrec {
		return v
	}
	s := timeScale[mod]
	if v >= 0 {
		return (v + s/2) / s * s
	}
	return -((-v + s/2) / s * s)
}

// RoundTimestamp applies a typmod to a timestamp or timestamptz.
func RoundTimestamp(ts int64, mod int32) int64 {
	if isInf(ts) {
		return ts
	}
	return roundUsec(ts, mod)
}

// RoundTime applies a typmod to a time.
func RoundTime(t int64, mod int32) int64 { return roundUsec(t, mod) }

// TimestampToDate is the cast; it rounds down.
func TimestampToDate(ts int64) int64 {
	switch ts {
	case TimestampInf:
		return DateInf
	case TimestampNegInf:
		return DateNegInf
	}
	day, _ := splitDay(ts)
	return day
}

// DateToTimestamp is the cast to midnight.
func DateToTimestamp(d int64) (int64, error) {
	switch d {
	case DateInf:
		return TimestampInf, nil
	case DateNegInf:
		return TimestampNegInf, nil
	}
	if d >= endTimestamp/usecPerDay {
		return 0, errDateRange(d, "timestamp")
	}
	return d * usecPerDay, nil
}

// TimestampToTime is the time of day.
func TimestampToTime(ts int64) int64 {
	_, usec := splitDay(ts)
	return usec
}

// TimestampFromTime converts a Go time, cutting below the microsecond.
func TimestampFromTime(t time.Time) int64 {
	return (t.Unix()-unixEpochSecs)*usecPerSec + int64(t.Nanosecond()/1000)
}

// TimestampAsTime converts a finite timestamp to a Go time in UTC.
func TimestampAsTime(ts int64) time.Time {
	sec, usec := floorDiv64(ts, usecPerSec)
	return time.Unix(sec+unixEpochSecs, usec*1000).UTC()
}

func floorDiv64(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		r += b
		q--
	}
	return
}
