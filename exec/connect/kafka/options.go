package kafka

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// sourceOptions are the keys of WITH (...) that only a source has.
var sourceOptions = []connect.Option{
	{Name: "topic", Required: true, Doc: "the topic to read"},
	{Name: optStart, Default: "earliest", Values: []string{"earliest", "latest", "timestamp", "offsets", "earliest-offset", "latest-offset", "specific-offsets"},
		Doc: "where a new stream starts"},
	{Name: optMillis, Aliases: []string{"scan.startup.timestamp-millis", "scan.startup.timestamp_millis"},
		Doc: "with scan.startup.mode = 'timestamp': the first record not older than this, in milliseconds since 1970"},
	{Name: optOffsets, Aliases: []string{"scan.startup.specific-offsets"},
		Doc: "with scan.startup.mode = 'offsets': partition:offset, divided by commas; a partition that is not named starts at its earliest record"},
	{Name: optIsolation, Aliases: []string{"isolation.level"}, Default: "read_committed", Values: []string{"read_committed", "read_uncommitted"},
		Doc: "whether records of open and aborted transactions are read"},
	{Name: "on_offset_loss", Default: "fail", Values: []string{"fail", "earliest", "latest"},
		Doc: "what to do when records that were not read yet are gone: end the source, or go on there"},
	{Name: optErrorsTopic, Doc: "a topic that bad records are copied to, with the reason in their headers"},
	{Name: optGroupID, Aliases: []string{"group.id"},
		Doc: "a consumer group under which committed offsets are published for lag tools; they are never read back"},
	{Name: optFetchMin, Default: "1", Doc: "the least bytes a broker answers a fetch with"},
	{Name: optFetchMax, Default: "1048576", Doc: "the most bytes of one fetch"},
	{Name: optFetchWait, Aliases: []string{"properties.fetch.wait.max.ms"}, Default: "500",
		Doc: "how long, in milliseconds, a broker waits for properties.fetch.min.bytes"},
	{Name: optPartitionMax, Aliases: []string{"properties.fetch.message.max.bytes"}, Default: "1048576",
		Doc: "the most bytes of one partition in one fetch"},
	{Name: optRack, Doc: "the rack of this server, so that a follower in it is read"},
}

// clientOptions are the keys that say how brokers are reached; sinks have them too.
var clientOptions = []connect.Option{
	{Name: optBootstrap, Aliases: []string{"properties.bootstrap.servers", "bootstrap.servers", "brokers"}, Required: true,
		Doc: "addresses of brokers, host:port, divided by commas"},
	{Name: optClientID, Aliases: []string{"client.id"}, Default: "millrace", Doc: "the client id that brokers log"},
	{Name: optProtocol, Values: []string{"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"},
		Doc: "how brokers are spoken to; without it, what the other options ask for"},
	{Name: optMechanism, Aliases: []string{"properties.sasl.mechanisms"}, Values: []string{"plain", "scram-sha-256", "scram-sha-512"},
		Doc: "how to log in"},
	{Name: optUsername, Doc: "the user to log in as"},
	{Name: optPassword, Secret: true, Doc: "the password"},
	{Name: optCA, Aliases: []string{"properties.ssl.ca.pem"},
		Doc: "certificates of the authorities that brokers are trusted by: a PEM file on the server, or PEM text; without it, the system's"},
	{Name: optCert, Aliases: []string{"properties.ssl.certificate.pem"}, Doc: "the certificate to show (mTLS): a PEM file, or PEM text"},
	{Name: optKey, Aliases: []string{"properties.ssl.key.pem"}, Secret: true, Doc: "the certificate's private key: a PEM file, or PEM text"},
	{Name: optIdentify, Default: "https", Values: []string{"https", "none"},
		Doc: "'none' accepts a broker whose certificate is of another host"},
	{Name: optDialTimeout, Default: "3000", Doc: "how long, in milliseconds, a connection may take"},
	{Name: optMetadataAge, Default: "300000", Doc: "how old, in milliseconds, what is known of the cluster may be"},
}

