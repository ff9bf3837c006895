package format

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// binaryForm is how a string stands for bytes.
type binaryForm uint8

const (
	binaryText binaryForm = iota // as the input function of bytea reads it
	binaryBase64
	binaryHex
)

var binaryForms = map[string]binaryForm{"base64": binaryBase64, "hex": binaryHex}

// binary reads bytea or numeric from a string or an object.
func (d *JSON) binary(c *column, b []byte, p int) int {
	if b[p] == '{' {
		if c.typ.OID == types.Numeric {
			return d.variableDecimal(c, b, p)
		}
		return d.general(c, b, p)
	}
	form := c.binary
	switch {
	case c.base64:
		form = binaryBase64
	case c.typ.OID == types.Numeric || p+1 < len(b) && b[p+1] == '\\': // \x00ff is what PostgreSQL writes
		form = binaryText
	}
	switch form {
	case binaryBase64:
		return d.base64(c, b, p)
	case binaryHex:
		return d.hex(c, b, p)
	}
	return d.general(c, b, p)
}

// base64 reads bytes, or a decimal by its digits.
func (d *JSON) base64(c *column, b []byte, p int) int {
	text, end := d.str(b, p)
	if end < 0 {
		return end
	}
	if c.typ.OID == types.Numeric {
		return d.decimal(c, text, c.scale, p, end)
	}
	v := d.cols[c.index]
	n := len(v.Buf)
	buf, err := base64.StdEncoding.AppendDecode(v.Buf, text)
	if err != nil {
		v.Buf = v.Buf[:n]
		return d.badValue(c, p, badBase64().WithHint("The parameter bytea says how bytes are written: text, base64 or hex."))
	}
	v.Buf = buf
	v.FinishBytes()
	return end
}

func badBase64() *pgerr.Error {
	return pgerr.New(pgerr.InvalidTextRepresentation, "invalid base64 end sequence")
}

// hex reads bytes from digits without a mark in front.
func (d *JSON) hex(c *column, b []byte, p int) int {
	text, end := d.str(b, p)
	if end < 0 {
		return end
	}
	v := d.cols[c.index]
	n := len(v.Buf)
	buf, err := hex.AppendDecode(v.Buf, text)
	if err != nil {
		v.Buf = v.Buf[:n]
		return d.badValue(c, p, pgerr.New(pgerr.InvalidTextRepresentation, "invalid hexadecimal data"))
	}
	v.Buf = buf
	v.FinishBytes()
	return end
}

// decimal appends the numeric whose digits text has in base64.
func (d *JSON) decimal(c *column, text []byte, scale, p, end int) int {
	var scratch [64]byte
	digits, err := base64.StdEncoding.AppendDecode(scratch[:0], text)
	if err != nil {
		err = badBase64()
	} else {
		err = appendDecimal(d.cols[c.index], digits, scale, c.typ.Mod)
	}
	if err != nil {
		return d.badValue(c, p, err)
	}
	return end
}

// variableDecimal reads Debezium's decimals of any scale: {"scale": 2, "value": "AYY="}.
func (d *JSON) variableDecimal(c *column, b []byte, p int) int {
	var scale, value []byte
	end := d.eachField(b, p+1, func(name, v []byte) {
		switch string(name) {
		case "scale":
			scale = v
		case "value":
			value = v
		}
	})
	if end < 0 {
		return end
	}
	n, err := strconv.Atoi(types.Str(scale))
	if err != nil || len(value) < 2 || value[0] != '"' || n < -maxDecimalScale || n > maxDecimalScale {
		return d.general(c, b, p)
	}
	text, e := d.str(value, 0)
	if e < 0 {
		return e
	}
	return d.decimal(c, text, n, p, end)
}

// duration reads a count of the unit that a schema gives into an interval.
func (d *JSON) duration(c *column, b []byte, p int) int {
	end := scanNumber(b, p)
	n, err := types.ParseInt(types.Str(b[p:end]), types.Int8)
	if err != nil {
		return d.badValue(c, p, err)
	}
	us, ok := c.unit.micros(n)
	if !ok {
		return d.badValue(c, p, outOfRange(b[p:end]))
	}
	v := d.cols[c.index]
	v.Buf = types.AppendInterval(v.Buf, types.IntervalValue{Micros: us})
	v.FinishBytes()
	return end
}

// jsonText reads a string into a json or jsonb column: the JSON that it holds, or, where it holds none, itself.
func (d *JSON) jsonText(c *column, b []byte, p int) int {
	text, end := d.str(b, p)
	if end < 0 {
		return end
	}
	if types.ValidateJSON(types.Str(text)) != nil {
		return d.json(c, b, p)
	}
	return d.parse(c, text, p, end)
}
