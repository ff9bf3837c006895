package types

import (
	"time"
	"unsafe"

	"github.com/millracedb/millrace/sql/pgerr"
)

// Env is what text conversion depends on besides the value: the session's settings and the statement's
// time. A nil *Env means UTC, month before day, and 2000-01-01 as the present.
type Env struct {
	TimeZone *time.Location // nil: UTC
	Order    DateOrder      // the second word of DateStyle
	Now      int64          // transaction time, as a timestamptz: what 'now' and 'today' mean
	Reg      RegNames       // names for reg* types; nil: numbers, and the names of built-in types
}

// DateOrder says how 1/2/2003 is read.
type DateOrder uint8

// The date orders of DateStyle.
const (
	MDY DateOrder = iota
	DMY
	YMD
)

// RegNames resolves the names behind reg* values; the catalog provides it.
type RegNames interface {
	// AppendRegName appends the name of the object v as type t shows it; false if there is none.
	AppendRegName(dst []byte, t OID, v OID) ([]byte, bool)
	// RegLookup finds the object called name, or returns PostgreSQL's error for its absence.
	RegLookup(t OID, name string) (OID, error)
}

func (e *Env) loc() *time.Location {
	if e == nil || e.TimeZone == nil {
		return time.UTC
	}
	return e.TimeZone
}

func (e *Env) now() int64 {
	if e == nil {
		return 0
	}
	return e.Now
}

func (e *Env) order() DateOrder {
	if e == nil {
		return MDY
	}
	return e.Order
}

// Str returns b as a string that shares its memory: for parsing bytes in place. It is valid as long as b is
// unchanged.
func Str(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func errInput(typ, s string) error {
	return pgerr.Newf(pgerr.InvalidTextRepresentation, `invalid input syntax for type %s: "%s"`, typ, s)
}

func errRange(typ, s string) error {
	return pgerr.Newf(pgerr.NumericValueOutOfRange, `value "%s" is out of range for type %s`, s, typ)
}

// isSpace is C's isspace in the C locale.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func trimSpace(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}
