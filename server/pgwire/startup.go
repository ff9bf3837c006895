package pgwire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millracedb/millrace/sql/pgerr"
)

// Codes of the packets that open a connection; they stand where the protocol version stands.
const (
	codeCancel = 1234<<16 | 5678
	codeSSL    = 1234<<16 | 5679
	codeGSS    = 1234<<16 | 5680

	protocolMajor    = 3
	newestMinor      = 2
	maxStartupPacket = 10000
	alpnProtocol     = "postgresql"
	tlsHandshake     = 0x16 // first byte of a ClientHello: direct TLS
)

// Server speaks the protocol to any number of connections.
type Server struct {
	Service Service
	// TLS, if set, is offered, not required.
	TLS *tls.Config
	// AuthTimeout bounds everything before the session; 0 is a minute.
	AuthTimeout time.Duration
	// MaxMessage bounds a message body; 0 is 256 MiB.
	MaxMessage int
	// Secret makes the salts of users that do not exist.
	Secret []byte
	Log    *slog.Logger
}

// Serve talks to one client until it leaves or ctx ends.
func (s *Server) Serve(ctx context.Context, nc net.Conn) {
	if t, ok := nc.(*net.TCPConn); ok {
		_ = t.SetNoDelay(true)
		_ = t.SetKeepAlive(true)
	}
	_ = nc.SetDeadline(time.Now().Add(cmpOr(s.AuthTimeout, time.Minute)))
	st, raw, err := s.open(nc)
	if raw == nil {
		nc.Close()
		return
	}
	defer raw.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := newConn(raw, cmpOr(s.MaxMessage, 256<<20), cancel)
	if err != nil {
		c.fatal(err)
		return
	}
	if st == nil {
		return // a cancel request, served
	}
	h, err := s.begin(ctx, c, st)
	if err != nil {
		c.fatal(err)
		return
	}
	defer h.Close()
	defer s.contain(c)
	_ = raw.SetDeadline(time.Time{})
	c.loop(h)
}

// contain keeps a panic, which is a bug, to its connection: the other clients go on, and the log has the stack.
func (s *Server) contain(c *Conn) {
	if p := recover(); p != nil {
		s.Log.Error("a connection panicked", "panic", p, "stack", string(debug.Stack()))
		c.fatal(pgerr.Newf(pgerr.Internal, "internal error: %v", p))
	}
}

func cmpOr[T comparable](v, or T) T {
	var zero T
	if v == zero {
		return or
	}
	return v
}

// open reads packets until a startup packet or a cancel request; TLS may be negotiated before. The connection
// returned is the one to speak on, nil if there is nobody to answer. Reads are exact: no byte sent in the clear is
// left over for what follows in TLS.
func (s *Server) open(nc net.Conn) (*Startup, net.Conn, error) {
	var first [1]byte
	if _, err := io.ReadFull(nc, first[:]); err != nil {
		return nil, nil, err
	}
	conn := net.Conn(nc)
	secure := false
	if first[0] == tlsHandshake {
		if s.TLS == nil {
			return nil, nil, errors.New("TLS is not configured")
		}
		t := tls.Server(&prefixed{Conn: nc, prefix: first[:]}, s.TLS)
		if t.Handshake() != nil || t.ConnectionState().NegotiatedProtocol != alpnProtocol {
			return nil, nil, errors.New("direct TLS needs ALPN " + alpnProtocol)
		}
		conn, secure = t, true
		if _, err := io.ReadFull(conn, first[:]); err != nil {
			return nil, nil, err
		}
	}
	for range 4 { // SSL, GSS, then the startup packet
		code, body, err := readPacket(conn, first[0])
		if err != nil {
			return nil, conn, err
		}
		switch code {
		case codeCancel:
			if len(body) >= 8 {
				s.Service.Cancel(binary.BigEndian.Uint32(body), body[4:])
			}
			return nil, conn, nil
		case codeSSL:
			if secure || s.TLS == nil {
				_, err = conn.Write([]byte{'N'})
				break
			}
			if _, err = conn.Write([]byte{'S'}); err != nil {
				break
			}
			t := tls.Server(nc, s.TLS)
			err = t.Handshake()
			conn, secure = t, true
		case codeGSS:
			_, err = conn.Write([]byte{'N'})
		default:
			st, err := parseStartup(code, body)
			if st != nil {
				st.TLS = secure
				st.Remote = nc.RemoteAddr().String()
			}
			return st, conn, err
		}
		if err != nil {
			return nil, nil, err
		}
		if _, err := io.ReadFull(conn, first[:]); err != nil {
			return nil, nil, err
		}
	}
	return nil, conn, ProtocolError("too many negotiation packets")
}

