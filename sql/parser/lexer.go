package parser

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
)

// kind is the kind of a token.
type kind uint8

const (
	tEOF    kind = iota
	tWord        // unquoted identifier or keyword: word is its folded text
	tQuoted      // "identifier": word is its value
	tString      // any string constant: stringValue decodes it
	tBits        // B'' or X''
	tInt         // digits
	tNumber      // a constant with a point, an exponent, or a base prefix
	tParam       // $n
	tOp          // operator: word is its text
	tPunct       // one of ( ) [ ] , ; . : :: := => ..
)

// token is one lexeme; its text is src[start:end].
type token struct {
	word    string
	start   int32
	end     int32
	kind    kind
	cat     category
	needsAS bool
}

// lexer splits PostgreSQL text into tokens with standard_conforming_strings on. It decodes identifiers
// as it goes, and strings only when asked, so that a bulk INSERT costs no allocation per token.
type lexer struct {
	src string
	pos int
	err *pgerr.Error
}

// lex appends the tokens of src to toks, ending with tEOF. A lexical error becomes err, and the tokens
// before it are returned: PostgreSQL reports a syntax error that comes first.
func lex(src string, toks []token) ([]token, *pgerr.Error) {
	l := lexer{src: src}
	if i := invalidUTF8(src); i >= 0 {
		return append(toks, token{kind: tEOF}), encodingError(src[i:])
	}
	for {
		t := l.next()
		if l.err != nil {
			return append(toks, token{kind: tEOF, start: int32(l.pos), end: int32(l.pos)}), l.err
		}
		toks = append(toks, t)
		if t.kind == tEOF {
			return toks, nil
		}
	}
}

// invalidUTF8 is the offset of the first byte that is not UTF-8, -1 if all is.
func invalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return i
		}
	}
	return -1
}

// encodingError names the bytes that should have been one character, as PostgreSQL does.
func encodingError(s string) *pgerr.Error {
	n := 1
	for _, lead := range []byte{0xC0, 0xE0, 0xF0} {
		if s[0] >= lead && s[0] < 0xF8 {
			n++
		}
	}
	bytes := ""
	for i := 0; i < min(n, len(s)); i++ {
		bytes += fmt.Sprintf(" 0x%02x", s[i])
	}
	return pgerr.Newf(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\":%s", bytes)
}

// fail records an error at off and returns a token to go on with.
func (l *lexer) fail(off int, code, format string, args ...any) token {
	if l.err == nil {
		l.err = pgerr.Newf(code, format, args...).At(off)
	}
	l.pos = off
	return token{kind: tEOF}
}

func (l *lexer) token(k kind, start int) token {
	return token{kind: k, start: int32(start), end: int32(l.pos)}
}

func (l *lexer) peek(i int) byte {
	if l.pos+i < len(l.src) {
		return l.src[l.pos+i]
	}
	return 0
}

func (l *lexer) next() token {
	if !l.skipSpace() {
		return token{kind: tEOF}
	}
	start := l.pos
	if start >= len(l.src) {
		return l.token(tEOF, start)
	}
	c := l.src[start]
	switch {
	case c == ',' || c == '(' || c == ')':
		l.pos++
		t := l.token(tPunct, start)
		t.word = l.src[start:l.pos]
		return t
	case c == '\'':
		return l.quotedString(start, false)
	case c == '"':
		return l.quotedIdent(start, start)
	case isIdentStart(c):
		return l.wordOrPrefix(start)
	case isDigit(c), c == '.' && isDigit(l.peek(1)):
		return l.number(start)
	case c == '$':
		return l.dollar(start)
	case c == 0:
		return l.fail(start, pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\": 0x00")
	}
	return l.symbol(start)
}

