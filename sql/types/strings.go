package types

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
)

const maxNameLen = 63 // NAMEDATALEN - 1

// TruncateName cuts an identifier to 63 bytes, at a character boundary.
func TruncateName(s string) string { return clipUTF8(s, maxNameLen) }

func clipUTF8(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// AppendCharCoerced appends s as a varchar(n) or char(n): a string too long is cut when the cast is explicit
// or only blanks are lost, and is 22001 otherwise; char(n) is padded with blanks.
func AppendCharCoerced(dst []byte, t Type, s string, explicit bool) ([]byte, error) {
	n := int(t.Mod) - varHeader
	if n < 1 {
		return append(dst, s...), nil
	}
	chars := len(s)
	if chars > n {
		chars = utf8.RuneCountInString(s)
	} else if t.OID == BPChar {
		chars = utf8.RuneCountInString(s)
	}
	if chars > n {
		keep := s[:runeOffset(s, n)]
		if !explicit && strings.TrimRight(s[len(keep):], " ") != "" {
			return dst, pgerr.Newf(pgerr.StringDataRightTruncation, "value too long for type %s", t)
		}
		return append(dst, keep...), nil
	}
	dst = append(dst, s...)
	if t.OID == BPChar {
		for ; chars < n; chars++ {
			dst = append(dst, ' ')
		}
	}
	return dst, nil
}

// runeOffset is the byte offset of the n-th character.
func runeOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// TrimBPChar is the value of a char(n) without its padding: what casts to text and comparisons see.
func TrimBPChar(b []byte) []byte {
	n := len(b)
	for n > 0 && b[n-1] == ' ' {
		n--
	}
	return b[:n]
}

// ValidateUTF8 checks text that comes from outside: valid UTF-8 without a zero byte.
func ValidateUTF8(s string) error {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return nil
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r == 0 {
			return errEncoding(s[i:])
		}
		i += n
	}
	return nil
}

// errEncoding names the bytes of the broken character at the start of s: as many as its first byte promises.
func errEncoding(s string) error {
	n := 1
	switch c := s[0]; {
	case c >= 0xf0 && c < 0xf8:
		n = 4
	case c >= 0xe0 && c < 0xf0:
		n = 3
	case c >= 0xc0 && c < 0xe0:
		n = 2
	}
	var b strings.Builder
	for i := range min(n, len(s)) {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("0x" + hex.EncodeToString([]byte{s[i]}))
	}
	return pgerr.Newf(pgerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8": %s`, b.String())
}

const hexDigits = "0123456789abcdef"

// AppendByteaText appends a bytea in hex format.
func AppendByteaText(dst, b []byte) []byte {
	dst = append(dst, '\\', 'x')
	return hex.AppendEncode(dst, b)
}

// AppendParsedBytea parses hex (\x...) or escape format.
func AppendParsedBytea(dst []byte, s string) ([]byte, error) {
	if strings.HasPrefix(s, `\x`) {
		return AppendHexDecoded(dst, s[2:])
	}
	return AppendByteaUnescaped(dst, s)
}

// AppendByteaUnescaped decodes the escape format: \\ and three octal digits after a backslash.
func AppendByteaUnescaped(dst []byte, s string) ([]byte, error) {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			continue
		}
		rest := s[i+1:]
		switch {
		case len(rest) >= 3 && rest[0] >= '0' && rest[0] <= '3' && isOctal(rest[1]) && isOctal(rest[2]):
			dst = append(dst, (rest[0]-'0')<<6|(rest[1]-'0')<<3|(rest[2]-'0'))
			i += 3
		case rest != "" && rest[0] == '\\':
			dst = append(dst, '\\')
			i++
		default:
			return dst, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type bytea")
		}
	}
	return dst, nil
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

// AppendHexDecoded decodes hexadecimal digits; white space between bytes is skipped.
func AppendHexDecoded(dst []byte, s string) ([]byte, error) {
	for i := 0; i < len(s); {
		if c := s[i]; c == ' ' || c == '\n' || c == '\t' || c == '\r' {
			i++
			continue
		}
		hi, ok := hexVal(s[i])
		if !ok {
			return dst, errHexDigit(s[i:])
		}
		if i++; i == len(s) {
			return dst, pgerr.New(pgerr.InvalidParameterValue, "invalid hexadecimal data: odd number of digits")
		}
		lo, ok := hexVal(s[i])
		if !ok {
			return dst, errHexDigit(s[i:])
		}
		dst = append(dst, hi<<4|lo)
		i++
	}
	return dst, nil
}

func errHexDigit(s string) error {
	_, n := utf8.DecodeRuneInString(s)
	return pgerr.Newf(pgerr.InvalidParameterValue, `invalid hexadecimal digit: "%s"`, s[:n])
}

func hexVal(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// AppendUUIDText appends 16 bytes in the 8-4-4-4-12 form.
func AppendUUIDText(dst, b []byte) []byte {
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

// AppendParsedUUID parses 32 hexadecimal digits, in braces or not, with a hyphen allowed after every fourth.
func AppendParsedUUID(dst []byte, in string) ([]byte, error) {
	s := in
	braces := strings.HasPrefix(s, "{")
	if braces {
		s = s[1:]
	}
	for i := range 16 {
		if len(s) < 2 {
			return dst, errInput("uuid", in)
		}
		hi, ok1 := hexVal(s[0])
		lo, ok2 := hexVal(s[1])
		if !ok1 || !ok2 {
			return dst, errInput("uuid", in)
		}
		dst = append(dst, hi<<4|lo)
		s = s[2:]
		if i%2 == 1 && i < 15 && s != "" && s[0] == '-' {
			s = s[1:]
		}
	}
	if braces && s == "}" {
		s = ""
	} else if braces {
		return dst, errInput("uuid", in)
	}
	if s != "" {
		return dst, errInput("uuid", in)
	}
	return dst, nil
}

// appendParsedTid parses (block,offset), kept as text in its plain form.
func appendParsedTid(dst []byte, s string) ([]byte, error) {
	body, ok := strings.CutPrefix(s, "(")
	block, off, ok2 := strings.Cut(strings.TrimSuffix(body, ")"), ",")
	b, err1 := strconv.ParseUint(block, 10, 32)
	o, err2 := strconv.ParseUint(off, 10, 16)
	if !ok || !ok2 || !strings.HasSuffix(body, ")") || err1 != nil || err2 != nil {
		return dst, errInput("tid", s)
	}
	dst = strconv.AppendUint(append(dst, '('), b, 10)
	dst = strconv.AppendUint(append(dst, ','), o, 10)
	return append(dst, ')'), nil
}
