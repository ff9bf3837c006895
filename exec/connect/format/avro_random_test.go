package format

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// avroSample is a random type with a value of it, as the module encodes it and as columns show it.
type avroSample struct {
	schema string
	branch string // its name in a union, as the module wants it
	column string // the type of column that holds it best
	value  any
	text   string // in such a column, as its input function reads it
	json   any
	null   bool
	others []string     // further types of columns, in which it has the same text
	fields []avroSample // of a record, with their names
	name   string
}

type avroRandom struct {
	*rand.Rand
	names int
}

func (r *avroRandom) pick(s ...string) string { return s[r.IntN(len(s))] }

func (r *avroRandom) newName(prefix string) string {
	r.names++
	return prefix + strconv.Itoa(r.names)
}

// integer is a random integer of any length.
func (r *avroRandom) integer(bits int) int64 {
	return int64(r.Uint64()) >> (64 - bits + r.IntN(bits))
}

func (r *avroRandom) string() string {
	var s strings.Builder
	for range r.IntN(20) {
		s.WriteString(r.pick("a", "B", "0", " ", `"`, `\`, "{", ",", "é", "中", "😀", "\n", "null"))
	}
	return s.String()
}

func quoted(typ, logical string) string {
	return fmt.Sprintf(`{"type":%q,"logicalType":%q}`, typ, logical)
}

// scalar makes a type without others in it.
func (r *avroRandom) scalar() avroSample {
	at := time.Unix(r.integer(33), r.Int64N(1e9)).UTC() // until 2106
	const zoned, local = "2006-01-02 15:04:05.999999+00", "2006-01-02 15:04:05.999999"
	switch r.IntN(17) {
	case 0:
		b := r.IntN(2) == 0
		return avroSample{schema: `"boolean"`, branch: "boolean", column: "bool", value: b, text: strconv.FormatBool(b), json: b}
	case 1:
		i := r.integer(32)
		return avroSample{schema: `"int"`, branch: "int", column: "int4", value: int(i), text: fmt.Sprint(i), json: i, others: []string{"int8", "float8", "numeric", "text", "varchar"}}
	case 2:
		i := r.integer(53)
		return avroSample{schema: `"long"`, branch: "long", column: "int8", value: i, text: fmt.Sprint(i), json: i, others: []string{"float8", "numeric", "text"}}
	case 3:
		f := float32(r.NormFloat64())
		return avroSample{schema: `"float"`, branch: "float", column: "float4", value: f, text: strconv.FormatFloat(float64(f), 'g', -1, 32), json: json.Number(strconv.FormatFloat(float64(f), 'f', -1, 32))}
	case 4:
		f := r.NormFloat64()
		return avroSample{schema: `"double"`, branch: "double", column: "float8", value: f, text: strconv.FormatFloat(f, 'g', -1, 64), json: json.Number(strconv.FormatFloat(f, 'f', -1, 64))}
	case 5:
		s := r.string()
		return avroSample{schema: `"string"`, branch: "string", column: "text", value: s, text: s, json: s, others: []string{"varchar"}}
	case 6:
		b := []byte(r.string())
		return avroSample{schema: `"bytes"`, branch: "bytes", column: "bytea", value: b, text: fmt.Sprintf(`\x%x`, b), json: fmt.Sprintf(`\x%x`, b)}
	case 7:
		name := r.newName("e")
		s := r.pick("A", "B", "C")
		return avroSample{schema: fmt.Sprintf(`{"type":"enum","name":%q,"symbols":["C","A","B"]}`, name), branch: name, column: "text", value: s, text: s, json: s, others: []string{"varchar"}}
	case 8:
		name, size := r.newName("f"), 1+r.IntN(20)
		array := reflect.New(reflect.ArrayOf(size, reflect.TypeFor[byte]())).Elem()
		for i := range size {
			array.Index(i).SetUint(r.Uint64() & 0xff)
		}
		text := fmt.Sprintf(`\x%x`, array.Interface())
		return avroSample{schema: fmt.Sprintf(`{"type":"fixed","name":%q,"size":%d}`, name, size), branch: name, column: "bytea", value: array.Interface(), text: text, json: text}
	case 9:
		scale := r.IntN(6)
		n := big.NewInt(r.integer(60))
		if r.IntN(2) == 0 {
			n.Mul(n, big.NewInt(r.integer(60)))
		}
		d := new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
		text := d.FloatString(scale)
		return avroSample{schema: fmt.Sprintf(`{"type":"bytes","logicalType":"decimal","precision":40,"scale":%d}`, scale), branch: "bytes.decimal", column: "numeric", value: d, text: text, json: json.Number(text), others: []string{"text"}}
	case 10:
		day := at.Truncate(24 * time.Hour)
		return avroSample{schema: quoted("int", "date"), branch: "int.date", column: "date", value: day, text: day.Format(time.DateOnly), json: day.Format(time.DateOnly), others: []string{"text"}}
	case 11:
		d := time.Duration(r.Int64N(86_400_000)) * time.Millisecond
		text := time.Time{}.Add(d).Format("15:04:05.999")
		return avroSample{schema: quoted("int", "time-millis"), branch: "int.time-millis", column: "time", value: d, text: text, json: text}
	case 12:
		d := time.Duration(r.Int64N(86_400_000_000)) * time.Microsecond
		text := time.Time{}.Add(d).Format("15:04:05.999999")
		return avroSample{schema: quoted("long", "time-micros"), branch: "long.time-micros", column: "time", value: d, text: text, json: text}
	case 13:
		at = at.Truncate(time.Millisecond)
		return avroSample{schema: quoted("long", "timestamp-millis"), branch: "long.timestamp-millis", column: "timestamptz", value: at, text: at.Format(zoned), json: at.Format(zoned)}
	case 14:
		at = at.Truncate(time.Microsecond)
		return avroSample{schema: quoted("long", "timestamp-micros"), branch: "long.timestamp-micros", column: "timestamptz", value: at, text: at.Format(zoned), json: at.Format(zoned), others: []string{"text"}}
	case 15:
		unit, logical := time.Microsecond, "local-timestamp-micros"
		if r.IntN(2) == 0 {
			unit, logical = time.Millisecond, "local-timestamp-millis"
		}
		at = at.Truncate(unit)
		return avroSample{schema: quoted("long", logical), branch: "long." + logical, column: "timestamp", value: at, text: at.Format(local), json: at.Format(local)}
	}
	id := fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", r.Uint32(), r.Uint32()&0xffff, r.Uint32()&0xffff, r.Uint32()&0xffff, r.Uint64()&0xffffffffffff)
	return avroSample{schema: quoted("string", "uuid"), branch: "string.uuid", column: "uuid", value: id, text: id, json: id, others: []string{"text"}}
}

// sample makes any type, nested at most so deep.
func (r *avroRandom) sample(depth int) avroSample {
	if depth == 0 {
		return r.scalar()
	}
	switch r.IntN(10) {
	case 0, 1: // a union with null, on either side
		s := r.scalar()
		return r.union(s, r.IntN(2), r.IntN(3) == 0)
	case 2: // a union of more, read as its text
		text := r.string()
		which := r.IntN(3)
		value := []any{map[string]any{"string": text}, nil, map[string]any{"long": int64(which)}}[which]
		return avroSample{schema: `["string","null","long"]`, column: "text", value: value, null: which == 1, text: []string{text, "", "2"}[which], json: []any{text, nil, 2}[which]}
	case 3: // an array of integers, with nulls
		s := avroSample{schema: `{"type":"array","items":["null","int"]}`, branch: "array", column: "_int4", json: []any{}}
		var items, shown []any
		var texts []string
		for range r.IntN(5) {
			if i := r.integer(32); r.IntN(3) == 0 {
				items, shown, texts = append(items, nil), append(shown, nil), append(texts, "NULL")
			} else {
				items, shown, texts = append(items, map[string]any{"int": int(i)}), append(shown, i), append(texts, fmt.Sprint(i))
			}
		}
		s.value, s.text = items, "{"+strings.Join(texts, ",")+"}"
		if shown != nil {
			s.json = shown
		}
		return s
	case 4, 5: // an array or a map of one type, which is encoded again and again
		item := r.sample(depth - 1)
		n := r.IntN(4)
		if r.IntN(2) == 0 {
			items, shown := make([]any, n), make([]any, n)
			for i := range n {
				items[i], shown[i] = item.value, item.json
			}
			return avroSample{schema: `{"type":"array","items":` + item.schema + `}`, branch: "array", column: "jsonb", value: items, json: shown}
		}
		items, shown := map[string]any{}, map[string]any{}
		for range n {
			k := r.string()
			items[k], shown[k] = item.value, item.json
		}
		return avroSample{schema: `{"type":"map","values":` + item.schema + `}`, branch: "map", column: "jsonb", value: items, json: shown}
	case 6, 7:
		s := r.record(depth - 1)
		if r.IntN(2) == 0 {
			fields := s.fields
			s = r.union(s, r.IntN(2), r.IntN(3) == 0)
			s.fields = fields
		}
		return s
	}
	return r.scalar()
}

// union puts a type beside null.
func (r *avroRandom) union(s avroSample, at int, null bool) avroSample {
	branches := slices.Insert([]string{s.schema}, at, `"null"`)
	s.schema = "[" + strings.Join(branches, ",") + "]"
	s.value = map[string]any{s.branch: s.value}
	if null {
		s.value, s.json, s.null = nil, nil, true
	}
	return s
}

func (r *avroRandom) record(depth int) avroSample {
	s := avroSample{branch: r.newName("r"), column: "jsonb"}
	value, shown := map[string]any{}, map[string]any{}
	var fields []string
	for range 1 + r.IntN(8) {
		f := r.sample(depth)
		f.name = r.newName("c")
		value[f.name], shown[f.name] = f.value, f.json
		fields = append(fields, fmt.Sprintf(`{"name":%q,"type":%s}`, f.name, f.schema))
		s.fields = append(s.fields, f)
	}
	s.schema = fmt.Sprintf(`{"type":"record","name":%q,"fields":[%s]}`, s.branch, strings.Join(fields, ","))
	s.value, s.json = value, shown
	return s
}

// columns declares columns for some of the fields of a record, and tells what they hold.
func (r *avroRandom) columns(t *testing.T, rec avroSample, path string, absent bool, cols []catalog.Column, want []string) ([]catalog.Column, []string) {
	for _, f := range rec.fields {
		absent := absent || f.null
		for range r.IntN(3) { // nobody wants it, one column does, or two
			typ, text := f.column, f.text
			if len(f.others) > 0 && r.IntN(2) == 0 {
				typ = f.others[r.IntN(len(f.others))]
			}
			if document, err := json.Marshal(f.json); err != nil {
				t.Fatal(err)
			} else if typ == "jsonb" || r.IntN(4) == 0 {
				typ, text = "jsonb", string(document)
			}
			oid, _ := types.ByTypName(typ)
			c := catalog.Column{Name: r.newName("k"), Type: types.T(oid), Path: path + f.name}
			at := r.IntN(len(cols) + 1)
			cols = slices.Insert(cols, at, c)
			want = slices.Insert(want, at, shownIn(t, c.Type, text, absent))
		}
		if len(f.fields) > 0 && r.IntN(2) == 0 {
			cols, want = r.columns(t, f, path+f.name+".", absent, cols, want)
		}
	}
	return cols, want
}

// shownIn is what a column shows of a text that its type's input function reads.
func shownIn(t *testing.T, typ types.Type, text string, null bool) string {
	v := vec.New(typ, 1)
	if null {
		v.AppendNull()
	} else if err := appendText(v, typ, []byte(text)); err != nil {
		t.Fatalf("%q as %s: %v", text, typ.OID, err)
	}
	return rowText(&vec.Batch{Cols: []*vec.Vec{v}, N: 1}, 0)
}

// seeds are the seeds of a random test: MILLRACE_SEEDS says how many, MILLRACE_SEED which one.
func seeds(usual int) []uint64 {
	if seed, err := strconv.ParseUint(os.Getenv("MILLRACE_SEED"), 10, 64); err == nil {
		return []uint64{seed}
	}
	if n, err := strconv.Atoi(os.Getenv("MILLRACE_SEEDS")); err == nil {
		usual = n
	}
	all := make([]uint64, usual)
	for i := range all {
		all[i] = uint64(i)
	}
	return all
}

// TestAvroRandom decodes values of random schemas, which the module encodes, into columns for some of their fields.
func TestAvroRandom(t *testing.T) {
	for _, seed := range seeds(400) {
		r := &avroRandom{Rand: rand.New(rand.NewPCG(seed, 1))}
		rec := r.record(3)
		cols, want := r.columns(t, rec, "", false, nil, nil)
		cols, want = append(cols, columnsOf(t, "missing int4, below text = none.such")...), append(want, "NULL", "NULL")
		got, err := decodeOne(t, avroSpec(rec.schema, cols), avroData(t, rec.schema, rec.value))
		if err != nil || got != strings.Join(want, "|") {
			t.Fatalf("seed %d: %v\nschema %s\nvalue %v\ncolumns %v\n got %s\nwant %s", seed, err, rec.schema, rec.value, cols, got, strings.Join(want, "|"))
		}
	}
}
