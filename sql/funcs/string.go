package funcs

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

const (
	secString = "Strings"
	text      = types.Text
	int4      = types.Int4
	bytea     = types.Bytea
)

// maxString is the size past which PostgreSQL refuses to make a string.
const maxString = 1<<30 - 1

func errTooLong() error {
	return pgerr.New(pgerr.ProgramLimitExceeded, "requested length too large")
}

func stringFuncs() []Func {
	s := &section{name: secString}
	addLengths(s)
	addCase(s)
	addSubstrings(s)
	addTrims(s)
	addPads(s)
	addPieces(s)
	return s.fs
}

func addLengths(s *section) {
	chars := func(r *Row) error { return r.PutInt(int64(runes(r.Bytes(0)))) }
	bpchars := func(r *Row) error { return r.PutInt(int64(runes(types.TrimBPChar(r.Bytes(0))))) }
	octets := func(r *Row) error { return r.PutInt(int64(len(r.Bytes(0)))) }
	bits := func(r *Row) error { return r.PutInt(int64(8 * len(r.Bytes(0)))) }
	for _, n := range []string{"length", "char_length", "character_length"} {
		s.total(n, sig(text), int4, chars, "Number of characters.", n+"('jose') → 4")
		s.total(n, sig(types.BPChar), int4, bpchars, "Number of characters, trailing blanks left out.", "")
	}
	s.total("length", sig(bytea), int4, octets, "Number of bytes.", `length('\x1234567890'::bytea) → 5`)
	s.partial("length", sig(bytea, types.Name), int4, func(r *Row) error {
		if err := knownEncoding("source", r.Str(1)); err != nil {
			return err
		}
		if err := types.ValidateUTF8(r.Str(0)); err != nil {
			return err
		}
		return chars(r)
	}, "Number of characters of bytes in UTF8.", "length('jose'::bytea, 'UTF8') → 4")
	for _, t := range []types.OID{text, types.BPChar, bytea} {
		s.total("octet_length", sig(t), int4, octets, "Number of bytes.", "")
	}
	s.total("bit_length", sig(text), int4, bits, "Number of bits.", "bit_length('jose') → 32")
	s.total("bit_length", sig(bytea), int4, bits, "Number of bits.", "")
}

func mapRunes(f func(rune) rune) func(r *Row) error {
	return func(r *Row) error {
		return r.Append(func(dst []byte) ([]byte, error) {
			for _, c := range r.Str(0) {
				dst = utf8.AppendRune(dst, f(c))
			}
			return dst, nil
		})
	}
}

func addCase(s *section) {
	s.total("upper", sig(text), text, mapRunes(unicode.ToUpper), "In upper case.", "upper('tom') → TOM")
	s.total("lower", sig(text), text, mapRunes(unicode.ToLower), "In lower case.", "lower('TOM') → tom")
	s.total("initcap", sig(text), text, func(r *Row) error {
		return r.Append(func(dst []byte) ([]byte, error) {
			inWord := false
			for _, c := range r.Str(0) {
				if inWord {
					dst = utf8.AppendRune(dst, unicode.ToLower(c))
				} else {
					dst = utf8.AppendRune(dst, unicode.ToUpper(c))
				}
				inWord = unicode.IsLetter(c) || unicode.IsDigit(c)
			}
			return dst, nil
		})
	}, "The first letter of each word in upper case, the rest in lower case.", "initcap('hi THOMAS') → Hi Thomas")
	s.total("reverse", sig(text), text, func(r *Row) error {
		return r.Append(func(dst []byte) ([]byte, error) {
			for b := r.Bytes(0); len(b) > 0; {
				_, n := utf8.DecodeLastRune(b)
				dst = append(dst, b[len(b)-n:]...)
				b = b[:len(b)-n]
			}
			return dst, nil
		})
	}, "The characters in reverse order.", "reverse('abcde') → edcba")
}

// runeOffset is the byte offset of character n (0-based) of s, or its length.
func runeOffset(s []byte, n int64) int {
	if n >= int64(len(s)) {
		return len(s)
	}
	i := 0
	for ; n > 0 && i < len(s); n-- {
		_, w := utf8.DecodeRune(s[i:])
		i += w
	}
	return i
}