// readPacket reads the rest of a packet without type whose first byte is known.
func readPacket(r io.Reader, first byte) (code uint32, body []byte, err error) {
	head := [4]byte{first}
	if _, err := io.ReadFull(r, head[1:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 8 || n > maxStartupPacket {
		return 0, nil, ProtocolError("invalid length of startup packet")
	}
	body = make([]byte, n-4)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, err
	}
	return binary.BigEndian.Uint32(body), body[4:], nil
}

// parseStartup reads a startup packet. Names with the prefix _pq_. are protocol options; none is known yet.
func parseStartup(version uint32, body []byte) (*Startup, error) {
	if version>>16 != protocolMajor {
		return nil, pgerr.Newf(pgerr.FeatureNotSupported,
			"unsupported frontend protocol %d.%d: server supports %d.0 to %d.%d",
			version>>16, version&0xffff, protocolMajor, protocolMajor, newestMinor)
	}
	st := &Startup{Protocol: int(version & 0xffff)}
	for {
		name, rest, ok := cutString(body)
		if !ok {
			return nil, ProtocolError("invalid startup packet layout: expected terminator as last byte")
		}
		if name == "" {
			if len(rest) != 0 {
				return nil, ProtocolError("invalid startup packet layout: expected terminator as last byte")
			}
			break
		}
		var value string
		if value, body, ok = cutString(rest); !ok {
			return nil, ProtocolError("invalid startup packet layout: expected terminator as last byte")
		}
		switch name {
		case "user":
			st.User = value
		case "database":
			st.Database = value
		default:
			st.Params = append(st.Params, Param{name, value})
		}
	}
	if st.User == "" {
		return nil, pgerr.New(pgerr.InvalidAuthorizationSpec, "no PostgreSQL user name specified in startup packet")
	}
	if st.Database == "" {
		st.Database = st.User
	}
	return st, nil
}

func cutString(b []byte) (string, []byte, bool) {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return "", nil, false
	}
	return string(b[:i]), b[i+1:], true
}

// settle takes protocol options and options=-c out of the parameters, and answers a version newer than ours.
func (st *Startup) settle(c *Conn) error {
	var unknown []string
	var params, options []Param
	for _, p := range st.Params {
		switch {
		case strings.HasPrefix(p.Name, "_pq_."):
			unknown = append(unknown, p.Name)
		case p.Name == "options":
			o, err := parseOptions(p.Value)
			if err != nil {
				return err
			}
			options = append(options, o...)
		case p.Name == "replication":
			if p.Value != "false" && p.Value != "off" && p.Value != "0" && p.Value != "no" {
				return pgerr.Unsupported("replication")
			}
		default:
			params = append(params, p)
		}
	}
	st.Params = append(params, options...)
	if st.Protocol > newestMinor || len(unknown) > 0 {
		st.Protocol = min(st.Protocol, newestMinor)
		c.send(&pgproto3.NegotiateProtocolVersion{
			NewestMinorProtocol: protocolMajor<<16 | uint32(st.Protocol),
			UnrecognizedOptions: unknown,
		})
	}
	return nil
}

// parseOptions reads the command line in options: -c name=value, -cname=value, --name=value; a backslash quotes.
func parseOptions(s string) ([]Param, error) {
	var out []Param
	words := splitOptions(s)
	for i := 0; i < len(words); i++ {
		w := words[i]
		var arg string
		switch {
		case w == "-c" && i+1 < len(words):
			i++
			arg = words[i]
		case strings.HasPrefix(w, "--"):
			arg = w[2:]
		case strings.HasPrefix(w, "-c") && len(w) > 2:
			arg = w[2:]
		default:
			return nil, pgerr.Newf(pgerr.SyntaxError, "invalid command-line argument for server process: %s", w)
		}
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, pgerr.Newf(pgerr.SyntaxError, "-c %s requires a value", arg)
		}
		out = append(out, Param{strings.ReplaceAll(name, "-", "_"), value})
	}
	return out, nil
}

func splitOptions(s string) []string {
	var words []string
	var w []byte
	in := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			w, in = append(w, s[i]), true
		case c == ' ' || c >= '\t' && c <= '\r':
			if in {
				words, w, in = append(words, string(w)), w[:0], false
			}
		default:
			w, in = append(w, c), true
		}
	}
	if in {
		words = append(words, string(w))
	}
	return words
}

// prefixed gives back bytes that were read to look at them.
type prefixed struct {
	net.Conn
	prefix []byte
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.prefix) > 0 {
		n := copy(b, p.prefix)
		p.prefix = p.prefix[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}
