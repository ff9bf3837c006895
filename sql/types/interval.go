package types

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"

	"github.com/millracedb/millrace/sql/pgerr"
)

// IntervalValue is an interval: three parts that PostgreSQL keeps apart, since months and days vary.
// Its encoding is 16 bytes, little endian: Months (4), Days (4), Micros (8).
type IntervalValue struct {
	Months, Days int32
	Micros       int64
}

// AppendInterval encodes iv.
func AppendInterval(dst []byte, iv IntervalValue) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(iv.Months))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(iv.Days))
	return binary.LittleEndian.AppendUint64(dst, uint64(iv.Micros))
}

// DecodeInterval is the inverse of AppendInterval; an empty string (the slot of a null) is 0.
func DecodeInterval(b []byte) (iv IntervalValue) {
	if len(b) < 16 {
		return
	}
	iv.Months = int32(binary.LittleEndian.Uint32(b))
	iv.Days = int32(binary.LittleEndian.Uint32(b[4:]))
	iv.Micros = int64(binary.LittleEndian.Uint64(b[8:]))
	return
}

func errIntervalRange() error {
	return pgerr.New(pgerr.DatetimeFieldOverflow, "interval out of range")
}

// AppendIntervalText appends an interval in style postgres: 1 year 2 mons -3 days +04:05:06.
func AppendIntervalText(dst []byte, iv IntervalValue) []byte {
	empty, before := true, false
	part := func(v int64, name string) {
		if v == 0 {
			return
		}
		if !empty {
			dst = append(dst, ' ')
		}
		if before && v > 0 {
			dst = append(dst, '+')
		}
		dst = strconv.AppendInt(dst, v, 10)
		dst = append(dst, ' ')
		dst = append(dst, name...)
		if v != 1 {
			dst = append(dst, 's')
		}
		before = v < 0 // the sign is shown on the next part
		empty = false
	}
	part(int64(iv.Months/12), "year")
	part(int64(iv.Months%12), "mon")
	part(int64(iv.Days), "day")
	if !empty && iv.Micros == 0 {
		return dst
	}
	if !empty {
		dst = append(dst, ' ')
	}
	switch {
	case iv.Micros < 0:
		dst = append(dst, '-')
	case before:
		dst = append(dst, '+')
	}
	u := uint64(iv.Micros)
	if iv.Micros < 0 {
		u = -u
	}
	h := u / usecPerHour
	u -= h * usecPerHour
	dst = appendUint(dst, h, 2)
	dst = append(dst, ':')
	dst = appendInt2(dst, int(u/usecPerMin))
	u %= usecPerMin
	dst = append(dst, ':')
	dst = appendInt2(dst, int(u/usecPerSec))
	return appendFraction(dst, int(u%usecPerSec))
}

// span128 is the interval's length in microseconds at 30 days a month, 24 hours a day: what intervals are
// compared by. It does not fit in 64 bits.
func (iv IntervalValue) span128() (hi int64, lo uint64) {
	days := int64(iv.Months)*30 + int64(iv.Days)
	h, l := bits.Mul64(uint64(days), usecPerDay)
	if days < 0 {
		h -= usecPerDay
	}
	l, carry := bits.Add64(l, uint64(iv.Micros), 0)
	h += uint64(iv.Micros>>63) + carry
	return int64(h), l
}

// CompareIntervals orders intervals by length: '1 mon' equals '30 days'.
func CompareIntervals(a, b IntervalValue) int {
	ah, al := a.span128()
	bh, bl := b.span128()
	if ah != bh {
		return cmpInt64(ah, bh)
	}
	switch {
	case al < bl:
		return -1
	case al > bl:
		return 1
	}
	return 0
}

// appendIntervalKey appends the length, big endian with the sign flipped: both an equality and an order key.
func appendIntervalKey(dst []byte, iv IntervalValue) []byte {
	hi, lo := iv.span128()
	dst = binary.BigEndian.AppendUint64(dst, uint64(hi)^1<<63)
	return binary.BigEndian.AppendUint64(dst, lo)
}

