package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// brokers is the way to the brokers: the options of clientOptions understood.
type brokers struct {
	seeds    []string
	clientID string
	timeout  time.Duration // to connect
	age      time.Duration // of metadata
	tls      *tls.Config   // nil: none
	login    sasl.Mechanism
}

// client returns options of any client of these brokers.
func (c *brokers) client() []kgo.Opt {
	opts := []kgo.Opt{kgo.SeedBrokers(c.seeds...), kgo.ClientID(c.clientID), kgo.DialTimeout(c.timeout),
		kgo.MetadataMinAge(time.Second), kgo.MetadataMaxAge(c.age)} // at least as often as watch asks
	if c.tls != nil {
		opts = append(opts, kgo.DialTLSConfig(c.tls))
	}
	if c.login != nil {
		opts = append(opts, kgo.SASL(c.login))
	}
	return opts
}

// dial makes a client that ends with ctx: a broker that takes a connection and then says nothing holds up requests for
// longer than their own contexts.
func (c *brokers) dial(ctx context.Context, t *trouble, opts ...kgo.Opt) (*kgo.Client, error) {
	cl, err := kgo.NewClient(slices.Concat(c.client(), opts, []kgo.Opt{kgo.WithContext(ctx), kgo.WithHooks(t)})...)
	if err != nil {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "kafka: %v", err)
	}
	return cl, nil
}

// dialBriefly makes a client for a statement, which does not wait long for brokers that are away.
func (c *brokers) dialBriefly(ctx context.Context, t *trouble) (*kgo.Client, error) {
	return c.dial(ctx, t, kgo.RequestRetries(2), kgo.RetryTimeout(probeTimeout/2))
}

// orCancelled is err, unless the statement was cancelled, which the client tells as a failure.
func orCancelled(statement context.Context, err error) error {
	if err != nil && errors.Is(statement.Err(), context.Canceled) {
		return pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request")
	}
	return err
}

func parseBrokers(o map[string]string) (c brokers, err error) {
	c.clientID = o[optClientID]
	if c.seeds, err = addresses(o[optBootstrap]); err != nil {
		return c, err
	}
	ms, err := number(o, optDialTimeout, 1, 600_000)
	if err != nil {
		return c, err
	}
	c.timeout = time.Duration(ms) * time.Millisecond
	if ms, err = number(o, optMetadataAge, 1000, 3_600_000); err != nil {
		return c, err
	}
	c.age = time.Duration(ms) * time.Millisecond
	withTLS, withLogin, err := protocol(o)
	if err != nil {
		return c, err
	}
	if withTLS {
		if c.tls, err = tlsOptions.Config(o, "Kafka"); err != nil {
			return c, err
		}
	}
	if withLogin {
		c.login, err = parseLogin(o)
	}
	return c, err
}

// tlsOptions are those of clientOptions that are about TLS.
var tlsOptions = connect.TLSOptions{CA: optCA, Cert: optCert, Key: optKey, Identify: optIdentify}

// protocol decides whether to use TLS and whether to log in, and refuses options that contradict that.
func protocol(o map[string]string) (withTLS, withLogin bool, err error) {
	tlsOption := tlsOptions.Given(o)
	loginOption := firstGiven(o, optMechanism, optUsername, optPassword)
	p, given := o[optProtocol]
	if !given {
		return tlsOption != "", loginOption != "", nil
	}
	withTLS, withLogin = strings.HasSuffix(p, "ssl"), strings.HasPrefix(p, "sasl")
	idle := ""
	switch {
	case !withTLS && tlsOption != "":
		idle = tlsOption
	case !withLogin && loginOption != "":
		idle = loginOption
	}
	if idle != "" {
		return false, false, pgerr.Newf(pgerr.InvalidParameterValue, "parameter \"%s\" does not go with %s = '%s'", idle, optProtocol, p)
	}
	return withTLS, withLogin, nil
}

func firstGiven(o map[string]string, names ...string) string {
	for _, n := range names {
		if _, ok := o[n]; ok {
			return n
		}
	}
	return ""
}

func parseLogin(o map[string]string) (sasl.Mechanism, error) {
	user, hasUser := o[optUsername]
	password, hasPassword := o[optPassword]
	mechanism := o[optMechanism]
	switch {
	case mechanism == "":
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "logging in to Kafka needs the parameter \"%s\"", optMechanism).
			WithHint("Available values: plain, scram-sha-256, scram-sha-512.")
	case !hasUser || user == "":
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "logging in to Kafka needs the parameter \"%s\"", optUsername)
	case !hasPassword:
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "logging in to Kafka needs the parameter \"%s\"", optPassword).
			WithHint("Keep the password in a secret: CREATE SECRET name AS '...', then %s = SECRET name.", optPassword)
	}
	switch mechanism {
	case "scram-sha-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism(), nil
	case "scram-sha-512":
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism(), nil
	}
	return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
}
