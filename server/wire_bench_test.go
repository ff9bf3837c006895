package server_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"testing"

	"github.com/millracedb/millrace/server"
)

// wire is a client of few instructions and no allocation, so that what a benchmark counts is the server's.
type wire struct {
	tb  testing.TB
	nc  net.Conn
	buf []byte
}

func startWire(tb testing.TB) *wire {
	tb.Helper()
	s, err := server.Start(server.Config{
		DataDir: tb.TempDir(), Listen: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Stop(context.Background()) })
	nc, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { nc.Close() })
	w := &wire{tb: tb, nc: nc, buf: make([]byte, 1<<16)}
	hello := append([]byte{0, 0, 0, 0, 0, 3, 0, 0}, "user\x00millrace\x00database\x00millrace\x00\x00"...)
	binary.BigEndian.PutUint32(hello, uint32(len(hello)))
	w.roundTrip(hello)
	return w
}

// roundTrip sends messages and reads until the server is ready.
func (w *wire) roundTrip(out []byte) {
	if _, err := w.nc.Write(out); err != nil {
		w.tb.Fatal(err)
	}
	n := 0
	for {
		k, err := w.nc.Read(w.buf[n:])
		if err != nil {
			w.tb.Fatal(err)
		}
		n += k
		if b := w.buf[:n]; n >= 6 && string(b[n-6:n-1]) == "Z\x00\x00\x00\x05" {
			if b[0] == 'E' {
				w.tb.Fatalf("%q", b)
			}
			return
		}
	}
}

func message(typ byte, body string) []byte {
	m := binary.BigEndian.AppendUint32([]byte{typ}, uint32(len(body)+4))
	return append(m, body...)
}

func (w *wire) query(sql string) { w.roundTrip(message('Q', sql+"\x00")) }

func (w *wire) prepare(name, sql string) {
	w.roundTrip(append(message('P', name+"\x00"+sql+"\x00\x00\x00"), message('S', "")...))
}

// call is the four messages with which drivers run a prepared statement.
func call(name string, params ...string) []byte {
	body := "\x00" + name + "\x00\x00\x00"
	body += string(binary.BigEndian.AppendUint16(nil, uint16(len(params))))
	for _, p := range params {
		body += string(binary.BigEndian.AppendUint32(nil, uint32(len(p)))) + p
	}
	out := message('B', body+"\x00\x00")
	out = append(out, message('D', "P\x00")...)
	out = append(out, message('E', "\x00\x00\x00\x00\x00")...)
	return append(out, message('S', "")...)
}

// BenchmarkWireInsert is a durable single-row INSERT, prepared, into a stream with ten simple views.
func BenchmarkWireInsert(b *testing.B) {
	w := startWire(b)
	w.query("CREATE STREAM events (k bigint, x bigint, note text)")
	for i := range 10 {
		w.query(fmt.Sprintf("CREATE MATERIALIZED VIEW events_%d AS SELECT k %% %d AS k, count(*) AS n, sum(x) AS x FROM events GROUP BY k %% %d", i, 100+i, 100+i))
	}
	w.prepare("ins", "INSERT INTO events VALUES ($1, $2, $3)")
	var calls [][]byte
	for i := range 1000 {
		calls = append(calls, call("ins", fmt.Sprint(i*7919%1000), fmt.Sprint(i), "an ordinary note of some length"))
	}
	for _, c := range calls {
		w.roundTrip(c)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w.roundTrip(calls[i%len(calls)])
	}
}

// BenchmarkWireLookup is a point SELECT by key in a view, prepared.
func BenchmarkWireLookup(b *testing.B) {
	w := startWire(b)
	w.query("CREATE STREAM events (k bigint, x bigint)")
	w.query("CREATE MATERIALIZED VIEW totals AS SELECT k, count(*) AS n, sum(x) AS x FROM events GROUP BY k")
	w.query("INSERT INTO events SELECT i, i FROM generate_series(0, 999) i")
	w.prepare("get", "SELECT n, x FROM totals WHERE k = $1")
	var calls [][]byte
	for i := range 1000 {
		calls = append(calls, call("get", fmt.Sprint(i)))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w.roundTrip(calls[i%len(calls)])
	}
}
