package schema

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/sr"
)

// requestTimeout bounds a request, with its repetitions at the registry's other addresses.
const requestTimeout = 5 * time.Second

// Config is how a registry is reached.
type Config struct {
	URLs           string // divided by commas
	User, Password string
	TLS            *tls.Config // of https; nil: the system's authorities, no certificate of our own
}

// Client is a connection to a registry. It is safe for several goroutines.
type Client struct {
	cl   *sr.Client
	urls string // as shown in errors: without passwords
}

// Type is the language of a schema.
type Type = sr.SchemaType

// The languages.
const (
	Avro     = sr.TypeAvro
	Protobuf = sr.TypeProtobuf
	JSON     = sr.TypeJSON
)

// Schema is a schema and what it needs.
type Schema struct {
	ID   int // 0 if it is not from a registry
	Type Type
	Text string
	// References are the schemas that Text names, each before those that need it.
	References []Reference
}

// Reference is a schema under the name by which another imports it.
type Reference struct {
	Name, Text string
	Subject    string
	Version    int
}

// Open makes a client. It does not use the network.
func Open(c Config) (*Client, error) {
	var urls, shown []string
	for _, u := range strings.Split(c.URLs, ",") {
		u = strings.TrimRight(strings.TrimSpace(u), "/")
		parsed, err := url.Parse(u)
		if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid URL of a schema registry").
				WithHint("Give URLs as http://host:port, divided by commas.")
		}
		if user := parsed.User; user != nil && c.User == "" {
			c.User = user.Username()
			c.Password, _ = user.Password()
		}
		parsed.User = nil
		urls = append(urls, parsed.String())
		shown = append(shown, parsed.Redacted())
	}
	client := &http.Client{Timeout: requestTimeout}
	if c.TLS != nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = c.TLS
		client.Transport = transport
	}
	opts := []sr.ClientOpt{sr.URLs(urls...), sr.UserAgent("millrace"), sr.HTTPClient(client)}
	if c.User != "" {
		opts = append(opts, sr.BasicAuth(c.User, c.Password))
	}
	cl, err := sr.NewClient(opts...)
	if err != nil {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "schema registry: %v", err)
	}
	return &Client{cl: cl, urls: strings.Join(shown, ", ")}, nil
}

// ByID returns the schema with an id.
func (c *Client) ByID(ctx context.Context, id int) (Schema, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	s, err := c.cl.SchemaByID(ctx, id)
	if err != nil {
		return Schema{}, c.fail(err, fmt.Sprintf("schema with id %d", id), "Was the record written with another registry?")
	}
	return c.complete(ctx, id, s)
}

// Latest returns the newest schema of a subject.
func (c *Client) Latest(ctx context.Context, subject string) (Schema, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	s, err := c.cl.SchemaByVersion(ctx, subject, -1)
	if err != nil {
		return Schema{}, c.fail(err, fmt.Sprintf("subject \"%s\"", subject),
			"Register the topic's schema first, or name its subject with schema.registry.subject.")
	}
	return c.complete(ctx, s.ID, s.Schema)
}

// Register makes a schema known under a subject, unless it is, and returns its id.
func (c *Client) Register(ctx context.Context, subject string, s Schema) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	text := sr.Schema{Schema: s.Text, Type: s.Type}
	for _, r := range s.References {
		text.References = append(text.References, sr.SchemaReference{Name: r.Name, Subject: r.Subject, Version: r.Version})
	}
	known, err := c.cl.CreateSchema(ctx, subject, text)
	if err != nil {
		var refused *sr.ResponseError
		if errors.As(err, &refused) && (refused.StatusCode == http.StatusConflict || refused.StatusCode == http.StatusUnprocessableEntity) {
			return 0, pgerr.Newf(pgerr.DatatypeMismatch, "the schema registry refuses the schema of subject \"%s\"", subject).
				WithDetail("%s", refused.Message).
				WithHint("Change the query, the subject, or the subject's compatibility mode.")
		}
		return 0, c.fail(err, fmt.Sprintf("subject \"%s\"", subject), "")
	}
	return known.ID, nil
}

// maxReferences bounds the schemas that one may need.
const maxReferences = 1000

