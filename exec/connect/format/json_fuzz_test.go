package format

import (
	"bytes"
	"encoding/json"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

const fuzzColumns = "a text, b int8, c float8, d json, e bool, f timestamptz, i int4 = n.i, Title text"

// FuzzJSON holds the decoder against encoding/json: it takes the same records and reads the same values.
// What encoding/json lets pass is known: broken UTF-8, half surrogate pairs and \u0000.
func FuzzJSON(f *testing.F) {
	for _, record := range []string{
		`{"a":"x","b":1,"c":1.5,"d":{"k":[1,"s",null]},"e":true,"f":"2024-02-29T12:34:56.789Z","n":{"i":7},"Title":"t"}`,
		` { "title" : "\u00e9\ud83d\ude00\n" , "b" : -12e2, "c":0.1e-5 , "zz":[[],{}]}`,
		`{"a":12.50,"a":null,"A":"y","b":"42","e":"no","f":1700000000123,"n":5,"c":123456789012345678}`,
		`{"n":{"i":1},"n":{"x":2},"d":"s","c":-0.0,"b":9223372036854775807}`,
		`{"a":"\ud800","b":1.0}`, `{"a":01}`, `{"a":"x`, `[]`, `{"a":"0123456789abcdef0123456789é"}`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(record))
	}
	var cols []catalog.Column
	f.Fuzz(func(t *testing.T, record []byte) {
		if cols == nil {
			cols = columnsOf(t, fuzzColumns)
		}
		want, judged := judge(cols, record)
		if !judged {
			return
		}
		d, err := New(Spec{Columns: cols})
		if err != nil {
			t.Fatal(err)
		}
		b := vec.NewBatch(typesOf(cols), 0)
		for range 2 { // the second time with guesses
			err := d.Decode(nil, record, b)
			if (err == nil) != (want != nil) {
				t.Fatalf("%q: got %v, encoding/json reads %q", record, err, want)
			}
			if err != nil {
				for i, v := range b.Cols {
					if v.Len() != 0 {
						t.Fatalf("%q: column %d has %d values after %v", record, i, v.Len(), err)
					}
				}
				continue
			}
			if got := rowText(b, b.N-1); got != strings.Join(want, "|") {
				t.Fatalf("%q: got %s, want %s", record, got, strings.Join(want, "|"))
			}
		}
	})
}

var hugeExponent = regexp.MustCompile(`[eE][+-]?[0-9]{4}`)

// judge reads a record by encoding/json: nil where it must be refused, judged false where encoding/json
// cannot tell.
func judge(cols []catalog.Column, record []byte) (values []string, judged bool) {
	lower := bytes.ToLower(record)
	if bytes.Contains(lower, []byte(`\ufffd`)) || bytes.ContainsRune(record, utf8.RuneError) && utf8.Valid(record) ||
		hugeExponent.Match(record) || bytes.Count(record, []byte("[")) > maxDepth || bytes.Count(record, []byte("{")) > maxDepth {
		return nil, false
	}
	if !utf8.Valid(record) || !json.Valid(record) || bytes.TrimLeft(record, " \t\r\n")[0] != '{' {
		return nil, true
	}
	row := reading{cols: cols, values: make([]string, len(cols)), exact: make([]bool, len(cols))}
	for i := range row.values {
		row.values[i] = "NULL"
	}
	if !row.object(record, "", true) {
		return nil, true
	}
	return row.values, true
}

type reading struct {
	cols   []catalog.Column
	values []string
	exact  []bool
}

func (r *reading) object(raw []byte, prefix string, exact bool) bool {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.Token()
	for dec.More() {
		token, _ := dec.Token()
		name := token.(string)
		if strings.ContainsAny(name, "\ufffd\x00") {
			return false
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return false
		}
		if !r.field(prefix+name, value, exact) {
			return false
		}
	}
	return true
}

func (r *reading) field(name string, value []byte, exact bool) bool {
	has := func(match func(c catalog.Column) bool) bool {
		for _, c := range r.cols {
			if match(c) {
				return true
			}
		}
		return false
	}
	column := func(c catalog.Column) string {
		if c.Path != "" {
			return c.Path
		}
		return c.Name
	}
	exact = exact && has(func(c catalog.Column) bool { return column(c) == name || strings.HasPrefix(c.Path, name+".") })
	if strings.EqualFold(name, "n") { // the one path: n.i
		if r.exact[6] && !exact {
			if value[0] == '{' {
				return r.object(value, name+".", false)
			}
			return true
		}
		r.values[6], r.exact[6] = "NULL", false
		if value[0] == '{' {
			return r.object(value, name+".", exact)
		}
		return true
	}
	fold := strings.ToLower(name) // not EqualFold, which knows more equal letters
	for i, c := range r.cols {
		if strings.ToLower(column(c)) != fold || r.exact[i] && !exact {
			continue
		}
		text, ok := r.read(c, value)
		if !ok {
			return false
		}
		r.values[i], r.exact[i] = text, exact
	}
	return true
}

func (r *reading) read(c catalog.Column, value []byte) (string, bool) {
	if string(value) == "null" {
		return "NULL", true
	}
	if c.Type.OID == types.JSON {
		return string(value), true
	}
	text := string(value)
	number := value[0] == '-' || value[0] >= '0' && value[0] <= '9'
	if value[0] == '"' {
		json.Unmarshal(value, &text)
		if strings.ContainsAny(text, "\ufffd\x00") {
			return "", false
		}
	}
	switch c.Type.OID {
	case types.Int8, types.Int4:
		if number && strings.ContainsAny(text, ".eE") {
			q, ok := new(big.Rat).SetString(text)
			if !ok || !q.IsInt() {
				return "", false
			}
			text = q.Num().String()
		}
	case types.TimestampTZ:
		if number { // milliseconds; TestTimestampUnits has the fractions
			d, _ := New(Spec{Columns: []catalog.Column{c}})
			b := vec.NewBatch([]types.Type{c.Type}, 0)
			if d.Decode(nil, []byte(`{"`+c.Name+`":`+text+`}`), b) != nil {
				return "", false
			}
			return rowText(b, 0), true
		}
	}
	switch c.Type.Class() {
	case types.I64:
		v, err := types.ParseI64(c.Type, text, nil)
		return string(types.AppendI64Text(nil, c.Type, v, nil)), err == nil
	case types.F64:
		v, err := types.ParseF64(c.Type, text)
		return string(types.AppendF64Text(nil, c.Type, v)), err == nil
	}
	return text, true
}
