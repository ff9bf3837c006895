package format

import (
	"context"
	"strings"
	"testing"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

func TestInfer(t *testing.T) {
	records := func(list ...rec) Sample {
		return func(context.Context) ([]connect.SampleRecord, error) {
			var out []connect.SampleRecord
			for _, r := range list {
				out = append(out, connect.SampleRecord{Key: half(r.key), Value: half(r.value)})
			}
			return out, nil
		}
	}
	csv := func(options map[string]string) catalog.Format { return catalog.Format{Encode: "CSV", Options: options} }
	json := func(format string) catalog.Format { return catalog.Format{Format: format, Encode: "JSON"} }
	const envelope = `{"type":"record","name":"E","fields":[{"name":"before","type":["null",{"type":"record","name":"V","fields":[{"name":"id","type":"long"},{"name":"a","type":["null","string"]}]}]},{"name":"after","type":["null","V"]},{"name":"op","type":"string"}]}`
	for _, tc := range []struct {
		format catalog.Format
		sample Sample
		want   string
	}{
		{json(""), records(rec{"-", `{"z":1,"a":"x","b":true,"n":null,"f":1.5,"big":12345678901234567890,"o":{"k":1},"l":[1],"ts":"2024-02-29T12:00:00Z","lt":"2024-02-29 12:00:00","d":"2024-02-29"}`}),
			`columns from 1 records of topic "t": z bigint, a text, b boolean, n text, f double precision, big numeric, o jsonb, l jsonb, ts timestamp with time zone, lt timestamp without time zone, d text`},
		{json(""), records(rec{"-", `{"a":1,"b":1,"c":null,"d":"x","e":true,"ts":"2024-02-29T12:00:00Z"}`}, rec{"-", "no JSON"}, rec{"-", "[]"}, rec{"-", "-"}, rec{"-", `{"a":1.5,"b":"x","c":7,"d":{"k":1},"e":1,"ts":"2024-02-29 12:00:00","\u0066":1}`}),
			`columns from 2 records of topic "t": a double precision, b text, c bigint, d jsonb, e text, ts text, f bigint`},
		{json(""), records(), `42P16 topic "t" has no records to take columns from`},
		{json("UPSERT"), records(rec{`{"id":1}`, `{"a":"x"}`}), `columns from 1 records of topic "t": id bigint, a text; primary key: id`},
		{json("DEBEZIUM"), records(rec{`{"schema":{},"payload":{"id":1}}`, `{"payload":{"before":null,"after":{"a":"x","id":1},"op":"c"}}`}), `columns from 1 records of topic "t": a text, id bigint; primary key: id`},
		{catalog.Format{Encode: "AVRO", Options: map[string]string{"schema": clickSchema}}, nil,
			`columns from the schema that was given: user_id bigint, session text, page text, referrer text, ts timestamp with time zone, duration_ms integer, price double precision, mobile boolean`},
		{catalog.Format{Format: "DEBEZIUM", Encode: "AVRO", Options: map[string]string{"schema": envelope}}, nil, `columns from the schema that was given: id bigint, a text`},
		{catalog.Format{Encode: "PROTOBUF", Options: map[string]string{"schema": clickProto}}, nil,
			`columns from the schema that was given: user_id bigint, session text, page text, referrer text, ts timestamp with time zone, duration_ms integer, price double precision, mobile boolean`},
		{catalog.Format{Encode: "BYTES"}, nil, "columns: value bytea"},
		{csv(nil), records(rec{"-", "1,x,true,,1.5,12345678901234567890,2024-02-29T12:00:00Z,007,\"8\",\"a,\n\"\"b\""}, rec{"-", "-2,,FALSE,,2,3,2024-02-29 12:00:00+02,1,,z\n\"un"}, rec{"-", "too,few"}, rec{"-", "-"}),
			`columns from 2 lines of topic "t": c1 bigint, c2 text, c3 boolean, c4 text, c5 double precision, c6 numeric, c7 timestamp with time zone, c8 text, c9 text, c10 text`},
		{csv(map[string]string{"header": "true", "delimiter": ";", "null": "-"}), records(rec{"-", "id; Name ;id;\n1;a;2;-\n3;b;4;5\n"}, rec{"-", "Name;new\nc;1"}, rec{"-", "a;b"}),
			`columns from 3 lines of topic "t": id bigint, Name text, c3 bigint, c4 bigint, new bigint`},
		{csv(map[string]string{"quote": "'", "escape": "\\"}), records(rec{"-", `'a\',b',2`}), `columns from 1 lines of topic "t": c1 text, c2 bigint`},
		{csv(nil), records(rec{"-", `"`}), `42P16 topic "t" has no records to take columns from`},
		{csv(map[string]string{"quote": ","}), nil, `22023 CSV delimiter and quote must be different`},
		{catalog.Format{Format: "UPSERT", Encode: "CSV"}, nil, "42P16 ENCODE CSV does not tell the primary key"},
		{catalog.Format{Encode: "AVRO", Options: map[string]string{"schema": `"string"`}}, nil, "42804 schema is of type string, not a record"},
	} {
		in, err := Infer(context.Background(), Spec{Format: tc.format, Topic: "t"}, tc.sample)
		var got string
		if err != nil {
			got = pgerr.Of(err).Code + " " + err.Error()
		} else {
			got = in.Notice
		}
		if !strings.HasPrefix(got, tc.want) || err == nil && got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}

// What is inferred can be declared: the decoder takes the columns.
func TestInferredDecodes(t *testing.T) {
	for _, source := range []Spec{protoSpec(everything, "All", nil), avroSpec(clickSchema, nil)} {
		in, err := Infer(context.Background(), source, nil)
		if err != nil {
			t.Fatal(err)
		}
		source.Columns = in.Columns
		if _, err := New(source); err != nil {
			t.Errorf("%v", err)
		}
	}
}