// skipSpace moves past white space and comments; false after an error.
func (l *lexer) skipSpace() bool {
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case isSpace(c):
			l.pos++
		case c == '-' && l.peek(1) == '-':
			if i := strings.IndexAny(l.src[l.pos:], "\n\r"); i >= 0 {
				l.pos += i
			} else {
				l.pos = len(l.src)
			}
		case c == '/' && l.peek(1) == '*':
			if !l.blockComment() {
				return false
			}
		default:
			return true
		}
	}
	return true
}

// blockComment skips /* ... */, which nests.
func (l *lexer) blockComment() bool {
	start, depth := l.pos, 1
	for l.pos += 2; depth > 0; {
		switch {
		case l.pos >= len(l.src):
			l.fail(start, pgerr.SyntaxError, "unterminated /* comment at or near \"%s\"", l.src[start:])
			return false
		case l.src[l.pos] == '*' && l.peek(1) == '/':
			depth--
			l.pos += 2
		case l.src[l.pos] == '/' && l.peek(1) == '*':
			depth++
			l.pos += 2
		default:
			l.pos++
		}
	}
	return true
}

// wordOrPrefix lexes an identifier or a constant with a letter before its quote.
func (l *lexer) wordOrPrefix(start int) token {
	if next := l.peek(1); next == '\'' {
		switch l.src[start] {
		case 'e', 'E':
			l.pos++
			return l.quotedString(start, true)
		case 'b', 'B', 'x', 'X':
			l.pos++
			t := l.quotedString(start, false)
			t.kind = tBits
			return t
		case 'n', 'N':
			l.pos++
			return l.quotedString(start, false)
		}
	} else if next == '&' && (l.src[start] == 'u' || l.src[start] == 'U') {
		switch l.peek(2) {
		case '\'':
			l.pos += 2
			return l.uescape(l.quotedString(start, false))
		case '"':
			l.pos += 2
			return l.quotedIdent(start, l.pos)
		}
	}
	return l.identifier(start)
}

func (l *lexer) identifier(start int) token {
	upper := false
	for l.pos < len(l.src) && isIdentPart(l.src[l.pos]) {
		if c := l.src[l.pos]; 'A' <= c && c <= 'Z' {
			upper = true
		}
		l.pos++
	}
	t := l.token(tWord, start)
	t.word = l.src[start:l.pos]
	var buf [32]byte
	if upper && len(t.word) <= len(buf) {
		k, ok := keywords[string(lowerASCII(buf[:0], t.word))]
		if ok {
			t.word, t.cat, t.needsAS = k.word, k.cat, k.needsAS
			return t
		}
	} else if !upper {
		if k, ok := keywords[t.word]; ok {
			t.cat, t.needsAS = k.cat, k.needsAS
		}
		t.word = truncateName(t.word)
		return t
	}
	t.word = truncateName(string(lowerASCII(nil, t.word)))
	return t
}

// maxName is PostgreSQL's longest identifier; what is beyond is cut off.
const maxName = 63