// cut returns characters [from, from+n) of s, counted from 1; n < 0 means to the end.
func cut(s []byte, from, n int64, chars bool) []byte {
	to := from + n
	if n < 0 || to > int64(len(s))+1 {
		to = int64(len(s)) + 1
	}
	from = max(from, 1)
	if to <= from {
		return nil
	}
	if !chars {
		if from > int64(len(s)) {
			return nil
		}
		return s[from-1 : to-1]
	}
	s = s[runeOffset(s, from-1):]
	return s[:runeOffset(s, to-from)]
}

var errNegativeSubstring = pgerr.New(pgerr.SubstringError, "negative substring length not allowed")

func addSubstrings(s *section) {
	for _, name := range []string{"substr", "substring"} {
		for _, t := range []types.OID{text, bytea} {
			chars := t == text
			ex2, ex3 := "", ""
			if chars {
				ex2, ex3 = name+"('alphabet', 3) → phabet", name+"('alphabet', 3, 2) → ph"
			}
			s.total(name, sig(t, int4), t, func(r *Row) error { return r.PutBytes(cut(r.Bytes(0), r.Int(1), -1, chars)) },
				"The part that starts at a position.", ex2)
			s.partial(name, sig(t, int4, int4), t, func(r *Row) error {
				if r.Int(2) < 0 {
					return errNegativeSubstring
				}
				return r.PutBytes(cut(r.Bytes(0), r.Int(1), r.Int(2), chars))
			}, "The part of a length that starts at a position.", ex3)
		}
	}
	for _, t := range []types.OID{text, bytea} {
		chars := t == text
		ex := ""
		if chars {
			ex = "overlay('Txxxxas', 'hom', 2, 4) → Thomas"
		}
		s.partial("overlay", sig(t, t, int4, int4), t, func(r *Row) error {
			return overlay(r, r.Int(3), chars)
		}, "With the part of a length at a position replaced.", ex)
		s.partial("overlay", sig(t, t, int4), t, func(r *Row) error {
			n := int64(len(r.Bytes(1)))
			if chars {
				n = int64(runes(r.Bytes(1)))
			}
			return overlay(r, n, chars)
		}, "With the part at a position replaced by one of the same length.", "")
	}
	s.total("left", sig(text, int4), text, func(r *Row) error {
		b, n := r.Bytes(0), r.Int(1)
		if n < 0 {
			n = max(0, int64(runes(b))+n)
		}
		return r.PutBytes(b[:runeOffset(b, n)])
	}, "The first n characters; with n negative, all but the last -n.", "left('abcde', 2) → ab")
	s.total("right", sig(text, int4), text, func(r *Row) error {
		b, n := r.Bytes(0), r.Int(1)
		if n < 0 {
			return r.PutBytes(b[runeOffset(b, int64(-int32(n))):]) // the least integer is its own negative: 0 characters
		}
		return r.PutBytes(b[runeOffset(b, max(0, int64(runes(b))-n)):])
	}, "The last n characters; with n negative, all but the first -n.", "right('abcde', 2) → de")
	find := func(r *Row) error {
		i := bytes.Index(r.Bytes(0), r.Bytes(1))
		if i < 0 {
			return r.PutInt(0)
		}
		return r.PutInt(int64(runes(r.Bytes(0)[:i])) + 1)
	}
	s.total("strpos", sig(text, text), int4, find, "Where a substring is, 0 if nowhere.", "strpos('high', 'ig') → 2")
	s.total("position", sig(text, text), int4, find, "Where the second string is in the first, 0 if nowhere.", "position('ig' in 'high') → 2")
	s.total("position", sig(bytea, bytea), int4, func(r *Row) error {
		return r.PutInt(int64(bytes.Index(r.Bytes(0), r.Bytes(1)) + 1))
	}, "Where the second string is in the first, 0 if nowhere.", "")
	starts := func(r *Row) error { return r.PutBool(bytes.HasPrefix(r.Bytes(0), r.Bytes(1))) }
	s.total("starts_with", sig(text, text), types.Bool, starts, "Begins with.", "starts_with('alphabet', 'alph') → t")
	s.op("^@", text, text, types.Bool, Each(starts), "Begins with.", "'alphabet' ^@ 'alph' → t")
}

