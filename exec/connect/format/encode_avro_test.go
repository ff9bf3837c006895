package format

import (
	"testing"

	"github.com/millracedb/millrace/sql/catalog"
)

// What the encoder writes, the decoder reads back, from a schema that Avro's own module understands.
func TestAvroRoundTrip(t *testing.T) {
	const columns = "b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, d numeric, t text, by bytea, da date, ti time, ts timestamp, tz timestamptz, u uuid, iv interval, j jsonb, a _int4"
	cols := columnsOf(t, columns)
	cols[7].Type.Mod = (20<<16 | 3) + 4
	source, err := New(Spec{Columns: cols})
	if err != nil {
		t.Fatal(err)
	}
	rows := newTestBatch(cols)
	for _, r := range []string{
		`{"b":true,"i2":-5,"i4":7,"i8":-9007199254740993,"f4":1.5,"f8":1e-7,"n":1.50,"d":-12.345,"t":"é","by":"\\x00ff","da":"0044-03-15 BC","ti":"12:34:56.789","ts":"2024-02-29T12:34:56.5","tz":"1969-07-20T20:17:40Z","u":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","iv":"1 mon 2 days","j":{"k":[1]},"a":[1,null,3]}`,
		`{}`, `{"d":12345678901234567.890}`, `{"d":-12345678901234567.890}`, `{"d":0}`, `{"d":-0.128}`, `{"d":0.128}`, `{"d":-0.129}`, `{"d":99999}`,
	} {
		if err := source.Decode(nil, []byte(r), rows); err != nil {
			t.Fatal(err)
		}
	}
	all := make([]int, len(cols))
	for i := range all {
		all[i] = i
	}
	for _, format := range []string{"PLAIN", "DEBEZIUM"} {
		enc, err := newAvroEncoder(EncodeSpec{Format: format, Topic: "my.topic", Columns: cols, Cols: all, Options: map[string]string{optRegistry: "http://127.0.0.1:1"}})
		if err != nil {
			t.Fatal(err)
		}
		spec := avroSpec(enc.(*avroEncoder).text, cols)
		spec.Format.Format = format
		if format == "DEBEZIUM" {
			spec.PrimaryKey = []int{3}
		}
		back, err := New(spec)
		if err != nil {
			t.Fatal(err)
		}
		got := newTestBatch(cols)
		n := rows.N
		if format == "DEBEZIUM" {
			n = 1 // the others have no key
		}
		for i := range n {
			record, err := enc.Row(nil, rows, i)
			if format == "DEBEZIUM" {
				record, err = enc.Change(nil, rows, Change{Before: -1, After: i, Op: 'c', Epoch: 3, Millis: 5})
			}
			if err == nil {
				err = back.Decode(nil, record, got)
			}
			if err != nil {
				t.Fatalf("%s row %d: %v", format, i, err)
			}
			if a, b := rowText(got, i), rowText(rows, i); a != b {
				t.Errorf("%s: got  %s\nwant %s", format, a, b)
			}
		}
	}
}

func TestAvroEncoderRefuses(t *testing.T) {
	cols := []catalog.Column{columnsOf(t, "a int4")[0]}
	cols[0].Name = "a b"
	for _, options := range []map[string]string{nil, {optRegistry: "no url"}, {optRegistry: "http://x"}, {"colour": "red"}} {
		if _, err := NewEncoder(EncodeSpec{Encode: "AVRO", Topic: "t", Columns: cols, Cols: []int{0}, Options: options}); err == nil {
			t.Errorf("%v: no error", options)
		}
	}
}
