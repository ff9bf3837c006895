package funcs

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

func concatFuncs() []Func {
	s := &section{name: secString}
	s.total("concat", sig(types.Any), text, func(r *Row) error {
		return r.Append(func(dst []byte) ([]byte, error) {
			for i := range r.Num() {
				if !r.Null(i) {
					dst = appendText(dst, r.Ctx, r.args[i], r.i)
				}
			}
			return dst, nil
		})
	}, "All arguments that are not null, as text.", "concat('abcde', 2, null, 22) → abcde222").variadic().lax()
	s.total("concat_ws", sig(text, types.Any), text, func(r *Row) error {
		if r.Null(0) {
			return r.PutNull()
		}
		first := true
		return r.Append(func(dst []byte) ([]byte, error) {
			for i := 1; i < r.Num(); i++ {
				if r.Null(i) {
					continue
				}
				if !first {
					dst = append(dst, r.Str(0)...)
				}
				first = false
				dst = appendText(dst, r.Ctx, r.args[i], r.i)
			}
			return dst, nil
		})
	}, "All arguments but the first that are not null, separated by the first.", "concat_ws(',', 'abcde', 2, null, 22) → abcde,2,22").variadic().lax()
	s.partial("format", sig(text, types.Any), text, format, "Filled-in format string, as C's sprintf: %s, %I, %L.",
		"format('Hello %s, %1$s', 'World') → Hello World, World").variadic().lax()
	s.partial("format", sig(text), text, format, "Filled-in format string without arguments.", "format('100%%') → 100%").lax()
	addQuotes(s)
	addHashes(s)
	return s.fs
}

func addQuotes(s *section) {
	s.total("quote_ident", sig(text), text, func(r *Row) error {
		return r.Append(func(dst []byte) ([]byte, error) { return appendIdent(dst, r.Str(0)), nil })
	}, "Quoted as an identifier where needed.", `quote_ident('Foo bar') → "Foo bar"`)
	literal := func(r *Row) error {
		return r.Append(func(dst []byte) ([]byte, error) { return appendLiteral(dst, r.Str(0)), nil })
	}
	s.total("quote_literal", sig(text), text, literal, "Quoted as a string literal.", `quote_literal('O''Reilly') → 'O''Reilly'`)
	s.total("quote_literal", sig(types.AnyElement), text, func(r *Row) error { return quoteAny(r) }, "As text, quoted as a string literal.",
		"quote_literal(42.5) → '42.5'")
	s.total("quote_nullable", sig(text), text, func(r *Row) error {
		if r.Null(0) {
			return r.PutStr("NULL")
		}
		return literal(r)
	}, "Quoted as a string literal; NULL for null.", "quote_nullable(null) → NULL").lax()
	s.total("quote_nullable", sig(types.AnyElement), text, func(r *Row) error {
		if r.Null(0) {
			return r.PutStr("NULL")
		}
		return quoteAny(r)
	}, "As text, quoted as a string literal; NULL for null.", "quote_nullable(42.5) → '42.5'").lax()
}

func quoteAny(r *Row) error {
	v := appendCast(nil, r.Ctx, r.args[0], r.i)
	return r.Append(func(dst []byte) ([]byte, error) { return appendLiteral(dst, types.Str(v)), nil })
}

// appendIdent quotes s unless it is a plain identifier.
func appendIdent(dst []byte, s string) []byte {
	plain := s != "" && (s[0] == '_' || s[0] >= 'a' && s[0] <= 'z')
	for i := 0; i < len(s) && plain; i++ {
		c := s[i]
		plain = c == '_' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
	}
	if plain && !mustQuote[s] {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(s, `"`, `""`)...)
	return append(dst, '"')
}

// QuoteIdent quotes an identifier unless it is plain and no reserved word.
func QuoteIdent(s string) string { return string(appendIdent(nil, s)) }

