package types

import (
	"encoding/binary"
	"math"

	"github.com/millracedb/millrace/sql/pgerr"
)

// The binary formats are those of PostgreSQL's send and receive functions. A value is written without its
// length word; the caller puts that before it.

// AppendI64Binary appends the wire form of an I64-class value.
func AppendI64Binary(dst []byte, t Type, v int64) []byte {
	switch t.OID {
	case Bool:
		return append(dst, byte(v&1))
	case Char:
		return append(dst, byte(v))
	case Int2:
		return binary.BigEndian.AppendUint16(dst, uint16(v))
	case Int8, Time, Timestamp, TimestampTZ:
		return binary.BigEndian.AppendUint64(dst, uint64(v))
	}
	return binary.BigEndian.AppendUint32(dst, uint32(v)) // int4, date, oid, reg*
}

// AppendF64Binary appends the wire form of an F64-class value.
func AppendF64Binary(dst []byte, t Type, f float64) []byte {
	if f != f {
		f = nan()
	}
	if t.OID == Float4 {
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(f)))
	}
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(f))
}

// AppendBytesBinary appends the wire form of a Bytes-class value.
func AppendBytesBinary(dst []byte, t Type, b []byte) []byte {
	switch t.OID {
	case Numeric:
		return appendNumericBinary(dst, b)
	case Interval:
		iv := DecodeInterval(b)
		dst = binary.BigEndian.AppendUint64(dst, uint64(iv.Micros))
		dst = binary.BigEndian.AppendUint32(dst, uint32(iv.Days))
		return binary.BigEndian.AppendUint32(dst, uint32(iv.Months))
	case TimeTZ:
		usec, west := DecodeTimeTZ(b)
		dst = binary.BigEndian.AppendUint64(dst, uint64(usec))
		return binary.BigEndian.AppendUint32(dst, uint32(int32(west)))
	case JSONB:
		return append(append(dst, 1), b...)
	case Record:
		return appendRecordBinary(dst, b)
	case Tid:
		return appendTidBinary(dst, b)
	}
	if t.OID.IsArray() {
		return appendArrayBinary(dst, t, b)
	}
	return append(dst, b...)
}

func errBinary(t OID) error {
	return pgerr.Newf(pgerr.InvalidBinaryRepr, "incorrect binary data format for type %s", t)
}

// errMsgEnd is what reading past the end of a value gives in PostgreSQL.
func errMsgEnd() error {
	return pgerr.New(pgerr.ProtocolViolation, "insufficient data left in message")
}

// checkLen compares a fixed-size value's length: too short is a protocol violation, too long a bad format,
// as the parameter's reader and its caller tell them apart.
func checkLen(t OID, b []byte, n int) error {
	switch {
	case len(b) < n:
		return errMsgEnd()
	case len(b) > n:
		return errBinary(t)
	}
	return nil
}

// ParseI64Binary parses the wire form of an I64-class value.
func ParseI64Binary(t Type, b []byte) (int64, error) {
	n := 4
	switch t.OID {
	case Bool, Char:
		n = 1
	case Int2:
		n = 2
	case Int8, Time, Timestamp, TimestampTZ:
		n = 8
	}
	if err := checkLen(t.OID, b, n); err != nil {
		return 0, err
	}
	switch n {
	case 1:
		if t.OID == Bool && b[0] != 0 {
			return 1, nil
		}
		return int64(b[0]), nil
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b))), nil
	case 4:
		v := binary.BigEndian.Uint32(b)
		switch t.OID {
		case Int4:
			return int64(int32(v)), nil
		case Date:
			d := int64(int32(v))
			if !isInfDate(d) && !validDate(d) {
				return 0, pgerr.New(pgerr.DatetimeFieldOverflow, "date out of range")
			}
			return d, nil
		}
		return int64(v), nil
	}
	v := int64(binary.BigEndian.Uint64(b))
	switch t.OID {
	case Timestamp, TimestampTZ:
		if !isInf(v) && !validTimestamp(v) {
			return 0, errTimestampRange()
		}
		return RoundTimestamp(v, t.Mod), nil
	case Time:
		if v < 0 || v > usecPerDay {
			return 0, errTimeRange()
		}
		return RoundTime(v, t.Mod), nil
	}
	return v, nil
}

