package funcs

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

const secMatch = "Pattern matching"

func likeFuncs() []Func {
	s := &section{name: secMatch}
	for _, o := range []struct {
		op, fn, doc, ex string
		fold, not       bool
	}{
		{"~~", "like", "LIKE.", "'abc' ~~ 'a%' → t", false, false},
		{"!~~", "notlike", "NOT LIKE.", "'abc' !~~ 'a%' → f", false, true},
		{"~~*", "iclike", "ILIKE.", "'ABC' ~~* 'a%' → t", true, false},
		{"!~~*", "icnlike", "NOT ILIKE.", "'ABC' !~~* 'a%' → f", true, true},
	} {
		for _, t := range []types.OID{text, types.Name, types.BPChar, bytea} {
			if t == bytea && o.fold {
				continue
			}
			r, ex := text, ""
			if t == bytea {
				r = bytea
			}
			if t == text {
				ex = o.ex
			}
			k := likeKernel(o.fold, o.not, t != bytea)
			s.op(o.op, t, r, types.Bool, k, o.doc, ex).failing()
			if !o.fold && t != types.BPChar {
				s.kernel(o.fn, sig(t, r), types.Bool, k, o.doc, "").failing()
			}
		}
	}
	s.partial("like_escape", sig(text, text), text, likeEscape, "A LIKE pattern with another escape character made standard: LIKE ... ESCAPE.",
		`like_escape('a#%', '#') → a\%`)
	s.partial("like_escape", sig(bytea, bytea), bytea, likeEscape, "A LIKE pattern with another escape character made standard.", "")
	return s.fs
}

// likePattern is a compiled LIKE pattern: the common shapes are recognised.
type likePattern struct {
	text   string // the pattern it was compiled from
	shape  byte   // '=' no wildcard, '^' prefix, '$' suffix, '*' infix, '?' anything else
	lit    string
	fold   bool
	chars  bool
	folded string
}

// compile recognises the shape of p.
func (l *likePattern) compile(p string, fold, chars bool) {
	*l = likePattern{text: strings.Clone(p), fold: fold, chars: chars, shape: '?'}
	if fold {
		l.folded = foldCase(p)
		return
	}
	body, lead := strings.CutPrefix(l.text, "%")
	body, trail := strings.CutSuffix(body, "%")
	if strings.ContainsAny(body, `%_\`) || l.text == "%" {
		return
	}
	l.lit = body
	switch {
	case lead && trail:
		l.shape = '*'
	case lead:
		l.shape = '$'
	case trail:
		l.shape = '^'
	default:
		l.shape = '='
	}
}

func foldCase(s string) string { return strings.Map(unicode.ToLower, s) }

func (l *likePattern) match(s string) (bool, error) {
	switch l.shape {
	case '=':
		return s == l.lit, nil
	case '^':
		return strings.HasPrefix(s, l.lit), nil
	case '$':
		return strings.HasSuffix(s, l.lit), nil
	case '*':
		return strings.Contains(s, l.lit), nil
	}
	p := l.text
	if l.fold {
		s, p = foldCase(s), l.folded
	}
	m, err := l.walk(s, p)
	return m == likeTrue, err
}

// The outcome of a partial match; likeAbort says that no later start can succeed either.
const (
	likeFalse = iota
	likeTrue
	likeAbort
)

var errLikeEnd = pgerr.New(pgerr.InvalidEscapeSequence, "LIKE pattern must not end with escape character")

// walk is PostgreSQL's MatchText.
func (l *likePattern) walk(s, p string) (int, error) {
	if p == "%" {
		return likeTrue, nil
	}
	for len(s) > 0 && len(p) > 0 {
		switch p[0] {
		case '\\':
			if p = p[1:]; p == "" {
				return likeFalse, errLikeEnd
			}
			if p[0] != s[0] {
				return likeFalse, nil
			}
			s, p = s[1:], p[1:]
		case '%':
			return l.percent(s, p[1:])
		case '_':
			s, p = s[l.charLen(s):], p[1:]
		default:
			if p[0] != s[0] {
				return likeFalse, nil
			}
			s, p = s[1:], p[1:]
		}
	}
	if len(s) > 0 {
		return likeFalse, nil // the pattern is at its end, the string is not
	}
	for len(p) > 0 && p[0] == '%' {
		p = p[1:]
	}
	if p == "" {
		return likeTrue, nil
	}
	return likeAbort, nil
}

// percent matches the rest of a pattern after a %.
func (l *likePattern) percent(s, p string) (int, error) {
	for len(p) > 0 && (p[0] == '%' || p[0] == '_') {
		if p[0] == '_' {
			if s == "" {
				return likeAbort, nil
			}
			s = s[l.charLen(s):]
		}
		p = p[1:]
	}
	if p == "" {
		return likeTrue, nil
	}
	first := p[0]
	if first == '\\' {
		if len(p) < 2 {
			return likeFalse, errLikeEnd
		}
		first = p[1]
	}
	for len(s) > 0 {
		if s[0] == first {
			if m, err := l.walk(s, p); m != likeFalse || err != nil {
				return m, err
			}
		}
		s = s[l.charLen(s):]
	}
	return likeAbort, nil
}

func (l *likePattern) charLen(s string) int {
	if !l.chars || s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

func likeKernel(fold, not, chars bool) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		var l likePattern
		first := true
		bp := args[0].Type.OID == types.BPChar
		forRows(rows, sel, func(i int) {
			if p := args[1].Str(i); first || p != l.text {
				l.compile(p, fold, chars)
				first = false
			}
			s := args[0].Str(i)
			if bp {
				s = types.Str(args[0].Bytes(i))
			}
			ok, err := l.match(s)
			if err != nil {
				ctx.Fail(int32(i), pgerr.Of(err))
				return
			}
			out.I64[i] = b2i(ok != not)
		})
	}
}

func likeEscape(r *Row) error {
	p, e := r.Bytes(0), r.Bytes(1)
	if len(e) == 0 {
		return r.PutBytes(bytes.ReplaceAll(p, []byte(`\`), []byte(`\\`)))
	}
	if runes(e) != 1 || r.args[0].Type.OID == bytea && len(e) != 1 {
		return pgerr.New(pgerr.InvalidEscapeSequence, "invalid escape string").WithHint("Escape string must be empty or one character.")
	}
	if string(e) == `\` {
		return r.PutBytes(p)
	}
	return r.Append(func(dst []byte) ([]byte, error) {
		after := false
		for len(p) > 0 {
			_, n := utf8.DecodeRune(p)
			c := p[:n]
			p = p[n:]
			switch {
			case bytes.Equal(c, e) && !after:
				dst = append(dst, '\\')
				after = true
				continue
			case string(c) == `\`:
				dst = append(dst, '\\')
				if !after {
					dst = append(dst, '\\')
				}
			default:
				dst = append(dst, c...)
			}
			after = false
		}
		return dst, nil
	})
}