func overlay(r *Row, n int64, chars bool) error {
	from := r.Int(2)
	if from <= 0 {
		return errNegativeSubstring
	}
	if from+n != int64(int32(from+n)) {
		return pgerr.New(pgerr.NumericValueOutOfRange, int4Type.msg)
	}
	b := r.Bytes(0)
	head := cut(b, 1, from-1, chars)
	tail := cut(b, from+n, -1, chars)
	return r.Append(func(dst []byte) ([]byte, error) {
		return append(append(append(dst, head...), r.Bytes(1)...), tail...), nil
	})
}

func addTrims(s *section) {
	for _, t := range []struct {
		name        string
		left, right bool
		ex1, ex2    string
	}{
		{"btrim", true, true, "btrim('  a  ') → a", "btrim('xyxtrimyyx', 'xyz') → trim"},
		{"ltrim", true, false, "ltrim('  a') → a", "ltrim('zzzytest', 'xyz') → test"},
		{"rtrim", false, true, "rtrim('a  ') → a", "rtrim('testxxzx', 'xyz') → test"},
	} {
		where := map[bool]string{true: "both ends", false: "one end"}[t.left && t.right]
		s.total(t.name, sig(text), text, func(r *Row) error { return r.PutStr(trimSet(r.Str(0), " ", t.left, t.right)) },
			"Without blanks at "+where+".", t.ex1)
		s.total(t.name, sig(text, text), text, func(r *Row) error { return r.PutStr(trimSet(r.Str(0), r.Str(1), t.left, t.right)) },
			"Without characters of a set at "+where+".", t.ex2)
		s.total(t.name, sig(bytea, bytea), bytea, func(r *Row) error {
			return r.PutBytes(trimBytes(r.Bytes(0), r.Bytes(1), t.left, t.right))
		}, "Without bytes of a set at "+where+".", "")
	}
}

func trimSet(s, set string, left, right bool) string {
	if set == "" {
		return s
	}
	in := func(c rune) bool { return strings.ContainsRune(set, c) }
	if left {
		s = strings.TrimLeftFunc(s, in)
	}
	if right {
		s = strings.TrimRightFunc(s, in)
	}
	return s
}

func trimBytes(s, set []byte, left, right bool) []byte {
	for left && len(s) > 0 && bytes.IndexByte(set, s[0]) >= 0 {
		s = s[1:]
	}
	for right && len(s) > 0 && bytes.IndexByte(set, s[len(s)-1]) >= 0 {
		s = s[:len(s)-1]
	}
	return s
}

func addPads(s *section) {
	for _, left := range []bool{true, false} {
		name, side, ex2, ex3 := "rpad", "right", "rpad('hi', 4) → hi  ", "rpad('hi', 5, 'xy') → hixyx"
		if left {
			name, side, ex2, ex3 = "lpad", "left", "lpad('hi', 4) →   hi", "lpad('hi', 5, 'xy') → xyxhi"
		}
		s.partial(name, sig(text, int4), text, func(r *Row) error { return pad(r, " ", left) }, "Filled up with blanks on the "+side+", or cut.", ex2)
		s.partial(name, sig(text, int4, text), text, func(r *Row) error { return pad(r, r.Str(2), left) }, "Filled up on the "+side+", or cut.", ex3)
	}
	s.partial("repeat", sig(text, int4), text, func(r *Row) error {
		n := max(0, int(r.Int(1)))
		if r.Str(0) == "" {
			return nil
		}
		if n > 0 && len(r.Str(0)) > maxString/n {
			return errTooLong()
		}
		return r.Append(func(dst []byte) ([]byte, error) {
			for range n {
				dst = append(dst, r.Str(0)...)
			}
			return dst, nil
		})
	}, "Repeated a number of times.", "repeat('Pg', 4) → PgPgPgPg")
}

func pad(r *Row, fill string, left bool) error {
	b, n := r.Bytes(0), int(max(0, r.Int(1)))
	have := runes(b)
	if have >= n || fill == "" {
		return r.PutBytes(b[:runeOffset(b, int64(min(n, have)))])
	}
	if n > maxString/4 {
		return errTooLong()
	}
	return r.Append(func(dst []byte) ([]byte, error) {
		if !left {
			dst = append(dst, b...)
		}
		for need := n - have; need > 0; {
			for _, c := range fill {
				if need == 0 {
					break
				}
				dst = utf8.AppendRune(dst, c)
				need--
			}
		}
		if left {
			dst = append(dst, b...)
		}
		return dst, nil
	})
}

