package connect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/millracedb/millrace/tests/rig"
)

// options is the text of WITH options, quoted unless they name a secret.
func options(pairs ...string) string {
	var out strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		value := pairs[i+1]
		if !strings.HasPrefix(value, "SECRET ") {
			value = "'" + value + "'"
		}
		fmt.Fprintf(&out, ", properties.%s = %s", pairs[i], value)
	}
	return out.String()
}

func login(mechanism, user, secret string) string {
	return options("sasl.mechanism", mechanism, "sasl.username", user, "sasl.password", "SECRET "+secret)
}

// door is a way to the broker.
type door struct{ name, addr, options string }

func (d door) stream(name, topic string) string {
	return fmt.Sprintf(`CREATE STREAM %s (n int) WITH (connector = 'kafka', topic = '%s', brokers = '%s'%s)`, name, topic, d.addr, d.options)
}

func (d door) sink(name, from, topic string) string {
	return fmt.Sprintf(`CREATE SINK %s FROM %s WITH (connector = 'kafka', topic = '%s', brokers = '%s'%s) FORMAT PLAIN ENCODE JSON`, name, from, topic, d.addr, d.options)
}

// Through each door of a real broker, with the right papers, records come in and go out; without them a statement says what
// is wrong and makes nothing.
func TestSecurity(t *testing.T) {
	t.Parallel()
	k := rig.SharedKafka(t)
	s := rig.Millrace(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key := k.Authority.Issue(t, rig.Super)
	stranger := rig.NewAuthority(t, "stranger")
	strangeCert, strangeKey := stranger.Issue(t, rig.Super)
	ca := options("ssl.ca.location", file("ca.pem", k.Authority.PEM()))
	client := func(cert, key string) string {
		return ca + options("ssl.certificate.pem", cert, "ssl.key.location", "SECRET "+key)
	}
	s.Exec(`CREATE SECRET pw AS '`+rig.SuperPassword+`'`, `CREATE SECRET guest AS '`+rig.GuestPassword+`'`, `CREATE SECRET wrong AS 'wrong-secret'`,
		`CREATE SECRET key AS '`+key+`'`, `CREATE SECRET strange AS '`+strangeKey+`'`)
	in, out := k.NewTopic("in", 1), k.NewTopic("out", 1)
	k.Produce(in, 1, []byte(`{"n":1}`))
	var want []string
	for _, d := range []door{
		{"tls", k.At("SSL"), ca},
		{"tls_pem", k.At("SSL"), options("security.protocol", "ssl", "ssl.ca.pem", k.Authority.PEM())},
		{"mtls", k.At("MTLS"), client(cert, "key")},
		{"mtls_file", k.At("MTLS"), ca + options("ssl.certificate.location", file("cert.pem", cert), "ssl.key.location", file("key.pem", key))},
		{"plain", k.At("SASL"), login("PLAIN", rig.Super, "pw")},
		{"scram256", k.At("SASL"), login("SCRAM-SHA-256", rig.Super, "pw")},
		{"scram512", k.At("SASL"), login("SCRAM-SHA-512", rig.Super, "pw") + options("security.protocol", "SASL_PLAINTEXT")},
		{"tls_plain", k.At("SASL_SSL"), ca + login("PLAIN", rig.Super, "pw")},
		{"tls_scram512", k.At("SASL_SSL"), ca + login("SCRAM-SHA-512", rig.Super, "pw") + options("security.protocol", "SASL_SSL")},
	} {
		s.Exec(d.stream(d.name, in), d.sink(d.name+"_out", d.name, out))
		want = append(want, `- {"n":1}`)
	}
	rig.Eventually(t, time.Minute, func() error {
		if got := readTopic(t, k.Addr(), out); !slices.Equal(got, want) {
			return fmt.Errorf("%q came through the doors, %q; %q", got, rowsOf(t, s.DSN(), "SELECT name, state, last_error FROM millrace.sources"),
				rowsOf(t, s.DSN(), "SELECT name, state, last_error FROM millrace.sinks"))
		}
		return nil
	})

	s.Exec(`CREATE STREAM local (n int)`)
	for _, c := range []struct {
		door
		code, message, hint string
	}{
		{door{"wrong password", k.At("SASL"), login("PLAIN", rig.Super, "wrong")}, "28P01", "refused the user name or password", "properties.sasl.password"},
		{door{"wrong password", k.At("SASL"), login("SCRAM-SHA-256", rig.Super, "wrong")}, "28P01", "refused the user name or password", "properties.sasl.password"},
		{door{"wrong password", k.At("SASL_SSL"), ca + login("SCRAM-SHA-512", rig.Super, "wrong")}, "28P01", "refused the user name or password", "properties.sasl.password"},
		{door{"nobody", k.At("SASL"), login("SCRAM-SHA-512", "nobody", "pw")}, "28P01", "refused the user name or password", "properties.sasl.username"},
		{door{"wrong authority", k.At("SSL"), options("ssl.ca.pem", stranger.PEM())}, "28000", "is not trusted", "properties.ssl.ca.location"},
		{door{"no authority", k.At("SSL"), options("security.protocol", "ssl")}, "28000", "is not trusted", "properties.ssl.ca.location"},
		{door{"no certificate", k.At("MTLS"), ca}, "28000", "refused the TLS connection", "properties.ssl.certificate.location"},
		{door{"strange certificate", k.At("MTLS"), client(strangeCert, "strange")}, "28000", "refused the TLS connection", "properties.ssl.certificate.location"},
		{door{"plain text to TLS", k.At("SSL"), ""}, "08006", "speaks TLS", "properties.security.protocol"},
		{door{"TLS to plain text", k.Addr(), ca}, "08006", "does not speak TLS", "properties.security.protocol"},
		{door{"no login", k.At("SASL"), ""}, "08006", "closed the connection", "properties.sasl"},
		{door{"login without TLS", k.At("SASL_SSL"), login("PLAIN", rig.Super, "pw")}, "08006", "speaks TLS", "properties.security.protocol"},
		{door{"TLS without login", k.At("SASL_SSL"), ca}, "08006", "closed the connection", "properties.sasl"},
		{door{"login to who asks for none", k.Addr(), login("PLAIN", rig.Super, "pw")}, "28000", "does not take this way of logging in", "properties.sasl.mechanism"},
		{door{"not allowed", k.At("SASL"), login("PLAIN", rig.Guest, "guest")}, "42501", "permission denied for topic", ""},
	} {
		for _, sql := range []string{c.stream("refused", in), c.sink("refused", "local", out)} {
			c.refuses(t, s, sql, c.code, c.message, c.hint)
		}
	}
	if rows := rowsOf(t, s.DSN(), "SELECT name FROM millrace.relations WHERE name = 'refused' UNION ALL SELECT name FROM millrace.sinks WHERE name = 'refused'"); len(rows) > 0 {
		t.Errorf("a refused statement has made %q", rows)
	}
	for _, secret := range []string{rig.SuperPassword, "wrong-secret", "PRIVATE KEY"} {
		if strings.Contains(s.Log(), secret) {
			t.Errorf("the log shows %s", secret)
		}
	}
}

// refuses runs a statement through the door, which must fail in time, with a cause and what to do about it.
func (d door) refuses(t *testing.T, s *rig.Server, sql, code, message, hint string) {
	t.Helper()
	conn := s.Connect()
	defer conn.Close(context.Background())
	began := time.Now()
	_, err := conn.Exec(context.Background(), sql)
	var e *pgconn.PgError
	switch {
	case !errors.As(err, &e):
		t.Errorf("%s, %.20s: got %v, want %s", d.name, sql, err, code)
	case e.Code != code || !strings.Contains(e.Message, message) || !strings.Contains(e.Hint, hint):
		t.Errorf("%s, %.20s: got %s %s (%s)\nwant %s ...%s... (...%s...)", d.name, sql, e.Code, e.Message, e.Hint, code, message, hint)
	}
	if took := time.Since(began); took > 20*time.Second { // half of it is the machine's
		t.Errorf("%s: took %v", d.name, took)
	}
}

// A user without rights is told which ones are missing, and with them everything works.
func TestPermissions(t *testing.T) {
	t.Parallel()
	k := rig.SharedKafka(t)
	s := rig.Millrace(t)
	in, out := k.NewTopic("in", 1), k.NewTopic("out", 1)
	s.Exec(`CREATE SECRET pw AS '` + rig.GuestPassword + `'`)
	guest := door{"guest", k.At("SASL"), login("SCRAM-SHA-256", rig.Guest, "pw")}
	allow := func(acl *kadm.ACLBuilder) {
		t.Helper()
		done, err := kadm.NewClient(k.Client()).CreateACLs(context.Background(), acl.Allow("User:"+rig.Guest).AllowHosts().ResourcePatternType(kadm.ACLPatternLiteral))
		if err == nil && len(done) > 0 {
			err = done[0].Err
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	refused(t, s, "42501", guest.stream("numbers", in))
	allow(kadm.NewACLs().Topics(in).Operations(kadm.OpRead))
	s.Exec(guest.stream("numbers", in))
	k.Produce(in, 1, []byte(`{"n":1}`))
	expect(t, s, `SELECT n::text FROM numbers`, "1")

	exactly := door{"guest", guest.addr, guest.options + options("transactional.id", out)}
	guest.refuses(t, s, exactly.sink("numbers_out", "numbers", out), "42501", "permission denied for topic", "write to the topic")
	allow(kadm.NewACLs().Topics(out).Operations(kadm.OpWrite))
	guest.refuses(t, s, exactly.sink("numbers_out", "numbers", out), "42501", "no right to read", "to read it")
	allow(kadm.NewACLs().Topics(out).Operations(kadm.OpRead))
	guest.refuses(t, s, exactly.sink("numbers_out", "numbers", out), "42501", "permission denied", "transactional id")
	allow(kadm.NewACLs().TransactionalIDs(out).Operations(kadm.OpWrite))
	guest.refuses(t, s, exactly.sink("numbers_out", "numbers", out), "42501", "permission denied", "consumer group")
	allow(kadm.NewACLs().Groups(out).Operations(kadm.OpRead))
	s.Exec(exactly.sink("numbers_out", "numbers", out))
	rig.Eventually(t, 30*time.Second, func() error {
		if got := readTopic(t, k.Addr(), out); len(got) != 1 {
			return fmt.Errorf("the topic holds %q", got)
		}
		return nil
	})
}
