package format

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// maxDepth is the deepest nesting accepted in a value that is skipped or kept as JSON.
const maxDepth = 1000

func skipSpace(b []byte, p int) int {
	for p < len(b) && b[p] <= ' ' && (b[p] == ' ' || b[p] == '\n' || b[p] == '\r' || b[p] == '\t') {
		p++
	}
	return p
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plainRun is the length of the run of characters at the start of s that stand for themselves: up to a quote, a
// backslash, a control character, or the end. high is not zero if they are not all ASCII.
func plainRun(s []byte) (n int, high uint64) {
	for ; n <= len(s)-8; n += 8 {
		w := binary.LittleEndian.Uint64(s[n:])
		// In each byte the high bit says whether it ends the run: a backslash; or a quote, which becomes a space when
		// one bit is turned, or what is below a space before and after that. The tests are exact only up to the first
		// byte that matches, which is the one that counts.
		slash, quote := w^'\\'*ones, w^('"'^' ')*ones
		if stop := ((slash - ones) | (quote - (' '+1)*ones)) &^ w & highs; stop != 0 {
			k := bits.TrailingZeros64(stop)
			return n + k>>3, (high | w&(1<<k-1)) & highs
		}
		high |= w
	}
	for ; n < len(s); n++ {
		if c := s[n]; c == '"' || c == '\\' || c < ' ' {
			break
		}
		high |= uint64(s[n])
	}
	return n, high & highs
}

// appendString appends the text of the string whose first character is at p, and returns the position behind its quote.
func (d *JSON) appendString(dst, b []byte, p int) ([]byte, int) {
	begin, start, beyond := p, len(dst), uint64(0)
	for {
		n, high := plainRun(b[p:])
		dst = append(dst, b[p:p+n]...)
		beyond |= high
		p += n
		switch {
		case p < len(b) && b[p] == '"':
			if beyond != 0 && !utf8.Valid(dst[start:]) {
				return nil, d.badUTF8(dst[start:])
			}
			return dst, p + 1
		case p+1 < len(b) && b[p] == '\\':
			if dst, p = d.appendEscape(dst, b, p); p < 0 {
				return nil, p
			}
		default:
			return nil, d.badString(b, begin)
		}
	}
}

// appendEscape appends the character of the escape sequence at p.
func (d *JSON) appendEscape(dst, b []byte, p int) ([]byte, int) {
	if c := escapeOf(b[p+1]); c != 0 {
		return append(dst, c), p + 2
	}
	if b[p+1] != 'u' {
		return nil, d.syntax(b, p+1, "an escape sequence")
	}
	r, p := d.unicodeEscape(b, p)
	if p < 0 {
		return nil, p
	}
	return utf8.AppendRune(dst, r), p
}

// badString reports why the string that begins at p has no end.
func (d *JSON) badString(b []byte, p int) int {
	for p < len(b) && b[p] >= ' ' {
		if b[p] == '\\' {
			p++ // what follows cannot end the string
		}
		p++
	}
	return d.syntax(b, p, "the end of a string")
}

func escapeOf(c byte) byte {
	switch c {
	case '"', '\\', '/':
		return c
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return 0
}

// unicodeEscape reads \uXXXX at p, and a second one where the first is half of a surrogate pair.
func (d *JSON) unicodeEscape(b []byte, p int) (rune, int) {
	r := hex4(b, p+2)
	if r < 0 {
		return 0, d.syntax(b, p+2, "four hexadecimal digits")
	}
	p += 6
	switch {
	case r == 0:
		d.err = pgerr.New(pgerr.UntranslatableCharacter, "unsupported Unicode escape sequence").
			WithDetail("\\u0000 cannot be converted to text.")
		return 0, failed
	case !utf16.IsSurrogate(r):
		return r, p
	}
	if p+1 < len(b) && b[p] == '\\' && b[p+1] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(b, p+2)); pair != utf8.RuneError {
			return pair, p + 6
		}
	}
	d.err = pgerr.Newf(pgerr.InvalidTextRepresentation, "invalid input syntax for type json at byte %d: half a Unicode surrogate pair", p-6)
	return 0, failed
}