func addPieces(s *section) {
	s.total("replace", sig(text, text, text), text, func(r *Row) error {
		if r.Str(1) == "" {
			return r.PutBytes(r.Bytes(0))
		}
		return r.PutStr(strings.ReplaceAll(r.Str(0), r.Str(1), r.Str(2)))
	}, "With all occurrences of a substring replaced.", "replace('abcdefabcdef', 'cd', 'XX') → abXXefabXXef")
	s.total("translate", sig(text, text, text), text, translate,
		"With characters of one set replaced by those of another, or removed.", "translate('12345', '143', 'ax') → a2x5")
	s.partial("split_part", sig(text, text, int4), text, splitPart,
		"Field n of a string split at a delimiter, counted from the end if n is negative.", "split_part('abc~@~def~@~ghi', '~@~', 2) → def")
	s.total("ascii", sig(text), int4, func(r *Row) error {
		if r.Str(0) == "" {
			return r.PutInt(0)
		}
		c, _ := utf8.DecodeRuneInString(r.Str(0))
		return r.PutInt(int64(c))
	}, "The code point of the first character.", "ascii('x') → 120")
	s.partial("chr", sig(int4), text, func(r *Row) error {
		c := r.Int(0)
		switch {
		case c == 0:
			return pgerr.New(pgerr.ProgramLimitExceeded, "null character not permitted")
		case c < 0:
			return pgerr.New(pgerr.InvalidParameterValue, "character number must be positive")
		case c > 0x10ffff:
			return pgerr.Newf(pgerr.ProgramLimitExceeded, "requested character too large for encoding: %d", c)
		case c >= 0xd800 && c < 0xe000:
			return pgerr.Newf(pgerr.ProgramLimitExceeded, "requested character not valid for encoding: %d", c)
		}
		return r.Append(func(dst []byte) ([]byte, error) { return utf8.AppendRune(dst, rune(c)), nil })
	}, "The character of a code point.", "chr(65) → A")
	cat := Bytes2ToBytes(func(dst, a, b []byte) ([]byte, error) { return append(append(dst, a...), b...), nil })
	s.op("||", text, text, text, cat, "Concatenates.", "'Post' || 'greSQL' → PostgreSQL")
	s.op("||", bytea, bytea, bytea, cat, "Concatenates.", `'\x12'::bytea || '\x34'::bytea → \x1234`)
	anyCat := Each(func(r *Row) error {
		return r.Append(func(dst []byte) ([]byte, error) {
			return appendCast(appendCast(dst, r.Ctx, r.args[0], r.i), r.Ctx, r.args[1], r.i), nil
		})
	})
	s.op("||", text, types.AnyNonArray, text, anyCat, "Concatenates, with the right side as text.", "'Value: ' || 42 → Value: 42")
	s.op("||", types.AnyNonArray, text, text, anyCat, "Concatenates, with the left side as text.", "42 || ' is it' → 42 is it")
}

func translate(r *Row) error {
	from, to := []rune(r.Str(1)), []rune(r.Str(2))
	return r.Append(func(dst []byte) ([]byte, error) {
	next:
		for _, c := range r.Str(0) {
			for i, f := range from {
				if c == f {
					if i < len(to) {
						dst = utf8.AppendRune(dst, to[i])
					}
					continue next
				}
			}
			dst = utf8.AppendRune(dst, c)
		}
		return dst, nil
	})
}

func splitPart(r *Row) error {
	s, sep, n := r.Str(0), r.Str(1), int(r.Int(2))
	if n == 0 {
		return pgerr.New(pgerr.InvalidParameterValue, "field position must not be zero")
	}
	if s == "" {
		return nil
	}
	if sep == "" {
		if n == 1 || n == -1 {
			return r.PutStr(s)
		}
		return nil
	}
	if n < 0 {
		if n = strings.Count(s, sep) + 2 + n; n <= 0 {
			return nil
		}
	}
	for ; n > 1; n-- {
		_, rest, ok := strings.Cut(s, sep)
		if !ok {
			return nil
		}
		s = rest
	}
	s, _, _ = strings.Cut(s, sep)
	return r.PutStr(s)
}