// ParseF64Binary parses the wire form of an F64-class value.
func ParseF64Binary(t Type, b []byte) (float64, error) {
	if t.OID == Float4 {
		if err := checkLen(t.OID, b, 4); err != nil {
			return 0, err
		}
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b))), nil
	}
	if err := checkLen(t.OID, b, 8); err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

// AppendParsedBytesBinary parses the wire form of a Bytes-class value and appends the value. On error dst is
// returned as it was.
func AppendParsedBytesBinary(dst []byte, t Type, b []byte) ([]byte, error) {
	n := len(dst)
	out, err := appendParsedBinary(dst, t, b)
	if err != nil {
		return dst[:n], err
	}
	return out, nil
}

func appendParsedBinary(dst []byte, t Type, b []byte) ([]byte, error) {
	switch t.OID {
	case Bytea:
		return append(dst, b...), nil
	case UUID:
		if err := checkLen(t.OID, b, 16); err != nil {
			return dst, err
		}
		return append(dst, b...), nil
	case Numeric:
		return appendNumericFromBinary(dst, b, t.Mod)
	case Interval:
		if err := checkLen(t.OID, b, 16); err != nil {
			return dst, err
		}
		iv := IntervalValue{
			Micros: int64(binary.BigEndian.Uint64(b)),
			Days:   int32(binary.BigEndian.Uint32(b[8:])),
			Months: int32(binary.BigEndian.Uint32(b[12:])),
		}
		iv, err := CoerceInterval(iv, t.Mod)
		return AppendInterval(dst, iv), err
	case TimeTZ:
		if err := checkLen(t.OID, b, 12); err != nil {
			return dst, err
		}
		usec, west := int64(binary.BigEndian.Uint64(b)), int(int32(binary.BigEndian.Uint32(b[8:])))
		if usec < 0 || usec > usecPerDay {
			return dst, errTimeRange()
		}
		if west <= -16*3600 || west >= 16*3600 {
			return dst, pgerr.New(invalidZoneDisplacement, "time zone displacement out of range")
		}
		return AppendTimeTZValue(dst, RoundTime(usec, t.Mod), west), nil
	case JSONB:
		if len(b) == 0 {
			return dst, errMsgEnd()
		}
		if b[0] != 1 {
			return dst, pgerr.Newf(pgerr.Internal, "unsupported jsonb version number %d", b[0])
		}
		if err := ValidateUTF8(Str(b[1:])); err != nil {
			return dst, err
		}
		return AppendParsedJSONB(dst, Str(b[1:]))
	case Record, Void:
		return dst, pgerr.Newf(pgerr.FeatureNotSupported, "input of anonymous composite types is not implemented")
	case Tid:
		return appendTidFromBinary(dst, b)
	}
	if t.OID.IsArray() {
		return appendArrayFromBinary(dst, t, b)
	}
	// The rest are strings, whose wire form is their text.
	if err := ValidateUTF8(Str(b)); err != nil {
		return dst, err
	}
	if t.OID == Name && len(b) > maxNameLen {
		return dst, pgerr.New(pgerr.NameTooLong, "identifier too long").
			WithDetail("Identifier must be less than %d characters.", maxNameLen+1)
	}
	return appendParsedBytes(dst, t, Str(b), nil)
}

const (
	numWireNeg  = 0x4000
	numWireNaN  = 0xC000
	numWirePInf = 0xD000
	numWireNInf = 0xF000
)

// appendNumericBinary writes ndigits, weight, sign, dscale and base-10000 digits.
func appendNumericBinary(dst, b []byte) []byte {
	put := func(vs ...uint16) {
		for _, v := range vs {
			dst = binary.BigEndian.AppendUint16(dst, v)
		}
	}
	switch numSpecial(b) {
	case numNaN:
		put(0, 0, numWireNaN, 0)
		return dst
	case numPInf:
		put(0, 0, numWirePInf, 0x20)
		return dst
	case numNInf:
		put(0, 0, numWireNInf, 0x20)
		return dst
	}
	scale, _ := NumericScale(b)
	var buf [64]byte
	text := AppendNumericText(buf[:0], b)
	sign := uint16(0)
	if text[0] == '-' {
		sign = numWireNeg
		text = text[1:]
	}
	whole, frac := text, []byte(nil)
	if scale > 0 {
		whole, frac = text[:len(text)-scale-1], text[len(text)-scale:]
	}
	at := len(dst)
	put(0, 0, sign, uint16(scale))
	// Groups of four digits around the point; leading and trailing zero groups are left out.
	groups := (len(whole) + 3) / 4
	weight := groups - 1
	n, last := 0, 0
	for g := range groups + (len(frac)+3)/4 {
		v := digitGroup(whole, frac, g, groups)
		if v == 0 && n == 0 {
			weight--
			continue
		}
		dst = binary.BigEndian.AppendUint16(dst, v)
		n++
		if v != 0 {
			last = n
		}
	}
	if last == 0 {
		weight = 0
	}
	dst = dst[:at+8+2*last]
	binary.BigEndian.PutUint16(dst[at:], uint16(last))
	binary.BigEndian.PutUint16(dst[at+2:], uint16(int16(weight)))
	return dst
}

