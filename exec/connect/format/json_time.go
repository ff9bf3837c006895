package format

import (
	"math"
	"strconv"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

const (
	// epochMicros is 1970-01-01 as a timestamp, which counts microseconds from 2000-01-01.
	epochMicros = -10957 * 24 * 3600 * 1_000_000
	// minTimestamp is PostgreSQL's first, 4714-11-24 BC. Its last is out of reach of an int64 counted from 1970.
	minTimestamp = -211813488000000000
)

// timestamp reads a timestamp with or without time zone: ISO text, or a count since 1970.
func (d *JSON) timestamp(c *column, b []byte, p int) int {
	if end := scanNumber(b, p); end > p {
		return d.epoch(c, b[p:end], p, end)
	}
	return d.general(c, b, p)
}

// epoch appends a count of units since 1970.
func (d *JSON) epoch(c *column, text []byte, p, end int) int {
	i, err := types.ParseInt(types.Str(text), types.Int8)
	switch {
	case err != nil:
		// A fraction or an exponent, or too large either way. A float64 holds microseconds until 2255.
		f, _ := strconv.ParseFloat(types.Str(text), 64)
		if f = math.Floor(f * d.unit); !(math.Abs(f) < math.MaxInt64) {
			return d.badValue(c, p, outOfRange(text))
		}
		i = int64(f)
	case d.unit < 1: // down, also before 1970: an instant belongs to the microsecond that holds it
		i = (i - (i%1000+1000)%1000) / 1000
	case i > math.MaxInt64/int64(d.unit) || i < math.MinInt64/int64(d.unit):
		return d.badValue(c, p, outOfRange(text))
	default:
		i *= int64(d.unit)
	}
	if i < minTimestamp-epochMicros {
		return d.badValue(c, p, outOfRange(text))
	}
	d.cols[c.index].AppendI64(types.RoundTimestamp(i+epochMicros, c.typ.Mod))
	return end
}

func outOfRange(text []byte) error {
	return pgerr.Newf(pgerr.DatetimeFieldOverflow, "timestamp out of range: \"%s\"", text)
}
