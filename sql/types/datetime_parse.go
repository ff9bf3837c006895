package types

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Masks of fields seen so far.
const (
	mYear  = 1 << uYear
	mMonth = 1 << uMonth
	mDay   = 1 << uDay
	mDoy   = 1 << uDoy
	mDate  = mYear | mMonth | mDay
	mTime  = 1<<uHour | 1<<uMinute | mSecs
	mSecs  = 1<<uSecond | 1<<uMillisec | 1<<uMicrosec
	mTZ    = 1 << uTZ
	mDST   = 1 << 26
	mDow   = 1 << 27
	mAMPM  = 1 << 28
	mEra   = 1 << 29

	mSpecial = 1 << 30 // epoch or an infinity
)

// dtDecoder decodes the fields of a date/time text: PostgreSQL's DecodeDateTime and DecodeTimeOnly, whose
// order of decisions it keeps, because which of the readings of an ambiguous text counts is defined by it.
type dtDecoder struct {
	civil
	env       *Env
	fields    []dtField
	seen      uint32 // fmask
	yday      int
	west      int // zone, seconds west
	special   int // rEpoch, rLate, rEarly, or -1
	zone      *time.Location
	prefix    unit // a unit word that says what the next field is
	textMonth bool
	twoDigit  bool // year of one or two digits
	julianDay bool
	bc        bool
	ampm      int // 0 am, 1 pm, -1 none
	timeOnly  bool
}

func (d *dtDecoder) reset(env *Env) { *d = dtDecoder{env: env, special: -1, ampm: -1} }

// decodeFields takes s apart and notes what each field says.
func (d *dtDecoder) decodeFields(s string) (e dtErr, badZone string) {
	if d.fields, e = scanDateTime(s); e != dtOK {
		return e, ""
	}
	for i := range d.fields {
		mask, e := d.field(i)
		if e != dtOK {
			return e, d.fields[i].s
		}
		if mask&d.seen != 0 {
			return dtBadFormat, ""
		}
		d.seen |= mask
	}
	return dtOK, ""
}

// decodeDateTime parses a date with an optional time and zone.
func decodeDateTime(s string, env *Env) (d dtDecoder, e dtErr, badZone string) {
	d.reset(env)
	if e, badZone = d.decodeFields(s); e != dtOK {
		return d, e, badZone
	}
	if e = d.validateDate(); e != dtOK {
		return d, e, ""
	}
	if e = d.applyAMPM(); e != dtOK {
		return d, e, ""
	}
	if d.special >= 0 {
		return d, dtOK, ""
	}
	if d.seen&mDate != mDate {
		return d, dtBadFormat, ""
	}
	return d, d.resolveZone(), ""
}

func (d *dtDecoder) resolveZone() dtErr {
	zone := d.zone
	if zone != nil {
		if d.seen&mDST != 0 {
			return dtBadFormat
		}
	} else if d.seen&mTZ == 0 {
		if d.seen&mDST != 0 {
			return dtBadFormat
		}
		zone = d.env.loc()
	}
	if zone != nil {
		local, _ := d.timestamp()
		d.west = -localOffset(local, zone)
	}
	return dtOK
}

func (d *dtDecoder) applyAMPM() dtErr {
	if d.ampm < 0 {
		return dtOK
	}
	if d.hour > 12 {
		return dtOverflow
	}
	if d.ampm == 0 && d.hour == 12 {
		d.hour = 0
	} else if d.ampm == 1 && d.hour != 12 {
		d.hour += 12
	}
	return dtOK
}

// field decodes field i and returns the mask of what it set.
func (d *dtDecoder) field(i int) (uint32, dtErr) {
	f := d.fields[i]
	switch f.kind {
	case fkDate:
		return d.dateField(i, f.s)
	case fkTime:
		if d.prefix != uNone {
			if d.prefix != uTime {
				return 0, dtBadFormat
			}
			d.prefix = uNone
		}
		return d.timeField(f.s)
	case fkZone:
		west, e := decodeTimezone(f.s)
		d.west = west
		return mTZ, e
	case fkNumber:
		if d.prefix != uNone {
			return d.prefixedNumber(f.s)
		}
		return d.numberField(f.s)
	}
	return d.word(i, f.s)
}

func (d *dtDecoder) timeField(s string) (uint32, dtErr) {
	c, e := decodeClock(s, IntervalFullRange)
	if e != dtOK {
		return 0, e
	}
	if c.hour > math.MaxInt32 {
		return 0, dtOverflow
	}
	d.hour, d.min, d.sec, d.usec = int(c.hour), c.min, c.sec, c.sub
	return mTime, d.checkTime()
}