// digitGroup is the g-th group of four digits from the left, of which the first groups lie before the point.
func digitGroup(whole, frac []byte, g, groups int) (v uint16) {
	if g < groups {
		end := len(whole) - 4*(groups-1-g)
		for _, c := range whole[max(end-4, 0):end] {
			v = v*10 + uint16(c-'0')
		}
		return v
	}
	from := 4 * (g - groups)
	for i := from; i < from+4; i++ {
		v *= 10
		if i < len(frac) {
			v += uint16(frac[i] - '0')
		}
	}
	return v
}

func appendNumericFromBinary(dst, b []byte, mod int32) ([]byte, error) {
	if len(b) < 8 {
		return dst, errMsgEnd()
	}
	n := int(binary.BigEndian.Uint16(b))
	weight := int(int16(binary.BigEndian.Uint16(b[2:])))
	sign := binary.BigEndian.Uint16(b[4:])
	scale := int(binary.BigEndian.Uint16(b[6:]))
	invalid := func(what string) error {
		return pgerr.Newf(pgerr.InvalidBinaryRepr, `invalid %s in external "numeric" value`, what)
	}
	if len(b) < 8+2*n {
		return dst, errMsgEnd()
	}
	if sign != 0 && sign != numWireNeg && sign != numWireNaN && sign != numWirePInf && sign != numWireNInf {
		return dst, invalid("sign")
	}
	if scale > numMaxDscale {
		return dst, invalid("scale")
	}
	for i := range n {
		if binary.BigEndian.Uint16(b[8+2*i:]) >= 10000 {
			return dst, invalid("digit")
		}
	}
	if len(b) > 8+2*n {
		return dst, errBinary(Numeric)
	}
	at := len(dst)
	switch sign {
	case numWireNaN:
		dst = append(dst, numNaN)
	case numWirePInf:
		dst = append(dst, numPInf)
	case numWireNInf:
		dst = append(dst, numNInf)
	default:
		var err error
		if dst, err = appendNumericDigits(dst, b[8:], weight, sign == numWireNeg, scale); err != nil {
			return dst, err
		}
	}
	if mod < 0 {
		return dst, nil
	}
	return coerceNumericTail(dst, at, mod)
}

// appendNumericDigits makes a numeric of base-10000 digits; digits beyond the scale are cut.
func appendNumericDigits(dst, digits []byte, weight int, neg bool, scale int) ([]byte, error) {
	n := len(digits) / 2
	// value = sum digit[i] * 10000^(weight-i), built as an integer of scale 4*(n-1-weight).
	var buf [72]byte
	text := buf[:0]
	for i := range n {
		text = appendUint(text, uint64(binary.BigEndian.Uint16(digits[2*i:])), 4)
	}
	have := 4 * (n - 1 - weight)
	if n == 0 {
		have = 0
	}
	for ; have < scale; have++ {
		if len(text) == 0 {
			break
		}
		text = append(text, '0')
	}
	if cut := have - scale; cut > 0 {
		text = text[:max(len(text)-cut, 0)]
	}
	for len(text) > 0 && text[0] == '0' {
		text = text[1:]
	}
	if len(text) <= 19 && scale < 256 {
		var mag uint64
		for _, c := range text {
			mag = mag*10 + uint64(c-'0')
		}
		return appendSmall(dst, neg, mag, scale), nil
	}
	return appendDigits(dst, string(text), neg, -scale, scale)
}
