package funcs

import (
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

const secFormat = "Formatting"

// templated makes a kernel whose last argument is a template: it is compiled once for a run of rows that have the
// same, as with a constant.
func templated[T any](compile func(string) (T, error), f func(r *Row, t T) error) Kernel {
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		var (
			t    T
			err  error
			last string
			has  bool
		)
		Each(func(r *Row) error {
			if s := r.Str(r.Num() - 1); !has || s != last {
				t, err = compile(s)
				last, has = s, true
			}
			if err != nil {
				return err
			}
			return f(r, t)
		})(ctx, args, rows, sel, out)
	}
}

func compileTime(s string) (*types.TimeFormat, error) {
	return types.CompileTimeFormat(strings.Clone(s)), nil
}

func compileNumber(s string) (*types.NumberFormat, error) {
	return types.CompileNumberFormat(strings.Clone(s))
}

// putNullable appends a result that may be null.
func (r *Row) putNullable(f func(dst []byte) ([]byte, bool, error)) error {
	b, null, err := f(r.out.Buf)
	switch {
	case err != nil:
		return err
	case null:
		return r.PutNull()
	}
	r.out.Buf = b
	return nil
}

func formatFuncs() []Func {
	s := &section{name: secFormat}
	timeChar := func(t types.OID, f func(r *Row, tf *types.TimeFormat, dst []byte) ([]byte, bool, error), ex string) {
		s.kernel("to_char", sig(t, text), text, templated(compileTime, func(r *Row, tf *types.TimeFormat) error {
			return r.putNullable(func(dst []byte) ([]byte, bool, error) { return f(r, tf, dst) })
		}), "A point in time or an interval in the form of a template.", ex).failing()
	}
	timeChar(ts, func(r *Row, tf *types.TimeFormat, dst []byte) ([]byte, bool, error) {
		return tf.FormatTimestamp(dst, r.Int(0))
	}, "to_char(timestamp '2002-04-20 17:31:12.66', 'HH12:MI:SS') → 05:31:12")
	timeChar(tsTZ, func(r *Row, tf *types.TimeFormat, dst []byte) ([]byte, bool, error) {
		return tf.FormatTimestampTZ(dst, r.Int(0), r.loc())
	}, "")
	timeChar(itvl, func(r *Row, tf *types.TimeFormat, dst []byte) ([]byte, bool, error) {
		return tf.FormatInterval(dst, r.Interval(0))
	}, "to_char(interval '15h 2m 12s', 'HH24:MI:SS') → 15:02:12")
	numberChar := func(t types.OID, f func(r *Row, nf *types.NumberFormat, dst []byte) ([]byte, error), ex string) {
		s.kernel("to_char", sig(t, text), text, templated(compileNumber, func(r *Row, nf *types.NumberFormat) error {
			return r.Append(func(dst []byte) ([]byte, error) { return f(r, nf, dst) })
		}), "A number in the form of a template.", ex).failing()
	}
	for _, t := range []types.OID{int4, types.Int8} {
		ex := ""
		if t == int4 {
			ex = "to_char(125, '999') →  125"
		}
		numberChar(t, func(r *Row, nf *types.NumberFormat, dst []byte) ([]byte, error) {
			return nf.FormatNumeric(dst, types.AppendNumericInt(nil, r.Int(0)))
		}, ex)
	}
	for _, t := range []types.OID{types.Float4, types.Float8} {
		numberChar(t, func(r *Row, nf *types.NumberFormat, dst []byte) ([]byte, error) {
			return nf.FormatFloat(dst, r.Float(0), t)
		}, "")
	}
	numberChar(types.Numeric, func(r *Row, nf *types.NumberFormat, dst []byte) ([]byte, error) {
		return nf.FormatNumeric(dst, r.Bytes(0))
	},
		"to_char(-125.8, '999D99S') → 125.80-")
	s.kernel("to_date", sig(text, text), date, templated(compileTime, func(r *Row, tf *types.TimeFormat) error {
		return r.putI64(tf.ParseDate(r.Str(0)))
	}), "A date from text in the form of a template.", "to_date('05 Dec 2000', 'DD Mon YYYY') → 2000-12-05").failing()
	s.kernel("to_timestamp", sig(text, text), tsTZ, templated(compileTime, func(r *Row, tf *types.TimeFormat) error {
		return r.putI64(tf.ParseTimestampTZ(r.Str(0), r.loc()))
	}), "A point in time from text in the form of a template.", "to_timestamp('05 Dec 2000', 'DD Mon YYYY') → 2000-12-05 00:00:00+00").failing()
	s.partial("to_number", sig(text, text), types.Numeric, func(r *Row) error {
		num, err := readNumber(r.Str(0), r.Str(1))
		if err != nil {
			return err
		}
		if num == "" {
			return r.PutNull()
		}
		return r.Append(func(dst []byte) ([]byte, error) { return types.AppendParsedNumeric(dst, num, -1) })
	}, "A number from text in the form of a template.", "to_number('12,454.8-', '99G999D9S') → -12454.8")
	return s.fs
}

