package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/millracedb/millrace/sql/vec"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// click is a record of the benchmarks: what a web shop sends, about 200 bytes of JSON in 8 fields.
type click struct {
	UserID     int64     `json:"user_id" avro:"user_id"`
	Session    string    `json:"session" avro:"session"`
	Page       string    `json:"page" avro:"page"`
	Referrer   *string   `json:"referrer" avro:"referrer"`
	TS         time.Time `json:"ts" avro:"ts"`
	DurationMS int32     `json:"duration_ms" avro:"duration_ms"`
	Price      float64   `json:"price" avro:"price"`
	Mobile     bool      `json:"mobile" avro:"mobile"`
}

const clickColumns = "user_id int8, session text, page text, referrer text, ts timestamptz, duration_ms int4, price float8, mobile bool"

const clickSchema = `{"type":"record","name":"click","fields":[
	{"name":"user_id","type":"long"},{"name":"session","type":"string"},{"name":"page","type":"string"},
	{"name":"referrer","type":["null","string"]},{"name":"ts","type":{"type":"long","logicalType":"timestamp-millis"}},
	{"name":"duration_ms","type":"int"},{"name":"price","type":"double"},{"name":"mobile","type":"boolean"}]}`

const clickProto = `syntax = "proto3"; import "google/protobuf/timestamp.proto";
message Click { int64 user_id = 1; string session = 2; string page = 3; optional string referrer = 4; google.protobuf.Timestamp ts = 5;
 int32 duration_ms = 6; double price = 7; bool mobile = 8; }`

// clickRecords is how many different records the benchmarks go round in: so many that processors do not learn them.
const clickRecords = 16384

// clickBatch is how many go into a batch.
const clickBatch = 1024

// clicks encodes as many records.
func clicks(encode func(c click) []byte) [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	referrer := "https://www.example.com/search"
	records := make([][]byte, clickRecords)
	for i := range records {
		records[i] = encode(click{
			UserID: r.Int64N(1_000_000), Session: fmt.Sprintf("%016x", r.Uint64()), Page: fmt.Sprintf("/products/item-%d", r.IntN(5000)),
			Referrer: &referrer, TS: time.UnixMilli(1715947200000 + int64(i)*137 + r.Int64N(137)).UTC(),
			DurationMS: r.Int32N(90000), Price: float64(r.IntN(50000)) / 100, Mobile: r.IntN(3) == 0,
		})
	}
	return records
}

// clickFields are the names of a record's fields and their values in JSON.
func clickFields(c click) [][2]string {
	return [][2]string{
		{"user_id", fmt.Sprint(c.UserID)}, {"session", `"` + c.Session + `"`}, {"page", `"` + c.Page + `"`},
		{"referrer", `"` + *c.Referrer + `"`}, {"ts", c.TS.Format(`"2006-01-02T15:04:05.000Z"`)},
		{"duration_ms", fmt.Sprint(c.DurationMS)}, {"price", fmt.Sprintf("%.2f", c.Price)}, {"mobile", fmt.Sprint(c.Mobile)},
	}
}

func objectOf(fields [][2]string, colon, comma string) []byte {
	var items []string
	for _, f := range fields {
		items = append(items, `"`+f[0]+`"`+colon+f[1])
	}
	return []byte("{" + strings.Join(items, comma) + "}")
}

func compactClick(c click) []byte { return objectOf(clickFields(c), ":", ",") }

// BenchmarkJSON reads records as most programs write them, and as some do.
func BenchmarkJSON(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, bm := range []struct {
		name, columns string
		encode        func(click) []byte
	}{
		{"compact", clickColumns, compactClick},
		{"spaced", clickColumns, func(c click) []byte { return objectOf(clickFields(c), ": ", ", ") }},
		{"indented", clickColumns, func(c click) []byte { return objectOf(clickFields(c), ": ", ",\n    ") }},
		{"shuffled", clickColumns, func(c click) []byte { // each record in an order of its own
			f := clickFields(c)
			r.Shuffle(len(f), func(i, j int) { f[i], f[j] = f[j], f[i] })
			return objectOf(f, ":", ",")
		}},
		{"sparse", clickColumns, func(c click) []byte { // fields come and go
			f := clickFields(c)
			for range 3 {
				i := r.IntN(len(f))
				f = append(f[:i], f[i+1:]...)
			}
			return objectOf(f, ":", ",")
		}},
		{"unwanted", clickColumns, func(c click) []byte { // and five fields that no column wants
			f := [][2]string{{"_version", "3"}, {"trace", `"4bf92f3577b34da6a3ce929d0e0e4736"`}}
			f = append(f, clickFields(c)...)
			f = append(f, [2]string{"experiment", "null"}, [2]string{"device", `{"os":"android","screen":[1080,2400]}`}, [2]string{"score", "0.7315"})
			return objectOf(f, ":", ",")
		}},
		{"escaped", clickColumns, func(c click) []byte { // as PHP writes it, and text beyond ASCII
			f := clickFields(c)
			f[2][1] = strings.ReplaceAll(f[2][1], "/", `\/`)
			f[3][1] = `"https:\/\/www.example.com\/search?q=caf\u00e9 zürich"`
			return objectOf(f, ":", ",")
		}},
		{"nested", strings.Replace(strings.Replace(clickColumns, "page text", "page text = at.page", 1), "referrer text", "referrer text = at.referrer", 1), func(c click) []byte {
			f := clickFields(c)
			f[2] = [2]string{"at", string(objectOf(f[2:4], ":", ","))}
			return objectOf(append(f[:3], f[4:]...), ":", ",")
		}},
		{"numeric", strings.Replace(clickColumns, "price float8", "price numeric", 1), compactClick},
	} {
		b.Run(bm.name, func(b *testing.B) { benchmarkDecoder(b, Spec{Columns: columnsOf(b, bm.columns)}, clicks(bm.encode)) })
	}
}

