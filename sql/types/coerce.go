package types

// The length coercions: what assigning to a column with a typmod does to a value of the same type. An
// explicit cast cuts strings silently.

// CoerceI64 applies t's typmod to an I64-class value.
func CoerceI64(t Type, v int64) int64 {
	if t.Mod < 0 {
		return v
	}
	switch t.OID {
	case Timestamp, TimestampTZ:
		return RoundTimestamp(v, t.Mod)
	case Time:
		return RoundTime(v, t.Mod)
	}
	return v
}

// AppendCoerced appends a Bytes-class value with t's typmod applied.
func AppendCoerced(dst []byte, t Type, b []byte, explicit bool) ([]byte, error) {
	if t.Mod < 0 {
		return append(dst, b...), nil
	}
	switch t.OID {
	case Varchar, BPChar:
		return AppendCharCoerced(dst, t, Str(b), explicit)
	case Numeric:
		return AppendNumericCoerced(dst, b, t.Mod)
	case Interval:
		iv, err := CoerceInterval(DecodeInterval(b), t.Mod)
		if err != nil {
			return dst, err
		}
		return AppendInterval(dst, iv), nil
	case TimeTZ:
		usec, west := DecodeTimeTZ(b)
		return AppendTimeTZValue(dst, RoundTime(usec, t.Mod), west), nil
	}
	if !t.OID.IsArray() {
		return append(dst, b...), nil
	}
	elem := t.elemType()
	r := ReadArray(elem, b)
	ab := NewArrayBuilder(elem)
	for r.Next() {
		switch {
		case r.Null:
			ab.AppendNull()
		case elem.Class() == I64:
			ab.AppendI64(CoerceI64(elem, r.I64))
		case elem.Class() == F64:
			ab.AppendF64(r.F64)
		default:
			v, err := AppendCoerced(nil, elem, r.Bytes, explicit)
			if err != nil {
				return dst, err
			}
			ab.AppendBytes(v)
		}
	}
	return ab.FinishDims(dst, r.Dims()), nil
}