// checkTime refuses a time of day past 24:00:00.
func (d *dtDecoder) checkTime() dtErr {
	if d.hour < 0 || d.hour > 24 || d.min < 0 || d.min > 59 || d.sec < 0 || d.sec > 60 || d.timeUsec() > usecPerDay {
		return dtOverflow
	}
	return dtOK
}

func (d *dtDecoder) dateField(i int, s string) (uint32, dtErr) {
	if d.prefix == uJulian {
		val, rest, ok := strtoint(s)
		if !ok || val < 0 {
			return 0, dtOverflow
		}
		d.setJulian(val)
		west, e := decodeTimezone(rest)
		d.west, d.prefix = west, uNone
		return mDate | mTime | mTZ, e
	}
	asZone := d.prefix != uNone || d.seen&(mMonth|mDay) == mMonth|mDay
	if d.timeOnly {
		asZone = d.prefix != uNone || !d.leadingDate(i)
	}
	if !asZone {
		return d.date(s)
	}
	if !isDigit(s[0]) && d.prefix == uNone {
		return d.namedZone(s)
	}
	// hhmmss-zz, perhaps after a "t"
	if d.prefix != uNone && d.prefix != uTime {
		return 0, dtBadFormat
	}
	d.prefix = uNone
	if d.seen&mTime == mTime {
		return 0, dtBadFormat
	}
	cut := strings.IndexByte(s, '-')
	if cut < 0 {
		return 0, dtBadFormat
	}
	west, e := decodeTimezone(s[cut:])
	if e != dtOK {
		return 0, e
	}
	d.west = west
	seen := d.seen
	if d.timeOnly {
		seen |= mDate
	}
	mask, e := d.runTogether(s[:cut], seen)
	return mask | mTZ, e
}

// leadingDate reports whether a time-only text may have a date here: as its first field, with a time or a
// zone behind it.
func (d *dtDecoder) leadingDate(i int) bool {
	n := len(d.fields)
	return i == 0 && n >= 2 && (d.fields[n-1].kind == fkDate || d.fields[1].kind == fkTime)
}

func (d *dtDecoder) namedZone(s string) (uint32, dtErr) {
	z, ok := ZoneByName(s)
	if !ok {
		return 0, dtZoneName
	}
	d.zone = z
	return mTZ, dtOK
}

func (d *dtDecoder) setJulian(j int) {
	d.year, d.mon, d.day = j2date(j)
	d.julianDay = true
}

// prefixedNumber decodes the number after a unit word: j2451545.5, t040506, y2001m02d04.
func (d *dtDecoder) prefixedNumber(s string) (mask uint32, e dtErr) {
	val, rest, ok := strtoint(s)
	if !ok {
		return 0, dtOverflow
	}
	if rest != "" && (rest[0] != '.' || d.prefix != uJulian && d.prefix != uTime && d.prefix != uSecond) {
		return 0, dtBadFormat
	}
	switch d.prefix {
	case uYear:
		d.year, mask = val, mYear
	case uMonth:
		if d.seen&mMonth != 0 && d.seen&(1<<uHour) != 0 {
			d.min, mask = val, 1<<uMinute
		} else {
			d.mon, mask = val, mMonth
		}
	case uDay:
		d.day, mask = val, mDay
	case uHour:
		d.hour, mask = val, 1<<uHour
	case uMinute:
		d.min, mask = val, 1<<uMinute
	case uSecond:
		d.sec, mask = val, 1<<uSecond
		if rest != "" {
			if d.usec, e = parseFractionUsec(rest); e != dtOK {
				return 0, e
			}
			mask = mSecs
		}
	case uJulian:
		if val < 0 {
			return 0, dtOverflow
		}
		mask = mDate
		d.setJulian(val)
		if rest != "" {
			f, e := parseFraction(rest)
			if e != dtOK {
				return 0, e
			}
			d.setTime(int64(f * usecPerDay))
			mask |= mTime
		}
	case uTime:
		mask, e = d.runTogether(s, d.seen|mDate)
		if e == dtOK && mask != mTime {
			e = dtBadFormat
		}
	default:
		return 0, dtBadFormat
	}
	d.prefix, d.special = uNone, -1
	return mask, e
}

func (d *dtDecoder) numberField(s string) (uint32, dtErr) {
	point := strings.IndexByte(s, '.')
	if d.timeOnly {
		switch {
		case point >= 0 && len(d.fields) >= 2 && d.seen == 0 && d.fields[0].s == s &&
			d.fields[len(d.fields)-1].kind == fkDate:
			return d.date(s)
		case point > 2 || len(s) > 4:
			return d.runTogether(s, d.seen|mDate)
		}
		return d.number(s, d.seen|mDate)
	}
	switch {
	case point >= 0 && d.seen&mDate == 0:
		return d.date(s)
	case point > 2:
		return d.runTogether(s, d.seen)
	case len(s) >= 6 && (d.seen&mDate == 0 || d.seen&mTime == 0):
		return d.runTogether(s, d.seen)
	}
	return d.number(s, d.seen)
}