// numberReader reads a number from text by a template.
type numberReader struct {
	in     string
	i      int
	digits []byte
	neg    bool
	point  bool
	signed bool // the template has a sign
	room   int  // the digits that the template has before its point, less those read
	past   bool // the template's point has been seen
}

// readNumber reads a number by a template: each 9 or 0 takes a character of the text, which counts if it is a digit;
// a sign may come first or, if the template has one, last.
func readNumber(in, template string) (num string, err error) {
	up := strings.ToUpper(template)
	if strings.Trim(up, " ") == "" {
		return "", nil
	}
	n := numberReader{in: in}
	for k := 0; k < len(up); k++ {
		two := up[k:min(k+2, len(up))]
		switch {
		case two == "MI" || two == "PL" || two == "SG" || two == "PR":
			n.signed = true
			k++
		case two == "FM" || two == "TH":
			k++
		case strings.HasPrefix(up[k:], "EEEE") || two == "RN":
			return "", pgerr.Unsupported("this template in to_number")
		case up[k] == 'S':
			n.signed = true
		default:
			n.pattern(up[k])
		}
	}
	if n.signed && strings.ContainsAny(in[min(n.i, len(in)):], "-") || strings.HasPrefix(strings.TrimSpace(in), "<") {
		n.neg = true
	}
	if num = strings.TrimSuffix(string(n.digits), "."); num == "" {
		return "", pgerr.New(pgerr.InvalidTextRepresentation, `invalid input syntax for type numeric: " "`)
	}
	if n.neg {
		num = "-" + num
	}
	if n.room < 0 {
		return "", pgerr.New(pgerr.NumericValueOutOfRange, "numeric field overflow")
	}
	return num, nil
}

// pattern takes what one character of the template stands for.
func (n *numberReader) pattern(c byte) {
	switch {
	case c == '.' || c == 'D':
		n.past = true
	case (c == '9' || c == '0') && !n.past:
		n.room++
	}
	if len(n.digits) == 0 {
		for n.i < len(n.in) && (n.in[n.i] == ' ' || n.in[n.i] == '<' || n.in[n.i] == '-' || n.in[n.i] == '+') {
			n.neg = n.neg || n.in[n.i] == '-'
			n.i++
		}
	}
	if n.i >= len(n.in) {
		return
	}
	d := n.in[n.i]
	isDigit := d >= '0' && d <= '9'
	switch c {
	case '9', '0':
		if isDigit || d == '.' && !n.point {
			n.digits = append(n.digits, d)
			if n.point = n.point || d == '.'; !n.point {
				n.room--
			}
		}
		n.i++
	case '.', 'D':
		if d == '.' && !n.point {
			n.point = true
			n.digits = append(n.digits, '.')
			n.i++
		}
	case ',', 'G':
		if d == ',' {
			n.i++
		}
	case 'L':
		for n.i < len(n.in) && (n.in[n.i] < '0' || n.in[n.i] > '9') && n.in[n.i] != '.' {
			n.i++
		}
	default:
		if !isDigit {
			n.i++
		}
	}
}