// hex4 reads four hexadecimal digits; -1 where there are none.
func hex4(b []byte, p int) rune {
	if p+4 > len(b) {
		return -1
	}
	var r rune
	for _, c := range b[p : p+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

func (d *JSON) badUTF8(s []byte) int {
	d.err = types.ValidateUTF8(types.Str(s))
	return failed
}

// scanNumber returns the end of the number at p, or p itself where there is none.
func scanNumber(b []byte, p int) int {
	start := p
	if p < len(b) && b[p] == '-' {
		p++
	}
	q := scanDigits(b, p)
	if q == p || b[p] == '0' && q > p+1 {
		return start
	}
	p = q
	if p < len(b) && b[p] == '.' {
		if q = scanDigits(b, p+1); q == p+1 {
			return start
		}
		p = q
	}
	if p < len(b) && b[p]|0x20 == 'e' {
		p++
		if p < len(b) && (b[p] == '+' || b[p] == '-') {
			p++
		}
		if q = scanDigits(b, p); q == p {
			return start
		}
		p = q
	}
	return p
}

func scanDigits(b []byte, p int) int {
	for p < len(b) && b[p]-'0' <= 9 {
		p++
	}
	return p
}

// skipValue checks the syntax of any value at p and returns the position behind it.
func (d *JSON) skipValue(b []byte, p, depth int) int {
	if p >= len(b) {
		return d.syntax(b, p, "a value")
	}
	switch c := b[p]; c {
	case '"':
		return d.skipString(b, p+1)
	case '{', '[':
		if depth >= maxDepth {
			d.err = pgerr.Newf(pgerr.StatementTooComplex, "JSON nested deeper than %d levels", maxDepth)
			return failed
		}
		if c == '{' {
			return d.skipObject(b, p+1, depth+1)
		}
		return d.skipArray(b, p+1, depth+1)
	case 't':
		return d.keyword(b, p, "true")
	case 'f':
		return d.keyword(b, p, "false")
	case 'n':
		return d.keyword(b, p, "null")
	}
	if end := scanNumber(b, p); end > p {
		return end
	}
	return d.syntax(b, p, "a value")
}

func (d *JSON) keyword(b []byte, p int, want string) int {
	if len(b)-p >= len(want) && string(b[p:p+len(want)]) == want {
		return p + len(want)
	}
	return d.syntax(b, p, want)
}

// skipString checks a string from behind its quote on.
func (d *JSON) skipString(b []byte, p int) int {
	begin, beyond := p, uint64(0)
	for {
		n, high := plainRun(b[p:])
		beyond |= high
		p += n
		switch {
		case p < len(b) && b[p] == '"':
			if beyond != 0 && !utf8.Valid(b[begin:p]) {
				return d.badUTF8(b[begin:p])
			}
			return p + 1
		case p+1 >= len(b) || b[p] != '\\':
			return d.badString(b, begin)
		case b[p+1] == 'u':
			if hex4(b, p+2) < 0 {
				return d.syntax(b, p+2, "four hexadecimal digits")
			}
			p += 6
		case escapeOf(b[p+1]) == 0:
			return d.syntax(b, p+1, "an escape sequence")
		default:
			p += 2
		}
	}
}

func (d *JSON) skipObject(b []byte, p, depth int) int {
	if p = skipSpace(b, p); p < len(b) && b[p] == '}' {
		return p + 1
	}
	for {
		if p >= len(b) || b[p] != '"' {
			return d.syntax(b, p, "a field name")
		}
		if p = d.skipString(b, p+1); p < 0 {
			return p
		}
		if p = skipSpace(b, p); p >= len(b) || b[p] != ':' {
			return d.syntax(b, p, "a colon")
		}
		if p = d.skipValue(b, skipSpace(b, p+1), depth); p < 0 {
			return p
		}
		if p = skipSpace(b, p); p < len(b) && b[p] == '}' {
			return p + 1
		}
		if p >= len(b) || b[p] != ',' {
			return d.syntax(b, p, "a comma or }")
		}
		p = skipSpace(b, p+1)
	}
}

func (d *JSON) skipArray(b []byte, p, depth int) int {
	if p = skipSpace(b, p); p < len(b) && b[p] == ']' {
		return p + 1
	}
	for {
		if p = d.skipValue(b, p, depth); p < 0 {
			return p
		}
		if p = skipSpace(b, p); p < len(b) && b[p] == ']' {
			return p + 1
		}
		if p >= len(b) || b[p] != ',' {
			return d.syntax(b, p, "a comma or ]")
		}
		p = skipSpace(b, p+1)
	}
}
