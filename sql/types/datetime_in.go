package types

import (
	"math"

	"github.com/millracedb/millrace/sql/pgerr"
)

// ParseTimestamp parses a timestamp; a zone in the text is read and ignored.
func ParseTimestamp(s string, mod int32, env *Env) (int64, error) {
	if c, _, ok := fastISO(s); ok && c.hour < 24 {
		ts, _ := c.timestamp()
		return RoundTimestamp(ts, mod), nil
	}
	return parseTimestampSlow(s, "timestamp", mod, env)
}

// ParseTimestampTZ parses a timestamptz; without a zone in the text it is in env's.
func ParseTimestampTZ(s string, mod int32, env *Env) (int64, error) {
	if c, zone, ok := fastISO(s); ok && c.hour < 24 {
		ts, _ := c.timestamp()
		east := zone
		if zone == noZone {
			east = localOffset(ts, env.loc())
		}
		return RoundTimestamp(ts-int64(east)*usecPerSec, mod), nil
	}
	return parseTimestampSlow(s, "timestamp with time zone", mod, env)
}

func parseTimestampSlow(s, typ string, mod int32, env *Env) (int64, error) {
	d, e, field := decodeDateTime(s, env)
	if e == dtZoneName {
		return 0, errZone(field)
	}
	if e != dtOK {
		return 0, e.error(typ, s)
	}
	switch d.special {
	case rEpoch:
		return RoundTimestamp(unixEpochTimestamp, mod), nil
	case rLate:
		return TimestampInf, nil
	case rEarly:
		return TimestampNegInf, nil
	}
	var ts int64
	var ok bool
	if typ == "timestamp" {
		ts, ok = d.timestamp()
	} else {
		ts, ok = d.timestampTZ(d.west)
	}
	if !ok {
		return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, `timestamp out of range: "%s"`, s)
	}
	return RoundTimestamp(ts, mod), nil
}

// unixEpochTimestamp is 1970-01-01 as a timestamp.
const unixEpochTimestamp = -unixEpochSecs * usecPerSec

// ParseDate parses a date; a time of day in the text is read and ignored.
func ParseDate(s string, env *Env) (int64, error) {
	if len(s) == 10 {
		if c, ok := fastYMD(s); ok {
			return int64(c.julian() - pgEpochJDate), nil
		}
	}
	d, e, field := decodeDateTime(s, env)
	if e == dtZoneName {
		return 0, errZone(field)
	}
	if e != dtOK {
		return 0, e.error("date", s)
	}
	switch d.special {
	case rEpoch:
		return unixEpochJDate - pgEpochJDate, nil
	case rLate:
		return DateInf, nil
	case rEarly:
		return DateNegInf, nil
	}
	if validJulian(d.year, d.mon) {
		if day := int64(d.julian() - pgEpochJDate); validDate(day) {
			return day, nil
		}
	}
	return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, `date out of range: "%s"`, s)
}

const noZone = math.MinInt32

// fastYMD reads yyyy-mm-dd with a valid day after year 0.
func fastYMD(s string) (c civil, ok bool) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return c, false
	}
	yh, ok1 := two(s[0:])
	yl, ok2 := two(s[2:])
	c.mon, ok = two(s[5:])
	if !ok1 || !ok2 || !ok {
		return c, false
	}
	c.day, ok = two(s[8:])
	c.year = yh*100 + yl
	return c, ok && c.year > 0 && c.mon >= 1 && c.mon <= 12 && c.day >= 1 && c.day <= daysInMonth(c.year, c.mon)
}

func two(s string) (int, bool) {
	a, b := s[0]-'0', s[1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

// fastISO reads the common form yyyy-mm-dd[ T]hh:mm:ss[.ffffff][Z|+hh[:mm]] without splitting it into fields.
// zone is seconds east, or noZone.
func fastISO(s string) (c civil, zone int, ok bool) {
	zone = noZone
	if len(s) < 19 {
		if len(s) == 10 {
			c, ok = fastYMD(s)
		}
		return c, zone, ok
	}
	if c, ok = fastYMD(s); !ok || s[10] != ' ' && s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return c, zone, false
	}
	var ok1, ok2, ok3 bool
	c.hour, ok1 = two(s[11:])
	c.min, ok2 = two(s[14:])
	c.sec, ok3 = two(s[17:])
	if !ok1 || !ok2 || !ok3 || c.hour > 23 || c.min > 59 || c.sec > 59 {
		return c, zone, false
	}
	s = s[19:]
	if s != "" && s[0] == '.' {
		n := spanDigits(s[1:])
		if n == 0 || n > 6 {
			return c, zone, false
		}
		for i := 1; i <= 6; i++ {
			c.usec *= 10
			if i <= n {
				c.usec += int(s[i] - '0')
			}
		}
		s = s[1+n:]
	}
	switch {
	case s == "":
		return c, zone, true
	case s == "Z":
		return c, 0, true
	case len(s) != 3 && len(s) != 6 || s[0] != '+' && s[0] != '-':
		return c, zone, false
	}
	hh, ok1 := two(s[1:])
	mm := 0
	if len(s) == 6 {
		mm, ok2 = two(s[4:])
		ok1 = ok1 && ok2 && s[3] == ':'
	}
	if !ok1 || hh > 15 || mm > 59 {
		return c, zone, false
	}
	zone = hh*3600 + mm*60
	if s[0] == '-' {
		zone = -zone
	}
	return c, zone, true
}
