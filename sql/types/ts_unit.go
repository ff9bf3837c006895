package types

import (
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/pgerr"
)

// DateUnit is a unit named in date_trunc, extract or date_part. Look it up once, apply it to many values.
type DateUnit struct {
	u     unit
	name  string // lower case
	field bool   // a field to extract only, unknown to date_trunc: dow, epoch, ...
}

// LookupUnit finds a unit by name. A name that is no unit is refused by the function it is passed to,
// whose error names the type.
func LookupUnit(name string) DateUnit {
	low := strings.ToLower(name)
	if tok := lookToken(unitTokens, low); tok.kind == tkUnits {
		return DateUnit{unit(tok.val), low, false}
	}
	switch tok := lookToken(dateTokens, low); {
	case tok.kind == tkUnits:
		return DateUnit{unit(tok.val), low, true}
	case tok.kind == tkReserved && tok.val == rEpoch:
		return DateUnit{uEpoch, low, true}
	}
	return DateUnit{uNone, low, false}
}

// truncErr is err for date_trunc.
func (d DateUnit) truncErr(t OID) error {
	if d.field {
		d.u = uNone
	}
	return d.err(t)
}

// err says that the unit does not exist, or does not go with type t.
func (d DateUnit) err(t OID) error {
	if d.u == uNone {
		return pgerr.Newf(pgerr.InvalidParameterValue, `unit "%s" not recognized for type %s`, d.name, t)
	}
	return pgerr.Newf(pgerr.FeatureNotSupported, `unit "%s" not supported for type %s`, d.name, t)
}

// trunc cuts c to the unit; false if timestamps cannot be cut to it. dayUp says that the day or more was cut.
func (c *civil) trunc(u unit) (dayUp, ok bool) {
	switch u {
	case uMicrosec:
		return false, true
	case uMillisec:
		c.usec -= c.usec % 1000
		return false, true
	case uSecond:
		c.usec = 0
		return false, true
	case uMinute:
		c.sec, c.usec = 0, 0
		return false, true
	case uHour:
		c.min, c.sec, c.usec = 0, 0, 0
		return false, true
	case uDay:
	case uWeek:
		j := c.julian()
		c.year, c.mon, c.day = j2date(j - (j2day(j)+6)%7)
	case uMonth:
		c.day = 1
	case uQuarter:
		c.mon, c.day = (c.mon-1)/3*3+1, 1
	case uYear, uDecade, uCentury, uMillennium:
		c.year, c.mon, c.day = truncYear(c.year, u), 1, 1
	default:
		return false, false
	}
	c.hour, c.min, c.sec, c.usec = 0, 0, 0, 0
	return true, true
}

// truncYear is the first year of the decade (which starts at a multiple of 10), century or millennium (which
// start one year after a multiple).
func truncYear(y int, u unit) int {
	switch u {
	case uDecade:
		if y > 0 {
			return y / 10 * 10
		}
		return -((8 - (y - 1)) / 10) * 10
	case uCentury:
		return truncSpan(y, 100)
	case uMillennium:
		return truncSpan(y, 1000)
	}
	return y
}

func truncSpan(y, n int) int {
	if y > 0 {
		return (y+n-1)/n*n - (n - 1)
	}
	return -((n-1-(y-1))/n)*n + 1
}

// TruncTimestamp is date_trunc of a timestamp.
func TruncTimestamp(d DateUnit, ts int64) (int64, error) {
	if isInf(ts) {
		return ts, nil
	}
	switch d.u { // the small units need no calendar
	case uHour:
		_, r := floorDiv64(ts, usecPerHour)
		return ts - r, nil
	case uMinute:
		_, r := floorDiv64(ts, usecPerMin)
		return ts - r, nil
	case uSecond:
		_, r := floorDiv64(ts, usecPerSec)
		return ts - r, nil
	case uDay:
		_, r := floorDiv64(ts, usecPerDay)
		return ts - r, nil
	}
	c := civilOf(ts)
	if _, ok := c.trunc(d.u); !ok {
		return 0, d.truncErr(Timestamp)
	}
	r, ok := c.timestamp()
	if !ok {
		return 0, errTimestampRange()
	}
	return r, nil
}

// TruncTimestampTZ is date_trunc of a timestamptz on loc's calendar.
func TruncTimestampTZ(d DateUnit, ts int64, loc *time.Location) (int64, error) {
	if isInf(ts) {
		return ts, nil
	}
	east := offsetAt(ts, loc)
	c := civilOf(ts + int64(east)*usecPerSec)
	dayUp, ok := c.trunc(d.u)
	if !ok {
		return 0, d.truncErr(TimestampTZ)
	}
	if dayUp {
		local, _ := c.timestamp()
		east = localOffset(local, loc) // the offset may be another then
	}
	r, ok := c.timestampTZ(-east)
	if !ok {
		return 0, errTimestampRange()
	}
	return r, nil
}

// TruncInterval is date_trunc of an interval.
func TruncInterval(d DateUnit, iv IntervalValue) (IntervalValue, error) {
	cut := func(by int64) (IntervalValue, error) {
		iv.Micros -= iv.Micros % by
		return iv, nil
	}
	months := func(by int32) (IntervalValue, error) {
		return IntervalValue{Months: iv.Months - iv.Months%by}, nil
	}
	switch d.u {
	case uMicrosec:
		return iv, nil
	case uMillisec:
		return cut(1000)
	case uSecond:
		return cut(usecPerSec)
	case uMinute:
		return cut(usecPerMin)
	case uHour:
		return cut(usecPerHour)
	case uDay:
		iv.Micros = 0
		return iv, nil
	case uMonth:
		return months(1)
	case uQuarter:
		return months(3)
	case uYear:
		return months(12)
	case uDecade:
		return months(120)
	case uCentury:
		return months(1200)
	case uMillennium:
		return months(12000)
	}
	err := d.truncErr(Interval)
	if d.u == uWeek {
		return iv, pgerr.Of(err).WithDetail("Months usually have fractional weeks.")
	}
	return iv, err
}
