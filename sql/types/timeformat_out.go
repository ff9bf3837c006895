package types

import (
	"strconv"
	"time"
)

// fmtTime is what to_char prints: a civil time with its zone, or an interval.
type fmtTime struct {
	year, mon, day int
	hour           int64
	min, sec, usec int
	wday, yday     int
	interval       bool
	zone           string
	east           int
	hasZone        bool
}

// FormatTimestamp appends to_char of a timestamp; null is true for infinities.
func (f *TimeFormat) FormatTimestamp(dst []byte, ts int64) (out []byte, null bool, err error) {
	if isInf(ts) || len(f.nodes) == 0 {
		return dst, true, nil
	}
	return f.format(dst, fmtTimeOf(ts))
}

// FormatTimestampTZ appends to_char of a timestamptz in loc; null is true for infinities.
func (f *TimeFormat) FormatTimestampTZ(dst []byte, ts int64, loc *time.Location) (out []byte, null bool, err error) {
	if isInf(ts) || len(f.nodes) == 0 {
		return dst, true, nil
	}
	zone, east := ZoneAbbrev(ts, loc)
	t := fmtTimeOf(ts + int64(east)*usecPerSec)
	t.zone, t.east, t.hasZone = zone, east, true
	return f.format(dst, t)
}

func fmtTimeOf(ts int64) *fmtTime {
	c := civilOf(ts)
	j := c.julian()
	return &fmtTime{year: c.year, mon: c.mon, day: c.day, hour: int64(c.hour), min: c.min, sec: c.sec, usec: c.usec,
		wday: j2day(j), yday: j - date2j(c.year, 1, 1) + 1}
}

// FormatInterval appends to_char of an interval.
func (f *TimeFormat) FormatInterval(dst []byte, iv IntervalValue) (out []byte, null bool, err error) {
	if len(f.nodes) == 0 {
		return dst, true, nil
	}
	t := &fmtTime{year: int(iv.Months / 12), mon: int(iv.Months % 12), day: int(iv.Days), interval: true}
	u := iv.Micros
	t.hour = u / usecPerHour
	u -= t.hour * usecPerHour
	t.min = int(u / usecPerMin)
	u %= usecPerMin
	t.sec, t.usec = int(u/usecPerSec), int(u%usecPerSec)
	t.yday = (t.year*12+t.mon)*30 + t.day
	return f.format(dst, t)
}

func (f *TimeFormat) format(dst []byte, t *fmtTime) (out []byte, null bool, err error) {
	at := len(dst)
	for i := range f.nodes {
		n := &f.nodes[i]
		if n.key == "" {
			dst = append(dst, n.text...)
			continue
		}
		if dst, err = t.node(dst, n); err != nil {
			return dst[:at], false, err
		}
	}
	return dst, false, nil
}

// number appends v with at least width digits, a sign apart, and the ordinal suffix if asked for.
func (n *fmtNode) number(dst []byte, v int64, width int) []byte {
	at := len(dst)
	if v < 0 {
		dst = append(dst, '-')
	}
	if n.fill {
		width = 0
	}
	u := uint64(v)
	if v < 0 {
		u = -u
	}
	return appendOrdinal(appendUint(dst, u, width), at, n.ordinal)
}

// padded appends a name, with blanks up to width.
func (n *fmtNode) padded(dst []byte, s string, width int) []byte {
	at := len(dst)
	dst = appendCased(dst, s, n.letter)
	for !n.fill && len(dst)-at < width {
		dst = append(dst, ' ')
	}
	return dst
}

func (t *fmtTime) node(dst []byte, n *fmtNode) ([]byte, error) {
	switch n.key {
	case "A.M.", "P.M.", "AM", "PM":
		return t.meridiem(dst, n), nil
	case "HH", "HH12":
		h, width := t.hour%12, 2
		if h == 0 {
			h = 12
			if t.hour < 0 {
				width = 3 // for the sign that is not shown
			}
		}
		return n.number(dst, h, width), nil
	case "HH24":
		return n.number(dst, t.hour, 2), nil
	case "MI":
		return n.number(dst, int64(t.min), 2), nil
	case "SS":
		return n.number(dst, int64(t.sec), 2), nil
	case "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		digits := int(n.key[2] - '0')
		return n.fraction(dst, t.usec, digits), nil
	case "MS":
		return n.fraction(dst, t.usec, 3), nil
	case "US":
		return n.fraction(dst, t.usec, 6), nil
	case "SSSS", "SSSSS":
		return n.number(dst, t.hour*3600+int64(t.min)*60+int64(t.sec), 0), nil
	case "TZ", "TZH", "TZM", "OF":
		return t.zoneNode(dst, n)
	case "FX":
		return dst, nil
	}
	if t.interval {
		switch n.key {
		case "A.D.", "B.C.", "AD", "BC", "MONTH", "MON", "DAY", "DY", "D", "ID":
			return dst, errForInterval()
		}
	}
	return t.dateNode(dst, n), nil
}

// signedWidth is the digits left of a width that counts the sign.
func signedWidth(v, width int) int {
	if v < 0 {
		return width - 1
	}
	return width
}

func (n *fmtNode) fraction(dst []byte, usec, digits int) []byte {
	at := len(dst)
	v := int64(usec) / timeScale[digits]
	if v < 0 {
		dst = append(dst, '-')
		v = -v
		digits--
	}
	return appendOrdinal(appendUint(dst, uint64(v), digits), at, n.ordinal)
}

func (t *fmtTime) meridiem(dst []byte, n *fmtNode) []byte {
	s := "am"
	if h := t.hour % 24; h >= 12 {
		s = "pm"
	}
	if len(n.key) == 4 {
		s = s[:1] + "." + s[1:] + "."
	}
	return appendCased(dst, s, n.letter)
}

