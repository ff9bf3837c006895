package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millracedb/millrace/server"
)

// client is a connection that costs next to nothing, so that a benchmark shows the server.
type client struct {
	b  *testing.B
	nc net.Conn
	r  *bufio.Reader
}

func newClient(b *testing.B, s *server.Server) *client {
	nc, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { nc.Close() })
	c := &client{b, nc, bufio.NewReaderSize(nc, 64<<10)}
	c.roundTrip(encode(b, &pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30,
		Parameters: map[string]string{"user": "millrace", "database": "millrace"}}))
	return c
}

func encode(b *testing.B, ms ...pgproto3.FrontendMessage) []byte {
	var out []byte
	var err error
	for _, m := range ms {
		if out, err = m.Encode(out); err != nil {
			b.Fatal(err)
		}
	}
	return out
}

// roundTrip sends messages and reads up to ReadyForQuery.
func (c *client) roundTrip(msg []byte) {
	if _, err := c.nc.Write(msg); err != nil {
		c.b.Fatal(err)
	}
	for {
		head, err := c.r.Peek(5)
		if err != nil {
			c.b.Fatal(err)
		}
		typ, n := head[0], int(binary.BigEndian.Uint32(head[1:]))+1
		if typ == 'E' {
			body := make([]byte, n)
			_, _ = io.ReadFull(c.r, body)
			c.b.Fatalf("error: %q", body)
		}
		if _, err := c.r.Discard(n); err != nil {
			c.b.Fatal(err)
		}
		if typ == 'Z' {
			return
		}
	}
}

func (c *client) simple(sql string) { c.roundTrip(encode(c.b, &pgproto3.Query{String: sql})) }

// int4 is a binary parameter.
func int4(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

func async(c *server.Config) { c.Async = true }

func BenchmarkPointSelect(b *testing.B) {
	s := start(b, async)
	c := newClient(b, s)
	c.simple("CREATE TABLE t (i int PRIMARY KEY, s text)")
	c.simple("INSERT INTO t SELECT g, 'row ' || g FROM generate_series(0, 9999) AS g")
	c.roundTrip(encode(b, &pgproto3.Parse{Name: "q", Query: "SELECT s FROM t WHERE i = $1"}, &pgproto3.Sync{}))
	msg := encode(b, &pgproto3.Bind{PreparedStatement: "q", Parameters: [][]byte{int4(77)}, ParameterFormatCodes: []int16{1}},
		&pgproto3.Execute{}, &pgproto3.Sync{})
	b.ReportAllocs()
	for b.Loop() {
		c.roundTrip(msg)
	}
}

func BenchmarkSelectOne(b *testing.B) {
	c := newClient(b, start(b, async))
	c.roundTrip(encode(b, &pgproto3.Parse{Name: "q", Query: "SELECT 1"}, &pgproto3.Sync{}))
	msg := encode(b, &pgproto3.Bind{PreparedStatement: "q"}, &pgproto3.Execute{}, &pgproto3.Sync{})
	b.ReportAllocs()
	for b.Loop() {
		c.roundTrip(msg)
	}
}

func BenchmarkInsert(b *testing.B) {
	c := newClient(b, start(b, async))
	c.simple("CREATE STREAM t (i int, s text)")
	c.roundTrip(encode(b, &pgproto3.Parse{Name: "q", Query: "INSERT INTO t VALUES ($1, $2)"}, &pgproto3.Sync{}))
	msg := encode(b, &pgproto3.Bind{PreparedStatement: "q", Parameters: [][]byte{int4(77), []byte("hello")}, ParameterFormatCodes: []int16{1, 0}},
		&pgproto3.Execute{}, &pgproto3.Sync{})
	b.ReportAllocs()
	for b.Loop() {
		c.roundTrip(msg)
	}
}

func BenchmarkCopy(b *testing.B) {
	c := newClient(b, start(b, async))
	c.simple("CREATE STREAM t (id bigint, u int, url text, ts timestamptz, f float8, agent text)")
	var sb strings.Builder
	for i := range 40 {
		fmt.Fprintf(&sb, "%d\t%d\thttps://example.com/shop/category/%d/product/%d?ref=newsletter&campaign=autumn\t2026-01-02 03:04:%02d.123456+00\t%d.5\tMozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120\n",
			i, i%1000, i%50, i, i%60, i%97)
	}
	chunk := encode(b, &pgproto3.CopyData{Data: []byte(sb.String())})
	b.SetBytes(int64(len(chunk)))
	if _, err := c.nc.Write(encode(b, &pgproto3.Query{String: "COPY t FROM STDIN"})); err != nil {
		b.Fatal(err)
	}
	rows := 0
	for b.Loop() {
		if _, err := c.nc.Write(chunk); err != nil {
			b.Fatal(err)
		}
		rows += 40
	}
	c.roundTrip(encode(b, &pgproto3.CopyDone{}))
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkBigResult(b *testing.B) {
	c := newClient(b, start(b, async))
	c.simple("CREATE STREAM t (i bigint, s text, f float8, ts timestamptz)")
	c.simple("INSERT INTO t SELECT g, 'row ' || g, g / 3.0, timestamptz '2026-01-01' + g * interval '1 second' FROM generate_series(1, 100000) AS g")
	msg := encode(b, &pgproto3.Query{String: "SELECT * FROM t"})
	for b.Loop() {
		c.roundTrip(msg)
	}
	b.ReportMetric(100000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