// BenchmarkEncodingJSON is the standard library on the same records, into a struct.
func BenchmarkEncodingJSON(b *testing.B) {
	var row click
	benchmarkRecords(b, clicks(compactClick), func(record []byte) error { return json.Unmarshal(record, &row) })
}

func avroClicks(b testing.TB) [][]byte {
	s := avro.MustParse(clickSchema)
	return clicks(func(c click) []byte {
		data, err := avro.Marshal(s, c)
		if err != nil {
			b.Fatal(err)
		}
		return data
	})
}

func BenchmarkAvro(b *testing.B) {
	benchmarkDecoder(b, avroSpec(clickSchema, columnsOf(b, clickColumns)), avroClicks(b))
}

// BenchmarkHamba is the module's own decoder on the same records, into a struct.
func BenchmarkHamba(b *testing.B) {
	s := avro.MustParse(clickSchema)
	var row click
	benchmarkRecords(b, avroClicks(b), func(record []byte) error { return avro.Unmarshal(s, record, &row) })
}

func protoClicks(b testing.TB) (protoreflect.MessageDescriptor, [][]byte) {
	m := messageOf(b, clickProto, "Click")
	return m, clicks(func(c click) []byte {
		return protoData(b, m, fmt.Sprintf(`user_id:%d session:%q page:%q referrer:%q ts{seconds:%d nanos:%d} duration_ms:%d price:%g mobile:%v`,
			c.UserID, c.Session, c.Page, *c.Referrer, c.TS.Unix(), c.TS.Nanosecond(), c.DurationMS, c.Price, c.Mobile))
	})
}

func BenchmarkProtobuf(b *testing.B) {
	_, records := protoClicks(b)
	benchmarkDecoder(b, protoSpec(clickProto, "", columnsOf(b, clickColumns)), records)
}

// BenchmarkDynamicpb is protobuf-go on the same records, into a message made of the same schema.
func BenchmarkDynamicpb(b *testing.B) {
	m, records := protoClicks(b)
	benchmarkRecords(b, records, func(record []byte) error { return proto.Unmarshal(record, dynamicpb.NewMessage(m)) })
}

// A record is decoded without an allocation, once the batch has room.
func TestDecodeAllocates(t *testing.T) {
	escaped := func(c click) []byte { return bytes.ReplaceAll(compactClick(c), []byte("/"), []byte(`\/`)) }
	_, protos := protoClicks(t)
	cols := columnsOf(t, clickColumns)
	for name, tc := range map[string]struct {
		spec    Spec
		records [][]byte
	}{
		"JSON": {Spec{Columns: cols}, clicks(compactClick)}, "JSON with escapes": {Spec{Columns: cols}, clicks(escaped)},
		"Avro": {avroSpec(clickSchema, cols), avroClicks(t)}, "Protobuf": {protoSpec(clickProto, "", cols), protos},
	} {
		d, err := New(tc.spec)
		if err != nil {
			t.Fatal(err)
		}
		batch := vec.NewBatch(typesOf(cols), 0)
		decode := func() {
			batch.Reset()
			for _, record := range tc.records[:clickBatch] {
				if err := d.Decode(nil, record, batch); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := testing.AllocsPerRun(3, decode); n > 0 { // which runs it once before
			t.Errorf("%s: %v allocations in %d records", name, n, clickBatch)
		}
	}
}

// benchmarkDecoder decodes the records into batches.
func benchmarkDecoder(b *testing.B, spec Spec, records [][]byte) {
	d, err := New(spec)
	if err != nil {
		b.Fatal(err)
	}
	batch := vec.NewBatch(typesOf(spec.Columns), clickBatch)
	benchmarkRecords(b, records, func(record []byte) error {
		if batch.N == clickBatch {
			batch.Reset()
		}
		return d.Decode(nil, record, batch)
	})
}

// benchmarkRecords reads the records one after the other. It tells records a second of the clock, and a second of
// processor time, which is the one to compare where other processes are busy.
func benchmarkRecords(b *testing.B, records [][]byte, read func([]byte) error) {
	b.SetBytes(int64(len(records[len(records)/2])))
	b.ReportAllocs()
	i := 0
	cpu := cpuTime()
	for b.Loop() {
		if i == len(records) {
			i = 0
		}
		if err := read(records[i]); err != nil {
			b.Fatal(err)
		}
		i++
	}
	cpu = cpuTime() - cpu
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(b.N)/cpu.Seconds(), "records/cpu-s")
}

// cpuTime is the processor time of this process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
