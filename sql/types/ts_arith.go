package types

import (
	"math"
	"time"

	"github.com/millracedb/millrace/sql/pgerr"
)

// addMonths moves a date by months, to the month's last day where the day does not exist.
func (c *civil) addMonths(n int32) {
	m := c.mon + int(n)
	if m > 12 {
		c.year += (m - 1) / 12
		m = (m-1)%12 + 1
	} else if m < 1 {
		c.year += m/12 - 1
		m = m%12 + 12
	}
	c.mon = m
	c.day = min(c.day, daysInMonth(c.year, c.mon))
}

// addDays moves a date by days; ok is false outside the Julian range.
func (c *civil) addDays(n int32) bool {
	j := int64(c.julian()) + int64(n)
	if j < 0 || j > math.MaxInt32 {
		return false
	}
	c.year, c.mon, c.day = j2date(int(j))
	return true
}

// TimestampAdd is timestamp + interval: months, then days, then the time.
func TimestampAdd(ts int64, iv IntervalValue) (int64, error) {
	if isInf(ts) {
		return ts, nil
	}
	if iv.Months != 0 {
		c := civilOf(ts)
		c.addMonths(iv.Months)
		var ok bool
		if ts, ok = c.timestamp(); !ok {
			return 0, errTimestampRange()
		}
	}
	if iv.Days != 0 {
		c := civilOf(ts)
		ok := c.addDays(iv.Days)
		if ok {
			ts, ok = c.timestamp()
		}
		if !ok {
			return 0, errTimestampRange()
		}
	}
	return addUsec(ts, iv.Micros)
}

func addUsec(ts, usec int64) (int64, error) {
	r, ok := add64(ts, usec)
	if usec == 0 {
		r, ok = ts, true
	}
	if !ok || !validTimestamp(r) {
		return 0, errTimestampRange()
	}
	return r, nil
}

// TimestampSub is timestamp - interval.
func TimestampSub(ts int64, iv IntervalValue) (int64, error) {
	return TimestampAdd(ts, iv.wrapNeg())
}

// wrapNeg negates without an overflow check: the least values stay, and the sum that follows is out of range.
func (iv IntervalValue) wrapNeg() IntervalValue {
	return IntervalValue{-iv.Months, -iv.Days, -iv.Micros}
}

// TimestampTZAdd is timestamptz + interval: months and days are counted on loc's calendar.
func TimestampTZAdd(ts int64, iv IntervalValue, loc *time.Location) (int64, error) {
	if isInf(ts) {
		return ts, nil
	}
	for step := range 2 {
		if step == 0 && iv.Months == 0 || step == 1 && iv.Days == 0 {
			continue
		}
		c := civilOf(ts + int64(offsetAt(ts, loc))*usecPerSec)
		ok := true
		if step == 0 {
			c.addMonths(iv.Months)
		} else {
			ok = c.addDays(iv.Days)
		}
		if ok {
			local, _ := c.timestamp()
			ts, ok = c.timestampTZ(-localOffset(local, loc))
		}
		if !ok {
			return 0, errTimestampRange()
		}
	}
	return addUsec(ts, iv.Micros)
}

// TimestampTZSub is timestamptz - interval.
func TimestampTZSub(ts int64, iv IntervalValue, loc *time.Location) (int64, error) {
	return TimestampTZAdd(ts, iv.wrapNeg(), loc)
}

// TimestampDiff is timestamp - timestamp, in days and a time; also of two timestamptz.
func TimestampDiff(a, b int64) (IntervalValue, error) {
	if isInf(a) || isInf(b) {
		return IntervalValue{}, pgerr.New(pgerr.DatetimeFieldOverflow, "cannot subtract infinite timestamps")
	}
	return JustifyHours(IntervalValue{Micros: a - b})
}

// TimestampAge is age(a, b): the difference in years, months, days and a time.
func TimestampAge(a, b int64) (IntervalValue, error) { return ageLocal(a, b, a < b) }

// TimestampTZAge is age(a, b) on loc's calendar.
func TimestampTZAge(a, b int64, loc *time.Location) (IntervalValue, error) {
	if isInf(a) || isInf(b) {
		return IntervalValue{}, errTimestampRange()
	}
	la, lb := a+int64(offsetAt(a, loc))*usecPerSec, b+int64(offsetAt(b, loc))*usecPerSec
	return ageLocal(la, lb, a < b)
}