func truncateName(s string) string {
	if len(s) <= maxName {
		return s
	}
	n := maxName
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// quotedIdent lexes "..." whose first quote is at open; U& stands before it when start is not open.
func (l *lexer) quotedIdent(start, open int) token {
	l.pos = open + 1
	doubled := false
	for {
		i := strings.IndexByte(l.src[l.pos:], '"')
		if i < 0 {
			return l.fail(start, pgerr.SyntaxError, "unterminated quoted identifier at or near \"%s\"", l.src[start:])
		}
		l.pos += i + 1
		if l.peek(0) != '"' {
			break
		}
		doubled = true
		l.pos++
	}
	t := l.token(tQuoted, start)
	t.word = l.src[open+1 : l.pos-1]
	if doubled {
		t.word = strings.ReplaceAll(t.word, `""`, `"`)
	}
	if start != open {
		return l.unicodeIdent(t)
	}
	return l.checkIdent(t)
}

func (l *lexer) checkIdent(t token) token {
	if t.word == "" {
		return l.fail(int(t.start), pgerr.SyntaxError, "zero-length delimited identifier at or near \"\"\"\"")
	}
	if i := strings.IndexByte(t.word, 0); i >= 0 {
		return l.fail(int(t.start)+i, pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\": 0x00")
	}
	t.word = truncateName(t.word)
	return t
}

// unicodeIdent decodes U&"...", with an optional UESCAPE after it.
func (l *lexer) unicodeIdent(t token) token {
	t = l.uescape(t)
	if l.err != nil {
		return t
	}
	v, err := decodeUnicode(t.word, uescapeOf(l.src[t.start:t.end]))
	if err != nil {
		l.err = err.At(int(t.start))
		return token{kind: tEOF}
	}
	t.word = v
	return l.checkIdent(t)
}

// uescape extends a U& token over UESCAPE 'c'.
func (l *lexer) uescape(t token) token {
	if l.err != nil {
		return t
	}
	save := l.pos
	if !l.skipSpace() {
		return t
	}
	if len(l.src)-l.pos < 7 || !strings.EqualFold(l.src[l.pos:l.pos+7], "uescape") {
		l.pos = save
		return t
	}
	at := l.pos
	l.pos += 7
	if !l.skipSpace() {
		return t
	}
	if l.peek(0) != '\'' || l.peek(2) != '\'' || strings.IndexByte("+'\" \t\n\r\f\v0123456789abcdefABCDEF", l.peek(1)) >= 0 {
		return l.fail(at, pgerr.SyntaxError, "invalid Unicode escape character at or near \"%s\"", l.src[at:l.pos])
	}
	l.pos += 3
	t.end = int32(l.pos)
	return t
}

// quotedString lexes '...' from the quote at l.pos, with the continuation after a line break that SQL
// allows; start is where the constant with its prefix begins.
func (l *lexer) quotedString(start int, backslash bool) token {
	for {
		if !l.quoted(backslash) {
			return l.fail(start, pgerr.SyntaxError, "unterminated quoted string at or near \"%s\"", l.src[start:])
		}
		end := l.pos
		if !l.continues() {
			if l.err != nil {
				return token{kind: tEOF}
			}
			l.pos = end
			return l.token(tString, start)
		}
	}
}

// quoted moves past one quoted section.
func (l *lexer) quoted(backslash bool) bool {
	for l.pos++; l.pos < len(l.src); l.pos++ {
		switch c := l.src[l.pos]; {
		case c == '\\' && backslash:
			l.pos++
		case c == '\'':
			l.pos++
			if l.peek(0) != '\'' {
				return true
			}
		}
	}
	return false
}

// continues reports whether white space with a line break and another quote follow, and moves there.
func (l *lexer) continues() bool {
	lineBreak := false
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == '\n' || c == '\r':
			lineBreak = true
			l.pos++
		case isSpace(c):
			l.pos++
		case c == '-' && l.peek(1) == '-' && lineBreak:
			for l.pos < len(l.src) && l.src[l.pos] != '\n' && l.src[l.pos] != '\r' {
				l.pos++
			}
		default:
			return c == '\'' && lineBreak
		}
	}
	return false
}

// dollar lexes $n and $tag$...$tag$.
func (l *lexer) dollar(start int) token {
	if isDigit(l.peek(1)) {
		for l.pos++; isDigit(l.peek(0)); {
			l.pos++
		}
		if isIdentStart(l.peek(0)) {
			return l.junk(start, "parameter")
		}
		return l.token(tParam, start)
	}
	i := start + 1
	for i < len(l.src) && (isIdentStart(l.src[i]) || i > start+1 && isDigit(l.src[i])) {
		i++
	}
	if i >= len(l.src) || l.src[i] != '$' {
		return l.fail(start, pgerr.SyntaxError, "syntax error at or near \"$\"")
	}
	tag := l.src[start : i+1]
	end := strings.Index(l.src[i+1:], tag)
	if end < 0 {
		return l.fail(start, pgerr.SyntaxError, "unterminated dollar-quoted string at or near \"%s\"", l.src[start:])
	}
	l.pos = i + 1 + end + len(tag)
	return l.token(tString, start)
}

