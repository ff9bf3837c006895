package kafka

import (
	"net"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Connector is what CREATE STREAM ... WITH (connector = 'kafka', ...) needs.
var Connector = &connect.Connector{
	Name: "kafka",
	Doc:  "reads all partitions of an Apache Kafka topic",
	Options: []connect.Option{
		{Name: "topic", Required: true, Doc: "the topic to read"},
		{Name: optBootstrap, Aliases: []string{"properties.bootstrap.servers", "bootstrap.servers", "brokers"}, Required: true,
			Doc: "addresses of brokers, host:port, divided by commas"},
		{Name: optStart, Default: "earliest", Values: []string{"earliest", "latest", "timestamp", "earliest-offset", "latest-offset"},
			Doc: "where a new stream starts"},
		{Name: optMillis, Aliases: []string{"scan.startup.timestamp-millis", "scan.startup.timestamp_millis"},
			Doc: "with scan.startup.mode = 'timestamp': the first record not older than this, in milliseconds since 1970"},
		{Name: optIsolation, Aliases: []string{"isolation.level"}, Default: "read_committed", Values: []string{"read_committed", "read_uncommitted"},
			Doc: "whether records of open and aborted transactions are read"},
		{Name: "on_offset_loss", Default: "fail", Values: []string{"fail", "earliest", "latest"},
			Doc: "what to do when records that were not read yet are gone: end the source, or go on there"},
		{Name: optClientID, Aliases: []string{"client.id"}, Default: "millrace", Doc: "the client id that brokers log"},
	},
	Open:  open,
	Probe: probe,
}

const (
	optBootstrap = "properties.bootstrap.server"
	optStart     = "scan.startup.mode"
	optMillis    = "scan.startup.timestamp.millis"
	optIsolation = "properties.isolation.level"
	optClientID  = "properties.client.id"
)

// config is WITH (...) understood.
type config struct {
	topic       string
	seeds       []string
	clientID    string
	start       startMode
	startMillis int64
	uncommitted bool
	onLoss      string // fail, earliest, latest
}

type startMode uint8

const (
	earliest startMode = iota
	latest
	timestamp
)

func parseConfig(o map[string]string) (config, error) {
	c := config{topic: o["topic"], clientID: o[optClientID], onLoss: o["on_offset_loss"],
		uncommitted: o[optIsolation] == "read_uncommitted"}
	if c.topic == "" {
		return c, pgerr.New(pgerr.InvalidParameterValue, "parameter \"topic\" must not be empty")
	}
	for _, addr := range strings.Split(o[optBootstrap], ",") {
		addr = strings.TrimSpace(addr)
		host, port, err := net.SplitHostPort(addr)
		if n, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil || n == 0 || host == "" {
			return c, pgerr.Newf(pgerr.InvalidParameterValue, "invalid value for parameter \"%s\": \"%s\"", optBootstrap, addr).
				WithHint("Give addresses as host:port, divided by commas.")
		}
		c.seeds = append(c.seeds, addr)
	}
	switch o[optStart] {
	case "latest", "latest-offset":
		c.start = latest
	case "timestamp":
		c.start = timestamp
	}
	millis, given := o[optMillis]
	if given != (c.start == timestamp) {
		return c, pgerr.Newf(pgerr.InvalidParameterValue, "parameter \"%s\" goes with %s = 'timestamp'", optMillis, optStart).
			WithHint("Give both or neither.")
	}
	if given {
		var err error
		if c.startMillis, err = strconv.ParseInt(millis, 10, 64); err != nil || c.startMillis < 0 {
			return c, pgerr.Newf(pgerr.InvalidParameterValue, "invalid value for parameter \"%s\": \"%s\"", optMillis, millis).
				WithHint("Give milliseconds since 1970.")
		}
	}
	return c, nil
}

// client returns options of any client of this source's brokers.
func (c *config) client() []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(c.seeds...), kgo.ClientID(c.clientID), kgo.DialTimeout(dialTimeout)}
}
