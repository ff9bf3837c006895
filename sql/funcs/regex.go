package funcs

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
)

// PostgreSQL's regular expressions ("advanced" ones, after Henry Spencer) run on Go's regexp package, which takes
// time linear in its input. The two differ in syntax, which translate evens out, and in that Go has no
// back-references and no look-ahead: those are refused. Which match is taken: as in PostgreSQL, the longest one that
// starts first, unless the expression has a non-greedy quantifier; then its quantifiers decide.

// regex is a compiled expression.
type regex struct {
	*regexp.Regexp
	global bool // flag g
	// looksBack says that there is an assertion about what comes before: the string cannot be cut there.
	looksBack bool
}

type regexKey struct{ pattern, flags string }

// regexCache keeps compiled expressions; when it is full it is emptied, as patterns are few or hopeless.
var regexCache struct {
	sync.Mutex // guards m
	m          map[regexKey]*regex
}

const regexCacheSize = 256

// compileRegex compiles a pattern with the flags of PostgreSQL's regexp functions.
func compileRegex(pattern, flags string) (*regex, error) {
	key := regexKey{pattern, flags}
	regexCache.Lock()
	re, ok := regexCache.m[key]
	regexCache.Unlock()
	if ok {
		return re, nil
	}
	re, err := newRegex(pattern, flags)
	if err != nil {
		return nil, err
	}
	regexCache.Lock()
	if regexCache.m == nil || len(regexCache.m) >= regexCacheSize {
		regexCache.m = map[regexKey]*regex{}
	}
	regexCache.m[regexKey{strings.Clone(pattern), strings.Clone(flags)}] = re
	regexCache.Unlock()
	return re, nil
}

// regexFlags are the options that change how a pattern is read.
type regexFlags struct {
	fold, literal, expanded   bool
	dotNoNewline, lineAnchors bool
	global                    bool
}

func (f *regexFlags) set(c byte) bool {
	switch c {
	case 'i':
		f.fold = true
	case 'c':
		f.fold = false
	case 'q':
		f.literal = true
	case 'x':
		f.expanded = true
	case 't':
		f.expanded = false
	case 'n', 'm':
		f.dotNoNewline, f.lineAnchors = true, true
	case 'p':
		f.dotNoNewline = true
	case 'w':
		f.lineAnchors = true
	case 's':
		f.dotNoNewline, f.lineAnchors = false, false
	case 'b', 'e':
	default:
		return false
	}
	return true
}

func newRegex(pattern, flags string) (*regex, error) {
	var f regexFlags
	for i := range len(flags) {
		if flags[i] == 'g' {
			f.global = true
		} else if !f.set(flags[i]) {
			c, _ := utf8.DecodeRuneInString(flags[i:])
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, `invalid regular expression option: "%c"`, c)
		}
	}
	pattern = f.director(pattern)
	expr, lazy := regexp.QuoteMeta(pattern), false
	if !f.literal {
		t := translator{in: pattern, f: f}
		if err := t.run(); err != nil {
			return nil, err
		}
		expr, lazy = t.out.String(), t.lazy
	}
	re, err := regexp.Compile(f.prefix() + expr)
	if err != nil {
		return nil, errRegex(err)
	}
	if !lazy {
		re.Longest()
	}
	parsed, err := syntax.Parse(f.prefix()+expr, syntax.Perl)
	if err != nil {
		return nil, errRegex(err)
	}
	return &regex{re, f.global, looksBack(parsed)}, nil
}

func looksBack(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginLine, syntax.OpBeginText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	for _, sub := range re.Sub {
		if looksBack(sub) {
			return true
		}
	}
	return false
}

// director reads what a pattern may begin with: ***= makes it literal, (?i) sets options.
func (f *regexFlags) director(p string) string {
	if rest, ok := strings.CutPrefix(p, "***="); ok {
		f.literal = true
		return rest
	}
	p = strings.TrimPrefix(p, "***:")
	if strings.HasPrefix(p, "(?") && !f.literal {
		if end := strings.IndexByte(p, ')'); end > 2 {
			g := *f
			for i := 2; i < end; i++ {
				if !g.set(p[i]) {
					return p
				}
			}
			*f = g
			return p[end+1:]
		}
	}
	return p
}

func (f *regexFlags) prefix() string {
	s := ""
	if f.fold {
		s += "i"
	}
	if !f.dotNoNewline {
		s += "s"
	}
	if f.lineAnchors {
		s += "m"
	}
	if s == "" {
		return ""
	}
	return "(?" + s + ")"
}

func errRegexText(msg string) error {
	return pgerr.Newf(pgerr.InvalidRegularExpression, "invalid regular expression: %s", msg)
}

