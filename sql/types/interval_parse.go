package types

import (
	"math"
	"strconv"
	"strings"
)

// itm collects an interval's parts while they are read, months and years apart.
type itm struct {
	years, months, days int32
	usec                int64
}

func (t *itm) addUsec(v int64, f float64, scale int64) bool {
	p, ok := mul64(v, scale)
	if !ok {
		return false
	}
	if p != 0 {
		if t.usec, ok = add64(t.usec, p); !ok {
			return false
		}
	}
	return t.addFractUsec(f, scale)
}

func (t *itm) addFractUsec(f float64, scale int64) bool {
	if f == 0 {
		return true
	}
	f *= float64(scale)
	u := int64(f)
	f -= float64(u)
	if f > 0.5 {
		u++
	} else if f < -0.5 {
		u--
	}
	if u == 0 {
		return true
	}
	var ok bool
	t.usec, ok = add64(t.usec, u)
	return ok
}

func (t *itm) addDays(v int64, scale int64) bool { return addScaled(&t.days, v, scale) }

func (t *itm) addYears(v int64, scale int64) bool { return addScaled(&t.years, v, scale) }

func (t *itm) addMonths(v int64) bool { return addScaled(&t.months, v, 1) }

func addScaled(p *int32, v, scale int64) bool {
	if v != int64(int32(v)) || v*scale != int64(int32(v*scale)) {
		return false
	}
	var ok bool
	*p, ok = add32(*p, int32(v*scale))
	return ok
}

func (t *itm) addFractDays(f float64, scale int64) bool {
	if f == 0 {
		return true
	}
	f *= float64(scale)
	extra := int32(f)
	var ok bool
	if t.days, ok = add32(t.days, extra); !ok {
		return false
	}
	return t.addFractUsec(f-float64(extra), usecPerDay)
}

func (t *itm) addFractYears(f float64, scale int64) bool {
	var ok bool
	t.months, ok = add32(t.months, int32(math.RoundToEven(f*float64(scale)*12)))
	return ok
}

// add adds v + f of a unit.
func (t *itm) add(u unit, v int64, f float64) (ok, known bool) {
	known = true
	switch u {
	case uMicrosec:
		ok = t.addUsec(v, f, 1)
	case uMillisec:
		ok = t.addUsec(v, f, 1000)
	case uSecond:
		ok = t.addUsec(v, f, usecPerSec)
	case uMinute:
		ok = t.addUsec(v, f, usecPerMin)
	case uHour:
		ok = t.addUsec(v, f, usecPerHour)
	case uDay:
		ok = t.addDays(v, 1) && t.addFractUsec(f, usecPerDay)
	case uWeek:
		ok = t.addDays(v, 7) && t.addFractDays(f, 7)
	case uMonth:
		ok = t.addMonths(v) && t.addFractDays(f, 30)
	case uYear:
		ok = t.addYears(v, 1) && t.addFractYears(f, 1)
	case uDecade:
		ok = t.addYears(v, 10) && t.addFractYears(f, 10)
	case uCentury:
		ok = t.addYears(v, 100) && t.addFractYears(f, 100)
	case uMillennium:
		ok = t.addYears(v, 1000) && t.addFractYears(f, 1000)
	default:
		known = false
	}
	return
}

func (t *itm) negate() bool {
	if t.years == math.MinInt32 || t.months == math.MinInt32 || t.days == math.MinInt32 || t.usec == math.MinInt64 {
		return false
	}
	t.years, t.months, t.days, t.usec = -t.years, -t.months, -t.days, -t.usec
	return true
}

func (t *itm) value() (IntervalValue, bool) {
	months := int64(t.years)*12 + int64(t.months)
	return IntervalValue{int32(months), t.days, t.usec}, months == int64(int32(months))
}

// ParseInterval parses an interval: PostgreSQL's verbose form, the standard's, or ISO 8601's.
func ParseInterval(s string, mod int32) (IntervalValue, error) {
	_, fields := intervalModParts(mod)
	t, e := decodeInterval(s, fields)
	if e == dtBadFormat {
		t, e = decodeISOInterval(s)
	}
	if e == dtOverflow {
		e = dtIntervalOverflow
	}
	if e != dtOK {
		return IntervalValue{}, e.error("interval", s)
	}
	iv, ok := t.value()
	if !ok {
		return iv, errIntervalRange()
	}
	return CoerceInterval(iv, mod)
}

