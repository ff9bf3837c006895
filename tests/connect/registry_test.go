package connect

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/millracedb/millrace/tests/rig"
)

// guarded puts a door of TLS in front of the real registry. It asks for a user and password, or for a certificate of the
// authority, or for both.
func guarded(t *testing.T, registry string, authority *rig.Authority, user, password string, certificate bool) string {
	t.Helper()
	target, err := url.Parse(registry)
	if err != nil {
		t.Fatal(err)
	}
	path := target.Path
	target.Path = ""
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error_code": 40101, "message": "unauthorized"}`)
			return
		}
		r.Header.Del("Authorization")
		proxy.ServeHTTP(w, r)
	}))
	cert, key := authority.Issue(t, "registry", "127.0.0.1")
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if certificate {
		server.TLS.ClientAuth, server.TLS.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		server.TLS.ClientCAs.AppendCertsFromPEM([]byte(authority.PEM()))
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that are meant to fail
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL + path
}

// A registry behind TLS, a login and client certificates, for sinks that register schemas and streams that fetch them; and
// what is said when it does not let us in, or we do not trust it.
func TestRegistryDoors(t *testing.T) {
	t.Parallel()
	k := rig.SharedKafka(t)
	registry := rig.SharedRegistry(t).URL
	authority, stranger := rig.NewAuthority(t, "registry authority"), rig.NewAuthority(t, "stranger")
	withLogin := guarded(t, registry, authority, "ann", "open sesame", false)
	withCert := guarded(t, registry, authority, "", "", true)
	cert, key := authority.Issue(t, "client")
	s := rig.Millrace(t)
	s.Exec(`CREATE SECRET pw AS 'open sesame'`, `CREATE SECRET key AS '`+key+`'`, `CREATE STREAM numbers (n bigint, t text)`, `INSERT INTO numbers VALUES (1, 'one')`)
	ca := `, schema.registry.ssl.ca.pem = '` + authority.PEM() + `'`
	login := `, schema.registry.username = 'ann', schema.registry.password = SECRET pw`
	papers := `, schema.registry.ssl.certificate.pem = '` + cert + `', schema.registry.ssl.key.pem = SECRET key`
	with := func(topic string) string {
		return ` WITH (connector = 'kafka', topic = '` + topic + `', brokers = '` + k.Addr() + `')`
	}
	at := func(url, more string) string { return ` (schema.registry = '` + url + `'` + more + `)` }
	for _, encode := range []string{"AVRO", "PROTOBUF"} {
		topic := k.NewTopic("guarded", 1)
		name := strings.ToLower(encode)
		s.Exec(`CREATE SINK `+name+`_out FROM numbers`+with(topic)+` FORMAT PLAIN ENCODE `+encode+at(withLogin, ca+login),
			`CREATE STREAM `+name+with(topic)+` FORMAT PLAIN ENCODE `+encode+at(withCert, ca+papers),
			`CREATE STREAM `+name+`_again (n bigint)`+with(topic)+` FORMAT PLAIN ENCODE `+encode+at(withLogin, ca+login))
		expect(t, s, `SELECT n || t FROM `+name, "1one")
		expect(t, s, `SELECT n::text FROM `+name+`_again`, "1")
	}
	topic := k.NewTopic("refused", 1)
	for _, c := range []struct{ name, url, options, code, message, hint string }{
		{"no password", withLogin, ca, "28000", "refuses access", "schema.registry.username"},
		{"wrong password", withLogin, ca + `, schema.registry.username = 'ann', schema.registry.password = 'guess'`, "28000", "refuses access", "schema.registry.password"},
		{"no authority", withLogin, login, "28000", "is not trusted", "schema.registry.ssl.ca.location"},
		{"wrong authority", withLogin, login + `, schema.registry.ssl.ca.pem = '` + stranger.PEM() + `'`, "28000", "is not trusted", "schema.registry.ssl.ca.location"},
		{"another host", strings.Replace(withLogin, "127.0.0.1", "localhost", 1), ca + login, "28000", "of another host", "endpoint.identification"},
		{"no certificate", withCert, ca, "28000", "refused the TLS connection", "schema.registry.ssl.certificate.location"},
		{"TLS to plain text", strings.Replace(registry, "http:", "https:", 1), ca, "08001", "does not speak TLS", "http or https"},
		{"plain text to TLS", strings.Replace(withLogin, "https:", "http:", 1), "", "08001", "HTTPS", "http or https"},
		{"options of TLS without it", registry, ca, "22023", "goes with", ""},
		{"a certificate without its key", withCert, ca + `, schema.registry.ssl.certificate.pem = '` + cert + `'`, "22023", "go together", ""},
		{"no PEM", withLogin, `, schema.registry.ssl.ca.location = '/dev/null'`, "22023", "names no PEM file", ""},
		{"no file", withLogin, `, schema.registry.ssl.ca.location = '/nowhere'`, "58P01", "cannot be read", "PEM"},
	} {
		d := door{name: c.name}
		for _, sql := range []string{`CREATE STREAM refused (n bigint)` + with(topic), `CREATE SINK refused FROM numbers` + with(topic)} {
			d.refuses(t, s, sql+` FORMAT PLAIN ENCODE AVRO`+at(c.url, c.options), c.code, c.message, c.hint)
		}
	}
	s.Exec(`CREATE SINK refused FROM numbers` + with(topic) + ` FORMAT PLAIN ENCODE AVRO` +
		at(strings.Replace(withLogin, "127.0.0.1", "localhost", 1), ca+login+`, schema.registry.ssl.endpoint.identification.algorithm = 'none'`))
	for _, secret := range []string{"open sesame", "guess", "PRIVATE KEY"} {
		if strings.Contains(s.Log(), secret) {
			t.Errorf("the log shows %s", secret)
		}
	}
}