func add32(a, b int32) (int32, bool) {
	s := int64(a) + int64(b)
	return int32(s), s == int64(int32(s))
}

func add64(a, b int64) (int64, bool) {
	s := a + b
	return s, (s > a) == (b > 0)
}

func mul64(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	p := a * b
	return p, p/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
}

// IntervalAdd is a + b.
func IntervalAdd(a, b IntervalValue) (r IntervalValue, err error) {
	var ok1, ok2, ok3 bool
	r.Months, ok1 = add32(a.Months, b.Months)
	r.Days, ok2 = add32(a.Days, b.Days)
	r.Micros, ok3 = add64(a.Micros, b.Micros)
	if !ok1 || !ok2 || !ok3 {
		return r, errIntervalRange()
	}
	return r, nil
}

// IntervalNeg is -a.
func IntervalNeg(a IntervalValue) (IntervalValue, error) {
	if a.Months == math.MinInt32 || a.Days == math.MinInt32 || a.Micros == math.MinInt64 {
		return a, errIntervalRange()
	}
	return IntervalValue{-a.Months, -a.Days, -a.Micros}, nil
}

// IntervalSub is a - b.
func IntervalSub(a, b IntervalValue) (r IntervalValue, err error) {
	months, days := int64(a.Months)-int64(b.Months), int64(a.Days)-int64(b.Days)
	r = IntervalValue{int32(months), int32(days), a.Micros - b.Micros}
	if months != int64(r.Months) || days != int64(r.Days) || (r.Micros < a.Micros) != (b.Micros > 0) {
		return r, errIntervalRange()
	}
	return r, nil
}

// roundTS is PostgreSQL's TSROUND: fractions of a second to the microsecond.
func roundTS(f float64) float64 { return math.RoundToEven(f*usecPerSec) / usecPerSec }

func floatFits32(f float64) bool { return f >= math.MinInt32 && f < -float64(math.MinInt32) }

func floatFits64(f float64) bool { return f >= math.MinInt64 && f < -float64(math.MinInt64) }

// IntervalMul is a * f. A fraction of a month cascades into days, a fraction of a day into the time.
func IntervalMul(a IntervalValue, f float64) (IntervalValue, error) {
	return a.scale(func(v float64) float64 { return v * f })
}

// IntervalDiv is a / f.
func IntervalDiv(a IntervalValue, f float64) (IntervalValue, error) {
	if f == 0 {
		return a, ErrDivisionByZero()
	}
	return a.scale(func(v float64) float64 { return v / f })
}

func (iv IntervalValue) scale(by func(float64) float64) (r IntervalValue, err error) {
	m := by(float64(iv.Months))
	if !floatFits32(m) {
		return r, errIntervalRange()
	}
	r.Months = int32(m)
	d := by(float64(iv.Days))
	if !floatFits32(d) {
		return r, errIntervalRange()
	}
	r.Days = int32(d)
	monthRest := roundTS((m - float64(r.Months)) * 30)
	secRest := roundTS((d - float64(r.Days) + monthRest - math.Trunc(monthRest)) * secPerDay)
	// Rounding, or the fraction of the month, may have made a whole day of it.
	if math.Abs(secRest) >= secPerDay {
		whole := int32(secRest / secPerDay)
		var ok bool
		if r.Days, ok = add32(r.Days, whole); !ok {
			return r, errIntervalRange()
		}
		secRest -= float64(whole) * secPerDay
	}
	var ok bool
	if r.Days, ok = add32(r.Days, int32(monthRest)); !ok {
		return r, errIntervalRange()
	}
	t := math.RoundToEven(by(float64(iv.Micros)) + secRest*usecPerSec)
	if !floatFits64(t) {
		return r, errIntervalRange()
	}
	r.Micros = int64(t)
	return r, nil
}