// decodeInterval reads the fields from the right, so that a unit is known before its number.
func decodeInterval(s string, fields int32) (t itm, e dtErr) {
	fs, e := scanDateTime(s)
	if e != dtOK {
		return t, e
	}
	next, ago := uNone, false
	var seen uint32
	for i := len(fs) - 1; i >= 0; i-- {
		var mask uint32
		switch f := fs[i]; f.kind {
		case fkTime:
			c, e := decodeClock(f.s, fields)
			if e != dtOK {
				return t, e
			}
			if !t.setClock(c, 1) {
				return t, dtOverflow
			}
			mask, next = mTime, uDay
		case fkZone, fkDate, fkNumber:
			if f.kind == fkZone && strings.IndexByte(f.s, ':') >= 0 {
				sign := int64(1)
				if f.s[0] == '-' {
					sign = -1
				}
				if c, e := decodeClock(f.s[1:], fields); e == dtOK && t.setClock(c, sign) {
					mask, next = mTime, uDay
					break
				}
			}
			if mask, next, e = t.number(f.s, next, fields); e != dtOK {
				return t, e
			}
		default:
			tok := lookToken(unitTokens, f.s)
			if tok.kind == tkUnknown {
				tok = lookToken(dateTokens, f.s)
			}
			switch tok.kind {
			case tkIgnore:
				next = uNone
				continue
			case tkUnits:
				next = unit(tok.val)
			case tkAgo:
				ago, next = true, uNone
			default:
				return t, dtBadFormat
			}
		}
		if mask&seen != 0 {
			return t, dtBadFormat
		}
		seen |= mask
	}
	if seen == 0 {
		return t, dtBadFormat
	}
	if ago && !t.negate() {
		return t, dtOverflow
	}
	return t, dtOK
}

func (t *itm) setClock(c clock, sign int64) bool {
	h, ok := mul64(c.hour, usecPerHour)
	if !ok {
		return false
	}
	rest := int64(c.min)*usecPerMin + int64(c.sec)*usecPerSec + int64(c.sub)
	if rest != 0 {
		if h, ok = add64(h, rest); !ok {
			return false
		}
	}
	t.usec = sign * h
	return true
}

// rightmostUnit is what a number without a unit means.
func rightmostUnit(fields int32) unit {
	switch fields {
	case IntervalYear:
		return uYear
	case IntervalMonth, IntervalYear | IntervalMonth:
		return uMonth
	case IntervalDay:
		return uDay
	case IntervalHour, IntervalDay | IntervalHour:
		return uHour
	case IntervalMinute, IntervalHour | IntervalMinute, IntervalDay | IntervalHour | IntervalMinute:
		return uMinute
	}
	return uSecond
}

func (t *itm) number(s string, u unit, fields int32) (mask uint32, next unit, e dtErr) {
	if u == uNone {
		u = rightmostUnit(fields)
	}
	val, rest, ok := strtoi64(s)
	if !ok {
		return 0, u, dtOverflow
	}
	var f float64
	switch {
	case rest == "":
	case rest[0] == '-': // years-months
		m, tail, ok := strtoint(rest[1:])
		if !ok || m < 0 || m >= 12 {
			return 0, u, dtOverflow
		}
		if tail != "" {
			return 0, u, dtBadFormat
		}
		if s[0] == '-' {
			m = -m
		}
		u = uMonth
		if val, ok = mul64(val, 12); !ok {
			return 0, u, dtOverflow
		}
		val += int64(m)
	case rest[0] == '.':
		if f, e = parseFraction(rest); e != dtOK {
			return 0, u, e
		}
		if s[0] == '-' {
			f = -f
		}
	default:
		return 0, u, dtBadFormat
	}
	ok, known := t.add(u, val, f)
	if !known {
		return 0, u, dtBadFormat
	}
	if !ok {
		return 0, u, dtOverflow
	}
	mask = 1 << u
	if u == uSecond && f != 0 {
		mask = mSecs
	}
	if u == uHour {
		u = uDay
	}
	return mask, u, dtOK
}

