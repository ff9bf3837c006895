package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/connect/format"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const probeTimeout = 10 * time.Second

// probe reaches a broker, finds the topic, and asks the leaders of its partitions for their ends: what Run
// will need, from the addresses that Run will use.
func probe(ctx context.Context, spec connect.StreamSpec) error {
	c, err := parseConfig(spec.Options)
	if err != nil {
		return err
	}
	return orCancelled(ctx, c.probe(ctx, spec))
}

func (c *config) probe(ctx context.Context, spec connect.StreamSpec) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var trouble trouble
	cl, err := c.dialBriefly(ctx, &trouble)
	if err != nil {
		return err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	t, err := topicOf(ctx, adm, c.topic)
	if err != nil {
		return c.connectError(err, &trouble)
	}
	for p := range c.startOffsets {
		if _, ok := t.Partitions[p]; !ok {
			return pgerr.Newf(pgerr.InvalidParameterValue, "topic \"%s\" has no partition %d", c.topic, p).
				WithHint("See parameter \"%s\".", optOffsets)
		}
	}
	if c.errorsTopic != "" {
		letters := *c
		letters.topic = c.errorsTopic
		if _, err := topicOf(ctx, adm, c.errorsTopic); err != nil {
			return letters.connectError(err, &trouble)
		}
	}
	ends, err := adm.ListEndOffsets(ctx, c.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return c.connectError(err, &trouble)
	}
	return format.Check(ctx, formatOf(spec))
}

// topicOf finds a topic that has partitions.
func topicOf(ctx context.Context, adm *kadm.Client, topic string) (kadm.TopicDetail, error) {
	topics, err := adm.ListTopics(ctx, topic)
	if err != nil {
		return kadm.TopicDetail{}, err
	}
	t := topics[topic]
	if t.Err == nil && len(t.Partitions) == 0 {
		t.Err = kerr.UnknownTopicOrPartition
	}
	return t, t.Err
}

// connectError says what is wrong with the topic or the way to it.
func (c *config) connectError(err error, trouble *trouble) error {
	brokers := strings.Join(c.seeds, ", ")
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return pgerr.Newf(pgerr.UndefinedObject, "topic \"%s\" does not exist", c.topic).
			WithDetail("The brokers at %s know no such topic.", brokers).
			WithHint("Create the topic first.")
	case errors.Is(err, kerr.InvalidTopicException):
		return pgerr.Newf(pgerr.InvalidName, "invalid topic name \"%s\"", c.topic)
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return pgerr.Newf(pgerr.InsufficientPrivilege, "permission denied for topic \"%s\"", c.topic)
	case errors.Is(err, context.Canceled):
		return pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request")
	}
	// The client's own error is often only that time ran out: the connection's tells why.
	if cause := trouble.last(); cause != nil {
		err = cause
	}
	if e := c.loginError(err); e != nil {
		return e
	}
	hint := "Check " + optBootstrap + ", and that the addresses the brokers advertise can be reached from this server."
	var dns *net.DNSError
	if errors.As(err, &dns) {
		hint = "Check the host name in " + optBootstrap + "."
	}
	return pgerr.Newf(pgerr.ConnectionFailure, "could not read topic \"%s\" from Kafka at %s: %v", c.topic, brokers, err).WithHint("%s", hint)
}

// loginError says that the brokers were reached but do not let this server in, or are not trusted by it; nil if err is
// something else.
func (c *brokers) loginError(err error) error {
	brokers := strings.Join(c.seeds, ", ")
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var certificate *tls.CertificateVerificationError
	var alert tls.AlertError
	var plaintext tls.RecordHeaderError
	var noHello *kgo.ErrFirstReadEOF
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return pgerr.Newf(pgerr.InvalidPassword, "Kafka at %s refused the user name or password", brokers).
			WithHint("Check %s, %s and %s.", optMechanism, optUsername, optPassword)
	case errors.Is(err, kerr.UnsupportedSaslMechanism), errors.Is(err, kerr.IllegalSaslState):
		return pgerr.Newf(pgerr.InvalidAuthorizationSpec, "Kafka at %s does not take this way of logging in: %v", brokers, err).
			WithHint("Check %s.", optMechanism)
	case errors.As(err, &host):
		return pgerr.Newf(pgerr.InvalidAuthorizationSpec, "the certificate of Kafka at %s is of another host: %v", brokers, err).
			WithHint("%s = 'none' accepts that.", optIdentify)
	case errors.As(err, &unknown), errors.As(err, &certificate):
		return pgerr.Newf(pgerr.InvalidAuthorizationSpec, "the certificate of Kafka at %s is not trusted: %v", brokers, err).
			WithHint("Give the certificate of its authority in %s.", optCA)
	case errors.As(err, &alert), strings.Contains(err.Error(), "remote error: tls"):
		return pgerr.Newf(pgerr.InvalidAuthorizationSpec, "Kafka at %s refused the TLS connection: %v", brokers, err).
			WithHint("Brokers that ask for a certificate get the one of %s.", optCert)
	case errors.As(err, &plaintext), c.tls != nil && errors.As(err, &noHello):
		return pgerr.Newf(pgerr.ConnectionFailure, "Kafka at %s does not speak TLS", brokers).
			WithHint("Check %s, and the port.", optProtocol)
	case strings.Contains(err.Error(), "tls alert record"): // the client's guess, of the bytes it got
		return pgerr.Newf(pgerr.ConnectionFailure, "Kafka at %s speaks TLS", brokers).
			WithHint("Set %s to 'ssl' or 'sasl_ssl', or check the port.", optProtocol)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		if c.login != nil {
			return pgerr.Newf(pgerr.InvalidAuthorizationSpec, "Kafka at %s closed the connection, as some brokers do that refuse a login", brokers).
				WithHint("Check %s, %s and %s, and the port.", optMechanism, optUsername, optPassword)
		}
		return pgerr.Newf(pgerr.ConnectionFailure, "Kafka at %s closed the connection, as brokers do that want a login or TLS", brokers).
			WithHint("Check %s and %s, and the port.", optProtocol, optMechanism)
	}
	return nil
}
