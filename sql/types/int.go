package types

import (
	"math"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
)

// ParseInt parses an int2, int4 or int8.
func ParseInt(in string, t OID) (int64, error) {
	s := trimSpace(in)
	neg := s != "" && s[0] == '-'
	if neg || s != "" && s[0] == '+' {
		s = s[1:]
	}
	if s == "" {
		return 0, errInput(t.String(), in)
	}
	var v uint64
	limit := uint64(math.MaxInt64)
	switch t {
	case Int2:
		limit = math.MaxInt16
	case Int4:
		limit = math.MaxInt32
	}
	if neg {
		limit++
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, errInput(t.String(), in)
		}
		// v <= limit <= 2^63, so v*10 may wrap: test first.
		d := uint64(s[i] - '0')
		if v > (limit-d)/10 {
			return 0, errRange(t.String(), in)
		}
		v = v*10 + d
	}
	if neg {
		return -int64(v), nil
	}
	return int64(v), nil
}

// parseOid parses an unsigned 32-bit number as strtoul does: a minus sign wraps around.
func parseOid(in, typ string) (int64, error) {
	s := trimSpace(in)
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange {
			return 0, errRange(typ, in)
		}
		return 0, errInput(typ, in)
	}
	if v > math.MaxUint32 || v < math.MinInt32 {
		return 0, errRange(typ, in)
	}
	return int64(uint32(v)), nil
}

// ParseBool parses a bool: any unambiguous beginning of true, false, yes, no, on, off; or 1, 0.
func ParseBool(in string) (int64, error) {
	s := trimSpace(in)
	isPrefix := func(word string, least int) bool {
		return len(s) >= least && len(s) <= len(word) && strings.EqualFold(s, word[:len(s)])
	}
	switch {
	case s == "1" || isPrefix("true", 1) || isPrefix("yes", 1) || isPrefix("on", 2):
		return 1, nil
	case s == "0" || isPrefix("false", 1) || isPrefix("no", 1) || isPrefix("off", 2):
		return 0, nil
	}
	return 0, errInput("boolean", in)
}

// FloatToInt converts a float to Int2, Int4 or Int8, rounding half to even.
func FloatToInt(f float64, t OID) (int64, error) {
	r := math.RoundToEven(f)
	// The bounds are exact powers of two; NaN fails both tests.
	var lim float64
	switch t {
	case Int2:
		lim = 1 << 15
	case Int4:
		lim = 1 << 31
	default:
		lim = 1 << 63
	}
	if !(r >= -lim && r < lim) {
		return 0, ErrIntRange(t)
	}
	return int64(r), nil
}

// NarrowInt checks that v fits the integer type t.
func NarrowInt(v int64, t OID) (int64, error) {
	if !intFits(v, t) {
		return 0, ErrIntRange(t)
	}
	return v, nil
}

func appendReg(dst []byte, t OID, v OID, env *Env) []byte {
	if v == 0 {
		return append(dst, '-')
	}
	if env != nil && env.Reg != nil {
		if out, ok := env.Reg.AppendRegName(dst, t, v); ok {
			return out
		}
	} else if in := InfoOf(v); t == RegType && in != nil {
		return append(dst, in.SQLName...)
	}
	return strconv.AppendUint(dst, uint64(v), 10)
}

func parseReg(t OID, s string, env *Env) (int64, error) {
	if s == "-" {
		return 0, nil
	}
	if s != "" && strings.Trim(s, "0123456789") == "" {
		return parseOid(s, "oid")
	}
	if env != nil && env.Reg != nil {
		o, err := env.Reg.RegLookup(t, s)
		return int64(o), err
	}
	if t == RegType {
		if o, ok := ByName(strings.ToLower(trimSpace(s))); ok {
			return int64(o), nil
		}
		return 0, pgerr.Newf(pgerr.UndefinedObject, `type "%s" does not exist`, s)
	}
	return 0, pgerr.Newf(pgerr.FeatureNotSupported, "names of type %s need a catalog", t)
}
