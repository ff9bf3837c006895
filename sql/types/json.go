package types

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
)

// maxJSONDepth bounds recursion; PostgreSQL's limit depends on its stack and is of the same order.
const maxJSONDepth = 6000

// ValidateJSON checks that s is one JSON value. It allocates nothing on success.
func ValidateJSON(s string) error {
	p := jsonParser{in: s}
	return p.document(nil)
}

// ParseJSON reads a JSON text into a tree as jsonb has it: keys sorted and unique (the last of equal ones
// wins), numbers as numeric prints them.
func ParseJSON(s string) (*JSONNode, error) {
	p := jsonParser{in: s}
	n := new(JSONNode)
	if err := p.document(n); err != nil {
		return nil, err
	}
	return n, nil
}

type jsonTok uint8

const (
	jtEnd jsonTok = iota
	jtString
	jtNumber
	jtTrue
	jtFalse
	jtNull
	jtPunct // one of {}[],:
)

// jsonParser is a recursive-descent parser with one token of look-ahead. Its error details are PostgreSQL's.
type jsonParser struct {
	in    string
	kind  jsonTok
	start int // token
	end   int
	line  int // lines before the token's
	bol   int // where the token's line starts
	depth int
	buf   []byte
	keep  bool // decode strings into buf
}

func (p *jsonParser) document(out *JSONNode) error {
	p.keep = out != nil
	if err := p.next(); err != nil {
		return err
	}
	if err := p.value(out); err != nil {
		return err
	}
	if p.kind != jtEnd {
		return p.expected("end of input")
	}
	return nil
}

func (p *jsonParser) is(c byte) bool { return p.kind == jtPunct && p.in[p.start] == c }

func (p *jsonParser) value(out *JSONNode) error {
	switch p.kind {
	case jtString:
		if out != nil {
			out.Kind, out.Text = JString, string(p.buf)
		}
	case jtNumber:
		if out != nil {
			if err := out.setNumber(p.in[p.start:p.end]); err != nil {
				return err
			}
		}
	case jtTrue, jtFalse:
		if out != nil {
			out.Kind, out.Text = JBool, p.in[p.start:p.end]
		}
	case jtNull:
		if out != nil {
			out.Kind = JNull
		}
	default:
		if p.is('{') || p.is('[') {
			return p.container(out)
		}
		return p.expected("JSON value")
	}
	return p.next()
}

func (p *jsonParser) container(out *JSONNode) error {
	if p.depth++; p.depth > maxJSONDepth {
		return pgerr.New(pgerr.StatementTooComplex, "stack depth limit exceeded")
	}
	object := p.is('{')
	if err := p.next(); err != nil {
		return err
	}
	var err error
	if object {
		err = p.object(out)
	} else {
		err = p.array(out)
	}
	p.depth--
	if err != nil {
		return err
	}
	return p.next()
}

func (p *jsonParser) array(out *JSONNode) error {
	if out != nil {
		out.Kind = JArray
	}
	for first := true; ; first = false {
		switch {
		case p.is(']'):
			return nil
		case !first:
			if !p.is(',') {
				return p.expected(`"," or "]"`)
			}
			if err := p.next(); err != nil {
				return err
			}
		}
		var kid *JSONNode
		if out != nil {
			out.Kids = append(out.Kids, JSONNode{})
			kid = &out.Kids[len(out.Kids)-1]
		}
		if first && p.kind == jtPunct && !p.is('{') && !p.is('[') {
			return p.expected(`array element or "]"`)
		}
		if !first && p.is(']') {
			return p.expected("JSON value")
		}
		if err := p.value(kid); err != nil {
			return err
		}
	}
}

func (p *jsonParser) object(out *JSONNode) error {
	if out != nil {
		out.Kind = JObject
	}
	for first := true; ; first = false {
		switch {
		case p.is('}'):
			if out != nil {
				out.sortKeys()
			}
			return nil
		case !first:
			if !p.is(',') {
				return p.expected(`"," or "}"`)
			}
			if err := p.next(); err != nil {
				return err
			}
		}
		if p.kind != jtString {
			if first {
				return p.expected(`string or "}"`)
			}
			return p.expected("string")
		}
		var kid *JSONNode
		if out != nil {
			out.Keys = append(out.Keys, string(p.buf))
			out.Kids = append(out.Kids, JSONNode{})
			kid = &out.Kids[len(out.Kids)-1]
		}
		if err := p.next(); err != nil {
			return err
		}
		if !p.is(':') {
			return p.expected(`":"`)
		}
		if err := p.next(); err != nil {
			return err
		}
		if err := p.value(kid); err != nil {
			return err
		}
	}
}

// next reads a token.
func (p *jsonParser) next() error {
	i := p.end
	for i < len(p.in) {
		switch p.in[i] {
		case '\n':
			p.line++
			p.bol = i + 1
		case ' ', '\t', '\r':
		default:
			return p.token(i)
		}
		i++
	}
	p.kind, p.start, p.end = jtEnd, i, i
	return nil
}

func (p *jsonParser) token(i int) error {
	p.start = i
	switch c := p.in[i]; {
	case strings.IndexByte("{}[],:", c) >= 0:
		p.kind, p.end = jtPunct, i+1
		return nil
	case c == '"':
		p.kind = jtString
		return p.string(i + 1)
	case c == '-' || isDigit(c):
		p.kind = jtNumber
		return p.number(i)
	}
	for i < len(p.in) && jsonWordByte(p.in[i]) {
		i++
	}
	if i == p.start {
		p.end = i + 1
		return p.invalidToken()
	}
	p.end = i
	switch p.in[p.start:i] {
	case "true":
		p.kind = jtTrue
	case "false":
		p.kind = jtFalse
	case "null":
		p.kind = jtNull
	default:
		return p.invalidToken()
	}
	return nil
}