// ageLocal borrows from the next larger field as one does on paper; neg says that the first comes earlier.
func ageLocal(a, b int64, neg bool) (IntervalValue, error) {
	if isInf(a) || isInf(b) {
		return IntervalValue{}, errTimestampRange()
	}
	x, y := civilOf(a), civilOf(b)
	sign := 1
	if neg {
		sign = -1
	}
	usec := int64(sign) * (x.timeUsec() - y.timeUsec())
	day, mon, year := sign*(x.day-y.day), sign*(x.mon-y.mon), sign*(x.year-y.year)
	for usec < 0 {
		usec += usecPerDay
		day--
	}
	for day < 0 {
		if neg {
			day += daysInMonth(x.year, x.mon)
		} else {
			day += daysInMonth(y.year, y.mon)
		}
		mon--
	}
	for mon < 0 {
		mon += 12
		year--
	}
	months := int64(year)*12 + int64(mon)
	iv := IntervalValue{int32(months), int32(day), usec}
	if neg {
		iv = iv.wrapNeg()
	}
	return iv, nil
}

// DateAdd is date + days.
func DateAdd(d, days int64) (int64, error) {
	if isInfDate(d) {
		return d, nil
	}
	r := d + days
	if !validDate(r) {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "date out of range")
	}
	return r, nil
}

// DateDiff is date - date in days.
func DateDiff(a, b int64) (int64, error) {
	if isInfDate(a) || isInfDate(b) {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "cannot subtract infinite dates")
	}
	return a - b, nil
}

// DateTimeAdd is date + time.
func DateTimeAdd(d, t int64) (int64, error) {
	ts, err := DateToTimestamp(d)
	if err != nil || isInf(ts) {
		return ts, err
	}
	if ts += t; !validTimestamp(ts) {
		return 0, errTimestampRange()
	}
	return ts, nil
}

// DateToTimestampTZ is the cast to midnight in loc.
func DateToTimestampTZ(d int64, loc *time.Location) (int64, error) {
	if d != DateInf && d != DateNegInf && d >= endTimestamp/usecPerDay {
		return 0, errDateRange(d, "timestamp")
	}
	ts, err := DateToTimestamp(d)
	if err != nil {
		return 0, err
	}
	return TimestampInZone(ts, loc)
}

// TimeAdd is time + interval, modulo a day; of the interval only the time counts.
func TimeAdd(t int64, iv IntervalValue) int64 {
	_, r := floorDiv64(t+iv.Micros%usecPerDay, usecPerDay)
	return r
}

// TimeSub is time - interval, modulo a day.
func TimeSub(t int64, iv IntervalValue) int64 {
	_, r := floorDiv64(t-iv.Micros%usecPerDay, usecPerDay)
	return r
}

// IntervalToTime is the cast: the interval's time modulo a day.
func IntervalToTime(iv IntervalValue) int64 {
	_, r := floorDiv64(iv.Micros, usecPerDay)
	return r
}

// DateBin rounds ts down to the stride's grid through origin; also for timestamptz.
func DateBin(stride IntervalValue, ts, origin int64) (int64, error) {
	if isInf(ts) {
		return ts, nil
	}
	if isInf(origin) {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "origin out of range")
	}
	if stride.Months != 0 {
		return 0, pgerr.New(pgerr.FeatureNotSupported,
			"timestamps cannot be binned into intervals containing months or years")
	}
	step, ok := mul64(int64(stride.Days), usecPerDay)
	if ok && stride.Micros != 0 {
		step, ok = add64(step, stride.Micros)
	}
	if !ok {
		return 0, errIntervalRange()
	}
	if step <= 0 {
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "stride must be greater than zero")
	}
	diff := ts - origin
	if (diff > 0) != (ts > origin) && diff != 0 {
		return 0, errIntervalRange()
	}
	mod := diff % step
	r := origin + diff - mod
	if mod < 0 {
		r -= step
	}
	if !validTimestamp(r) {
		return 0, errTimestampRange()
	}
	return r, nil
}

