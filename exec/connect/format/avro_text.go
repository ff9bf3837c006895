package format

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/millracedb/millrace/sql/types"
)

// text appends the text of a value to d.scratch: what PostgreSQL prints for it.
func (d *avroRows) text(n *avroNode) error {
	switch n.kind {
	case avroString:
		s, err := d.bytes()
		d.scratch = append(d.scratch, s...)
		return err
	case avroEnum:
		s, err := d.enum(n)
		d.scratch = append(d.scratch, s...)
		return err
	case avroBool:
		if d.p >= len(d.b) {
			return errAvroShort
		}
		d.scratch = strconv.AppendBool(d.scratch, d.b[d.p] != 0)
		d.p++
		return nil
	case avroInt:
		i, err := d.long()
		if err == nil {
			d.scratch, err = appendAvroInt(d.scratch, n, i)
		}
		return err
	case avroFloat:
		if len(d.b)-d.p < 4 {
			return errAvroShort
		}
		f := math.Float32frombits(binary.LittleEndian.Uint32(d.b[d.p:]))
		d.p += 4
		d.scratch = types.AppendF64Text(d.scratch, types.T(types.Float4), float64(f))
		return nil
	case avroDouble:
		if len(d.b)-d.p < 8 {
			return errAvroShort
		}
		f := math.Float64frombits(binary.LittleEndian.Uint64(d.b[d.p:]))
		d.p += 8
		d.scratch = types.AppendF64Text(d.scratch, types.T(types.Float8), f)
		return nil
	case avroBytes, avroFixed:
		s, err := d.span(n)
		if err == nil {
			d.scratch, err = appendAvroBytes(d.scratch, n, s)
		}
		return err
	case avroRecord:
		if n.meaning == avroVariable {
			return d.variableDecimal(n)
		}
	}
	return d.json(n)
}

// variableDecimal appends a decimal that is preceded by its scale.
func (d *avroRows) variableDecimal(n *avroNode) error {
	scale, err := d.long()
	if err != nil {
		return err
	}
	digits, err := d.span(n.fields[1].typ)
	if err != nil {
		return err
	}
	if scale < -maxDecimalScale || scale > maxDecimalScale {
		return errAvroDamaged
	}
	num, err := appendDecimalTo(nil, digits, int(scale), -1)
	if err == nil {
		d.scratch = types.AppendNumericText(d.scratch, num)
	}
	return err
}

// appendAvroInt appends the text of an int or long.
func appendAvroInt(dst []byte, n *avroNode, i int64) ([]byte, error) {
	typ := avroColumnType(n)
	ok := true
	switch n.meaning {
	case avroDate:
		i, ok = dateOf(i)
	case avroTime:
		i, ok = timeOf(i, n.unit, -1)
	case avroTimestamp, avroLocal:
		if i, ok = n.unit.micros(i); ok {
			i, ok = timestampOf(i, -1)
		}
	default:
		return strconv.AppendInt(dst, i, 10), nil
	}
	if !ok {
		return dst, outOfRange(nil)
	}
	return types.AppendI64Text(dst, typ, i, nil), nil
}

// appendAvroBytes appends the text of bytes or fixed.
func appendAvroBytes(dst []byte, n *avroNode, s []byte) ([]byte, error) {
	switch n.meaning {
	case avroDecimal:
		num, err := appendDecimalTo(nil, s, n.scale, -1)
		if err != nil {
			return dst, err
		}
		return types.AppendNumericText(dst, num), nil
	case avroUUID:
		return types.AppendUUIDText(dst, s), nil
	case avroDuration:
		return types.AppendIntervalText(dst, durationOf(s)), nil
	}
	return types.AppendByteaText(dst, s), nil
}

