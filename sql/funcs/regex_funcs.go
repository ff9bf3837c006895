package funcs

import (
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

func regexFuncs() []Func {
	s := &section{name: secMatch}
	for _, o := range []struct {
		op, flags, doc, ex string
		not                bool
	}{
		{"~", "", "Matches a regular expression.", "'thomas' ~ 't.*ma' → t", false},
		{"!~", "", "Does not match a regular expression.", "'thomas' !~ 't.*max' → t", true},
		{"~*", "i", "Matches a regular expression, in any case.", "'thomas' ~* 'T.*ma' → t", false},
		{"!~*", "i", "Does not match a regular expression, in any case.", "'thomas' !~* 'T.*ma' → f", true},
	} {
		for _, t := range []types.OID{text, types.Name, types.BPChar} {
			f := s.op(o.op, t, text, types.Bool, Each(func(r *Row) error {
				re, err := compileRegex(r.Str(1), o.flags)
				if err != nil {
					return err
				}
				return r.PutBool(re.MatchString(r.Str(0)) != o.not)
			}), o.doc, "").failing()
			if t == text {
				f.Example = o.ex
			}
		}
	}
	addReplace(s)
	addMatch(s)
	addSimilar(s)
	return s.fs
}

// flagsArg is argument n, if there is one.
func (r *Row) flagsArg(n int) string {
	if n < r.Num() {
		return r.Str(n)
	}
	return ""
}

// regex compiles argument p with the flags in argument f.
func (r *Row) regex(p, f int) (*regex, error) { return compileRegex(r.Str(p), r.flagsArg(f)) }

// noGlobal refuses flag g.
func (r *Row) noGlobal(fn string, f int) error {
	if strings.Contains(r.flagsArg(f), "g") {
		e := pgerr.Newf(pgerr.InvalidParameterValue, `%s does not support the "global" option`, fn)
		if fn == "regexp_match()" {
			return e.WithHint("Use the regexp_matches function instead.")
		}
		return e
	}
	return nil
}

func addReplace(s *section) {
	doc := "With matches replaced: the first, or all with flag g; \\1 to \\9 and \\& stand for what matched."
	replace := func(r *Row) error {
		flags := r.flagsArg(3)
		if flags != "" && flags[0] >= '0' && flags[0] <= '9' {
			return pgerr.Newf(pgerr.InvalidParameterValue, `invalid regular expression option: "%c"`, flags[0]).
				WithHint("If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.")
		}
		re, err := r.regex(1, 3)
		if err != nil {
			return err
		}
		limit := 1
		if re.global {
			limit = 0
		}
		return r.replaceMatches(re, 1, limit)
	}
	s.partial("regexp_replace", sig(text, text, text), text, replace, doc, "regexp_replace('Thomas', '.[mN]a.', 'M') → ThM")
	s.partial("regexp_replace", sig(text, text, text, text), text, replace, doc, "regexp_replace('foobarbaz', 'b(..)', 'X\\1Y', 'g') → fooXarYXazY")
	from := func(nth, flags int) func(r *Row) error {
		return func(r *Row) error {
			n := int64(1)
			if nth > 0 && nth < r.Num() {
				n = r.Int(nth)
			}
			if r.Int(3) <= 0 {
				return errRegexArg("start", r.Int(3))
			}
			if n < 0 {
				return errRegexArg("n", n)
			}
			re, err := r.regex(1, flags)
			if err != nil {
				return err
			}
			if nth == 0 && re.global {
				n = 0
			}
			return r.replaceNth(re, r.Int(3), int(n))
		}
	}
	s.partial("regexp_replace", sig(text, text, text, int4, int4, text), text, from(4, 5), doc, "")
	s.partial("regexp_replace", sig(text, text, text, int4, int4), text, from(4, 5), doc, "regexp_replace('A PostgreSQL function', 'a|e|i|o|u', 'X', 1, 3) → A PostgreSQL fXnction")
	s.partial("regexp_replace", sig(text, text, text, int4), text, from(0, 4), doc, "")
}

func errRegexArg(name string, v int64) error {
	return pgerr.Newf(pgerr.InvalidParameterValue, `invalid value for parameter "%s": %d`, name, v)
}

// replaceMatches replaces up to limit matches (0: all) from character start on.
func (r *Row) replaceMatches(re *regex, start int64, limit int) error {
	s := r.Str(0)
	return r.Append(func(dst []byte) ([]byte, error) {
		at, last := runeOffset(r.Bytes(0), start-1), 0
		if start-1 > int64(runes(r.Bytes(0))) {
			return append(dst, s...), nil
		}
		for k, m := range matches(re, s, at) {
			if limit > 0 && k >= limit {
				break
			}
			dst = append(dst, s[last:m[0]]...)
			dst = expand(dst, r.Str(2), s, m)
			last = m[1]
		}
		return append(dst, s[last:]...), nil
	})
}

// replaceNth replaces match n, counted from 1 from character start on; 0: all.
func (r *Row) replaceNth(re *regex, start int64, n int) error {
	if n == 0 {
		return r.replaceMatches(re, start, 0)
	}
	s := r.Str(0)
	ms := matches(re, s, runeOffset(r.Bytes(0), start-1))
	if len(ms) < n || start-1 > int64(runes(r.Bytes(0))) {
		return r.PutStr(s)
	}
	m := ms[n-1]
	return r.Append(func(dst []byte) ([]byte, error) {
		dst = append(dst, s[:m[0]]...)
		dst = expand(dst, r.Str(2), s, m)
		return append(dst, s[m[1]:]...), nil
	})
}

// matches finds all matches from byte at on: offsets of the match and its groups. As in PostgreSQL an empty match
// may follow directly after another one.
func matches(re *regex, s string, at int) [][]int {
	if re.looksBack {
		return matchesInContext(re, s, at)
	}
	var ms [][]int
	for at <= len(s) {
		m := re.FindStringSubmatchIndex(s[at:])
		if m == nil {
			break
		}
		for k := range m {
			if m[k] >= 0 {
				m[k] += at
			}
		}
		ms = append(ms, m)
		if at = m[1]; m[0] == m[1] {
			if at >= len(s) {
				break
			}
			_, n := utf8.DecodeRuneInString(s[at:])
			at += n
		}
	}
	return ms
}

// matchesInContext leaves it to Go to go through the string, since only it can look behind a position. An empty
// match directly after another one is not found.
func matchesInContext(re *regex, s string, at int) [][]int {
	ms := re.FindAllStringSubmatchIndex(s, -1)
	for len(ms) > 0 && ms[0][0] < at {
		ms = ms[1:]
	}
	return ms
}

// expand appends a replacement text with \1 and \& filled in.
func expand(dst []byte, rep, s string, m []int) []byte {
	for i := 0; i < len(rep); i++ {
		if rep[i] != '\\' || i+1 == len(rep) {
			dst = append(dst, rep[i])
			continue
		}
		i++
		g := -1
		switch c := rep[i]; {
		case c == '&':
			g = 0
		case c >= '1' && c <= '9':
			g = int(c - '0')
		case c == '\\':
			dst = append(dst, '\\')
			continue
		default:
			dst = append(dst, '\\', c)
			continue
		}
		if 2*g < len(m) && m[2*g] >= 0 {
			dst = append(dst, s[m[2*g]:m[2*g+1]]...)
		}
	}
	return dst
}

// appendGroups adds the groups of a match to an array, or the match itself if there are none.
func appendGroups(b *types.ArrayBuilder, s string, m []int) {
	first := 2
	if len(m) == 2 {
		first = 0
	}
	for k := first; k < len(m); k += 2 {
		if m[k] < 0 {
			b.AppendNull()
		} else {
			b.AppendBytes([]byte(s[m[k]:m[k+1]]))
		}
	}
}

func addMatch(s *section) {
	match := func(r *Row) error {
		if err := r.noGlobal("regexp_match()", 2); err != nil {
			return err
		}
		re, err := r.regex(1, 2)
		if err != nil {
			return err
		}
		m := re.FindStringSubmatchIndex(r.Str(0))
		if m == nil {
			return r.PutNull()
		}
		b := types.NewArrayBuilder(types.T(text))
		appendGroups(b, r.Str(0), m)
		return r.Append(func(dst []byte) ([]byte, error) { return b.Finish(dst), nil })
	}
	split := func(r *Row) error {
		if err := r.noGlobal("regexp_split_to_array()", 2); err != nil {
			return err
		}
		re, err := r.regex(1, 2)
		if err != nil {
			return err
		}
		b := types.NewArrayBuilder(types.T(text))
		splitRegex(re, r.Str(0), func(part string) { b.AppendBytes([]byte(part)) })
		return r.Append(func(dst []byte) ([]byte, error) { return b.Finish(dst), nil })
	}
	like := func(r *Row) error {
		if err := r.noGlobal("regexp_like()", 2); err != nil {
			return err
		}
		re, err := r.regex(1, 2)
		if err != nil {
			return err
		}
		return r.PutBool(re.MatchString(r.Str(0)))
	}
	for _, args := range [][]types.OID{sig(text, text), sig(text, text, text)} {
		ex := func(s string) string {
			if len(args) == 2 {
				return s
			}
			return ""
		}
		s.partial("regexp_match", args, types.TextArray, match, "What the groups of the first match matched.",
			ex("regexp_match('foobarbequebaz', '(bar)(beque)') → {bar,beque}"))
		s.partial("regexp_split_to_array", args, types.TextArray, split, "Split at the matches.",
			ex(`regexp_split_to_array('hello world', '\s+') → {hello,world}`))
		s.partial("regexp_like", args, types.Bool, like, "Matches.", ex("regexp_like('Hello World', 'world$') → f"))
	}
	addCounts(s)
	s.partial("substring", sig(text, text), text, func(r *Row) error {
		re, err := compileRegex(r.Str(1), "")
		if err != nil {
			return err
		}
		m := re.FindStringSubmatchIndex(r.Str(0))
		switch {
		case m == nil:
			return r.PutNull()
		case len(m) > 2:
			if m = m[2:]; m[0] < 0 {
				return r.PutNull()
			}
		}
		return r.PutStr(r.Str(0)[m[0]:m[1]])
	}, "The part that matches a regular expression, or its first group.", "substring('Thomas', '...$') → mas")
}

// addCounts adds the functions that number matches: (string, pattern, start, nth, ..., flags, group).
func addCounts(s *section) {
	count := func(r *Row) error {
		start, err := r.regexStart(2)
		if err != nil {
			return err
		}
		if err := r.noGlobal("regexp_count()", 3); err != nil {
			return err
		}
		re, err := r.regex(1, 3)
		if err != nil {
			return err
		}
		return r.PutInt(int64(len(matches(re, r.Str(0), start))))
	}
	all := sig(text, text, int4, text)
	for n := 2; n <= 4; n++ {
		ex := map[int]string{2: "regexp_count('123456789012', '\\d\\d\\d') → 4"}[n]
		s.partial("regexp_count", all[:n], int4, count, "Number of matches from a position on.", ex)
	}
	all = sig(text, text, int4, int4, text, int4)
	for n := 2; n <= 6; n++ {
		ex := map[int]string{2: "regexp_substr('ABCDEF', 'C.') → CD"}[n]
		s.partial("regexp_substr", all[:n], text, func(r *Row) error {
			m, err := r.nthMatch("regexp_substr()", 4, 5)
			if err != nil {
				return err
			}
			if m == nil || m[0] < 0 {
				return r.PutNull()
			}
			return r.PutStr(r.Str(0)[m[0]:m[1]])
		}, "What match n from a position on, or a group of it, matched.", ex)
	}
	all = sig(text, text, int4, int4, int4, text, int4)
	for n := 2; n <= 7; n++ {
		ex := map[int]string{2: "regexp_instr('ABCDEF', 'C.') → 3"}[n]
		s.partial("regexp_instr", all[:n], int4, func(r *Row) error {
			end := int64(0)
			if r.Num() > 4 {
				if end = r.Int(4); end != 0 && end != 1 {
					return errRegexArg("endoption", end)
				}
			}
			m, err := r.nthMatch("regexp_instr()", 5, 6)
			if err != nil {
				return err
			}
			if m == nil || m[0] < 0 {
				return r.PutInt(0)
			}
			return r.PutInt(int64(runes(r.Bytes(0)[:m[end]])) + 1)
		}, "Where match n from a position on, or a group of it, begins or ends.", ex)
	}
}

// regexStart reads argument n, a start position, as a byte offset.
func (r *Row) regexStart(n int) (int, error) {
	if n >= r.Num() {
		return 0, nil
	}
	if r.Int(n) <= 0 {
		return 0, errRegexArg("start", r.Int(n))
	}
	b := r.Bytes(0)
	if r.Int(n)-1 > int64(runes(b)) {
		return len(b) + 1, nil
	}
	return runeOffset(b, r.Int(n)-1), nil
}

// nthMatch finds the match that arguments 2 (start) and 3 (number) name, or the group of it in argument group.
func (r *Row) nthMatch(fn string, flags, group int) ([]int, error) {
	start, err := r.regexStart(2)
	if err != nil {
		return nil, err
	}
	nth, sub := int64(1), int64(0)
	if r.Num() > 3 {
		if nth = r.Int(3); nth <= 0 {
			return nil, errRegexArg("n", nth)
		}
	}
	if group < r.Num() {
		if sub = r.Int(group); sub < 0 {
			return nil, errRegexArg("subexpr", sub)
		}
	}
	if err := r.noGlobal(fn, flags); err != nil {
		return nil, err
	}
	re, err := r.regex(1, flags)
	if err != nil {
		return nil, err
	}
	ms := matches(re, r.Str(0), start)
	if int64(len(ms)) < nth {
		return nil, nil
	}
	m := ms[nth-1]
	if len(m) == 2 && sub == 1 {
		sub = 0 // without groups the match counts as one
	}
	if 2*sub >= int64(len(m)) {
		return nil, nil
	}
	return m[2*sub : 2*sub+2], nil
}

// splitRegex calls part for what is between the matches. An empty match splits after each character, but not at
// the ends.
func splitRegex(re *regex, s string, part func(string)) {
	last := 0
	for _, m := range matches(re, s, 0) {
		if m[1] == m[0] && (m[0] == last && m[0] == 0 || m[0] >= len(s)) {
			continue
		}
		if m[0] == m[1] && m[0] == last {
			continue
		}
		part(s[last:m[0]])
		last = m[1]
	}
	part(s[last:])
}

func addSimilar(s *section) {
	one := func(r *Row) error {
		return r.Append(func(dst []byte) ([]byte, error) { return similarToRegex(dst, r.Str(0), `\`) })
	}
	two := func(r *Row) error {
		return r.Append(func(dst []byte) ([]byte, error) { return similarToRegex(dst, r.Str(0), r.Str(1)) })
	}
	s.partial("similar_to_escape", sig(text), text, one, "A SIMILAR TO pattern as a regular expression.", "similar_to_escape('a%(b|c)') → ^(?:a.*(?:b|c))$")
	s.partial("similar_to_escape", sig(text, text), text, two, "A SIMILAR TO pattern with its escape character as a regular expression.", "")
	s.partial("similar_escape", sig(text, text), text, func(r *Row) error {
		if r.Null(0) {
			return r.PutNull()
		}
		if r.Null(1) {
			return one(r)
		}
		return two(r)
	}, "A SIMILAR TO pattern with its escape character as a regular expression.", "").lax()
	s.partial("substring", sig(text, text, text), text, func(r *Row) error {
		p, err := similarToRegex(nil, r.Str(1), r.Str(2))
		if err != nil {
			return err
		}
		re, err := compileRegex(string(p), "")
		if err != nil {
			return err
		}
		m := re.FindStringSubmatchIndex(r.Str(0))
		if m == nil {
			return r.PutNull()
		}
		if len(m) > 2 {
			if m = m[2:]; m[0] < 0 {
				return r.PutNull()
			}
		}
		return r.PutStr(r.Str(0)[m[0]:m[1]])
	}, "The part that matches the middle of a SIMILAR pattern.", `substring('Thomas', '%#"o_a#"_', '#') → oma`)
}

// similarToRegex is PostgreSQL's similar_escape_internal.
func similarToRegex(dst []byte, p, escape string) ([]byte, error) {
	if escape != "" && utf8.RuneCountInString(escape) != 1 {
		return dst, pgerr.New(pgerr.InvalidEscapeSequence, "invalid escape string").WithHint("Escape string must be empty or one character.")
	}
	dst = append(dst, "^(?:"...)
	after, inClass, quotes := false, false, 0
	for len(p) > 0 {
		_, n := utf8.DecodeRuneInString(p)
		c := p[:n]
		p = p[n:]
		switch {
		case after:
			if c == `"` && !inClass {
				switch quotes {
				case 0:
					dst = append(dst, "){1,1}?("...)
				case 1:
					dst = append(dst, "){1,1}(?:"...)
				default:
					return dst, pgerr.New("2200C", "SQL regular expression may not contain more than two escape-double-quote separators")
				}
				quotes++
			} else {
				if n == 1 {
					dst = append(dst, '\\')
				}
				dst = append(dst, c...)
			}
			after = false
		case c == escape:
			after = true
		case inClass:
			if c == `\` {
				dst = append(dst, '\\')
			}
			dst = append(dst, c...)
			inClass = c != "]"
		case c == "[":
			dst = append(dst, '[')
			inClass = true
		case c == "%":
			dst = append(dst, ".*"...)
		case c == "_":
			dst = append(dst, '.')
		case c == "(":
			dst = append(dst, "(?:"...)
		case c == `\` || c == "." || c == "^" || c == "$":
			dst = append(append(dst, '\\'), c...)
		default:
			dst = append(dst, c...)
		}
	}
	return append(dst, ")$"...), nil
}