func appendLiteral(dst []byte, s string) []byte {
	if strings.Contains(s, `\`) {
		dst = append(dst, 'E')
		s = strings.ReplaceAll(s, `\`, `\\`)
	}
	dst = append(dst, '\'')
	dst = append(dst, strings.ReplaceAll(s, "'", "''")...)
	return append(dst, '\'')
}

func addHashes(s *section) {
	for _, t := range []types.OID{text, bytea} {
		s.total("md5", sig(t), text, func(r *Row) error {
			h := md5.Sum(r.Bytes(0))
			return r.PutStr(hex.EncodeToString(h[:]))
		}, "MD5 hash in hexadecimal.", "")
	}
	s.fs[len(s.fs)-2].Example = "md5('abc') → 900150983cd24fb0d6963f7d28e17f72"
	s.total("sha224", sig(bytea), bytea, func(r *Row) error { h := sha256.Sum224(r.Bytes(0)); return r.PutBytes(h[:]) }, "SHA-224 hash.", "")
	s.total("sha256", sig(bytea), bytea, func(r *Row) error { h := sha256.Sum256(r.Bytes(0)); return r.PutBytes(h[:]) }, "SHA-256 hash.",
		`sha256('abc'::bytea) → \xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad`)
	s.total("sha384", sig(bytea), bytea, func(r *Row) error { h := sha512.Sum384(r.Bytes(0)); return r.PutBytes(h[:]) }, "SHA-384 hash.", "")
	s.total("sha512", sig(bytea), bytea, func(r *Row) error { h := sha512.Sum512(r.Bytes(0)); return r.PutBytes(h[:]) }, "SHA-512 hash.", "")
	s.partial("encode", sig(bytea, text), text, encode, "Bytes as text: base64, hex or escape.", `encode('123\000\001'::bytea, 'base64') → MTIzAAE=`)
	s.partial("decode", sig(text, text), bytea, decode, "Bytes from text: base64, hex or escape.", `decode('MTIzAAE=', 'base64') → \x3132330001`)
	s.total("to_hex", sig(int4), text, func(r *Row) error { return r.PutStr(strconv.FormatUint(uint64(uint32(r.Int(0))), 16)) },
		"In hexadecimal.", "to_hex(2147483647) → 7fffffff")
	s.total("to_hex", sig(types.Int8), text, func(r *Row) error { return r.PutStr(strconv.FormatUint(uint64(r.Int(0)), 16)) },
		"In hexadecimal.", "")
	s.partial("get_byte", sig(bytea, int4), int4, func(r *Row) error {
		b, n := r.Bytes(0), r.Int(1)
		if n < 0 || n >= int64(len(b)) {
			return pgerr.Newf(pgerr.ArraySubscriptError, "index %d out of valid range, 0..%d", n, len(b)-1)
		}
		return r.PutInt(int64(b[n]))
	}, "Byte n, from 0.", `get_byte('\x1234567890'::bytea, 4) → 144`)
	s.partial("set_byte", sig(bytea, int4, int4), bytea, func(r *Row) error {
		b, n := append([]byte{}, r.Bytes(0)...), r.Int(1)
		if n < 0 || n >= int64(len(b)) {
			return pgerr.Newf(pgerr.ArraySubscriptError, "index %d out of valid range, 0..%d", n, len(b)-1)
		}
		b[n] = byte(r.Int(2))
		return r.PutBytes(b)
	}, "With byte n, from 0, set.", `set_byte('\x1234567890'::bytea, 4, 64) → \x1234567840`)
	s.partial("convert_from", sig(bytea, types.Name), text, func(r *Row) error {
		if err := knownEncoding("source", r.Str(1)); err != nil {
			return err
		}
		if err := types.ValidateUTF8(r.Str(0)); err != nil {
			return err
		}
		return r.PutBytes(r.Bytes(0))
	}, "Text from bytes in UTF8.", `convert_from('abc'::bytea, 'UTF8') → abc`)
	s.partial("convert_to", sig(text, types.Name), bytea, func(r *Row) error {
		if err := knownEncoding("destination", r.Str(1)); err != nil {
			return err
		}
		return r.PutBytes(r.Bytes(0))
	}, "The bytes of a text in UTF8.", `convert_to('abc', 'UTF8') → \x616263`)
}

func knownEncoding(side, name string) error {
	switch strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name)) {
	case "utf8", "unicode":
		return nil
	}
	return pgerr.Newf(pgerr.InvalidParameterValue, `invalid %s encoding name "%s"`, side, name)
}

func encode(r *Row) error {
	switch f := strings.ToLower(r.Str(1)); f {
	case "hex":
		return r.Append(func(dst []byte) ([]byte, error) { return hex.AppendEncode(dst, r.Bytes(0)), nil })
	case "base64":
		s := base64.StdEncoding.EncodeToString(r.Bytes(0))
		for len(s) > 76 {
			_ = r.PutStr(s[:76] + "\n")
			s = s[76:]
		}
		return r.PutStr(s)
	case "escape":
		return r.Append(func(dst []byte) ([]byte, error) {
			for _, c := range r.Bytes(0) {
				switch {
				case c == '\\':
					dst = append(dst, `\\`...)
				case c == 0 || c >= 0x80:
					dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
				default:
					dst = append(dst, c)
				}
			}
			return dst, nil
		})
	}
	return errEncoding(r.Str(1))
}

func errEncoding(name string) error {
	return pgerr.Newf(pgerr.InvalidParameterValue, `unrecognized encoding: "%s"`, name)
}

func decode(r *Row) error {
	switch strings.ToLower(r.Str(1)) {
	case "hex":
		return r.Append(func(dst []byte) ([]byte, error) { return types.AppendHexDecoded(dst, r.Str(0)) })
	case "base64":
		return decodeBase64(r)
	case "escape":
		return r.Append(func(dst []byte) ([]byte, error) { return types.AppendByteaUnescaped(dst, r.Str(0)) })
	}
	return errEncoding(r.Str(1))
}

func decodeBase64(r *Row) error {
	s := strings.Map(func(c rune) rune {
		if c == ' ' || c == '\n' || c == '\t' || c == '\r' {
			return -1
		}
		return c
	}, r.Str(0))
	b, err := base64.StdEncoding.DecodeString(s)
	if err == nil {
		return r.PutBytes(b)
	}
	for _, c := range s {
		if c != '=' && !strings.ContainsRune("+/", c) && (c > 'z' || !isAlnum(byte(c))) {
			return pgerr.Newf(pgerr.InvalidParameterValue, `invalid symbol "%c" found while decoding base64 sequence`, c)
		}
	}
	if i := strings.IndexByte(s, '='); i >= 0 && i%4 < 2 {
		return pgerr.New(pgerr.InvalidParameterValue, `unexpected "=" while decoding base64 sequence`)
	}
	return pgerr.New(pgerr.InvalidParameterValue, "invalid base64 end sequence").
		WithHint("Input data is missing padding, is truncated, or is otherwise corrupted.")
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// formatSpec is one %... of a format string.
type formatSpec struct {
	pos, width int
	hasWidth   bool
	widthArg   int // 0: none, -1: the next argument, else a position
	left       bool
	conv       byte
}

// format implements format().
func format(r *Row) error {
	if r.Null(0) {
		return r.PutNull()
	}
	f, next := r.Str(0), 0
	return r.Append(func(dst []byte) ([]byte, error) {
		for i := 0; i < len(f); {
			if f[i] != '%' {
				j := strings.IndexByte(f[i:], '%')
				if j < 0 {
					j = len(f) - i
				}
				dst = append(dst, f[i:i+j]...)
				i += j
				continue
			}
			if i+1 < len(f) && f[i+1] == '%' {
				dst = append(dst, '%')
				i += 2
				continue
			}
			spec, n, err := parseFormatSpec(f[i+1:])
			if err != nil {
				return dst, err
			}
			i += 1 + n
			if dst, err = formatOne(r, dst, spec, &next); err != nil {
				return dst, err
			}
		}
		return dst, nil
	})
}

var errFormatEnd = pgerr.New(pgerr.InvalidParameterValue, `unterminated format() type specifier`).
	WithHint(`For a single "%%" use "%%%%".`)

func parseFormatSpec(f string) (s formatSpec, n int, err error) {
	number := func() (int, bool, error) {
		start, v := n, 0
		for n < len(f) && f[n] >= '0' && f[n] <= '9' {
			if v = v*10 + int(f[n]-'0'); v > 1<<31-1 {
				return 0, false, pgerr.New(pgerr.NumericValueOutOfRange, "number is out of range")
			}
			n++
		}
		return v, n > start, nil
	}
	v, has, err := number()
	if err != nil {
		return s, n, err
	}
	if has && n < len(f) && f[n] == '$' {
		if v == 0 {
			return s, n, pgerr.New(pgerr.InvalidParameterValue, "format specifies argument 0, but arguments are numbered from 1")
		}
		s.pos, has = v, false
		n++
	}
	for !has && n < len(f) && f[n] == '-' {
		s.left = true
		n++
	}
	switch {
	case has:
		s.width, s.hasWidth = v, true
	case n < len(f) && f[n] == '*':
		n++
		s.widthArg = -1
		if v, has, err = number(); err != nil {
			return s, n, err
		} else if has {
			if n >= len(f) || f[n] != '$' {
				return s, n, pgerr.New(pgerr.InvalidParameterValue, `width argument position must be ended by "$"`)
			}
			n++
			if s.widthArg = v; v == 0 {
				return s, n, pgerr.New(pgerr.InvalidParameterValue, "format specifies argument 0, but arguments are numbered from 1")
			}
		}
	default:
		if s.width, s.hasWidth, err = number(); err != nil {
			return s, n, err
		}
	}
	if n >= len(f) {
		return s, n, errFormatEnd
	}
	s.conv = f[n]
	if !strings.ContainsRune("sIL", rune(s.conv)) {
		c, _ := utf8.DecodeRuneInString(f[n:])
		return s, n, pgerr.Newf(pgerr.InvalidParameterValue, `unrecognized format() type specifier "%c"`, c).WithHint(`For a single "%%" use "%%%%".`)
	}
	return s, n + 1, nil
}

var errFormatArgs = pgerr.New(pgerr.InvalidParameterValue, "too few arguments for format()")

func formatOne(r *Row, dst []byte, s formatSpec, next *int) ([]byte, error) {
	if s.widthArg != 0 {
		if s.widthArg > 0 {
			*next = s.widthArg - 1
		}
		*next++
		if *next >= r.Num() {
			return dst, errFormatArgs
		}
		if !r.Null(*next) {
			w, err := types.ParseInt(string(appendText(nil, r.Ctx, r.args[*next], r.i)), types.Int4)
			if err != nil {
				return dst, err
			}
			if s.width = int(w); w < 0 {
				s.width, s.left = int(-w), true
			}
		}
	}
	if s.pos > 0 {
		*next = s.pos - 1
	}
	*next++
	if *next >= r.Num() {
		return dst, errFormatArgs
	}
	null := r.Null(*next)
	var val []byte
	if !null {
		val = appendText(nil, r.Ctx, r.args[*next], r.i)
	}
	switch s.conv {
	case 'I':
		if null {
			return dst, pgerr.New(pgerr.NullValueNotAllowed, "null values cannot be formatted as an SQL identifier")
		}
		val = appendIdent(nil, types.Str(val))
	case 'L':
		if null {
			val = []byte("NULL")
		} else {
			val = appendLiteral(nil, types.Str(val))
		}
	}
	fill := max(0, s.width-runes(val))
	if len(dst)+len(val)+fill > maxString {
		return dst, pgerr.New(pgerr.ProgramLimitExceeded, "out of memory")
	}
	if s.left {
		dst = append(dst, val...)
	}
	for range fill {
		dst = append(dst, ' ')
	}
	if !s.left {
		dst = append(dst, val...)
	}
	return dst, nil
}
