package types

import (
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
)

// AppendArrayText appends an array as text: {1,NULL,"a b"}, with bounds in front where one is not 1.
func AppendArrayText(dst []byte, t Type, b []byte, env *Env) []byte {
	elem := t.elemType()
	r := ReadArray(elem, b)
	if t.OID == Int2Vector || t.OID == OidVector {
		for i := 0; r.Next(); i++ {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = AppendI64Text(dst, elem, r.I64, env)
		}
		return dst
	}
	if r.ndim == 0 {
		return append(dst, "{}"...)
	}
	dims := r.Dims()
	for _, d := range dims {
		if d.Lower != 1 {
			dst = appendBounds(dst, dims)
			break
		}
	}
	w := arrayWriter{r: &r, dims: dims, env: env}
	return w.level(dst, 0)
}

func appendBounds(dst []byte, dims []ArrayDim) []byte {
	for _, d := range dims {
		dst = append(dst, '[')
		dst = AppendI64Text(dst, T(Int4), int64(d.Lower), nil)
		dst = append(dst, ':')
		dst = AppendI64Text(dst, T(Int4), int64(d.Lower)+int64(d.Len)-1, nil)
		dst = append(dst, ']')
	}
	return append(dst, '=')
}

type arrayWriter struct {
	r    *ArrayReader
	dims []ArrayDim
	env  *Env
}

func (w *arrayWriter) level(dst []byte, depth int) []byte {
	dst = append(dst, '{')
	for i := range int(w.dims[depth].Len) {
		if i > 0 {
			dst = append(dst, ',')
		}
		if depth+1 < len(w.dims) {
			dst = w.level(dst, depth+1)
			continue
		}
		w.r.Next()
		dst = w.element(dst)
	}
	return append(dst, '}')
}

func (w *arrayWriter) element(dst []byte) []byte {
	r := w.r
	if r.Null {
		return append(dst, "NULL"...)
	}
	at := len(dst)
	dst = AppendText(dst, r.Elem, r.I64, r.F64, r.Bytes, w.env)
	if !arrayQuotes(dst[at:]) {
		return dst
	}
	return quoteTail(dst, at)
}

// quoteTail puts dst[at:] in double quotes, with a backslash before quotes and backslashes.
func quoteTail(dst []byte, at int) []byte {
	text := string(dst[at:])
	dst = append(dst[:at], '"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, text[i])
	}
	return append(dst, '"')
}

func arrayQuotes(s []byte) bool {
	if len(s) == 0 || len(s) == 4 && strings.EqualFold(Str(s), "null") {
		return true
	}
	for _, c := range s {
		switch c {
		case '"', '\\', '{', '}', ',', ' ', '\t', '\n', '\r', '\v', '\f':
			return true
		}
	}
	return false
}

// arrayParser reads an array literal.
type arrayParser struct {
	in     string
	s      string // rest
	t      Type   // element type
	env    *Env
	b      ArrayBuilder
	dims   [maxArrayDims]int32 // lengths found, -1 while unknown
	ndim   int
	isLeaf bool // ndim is settled
	buf    []byte
}

// AppendParsedArray parses an array literal of type t.
func AppendParsedArray(dst []byte, t Type, s string, env *Env) ([]byte, error) {
	if t.OID == Int2Vector || t.OID == OidVector {
		return appendParsedVector(dst, t, s)
	}
	p := arrayParser{in: s, s: s, t: t.elemType(), env: env}
	p.b.Reset(p.t)
	bounds, err := p.bounds()
	if err != nil {
		return dst, err
	}
	if p.skipSpace(); p.s == "" || p.s[0] != '{' {
		if bounds != nil {
			return dst, p.errorf("Array contents must start with \"{\".")
		}
		return dst, p.errorf("Array value must start with \"{\" or dimension information.")
	}
	for i := range p.dims {
		p.dims[i] = -1
	}
	if err := p.level(0); err != nil {
		return dst, err
	}
	if p.skipSpace(); p.s != "" {
		return dst, p.errorf("Junk after closing right brace.")
	}
	return p.finish(dst, bounds)
}