// isoNumber reads a number of an ISO 8601 interval.
func isoNumber(s string) (v int64, f float64, rest string, e dtErr) {
	if s == "" || !isDigit(s[0]) && s[0] != '-' && s[0] != '.' {
		return 0, 0, s, dtBadFormat
	}
	n := 0
	if s[0] == '-' {
		n++
	}
	n += spanDigits(s[n:])
	if n < len(s) && s[n] == '.' {
		n += 1 + spanDigits(s[n+1:])
	}
	if n+1 < len(s) && s[n]|0x20 == 'e' {
		m := n + 1
		if s[m] == '-' || s[m] == '+' {
			m++
		}
		if d := spanDigits(s[m:]); d > 0 {
			n = m + d
		}
	}
	x, err := strconv.ParseFloat(s[:n], 64)
	if err != nil {
		return 0, 0, s, dtBadFormat
	}
	if x < -1e15 || x > 1e15 {
		return 0, 0, s, dtOverflow
	}
	whole := math.Trunc(x)
	return int64(whole), x - whole, s[n:], dtOK
}

// decodeISOInterval reads P1Y2M3DT4H5M6S, P0001-02-03T04:05:06 and P00010203T040506.
func decodeISOInterval(s string) (t itm, e dtErr) {
	if len(s) < 2 || s[0] != 'P' {
		return t, dtBadFormat
	}
	s = s[1:]
	datePart, haveField := true, false
	for s != "" {
		if s[0] == 'T' {
			datePart, haveField = false, false
			s = s[1:]
			continue
		}
		start := s
		v, f, rest, e := isoNumber(s)
		if e != dtOK {
			return t, e
		}
		u := isoUnit(rest, datePart)
		if u != uNone {
			if ok, _ := t.add(u, v, f); !ok {
				return t, dtOverflow
			}
			s, haveField = rest[1:], true
			continue
		}
		if s, e = t.isoAlternative(start, rest, v, f, datePart, haveField); e != dtOK {
			return t, e
		}
		datePart, haveField = false, false
	}
	return t, dtOK
}

func isoUnit(rest string, datePart bool) unit {
	if rest == "" {
		return uNone
	}
	if datePart {
		switch rest[0] {
		case 'Y':
			return uYear
		case 'M':
			return uMonth
		case 'W':
			return uWeek
		case 'D':
			return uDay
		}
		return uNone
	}
	switch rest[0] {
	case 'H':
		return uHour
	case 'M':
		return uMinute
	case 'S':
		return uSecond
	}
	return uNone
}

// isoAlternative reads the date or time half of the alternative format, whose first number has been read,
// and returns what follows the T, or "" at the end.
func (t *itm) isoAlternative(start, rest string, v int64, f float64, datePart, haveField bool) (string, dtErr) {
	units, sep, width := []unit{uYear, uMonth, uDay}, byte('-'), 8
	if !datePart {
		units, sep, width = []unit{uHour, uMinute, uSecond}, ':', 6
	}
	digits := start
	if digits[0] == '-' {
		digits = digits[1:]
	}
	ends := rest == "" || datePart && rest[0] == 'T'
	if !ends && rest[0] != sep {
		return "", dtBadFormat
	}
	if ends && spanDigits(digits) == width && !haveField {
		// Run together: the fraction belongs to the last part.
		for i, x := range []int64{v / 10000, v / 100 % 100, v % 100} {
			if ok, _ := t.add(units[i], x, 0); !ok {
				return "", dtOverflow
			}
		}
		scale := int64(usecPerDay)
		if !datePart {
			scale = 1
		}
		if !t.addFractUsec(f, scale) {
			return "", dtOverflow
		}
		return skipT(rest), dtOK
	}
	if haveField {
		return "", dtBadFormat
	}
	for i, u := range units {
		if i > 0 {
			var e dtErr
			if v, f, rest, e = isoNumber(rest); e != dtOK {
				return "", e
			}
		}
		if ok, _ := t.add(u, v, f); !ok {
			return "", dtOverflow
		}
		if rest == "" || datePart && rest[0] == 'T' {
			return skipT(rest), dtOK
		}
		if i == 2 || rest[0] != sep {
			return "", dtBadFormat
		}
		rest = rest[1:]
	}
	return "", dtBadFormat
}

func skipT(s string) string {
	if s != "" {
		return s[1:]
	}
	return s
}
