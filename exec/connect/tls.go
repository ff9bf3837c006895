package connect

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
)

// TLSOptions names the options that say which authorities are trusted and which certificate is shown. Their values are
// PEM text, or files on the server.
type TLSOptions struct {
	CA, Cert, Key string
	Identify      string // https, or none: accepts the certificate of another host
}

// Given returns the first of the options that is in o, "" if none is.
func (n TLSOptions) Given(o map[string]string) string {
	for _, name := range []string{n.CA, n.Cert, n.Key} {
		if _, ok := o[name]; ok {
			return name
		}
	}
	return ""
}

// Config is what the options in o ask for when speaking to a system.
func (n TLSOptions) Config(o map[string]string, system string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if v, ok := o[n.CA]; ok {
		text, err := pemText(n.CA, v)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, "parameter \"%s\" holds no certificate in PEM", n.CA)
		}
	}
	cert, hasCert := o[n.Cert]
	key, hasKey := o[n.Key]
	if hasCert != hasKey {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "parameters \"%s\" and \"%s\" go together", n.Cert, n.Key)
	}
	if hasCert {
		certText, err := pemText(n.Cert, cert)
		if err != nil {
			return nil, err
		}
		keyText, err := pemText(n.Key, key)
		if err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(certText, keyText)
		if err != nil {
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, "the certificate and key for %s cannot be used: %v", system, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	switch v := o[n.Identify]; strings.ToLower(v) {
	case "", "https":
	case "none":
		anyHost(c)
	default:
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "invalid value for parameter \"%s\": \"%s\"", n.Identify, v).
			WithHint("Available values: https, none.")
	}
	return c, nil
}

// anyHost makes c check the chain of a certificate but not the name in it, as Kafka's own clients do with an empty
// ssl.endpoint.identification.algorithm.
func anyHost(c *tls.Config) {
	c.InsecureSkipVerify = true // the chain is checked here
	c.VerifyConnection = func(s tls.ConnectionState) error {
		opts := x509.VerifyOptions{Roots: c.RootCAs, Intermediates: x509.NewCertPool()}
		for _, cert := range s.PeerCertificates[1:] {
			opts.Intermediates.AddCert(cert)
		}
		_, err := s.PeerCertificates[0].Verify(opts)
		return err
	}
}

// maxPEM bounds a PEM file.
const maxPEM = 1 << 20

// pemText returns PEM text that is given itself, or in a file. What is in the file is told to nobody.
func pemText(option, value string) ([]byte, error) {
	if strings.HasPrefix(strings.TrimSpace(value), "-----BEGIN") {
		return []byte(value), nil
	}
	info, err := os.Stat(value)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxPEM) {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "parameter \"%s\" names no PEM file", option)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(value)
	}
	if err != nil {
		return nil, pgerr.Newf(pgerr.UndefinedFile, "the file of parameter \"%s\" cannot be read", option).
			WithHint("Name a PEM file that the server can read, or give the PEM text itself.")
	}
	return text, nil
}