// complete fetches what a schema refers to.
func (c *Client) complete(ctx context.Context, id int, s sr.Schema) (Schema, error) {
	out := Schema{ID: id, Type: s.Type, Text: s.Schema}
	seen := map[string]bool{}
	var add func(refs []sr.SchemaReference) error
	add = func(refs []sr.SchemaReference) error {
		for _, r := range refs {
			if seen[r.Name] {
				continue
			}
			if seen[r.Name] = true; len(seen) > maxReferences {
				return pgerr.Newf(pgerr.ProgramLimitExceeded, "schema %d refers to more than %d others", id, maxReferences)
			}
			part, err := c.cl.SchemaByVersion(ctx, r.Subject, r.Version)
			if err != nil {
				return c.fail(err, fmt.Sprintf("subject \"%s\" version %d", r.Subject, r.Version), "")
			}
			if err := add(part.References); err != nil {
				return err
			}
			out.References = append(out.References, Reference{Name: r.Name, Text: part.Schema.Schema, Subject: r.Subject, Version: r.Version})
		}
		return nil
	}
	return out, add(s.References)
}

// fail says why there was no answer.
func (c *Client) fail(err error, what, hint string) error {
	var refused *sr.ResponseError
	var e *pgerr.Error
	switch {
	case errors.Is(err, context.Canceled):
		return pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request")
	case !errors.As(err, &refused):
		if e := c.tlsError(err); e != nil {
			return e
		}
		return pgerr.Newf(pgerr.UnableToConnect, "could not reach the schema registry at %s: %v", c.urls, cause(err)).
			WithHint("Check schema.registry, and that the registry runs.")
	case refused.StatusCode == http.StatusUnauthorized, refused.StatusCode == http.StatusForbidden:
		return pgerr.Newf(pgerr.InvalidAuthorizationSpec, "the schema registry at %s refuses access", c.urls).
			WithHint("Check schema.registry.username and schema.registry.password.")
	case refused.Message == "": // no registry has written this
		return pgerr.Newf(pgerr.UnableToConnect, "what answers at %s is no schema registry: HTTP status %d, %.100q", c.urls, refused.StatusCode, refused.Raw).
			WithHint("Check schema.registry: http or https, the port, and the path of the API.")
	case refused.StatusCode == http.StatusNotFound:
		e = pgerr.Newf(pgerr.UndefinedObject, "the schema registry at %s has no %s", c.urls, what)
	case refused.StatusCode >= 500:
		return pgerr.Newf(pgerr.ConnectionFailure, "the schema registry at %s failed: %s", c.urls, refused.Message)
	default:
		e = pgerr.Newf(pgerr.InvalidParameterValue, "the schema registry at %s refuses %s: %s", c.urls, what, refused.Message)
	}
	if hint != "" {
		e = e.WithHint("%s", hint)
	}
	return e
}

// tlsError says that the registry was reached, but one does not trust the other; nil if err is something else.
func (c *Client) tlsError(err error) error {
	var certificate *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError // what a check of our own returns is not wrapped
	var host x509.HostnameError
	switch {
	case errors.As(err, &host):
		return pgerr.Newf(pgerr.InvalidAuthorizationSpec, "the certificate of the schema registry at %s is of another host: %v", c.urls, cause(err)).
			WithHint("schema.registry.ssl.endpoint.identification.algorithm = 'none' accepts that.")
	case errors.As(err, &certificate), errors.As(err, &unknown):
		return pgerr.Newf(pgerr.InvalidAuthorizationSpec, "the certificate of the schema registry at %s is not trusted: %v", c.urls, cause(err)).
			WithHint("Give the certificate of its authority in schema.registry.ssl.ca.location.")
	case strings.Contains(err.Error(), "remote error: tls"):
		return pgerr.Newf(pgerr.InvalidAuthorizationSpec, "the schema registry at %s refused the TLS connection: %v", c.urls, cause(err)).
			WithHint("Registries that ask for a certificate get the one of schema.registry.ssl.certificate.location.")
	case errors.Is(err, http.ErrSchemeMismatch):
		return pgerr.Newf(pgerr.UnableToConnect, "the schema registry at %s does not speak TLS", c.urls).
			WithHint("Check schema.registry: http or https, and the port.")
	}
	return nil
}

// cause is an error without the request that it names, whose URL may hold a password.
func cause(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