// Connector is what CREATE STREAM ... WITH (connector = 'kafka', ...) needs.
var Connector = &connect.Connector{
	Name:    "kafka",
	Doc:     "reads all partitions of an Apache Kafka topic",
	Options: slices.Concat(sourceOptions, clientOptions),
	Open:    open,
	Probe:   probe,
	Infer:   infer,
	Sink:    sinkKind,
}

const (
	optBootstrap    = "properties.bootstrap.server"
	optStart        = "scan.startup.mode"
	optMillis       = "scan.startup.timestamp.millis"
	optOffsets      = "scan.startup.offsets"
	optIsolation    = "properties.isolation.level"
	optClientID     = "properties.client.id"
	optGroupID      = "properties.group.id"
	optErrorsTopic  = "errors.topic"
	optFetchMin     = "properties.fetch.min.bytes"
	optFetchMax     = "properties.fetch.max.bytes"
	optFetchWait    = "properties.fetch.max.wait.ms"
	optPartitionMax = "properties.max.partition.fetch.bytes"
	optRack         = "properties.client.rack"
	optProtocol     = "properties.security.protocol"
	optMechanism    = "properties.sasl.mechanism"
	optUsername     = "properties.sasl.username"
	optPassword     = "properties.sasl.password"
	optCA           = "properties.ssl.ca.location"
	optCert         = "properties.ssl.certificate.location"
	optKey          = "properties.ssl.key.location"
	optIdentify     = "properties.ssl.endpoint.identification.algorithm"
	optDialTimeout  = "properties.socket.connection.setup.timeout.ms"
	optMetadataAge  = "properties.metadata.max.age.ms"
)

// config is WITH (...) understood.
type config struct {
	brokers
	topic        string
	start        startMode
	startMillis  int64
	startOffsets connect.Offsets
	uncommitted  bool
	onLoss       string // fail, earliest, latest
	group        string // offsets are published under it; "": not
	errorsTopic  string // bad records are copied to it; "": not
	fetch        []kgo.Opt
}

type startMode uint8

const (
	earliest startMode = iota
	latest
	timestamp
	explicit
)

func parseConfig(o map[string]string) (config, error) {
	c := config{topic: o["topic"], onLoss: o["on_offset_loss"], group: o[optGroupID], errorsTopic: o[optErrorsTopic],
		uncommitted: o[optIsolation] == "read_uncommitted"}
	if c.topic == "" {
		return c, pgerr.New(pgerr.InvalidParameterValue, "parameter \"topic\" must not be empty")
	}
	if c.errorsTopic == c.topic {
		return c, pgerr.Newf(pgerr.InvalidParameterValue, "parameter \"%s\" must not name the topic that is read", optErrorsTopic)
	}
	var err error
	if c.brokers, err = parseBrokers(o); err != nil {
		return c, err
	}
	if err := c.parseStart(o); err != nil {
		return c, err
	}
	return c, c.parseFetch(o)
}

// parseStart reads where a new stream starts.
func (c *config) parseStart(o map[string]string) error {
	switch o[optStart] {
	case "latest", "latest-offset":
		c.start = latest
	case "timestamp":
		c.start = timestamp
	case "offsets", "specific-offsets":
		c.start = explicit
	}
	millis, err := goesWith(o, optMillis, c.start == timestamp, "timestamp")
	if err != nil {
		return err
	}
	offsets, err := goesWith(o, optOffsets, c.start == explicit, "offsets")
	if err != nil {
		return err
	}
	if c.start == timestamp {
		if c.startMillis, err = strconv.ParseInt(millis, 10, 64); err != nil || c.startMillis < 0 {
			return invalid(optMillis, millis).WithHint("Give milliseconds since 1970.")
		}
	}
	if c.start == explicit {
		c.startOffsets, err = parseOffsets(offsets)
	}
	return err
}