func (p *arrayParser) finish(dst []byte, bounds []ArrayDim) ([]byte, error) {
	if p.b.n == 0 {
		if bounds != nil {
			return dst, p.errorf("Specified array dimensions do not match array contents.")
		}
		return append(dst, 0), nil
	}
	if bounds == nil {
		bounds = make([]ArrayDim, p.ndim)
		for i := range bounds {
			bounds[i] = ArrayDim{p.dims[i], 1}
		}
	} else {
		ok := len(bounds) == p.ndim
		for i := 0; ok && i < p.ndim; i++ {
			ok = bounds[i].Len == p.dims[i]
		}
		if !ok {
			return dst, p.errorf("Specified array dimensions do not match array contents.")
		}
	}
	if _, err := arraySize(bounds); err != nil {
		return dst, err
	}
	return p.b.FinishDims(dst, bounds), nil
}

func (p *arrayParser) errorf(detail string) error {
	return pgerr.Newf(pgerr.InvalidTextRepresentation, `malformed array literal: "%s"`, p.in).WithDetail("%s", detail)
}

func (p *arrayParser) skipSpace() {
	for p.s != "" && isSpace(p.s[0]) {
		p.s = p.s[1:]
	}
}

// bounds reads [l:u]... = in front of the contents.
func (p *arrayParser) bounds() (ds []ArrayDim, err error) {
	for {
		p.skipSpace()
		if p.s == "" || p.s[0] != '[' {
			break
		}
		if len(ds) == maxArrayDims {
			return nil, errTooManyDims(len(ds) + 1)
		}
		p.s = p.s[1:]
		d := ArrayDim{Lower: 1}
		upper, err := p.bound()
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(p.s, ":") {
			p.s = p.s[1:]
			d.Lower = upper
			if upper, err = p.bound(); err != nil {
				return nil, err
			}
		}
		if !strings.HasPrefix(p.s, "]") {
			return nil, p.errorf(`Missing "]" after array dimensions.`)
		}
		p.s = p.s[1:]
		if upper < d.Lower {
			return nil, pgerr.New(pgerr.ArraySubscriptError, "upper bound cannot be less than lower bound")
		}
		size := int64(upper) - int64(d.Lower) + 1
		if size > maxArrayLen {
			return nil, pgerr.Newf(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", maxArrayLen)
		}
		d.Len = int32(size)
		ds = append(ds, d)
	}
	if ds == nil {
		return nil, nil
	}
	if !strings.HasPrefix(p.s, "=") {
		return nil, p.errorf(`Missing "=" after array dimensions.`)
	}
	p.s = p.s[1:]
	return ds, nil
}

func errTooManyDims(n int) error {
	return pgerr.Newf(pgerr.ProgramLimitExceeded,
		"number of array dimensions (%d) exceeds the maximum allowed (%d)", n, maxArrayDims)
}

func (p *arrayParser) bound() (int32, error) {
	v, rest, ok := strtoint(p.s)
	if len(rest) == len(p.s) {
		return 0, p.errorf(`"[" must introduce explicitly-specified array dimensions.`)
	}
	if !ok {
		return 0, pgerr.New(pgerr.NumericValueOutOfRange, "array bound is out of integer range")
	}
	p.s = rest
	return int32(v), nil
}

// level reads {...} at a depth. All sub-arrays of one depth must have the same length, and elements lie at
// one depth only.
func (p *arrayParser) level(depth int) error {
	if depth == maxArrayDims {
		return errTooManyDims(depth + 1)
	}
	if p.isLeaf && depth >= p.ndim {
		return p.errorf(mismatchDetail)
	}
	p.s = p.s[1:]
	n := int32(0)
	for {
		p.skipSpace()
		if p.s == "" {
			return p.errorf("Unexpected end of input.")
		}
		switch {
		case p.s[0] == '}' && n == 0 && depth == 0:
			p.s = p.s[1:]
			return p.endLevel(depth, 0)
		case p.s[0] == '{':
			if err := p.level(depth + 1); err != nil {
				return err
			}
		default:
			if err := p.elementAt(depth); err != nil {
				return err
			}
		}
		n++
		p.skipSpace()
		if p.s == "" {
			return p.errorf("Unexpected end of input.")
		}
		c := p.s[0]
		if c != ',' && c != '}' {
			if c == '{' {
				return p.errorf(`Unexpected "{" character.`)
			}
			return p.errorf("Unexpected array element.")
		}
		p.s = p.s[1:]
		if c == '}' {
			return p.endLevel(depth, n)
		}
		if p.skipSpace(); strings.HasPrefix(p.s, "}") {
			return p.errorf(`Unexpected "}" character.`)
		}
	}
}

const mismatchDetail = "Multidimensional arrays must have sub-arrays with matching dimensions."

func (p *arrayParser) endLevel(depth int, n int32) error {
	if p.dims[depth] >= 0 && p.dims[depth] != n {
		return p.errorf(mismatchDetail)
	}
	p.dims[depth] = n
	return nil
}

func (p *arrayParser) elementAt(depth int) error {
	if !p.isLeaf {
		p.isLeaf, p.ndim = true, depth+1
	}
	if depth+1 != p.ndim {
		return p.errorf(mismatchDetail)
	}
	text, quoted, err := p.element()
	if err != nil {
		return err
	}
	if !quoted && strings.EqualFold(text, "null") {
		p.b.AppendNull()
		return nil
	}
	switch p.t.Class() {
	case I64:
		v, err := ParseI64(p.t, text, p.env)
		if err != nil {
			return err
		}
		p.b.AppendI64(v)
	case F64:
		v, err := ParseF64(p.t, text)
		if err != nil {
			return err
		}
		p.b.AppendF64(v)
	default:
		v, err := AppendParsedBytes(nil, p.t, text, p.env)
		if err != nil {
			return err
		}
		p.b.AppendBytes(v)
	}
	return nil
}

// element reads one element's text, which lives until the next call.
func (p *arrayParser) element() (text string, quoted bool, err error) {
	p.buf = p.buf[:0]
	keep := 0 // trailing blanks before this length belong to the element
	if p.s[0] == '"' {
		p.s = p.s[1:]
		for {
			switch {
			case p.s == "" || p.s == `\`:
				return "", false, p.errorf("Unexpected end of input.")
			case p.s[0] == '"':
				p.s = p.s[1:]
				return Str(p.buf), true, nil
			case p.s[0] == '\\':
				p.s = p.s[1:]
			}
			p.buf = append(p.buf, p.s[0])
			p.s = p.s[1:]
		}
	}
	for {
		if p.s == "" || p.s == `\` {
			return "", false, p.errorf("Unexpected end of input.")
		}
		switch c := p.s[0]; {
		case c == ',' || c == '}':
			if p.buf = p.buf[:max(keep, trimmedLen(p.buf))]; len(p.buf) == 0 {
				return "", false, p.errorf(`Unexpected "` + string(c) + `" character.`)
			}
			return Str(p.buf), keep > 0, nil
		case c == '{':
			return "", false, p.errorf(`Unexpected "{" character.`)
		case c == '"':
			return "", false, p.errorf("Unexpected array element.")
		case c == '\\':
			p.buf = append(p.buf, p.s[1])
			p.s = p.s[2:]
			keep = len(p.buf)
		default:
			p.buf = append(p.buf, c)
			p.s = p.s[1:]
		}
	}
}

func trimmedLen(b []byte) int {
	n := len(b)
	for n > 0 && isSpace(b[n-1]) {
		n--
	}
	return n
}

func appendParsedVector(dst []byte, t Type, s string) ([]byte, error) {
	b := NewArrayBuilder(t.elemType())
	for w := range strings.FieldsSeq(s) {
		v, err := ParseI64(b.elem, w, nil)
		if err != nil {
			return dst, err
		}
		b.AppendI64(v)
	}
	return b.FinishDims(dst, []ArrayDim{{int32(b.n), 0}}), nil
}
