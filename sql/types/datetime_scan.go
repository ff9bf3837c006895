package types

import (
	"math"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
)

// dtErr is why a date/time text was refused: PostgreSQL's DTERR_*.
type dtErr uint8

const (
	dtOK dtErr = iota
	dtBadFormat
	dtOverflow
	dtMDOverflow // month or day: perhaps the order is another
	dtIntervalOverflow
	dtZoneOverflow
	dtZoneName // the message is about field, not the whole text
)

const maxDateFields = 25

// invalidZoneDisplacement is SQLSTATE 22009.
const invalidZoneDisplacement = "22009"

func (e dtErr) error(typ, s string) error {
	switch e {
	case dtOverflow, dtMDOverflow:
		err := pgerr.Newf(pgerr.DatetimeFieldOverflow, `date/time field value out of range: "%s"`, s)
		if e == dtMDOverflow {
			err.Hint = `Perhaps you need a different "datestyle" setting.`
		}
		return err
	case dtIntervalOverflow:
		return pgerr.Newf(pgerr.IntervalFieldOverflow, `interval field value out of range: "%s"`, s)
	case dtZoneOverflow:
		return pgerr.Newf(invalidZoneDisplacement, `time zone displacement out of range: "%s"`, s)
	}
	return pgerr.Newf(pgerr.InvalidDatetimeFormat, `invalid input syntax for type %s: "%s"`, typ, s)
}

// dtField is one field of a date/time text, in lower case.
type dtField struct {
	kind fieldKind
	s    string
}

// scanDateTime splits a date/time or interval text into fields.
func scanDateTime(in string) ([]dtField, dtErr) {
	if len(in) > 128 {
		return nil, dtBadFormat
	}
	s := strings.ToLower(in)
	fields := make([]dtField, 0, 8)
	for i := 0; i < len(s); {
		c := s[i]
		if isSpace(c) {
			i++
			continue
		}
		if len(fields) >= maxDateFields {
			return nil, dtBadFormat
		}
		var f dtField
		var n int
		switch {
		case isDigit(c):
			f, n = scanNumeric(s[i:])
		case c == '.':
			n = 1 + spanDigits(s[i+1:])
			f = dtField{fkNumber, s[i : i+n]}
		case isAlpha(c):
			f, n = scanWord(s[i:])
		case c == '+' || c == '-':
			var ok bool
			if f, n, ok = scanSigned(s[i:]); !ok {
				return nil, dtBadFormat
			}
		case c > ' ' && c < 0x7f: // other punctuation separates
			i++
			continue
		default:
			return nil, dtBadFormat
		}
		fields = append(fields, f)
		i += n
	}
	return fields, dtOK
}

