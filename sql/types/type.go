package types

// OID is a PostgreSQL object id. For a built-in type it is PostgreSQL's own number, so that drivers
// recognise it.
type OID uint32

// The types Millrace knows. Values and typmods are PostgreSQL's (pg_type.dat).
const (
	Bool         OID = 16
	Bytea        OID = 17
	Char         OID = 18 // "char", one byte
	Name         OID = 19
	Int8         OID = 20
	Int2         OID = 21
	Int2Vector   OID = 22
	Int4         OID = 23
	RegProc      OID = 24
	Text         OID = 25
	Oid          OID = 26
	Tid          OID = 27
	Xid          OID = 28
	Cid          OID = 29
	OidVector    OID = 30
	JSON         OID = 114
	PgNodeTree   OID = 194
	Float4       OID = 700
	Float8       OID = 701
	Unknown      OID = 705 // an untyped literal or parameter before resolution
	AclItem      OID = 1033
	BPChar       OID = 1042
	Varchar      OID = 1043
	Date         OID = 1082
	Time         OID = 1083
	Timestamp    OID = 1114
	TimestampTZ  OID = 1184
	Interval     OID = 1186
	TimeTZ       OID = 1266
	Numeric      OID = 1700
	RegProcedure OID = 2202
	RegOper      OID = 2203
	RegOperator  OID = 2204
	RegClass     OID = 2205
	RegType      OID = 2206
	RegRole      OID = 4096
	RegNamespace OID = 4089
	RegCollation OID = 4191
	Record       OID = 2249
	Void         OID = 2278
	UUID         OID = 2950
	JSONB        OID = 3802

	// Pseudo-types: they appear in function signatures only.
	Any           OID = 2276
	AnyArray      OID = 2277
	AnyElement    OID = 2283
	AnyNonArray   OID = 2776
	AnyCompatible OID = 5077

	AnyCompatibleArray    OID = 5078
	AnyCompatibleNonArray OID = 5079
	Cstring               OID = 2275
	Internal              OID = 2281
	Trigger               OID = 2279

	BoolArray        OID = 1000
	ByteaArray       OID = 1001
	CharArray        OID = 1002
	NameArray        OID = 1003
	Int2Array        OID = 1005
	Int4Array        OID = 1007
	TextArray        OID = 1009
	BPCharArray      OID = 1014
	VarcharArray     OID = 1015
	Int8Array        OID = 1016
	Float4Array      OID = 1021
	Float8Array      OID = 1022
	OidArray         OID = 1028
	AclItemArray     OID = 1034
	TimestampArray   OID = 1115
	DateArray        OID = 1182
	TimeArray        OID = 1183
	TimestampTZArray OID = 1185
	IntervalArray    OID = 1187
	NumericArray     OID = 1231
	JSONArray        OID = 199
	RegTypeArray     OID = 2211
	RegClassArray    OID = 2210
	RegProcArray     OID = 1008
	UUIDArray        OID = 2951
	JSONBArray       OID = 3807
	RecordArray      OID = 2287

	TidArray          OID = 1010
	XidArray          OID = 1011
	CidArray          OID = 1012
	Int2VectorArray   OID = 1006
	OidVectorArray    OID = 1013
	CstringArray      OID = 1263
	TimeTZArray       OID = 1270
	RegProcedureArray OID = 2207
	RegOperArray      OID = 2208
	RegOperatorArray  OID = 2209
	RegNamespaceArray OID = 4090
	RegRoleArray      OID = 4097
	RegCollationArray OID = 4192
)

// Type is a column type: an OID and PostgreSQL's typmod (atttypmod: varchar(n) is n+4, numeric(p,s) is
// (p<<16|s)+4, interval and time precision as PostgreSQL encodes them; -1 is "none"). It is comparable.
type Type struct {
	OID OID
	Mod int32
}

// T returns the type with the given OID and no typmod.
func T(oid OID) Type { return Type{OID: oid, Mod: -1} }

// Class is how the values of a type are laid out in a column vector (package vec), in state and in the
// log. There are three; a type's class never changes, since it is part of the data format.
type Class uint8

const (
	// I64: one int64 a value. bool 0/1; int2/4/8; oid, xid, reg*; "char" its byte; date as days since
	// 2000-01-01; time, timestamp and timestamptz as microseconds (since midnight, since 2000-01-01, since
	// 2000-01-01 UTC), PostgreSQL's own representations, infinities as PostgreSQL's extremes.
	I64 Class = iota
	// F64: one float64 a value. float4 is kept rounded to float32.
	F64
	// Bytes: a byte string in an arena. text, varchar, bpchar (blank-padded), name, json: the UTF-8 text;
	// bytea: the bytes; jsonb: its canonical text (PostgreSQL's jsonb output); uuid: 16 bytes; interval:
	// 16 bytes (see Interval's codec); numeric and arrays: the encodings of this package.
	Bytes
)

// Class returns the layout class of the type.
func (t Type) Class() Class {
	switch t.OID {
	case Bool, Int2, Int4, Int8, Char, Oid, Xid, Cid, Date, Time, Timestamp, TimestampTZ,
		RegProc, RegProcedure, RegOper, RegOperator, RegClass, RegType, RegRole, RegNamespace, RegCollation:
		return I64
	case Float4, Float8:
		return F64
	}
	return Bytes
}