func (t *fmtTime) zoneNode(dst []byte, n *fmtNode) ([]byte, error) {
	if t.interval {
		return dst, errForInterval()
	}
	if n.key == "TZ" {
		if !t.hasZone {
			return dst, nil
		}
		if n.letter == caseLower {
			return appendCased(dst, t.zone, caseLower), nil
		}
		return append(dst, t.zone...), nil
	}
	east := t.east
	sign := byte('+')
	if east < 0 {
		sign, east = '-', -east
	}
	switch n.key {
	case "TZH":
		return appendInt2(append(dst, sign), east/3600), nil
	case "TZM":
		return appendInt2(dst, east/60%60), nil
	}
	width := 2
	if n.fill {
		width = 0
	}
	dst = appendUint(append(dst, sign), uint64(east/3600), width)
	if m := east / 60 % 60; m != 0 {
		dst = appendInt2(append(dst, ':'), m)
	}
	return dst, nil
}

// shownYear is the year as printed: there is no year 0.
func (t *fmtTime) shownYear(y int) int64 {
	if t.interval || y > 0 {
		return int64(y)
	}
	return int64(1 - y)
}

func (t *fmtTime) dateNode(dst []byte, n *fmtNode) []byte {
	switch n.key {
	case "A.D.", "B.C.", "AD", "BC":
		s := "ad"
		if t.year <= 0 {
			s = "bc"
		}
		if len(n.key) == 4 {
			s = s[:1] + "." + s[1:] + "."
		}
		return appendCased(dst, s, n.letter)
	case "MONTH":
		if t.mon == 0 {
			return dst
		}
		return n.padded(dst, monthNames[t.mon-1], 9)
	case "MON":
		if t.mon == 0 {
			return dst
		}
		return appendCased(dst, monthNames[t.mon-1][:3], n.letter)
	case "MM":
		return n.number(dst, int64(t.mon), 2)
	case "DAY":
		return n.padded(dst, dayNames[t.wday], 9)
	case "DY":
		return appendCased(dst, dayNames[t.wday][:3], n.letter)
	case "DDD":
		return n.number(dst, int64(t.yday), signedWidth(t.yday, 3))
	case "IDDD":
		return n.number(dst, int64(t.isoYday()), 3)
	case "DD":
		return n.number(dst, int64(t.day), signedWidth(t.day, 2))
	case "D":
		return n.number(dst, int64(t.wday+1), 0)
	case "ID":
		return n.number(dst, int64((t.wday+6)%7+1), 0)
	case "WW":
		return n.number(dst, int64((t.yday-1)/7+1), 2)
	case "IW":
		return n.number(dst, int64(t.isoWeek()), 2)
	case "Q":
		if t.mon == 0 {
			return dst
		}
		return n.number(dst, int64((t.mon-1)/3+1), 0)
	case "CC":
		return n.number(dst, int64(t.century()), t.centuryWidth())
	case "RM":
		return t.roman(dst, n)
	case "W":
		return n.number(dst, int64((t.day-1)/7+1), 0)
	case "J":
		return n.number(dst, int64(date2j(t.year, t.mon, t.day)), 0)
	}
	return t.yearNode(dst, n)
}

func (t *fmtTime) yearNode(dst []byte, n *fmtNode) []byte {
	y := t.shownYear(t.year)
	if n.key[0] == 'I' {
		_, iy := isoWeekYear(t.year, t.mon, t.day)
		y = t.shownYear(iy)
	}
	switch n.key {
	case "Y,YYY":
		at := len(dst)
		dst = strconv.AppendInt(dst, y/1000, 10)
		dst = append(dst, ',')
		if y < 0 { // an interval; the sign is shown twice and takes a digit's place, as printf does
			dst = appendUint(append(dst, '-'), uint64(-y%1000), 2)
		} else {
			dst = appendUint(dst, uint64(y%1000), 3)
		}
		return appendOrdinal(dst, at, n.ordinal)
	case "YYYY", "IYYY":
		return n.number(dst, y, 4)
	case "YYY", "IYY":
		return n.number(dst, y%1000, yearWidth(y, 1000, 3))
	case "YY", "IY":
		return n.number(dst, y%100, yearWidth(y, 100, 2))
	}
	return n.number(dst, y%10, 1)
}

// yearWidth leaves room for the sign of a negative year, even where its last digits are 0 and show none.
func yearWidth(y, mod int64, width int) int {
	if y < 0 && y%mod == 0 {
		return width + 1
	}
	return width
}

func (t *fmtTime) isoWeek() int {
	w, _ := isoWeekYear(t.year, t.mon, t.day)
	return w
}

// isoYday is the day of the ISO 8601 year.
func (t *fmtTime) isoYday() int { return (t.isoWeek()-1)*7 + (t.wday+6)%7 + 1 }

func (t *fmtTime) century() int {
	switch {
	case t.interval:
		return t.year / 100
	case t.year > 0:
		return (t.year-1)/100 + 1
	}
	return t.year/100 - 1
}

func (t *fmtTime) centuryWidth() int {
	if c := t.century(); c <= 99 && c >= -99 {
		return 2
	}
	return 0
}

func (t *fmtTime) roman(dst []byte, n *fmtNode) []byte {
	mon := t.mon
	switch {
	case mon == 0 && t.year == 0:
		return dst
	case mon == 0 && t.year < 0:
		mon = 1
	case mon == 0:
		mon = 12
	case mon < 0: // an interval counts backwards
		mon += 13
	}
	return n.padded(dst, romanMonths[mon-1], 4)
}
