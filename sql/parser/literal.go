package parser

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
)

// stringValue decodes the text of a string token: '..', E'..', U&'..', N'..' and $tag$..$tag$.
func stringValue(text string) (string, *pgerr.Error) {
	switch text[0] {
	case '\'':
		if len(text) >= 2 && strings.IndexByte(text[1:len(text)-1], '\'') < 0 {
			return text[1 : len(text)-1], nil
		}
		return joinSections(text), nil
	case '$':
		n := strings.IndexByte(text[1:], '$') + 2
		return text[n : len(text)-n], nil
	case 'E', 'e':
		return decodeEscapes(text[1:])
	case 'N', 'n':
		return joinSections(text[1:]), nil
	}
	body := text[2:]
	esc := uescapeOf(text)
	if text[len(text)-3] == '\'' && len(body) > 3 && strings.Contains(strings.ToLower(body), "uescape") {
		body = withoutUescape(body)
	}
	return decodeUnicode(joinSections(body), esc)
}

// joinSections strips the quotes of 'a”b' 'c' and joins its sections: a'bc.
func joinSections(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		i++ // opening quote
		for {
			n := strings.IndexByte(text[i:], '\'')
			b.WriteString(text[i : i+n])
			i += n + 1
			if i < len(text) && text[i] == '\'' {
				b.WriteByte('\'')
				i++
				continue
			}
			break
		}
		i = nextSection(text, i)
	}
	return b.String()
}

// nextSection finds the opening quote of the next section of a constant at or after i.
func nextSection(text string, i int) int {
	for i < len(text) && text[i] != '\'' {
		if text[i] == '-' {
			for i < len(text) && text[i] != '\n' && text[i] != '\r' {
				i++
			}
			continue
		}
		i++
	}
	return i
}

// uescapeOf is the escape character of a U& token: the one of its UESCAPE clause, or a backslash.
func uescapeOf(text string) byte {
	if n := len(text); n > 12 && text[n-1] == '\'' && text[n-3] == '\'' {
		if strings.EqualFold(strings.TrimSpace(lastWord(text[:n-3])), "uescape") {
			return text[n-2]
		}
	}
	return '\\'
}

// lastWord is the last run of letters of s, white space after it ignored.
func lastWord(s string) string {
	s = strings.TrimRight(s, " \t\n\r\f\v")
	i := len(s)
	for i > 0 && isIdentStart(s[i-1]) {
		i--
	}
	return s[i:]
}

// withoutUescape cuts the UESCAPE clause off the body of a U& token.
func withoutUescape(body string) string {
	s := strings.TrimRight(body[:len(body)-3], " \t\n\r\f\v")
	if !strings.EqualFold(lastWord(s), "uescape") {
		return body
	}
	s = s[:len(s)-len("uescape")]
	return s[:strings.LastIndexByte(s, '\'')+1]
}

// decodeEscapes decodes the sections of an E” constant.
func decodeEscapes(text string) (string, *pgerr.Error) {
	var b strings.Builder
	for i := 0; i < len(text); {
		i++
		for i < len(text) {
			c := text[i]
			if c == '\'' {
				i++
				if i < len(text) && text[i] == '\'' {
					b.WriteByte('\'')
					i++
					continue
				}
				break
			}
			if c != '\\' {
				b.WriteByte(c)
				i++
				continue
			}
			n, err := decodeEscape(&b, text[i+1:])
			if err != nil {
				return "", err
			}
			i += 1 + n
		}
		i = nextSection(text, i)
	}
	if !utf8.ValidString(b.String()) {
		return "", pgerr.New(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"")
	}
	return b.String(), nil
}

// decodeEscape writes the escape at the start of s, after its backslash, and returns its length.
func decodeEscape(b *strings.Builder, s string) (int, *pgerr.Error) {
	switch c := s[0]; c {
	case 'b':
		b.WriteByte('\b')
	case 'f':
		b.WriteByte('\f')
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'v':
		b.WriteByte('\v')
	case 'x':
		return numericEscape(b, s, 1, 2, 16)
	case '0', '1', '2', '3', '4', '5', '6', '7':
		return numericEscape(b, s, 0, 3, 8)
	case 'u', 'U':
		return unicodeEscape(b, s)
	default:
		b.WriteByte(c)
	}
	return 1, nil
}

