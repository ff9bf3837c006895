package pgwire

import (
	"bytes"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// parseValue appends the value whose text or binary form is s to a column. s is valid for the call only.
type parseValue func(v *vec.Vec, s []byte, env *types.Env) error

// textParser chooses the code that reads a column's text once, so that a row costs one indirect call a value.
func textParser(t types.Type) parseValue {
	switch t.OID {
	case types.Int2, types.Int4, types.Int8:
		return func(v *vec.Vec, s []byte, env *types.Env) error { return parseInt(t, v, s) }
	case types.Text:
		return func(v *vec.Vec, s []byte, _ *types.Env) error {
			v.AppendBytes(s)
			return nil
		}
	}
	switch t.Class() {
	case types.I64:
		return func(v *vec.Vec, s []byte, env *types.Env) error {
			x, err := types.ParseI64(t, types.Str(s), env)
			if err == nil {
				v.AppendI64(x)
			}
			return err
		}
	case types.F64:
		return func(v *vec.Vec, s []byte, _ *types.Env) error {
			x, err := types.ParseF64(t, types.Str(s))
			if err == nil {
				v.AppendF64(x)
			}
			return err
		}
	}
	return func(v *vec.Vec, s []byte, env *types.Env) (err error) {
		v.Buf, err = types.AppendParsedBytes(v.Buf, t, types.Str(s), env)
		if err == nil {
			v.FinishBytes()
		}
		return err
	}
}

// parseInt reads plain digits; anything else is for types.ParseInt.
func parseInt(t types.Type, v *vec.Vec, s []byte) error {
	d := s
	neg := len(d) > 1 && d[0] == '-'
	if neg {
		d = d[1:]
	}
	limit := 18
	switch t.OID {
	case types.Int4:
		limit = 9
	case types.Int2:
		limit = 4
	}
	if len(d) == 0 || len(d) > limit {
		return parseAnyInt(t, v, s)
	}
	var x int64
	for _, c := range d {
		c -= '0'
		if c > 9 {
			return parseAnyInt(t, v, s)
		}
		x = x*10 + int64(c)
	}
	if neg {
		x = -x
	}
	v.AppendI64(x)
	return nil
}

func parseAnyInt(t types.Type, v *vec.Vec, s []byte) error {
	x, err := types.ParseInt(types.Str(s), t.OID)
	if err == nil {
		v.AppendI64(x)
	}
	return err
}

// binaryParser is textParser for the binary form.
func binaryParser(t types.Type) parseValue {
	switch t.Class() {
	case types.I64:
		return func(v *vec.Vec, s []byte, _ *types.Env) error {
			x, err := types.ParseI64Binary(t, s)
			if err == nil {
				v.AppendI64(x)
			}
			return err
		}
	case types.F64:
		return func(v *vec.Vec, s []byte, _ *types.Env) error {
			x, err := types.ParseF64Binary(t, s)
			if err == nil {
				v.AppendF64(x)
			}
			return err
		}
	}
	return func(v *vec.Vec, s []byte, _ *types.Env) (err error) {
		v.Buf, err = types.AppendParsedBytesBinary(v.Buf, t, s)
		if err == nil {
			v.FinishBytes()
		}
		return err
	}
}

// DecodeParam reads a parameter of Bind; nil data is null. The value does not alias data.
func DecodeParam(t types.Type, format int16, data []byte, env *types.Env) (vec.Scalar, error) {
	s := vec.Scalar{Type: t}
	if data == nil {
		s.Null = true
		return s, nil
	}
	var err error
	switch format {
	case TextFormat:
		if err = checkText(data); err != nil {
			return s, err
		}
		str := types.Str(data)
		switch t.Class() {
		case types.I64:
			s.I, err = types.ParseI64(t, str, env)
		case types.F64:
			s.F, err = types.ParseF64(t, str)
		default:
			s.B, err = types.AppendParsedBytes([]byte{}, t, str, env)
		}
	case BinaryFormat:
		switch t.Class() {
		case types.I64:
			s.I, err = types.ParseI64Binary(t, data)
		case types.F64:
			s.F, err = types.ParseF64Binary(t, data)
		default:
			s.B, err = types.AppendParsedBytesBinary([]byte{}, t, data)
		}
	default:
		err = pgerr.Newf(pgerr.InvalidParameterValue, "unsupported format code: %d", format)
	}
	return s, err
}

// checkText refuses what is not text in the server's encoding.
func checkText(b []byte) error {
	if utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 {
		return nil
	}
	if i := bytes.IndexByte(b, 0); i >= 0 && utf8.Valid(b[:i]) {
		return badSequence(b[i : i+1])
	}
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return badSequence(b[i:min(i+sequenceLen(b[i]), len(b))])
		}
		i += n
	}
	return nil
}

// CheckText is checkText for a statement's text.
func CheckText(s string) error {
	if utf8.ValidString(s) {
		return nil
	}
	return checkText([]byte(s))
}

// sequenceLen is how many bytes a sequence with this first byte claims to have: what PostgreSQL shows.
func sequenceLen(b byte) int {
	switch {
	case b&0xe0 == 0xc0:
		return 2
	case b&0xf0 == 0xe0:
		return 3
	case b&0xf8 == 0xf0:
		return 4
	}
	return 1
}

func badSequence(b []byte) error {
	const hex = "0123456789abcdef"
	var s []byte
	for i, c := range b {
		if i > 0 {
			s = append(s, ' ')
		}
		s = append(s, '0', 'x', hex[c>>4], hex[c&15])
	}
	return pgerr.Newf(pgerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8": %s`, s)
}
