package types

import (
	"fmt"
	"strconv"

	"github.com/millracedb/millrace/sql/pgerr"
)

// varHeader is what PostgreSQL adds to the typmods of variable-length types (VARHDRSZ).
const varHeader = 4

const (
	maxCharLen       = 10485760 // MaxAttrSize: the largest n of char(n) and varchar(n)
	maxNumericPrec   = 1000
	maxTimePrec      = 6
	intervalFullPrec = 0xFFFF
	// IntervalFullRange is the fields mask of an interval type without a restriction.
	IntervalFullRange = 0x7FFF
)

// Bits of the field mask in an interval typmod: PostgreSQL's INTERVAL_MASK.
const (
	IntervalMonth  = 1 << 1
	IntervalYear   = 1 << 2
	IntervalDay    = 1 << 3
	IntervalHour   = 1 << 10
	IntervalMinute = 1 << 11
	IntervalSecond = 1 << 12
)

// TypmodIn turns the modifiers written after a type's name into a typmod. For interval they are the field
// mask and, optionally, the precision.
func TypmodIn(oid OID, mods []int32) (int32, error) {
	if elem, ok := ElemOf(oid); ok {
		oid = elem
	}
	if len(mods) == 0 {
		if oid == BPChar {
			return 1 + varHeader, nil // character is character(1)
		}
		return -1, nil
	}
	switch oid {
	case Varchar, BPChar:
		return charTypmod(oid, mods)
	case Numeric:
		return numericTypmod(mods)
	case Time, TimeTZ, Timestamp, TimestampTZ:
		if len(mods) != 1 {
			return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid type modifier")
		}
		return timeTypmod(oid, mods[0])
	case Interval:
		return intervalTypmod(mods)
	}
	return 0, pgerr.Newf(pgerr.SyntaxError, `type modifier is not allowed for type "%s"`, oid.TypName())
}

func charTypmod(oid OID, mods []int32) (int32, error) {
	name := oid.TypName()
	if oid == BPChar {
		name = "char"
	}
	if len(mods) != 1 {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid type modifier")
	}
	if mods[0] < 1 {
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "length for type %s must be at least 1", name)
	}
	if mods[0] > maxCharLen {
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "length for type %s cannot exceed %d", name, maxCharLen)
	}
	return mods[0] + varHeader, nil
}

func numericTypmod(mods []int32) (int32, error) {
	if len(mods) > 2 {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid NUMERIC type modifier")
	}
	p := mods[0]
	if p < 1 || p > maxNumericPrec {
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "NUMERIC precision %d must be between 1 and %d", p, maxNumericPrec)
	}
	var s int32
	if len(mods) == 2 {
		if s = mods[1]; s < -maxNumericPrec || s > maxNumericPrec {
			return 0, pgerr.Newf(pgerr.InvalidParameterValue, "NUMERIC scale %d must be between %d and %d",
				s, -maxNumericPrec, maxNumericPrec)
		}
	}
	return NumericTypmod(p, s), nil
}

// NumericTypmod packs a precision and a scale.
func NumericTypmod(precision, scale int32) int32 { return precision<<16 | scale&0x7ff + varHeader }

// NumericPrecScale unpacks a numeric typmod; ok is false for "none".
func NumericPrecScale(mod int32) (precision, scale int32, ok bool) {
	if mod < varHeader {
		return 0, 0, false
	}
	mod -= varHeader
	return mod >> 16 & 0xffff, (mod&0x7ff ^ 1024) - 1024, true
}

func timeTypmod(oid OID, p int32) (int32, error) {
	name := "TIMESTAMP"
	if oid == Time || oid == TimeTZ {
		name = "TIME"
	}
	tz := ""
	if oid == TimeTZ || oid == TimestampTZ {
		tz = " WITH TIME ZONE"
	}
	if p < 0 {
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "%s(%d)%s precision must not be negative", name, p, tz)
	}
	// A larger precision is cut with a warning in PostgreSQL; the type is the same.
	return min(p, maxTimePrec), nil
}

func intervalTypmod(mods []int32) (int32, error) {
	if len(mods) > 2 {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid INTERVAL type modifier")
	}
	if !validIntervalRange(mods[0]) {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid INTERVAL type modifier")
	}
	if len(mods) == 1 {
		if mods[0] == IntervalFullRange {
			return -1, nil
		}
		return IntervalTypmod(intervalFullPrec, mods[0]), nil
	}
	if mods[1] < 0 {
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "INTERVAL(%d) precision must not be negative", mods[1])
	}
	return IntervalTypmod(min(mods[1], maxTimePrec), mods[0]), nil
}

func validIntervalRange(r int32) bool { return intervalRangeName(r) != "" || r == IntervalFullRange }

// IntervalTypmod packs a precision (0xFFFF: full) and a field mask.
func IntervalTypmod(precision, fields int32) int32 {
	return fields&0x7FFF<<16 | precision&0xFFFF
}

func intervalModParts(mod int32) (precision, fields int32) {
	if mod < 0 {
		return intervalFullPrec, IntervalFullRange
	}
	return mod & 0xFFFF, mod >> 16 & 0x7FFF
}

func intervalRangeName(r int32) string {
	switch r {
	case IntervalYear:
		return " year"
	case IntervalMonth:
		return " month"
	case IntervalDay:
		return " day"
	case IntervalHour:
		return " hour"
	case IntervalMinute:
		return " minute"
	case IntervalSecond:
		return " second"
	case IntervalYear | IntervalMonth:
		return " year to month"
	case IntervalDay | IntervalHour:
		return " day to hour"
	case IntervalDay | IntervalHour | IntervalMinute:
		return " day to minute"
	case IntervalDay | IntervalHour | IntervalMinute | IntervalSecond:
		return " day to second"
	case IntervalHour | IntervalMinute:
		return " hour to minute"
	case IntervalHour | IntervalMinute | IntervalSecond:
		return " hour to second"
	case IntervalMinute | IntervalSecond:
		return " minute to second"
	}
	return ""
}

// TypmodOut prints a typmod as format_type shows it: "(10,2)". For time types it is the precision alone.
func TypmodOut(t Type) string {
	if t.Mod < 0 {
		return ""
	}
	switch t.OID {
	case Varchar, BPChar:
		if t.Mod > varHeader {
			return "(" + strconv.Itoa(int(t.Mod-varHeader)) + ")"
		}
	case Numeric:
		if p, s, ok := NumericPrecScale(t.Mod); ok {
			return fmt.Sprintf("(%d,%d)", p, s)
		}
	case Time, TimeTZ, Timestamp, TimestampTZ:
		return "(" + strconv.Itoa(int(t.Mod)) + ")"
	case Interval:
		p, r := intervalModParts(t.Mod)
		s := intervalRangeName(r)
		if p != intervalFullPrec {
			s += "(" + strconv.Itoa(int(p)) + ")"
		}
		return s
	}
	return ""
}