func spanDigits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func span(s string, in func(c byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func isAlnum(c byte) bool { return isDigit(c) || isAlpha(c) }

func scanNumeric(s string) (dtField, int) {
	n := spanDigits(s)
	if n == len(s) {
		return dtField{fkNumber, s}, n
	}
	switch delim := s[n]; delim {
	case ':':
		n += span(s[n:], func(c byte) bool { return isDigit(c) || c == ':' || c == '.' })
		return dtField{fkTime, s[:n]}, n
	case '-', '/', '.':
		n++
		if n < len(s) && isDigit(s[n]) {
			kind := fkDate
			if delim == '.' {
				kind = fkNumber
			}
			n += spanDigits(s[n:])
			if n < len(s) && s[n] == delim {
				kind = fkDate
				n += span(s[n:], func(c byte) bool { return isDigit(c) || c == delim })
			}
			return dtField{kind, s[:n]}, n
		}
		n += span(s[n:], func(c byte) bool { return isAlnum(c) || c == delim })
		return dtField{fkDate, s[:n]}, n
	}
	return dtField{fkNumber, s[:n]}, n
}

func scanWord(s string) (dtField, int) {
	n := span(s, isAlpha)
	isDate := false
	if n < len(s) {
		switch c := s[n]; {
		case c == '-' || c == '/' || c == '.':
			isDate = true
		case c == '+' || isDigit(c):
			// A word that is no keyword, followed by these, is a zone name such as gmt+3.
			isDate = lookToken(dateTokens, s[:n]).kind == tkUnknown
		}
	}
	if !isDate {
		return dtField{fkString, s[:n]}, n
	}
	n += span(s[n:], func(c byte) bool { return isAlnum(c) || strings.IndexByte("+-/_.:", c) >= 0 })
	return dtField{fkDate, s[:n]}, n
}

func scanSigned(s string) (dtField, int, bool) {
	gap := span(s[1:], isSpace)
	rest := s[1+gap:]
	if rest == "" {
		return dtField{}, 0, false
	}
	var n int
	var kind fieldKind
	switch {
	case isDigit(rest[0]):
		kind = fkZone
		n = span(rest, func(c byte) bool { return isDigit(c) || c == ':' || c == '.' || c == '-' })
	case isAlpha(rest[0]):
		kind = fkSpecial
		n = span(rest, isAlpha)
	default:
		return dtField{}, 0, false
	}
	text := s[:1+n]
	if gap > 0 {
		text = s[:1] + rest[:n]
	}
	return dtField{kind, text}, 1 + gap + n, true
}

// strtoint reads a signed decimal like C's strtol into 32 bits; rest is what follows. ok is false on overflow.
func strtoint(s string) (v int, rest string, ok bool) {
	w, rest, ok := strtoi64(s)
	return int(w), rest, ok && w >= math.MinInt32 && w <= math.MaxInt32
}

func strtoi64(s string) (v int64, rest string, ok bool) {
	n := 0
	if n < len(s) && (s[n] == '-' || s[n] == '+') {
		n++
	}
	d := spanDigits(s[n:])
	if d == 0 {
		return 0, s, true
	}
	n += d
	v, err := strconv.ParseInt(s[:n], 10, 64)
	return v, s[n:], err == nil
}

// parseFraction reads ".ddd" as a fraction; a lone point is 0.
func parseFraction(s string) (float64, dtErr) {
	if s == "." {
		return 0, dtOK
	}
	if spanDigits(s[1:]) != len(s)-1 {
		return 0, dtBadFormat
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, dtBadFormat
	}
	return f, dtOK
}

func parseFractionUsec(s string) (int, dtErr) {
	f, e := parseFraction(s)
	return int(math.RoundToEven(f * 1000000)), e
}

// decodeTimezone reads +hh[[:]mm[:ss]] and returns seconds west of Greenwich.
func decodeTimezone(s string) (int, dtErr) {
	if s == "" || s[0] != '+' && s[0] != '-' {
		return 0, dtBadFormat
	}
	hr, rest, ok := strtoint(s[1:])
	if !ok {
		return 0, dtZoneOverflow
	}
	mins, sec := 0, 0
	if strings.HasPrefix(rest, ":") {
		if mins, rest, ok = strtoint(rest[1:]); !ok {
			return 0, dtZoneOverflow
		}
		if strings.HasPrefix(rest, ":") {
			if sec, rest, ok = strtoint(rest[1:]); !ok {
				return 0, dtZoneOverflow
			}
		}
	} else if rest == "" && len(s) > 3 {
		mins = hr % 100
		hr /= 100
	}
	if hr < 0 || hr > 15 || mins < 0 || mins >= 60 || sec < 0 || sec >= 60 {
		return 0, dtZoneOverflow
	}
	west := -(hr*3600 + mins*60 + sec)
	if s[0] == '-' {
		west = -west
	}
	if rest != "" {
		return 0, dtBadFormat
	}
	return west, dtOK
}

// clock is hh:mm:ss as read, before it is known whether it is a time of day or an interval.
type clock struct {
	hour          int64
	min, sec, sub int
}

// decodeClock reads hh:mm[:ss[.fff]]; with the range MINUTE TO SECOND two fields are mm:ss.
func decodeClock(s string, fields int32) (c clock, e dtErr) {
	var ok bool
	var rest string
	if c.hour, rest, ok = strtoi64(s); !ok {
		return c, dtOverflow
	}
	if !strings.HasPrefix(rest, ":") {
		return c, dtBadFormat
	}
	if c.min, rest, ok = strtoint(rest[1:]); !ok {
		return c, dtOverflow
	}
	minSec := false
	switch {
	case rest == "":
		minSec = fields == IntervalMinute|IntervalSecond
	case rest[0] == '.':
		minSec = true
		if c.sub, e = parseFractionUsec(rest); e != dtOK {
			return c, e
		}
	case rest[0] == ':':
		if c.sec, rest, ok = strtoint(rest[1:]); !ok {
			return c, dtOverflow
		}
		if rest != "" && rest[0] == '.' {
			if c.sub, e = parseFractionUsec(rest); e != dtOK {
				return c, e
			}
		} else if rest != "" {
			return c, dtBadFormat
		}
	default:
		return c, dtBadFormat
	}
	if minSec {
		if c.hour > math.MaxInt32 {
			return c, dtOverflow
		}
		c.hour, c.min, c.sec = 0, int(c.hour), c.min
	}
	if c.hour < 0 || c.min < 0 || c.min > 59 || c.sec < 0 || c.sec > 60 || c.sub < 0 || c.sub > usecPerSec {
		return c, dtOverflow
	}
	return c, dtOK
}
