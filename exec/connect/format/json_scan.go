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

// What a string holds beside plain ASCII.
const (
	escaped = 1 << iota
	nonASCII
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// scanString returns the position of the quote that ends the string whose first character is at p, or
// failed where there is none, or a control character comes first. Escapes are not checked.
func scanString(b []byte, p int) (end, flags int) {
	for {
		var high uint64
		for ; p+8 <= len(b); p += 8 {
			w := binary.LittleEndian.Uint64(b[p:])
			quote := w ^ '"'*ones
			slash := w ^ '\\'*ones
			// In each byte the high bit says whether it ends the run. The tests are exact only up to the
			// first byte that matches, which is the one that counts.
			stop := ((quote-ones)&^quote | (slash-ones)&^slash | (w-' '*ones)&^w) & highs
			if stop != 0 {
				n := bits.TrailingZeros64(stop)
				high |= w & (1<<n - 1)
				p += n >> 3
				goto stopped
			}
			high |= w
		}
		for ; p < len(b); p++ {
			if c := b[p]; c == '"' || c == '\\' || c < ' ' {
				goto stopped
			}
			high |= uint64(b[p])
		}
		return failed, 0
	stopped:
		if high&highs != 0 {
			flags |= nonASCII
		}
		switch b[p] {
		case '"':
			return p, flags
		case '\\':
			flags |= escaped
			if p += 2; p > len(b) {
				return failed, 0
			}
		default:
			return failed, 0
		}
	}
}

// badString reports why scanString failed on the string that begins at p.
func (d *JSON) badString(b []byte, p int) int {
	for p < len(b) && b[p] >= ' ' {
		if b[p] == '\\' {
			p++ // what follows cannot end the string
		}
		p++
	}
	return d.syntax(b, p, "the end of a string")
}

// unescape returns the text of the string b[p:end], which has escapes; it is valid until the next call.
func (d *JSON) unescape(b []byte, p, end int) ([]byte, int) {
	out := d.scratch[:0]
	for p < end {
		if b[p] != '\\' {
			q := p
			for q < end && b[q] != '\\' {
				q++
			}
			out = append(out, b[p:q]...)
			p = q
			continue
		}
		c := escapeOf(b[p+1])
		switch {
		case c != 0:
			out = append(out, c)
			p += 2
		case b[p+1] == 'u':
			r, q := d.unicodeEscape(b[:end], p)
			if q < 0 {
				return nil, q
			}
			out = utf8.AppendRune(out, r)
			p = q
		default:
			return nil, d.syntax(b, p+1, "an escape sequence")
		}
	}
	d.scratch = out
	return out, end + 1
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
		return d.word(b, p, "true")
	case 'f':
		return d.word(b, p, "false")
	case 'n':
		return d.word(b, p, "null")
	}
	if end := scanNumber(b, p); end > p {
		return end
	}
	return d.syntax(b, p, "a value")
}

func (d *JSON) word(b []byte, p int, word string) int {
	if len(b)-p >= len(word) && string(b[p:p+len(word)]) == word {
		return p + len(word)
	}
	return d.syntax(b, p, word)
}

// skipString checks a string from behind its quote on.
func (d *JSON) skipString(b []byte, p int) int {
	end, flags := scanString(b, p)
	if end < 0 {
		return d.badString(b, p)
	}
	if flags&nonASCII != 0 && !utf8.Valid(b[p:end]) {
		return d.badUTF8(b[p:end])
	}
	if flags&escaped != 0 {
		for ; p < end; p++ {
			if b[p] != '\\' {
				continue
			}
			p++
			if b[p] == 'u' {
				if hex4(b[:end], p+1) < 0 {
					return d.syntax(b, p+1, "four hexadecimal digits")
				}
			} else if escapeOf(b[p]) == 0 {
				return d.syntax(b, p, "an escape sequence")
			}
		}
	}
	return end + 1
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
