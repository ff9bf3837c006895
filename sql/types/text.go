package types

import (
	"strconv"

	"github.com/millracedb/millrace/sql/pgerr"
)

// AppendI64Text appends the text of an I64-class value.
func AppendI64Text(dst []byte, t Type, v int64, env *Env) []byte {
	switch t.OID {
	case Int4, Int8, Int2:
		return strconv.AppendInt(dst, v, 10)
	case Bool:
		if v != 0 {
			return append(dst, 't')
		}
		return append(dst, 'f')
	case Timestamp:
		return AppendTimestamp(dst, v)
	case TimestampTZ:
		return AppendTimestampTZ(dst, v, env.loc())
	case Date:
		return AppendDate(dst, v)
	case Time:
		return AppendTime(dst, v)
	case Char:
		if v == 0 {
			return dst
		}
		return append(dst, byte(v))
	case Oid, Xid, Cid:
		return strconv.AppendUint(dst, uint64(uint32(v)), 10)
	}
	return appendReg(dst, t.OID, OID(uint32(v)), env)
}

// AppendF64Text appends the text of an F64-class value.
func AppendF64Text(dst []byte, t Type, v float64) []byte {
	if t.OID == Float4 {
		return appendFloat(dst, v, 32)
	}
	return appendFloat(dst, v, 64)
}

// AppendBytesText appends the text of a Bytes-class value.
func AppendBytesText(dst []byte, t Type, b []byte, env *Env) []byte {
	switch t.OID {
	case Text, Varchar, BPChar, Name, JSON, JSONB, Unknown, Cstring, PgNodeTree, AclItem, Tid:
		return append(dst, b...)
	case Numeric:
		return AppendNumericText(dst, b)
	case Bytea:
		return AppendByteaText(dst, b)
	case UUID:
		return AppendUUIDText(dst, b)
	case Interval:
		return AppendIntervalText(dst, DecodeInterval(b))
	case TimeTZ:
		return AppendTimeTZ(dst, b)
	case Record:
		return appendRecordText(dst, b, env)
	case Void:
		return dst
	}
	if t.OID.IsArray() {
		return AppendArrayText(dst, t, b, env)
	}
	return append(dst, b...)
}

// ParseI64 parses the text of an I64-class value, as the type's input function with t's typmod does.
func ParseI64(t Type, s string, env *Env) (int64, error) {
	switch t.OID {
	case Int2, Int4, Int8:
		return ParseInt(s, t.OID)
	case Bool:
		return ParseBool(s)
	case Timestamp:
		return ParseTimestamp(s, t.Mod, env)
	case TimestampTZ:
		return ParseTimestampTZ(s, t.Mod, env)
	case Date:
		return ParseDate(s, env)
	case Time:
		return ParseTime(s, t.Mod, env)
	case Char:
		if s == "" {
			return 0, nil
		}
		return int64(s[0]), nil
	case Oid, Xid, Cid:
		return parseOid(s, t.OID.String())
	}
	return parseReg(t.OID, s, env)
}

// ParseF64 parses the text of an F64-class value.
func ParseF64(t Type, s string) (float64, error) {
	if t.OID == Float4 {
		return parseFloat(s, 32)
	}
	return parseFloat(s, 64)
}

// AppendParsedBytes parses the text of a Bytes-class value, as the type's input function with t's typmod
// does, and appends the value. On error dst is returned as it was.
func AppendParsedBytes(dst []byte, t Type, s string, env *Env) ([]byte, error) {
	n := len(dst)
	out, err := appendParsedBytes(dst, t, s, env)
	if err != nil {
		return dst[:n], err
	}
	return out, nil
}

func appendParsedBytes(dst []byte, t Type, s string, env *Env) ([]byte, error) {
	switch t.OID {
	case Text, Unknown, Cstring:
		return append(dst, s...), nil
	case Varchar, BPChar:
		return AppendCharCoerced(dst, t, s, false)
	case Name:
		return append(dst, TruncateName(s)...), nil
	case Numeric:
		return AppendParsedNumeric(dst, s, t.Mod)
	case JSON:
		if err := ValidateJSON(s); err != nil {
			return dst, err
		}
		return append(dst, s...), nil
	case JSONB:
		return AppendParsedJSONB(dst, s)
	case Bytea:
		return AppendParsedBytea(dst, s)
	case UUID:
		return AppendParsedUUID(dst, s)
	case Interval:
		iv, err := ParseInterval(s, t.Mod)
		if err != nil {
			return dst, err
		}
		return AppendInterval(dst, iv), nil
	case TimeTZ:
		return AppendParsedTimeTZ(dst, s, t.Mod, env)
	case Void:
		return dst, nil
	case Tid:
		return appendParsedTid(dst, s)
	}
	if t.OID.IsArray() {
		return AppendParsedArray(dst, t, s, env)
	}
	in := InfoOf(t.OID)
	if in == nil {
		return dst, pgerr.Newf(pgerr.UndefinedObject, "type with OID %d does not exist", t.OID)
	}
	switch {
	case t.OID == Record:
		return dst, pgerr.New(pgerr.FeatureNotSupported, "input of anonymous composite types is not implemented")
	case in.Kind == 'p' || t.OID == PgNodeTree || t.OID == AclItem:
		return dst, pgerr.Newf(pgerr.FeatureNotSupported, "cannot accept a value of type %s", in.SQLName)
	}
	return append(dst, s...), nil
}

// AppendText appends the text of a value that lies in whichever of the three slots its class names: for
// callers that handle one value at a time and of any type.
func AppendText(dst []byte, t Type, i int64, f float64, b []byte, env *Env) []byte {
	switch t.Class() {
	case I64:
		return AppendI64Text(dst, t, i, env)
	case F64:
		return AppendF64Text(dst, t, f)
	}
	return AppendBytesText(dst, t, b, env)
}