// errRegex words Go's errors as PostgreSQL does.
func errRegex(err error) error {
	msg := "invalid regexp"
	var e *syntax.Error
	if errors.As(err, &e) {
		switch e.Code {
		case syntax.ErrMissingParen, syntax.ErrUnexpectedParen:
			msg = "parentheses () not balanced"
		case syntax.ErrMissingBracket:
			msg = "brackets [] not balanced"
		case syntax.ErrMissingRepeatArgument, syntax.ErrInvalidRepeatOp:
			msg = "quantifier operand invalid"
		case syntax.ErrInvalidRepeatSize:
			msg = "invalid repetition count(s)"
		case syntax.ErrTrailingBackslash, syntax.ErrInvalidEscape:
			msg = `invalid escape \ sequence`
		case syntax.ErrInvalidCharRange:
			msg = "invalid character range"
		case syntax.ErrInvalidCharClass:
			msg = "invalid character class"
		case syntax.ErrLarge:
			msg = "regular expression is too complex"
		}
	}
	return errRegexText(msg)
}

// translator rewrites an advanced regular expression in Go's syntax.
type translator struct {
	in   string
	f    regexFlags
	i    int
	out  strings.Builder
	lazy bool // has a non-greedy quantifier
}

func (t *translator) run() error {
	for t.i < len(t.in) {
		if err := t.step(); err != nil {
			return err
		}
	}
	return nil
}

func (t *translator) step() error {
	c := t.in[t.i]
	switch {
	case c == '\\':
		return t.escape()
	case c == '[':
		return t.bracket()
	case c == '(' && strings.HasPrefix(t.in[t.i:], "(?"):
		return t.special()
	case t.f.expanded && (c == ' ' || c >= '\t' && c <= '\r'):
		t.i++
		return nil
	case t.f.expanded && c == '#':
		for t.i < len(t.in) && t.in[t.i] != '\n' {
			t.i++
		}
		return nil
	case c == '*' || c == '+' || c == '?':
		return t.quantifier(t.i + 1)
	case c == '{':
		if t.i+1 < len(t.in) && t.in[t.i+1] >= '0' && t.in[t.i+1] <= '9' {
			end := strings.IndexByte(t.in[t.i:], '}')
			if end < 0 {
				return errRegexText("braces {} not balanced")
			}
			return t.bounds(t.i + end + 1)
		}
		t.out.WriteString(`\{`)
		t.i++
		return nil
	case c == '$' && !t.f.lineAnchors:
		t.out.WriteString(`\z`)
		t.i++
		return nil
	}
	_, n := utf8.DecodeRuneInString(t.in[t.i:])
	t.out.WriteString(t.in[t.i : t.i+n])
	t.i += n
	return nil
}

// quantifier copies a quantifier that ends before end, with the ? that makes it non-greedy.
func (t *translator) quantifier(end int) error {
	if end < len(t.in) && t.in[end] == '?' {
		t.lazy = true
		end++
	}
	t.out.WriteString(t.in[t.i:end])
	t.i = end
	if end < len(t.in) && strings.IndexByte("*+?", t.in[end]) >= 0 {
		return errRegexText("quantifier operand invalid")
	}
	return nil
}

// bounds copies {m}, {m,} or {m,n}.
func (t *translator) bounds(end int) error {
	lo, hi, comma := strings.Cut(t.in[t.i+1:end-1], ",")
	n, ok := smallNumber(lo)
	m, ok2 := n, ok
	if comma && hi != "" {
		m, ok2 = smallNumber(hi)
	}
	if !ok || !ok2 || m < n {
		return errRegexText("invalid repetition count(s)")
	}
	return t.quantifier(end)
}

// smallNumber reads a repetition count: at most 255.
func smallNumber(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if n = 10*n + int(s[i]-'0'); n > 255 {
			return 0, false
		}
	}
	return n, s != ""
}

// special copies (?:...), skips a comment, and refuses look-around.
func (t *translator) special() error {
	rest := t.in[t.i+2:]
	switch {
	case strings.HasPrefix(rest, ":"):
		t.out.WriteString("(?:")
		t.i += 3
		return nil
	case strings.HasPrefix(rest, "#"):
		end := strings.IndexByte(rest, ')')
		if end < 0 {
			return errRegexText("parentheses () not balanced")
		}
		t.i += 2 + end + 1
		return nil
	case strings.HasPrefix(rest, "="), strings.HasPrefix(rest, "!"), strings.HasPrefix(rest, "<"):
		return pgerr.Unsupported("look-around in a regular expression")
	}
	return errRegexText("quantifier operand invalid")
}

const wordClass = `\p{L}\p{N}_`