// numericEscape writes \ooo or \xhh; skip is the length of the letter.
func numericEscape(b *strings.Builder, s string, skip, digits, base int) (int, *pgerr.Error) {
	n := skip
	for n < len(s) && n < skip+digits {
		if _, err := strconv.ParseUint(s[n:n+1], base, 8); err != nil {
			break
		}
		n++
	}
	if n == skip { // \x without digits is an x
		b.WriteByte(s[0])
		return 1, nil
	}
	v, _ := strconv.ParseUint(s[skip:n], base, 16)
	if byte(v) == 0 {
		return 0, pgerr.New(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\": 0x00")
	}
	b.WriteByte(byte(v))
	return n, nil
}

// unicodeEscape writes \uXXXX or \UXXXXXXXX, pairs of surrogates included.
func unicodeEscape(b *strings.Builder, s string) (int, *pgerr.Error) {
	r, n, ok := hexRune(s)
	if !ok {
		return 0, pgerr.New(pgerr.InvalidEscapeSequence, "invalid Unicode escape").
			WithHint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX.")
	}
	if 0xD800 <= r && r < 0xDC00 && n < len(s) && s[n] == '\\' {
		if low, m, ok := hexRune(s[n+1:]); ok && 0xDC00 <= low && low < 0xE000 {
			r = 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
			n += 1 + m
		}
	}
	return n, writeRune(b, r)
}

func hexRune(s string) (rune, int, bool) {
	n := 5
	if s != "" && s[0] == 'U' {
		n = 9
	}
	if len(s) < n || s[0]|0x20 != 'u' {
		return 0, 0, false
	}
	v, err := strconv.ParseUint(s[1:n], 16, 32)
	if err != nil || strings.IndexByte(s[1:n], '_') >= 0 {
		return 0, 0, false
	}
	return rune(v), n, true
}

func writeRune(b *strings.Builder, r rune) *pgerr.Error {
	switch {
	case 0xD800 <= r && r < 0xE000:
		return pgerr.New(pgerr.SyntaxError, "invalid Unicode surrogate pair")
	case r <= 0 || r > utf8.MaxRune:
		return pgerr.New(pgerr.SyntaxError, "invalid Unicode escape value")
	}
	b.WriteRune(r)
	return nil
}

// decodeUnicode decodes the \XXXX and \+XXXXXX of U& constants and identifiers.
func decodeUnicode(s string, esc byte) (string, *pgerr.Error) {
	if strings.IndexByte(s, esc) < 0 {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != esc {
			b.WriteByte(s[i])
			i++
			continue
		}
		if i+1 < len(s) && s[i+1] == esc {
			b.WriteByte(esc)
			i += 2
			continue
		}
		r, n, ok := uRune(s[i+1:])
		if !ok {
			return "", pgerr.New(pgerr.SyntaxError, "invalid Unicode escape").
				WithHint("Unicode escapes must be \\XXXX or \\+XXXXXX.")
		}
		i += 1 + n
		if 0xD800 <= r && r < 0xDC00 && i < len(s) && s[i] == esc {
			if low, m, ok := uRune(s[i+1:]); ok && 0xDC00 <= low && low < 0xE000 {
				r = 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
				i += 1 + m
			}
		}
		if err := writeRune(&b, r); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func uRune(s string) (rune, int, bool) {
	from, to := 0, 4
	if s != "" && s[0] == '+' {
		from, to = 1, 7
	}
	if len(s) < to {
		return 0, 0, false
	}
	v, err := strconv.ParseUint(s[from:to], 16, 32)
	return rune(v), to, err == nil
}

// parseBased reads 0x1F, 0o17 and 0b101 with underscores between digits.
func parseBased(text string) (*big.Int, bool) {
	v, ok := new(big.Int).SetString(text, 0)
	return v, ok
}

// bitsValue turns B'0101' and X'1F' into the digits 0 and 1.
func bitsValue(text string) (string, *pgerr.Error) {
	body := joinSections(text[1:])
	if text[0]|0x20 == 'b' {
		if i := strings.IndexFunc(body, func(r rune) bool { return r != '0' && r != '1' }); i >= 0 {
			return "", pgerr.Newf(pgerr.InvalidTextRepresentation, "\"%s\" is not a valid binary digit", firstRune(body[i:]))
		}
		return body, nil
	}
	var b strings.Builder
	for i := range len(body) {
		v, err := strconv.ParseUint(body[i:i+1], 16, 8)
		if err != nil {
			return "", pgerr.Newf(pgerr.InvalidTextRepresentation, "\"%s\" is not a valid hexadecimal digit", firstRune(body[i:]))
		}
		s := strconv.FormatUint(v, 2)
		b.WriteString("0000"[len(s):])
		b.WriteString(s)
	}
	return b.String(), nil
}