// json appends a value as JSON to d.scratch. A union is the value it holds; numbers that JSON does not have, times and
// bytes are strings, as to_jsonb makes them.
func (d *avroRows) json(n *avroNode) error {
	switch n.kind {
	case avroNull:
		d.scratch = append(d.scratch, "null"...)
		return nil
	case avroBool:
		return d.text(n)
	case avroInt:
		if n.meaning == avroPlain {
			return d.text(n)
		}
		return d.quoted(n)
	case avroFloat, avroDouble:
		start := len(d.scratch)
		if err := d.text(n); err != nil {
			return err
		}
		if last := d.scratch[len(d.scratch)-1]; last == 'N' || last == 'y' { // NaN, Infinity
			s := string(d.scratch[start:])
			d.scratch = types.AppendJSONString(d.scratch[:start], s)
		}
		return nil
	case avroBytes, avroFixed:
		if n.meaning == avroDecimal {
			return d.text(n)
		}
		return d.quoted(n)
	case avroUnion:
		t, err := d.branch(n)
		if err != nil {
			return err
		}
		return d.json(t)
	case avroRecord:
		if n.meaning == avroVariable {
			return d.variableDecimal(n)
		}
		return d.jsonRecord(n)
	case avroArray, avroMap:
		return d.jsonItems(n)
	}
	if n.meaning == avroJSONText {
		return d.text(n)
	}
	return d.quoted(n)
}

// quoted appends the text of a scalar as a JSON string.
func (d *avroRows) quoted(n *avroNode) error {
	start := len(d.scratch)
	if err := d.text(n); err != nil {
		return err
	}
	// The text moves behind itself to make room for what the quotes add.
	end := len(d.scratch)
	if err := checkText(d.scratch[start:end]); err != nil {
		return err
	}
	s := types.Str(d.scratch[start:end])
	d.scratch = types.AppendJSONString(d.scratch, s)
	d.scratch = append(d.scratch[:start], d.scratch[end:]...)
	return nil
}

func (d *avroRows) jsonRecord(n *avroNode) error {
	if err := d.enter(); err != nil {
		return err
	}
	d.scratch = append(d.scratch, '{')
	for i := range n.fields {
		if i > 0 {
			d.scratch = append(d.scratch, ',')
		}
		d.scratch = append(d.scratch, n.fields[i].quick...)
		if err := d.json(n.fields[i].typ); err != nil {
			return err
		}
	}
	d.scratch = append(d.scratch, '}')
	d.depth--
	return nil
}

func (d *avroRows) jsonItems(n *avroNode) error {
	closing := byte(']')
	if n.kind == avroMap {
		closing = '}'
	}
	d.scratch = append(d.scratch, closing-2)
	err := d.blocks(func(first bool) error {
		if !first {
			d.scratch = append(d.scratch, ',')
		}
		if n.kind == avroMap {
			if err := d.quoted(avroKey); err != nil {
				return err
			}
			d.scratch = append(d.scratch, ':')
		}
		return d.json(n.items)
	})
	d.scratch = append(d.scratch, closing)
	return err
}

// avroKey is the schema of a map's keys.
var avroKey = &avroNode{kind: avroString, name: "string"}

// array appends an array as PostgreSQL writes it: {1,"a b",NULL}.
func (d *avroRows) array(n *avroNode) error {
	d.scratch = append(d.scratch, '{')
	err := d.blocks(func(first bool) error {
		if !first {
			d.scratch = append(d.scratch, ',')
		}
		return d.element(n.items)
	})
	d.scratch = append(d.scratch, '}')
	return err
}

func (d *avroRows) element(n *avroNode) error {
	switch n.kind {
	case avroUnion:
		t, err := d.branch(n)
		if err != nil {
			return err
		}
		return d.element(t)
	case avroNull:
		d.scratch = append(d.scratch, "NULL"...)
		return nil
	case avroArray:
		return d.array(n)
	}
	start := len(d.scratch)
	if err := d.text(n); err != nil {
		return err
	}
	end := len(d.scratch)
	d.scratch = appendElement(d.scratch, d.scratch[start:end])
	d.scratch = append(d.scratch[:start], d.scratch[end:]...)
	return nil
}

// appendElement appends an element of an array's text, in quotes.
func appendElement(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, ch := range text {
		if ch == '"' || ch == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, ch)
	}
	return append(dst, '"')
}
