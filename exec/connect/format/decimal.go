package format

import (
	"math/big"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// appendDecimal appends the numeric whose digits are a big-endian two's complement integer, as Avro and Kafka Connect
// write decimals.
func appendDecimal(v *vec.Vec, digits []byte, scale int, mod int32) error {
	buf, err := appendDecimalTo(v.Buf, digits, scale, mod)
	v.Buf = buf
	v.FinishBytes()
	return err
}

// maxDecimalScale is beyond the scales of PostgreSQL's numerics, and those of their exponents.
const maxDecimalScale = 1 << 17

func appendDecimalTo(dst, digits []byte, scale int, mod int32) ([]byte, error) {
	if len(digits) <= 8 && scale >= 0 && scale < 256 {
		n := smallDigits(digits)
		if mod < 0 {
			return types.AppendNumericScaled(dst, n, scale), nil
		}
		var scratch [16]byte
		return types.AppendNumericCoerced(dst, types.AppendNumericScaled(scratch[:0], n, scale), mod)
	}
	return types.AppendParsedNumeric(dst, types.Str(decimalText(digits, scale)), mod)
}

// smallDigits reads at most eight bytes.
func smallDigits(digits []byte) int64 {
	var n int64
	for i, b := range digits {
		if i == 0 {
			n = int64(int8(b))
			continue
		}
		n = n<<8 | int64(b)
	}
	return n
}

// decimalText writes a decimal of any size.
func decimalText(digits []byte, scale int) []byte {
	n := new(big.Int).SetBytes(digits)
	if len(digits) > 0 && digits[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(digits))))
	}
	text := n.Append(nil, 10)
	if scale == 0 {
		return text
	}
	// The exponent is written out by the reader of the text.
	text = append(text, 'e')
	return big.NewInt(-int64(scale)).Append(text, 10)
}