// date decodes a field with embedded separators.
func (d *dtDecoder) date(s string) (mask uint32, e dtErr) {
	var parts [maxDateFields]string
	n := 0
	for s != "" {
		if n == maxDateFields {
			break
		}
		s = s[span(s, func(c byte) bool { return !isAlnum(c) }):]
		if s == "" {
			return 0, dtBadFormat
		}
		l := spanDigits(s)
		if l == 0 {
			l = span(s, isAlpha)
		}
		parts[n] = s[:l]
		n++
		if s = s[l:]; s != "" {
			s = s[1:]
		}
	}
	seen := d.seen
	textMonth := false
	for i := range n {
		if !isAlpha(parts[i][0]) {
			continue
		}
		t := lookToken(dateTokens, parts[i])
		if t.kind == tkIgnore {
			continue
		}
		if t.kind != tkMonth || seen&mMonth != 0 {
			return 0, dtBadFormat
		}
		d.mon, textMonth = t.val, true
		seen |= mMonth
		mask |= mMonth
		parts[i] = ""
	}
	saved := d.textMonth
	d.textMonth = textMonth
	for i := range n {
		if parts[i] == "" {
			continue
		}
		m, e := d.number(parts[i], seen)
		if e != dtOK {
			return 0, e
		}
		if m&seen != 0 {
			return 0, dtBadFormat
		}
		seen |= m
		mask |= m
	}
	d.textMonth = saved
	if seen&^(mDoy|mTZ) != mDate {
		return 0, dtBadFormat
	}
	return mask, dtOK
}

// number decodes a lone number by what is still missing.
func (d *dtDecoder) number(s string, seen uint32) (uint32, dtErr) {
	val, rest, ok := strtoint(s)
	if !ok {
		return 0, dtOverflow
	}
	if len(rest) == len(s) {
		return 0, dtBadFormat
	}
	if rest != "" {
		if rest[0] != '.' {
			return 0, dtBadFormat
		}
		if len(s)-len(rest) > 2 {
			return d.runTogether(s, seen|mDate)
		}
		var e dtErr
		if d.usec, e = parseFractionUsec(rest); e != dtOK {
			return 0, e
		}
	}
	if len(s) == 3 && seen&mDate == mYear && val >= 1 && val <= 366 {
		d.yday = val
		return mDoy | mMonth | mDay, dtOK
	}
	order := d.env.order()
	long := len(s) >= 3
	switch seen & mDate {
	case 0:
		switch {
		case long || order == YMD:
			return d.setYear(val, s)
		case order == DMY:
			return d.setDay(val)
		}
		return d.setMonth(val)
	case mYear:
		return d.setMonth(val)
	case mMonth:
		if d.textMonth && (long || order == YMD) {
			return d.setYear(val, s)
		}
		return d.setDay(val)
	case mYear | mMonth:
		if d.textMonth && long && d.twoDigit {
			// What was taken for the year is the day.
			d.day, d.year, d.twoDigit = d.year, val, false
			return mDay, dtOK
		}
		return d.setDay(val)
	case mDay:
		return d.setMonth(val)
	case mMonth | mDay:
		return d.setYear(val, s)
	case mDate:
		return d.runTogether(s, seen)
	}
	return 0, dtBadFormat
}

func (d *dtDecoder) setYear(v int, s string) (uint32, dtErr) {
	d.year, d.twoDigit = v, len(s) <= 2
	return mYear, dtOK
}

func (d *dtDecoder) setMonth(v int) (uint32, dtErr) {
	d.mon = v
	return mMonth, dtOK
}

func (d *dtDecoder) setDay(v int) (uint32, dtErr) {
	d.day = v
	return mDay, dtOK
}

// runTogether decodes yyyymmdd, yymmdd, hhmmss[.fff] or hhmm.
func (d *dtDecoder) runTogether(s string, seen uint32) (uint32, dtErr) {
	if cut := strings.IndexByte(s, '.'); cut >= 0 {
		d.usec = 0
		if cut+1 < len(s) {
			f, err := strconv.ParseFloat(s[cut:], 64)
			if err != nil {
				return 0, dtBadFormat
			}
			d.usec = int(math.RoundToEven(f * 1000000))
		}
		s = s[:cut]
	} else if seen&mDate != mDate && len(s) >= 6 {
		n := len(s)
		d.day, d.mon, d.year = atoi(s[n-2:]), atoi(s[n-4:n-2]), atoi(s[:n-4])
		if n-4 == 2 {
			d.twoDigit = true
		}
		return mDate, dtOK
	}
	if seen&mTime == mTime {
		return 0, dtBadFormat
	}
	switch len(s) {
	case 6:
		d.hour, d.min, d.sec = atoi(s[:2]), atoi(s[2:4]), atoi(s[4:])
	case 4:
		d.hour, d.min, d.sec = atoi(s[:2]), atoi(s[2:]), 0
	default:
		return 0, dtBadFormat
	}
	return mTime, dtOK
}