// escape rewrites a backslash escape outside brackets.
func (t *translator) escape() error {
	if t.i+1 >= len(t.in) {
		return errRegexText(`invalid escape \ sequence`)
	}
	c := t.in[t.i+1]
	t.i += 2
	switch c {
	case 'd', 'D':
		t.out.WriteString(`\` + string(c))
	case 's':
		t.out.WriteString(`[\s\v]`)
	case 'S':
		t.out.WriteString(`[^\s\v]`)
	case 'w':
		t.out.WriteString("[" + wordClass + "]")
	case 'W':
		t.out.WriteString("[^" + wordClass + "]")
	case 'A':
		t.out.WriteString(`\A`)
	case 'Z':
		t.out.WriteString(`\z`)
	case 'y', 'm', 'M':
		t.out.WriteString(`\b`)
	case 'Y':
		t.out.WriteString(`\B`)
	default:
		if c >= '1' && c <= '9' {
			return pgerr.Unsupported("a back-reference in a regular expression")
		}
		r, err := t.charEscape(c)
		if err != nil {
			return err
		}
		t.out.WriteString(regexp.QuoteMeta(string(r)))
	}
	return nil
}

// charEscape reads an escape that stands for one character; t.i is after the letter c.
func (t *translator) charEscape(c byte) (rune, error) {
	switch c {
	case 'a':
		return '\a', nil
	case 'b':
		return '\b', nil
	case 'B':
		return '\\', nil
	case 'e':
		return '\x1b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'v':
		return '\v', nil
	case 'u':
		return t.hex(4, 4)
	case 'U':
		return t.hex(8, 8)
	case 'x':
		return t.hex(1, 8)
	case '0':
		return 0, nil
	}
	if c >= utf8.RuneSelf {
		r, n := utf8.DecodeRuneInString(t.in[t.i-1:])
		t.i += n - 1
		return r, nil
	}
	if isAlnum(c) {
		return 0, errRegexText(`invalid escape \ sequence`)
	}
	return rune(c), nil
}

func (t *translator) hex(least, most int) (rune, error) {
	v, n := rune(0), 0
	for n < most && t.i < len(t.in) {
		c := t.in[t.i] | 0x20
		switch {
		case t.in[t.i] >= '0' && t.in[t.i] <= '9':
			v = v<<4 | rune(t.in[t.i]-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | rune(c-'a'+10)
		default:
			most = n
			continue
		}
		n++
		t.i++
	}
	if n < least || v > utf8.MaxRune || v < 0 {
		return 0, errRegexText(`invalid escape \ sequence`)
	}
	return v, nil
}

// bracket rewrites a bracket expression.
func (t *translator) bracket() error {
	if rest := t.in[t.i:]; strings.HasPrefix(rest, "[[:<:]]") || strings.HasPrefix(rest, "[[:>:]]") {
		t.out.WriteString(`\b`)
		t.i += len("[[:<:]]")
		return nil
	}
	t.i++
	t.out.WriteByte('[')
	if t.i < len(t.in) && t.in[t.i] == '^' {
		t.out.WriteByte('^')
		t.i++
		if t.f.dotNoNewline {
			t.out.WriteString(`\n`)
		}
	}
	for first := true; t.i < len(t.in); first = false {
		c := t.in[t.i]
		if c == ']' && !first {
			t.out.WriteByte(']')
			t.i++
			return nil
		}
		if err := t.member(c); err != nil {
			return err
		}
	}
	return errRegexText("brackets [] not balanced")
}

// member rewrites one member of a bracket expression.
func (t *translator) member(c byte) error {
	rest := t.in[t.i:]
	switch {
	case strings.HasPrefix(rest, "[:"):
		end := strings.Index(rest, ":]")
		if end < 0 {
			return errRegexText("brackets [] not balanced")
		}
		class, ok := posixClasses[rest[2:end]]
		if !ok {
			return errRegexText("invalid character class")
		}
		t.out.WriteString(class)
		t.i += end + 2
	case strings.HasPrefix(rest, "[=") || strings.HasPrefix(rest, "[."):
		end := strings.Index(rest[2:], rest[1:2]+"]")
		if end < 0 {
			return errRegexText("brackets [] not balanced")
		}
		t.out.WriteString(quoteMember(rest[2 : 2+end]))
		t.i += end + 4
	case c == '\\':
		return t.memberEscape()
	case c == '-':
		t.out.WriteByte('-')
		t.i++
	default:
		_, n := utf8.DecodeRuneInString(rest)
		t.out.WriteString(quoteMember(rest[:n]))
		t.i += n
	}
	return nil
}

func (t *translator) memberEscape() error {
	if t.i+1 >= len(t.in) {
		return errRegexText(`invalid escape \ sequence`)
	}
	c := t.in[t.i+1]
	t.i += 2
	switch c {
	case 'd':
		t.out.WriteString(`\d`)
	case 's':
		t.out.WriteString(`\s\v`)
	case 'w':
		t.out.WriteString(wordClass)
	default:
		r, err := t.charEscape(c)
		if err != nil {
			return err
		}
		t.out.WriteString(quoteMember(string(r)))
	}
	return nil
}

func quoteMember(s string) string {
	if len(s) == 1 && strings.Contains(`[]^-\`, s) {
		return `\` + s
	}
	return s
}

var posixClasses = map[string]string{
	"alpha": `\p{L}`, "digit": `\d`, "alnum": `\p{L}\p{N}`, "upper": `\p{Lu}`, "lower": `\p{Ll}`,
	"space": `\s\v`, "blank": ` \t`, "punct": `[:punct:]`, "cntrl": `[:cntrl:]`, "xdigit": `[:xdigit:]`,
	"graph": `[:graph:]`, "print": `[:print:]`, "word": wordClass,
}
