package kafka

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	dialTimeout  = 3 * time.Second
	probeTimeout = 10 * time.Second
)

// probe reaches a broker, finds the topic, and asks the leaders of its partitions for their ends: what Run
// will need, from the addresses that Run will use.
func probe(ctx context.Context, spec connect.StreamSpec) error {
	c, err := parseConfig(spec.Options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var trouble trouble
	cl, err := kgo.NewClient(append(c.client(), kgo.RequestRetries(2), kgo.RetryTimeout(probeTimeout/2), kgo.WithHooks(&trouble))...)
	if err != nil {
		return pgerr.Newf(pgerr.InvalidParameterValue, "kafka: %v", err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	if _, err := topicOf(ctx, adm, c.topic); err != nil {
		return c.connectError(err, &trouble)
	}
	ends, err := adm.ListEndOffsets(ctx, c.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return c.connectError(err, &trouble)
	}
	return nil
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
	hint := "Check " + optBootstrap + ", and that the addresses the brokers advertise can be reached from this server."
	var dns *net.DNSError
	if errors.As(err, &dns) {
		hint = "Check the host name in " + optBootstrap + "."
	}
	return pgerr.Newf(pgerr.ConnectionFailure, "could not read topic \"%s\" from Kafka at %s: %v", c.topic, brokers, err).WithHint("%s", hint)
}