// makeDay checks a date of the make_ functions and returns it with its year counted through 0: a negative
// year given is BC. make_date's errors show that year, make_timestamp's the one given.
func makeDay(y, m, d int, showGiven bool) (civil, error) {
	c := civil{year: y, mon: m, day: d}
	if y < 0 && y != math.MinInt32 {
		c.year = y + 1
	}
	if y == 0 || y == math.MinInt32 || m < 1 || m > 12 || d < 1 || d > daysInMonth(c.year, m) {
		return c, errMakeDate("date field value", y, c, showGiven)
	}
	if !validJulian(c.year, m) {
		return c, errMakeDate("date", y, c, showGiven)
	}
	return c, nil
}

func errMakeDate(what string, given int, c civil, showGiven bool) error {
	if !showGiven {
		given = c.year
	}
	return pgerr.Newf(pgerr.DatetimeFieldOverflow, "%s out of range: %d-%02d-%02d", what, given, c.mon, c.day)
}

// MakeDate is make_date; a negative year is BC.
func MakeDate(y, m, d int) (int64, error) {
	c, err := makeDay(y, m, d, false)
	if err != nil {
		return 0, err
	}
	day := int64(c.julian() - pgEpochJDate)
	if !validDate(day) {
		return 0, errMakeDate("date", y, c, false)
	}
	return day, nil
}

// MakeTime is make_time.
func MakeTime(hour, minute int, sec float64) (int64, error) {
	s := math.RoundToEven(sec * usecPerSec)
	if hour >= 0 && hour <= 24 && minute >= 0 && minute <= 59 && s >= 0 && s <= 60*usecPerSec {
		if t := int64(hour)*usecPerHour + int64(minute)*usecPerMin + int64(s); t <= usecPerDay {
			return t, nil
		}
	}
	return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, "time field value out of range: %d:%02d:%02s",
		hour, minute, formatG(sec))
}

// MakeTimestamp is make_timestamp.
func MakeTimestamp(y, m, d, hour, minute int, sec float64) (int64, error) {
	c, err := makeDay(y, m, d, true)
	if err != nil {
		return 0, err
	}
	t, err := MakeTime(hour, minute, sec)
	if err != nil {
		return 0, err
	}
	ts, ok := c.timestamp()
	if ok {
		ts += t
	}
	if !ok || !validTimestamp(ts) {
		return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, "timestamp out of range: %d-%02d-%02d %d:%02d:%02s",
			y, m, d, hour, minute, formatG(sec))
	}
	return ts, nil
}

// MakeInterval is make_interval.
func MakeInterval(years, months, weeks, days, hours, mins int64, secs float64) (IntervalValue, error) {
	t := itm{}
	ok := t.addYears(years, 1) && t.addMonths(months) && t.addDays(weeks, 7) && t.addDays(days, 1)
	iv, ok2 := t.value()
	if !ok || !ok2 || !floatFits64(math.RoundToEven(secs*usecPerSec)) {
		return iv, errIntervalRange()
	}
	// hours and minutes are 32-bit, so their sum cannot overflow; the seconds can.
	base := hours*usecPerHour + mins*usecPerMin
	if s := int64(math.RoundToEven(secs * usecPerSec)); s != 0 {
		if base, ok = add64(base, s); !ok {
			return iv, errIntervalRange()
		}
	}
	iv.Micros = base
	return iv, nil
}

// TimestampFromEpoch is to_timestamp(double precision): seconds since 1970.
func TimestampFromEpoch(sec float64) (int64, error) {
	switch {
	case sec != sec:
		return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp cannot be NaN")
	case math.IsInf(sec, 1):
		return TimestampInf, nil
	case math.IsInf(sec, -1):
		return TimestampNegInf, nil
	}
	const last = 109203528 - unixEpochJDate
	if sec >= -unixEpochJDate*secPerDay && sec < last*secPerDay {
		if ts := int64(math.RoundToEven((sec - unixEpochSecs) * usecPerSec)); validTimestamp(ts) {
			return ts, nil
		}
	}
	return 0, pgerr.Newf(pgerr.DatetimeFieldOverflow, `timestamp out of range: "%g"`, sec)
}
