package pgwire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

var (
	textOptions = CopyOptions{Format: CopyText, Delim: '\t', Null: `\N`}
	csvOptions  = CopyOptions{Format: CopyCSV, Delim: ',', Quote: '"', Escape: '"'}
)

// readAll feeds input in pieces of the given size and prints the rows.
func readAll(o CopyOptions, ts []types.OID, input string, piece int) (string, error) {
	var names []string
	var full []types.Type
	for i, t := range ts {
		names = append(names, fmt.Sprint("c", i))
		full = append(full, types.T(t))
	}
	r := NewCopyReader(o, "t", names, full, nil)
	for i := 0; i < len(input); i += piece {
		if err := r.Feed([]byte(input[i:min(i+piece, len(input))]), false); err != nil {
			return "", err
		}
	}
	if err := r.Feed(nil, true); err != nil {
		return "", err
	}
	return dump(r.Batch), nil
}

func dump(b *vec.Batch) string {
	var sb strings.Builder
	for i := range b.N {
		for k, c := range b.Cols {
			if k > 0 {
				sb.WriteByte('|')
			}
			if c.IsNull(i) {
				sb.WriteString("NULL")
				continue
			}
			s := c.At(i)
			sb.Write(types.AppendText(nil, c.Type, s.I, s.F, s.B, nil))
		}
		sb.WriteByte('\n')
	}
	return sb.String()
}

func TestCopyIn(t *testing.T) {
	it := []types.OID{types.Int4, types.Text}
	header := csvOptions
	header.Header = true
	match := header
	match.HeaderMatch = true
	force := csvOptions
	force.ForceNull, force.ForceNotNil = []bool{true, false}, []bool{false, true}
	semi := textOptions
	semi.Delim, semi.Null = ';', "nil"
	backslash := csvOptions
	backslash.Escape = '\\'
	for _, c := range []struct {
		name string
		o    CopyOptions
		in   string
		want string // or an error's code and message
	}{
		{"plain", textOptions, "1\ta\n-2\tb\n", "1|a\n-2|b\n"},
		{"no end of line", textOptions, "1\ta\n2\tb", "1|a\n2|b\n"},
		{"nulls", textOptions, "\\N\t\n1\t\\N\n", "NULL|\n1|NULL\n"},
		{"escapes", textOptions, "1\ta\\tb\\nc\\\\d\\x41\\101\\q\n", "1|a\tb\nc\\dAAq\n"},
		{"escaped line end", textOptions, "1\ta\\\nb\n2\tc\n", "1|a\nb\n2|c\n"},
		{"escaped utf8", textOptions, "1\t\\xc3\\xa9\n", "1|é\n"},
		{"escaped bad utf8", textOptions, "1\t\\xc3\n", `22021 invalid byte sequence for encoding "UTF8": 0xc3`},
		{"escaped zero", textOptions, "1\ta\\0\n", `22021 invalid byte sequence for encoding "UTF8": 0x00`},
		{"crlf", textOptions, "1\ta\r\n2\tb\r\n", "1|a\n2|b\n"},
		{"end mark", textOptions, "1\ta\n\\.\nrubbish", "1|a\n"},
		{"semicolons", semi, "1;a\nnil;b\\;c\n", "1|a\nNULL|b;c\n"},
		{"missing", textOptions, "1\n", `22P04 missing data for column "c1"`},
		{"extra", textOptions, "1\ta\tb\n", "22P04 extra data after last expected column"},
		{"bad int", textOptions, "x\ta\n", `22P02 invalid input syntax for type integer: "x"`},
		{"out of range", textOptions, "3000000000\ta\n", `22003 value "3000000000" is out of range for type integer`},
		{"bad utf8", textOptions, "1\ta\xff\n", `22021 invalid byte sequence for encoding "UTF8": 0xff`},
		{"carriage return", textOptions, "1\ta\n2\tb\rc\n", "22P04 literal carriage return found in data"},

		{"csv", csvOptions, "1,a\n2,\n,\"\"\n", "1|a\n2|NULL\nNULL|\n"},
		{"csv quotes", csvOptions, "1,\"a,\"\"b\"\"\nc\"\n2,x\"y\"z\n", "1|a,\"b\"\nc\n2|xyz\n"},
		{"csv header", header, "x,y\n1,a\n", "1|a\n"},
		{"csv header matches", match, "c0,c1\n1,a\n", "1|a\n"},
		{"csv header does not", match, "c0,d\n1,a\n", `22P04 column name mismatch in header line field 2: got "d", expected "c1"`},
		{"csv forced", force, "\"\",\n", "NULL|\n"},
		{"csv escape", backslash, "1,\"a\\\"b\\\\\"\n", "1|a\"b\\\n"},
		{"csv unterminated", csvOptions, "1,\"a\n", "22P04 unterminated CSV quoted field"},
		{"csv end mark", csvOptions, "1,a\n\\.\n2,b\n", "1|a\n"},
		{"csv crlf", csvOptions, "1,a\r\n2,\"b\r\nc\"\r\n", "1|a\n2|b\r\nc\n"},
		{"csv missing", csvOptions, "\"1\"\n", `22P04 missing data for column "c1"`},
		{"csv extra", csvOptions, "1,a,\"b\"\n", "22P04 extra data after last expected column"},
	} {
		for _, piece := range []int{1, 2, 3, 7, 1 << 20} {
			got, err := readAll(c.o, it, c.in, piece)
			if err != nil {
				e := pgerr.Of(err)
				got = e.Code + " " + e.Message
				if !strings.HasPrefix(e.Where, "COPY t, line ") {
					t.Errorf("%s: context %q", c.name, e.Where)
				}
			}
			if got != c.want {
				t.Errorf("%s, pieces of %d: %q, want %q", c.name, piece, got, c.want)
			}
		}
	}
}

