package types

import (
	"strconv"
	"strings"
)

// Info is a type's row in pg_type, with its SQL name.
type Info struct {
	OID       OID
	Name      string // typname
	SQLName   string // as format_type prints it without a typmod
	Len       int16  // typlen: bytes, -1 variable, -2 C string
	ByVal     bool   // typbyval
	Category  byte   // typcategory
	Preferred bool   // typispreferred
	Kind      byte   // typtype: 'b' base, 'p' pseudo
	Align     byte   // typalign
	Storage   byte   // typstorage
	Elem      OID    // typelem
	Array     OID    // typarray
	Input     string // typinput
	Output    string // typoutput
	Receive   string // typreceive, "-" if none
	Send      string // typsend, "-" if none
	ModIn     string // typmodin, "" if none
	ModOut    string // typmodout, "" if none
}

// Infos returns the pg_type rows of all built-in types, ascending by OID. It must not be changed.
func Infos() []Info { return infos[:] }

var infoByOID = func() map[OID]*Info {
	m := make(map[OID]*Info, len(infos))
	for i := range infos {
		m[infos[i].OID] = &infos[i]
	}
	return m
}()

// InfoOf returns the pg_type row of a type, or nil.
func InfoOf(oid OID) *Info { return infoByOID[oid] }

// sqlAliases are the names a type has in SQL text besides its typname: the standard's spellings, which
// PostgreSQL's grammar knows, and the serial pseudo-types, which stand for the integer type beneath.
var sqlAliases = map[string]OID{
	"boolean": Bool, "smallint": Int2, "int": Int4, "integer": Int4, "bigint": Int8,
	"smallserial": Int2, "serial2": Int2, "serial": Int4, "serial4": Int4, "bigserial": Int8, "serial8": Int8,
	"real": Float4, "float": Float8, "double precision": Float8, "decimal": Numeric, "dec": Numeric,
	"character varying": Varchar, "char varying": Varchar, "national character varying": Varchar,
	"nchar varying": Varchar, "character": BPChar, "char": BPChar, "national character": BPChar, "nchar": BPChar,
	"timestamp with time zone": TimestampTZ, "timestamp without time zone": Timestamp,
	"time with time zone": TimeTZ, "time without time zone": Time,
	`"char"`: Char,
}

var oidByName = func() map[string]OID {
	m := make(map[string]OID, len(infos)+len(sqlAliases))
	for i := range infos {
		m[infos[i].Name] = infos[i].OID
	}
	for n, o := range sqlAliases {
		m[n] = o
	}
	return m
}()

// ByName finds a type by a name as written in SQL: lower case, words separated by one space, without a
// typmod: "int", "double precision", "timestamptz", "text[]", "pg_catalog.int4". The unquoted word char is
// character; `"char"` with its quotes is the one-byte type.
func ByName(name string) (OID, bool) {
	base := strings.TrimPrefix(name, "pg_catalog.")
	if elem, ok := strings.CutSuffix(base, "[]"); ok {
		for strings.HasSuffix(elem, "[]") {
			elem = strings.TrimSuffix(elem, "[]")
		}
		o, ok := ByName(strings.TrimSpace(elem))
		if !ok {
			return 0, false
		}
		return ArrayOf(o)
	}
	if len(base) != len(name) && base == "char" {
		return Char, true // pg_catalog.char names the type in the catalog
	}
	o, ok := oidByName[base]
	return o, ok
}

// ByTypName finds a type by pg_type.typname.
func ByTypName(name string) (OID, bool) {
	if name == "char" {
		return Char, true
	}
	o, ok := oidByName[name]
	if !ok || infoByOID[o].Name != name {
		return 0, false
	}
	return o, true
}

// ElemOf returns the element type of an array type. int2vector and oidvector count as arrays, name and
// other subscriptable non-arrays do not.
func ElemOf(oid OID) (OID, bool) {
	in := infoByOID[oid]
	if in == nil || in.Elem == 0 || in.Len != -1 {
		return 0, false
	}
	return in.Elem, true
}

// ArrayOf returns the array type over an element type.
func ArrayOf(oid OID) (OID, bool) {
	in := infoByOID[oid]
	if in == nil || in.Array == 0 {
		return 0, false
	}
	return in.Array, true
}

// IsArray reports whether values of the type use the array encoding.
func (o OID) IsArray() bool {
	_, ok := ElemOf(o)
	return ok
}

// String returns the type's SQL name without a typmod, as PostgreSQL's messages print it.
func (o OID) String() string {
	if in := infoByOID[o]; in != nil {
		return in.SQLName
	}
	return strconv.FormatUint(uint64(o), 10)
}

// TypName returns pg_type.typname.
func (o OID) TypName() string {
	if in := infoByOID[o]; in != nil {
		return in.Name
	}
	return strconv.FormatUint(uint64(o), 10)
}

// String is format_type(oid, typmod): the name to show a user, with the typmod.
func (t Type) String() string {
	if elem, ok := ElemOf(t.OID); ok && t.OID != Int2Vector && t.OID != OidVector {
		return Type{elem, t.Mod}.String() + "[]"
	}
	if t.Mod < 0 {
		if t.OID == BPChar {
			return "bpchar" // character alone would mean character(1)
		}
		return t.OID.String()
	}
	mod := TypmodOut(t)
	switch t.OID {
	case Time, Timestamp, TimeTZ, TimestampTZ:
		// The precision goes after the first word: timestamp(3) without time zone.
		word, rest, _ := strings.Cut(t.OID.String(), " ")
		return word + mod + " " + rest
	}
	return t.OID.String() + mod
}

// Size returns typlen.
func (t Type) Size() int16 {
	if in := infoByOID[t.OID]; in != nil {
		return in.Len
	}
	return -1
}