func jsonWordByte(c byte) bool { return isAlnum(c) || c == '_' || c >= 0x80 }

func (p *jsonParser) number(i int) error {
	s := p.in
	bad := false
	if s[i] == '-' {
		i++
	}
	switch {
	case i < len(s) && s[i] == '0':
		i++
	case i < len(s) && isDigit(s[i]):
		i += spanDigits(s[i:])
	default:
		bad = true
	}
	if i < len(s) && s[i] == '.' {
		i++
		n := spanDigits(s[i:])
		bad = bad || n == 0
		i += n
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		n := spanDigits(s[i:])
		bad = bad || n == 0
		i += n
	}
	for i < len(s) && jsonWordByte(s[i]) {
		bad = true
		i++
	}
	p.end = i
	if bad {
		return p.invalidToken()
	}
	return nil
}

// string reads a string's rest after the opening quote.
func (p *jsonParser) string(i int) error {
	s := p.in
	p.buf = p.buf[:0]
	high := rune(-1) // a high surrogate that waits for its pair
	for {
		if i >= len(s) {
			p.end = len(s)
			return p.invalidToken()
		}
		c := s[i]
		if high >= 0 && (c != '\\' || i+1 < len(s) && s[i+1] != 'u') {
			p.end = i
			return p.fail("Unicode low surrogate must follow a high surrogate.")
		}
		switch {
		case c == '"':
			p.end = i + 1
			return nil
		case c < ' ':
			p.end = i
			return p.fail(fmt.Sprintf("Character with value 0x%02x must be escaped.", c))
		case c != '\\':
			if p.keep {
				p.buf = append(p.buf, c)
			}
			i++
		default:
			n, err := p.escape(i+1, &high)
			if err != nil {
				return err
			}
			i += 1 + n
		}
	}
}

// escape decodes the escape whose letter is at i, and returns its length.
func (p *jsonParser) escape(i int, high *rune) (int, error) {
	s := p.in
	if i >= len(s) {
		p.end = len(s)
		return 0, p.invalidToken()
	}
	if s[i] != 'u' {
		c := unescapeJSON(s[i])
		if c == 0 {
			_, n := utf8.DecodeRuneInString(s[i:])
			p.end = i + n
			return 0, p.fail(`Escape sequence "\` + s[i:i+n] + `" is invalid.`)
		}
		if p.keep {
			p.buf = append(p.buf, c)
		}
		return 1, nil
	}
	r := rune(0)
	for k := 1; k <= 4; k++ {
		if i+k >= len(s) {
			p.end = len(s)
			return 0, p.invalidToken()
		}
		v, ok := hexVal(s[i+k])
		if !ok {
			_, n := utf8.DecodeRuneInString(s[i+k:])
			p.end = i + k + n
			return 0, p.fail(`"\u" must be followed by four hexadecimal digits.`)
		}
		r = r<<4 | rune(v)
	}
	if p.keep {
		return 5, p.unicode(r, high, i+5)
	}
	return 5, nil
}

// unicode adds a \u code point, joining surrogates. It runs only where strings are decoded: json keeps
// what it was given.
func (p *jsonParser) unicode(r rune, high *rune, end int) error {
	p.end = end
	switch {
	case r >= 0xd800 && r < 0xdc00:
		if *high >= 0 {
			return p.fail("Unicode high surrogate must not follow a high surrogate.")
		}
		*high = r
		return nil
	case r >= 0xdc00 && r < 0xe000:
		if *high < 0 {
			return p.fail("Unicode low surrogate must follow a high surrogate.")
		}
		r = (*high-0xd800)<<10 + (r - 0xdc00) + 0x10000
		*high = -1
	case *high >= 0:
		return p.fail("Unicode low surrogate must follow a high surrogate.")
	case r == 0:
		e := pgerr.New(pgerr.UntranslatableCharacter, "unsupported Unicode escape sequence")
		e.Detail = `\u0000 cannot be converted to text.`
		e.Where = p.context()
		return e
	}
	p.buf = utf8.AppendRune(p.buf, r)
	return nil
}

// unescapeJSON is the character an escape letter stands for, 0 if none.
func unescapeJSON(c byte) byte {
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

func (p *jsonParser) invalidToken() error {
	return p.fail(`Token "` + p.in[p.start:p.end] + `" is invalid.`)
}

func (p *jsonParser) expected(what string) error {
	if p.kind == jtEnd {
		return p.fail("The input string ended unexpectedly.")
	}
	return p.fail(fmt.Sprintf(`Expected %s, but found "%s".`, what, p.in[p.start:p.end]))
}

func (p *jsonParser) fail(detail string) error {
	e := pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type json")
	e.Detail = detail
	e.Where = p.context()
	return e
}

// context shows the line up to the error, its last 50 bytes at most.
func (p *jsonParser) context() string {
	from := p.bol
	for p.end-from >= 50 {
		_, n := utf8.DecodeRuneInString(p.in[from:])
		from += n
	}
	if from-p.bol <= 3 {
		from = p.bol
	}
	prefix, suffix := "", ""
	if from > p.bol {
		prefix = "..."
	}
	if p.kind != jtEnd && p.end < len(p.in) && p.in[p.end] != '\n' && p.in[p.end] != '\r' {
		suffix = "..."
	}
	return fmt.Sprintf("JSON data, line %d: %s%s%s", p.line+1, prefix, p.in[from:p.end], suffix)
}

// AppendJSONString appends s as a JSON string.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
