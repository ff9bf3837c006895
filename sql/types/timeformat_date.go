package types

import (
	"github.com/millracedb/millrace/sql/pgerr"
)

// civil works out the date and time that the fields name; what is not named is the first of its kind, the
// year 1 BC.
func (v *fmtFields) civil(in string) (*civil, error) {
	c := &civil{mon: 1, day: 1}
	if v.ssss != 0 {
		v.hh, v.mi, v.ss = v.ssss/3600, v.ssss/60%60, v.ssss%60
	}
	c.hour, c.min, c.sec = v.hh, v.mi, v.ss
	if v.twelve {
		if v.hh < 1 || v.hh > 12 {
			return nil, pgerr.Newf(pgerr.InvalidDatetimeFormat, `hour "%d" is invalid for the 12-hour clock`, v.hh).
				WithHint("Use the 24-hour clock, or give an hour between 1 and 12.")
		}
		if c.hour %= 12; v.pm {
			c.hour += 12
		}
	}
	hasYear := v.setYear(c)
	if v.j != 0 {
		c.year, c.mon, c.day = j2date(v.j)
	}
	if v.ww != 0 {
		v.setWeek(c)
	}
	if v.w != 0 {
		v.dd = (v.w-1)*7 + 1
	}
	if v.dd != 0 {
		c.day = v.dd
	}
	if v.mm != 0 {
		c.mon = v.mm
	}
	if v.ddd != 0 && (c.mon <= 1 || c.day <= 1) {
		if err := v.setDayOfYear(c); err != nil {
			return nil, err
		}
	}
	c.usec = v.ms*1000 + v.us
	dated := hasYear || v.j != 0 || v.dd != 0 || v.mm != 0 || v.ddd != 0
	if dated && (c.mon < 1 || c.mon > 12 || c.day < 1 || c.day > 31 || c.day > daysInMonth(c.year, c.mon)) ||
		c.hour < 0 || c.hour > 23 || c.min < 0 || c.min > 59 || c.sec < 0 || c.sec > 59 || c.usec < 0 || c.usec >= usecPerSec {
		return nil, dtOverflow.error("timestamp", in)
	}
	if v.tzh > 15 || v.tzm > 59 || v.tzh < 0 || v.tzm < 0 {
		return nil, dtOverflow.error("timestamp", in)
	}
	return c, nil
}

// setYear joins year and century; two digits of a year lie in the century given.
func (v *fmtFields) setYear(c *civil) bool {
	cc := v.cc
	if v.bc {
		cc = -cc
	}
	switch {
	case v.year != 0 && cc != 0 && v.yearDigits <= 2:
		y := v.year % 100
		switch {
		case y != 0 && cc >= 0:
			c.year = y + (cc-1)*100
		case y != 0:
			c.year = (cc+1)*100 - y + 1
		case cc >= 0:
			c.year = cc * 100
		default:
			c.year = cc*100 + 1
		}
	case v.year != 0:
		c.year = v.year
		if v.bc {
			c.year = -c.year
		}
		if c.year < 0 {
			c.year++
		}
	case cc > 0:
		c.year = (cc-1)*100 + 1
	case cc < 0:
		c.year = cc*100 + 1
	default:
		return false
	}
	return true
}

// isoWeek2j is the Julian day of the Monday of an ISO 8601 week.
func isoWeek2j(year, week int) int {
	fourth := date2j(year, 1, 4)
	return fourth - (j2day(fourth)+6)%7 + (week-1)*7
}

func (v *fmtFields) setWeek(c *civil) {
	if !v.iso {
		v.ddd = (v.ww-1)*7 + 1
		return
	}
	j := isoWeek2j(c.year, v.ww)
	if v.d != 0 {
		j += (v.d + 5) % 7 // v.d counts from Sunday, 1
	}
	c.year, c.mon, c.day = j2date(j)
}

func (v *fmtFields) setDayOfYear(c *civil) error {
	if c.year == 0 && !v.bc {
		return pgerr.New(pgerr.InvalidDatetimeFormat, "cannot calculate day of year without year information")
	}
	if v.iso {
		c.year, c.mon, c.day = j2date(isoWeek2j(c.year, 1) - 1 + v.ddd)
		return nil
	}
	year := c.year
	if v.ddd > 366 || v.ddd > 365 && !isLeap(year) {
		c.mon, c.day = 13, 1 // refused by the range check
		return nil
	}
	c.year, c.mon, c.day = j2date(date2j(year, 1, 1) + v.ddd - 1)
	return nil
}
