package server

import (
	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/connect/kafka"
)

// connectors are the kinds of external systems that streams can read.
var connectors = connect.Registry{kafka.Connector}
