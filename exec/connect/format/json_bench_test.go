package format

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/millracedb/millrace/sql/vec"
)

// clicks are records of about 200 bytes and 8 fields, as a web shop sends them.
func clicks(n int) [][]byte {
	records := make([][]byte, n)
	for i := range records {
		ts := time.Date(2024, 5, 17, 12, 0, 0, 0, time.UTC).Add(time.Duration(i) * 137 * time.Millisecond)
		records[i] = fmt.Appendf(nil, `{"user_id":%d,"session":"%016x","page":"/products/item-%d","referrer":"https://www.example.com/search","ts":"%s","duration_ms":%d,"price":%d.%02d,"mobile":%v}`,
			1000+i%5000, i*2654435761, i%300, ts.Format("2006-01-02T15:04:05.000Z"), i%90000, i%500, i%100, i%3 == 0)
	}
	return records
}

const clickColumns = "user_id int8, session text, page text, referrer text, ts timestamptz, duration_ms int4, price float8, mobile bool"

func BenchmarkJSON(b *testing.B) {
	records := clicks(1024)
	cols := columnsOf(b, clickColumns)
	d, err := New(Spec{Columns: cols})
	if err != nil {
		b.Fatal(err)
	}
	batch := vec.NewBatch(typesOf(cols), len(records))
	b.SetBytes(int64(len(records[512])))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i == len(records) {
			i = 0
			batch.Reset()
		}
		if err := d.Decode(nil, records[i], batch); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkEncodingJSON is the standard library on the same records, into a struct.
func BenchmarkEncodingJSON(b *testing.B) {
	records := clicks(1024)
	var row struct {
		UserID     int64     `json:"user_id"`
		Session    string    `json:"session"`
		Page       string    `json:"page"`
		Referrer   string    `json:"referrer"`
		TS         time.Time `json:"ts"`
		DurationMS int32     `json:"duration_ms"`
		Price      float64   `json:"price"`
		Mobile     bool      `json:"mobile"`
	}
	b.SetBytes(int64(len(records[512])))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := json.Unmarshal(records[i%len(records)], &row); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
