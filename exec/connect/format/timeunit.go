package format

import (
	"math"

	"github.com/millracedb/millrace/sql/types"
)

// timeUnit is what a number that stands for a time counts.
type timeUnit uint8

const (
	unitAuto timeUnit = iota // by magnitude
	unitSeconds
	unitMillis
	unitMicros
	unitNanos
)

// The magnitudes that tell units apart: as seconds they are the years 5138 and on, as milliseconds 1973 and before.
const (
	mostSeconds = 1e11
	mostMillis  = 1e14
	mostMicros  = 1e17
)

// unitOf guesses the unit of an instant since 1970.
func unitOf(magnitude float64) timeUnit {
	switch magnitude = math.Abs(magnitude); {
	case magnitude < mostSeconds:
		return unitSeconds
	case magnitude < mostMillis:
		return unitMillis
	case magnitude < mostMicros:
		return unitMicros
	}
	return unitNanos
}

// micros returns a count as microseconds, rounded down: an instant belongs to the microsecond that holds it. ok is
// false where there are too many.
func (u timeUnit) micros(n int64) (us int64, ok bool) {
	if u == unitAuto {
		u = unitOf(float64(n))
	}
	factor := int64(1)
	switch u {
	case unitNanos:
		return (n - (n%1000+1000)%1000) / 1000, true
	case unitSeconds:
		factor = 1_000_000
	case unitMillis:
		factor = 1000
	}
	return n * factor, n <= math.MaxInt64/factor && n >= math.MinInt64/factor
}

// microsOf is micros for a number with a fraction. A float64 holds microseconds until 2255.
func (u timeUnit) microsOf(f float64) (us int64, ok bool) {
	if u == unitAuto {
		u = unitOf(f)
	}
	switch u {
	case unitSeconds:
		f *= 1e6
	case unitMillis:
		f *= 1e3
	case unitNanos:
		f /= 1e3
	}
	f = math.Floor(f)
	return int64(f), math.Abs(f) < math.MaxInt64
}

// timestampOf makes a timestamp of microseconds since 1970.
func timestampOf(us int64, mod int32) (int64, bool) {
	if us < minTimestamp-epochMicros {
		return 0, false
	}
	return types.RoundTimestamp(us+epochMicros, mod), true
}

// epochDays is 1970-01-01 as a date, which counts days from 2000-01-01; the others are PostgreSQL's first and last.
const (
	epochDays = -10957
	minDate   = -2451545
	maxDate   = 2145031948
)

// dateOf makes a date of days since 1970.
func dateOf(days int64) (int64, bool) {
	if days < minDate-epochDays || days > maxDate-epochDays {
		return 0, false
	}
	return days + epochDays, true
}

// timeOf makes a time of day.
func timeOf(n int64, u timeUnit, mod int32) (int64, bool) {
	us, ok := u.micros(n)
	if !ok || us < 0 || us > 24*3600*1_000_000 {
		return 0, false
	}
	return types.RoundTime(us, mod), true
}