func (l *lexer) junk(start int, what string) token {
	for l.pos < len(l.src) && isIdentPart(l.src[l.pos]) {
		l.pos++
	}
	near := l.src[start:l.pos]
	return l.fail(start, pgerr.SyntaxError, "trailing junk after %s at or near \"%s\"", what, near)
}

// number lexes integer and numeric constants. 0x1F, 0o17 and 0b101 are PostgreSQL 16's.
func (l *lexer) number(start int) token {
	k := tInt
	if l.src[start] == '0' && strings.IndexByte("xXoObB", l.peek(1)) >= 0 && isAlnum(l.peek(2)) {
		for l.pos += 2; isAlnum(l.peek(0)); {
			l.pos++
		}
		if _, ok := parseBased(l.src[start:l.pos]); !ok {
			return l.junk(start, "numeric literal")
		}
		return l.token(tNumber, start)
	}
	for isDigit(l.peek(0)) {
		l.pos++
	}
	if l.peek(0) == '.' && l.peek(1) != '.' {
		k = tNumber
		for l.pos++; isDigit(l.peek(0)); {
			l.pos++
		}
	}
	if c := l.peek(0); c == 'e' || c == 'E' {
		n := 1
		if s := l.peek(1); s == '+' || s == '-' {
			n = 2
		}
		if !isDigit(l.peek(n)) {
			return l.junk(start, "numeric literal")
		}
		k = tNumber
		for l.pos += n; isDigit(l.peek(0)); {
			l.pos++
		}
	}
	if isIdentStart(l.peek(0)) {
		return l.junk(start, "numeric literal")
	}
	return l.token(k, start)
}

const opChars = "~!@#^&|`?+-*/%<>="

// symbol lexes punctuation and operators, by PostgreSQL's rules for where an operator ends.
func (l *lexer) symbol(start int) token {
	c := l.src[start]
	if strings.IndexByte(opChars, c) < 0 {
		return l.punct(start, c)
	}
	end := start
	for end < len(l.src) && strings.IndexByte(opChars, l.src[end]) >= 0 {
		if end > start && (strings.HasPrefix(l.src[end:], "--") || strings.HasPrefix(l.src[end:], "/*")) {
			break
		}
		end++
	}
	// A multi-character operator ends in + or - only if it holds a character no SQL operator has, so
	// that a=-1 is a = -1.
	for end-start > 1 && (l.src[end-1] == '+' || l.src[end-1] == '-') && !strings.ContainsAny(l.src[start:end-1], "~!@#^&|`?%") {
		end--
	}
	l.pos = end
	t := l.token(tOp, start)
	t.word = l.src[start:end]
	switch t.word {
	case "!=":
		t.word = "<>"
	case "=>":
		t.kind = tPunct
	}
	return t
}

func (l *lexer) punct(start int, c byte) token {
	n := 1
	switch {
	case c == ':' && (l.peek(1) == ':' || l.peek(1) == '='), c == '.' && l.peek(1) == '.':
		n = 2
	case strings.IndexByte("()[],;.:", c) < 0:
		return l.fail(start, pgerr.SyntaxError, "syntax error at or near \"%s\"", firstRune(l.src[start:]))
	}
	l.pos += n
	t := l.token(tPunct, start)
	t.word = l.src[start:l.pos]
	return t
}

func firstRune(s string) string {
	for i := range s {
		if i > 0 {
			return s[:i]
		}
	}
	return s
}

func lowerASCII(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlnum(c byte) bool { return isDigit(c) || isIdentStart(c) }

func isIdentStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

func isIdentPart(c byte) bool { return isIdentStart(c) || isDigit(c) || c == '$' }