func atoi(s string) int {
	v, _, ok := strtoint(s)
	if !ok {
		return math.MaxInt32 // refused by the range checks that follow
	}
	return v
}

// word decodes an alphabetic field.
func (d *dtDecoder) word(i int, s string) (uint32, dtErr) {
	if east, ok := zoneTables().abbrevs[s]; ok {
		d.west = -east
		return mTZ, dtOK
	}
	t := lookToken(dateTokens, s)
	switch t.kind {
	case tkIgnore:
		return 0, dtOK
	case tkReserved:
		return d.reserved(t.val)
	case tkMonth:
		mask := uint32(mMonth)
		if d.timeOnly {
			return 0, dtBadFormat
		}
		if d.seen&mMonth != 0 && !d.textMonth && d.seen&mDay == 0 && d.mon >= 1 && d.mon <= 31 {
			d.day = d.mon
			mask = mDay
		}
		d.textMonth, d.mon = true, t.val
		return mask, dtOK
	case tkDSTMod:
		d.west -= t.val
		return mDST, dtOK
	case tkAMPM:
		d.ampm = t.val
		return mAMPM, dtOK
	case tkEra:
		d.bc = t.val == 1
		return mEra, dtOK
	case tkDow:
		if d.timeOnly {
			return 0, dtBadFormat
		}
		return mDow, dtOK
	case tkUnits:
		d.prefix = unit(t.val)
		return 0, dtOK
	case tkISOTime:
		return 0, d.isoTime(i)
	}
	z, ok := ZoneByName(s)
	if !ok {
		return 0, dtBadFormat
	}
	d.zone = z
	return mTZ, dtOK
}

// isoTime handles the "t" between date and time.
func (d *dtDecoder) isoTime(i int) dtErr {
	if !d.timeOnly && d.seen&mDate != mDate || i+1 >= len(d.fields) {
		return dtBadFormat
	}
	switch d.fields[i+1].kind {
	case fkNumber, fkTime, fkDate:
		d.prefix = uTime
		return dtOK
	}
	return dtBadFormat
}

func (d *dtDecoder) reserved(val int) (uint32, dtErr) {
	now := d.env.now()
	local := now + int64(offsetAt(now, d.env.loc()))*usecPerSec
	day, usec := splitDay(local)
	switch val {
	case rNow:
		d.special = -1
		d.setJulianPlain(day)
		d.setTime(usec)
		d.west = -offsetAt(now, d.env.loc())
		if d.timeOnly {
			return mTime, dtOK
		}
		return mDate | mTime | mTZ, dtOK
	case rZulu:
		d.special = -1
		d.setTime(0)
		d.west = 0
		return mTime | mTZ, dtOK
	}
	if d.timeOnly {
		return 0, dtBadFormat
	}
	switch val {
	case rToday:
	case rTomorrow:
		day++
	case rYesterday:
		day--
	default:
		d.special = val
		return mSpecial, dtOK
	}
	d.special = -1
	d.setJulianPlain(day)
	return mDate, dtOK
}

func (d *dtDecoder) setJulianPlain(day int64) {
	d.year, d.mon, d.day = j2date(int(day) + pgEpochJDate)
}

func (d *dtDecoder) validateDate() dtErr {
	if d.seen&mYear != 0 && !d.julianDay {
		switch {
		case d.bc:
			if d.year <= 0 {
				return dtOverflow
			}
			d.year = 1 - d.year
		case d.twoDigit:
			if d.year < 0 {
				return dtOverflow
			}
			if d.year < 70 {
				d.year += 2000
			} else if d.year < 100 {
				d.year += 1900
			}
		case d.year <= 0:
			return dtOverflow
		}
	}
	if d.seen&mDoy != 0 {
		d.year, d.mon, d.day = j2date(date2j(d.year, 1, 1) + d.yday - 1)
	}
	if d.seen&mMonth != 0 && (d.mon < 1 || d.mon > 12) || d.seen&mDay != 0 && (d.day < 1 || d.day > 31) {
		return dtMDOverflow
	}
	if d.seen&mDate == mDate && d.day > daysInMonth(d.year, d.mon) {
		return dtOverflow
	}
	return dtOK
}
