package format

import (
	"fmt"
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

// Debezium's microseconds since 1970 for infinite timestamps, and its days for infinite dates: they are the ends of int32,
// counted from 2000 and overflown.
const (
	debeziumInfinity      = 9223372036825200000
	debeziumMinusInfinity = -9223372036832400000
	debeziumInfiniteDay   = math.MinInt32 - epochDays - 1
	debeziumMinusDay      = math.MinInt32 - epochDays
)

// timestampOf makes a timestamp of microseconds since 1970.
func timestampOf(us int64, mod int32) (int64, bool) {
	switch us {
	case debeziumInfinity:
		return types.TimestampInf, true
	case debeziumMinusInfinity:
		return types.TimestampNegInf, true
	}
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
	switch days {
	case debeziumInfiniteDay:
		return types.DateInf, true
	case debeziumMinusDay:
		return types.DateNegInf, true
	}
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

// signedYear writes the years of ISO 8601 that have a sign, as PostgreSQL does, which takes them for time zones:
// +12024-05-01 becomes 12024-05-01, -0043-03-15 becomes 0044-03-15 BC. Other text is returned as it is.
func signedYear(dst []byte, typ types.Type, text []byte) []byte {
	if len(text) >= 10 && string(text[:5]) == "0000-" && typ.OID != types.Time && typ.OID != types.TimeTZ {
		return append(append(append(dst, "0001"...), text[4:]...), " BC"...)
	}
	if len(text) < 11 || text[0] != '-' && text[0] != '+' || typ.OID != types.Timestamp && typ.OID != types.TimestampTZ && typ.OID != types.Date {
		return text
	}
	n := 1
	year := 0
	for ; n < len(text) && n < 8 && text[n]-'0' <= 9; n++ {
		year = year*10 + int(text[n]-'0')
	}
	if n < 5 || n == len(text) || text[n] != '-' {
		return text
	}
	if text[0] == '+' {
		return text[1:]
	}
	dst = fmt.Appendf(dst, "%04d", year+1)
	dst = append(dst, text[n:]...)
	return append(dst, " BC"...)
}
