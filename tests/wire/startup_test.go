package wire

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/binary"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	_ "github.com/lib/pq"

	"github.com/millracedb/millrace/server"
)

// certificate makes a self-signed certificate.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &priv.PublicKey, priv)
	if err != nil {
		t.Fatal(err)
	}
	kb, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, typ string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", kb)
}

func TestPasswordAndTLS(t *testing.T) {
	cert, key := certificate(t)
	s := start(t, func(c *server.Config) { c.Password, c.TLSCert, c.TLSKey = "sésame", cert, key })
	try := func(user, password, mode string) error {
		c, err := pgx.Connect(ctx(t), "host=127.0.0.1 port="+port(s)+" user="+user+" password="+password+
			" database=millrace sslmode="+mode)
		if err == nil {
			_ = c.Close(context.Background())
		}
		return err
	}
	for _, mode := range []string{"disable", "require"} {
		if err := try("millrace", "sésame", mode); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
		for _, user := range []string{"millrace", "nobody"} {
			if err := try(user, "wrong", mode); err == nil || !strings.Contains(err.Error(), "28P01") {
				t.Errorf("%s with a wrong password, %s: %v", user, mode, err)
			}
		}
	}
	db, err := sql.Open("postgres", "host=127.0.0.1 port="+port(s)+" user=millrace password=sésame dbname=millrace sslmode=require")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var two int
	if err := db.QueryRow("SELECT 1 + $1::int", 1).Scan(&two); err != nil || two != 2 {
		t.Errorf("lib/pq: %d %v", two, err)
	}
	// Direct TLS: the handshake comes first, and ALPN names the protocol.
	for proto, want := range map[string]bool{"postgresql": true, "": false} {
		cfg := &tls.Config{InsecureSkipVerify: true}
		if proto != "" {
			cfg.NextProtos = []string{proto}
		}
		tc, err := tls.Dial("tcp", s.Addr().String(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		f := pgproto3.NewFrontend(tc, tc)
		f.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": "millrace"}})
		_ = f.Flush()
		_ = tc.SetDeadline(time.Now().Add(10 * time.Second))
		_, err = f.Receive()
		if (err == nil) != want {
			t.Errorf("direct TLS with ALPN %q: %v", proto, err)
		}
		tc.Close()
	}
}

func port(s *server.Server) string {
	_, p, _ := net.SplitHostPort(s.Addr().String())
	return p
}

// TestAlterUser: a password set in SQL is asked for from then on.
func TestAlterUser(t *testing.T) {
	s := start(t)
	c := connect(t, s)
	exec(t, c, "CREATE USER app PASSWORD 'secret'")
	for password, want := range map[string]string{"secret": "", "guess": "28P01"} {
		c, err := pgx.Connect(ctx(t), "postgres://app:"+password+"@"+s.Addr().String()+"/millrace?sslmode=disable")
		if want == "" {
			if err != nil {
				t.Errorf("the right password: %v", err)
				continue
			}
			if u := value(t, c, "SELECT current_user"); u != "app" {
				t.Errorf("current_user is %s", u)
			}
			c.Close(context.Background())
		} else if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a wrong password: %v", err)
		}
	}
}

func TestListenRules(t *testing.T) {
	_, err := server.Start(server.Config{DataDir: t.TempDir(), Listen: "0.0.0.0:0"})
	if err == nil || !strings.Contains(err.Error(), "password") {
		t.Errorf("listening everywhere without a password: %v", err)
	}
	start(t, func(c *server.Config) { c.Listen, c.Password = "0.0.0.0:0", "x" })
}

func TestStartupErrors(t *testing.T) {
	s := start(t)
	for _, q := range []struct{ dsn, code string }{
		{"postgres://millrace@" + s.Addr().String() + "/other?sslmode=disable", "3D000"},
		{"postgres://nobody@" + s.Addr().String() + "/millrace?sslmode=disable", "28000"},
		{dsn(s, "&nosuch=1"), "42704"},
		{dsn(s, "&timezone=Nowhere"), "22023"},
	} {
		_, err := pgx.Connect(ctx(t), q.dsn)
		if err == nil || !strings.Contains(err.Error(), q.code) {
			t.Errorf("%s: %v, want %s", q.dsn, err, q.code)
		}
	}
}

// packet is a packet without type byte: length, code, body.
func packet(code uint32, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
	b = binary.BigEndian.AppendUint32(b, code)
	return append(b, body...)
}

func TestNegotiation(t *testing.T) {
	s := start(t)
	for _, q := range []struct {
		name string
		send []byte
		want string // what the server answers: raw bytes, then message types up to Z
	}{
		{"no TLS here", packet(80877103, ""), "N"},
		{"no GSS here", packet(80877104, ""), "N"},
		{"3.2", packet(3<<16|2, "user\x00millrace\x00\x00"), "RSSSSSSSSSSSSSKZ"},
		{"newer than known", packet(3<<16|9999, "user\x00millrace\x00\x00"), "vRSSSSSSSSSSSSSKZ"},
		{"unknown option", packet(3<<16, "user\x00millrace\x00_pq_.x\x001\x00\x00"), "vRSSSSSSSSSSSSSKZ"},
		{"too old", packet(2<<16, "user\x00millrace\x00\x00"), "E"},
		{"no user", packet(3<<16, "database\x00x\x00\x00"), "E"},
		{"no end", packet(3<<16, "user\x00millrace"), "E"},
		{"too long", []byte{0x7f, 0xff, 0xff, 0xff}, "E"},
		{"too short", []byte{0, 0, 0, 4}, "E"},
		{"nonsense", []byte("GET / HTTP/1.1\r\n\r\n"), "E"},
	} {
		r := dial(t, s)
		if _, err := r.conn.Write(q.send); err != nil {
			t.Fatal(err)
		}
		if q.want == "N" {
			b := make([]byte, 1)
			if _, err := r.conn.Read(b); err != nil || b[0] != 'N' {
				t.Errorf("%s: %q %v", q.name, b, err)
			}
			continue
		}
		var got []byte
		for len(got) < len(q.want) {
			m, err := r.Receive()
			if err != nil {
				t.Errorf("%s: after %q: %v", q.name, got, err)
				break
			}
			got = append(got, letter(m))
			if k, ok := m.(*pgproto3.BackendKeyData); ok && strings.HasPrefix(q.name, "3.2") && len(k.SecretKey) != 32 {
				t.Errorf("%s: a cancel key of %d bytes", q.name, len(k.SecretKey))
			}
		}
		if string(got) != q.want {
			t.Errorf("%s: %q, want %q", q.name, got, q.want)
		}
	}
}

// TestTooLongMessage: a length beyond the limit is refused before anything of that size is read.
func TestTooLongMessage(t *testing.T) {
	r := login(t, start(t))
	if _, err := r.conn.Write([]byte{'Q', 0x7f, 0xff, 0xff, 0xff}); err != nil {
		t.Fatal(err)
	}
	if got := r.until('Z'); got != "E!" {
		t.Errorf("answers %q, want an error and the end", got)
	}
}