func TestCopyContext(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"1\ta\nx\tb\n", `COPY t, line 2, column c0: "x"`},
		{"1\ta\n2\n", `COPY t, line 2: "2"`},
		{"1\n", `COPY t, line 1: "1"`},
	} {
		_, err := readAll(textOptions, []types.OID{types.Int4, types.Text}, c.in, 100)
		if e := pgerr.Of(err); e == nil || e.Where != c.want {
			t.Errorf("%q: %v, want context %q", c.in, e, c.want)
		}
	}
}

// FuzzCopyIn: how the input is cut into pieces does not matter, and nothing panics.
func FuzzCopyIn(f *testing.F) {
	f.Add("1\ta\n\\N\tb\\\\\n", uint8(0), uint8(3))
	f.Add("1,\"a\nb\",2\r\n", uint8(1), uint8(1))
	f.Add(binarySignature+"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x04\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff", uint8(2), uint8(5))
	f.Fuzz(func(t *testing.T, in string, format, piece uint8) {
		o := textOptions
		switch format % 3 {
		case 1:
			o = csvOptions
		case 2:
			o = CopyOptions{Format: CopyBinary}
		}
		ts := []types.OID{types.Int4, types.Text}
		// The end of the first line decides what ends lines, and a piece may end in the middle of it.
		if strings.Contains(in, "\r") {
			return
		}
		whole, err1 := readAll(o, ts, in, len(in)+1)
		parts, err2 := readAll(o, ts, in, int(piece%32)+1)
		if (err1 == nil) != (err2 == nil) || whole != parts {
			t.Errorf("%q: whole %q %v, in pieces %q %v", in, whole, err1, parts, err2)
		}
	})
}

// clicks is a chunk of COPY data as clients send it: rows of about 200 bytes in 6 columns.
func clicks(rows int) (string, []types.OID) {
	var sb strings.Builder
	for i := range rows {
		fmt.Fprintf(&sb, "%d\t%d\thttps://example.com/shop/category/%d/product/%d?ref=newsletter&campaign=autumn\t2026-01-02 03:04:%02d.123456+00\t%d.5\tMozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120\n",
			i, i%1000, i%50, i, i%60, i%97)
	}
	return sb.String(), []types.OID{types.Int8, types.Int4, types.Text, types.TimestampTZ, types.Float8, types.Text}
}

func BenchmarkCopyIn(b *testing.B) {
	for _, format := range []CopyFormat{CopyText, CopyCSV} {
		data, ts := clicks(5000)
		o, name := textOptions, "text"
		if format == CopyCSV {
			o, name = csvOptions, "csv"
			data = strings.ReplaceAll(data, "\t", ",")
		}
		var full []types.Type
		for _, t := range ts {
			full = append(full, types.T(t))
		}
		b.Run(name, func(b *testing.B) {
			r := NewCopyReader(o, "t", make([]string, len(ts)), full, nil)
			raw := []byte(data)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			rows := 0
			for b.Loop() {
				for i := 0; i < len(raw); i += 8192 {
					if err := r.Feed(raw[i:min(i+8192, len(raw))], false); err != nil {
						b.Fatal(err)
					}
				}
				rows += r.Batch.N
				r.Batch.Reset()
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
