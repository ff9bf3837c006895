package pgwire

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// echo is a session that accepts everything and counts what it must be told.
type echo struct {
	c *Conn
}

func (e *echo) Query(sql string) error {
	if sql == "copy" {
		s, err := e.c.CopyIn(&textOptions, 2)
		if err != nil {
			return err
		}
		defer s.Close()
		r := NewCopyReader(textOptions, "t", []string{"a", "b"}, []types.Type{types.T(types.Int4), types.T(types.Text)}, nil)
		for {
			p, err := s.Next()
			if err != nil && err != io.EOF {
				return err
			}
			if err := r.Feed(p, err == io.EOF); err != nil {
				return err
			}
			if err == io.EOF {
				break
			}
		}
	}
	e.c.Complete("OK")
	return nil
}

func (e *echo) Parse(m *pgproto3.Parse) error {
	if m.Name == "fail" {
		return pgerr.New(pgerr.SyntaxError, "failed as told")
	}
	return nil
}

func (e *echo) Bind(m *pgproto3.Bind) error {
	for i, p := range m.Parameters {
		if len(m.ParameterFormatCodes) <= 1 || len(m.ParameterFormatCodes) == len(m.Parameters) {
			_, _ = DecodeParam(types.T(types.Int4), FormatAt(m.ParameterFormatCodes, i), p, nil)
			_, _ = DecodeParam(types.T(types.TextArray), FormatAt(m.ParameterFormatCodes, i), p, nil)
		}
	}
	return nil
}
func (e *echo) Describe(*pgproto3.Describe) error   { e.c.NoData(); return nil }
func (e *echo) Execute(*pgproto3.Execute) error     { e.c.Complete("OK"); return nil }
func (e *echo) CloseObject(*pgproto3.Close) error   { return nil }
func (e *echo) Sync() error                         { return nil }
func (e *echo) Fail(*pgerr.Error)                   {}
func (e *echo) Status() byte                        { return 'I' }
func (e *echo) Idle() (time.Duration, *pgerr.Error) { return 0, nil }
func (e *echo) Close()                              {}

type echoService struct{}

func (echoService) Credentials(*Startup) (string, bool) { return "", true }
func (echoService) Open(_ context.Context, _ *Startup, c *Conn) (Handler, Key, error) {
	return &echo{c: c}, Key{PID: 1, Secret: []byte{1, 2, 3, 4}}, nil
}
func (echoService) Cancel(uint32, []byte) {}

// FuzzWire sends any bytes, first as a whole connection, then behind a good startup. The server must neither panic nor
// hang: when the client has sent everything and closed its side, the connection ends.
func FuzzWire(f *testing.F) {
	enc := func(ms ...pgproto3.FrontendMessage) []byte {
		var b []byte
		for _, m := range ms {
			b, _ = m.Encode(b)
		}
		return b
	}
	f.Add(enc(&pgproto3.Query{String: "x"}, &pgproto3.Terminate{}))
	f.Add(enc(&pgproto3.Parse{Query: "x"}, &pgproto3.Bind{Parameters: [][]byte{{0, 0, 0, 1}}}, &pgproto3.Describe{ObjectType: 'S'},
		&pgproto3.Execute{MaxRows: 1}, &pgproto3.Close{ObjectType: 'P'}, &pgproto3.Flush{}, &pgproto3.Sync{}))
	f.Add(enc(&pgproto3.Parse{Name: "fail"}, &pgproto3.Query{String: "skipped"}, &pgproto3.Sync{}))
	f.Add(enc(&pgproto3.Query{String: "copy"}, &pgproto3.CopyData{Data: []byte("1\ta\n2\\n\n")}, &pgproto3.CopyDone{}))
	f.Add(enc(&pgproto3.Query{String: "copy"}, &pgproto3.CopyFail{Message: "x"}, &pgproto3.FunctionCall{}))
	f.Add([]byte{'B', 0, 0, 0, 4, 'Q', 0, 0, 0, 4, 'S', 0, 0, 0, 4})
	f.Add([]byte{0, 0, 0, 8, 4, 210, 22, 47, 0, 0, 0, 8, 4, 210, 22, 48})
	f.Fuzz(func(t *testing.T, data []byte) {
		body := "user\x00u\x00options\x00-c a=b\x00_pq_.x\x00y\x00\x00"
		good := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
		good = binary.BigEndian.AppendUint32(good, 3<<16)
		talk(t, data)
		talk(t, append(append(good, body...), data...))
	})
}

func talk(t *testing.T, data []byte) {
	t.Helper()
	client, serverSide := net.Pipe()
	s := &Server{Service: echoService{}, Log: slog.New(panicLog{t}), MaxMessage: 1 << 20, AuthTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(context.Background(), serverSide)
	}()
	go func() { _, _ = io.Copy(io.Discard, client) }()
	_ = client.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, _ = client.Write(data)
	client.Close()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("the connection does not end: %q", data)
	}
}

// panicLog fails the test when the server logs an error: a contained panic.
type panicLog struct{ t *testing.T }

func (panicLog) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (p panicLog) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool { p.t.Errorf("%s: %v", a.Key, a.Value); return true })
	return nil
}
func (p panicLog) WithAttrs([]slog.Attr) slog.Handler { return p }
func (p panicLog) WithGroup(string) slog.Handler      { return p }