// goesWith reads an option that one start mode needs and the others refuse.
func goesWith(o map[string]string, name string, needed bool, mode string) (string, error) {
	v, given := o[name]
	if given != needed {
		return "", pgerr.Newf(pgerr.InvalidParameterValue, "parameter \"%s\" goes with %s = '%s'", name, optStart, mode).
			WithHint("Give both or neither.")
	}
	return v, nil
}

// parseOffsets reads '0:100,1:200', also in Flink's spelling 'partition:0,offset:100;partition:1,offset:200'.
func parseOffsets(s string) (connect.Offsets, error) {
	bad := invalid(optOffsets, s).WithHint("Give partition:offset, divided by commas, as in '0:100,1:200'.")
	if strings.Contains(s, ";") || strings.HasPrefix(s, "partition:") {
		s = strings.NewReplacer(",offset:", ":", "partition:", "", ";", ",").Replace(s)
	}
	out := connect.Offsets{}
	for _, pair := range strings.Split(s, ",") {
		p, o, ok := strings.Cut(strings.TrimSpace(pair), ":")
		partition, err1 := strconv.ParseInt(strings.TrimSpace(p), 10, 32)
		offset, err2 := strconv.ParseInt(strings.TrimSpace(o), 10, 64)
		if !ok || err1 != nil || err2 != nil || partition < 0 || offset < 0 {
			return nil, bad
		}
		if _, twice := out[int32(partition)]; twice {
			return nil, bad
		}
		out[int32(partition)] = offset
	}
	return out, nil
}

// parseFetch reads how records are fetched.
func (c *config) parseFetch(o map[string]string) error {
	n := map[string]int{}
	for _, x := range []struct {
		name        string
		least, most int
	}{{optFetchMin, 1, 1 << 30}, {optFetchMax, 1, 1 << 30}, {optFetchWait, 10, 600_000}, {optPartitionMax, 1, 1 << 30}} {
		var err error
		if n[x.name], err = number(o, x.name, x.least, x.most); err != nil {
			return err
		}
	}
	if n[optFetchMin] > n[optFetchMax] {
		return pgerr.Newf(pgerr.InvalidParameterValue, "parameter \"%s\" must not be greater than \"%s\"", optFetchMin, optFetchMax)
	}
	c.fetch = []kgo.Opt{
		kgo.FetchIsolationLevel(c.isolation()),
		kgo.FetchMinBytes(int32(n[optFetchMin])), kgo.FetchMaxBytes(int32(n[optFetchMax])),
		kgo.FetchMaxWait(time.Duration(n[optFetchWait]) * time.Millisecond),
		kgo.FetchMaxPartitionBytes(int32(min(n[optPartitionMax], n[optFetchMax]))),
		kgo.BrokerMaxReadBytes(int32(min(max(100<<20, 2*n[optFetchMax]), 1<<30))),
		kgo.Rack(o[optRack]),
	}
	return nil
}

// number reads a whole number between least and most.
func number(o map[string]string, name string, least, most int) (int, error) {
	n, err := strconv.Atoi(o[name])
	if err != nil || n < least || n > most {
		return 0, invalid(name, o[name]).WithHint("Give a whole number between %d and %d.", least, most)
	}
	return n, nil
}

func invalid(name, value string) *pgerr.Error {
	return pgerr.Newf(pgerr.InvalidParameterValue, "invalid value for parameter \"%s\": \"%s\"", name, value)
}

// addresses reads the list of brokers.
func addresses(list string) ([]string, error) {
	var out []string
	for _, addr := range strings.Split(list, ",") {
		addr = strings.TrimSpace(addr)
		host, port, err := net.SplitHostPort(addr)
		if n, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil || n == 0 || host == "" {
			return nil, invalid(optBootstrap, addr).WithHint("Give addresses as host:port, divided by commas.")
		}
		out = append(out, addr)
	}
	return out, nil
}

// isolation is whether records of open and aborted transactions are read.
func (c *config) isolation() kgo.IsolationLevel {
	if c.uncommitted {
		return kgo.ReadUncommitted()
	}
	return kgo.ReadCommitted()
}