// JustifyHours moves whole days out of the time.
func JustifyHours(iv IntervalValue) (IntervalValue, error) {
	whole := iv.Micros / usecPerDay
	iv.Micros -= whole * usecPerDay
	days := int64(iv.Days) + whole
	if days != int64(int32(days)) {
		return iv, errIntervalRange()
	}
	iv.Days = int32(days)
	if iv.Days > 0 && iv.Micros < 0 {
		iv.Micros += usecPerDay
		iv.Days--
	} else if iv.Days < 0 && iv.Micros > 0 {
		iv.Micros -= usecPerDay
		iv.Days++
	}
	return iv, nil
}

// JustifyDays moves months of 30 days out of the days.
func JustifyDays(iv IntervalValue) (IntervalValue, error) {
	whole := iv.Days / 30
	iv.Days -= whole * 30
	var ok bool
	if iv.Months, ok = add32(iv.Months, whole); !ok {
		return iv, errIntervalRange()
	}
	if iv.Months > 0 && iv.Days < 0 {
		iv.Days += 30
		iv.Months--
	} else if iv.Months < 0 && iv.Days > 0 {
		iv.Days -= 30
		iv.Months++
	}
	return iv, nil
}

// JustifyInterval does both, and gives all parts one sign.
func JustifyInterval(iv IntervalValue) (IntervalValue, error) {
	if iv.Days > 0 && iv.Micros > 0 || iv.Days < 0 && iv.Micros < 0 {
		// Move days first where that cannot hide an overflow.
		whole := iv.Days / 30
		iv.Days -= whole * 30
		var ok bool
		if iv.Months, ok = add32(iv.Months, whole); !ok {
			return iv, errIntervalRange()
		}
	}
	whole := iv.Micros / usecPerDay
	iv.Micros -= whole * usecPerDay
	days := int64(iv.Days) + whole
	if days != int64(int32(days)) {
		return iv, errIntervalRange()
	}
	months := int64(iv.Months) + days/30
	days %= 30
	if months != int64(int32(months)) {
		return iv, errIntervalRange()
	}
	iv.Months, iv.Days = int32(months), int32(days)
	if iv.Months > 0 && (iv.Days < 0 || iv.Days == 0 && iv.Micros < 0) {
		iv.Days += 30
		iv.Months--
	} else if iv.Months < 0 && (iv.Days > 0 || iv.Days == 0 && iv.Micros > 0) {
		iv.Days -= 30
		iv.Months++
	}
	if iv.Days > 0 && iv.Micros < 0 {
		iv.Micros += usecPerDay
		iv.Days--
	} else if iv.Days < 0 && iv.Micros > 0 {
		iv.Micros -= usecPerDay
		iv.Days++
	}
	return iv, nil
}

// CoerceInterval applies a typmod: it cuts the fields below the least one named, and rounds seconds.
func CoerceInterval(iv IntervalValue, mod int32) (IntervalValue, error) {
	if mod < 0 {
		return iv, nil
	}
	prec, fields := intervalModParts(mod)
	switch fields {
	case IntervalYear:
		iv.Months = iv.Months / 12 * 12
		iv.Days, iv.Micros = 0, 0
	case IntervalMonth, IntervalYear | IntervalMonth:
		iv.Days, iv.Micros = 0, 0
	case IntervalDay:
		iv.Micros = 0
	case IntervalHour, IntervalDay | IntervalHour:
		iv.Micros = iv.Micros / usecPerHour * usecPerHour
	case IntervalMinute, IntervalHour | IntervalMinute, IntervalDay | IntervalHour | IntervalMinute:
		iv.Micros = iv.Micros / usecPerMin * usecPerMin
	}
	if prec == intervalFullPrec || prec >= maxTimePrec {
		return iv, nil
	}
	half := timeScale[prec] / 2
	if iv.Micros < 0 {
		half = -half
	}
	sum, ok := add64(iv.Micros, half)
	if half != 0 && !ok {
		return iv, errIntervalRange()
	}
	iv.Micros = sum - sum%timeScale[prec]
	return iv, nil
}
